//! Owns what a command is given beside its arguments: how files are opened, and where output goes.
//!
//! Commands never open files or print by themselves, so that all of them run in process, on memory, in tests.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::attempt::{self, Current, Spool};
use super::failure::Failure;
use super::progress::{Course, Progress};
use super::status::Status;
use super::txid::{Txid, TxidArg};
use crate::forensic::{Assumed, Evidence};
use crate::format::{Meta, MetaPair, TxId};
use crate::tree::{Pages, verify_older};
use crate::{Db, Error, FileSystem, Holder, OpenOptions, Result, Snapshot, Storage, TxSelector, lock_holders};

/// How a command reaches files.
pub type Open<'a> = &'a dyn Fn(&Path) -> Result<Snapshot>;
/// How a command reaches files that it looks at as evidence.
pub type OpenEvidence<'a> = &'a dyn Fn(&Path, Assumed) -> Result<Evidence>;
/// How a command reaches files that it changes.
pub type OpenToWrite<'a> = &'a dyn Fn(&Path, &OpenOptions) -> Result<Db>;

/// What a command is given beside its arguments.
pub struct Context<'a> {
    /// Opens a database for reading.
    pub open: Open<'a>,
    /// Opens a file of any condition as evidence.
    pub open_evidence: OpenEvidence<'a>,
    /// Opens a database for writing.
    pub open_to_write: OpenToWrite<'a>,
    /// Standard input: values.
    pub input: &'a mut dyn Read,
    /// Standard output: data.
    pub out: &'a mut dyn Write,
    /// Standard error: words.
    pub err: &'a mut dyn Write,
    /// Whether standard output shows colours, where a command is not told what to do.
    pub color: bool,
    /// Whether standard error shows progress.
    pub progress: bool,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

impl Context<'_> {
    /// Runs a reading command on the state of a file that was asked for, as often as it takes until no writer
    /// came in between. What the reader should know about that state is said on standard error.
    pub fn read(
        &mut self,
        file: &Path,
        state: &TxidArg,
        read: impl FnMut(&Snapshot, &mut Spool) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        self.attempt(file, state, |opened, spool| note_refused_meta(&opened.snapshot, opened.file, spool), read)
    }

    /// The same for a command whose output shows by itself that a meta was refused.
    pub fn read_showing_metas(
        &mut self,
        file: &Path,
        state: &TxidArg,
        read: impl FnMut(&Snapshot, &mut Spool) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        self.attempt(file, state, |_, _| {}, read)
    }

    fn attempt(
        &mut self,
        file: &Path,
        state: &TxidArg,
        note_metas: impl Fn(&Opened<'_>, &mut Spool),
        mut read: impl FnMut(&Snapshot, &mut Spool) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        let (open, selector, progress) = (self.open, selector(state), self.progress);
        let shared = FileSystem::of(file).filter(FileSystem::is_shared);
        let take = |rejected| Opened::take(open, file, selector, rejected > 0);
        let read = |opened: &Opened<'_>, spool: &mut Spool| {
            if let Some(system) = &shared {
                spool.note(unverifiable(file, system.name()));
            }
            note_metas(opened, spool);
            opened.test(spool)?;
            let _progress =
                Progress::follow(progress, || course(file, opened.snapshot.pages(), opened.snapshot.runs_counter()));
            read(&opened.snapshot, spool)
        };
        attempt::attempt(take, read, || overtaken(file), self.out, self.err)
    }
}

/// How far a command has come that goes through a state.
pub fn course<S: Storage>(file: &Path, state: Pages<'_, S>, count: Arc<AtomicU64>) -> Course {
    Course { what: file.display().to_string(), count, end: Some(state.end()), unit: "pages" }
}

/// The state that was asked for.
pub fn selector(state: &TxidArg) -> TxSelector {
    match state.txid {
        None => TxSelector::Current,
        Some(Txid::Previous) => TxSelector::Previous,
        Some(Txid::Number(id)) => TxSelector::Id(TxId(id)),
    }
}

/// A file that was opened, at the state that was asked for, and the name that messages about it begin with.
struct Opened<'f> {
    snapshot: Snapshot,
    file: &'f Path,
    /// What was asked for, where the file as it was opened has no such state.
    missing: Option<TxSelector>,
}

impl Current for Opened<'_> {
    fn is_current(&self) -> Result<bool, Failure> {
        self.snapshot.is_current().map_err(|e| Failure::of(self.file, e))
    }
}

impl<'f> Opened<'f> {
    /// Opens a file, and reads all of it at once where a writer was quicker before.
    fn take(open: Open<'_>, file: &'f Path, selector: TxSelector, at_once: bool) -> Result<Self, Failure> {
        let held = |snapshot: Snapshot| if at_once { snapshot.hold() } else { Ok(snapshot) };
        let snapshot = open(file).and_then(held).map_err(|e| Failure::of(file, e))?;
        if !is_there(&snapshot, selector) {
            return Ok(Opened { snapshot, file, missing: Some(selector) });
        }
        let snapshot = snapshot.at(selector).map_err(|e| Failure::of(file, e))?;
        Ok(Opened { snapshot, file, missing: None })
    }

