//! Operations on a database that crashes, whose calls fail, and that is opened again, beside a map of maps.

use std::collections::BTreeMap;

use unbolt::{Db, Entry, Error, OpenOptions, WriteTx};

use crate::states::enumerate::{Depth, states};
use crate::states::fault::{Fault, Faulty, Kind};
use crate::states::record::Recorder;
use crate::states::world::World;

/// Does what the input says, two to four bytes for each operation.
pub fn ops(data: &[u8]) {
    let (mut run, mut input) = (Run::new(), data.iter().copied());
    while let Some(op) = input.next() {
        let mut next = || input.next().unwrap_or_default();
        match op % 16 {
            0..=4 => run.put(next() % 3, next(), next()),
            5 | 6 => run.delete(next() % 3, next()),
            7 => run.delete_bucket(next() % 3),
            8..=11 => run.commit(),
            12 => run.tx = None,
            13 => run.reopen(),
            14 => run.crash(next()),
            _ => run.plant(next(), next()),
        }
    }
    run.crash(0);
}

/// What is in the buckets.
type Content = BTreeMap<u8, BTreeMap<u8, Vec<u8>>>;

struct Run {
    options: OpenOptions,
    start: World,
    disk: Faulty,
    db: Option<Db>,
    tx: Option<(WriteTx, Content)>,
    /// What the last acknowledged commit left, and what one that may be there would have.
    committed: Content,
    uncertain: Option<Content>,
    marks: usize,
}

impl Run {
    fn new() -> Run {
        let mut options = Db::options();
        options.page_size(1024).growth_step(4096);
        let disk = Faulty::new(Recorder::new(None), None);
        let db = Some(options.open_in(&disk, "db").expect("nothing fails"));
        disk.recorder.mark(1);
        Run { options, start: World::default(), disk, db, tx: None, committed: Content::new(), uncertain: None, marks: 1 }
    }

    /// The transaction that writes, and what there is in it.
    fn writing(&mut self) -> (&mut WriteTx, &mut Content) {
        if self.tx.is_none() {
            let begun = self.db.as_ref().expect("open").begin_write().expect("it was opened again after a failure");
            self.tx = Some((begun, self.committed.clone()));
        }
        self.tx.as_mut().map(|(tx, content)| (tx, content)).expect("just begun")
    }

    fn put(&mut self, bucket: u8, key: u8, len: u8) {
        let (tx, content) = self.writing();
        let value = vec![key; usize::from(len) * if len > 250 { 40 } else { 1 }];
        let mut held = tx.create_bucket_if_missing([bucket]).expect("a bucket");
        held.put([key], &value).expect("a pair");
        content.entry(bucket).or_default().insert(key, value);
    }

    fn delete(&mut self, bucket: u8, key: u8) {
        let (tx, content) = self.writing();
        let Some(pairs) = content.get_mut(&bucket) else { return };
        let deleted = tx.bucket_mut([bucket]).and_then(|mut bucket| bucket.delete([key])).expect("a bucket");
        assert_eq!(deleted, pairs.remove(&key).is_some());
    }

    fn delete_bucket(&mut self, bucket: u8) {
        let (tx, content) = self.writing();
        assert_eq!(tx.delete_bucket([bucket]).is_ok(), content.remove(&bucket).is_some());
    }

    fn commit(&mut self) {
        let Some((tx, content)) = self.tx.take() else { return };
        let (committed, failed) = (tx.commit(), self.disk.take_failed());
        match committed {
            Ok(()) => {
                self.committed = content;
                self.marks += 1;
                // All earlier states were looked at, or not, before this commit.
                self.disk.recorder.settle(&mut self.start);
                self.disk.recorder.mark(self.marks);
            }
            Err(error) => {
                assert!(failed.is_some(), "{error:?}");
                let db = self.db.as_ref().expect("open");
                assert_eq!(read(db), self.committed, "readers see something else");
                match db.begin_write() {
                    Ok(_) => assert!(matches!(error, Error::Io { .. }), "{error:?}"),
                    Err(Error::Poisoned) => {
                        self.uncertain = matches!(error, Error::CommitUnknown { .. }).then_some(content);
                        self.crash(7);
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }

    fn reopen(&mut self) {
        (self.tx, self.db) = (None, None);
        let opened = self.options.open_in(&self.disk, "db").or_else(|e| {
            assert!(self.disk.take_failed().is_some(), "{e:?}");
            self.disk.heal();
            self.options.open_in(&self.disk, "db")
        });
        let db = opened.expect("nothing fails any more");
        assert_eq!(read(&db), self.committed);
        self.db = Some(db);
    }

    /// The system stops; of what was done since the last sync a part is there.
    fn crash(&mut self, which: u8) {
        (self.tx, self.db) = (None, None);
        let (mut left, mut world, marks) = (u32::from(which) * 3, None, self.marks);
        let ops = self.disk.recorder.ops();
        states(&self.start, &ops, 1024, Depth { all_of: 5, samples: 3 }, &mut |_| true, &mut |state| {
            if state.mark == marks {
                world = Some(state.world.settled());
                left = left.saturating_sub(1);
            }
            left > 0 || state.mark < marks
        });
        self.start = world.expect("nothing lost is one of them");
        self.disk = Faulty::new(Recorder::over(&self.start, None), None);
        let db = self.options.open_in(&self.disk, "db").expect("it can be opened");
        self.disk.recorder.mark(1);
        let found = read(&db);
        let known = found == self.committed || self.uncertain.as_ref() == Some(&found);
        assert!(known, "{found:?} is neither {:?} nor {:?}", self.committed, self.uncertain);
        (self.committed, self.uncertain, self.marks, self.db) = (found, None, 1, Some(db));
    }

    fn plant(&mut self, at: u8, kind: u8) {
        let kinds = [Kind::Failed, Kind::Full, Kind::Short, Kind::Interrupted];
        let kind = kinds[usize::from(kind % 4)];
        self.disk.plant(Fault { at: 1 + usize::from(at % 12), kind, lasts: at > 200 && kind != Kind::Interrupted });
    }
}

fn read(db: &Db) -> Content {
    let tx = db.begin_read().expect("a transaction");
    let root = tx.root().expect("a root");
    let buckets = root.iter().map(|pair| match pair.expect("a bucket") {
        (name, Entry::Bucket(bucket)) => {
            let pairs = bucket.iter().map(|pair| pair.expect("a pair"));
            (name[0], pairs.map(|(key, entry)| (key[0], entry.value().expect("a value").to_vec())).collect())
        }
        (name, other) => panic!("{name:?}: {other:?}"),
    });
    buckets.collect()
}
