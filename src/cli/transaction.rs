//! Owns how a command changes a database: in one transaction, under the file's lock, or for `--dry-run` in the same
//! transaction on a copy in memory.
//!
//! A dry run takes no lock and touches nothing. It reads one committed state as the reading commands do, and does to it
//! what would be done to the file, so it ends as the command itself would on that state.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::Spool;
use super::context::{Context, named, note_refused_meta};
use super::failure::Failure;
use super::naming;
use super::status::Status;
use super::txid::TxidArg;
use crate::{BucketMut, Db, Error, FreelistSource, MemoryDisk, OpenOptions, Snapshot, Storage, Verify, WriteTx, lock_holders};

/// The largest state that a dry run takes into memory.
const REHEARSED: u64 = 1 << 30;

/// What every command takes that changes a database.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct WriteArgs {
    /// Print what would be done and do nothing: no lock is taken, nothing is written
    #[arg(long)]
    pub dry_run: bool,
    /// Wait so long for another process to give up the lock, instead of trying once
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub wait: Option<Duration>,
}

/// A length of time as a number of seconds, with a fraction where one is wanted.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

/// What a transaction has to say for itself.
#[derive(Debug)]
pub struct Report<'s> {
    dry_run: bool,
    spool: &'s mut Spool,
}

impl Report<'_> {
    /// Whether the plan is wanted.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// A line of the plan, which a dry run prints and nobody else.
    pub fn plan(&mut self, words: impl fmt::Display) -> Result<(), Failure> {
        if self.dry_run {
            writeln!(self.spool.out(), "{words}")?;
        }
        Ok(())
    }

    /// A line of data, printed once the transaction is committed, and by no dry run.
    pub fn line(&mut self, data: impl fmt::Display) -> Result<(), Failure> {
        if !self.dry_run {
            writeln!(self.spool.out(), "{data}")?;
        }
        Ok(())
    }

    /// A line for standard error.
    pub fn note(&mut self, words: impl fmt::Display) {
        self.spool.note(words);
    }
}

impl Context<'_> {
    /// Makes a change in one transaction and commits it where it succeeds; where it fails, the file stays as it is. For
    /// a dry run the change is made to a copy, as often as it takes until no writer came in between.
    pub fn write(
        &mut self,
        file: &Path,
        how: &WriteArgs,
        mut change: impl FnMut(&mut WriteTx, &mut Report<'_>) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        self.change(file, how, |db, report| {
            let failed = |e| Failure::of(file, e);
            let mut tx = db.begin_write().map_err(failed)?;
            let status = change(&mut tx, report)?;
            if !report.is_dry_run() {
                tx.commit().and_then(|()| db.close()).map_err(failed)?;
            }
            Ok(status)
        })
    }

    /// The same for a change that begins and commits its one transaction itself.
    pub fn change(
        &mut self,
        file: &Path,
        how: &WriteArgs,
        mut change: impl FnMut(Db, &mut Report<'_>) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        if how.dry_run {
            return self.read(file, &TxidArg::default(), |snapshot, spool| rehearse(snapshot, file, spool, &mut change));
        }
        let options = options().lock_timeout(how.wait.unwrap_or_default()).clone();
        let db = (self.open_to_write)(file, &options).map_err(|e| Failure::of(file, e))?;
        let mut spool = Spool::new();
        // Metas stand still under the lock.
        if let Ok(snapshot) = (self.open)(file) {
            note_refused_meta(&snapshot, file, &mut spool);
        }
        note_refused_freelist(&db, file, &mut spool);
        match change(db, &mut Report { dry_run: false, spool: &mut spool }) {
            Ok(status) => {
                spool.release(self.out, self.err)?;
                Ok(status)
            }
            Err(failure) => {
                spool.tell(self.err);
                Err(failure)
            }
        }
    }
}

/// Never makes a file that is missing, and changes no file that is not sound.
pub fn options() -> OpenOptions {
    let mut options = Db::options();
    options.create(false).verify(Verify::Tree);
    options
}

/// Makes a change to a copy of a state, and forgets it.
fn rehearse(
    snapshot: &Snapshot,
    file: &Path,
    spool: &mut Spool,
    change: &mut impl FnMut(Db, &mut Report<'_>) -> Result<Status, Failure>,
) -> Result<Status, Failure> {
    let copy = Arc::new(MemoryDisk::from(in_memory(snapshot, file)?));
    let db = options().open_disk(copy).map_err(|e| Failure::of(file, e))?;
    note_refused_freelist(&db, file, spool);
    let status = change(db, &mut Report { dry_run: true, spool })?;
    let state = snapshot.meta().txid;
    spool.note(format_args!("{}: dry run on the state of transaction {state}, nothing is changed", file.display()));
    note_obstacles(file, spool);
    Ok(status)
}

/// Everything below the high-water mark, as far as the file reaches.
fn in_memory(snapshot: &Snapshot, file: &Path) -> Result<Vec<u8>, Failure> {
    const CHUNK: u64 = 1 << 20;
    let size = snapshot.layout().run_bytes(snapshot.meta().high_water.0).min(snapshot.size());
    if size > REHEARSED {
        let words = format!("a dry run works in memory, and {size} bytes are more than it takes there");
        return Err(Failure::at(Status::Io, file, words).hint("make the change to a copy, which `unbolt snapshot` takes"));
    }
    let mut bytes = Vec::new();
    for offset in (0..size).step_by(CHUNK as usize) {
        let run = snapshot.run(offset, CHUNK.min(size - offset)).map_err(|e| Failure::of(file, e))?;
        bytes.extend_from_slice(&run);
    }
    Ok(bytes)
}

fn note_refused_freelist(db: &Db, file: &Path, spool: &mut Spool) {
    if let FreelistSource::Rebuilt { refused } = &db.open_report().freelist {
        spool.note(format_args!(
            "{}: the list of free pages is not believed ({refused}): all pages in use were looked for, and a new list comes with the change",
            file.display()
        ));
    }
}

/// What would stand in the way if the file were to be changed now.
fn note_obstacles(file: &Path, spool: &mut Spool) {
    let holders = lock_holders(file);
    if !holders.is_empty() {
        spool.note(format_args!("{}: could not be changed now: locked by {}", file.display(), named(&holders)));
    }
}

/// The bucket at the end of a path of names.
pub fn bucket<'t>(tx: &'t mut WriteTx, file: &Path, path: &[&[u8]]) -> Result<BucketMut<'t>, Failure> {
    tx.bucket_mut_at(path).map_err(|e| match e {
        Error::IncompatibleValue { key } => naming::is_a_value(Status::No, file, &key),
        e => Failure::of(file, e),
    })
}
