//! Writes a database and keeps its answer key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use unbolt::{Db, Directory, FreelistMode, MemoryDisk, OpenOptions, ReadTx};

use super::answer::{Answer, Path, Written};
use super::unfinished::Unfinished;
use crate::states::record::Recorder;
use crate::states::world::World;

/// Something that a transaction does.
#[derive(Debug, Clone)]
pub enum Step {
    /// A new value of so many bytes, or of a few more.
    Put(Path, Vec<u8>, usize),
    Delete(Path, Vec<u8>),
    Drop(Path),
    Rename(Path, String),
}

/// A database in the making.
pub struct Writer {
    db: Db,
    disk: Arc<MemoryDisk>,
    state: u64,
    written: Vec<Written>,
    live: BTreeMap<(Path, Vec<u8>), usize>,
    buckets: BTreeSet<Path>,
    previous: BTreeMap<(Path, Vec<u8>), usize>,
    readers: Vec<ReadTx>,
    options: OpenOptions,
    log: Option<Vec<serde_json::Value>>,
}

impl Writer {
    pub fn new(seed: u64, page_size: u32, freelist: FreelistMode) -> Writer {
        let disk = Arc::new(MemoryDisk::new());
        let mut options = Db::options();
        options.page_size(page_size).freelist(freelist);
        let db = options.open_disk(disk.clone()).unwrap();
        Writer {
            db,
            disk,
            state: seed,
            written: Vec::new(),
            live: BTreeMap::new(),
            buckets: BTreeSet::new(),
            previous: BTreeMap::new(),
            readers: Vec::new(),
            options,
            log: None,
        }
    }

    /// From now on keeps what it does, for somebody else to do it too.
    pub fn keep_log(&mut self) {
        self.log = Some(Vec::new());
    }

    /// What was done since, one line for each transaction.
    pub fn log(&self) -> Vec<serde_json::Value> {
        self.log.clone().unwrap_or_default()
    }

    /// A last transaction that is never committed, as a line for somebody else.
    pub fn unfinished_line(&mut self, steps: &[Step]) -> serde_json::Value {
        let (state, values) = self.note_unfinished(steps);
        (self.live, self.buckets) = state;
        self.keep_log();
        self.note_in_log(steps, &values);
        self.log().remove(0)
    }

    fn note_in_log(&mut self, steps: &[Step], values: &[Vec<u8>]) {
        let Some(log) = &mut self.log else { return };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let line = steps.iter().zip(values).map(|(step, value)| match step {
            Step::Put(path, key, _) => serde_json::json!({ "path": path, "key": text(key), "value": text(value) }),
            Step::Delete(path, key) => serde_json::json!({ "path": path, "key": text(key) }),
            Step::Drop(path) => serde_json::json!({ "path": path }),
            Step::Rename(..) => panic!("Go cannot rename a bucket"),
        });
        log.push(serde_json::json!({ "steps": line.collect::<Vec<_>>() }));
    }

    /// A number without a pattern.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// Keeps the pages of the current state from being used again, until the end.
    pub fn hold_reader(&mut self) {
        self.readers.push(self.db.begin_read().unwrap());
        if let Some(log) = &mut self.log {
            log.push(serde_json::json!({ "reader": true }));
        }
    }

    /// The keys of the current state in a bucket.
    pub fn keys(&self, path: &[String]) -> Vec<Vec<u8>> {
        self.live.keys().filter(|(bucket, _)| bucket == path).map(|(_, key)| key.clone()).collect()
    }

    /// A value that is nowhere else: its position among all written, and text that follows from it.
    fn value(&mut self, len: usize) -> Vec<u8> {
        let mut value = format!("<<{:016x}>>", self.written.len()).into_bytes();
        while value.len() < len {
            value.extend(format!("{:016x}", self.number()).into_bytes());
        }
        value.truncate(len.max(20));
        value
    }

    /// Does this in one transaction.
    pub fn commit(&mut self, steps: Vec<Step>) {
        self.previous = self.live.clone();
        let values: Vec<Vec<u8>> = steps.iter().map(|step| self.note(step, true)).collect();
        self.note_in_log(&steps, &values);
        perform(&self.db, &steps, values);
    }

