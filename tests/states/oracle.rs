//! What may be there after a crash: the state before or the one after, with nothing to repair.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use unbolt::check::{Severity, check_snapshot};
use unbolt::format::TxId;
use unbolt::{Bucket, CorruptionKind, Db, Entry, Error, FreelistSource, MemoryDisk, OpenOptions, Snapshot};

use super::enumerate::{Depth, State, states};
use super::record::Recorder;
use super::workload::{Trace, Workload};
use super::world::World;

/// A state: the transaction that made it, what is in it, and what is in it after one more commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub txid: TxId,
    pub digest: u64,
    pub after: u64,
}

impl Model {
    pub fn of(bytes: Vec<u8>, options: &OpenOptions) -> Result<Model, String> {
        let disk = Arc::new(MemoryDisk::from(bytes));
        let db = options.open_disk(disk).map_err(words)?;
        let (txid, digest) = (db.begin_read().map_err(words)?.id(), digest(&db)?);
        one_more(&db)?;
        Ok(Model { txid, digest, after: self::digest(&db)? })
    }
}

/// An error in words.
pub fn words(error: Error) -> String {
    error.to_string()
}

/// All pairs and buckets with their sequences, in order, as one number.
pub fn digest(db: &Db) -> Result<u64, String> {
    fn add(bucket: &Bucket<'_>, hasher: &mut DefaultHasher) -> unbolt::Result<()> {
        bucket.sequence().hash(hasher);
        for pair in bucket.iter() {
            match pair? {
                (key, Entry::Value(value)) => (0, key, value).hash(hasher),
                (key, Entry::Bucket(inner)) => {
                    (1, key).hash(hasher);
                    add(&inner, hasher)?;
                }
                (_, other) => panic!("{other:?}"),
            }
        }
        2.hash(hasher);
        Ok(())
    }
    let mut hasher = DefaultHasher::new();
    let tx = db.begin_read().map_err(words)?;
    tx.root().and_then(|root| add(&root, &mut hasher)).map_err(words)?;
    Ok(hasher.finish())
}

/// A commit like any other.
fn one_more(db: &Db) -> Result<(), String> {
    db.update(|tx| {
        let mut bucket = tx.create_bucket_if_missing("one more")?;
        let number = bucket.next_sequence()?;
        bucket.put(number.to_be_bytes(), [number as u8; 50])
    })
    .map_err(words)
}

/// What a state turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Before,
    After,
    /// In a creation: nothing that anybody was told of.
    Nothing,
}

/// Judges the states of one trace.
pub struct Judge<'t> {
    pub workload: &'t Workload,
    pub models: &'t [Option<Model>],
    pub whole: bool,
}

