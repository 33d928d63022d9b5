//! Whatever is done to a database, in whatever order, it holds what a tree of maps holds to which the same was done:
//! in the transaction that does it, in every transaction after it, and in readers that began before it.

mod twin;

use std::sync::Arc;

use quickcheck::{Arbitrary, Gen, QuickCheck};
use tempfile::TempDir;
use twin::{At, Held, Path, Step, Twin, assert_same, assert_sound};
use unbolt::{Backing, BucketMut, Db, Error, FreelistMode, MemoryDisk, OpenOptions, ReadTx, Verify, WriteTx};

/// One thing that is done. Numbers choose among what is there: a bucket, a key, a place.
#[derive(Debug, Clone)]
enum Op {
    Put {
        bucket: u16,
        key: u16,
        len: u16,
    },
    /// Many keys in order, as a bulk load puts them.
    Fill {
        bucket: u16,
        from: u16,
        count: u8,
        len: u16,
    },
    Delete {
        bucket: u16,
        key: u16,
    },
    /// Moves of a cursor, every other one followed by a delete.
    CursorDelete {
        bucket: u16,
        steps: Vec<u16>,
    },
    Retain {
        bucket: u16,
        every: u8,
    },
    DeleteRange {
        bucket: u16,
        from: u16,
        to: u16,
    },
    Create {
        bucket: u16,
        name: u16,
        if_missing: bool,
    },
    DeleteBucket {
        bucket: u16,
        name: u16,
    },
    Rename {
        bucket: u16,
        from: u16,
        to: u16,
    },
    Move {
        from: u16,
        name: u16,
        to: u16,
    },
    SetSequence {
        bucket: u16,
        to: u64,
    },
    NextSequence {
        bucket: u16,
    },
    FillPercent {
        bucket: u16,
        percent: u8,
    },
    Read,
    EndRead {
        reader: u16,
    },
    Rollback,
    Commit,
    Reopen {
        how: u16,
    },
}