    /// Tests that the state that was asked for is there and, where it is an older one, still to be read.
    fn test(&self, spool: &mut Spool) -> Result<(), Failure> {
        let snapshot = &self.snapshot;
        if let Some(wanted) = self.missing {
            let available = available(snapshot).map(|meta| meta.txid).collect();
            return Err(Failure::of(self.file, Error::NoSuchTx { wanted, available }));
        }
        test_older(self.file, snapshot.pages(), snapshot.metas(), spool)
    }
}

/// Tests that a state of a file can still be read where it is an older one, and notes that it is not provable.
pub fn test_older<S: Storage>(file: &Path, state: Pages<'_, S>, metas: &MetaPair, spool: &mut Spool) -> Result<(), Failure> {
    let Some(current) = metas.current().filter(|_| !metas.is_provable(state.meta())) else { return Ok(()) };
    let id = state.meta().txid;
    verify_older(state, Pages::new(state.storage(), state.layout(), &current)).map_err(|e| older_is_gone(file, id, e))?;
    spool.note(format_args!(
        "{}: the state of transaction {id} is not provable: its pages may have been written since, and it may hold data that was never committed",
        file.display()
    ));
    Ok(())
}

/// The states that the metas of a file describe.
fn available(snapshot: &Snapshot) -> impl Iterator<Item = Meta> {
    [snapshot.metas().current(), snapshot.metas().previous()].into_iter().flatten()
}

fn is_there(snapshot: &Snapshot, wanted: TxSelector) -> bool {
    match wanted {
        TxSelector::Current => true,
        TxSelector::Previous => snapshot.metas().previous().is_some(),
        TxSelector::Id(id) => available(snapshot).any(|meta| meta.txid == id),
    }
}

/// Pages that were written again are no damage of the file, so nothing that `check` would find.
fn older_is_gone(file: &Path, id: TxId, error: Error) -> Failure {
    match error.is_corrupt() {
        true => {
            Failure::at(Status::Corrupt, file, format_args!("the state of transaction {id} can no longer be read: {error}"))
        }
        false => Failure::of(file, error),
    }
}

/// Which of the two was the newer cannot be told once one does not verify.
pub fn note_refused_meta(snapshot: &Snapshot, file: &Path, spool: &mut Spool) {
    let id = snapshot.meta().txid;
    for slot in &snapshot.metas().slots {
        if let Err(refusal) = slot.meta {
            spool.note(format_args!(
                "{}: the meta on page {} is refused ({refusal}): transaction {id} is read, which may not be the newest",
                file.display(),
                slot.page
            ));
        }
    }
}

/// What to say of a file that another kernel may write to.
fn unverifiable(file: &Path, system: &str) -> String {
    format!("{}: is on {system}: what is read without the lock cannot be verified there", file.display())
}

fn overtaken(file: &Path) -> Failure {
    let who = named(&lock_holders(file));
    Failure::at(
        Status::Locked,
        file,
        format_args!("written by {who} during every one of {} attempts to read it", attempt::ATTEMPTS),
    )
    .hint("try again when there are fewer commits, or stop the writer")
}

/// The holders of a lock in words.
pub fn named(holders: &[Holder]) -> String {
    match holders {
        [] => "another process".to_owned(),
        holders => holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

impl Failure {
    /// An error of the library about a file, with the status that it means and the next step where there is one.
    pub fn of(file: &Path, error: Error) -> Failure {
        let status = match &error {
            Error::Locked { .. } | Error::Changing { .. } => Status::Locked,
            Error::BucketNotFound { .. } | Error::NoSuchTx { .. } => Status::No,
            Error::BucketExists { .. } | Error::IncompatibleValue { .. } | Error::MoveIntoItself { .. } => Status::Refused,
            Error::KeyRequired | Error::KeyTooLarge { .. } | Error::ValueTooLarge { .. } => Status::Usage,
            Error::BucketNameRequired => Status::Usage,
            _ if error.is_corrupt() => Status::Corrupt,
            _ => Status::Io,
        };
        let hint = match &error {
            Error::Corrupt(_) => Some(format!("`unbolt check {}` lists all that is wrong", file.display())),
            Error::BucketNotFound { .. } => Some(format!("`unbolt buckets --recursive {}` lists all buckets", file.display())),
            Error::Locked { waited, .. } if waited.as_secs() == 0 => {
                Some("--wait SECONDS waits for the lock; a program that keeps it has to be stopped first".to_owned())
            }
            Error::Locked { .. } => Some("a program that keeps the lock has to be stopped first".to_owned()),
            Error::CommitUnknown { .. } => {
                Some(format!("`unbolt info --verbose {}` tells which transaction is current", file.display()))
            }
            Error::NotAFile { .. } if file.is_dir() => {
                Some(format!("`unbolt find {}` lists the Bolt files in it", file.display()))
            }
            _ => None,
        };
        let failure = Failure::at(status, file, words(&error));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The error without the path, which the line begins with already, and with its source.
fn words(error: &Error) -> String {
    match error {
        Error::Io { op, source, .. } => format!("cannot {op}: {source}"),
        Error::Locked { holders, waited, .. } if waited.as_secs() == 0 => format!("locked by {}", named(holders)),
        Error::Locked { holders, waited, .. } => format!("locked by {} (waited {} s)", named(holders), waited.as_secs()),
        Error::CommitUnknown { source } => format!("{error}: {source}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_machine_may_write_is_said_to_be_unverifiable() {
        assert_eq!(
            unverifiable(Path::new("a.db"), "nfs4"),
            "a.db: is on nfs4: what is read without the lock cannot be verified there"
        );
    }
}