    /// Notes what a step does, and gives back the value that it writes.
    fn note(&mut self, step: &Step, committed: bool) -> Vec<u8> {
        match step {
            Step::Put(path, key, len) => {
                let value = self.value(*len);
                let pair = Written { path: path.clone(), key: key.clone(), value: value.clone(), committed };
                self.live.insert((path.clone(), key.clone()), self.written.len());
                self.written.push(pair);
                (1..=path.len()).for_each(|depth| _ = self.buckets.insert(path[..depth].to_vec()));
                return value;
            }
            Step::Delete(path, key) => _ = self.live.remove(&(path.clone(), key.clone())),
            Step::Drop(path) => {
                self.live.retain(|(bucket, _), _| !bucket.starts_with(path));
                self.buckets.retain(|bucket| !bucket.starts_with(path));
            }
            Step::Rename(path, to) => {
                // The very same pairs are under the new name, so they are written under both.
                let moved: Vec<_> =
                    self.live.iter().filter(|((bucket, _), _)| bucket == path).map(|(at, n)| (at.clone(), *n)).collect();
                for ((bucket, key), n) in moved {
                    self.live.remove(&(bucket, key.clone()));
                    let renamed = Written { path: vec![to.clone()], ..self.written[n].clone() };
                    self.live.insert((vec![to.clone()], key), self.written.len());
                    self.written.push(renamed);
                }
                self.buckets.remove(path);
                self.buckets.insert(vec![to.clone()]);
            }
        }
        Vec::new()
    }

    /// The file as it is.
    pub fn finish(self, name: String) -> Answer {
        let bytes = self.disk.to_bytes();
        self.finish_with(name, bytes)
    }

    /// A file that somebody else wrote who did the same.
    pub fn finish_with(self, name: String, bytes: Vec<u8>) -> Answer {
        let Writer { written, live, buckets, previous, .. } = self;
        Answer { name, bytes, written, live, buckets, previous, is_torn: false }
    }

    /// The file as a crash leaves it that comes after all pages of a last transaction and before its meta.
    pub fn crash(mut self, name: String, steps: Vec<Step>) -> Answer {
        let before = self.disk.to_bytes();
        let (state, values) = self.note_unfinished(&steps);
        perform(&self.db, &steps, values);
        let mut bytes = self.disk.to_bytes();
        let page_size = u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize;
        let changed: Vec<usize> =
            (0..2).filter(|slot| before[slot * page_size..][..page_size] != bytes[slot * page_size..][..page_size]).collect();
        assert_eq!(changed.len(), 1, "a commit writes one meta");
        let meta = changed[0] * page_size..(changed[0] + 1) * page_size;
        bytes[meta.clone()].copy_from_slice(&before[meta]);
        (self.live, self.buckets) = state;
        self.finish_with(name, bytes)
    }

    /// The file so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.disk.to_bytes()
    }

    /// A transaction that somebody else begins on this file, without the readers there are, and that is never committed.
    pub fn begin_on(&mut self, file: &[u8], steps: &[Step]) -> Unfinished {
        let (state, values) = self.note_unfinished(steps);
        let recorder = Recorder::over(&World::of("db", file.to_vec()), None);
        perform(&self.options.open_disk(Arc::new(recorder.open("db".as_ref()).unwrap())).unwrap(), steps, values);
        (self.live, self.buckets) = state;
        Unfinished::new(file, &recorder.ops())
    }

    /// Notes what is never committed, and gives back the state before it with what is written.
    #[expect(clippy::type_complexity, reason = "two fields, to be put back")]
    fn note_unfinished(&mut self, steps: &[Step]) -> ((BTreeMap<(Path, Vec<u8>), usize>, BTreeSet<Path>), Vec<Vec<u8>>) {
        let state = (self.live.clone(), self.buckets.clone());
        let values = steps.iter().map(|step| self.note(step, false)).collect();
        (state, values)
    }

    /// The answer key of a file that came of what was done so far.
    pub fn answer(&self, name: String, bytes: Vec<u8>) -> Answer {
        let Writer { written, live, buckets, previous, .. } = self;
        let (written, live) = (written.clone(), live.clone());
        Answer { name, bytes, written, live, buckets: buckets.clone(), previous: previous.clone(), is_torn: false }
    }
}

/// Does this in one transaction.
fn perform(db: &Db, steps: &[Step], values: Vec<Vec<u8>>) {
    let mut tx = db.begin_write().unwrap();
    for (step, value) in steps.iter().zip(values) {
        match step {
            Step::Put(path, key, _) => tx.create_bucket_at_if_missing(path).unwrap().put(key, value).unwrap(),
            Step::Delete(path, key) => _ = tx.bucket_mut_at(path).unwrap().delete(key).unwrap(),
            Step::Drop(path) => match path.split_last().unwrap() {
                (name, []) => tx.delete_bucket(name).unwrap(),
                (name, parents) => tx.bucket_mut_at(parents).unwrap().delete_bucket(name).unwrap(),
            },
            Step::Rename(path, to) => {
                assert_eq!(path.len(), 1);
                tx.rename_bucket(&path[0], to).unwrap();
            }
        }
    }
    tx.commit().unwrap();
}