impl Arbitrary for Op {
    fn arbitrary(g: &mut Gen) -> Op {
        let (bucket, key, name) = (u16::arbitrary(g), u16::arbitrary(g), u16::arbitrary(g));
        let len = match u8::arbitrary(g) {
            // Several pages.
            0..6 => 1000 + u16::arbitrary(g) % 4000,
            6..60 => u16::arbitrary(g) % 400,
            _ => u16::arbitrary(g) % 40,
        };
        match u8::arbitrary(g) % 100 {
            0..20 => Op::Put { bucket, key, len },
            20..34 => Op::Fill { bucket, from: key, count: u8::arbitrary(g), len },
            34..42 => Op::Delete { bucket, key },
            42..47 => Op::CursorDelete { bucket, steps: Arbitrary::arbitrary(g) },
            47..50 => Op::Retain { bucket, every: u8::arbitrary(g) % 6 },
            50..54 => Op::DeleteRange { bucket, from: key, to: name },
            54..64 => Op::Create { bucket, name, if_missing: bool::arbitrary(g) },
            64..67 => Op::DeleteBucket { bucket, name },
            67..70 => Op::Rename { bucket, from: name, to: key },
            70..74 => Op::Move { from: bucket, name, to: key },
            74..76 => Op::SetSequence { bucket, to: u64::arbitrary(g) },
            76..78 => Op::NextSequence { bucket },
            78..80 => Op::FillPercent { bucket, percent: u8::arbitrary(g) % 120 },
            80..84 => Op::Read,
            84..86 => Op::EndRead { reader: key },
            86..88 => Op::Rollback,
            88..98 => Op::Commit,
            _ => Op::Reopen { how: key },
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Op>> {
        match self.clone() {
            Op::Fill { bucket, from, count, len } => {
                Box::new((count, len).shrink().map(move |(count, len)| Op::Fill { bucket, from, count, len }))
            }
            Op::Put { bucket, key, len } => {
                Box::new((bucket, key, len).shrink().map(|(bucket, key, len)| Op::Put { bucket, key, len }))
            }
            Op::CursorDelete { bucket, steps } => Box::new(steps.shrink().map(move |steps| Op::CursorDelete { bucket, steps })),
            _ => Box::new(std::iter::empty()),
        }
    }
}

/// A key: most are short, some are longer than a quarter of a page, none is a prefix of all others.
fn key(number: u16) -> Vec<u8> {
    let number = number % 500;
    let tail = if number.is_multiple_of(37) { usize::from(number) % 300 } else { usize::from(number) % 9 };
    [format!("key-{number:03}").into_bytes(), vec![b'x'; tail]].concat()
}

/// The name of a bucket: few there are, and some are keys of values too. One is empty.
fn name(number: u16) -> Vec<u8> {
    match number % 12 {
        0 => Vec::new(),
        few @ 1..8 => format!("bucket-{few}").into_bytes(),
        few => key(few * 7),
    }
}

fn value(key: &[u8], len: u16) -> Vec<u8> {
    key.iter().copied().cycle().take(len.into()).collect()
}

/// Why a call failed, or would have.
type Outcome<T = ()> = Result<T, &'static str>;

fn outcome<T>(result: unbolt::Result<T>) -> Outcome<T> {
    result.map_err(|e| match e {
        Error::KeyRequired => "key required",
        Error::BucketNameRequired => "name required",
        Error::BucketExists { .. } => "exists",
        Error::BucketNotFound { .. } => "not found",
        Error::IncompatibleValue { .. } => "incompatible",
        Error::MoveIntoItself { .. } => "into itself",
        other => panic!("{other:?}"),
    })
}

impl Twin {
    fn put(&mut self, key: &[u8], value: Vec<u8>) -> Outcome {
        match self.entries.get(key) {
            Some(Held::Bucket(_)) => Err("incompatible"),
            _ => {
                drop(self.entries.insert(key.into(), Held::Value(value)));
                Ok(())
            }
        }
    }

    fn delete(&mut self, key: &[u8]) -> Outcome<bool> {
        match self.entries.get(key) {
            Some(Held::Bucket(_)) => Err("incompatible"),
            _ => Ok(self.entries.remove(key).is_some()),
        }
    }

    /// Deletes the values that are wanted gone, and counts them.
    fn delete_where(&mut self, gone: impl Fn(&[u8]) -> bool) -> u64 {
        let before = self.entries.len();
        self.entries.retain(|key, held| matches!(held, Held::Bucket(_)) || !gone(key));
        (before - self.entries.len()) as u64
    }

    fn create(&mut self, name: &[u8], if_missing: bool) -> Outcome {
        match self.entries.get(name) {
            _ if name.is_empty() => Err("name required"),
            Some(Held::Value(_)) => Err("incompatible"),
            Some(Held::Bucket(_)) if if_missing => Ok(()),
            Some(Held::Bucket(_)) => Err("exists"),
            None => {
                drop(self.entries.insert(name.into(), Held::Bucket(Twin::default())));
                Ok(())
            }
        }
    }

    fn take_bucket(&mut self, name: &[u8]) -> Outcome<Twin> {
        match self.entries.remove(name) {
            Some(Held::Bucket(bucket)) => Ok(bucket),
            Some(value) => {
                self.entries.insert(name.into(), value);
                Err("incompatible")
            }
            None => Err("not found"),
        }
    }

    /// Moves a bucket; it stays what and where it is unless all is well.
    fn move_bucket(&mut self, (from, name): (&Path, &[u8]), (to, new_name): (&Path, &[u8])) -> Outcome {
        if new_name.is_empty() {
            return Err("name required");
        }
        let mut moved = self.clone();
        let bucket = moved.at_mut(from).take_bucket(name)?;
        if to.starts_with(&[from.clone(), vec![name.into()]].concat()) {
            return Err("into itself");
        }
        match self.at(to).entries.get(new_name) {
            Some(Held::Bucket(_)) => return Err("exists"),
            Some(Held::Value(_)) => return Err("incompatible"),
            None => {}
        }
        moved.at_mut(to).entries.insert(new_name.into(), Held::Bucket(bucket));
        *self = moved;
        Ok(())
    }
}

/// Where a database is kept from one opening to the next.
enum Home {
    Memory(Arc<MemoryDisk>),
    File(TempDir),
}

impl Home {
    fn open(&self, how: u16) -> Db {
        let mut options = Db::options();
        // Small steps, so that files grow often.
        options.page_size(1024).growth_step(64 << 10).no_sync(true).lock_forever();
        options.freelist([FreelistMode::EachCommit, FreelistMode::OnClose, FreelistMode::Never][usize::from(how % 3)]);
        options.verify(if how & 8 == 0 { Verify::Tree } else { Verify::Meta });
        options.backing(if how & 16 == 0 { Backing::Map } else { Backing::Heap });
        options.no_grow_sync(how & 32 == 0).strict(how & 64 == 0).commit_unchanged(how & 128 == 0);
        self.open_with(&options)
    }

    fn open_with(&self, options: &OpenOptions) -> Db {
        match self {
            Home::Memory(disk) => options.open_disk(Arc::clone(disk) as _).unwrap(),
            Home::File(folder) => options.open(folder.path().join("model.db")).unwrap(),
        }
    }
}

/// A database beside its twin.
struct World {
    home: Home,
    db: Db,
    tx: Option<WriteTx>,
    committed: Twin,
    /// What the open transaction makes of it.
    working: Twin,
    readers: Vec<(ReadTx, Twin)>,
    salt: usize,
}

impl World {
    fn new(in_memory: bool, how: u16) -> World {
        let home = match in_memory {
            true => Home::Memory(Arc::new(MemoryDisk::new())),
            false => Home::File(tempfile::tempdir().unwrap()),
        };
        let db = home.open(how);
        let (committed, working) = Default::default();
        World { home, db, tx: None, committed, working, readers: Vec::new(), salt: how.into() }
    }

    /// The path of one of the buckets there are.
    fn path(&self, number: u16) -> Path {
        let mut paths = self.working.paths();
        paths.swap_remove(usize::from(number) % paths.len())
    }

    fn tx(&mut self) -> &mut WriteTx {
        let db = &self.db;
        self.tx.get_or_insert_with(|| db.begin_write().unwrap())
    }

    /// Does the same to a bucket and to its twin, and fails unless the same comes of it.
    fn both<T: PartialEq + std::fmt::Debug>(
        &mut self,
        bucket: u16,
        real: impl FnOnce(&mut BucketMut<'_>) -> unbolt::Result<T>,
        twin: impl FnOnce(&mut Twin) -> Outcome<T>,
    ) {
        let path = self.path(bucket);
        let found = outcome(real(&mut self.tx().bucket_mut_at(&path).unwrap()));
        assert_eq!(found, twin(self.working.at_mut(&path)));
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Put { bucket, key: k, len } => {
                let (k, v) = (key(*k), value(&key(*k), *len));
                self.both(*bucket, |b| b.put(&k, &v), |t| t.put(&k, v.clone()));
            }
            Op::Fill { bucket, from, count, len } => {
                for number in *from % 500..(*from % 500).saturating_add((*count).into()) {
                    let (k, v) = (key(number), value(&key(number), *len % 200));
                    self.both(*bucket, |b| b.put(&k, &v), |t| t.put(&k, v.clone()));
                }
            }
            Op::Delete { bucket, key: k } => self.both(*bucket, |b| b.delete(key(*k)), |t| t.delete(&key(*k))),
            Op::CursorDelete { bucket, steps } => self.cursor_delete(*bucket, steps),
            Op::Retain { bucket, every } => {
                let keep = |key: &[u8]| {
                    *every > 0 && key.iter().map(|byte| usize::from(*byte)).sum::<usize>() % usize::from(*every) != 0
                };
                self.both(*bucket, |b| b.retain(|key, _| keep(key)), |t| Ok(t.delete_where(|key| !keep(key))));
            }
            Op::DeleteRange { bucket, from, to } => {
                let (from, to) = (key(*from), key(*to));
                let range = |key: &[u8]| key >= from.as_slice() && key < to.as_slice();
                self.both(*bucket, |b| b.delete_range::<&[u8]>(&from[..]..&to[..]), |t| Ok(t.delete_where(range)));
            }
            Op::Create { bucket, name: n, if_missing } => {
                let n = name(*n);
                let create = |b: &mut BucketMut<'_>| match if_missing {
                    true => b.create_bucket_if_missing(&n).map(drop),
                    false => b.create_bucket(&n).map(drop),
                };
                self.both(*bucket, create, |t| t.create(&n, *if_missing));
            }
            Op::DeleteBucket { bucket, name: n } => {
                let n = name(*n);
                self.both(*bucket, |b| b.delete_bucket(&n), |t| t.take_bucket(&n).map(drop));
            }
            Op::Rename { bucket, from, to } => {
                let (path, from, to) = (self.path(*bucket), name(*from), name(*to));
                let found = outcome(self.tx().bucket_mut_at(&path).unwrap().rename_bucket(&from, &to));
                assert_eq!(found, self.working.move_bucket((&path, &from), (&path, &to)));
            }
            Op::Move { from, name: n, to } => {
                let (from, n, to) = (self.path(*from), name(*n), self.path(*to));
                let whole = [from.clone(), vec![n.clone()]].concat();
                let found = outcome(self.tx().move_bucket(&whole, &to));
                assert_eq!(found, self.working.move_bucket((&from, &n), (&to, &n)));
            }
            Op::SetSequence { bucket, to } => self.both(
                *bucket,
                |b| b.set_sequence(*to),
                |t| {
                    let _: () = t.sequence = *to;
                    Ok(())
                },
            ),
            Op::NextSequence { bucket } => {
                let count = |t: &mut Twin| {
                    t.sequence = t.sequence.wrapping_add(1);
                    Ok(t.sequence)
                };
                self.both(*bucket, |b| b.next_sequence(), count);
            }
            Op::FillPercent { bucket, percent } => {
                let percent = f64::from(*percent) / 100.0;
                let fill = |b: &mut BucketMut<'_>| {
                    b.fill_percent(percent);
                    Ok(())
                };
                self.both(*bucket, fill, |_| Ok(()));
            }
            Op::Read => self.readers.push((self.db.begin_read().unwrap(), self.committed.clone())),
            Op::EndRead { reader } if !self.readers.is_empty() => {
                let reader = usize::from(*reader) % self.readers.len();
                drop(self.readers.swap_remove(reader));
            }
            Op::EndRead { .. } => {}
            Op::Rollback => self.rollback(),
            Op::Commit => self.commit(),
            Op::Reopen { how } => self.reopen(*how),
        }
    }