impl<'t> Judge<'t> {
    pub fn new(workload: &'t Workload, trace: &'t Trace) -> Judge<'t> {
        Judge { workload, models: &trace.models, whole: trace.whole }
    }

    /// What a state is, or what is wrong with it.
    pub fn judge(&self, state: &State<'_>) -> Result<Verdict, String> {
        let Some(file) = state.world.file(self.workload.path) else {
            return match &self.models[state.mark] {
                None => self.can_be_made(state.world).map(|()| Verdict::Nothing),
                Some(_) => Err("the file is gone".into()),
            };
        };
        if self.models[state.mark].is_none() && !self.whole && state.garbage {
            // Made in place: that a length that was set shows zeros is assumed.
            return Ok(Verdict::Nothing);
        }
        let bytes: Arc<[u8]> = file.seen().into();
        let snapshot = match Snapshot::from_bytes(Arc::clone(&bytes)) {
            Err(Error::Empty | Error::Unfinished) if self.models[state.mark].is_none() && !self.whole => {
                return self.can_be_made(state.world).map(|()| Verdict::Nothing);
            }
            snapshot => snapshot.map_err(words)?,
        };
        let found = snapshot.meta().txid;
        let verdict = self.verdict(state.mark, found)?;
        // As it lies, before anybody could have mended anything. The one page that may be torn is the meta that was
        // being written, or that was damaged before.
        check(&snapshot, true)?;
        let model = match verdict {
            Verdict::After => self.models[state.mark + 1].as_ref(),
            _ => self.models[state.mark].as_ref(),
        };
        let model = model.ok_or("there is a database where there was none")?;
        self.recovers(bytes, model)?;
        Ok(verdict)
    }

    /// Which state it is by its transaction. Where the newest meta verifies, it is the one that counts.
    fn verdict(&self, mark: usize, found: TxId) -> Result<Verdict, String> {
        let is = |mark: usize| self.models.get(mark).and_then(|model| model.as_ref()).is_some_and(|model| model.txid == found);
        // The first of the two metas that a new file has leads to the same state.
        let first_of_new = self.models[mark].is_none() && found == TxId(0);
        match (is(mark), is(mark + 1) || first_of_new) {
            (true, _) => Ok(Verdict::Before),
            (_, true) => Ok(Verdict::After),
            _ => Err(format!("transaction {found} is neither the one before nor the one after")),
        }
    }

    /// Opens without repair, holds what it should, and takes one more commit.
    fn recovers(&self, bytes: Arc<[u8]>, model: &Model) -> Result<(), String> {
        let disk = Arc::new(MemoryDisk::from(bytes.to_vec()));
        let db = self.workload.options.open_disk(Arc::clone(&disk) as _).map_err(words)?;
        if let FreelistSource::Rebuilt { refused } = &db.open_report().freelist {
            return Err(format!("the list of free pages is not believed: {refused}"));
        }
        if digest(&db)? != model.digest {
            return Err("its transaction left something else".into());
        }
        one_more(&db)?;
        if digest(&db)? != model.after {
            return Err("one more commit does not leave what it should".into());
        }
        drop(db);
        let snapshot = Snapshot::from_bytes(disk.to_bytes()).map_err(words)?;
        check(&snapshot, false).map_err(|wrong| format!("after one more commit: {wrong}"))?;
        let again = self.workload.options.open_disk(disk).map_err(words)?;
        if digest(&again)? == model.after { Ok(()) } else { Err("what one more commit left is not there again".into()) }
    }

    /// Where a creation did not come to its end, the next one does.
    fn can_be_made(&self, world: &World) -> Result<(), String> {
        let recorder = Recorder::over(world, None);
        let db = self.workload.options.open_in(&recorder, self.workload.path).map_err(words)?;
        one_more(&db)?;
        drop(db);
        let snapshot = Snapshot::from_bytes(recorder.bytes(self.workload.path)).map_err(words)?;
        check(&snapshot, false)
    }

    /// Crashes again in the first commit after a recovery, and says how many states that left.
    pub fn crash_again(
        &self,
        world: &World,
        only: Option<&str>,
        fresh: &mut dyn FnMut(u64) -> bool,
    ) -> Result<usize, (String, String)> {
        let outside = |wrong: String| (String::new(), wrong);
        let world = world.settled();
        let recorder = Recorder::over(&world, None);
        let first = Model::of(recorder.bytes(self.workload.path), &self.workload.options).map_err(outside)?;
        let db = self.workload.options.open_in(&recorder, self.workload.path).map_err(words).map_err(outside)?;
        if !recorder.ops().is_empty() {
            return Err(outside("opening it wrote to it".into()));
        }
        recorder.mark(1);
        one_more(&db).map_err(outside)?;
        recorder.mark(2);
        let second = Model::of(recorder.bytes(self.workload.path), &self.workload.options).map_err(outside)?;
        let models = [None, Some(first), Some(second)];
        let judge = Judge { workload: self.workload, models: &models, whole: true };
        let (mut count, mut wrong) = (0, None);
        let depth = Depth { all_of: 6, samples: 10 };
        let ops = recorder.ops();
        let page_size = self.workload.page_size as usize;
        states(&world, &ops, page_size, depth, fresh, &mut |inner| {
            if inner.mark > 0 && only.is_none_or(|only| only == inner.name) {
                count += 1;
                wrong = judge.judge(inner).err().map(|wrong| (inner.name.clone(), wrong));
            }
            wrong.is_none()
        });
        wrong.map_or(Ok(count), Err)
    }
}

fn check(snapshot: &Snapshot, may_be_torn: bool) -> Result<(), String> {
    let mut findings = Vec::new();
    check_snapshot(snapshot, &mut |finding| {
        let torn = may_be_torn && matches!(finding.corruption.kind, CorruptionKind::MetaRefused { .. });
        if !torn && finding.severity != Severity::Note {
            findings.push(finding.to_string());
        }
    })
    .map_err(words)?;
    if findings.is_empty() { Ok(()) } else { Err(format!("the check finds {findings:?}")) }
}
