//! Owns what a command is given beside its arguments: how files are opened, and where output goes.
//!
//! Commands never open files or print by themselves, so that all of them run in process, on memory, in tests.

use std::io::Write;
use std::path::Path;

use super::attempt::{self, Current, Spool};
use super::failure::Failure;
use super::status::Status;
use super::txid::{Txid, TxidArg};
use crate::format::TxId;
use crate::tree::verify_older;
use crate::{Error, Result, Snapshot, TxSelector, lock_holders};

/// How a command reaches files.
pub type Open<'a> = &'a dyn Fn(&Path) -> Result<Snapshot>;

/// What a command is given beside its arguments.
pub struct Context<'a> {
    /// Opens a database for reading.
    pub open: Open<'a>,
    /// Standard output: data.
    pub out: &'a mut dyn Write,
    /// Standard error: words.
    pub err: &'a mut dyn Write,
    /// Whether standard output shows colours, where a command is not told what to do.
    pub color: bool,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

impl Context<'_> {
    /// Runs a reading command on the state of a file that was asked for, as often as it takes until no writer
    /// came in between.
    pub fn read(
        &mut self,
        file: &Path,
        state: &TxidArg,
        mut read: impl FnMut(&Snapshot, &mut Spool) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        let open = self.open;
        let take = |rejected| open_at(open, file, state, rejected > 0).map(|snapshot| State { snapshot, file });
        let read = |state: &State<'_>, spool: &mut Spool| {
            warn_if_not_provable(state, spool);
            read(&state.snapshot, spool)
        };
        attempt::attempt(take, read, || overtaken(file), self.out, self.err)
    }
}

/// A snapshot, and the name that messages about it begin with.
struct State<'f> {
    snapshot: Snapshot,
    file: &'f Path,
}

impl Current for State<'_> {
    fn is_current(&self) -> Result<bool, Failure> {
        self.snapshot.is_current().map_err(|e| Failure::of(self.file, e))
    }
}

/// Opens the state that was asked for, all of it at once where a writer was quicker before.
fn open_at(open: Open<'_>, file: &Path, state: &TxidArg, at_once: bool) -> Result<Snapshot, Failure> {
    let selector = match state.txid {
        None => TxSelector::Current,
        Some(Txid::Previous) => TxSelector::Previous,
        Some(Txid::Number(id)) => TxSelector::Id(TxId(id)),
    };
    let held = |snapshot: Snapshot| if at_once { snapshot.hold() } else { Ok(snapshot) };
    let snapshot = open(file).and_then(held).and_then(|snapshot| snapshot.at(selector)).map_err(|e| Failure::of(file, e))?;
    if let Some(current) = snapshot.metas().current()
        && !snapshot.is_provable()
    {
        let newer = crate::tree::Pages::new(&snapshot, snapshot.layout(), &current);
        verify_older(snapshot.pages(), newer).map_err(|e| older_is_gone(file, &snapshot, e))?;
    }
    Ok(snapshot)
}

/// Pages that were written again are no damage of the file, so nothing that `check` would find.
fn older_is_gone(file: &Path, older: &Snapshot, error: Error) -> Failure {
    match error.is_corrupt() {
        true => {
            let id = older.meta().txid;
            Failure::at(Status::Corrupt, file, format_args!("the state of transaction {id} can no longer be read: {error}"))
        }
        false => Failure::of(file, error),
    }
}

fn warn_if_not_provable(state: &State<'_>, spool: &mut Spool) {
    if !state.snapshot.is_provable() {
        let id = state.snapshot.meta().txid;
        spool.note(format_args!(
            "{}: the state of transaction {id} is not provable: its pages may have been written since, and it may hold data that was never committed",
            state.file.display()
        ));
    }
}

fn overtaken(file: &Path) -> Failure {
    let holders: Vec<String> = lock_holders(file).iter().map(ToString::to_string).collect();
    let who = if holders.is_empty() { "another process".to_owned() } else { holders.join(", ") };
    Failure::at(
        Status::Locked,
        file,
        format_args!("written by {who} during every one of {} attempts to read it", attempt::ATTEMPTS),
    )
    .hint("try again when there are fewer commits, or stop the writer")
}

impl Failure {
    /// An error of the library about a file, with the status that it means and the next step where there is one.
    pub fn of(file: &Path, error: Error) -> Failure {
        let status = match &error {
            Error::Locked { .. } | Error::Changing { .. } => Status::Locked,
            Error::BucketNotFound { .. } | Error::NoSuchTx { .. } => Status::No,
            _ if error.is_corrupt() => Status::Corrupt,
            _ => Status::Io,
        };
        let hint = match &error {
            Error::Corrupt(_) => Some(format!("`unbolt check {}` lists all that is wrong", file.display())),
            Error::BucketNotFound { .. } => Some(format!("`unbolt buckets --recursive {}` lists all buckets", file.display())),
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
        other => other.to_string(),
    }
}