    fn cursor_delete(&mut self, bucket: u16, steps: &[u16]) {
        let path = self.path(bucket);
        let db = &self.db;
        let tx = self.tx.get_or_insert_with(|| db.begin_write().unwrap());
        let twin = self.working.at_mut(&path);
        let mut bucket = tx.bucket_mut_at(&path).unwrap();
        let (mut cursor, mut expected) = (bucket.cursor_mut(), At::Nowhere);
        for number in steps {
            let step = Step::of((*number).into(), twin);
            let found = match &step {
                Step::First => cursor.first(),
                Step::Last => cursor.last(),
                Step::Next => cursor.next(),
                Step::Prev => cursor.prev(),
                Step::Seek(key) => cursor.seek(key),
            };
            assert_eq!(found.unwrap().map(|(key, _)| key.to_vec()), expected.step(twin, &step), "{step:?}");
            if number & 1 == 0 {
                let current = expected.current(twin).map(<[u8]>::to_vec);
                let deleted = current.map_or(Ok(false), |key| twin.delete(&key));
                assert_eq!(outcome(cursor.delete()), deleted);
            }
            assert_eq!(cursor.current().unwrap().map(|(key, _)| key), expected.current(twin), "after {step:?}");
        }
    }

    fn rollback(&mut self) {
        self.tx = None;
        self.working = self.committed.clone();
    }

    fn commit(&mut self) {
        let Some(tx) = self.tx.take() else { return };
        tx.commit().unwrap();
        self.committed = self.working.clone();
        assert_sound(&self.db.begin_read().unwrap());
    }

    fn reopen(&mut self, how: u16) {
        self.rollback();
        // A file stays locked for as long as it is read.
        self.readers.clear();
        // A handle is closed or just dropped.
        let db = std::mem::replace(&mut self.db, Db::from_bytes(std::fs::read("testdata/golden/V5.db").unwrap()).unwrap());
        if how & 256 == 0 {
            db.close().unwrap();
        } else {
            drop(db);
        }
        self.db = self.home.open(how);
        assert_sound(&self.db.begin_read().unwrap());
    }

    /// Fails unless everything that can be read is what it should be.
    fn compare(&mut self) {
        self.salt = self.salt.wrapping_mul(31).wrapping_add(7);
        if let Some(tx) = &self.tx {
            assert_same(&tx.root(), &self.working, self.salt);
        }
        let current = self.db.begin_read().unwrap();
        for (reader, twin) in self.readers.iter().chain([&(current, self.committed.clone())]) {
            assert_same(&reader.root().unwrap(), twin, self.salt);
        }
    }
}

fn holds_what_its_twin_holds(ops: Vec<Op>, in_memory: bool, how: u16) -> bool {
    let mut world = World::new(in_memory, how);
    for op in &ops {
        world.run(op);
        world.compare();
    }
    world.commit();
    world.compare();
    world.reopen(how / 3);
    world.compare();
    true
}

#[test]
fn any_sequence_of_operations_leaves_what_it_leaves_in_a_tree_of_maps() {
    QuickCheck::new().quickcheck(holds_what_its_twin_holds as fn(Vec<Op>, bool, u16) -> bool);
}

#[test]
fn the_root_bucket_keeps_its_sequence() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    db.update(|tx| tx.root_mut().set_sequence(77)).unwrap();
    assert_eq!(db.begin_read().unwrap().root().unwrap().sequence(), 77);
    db.update(|tx| tx.create_bucket("b").map(drop)).unwrap();
    drop(db);
    assert_eq!(Db::from_bytes(disk.to_bytes()).unwrap().begin_read().unwrap().root().unwrap().sequence(), 77);
}
