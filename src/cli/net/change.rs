//! Owns how a `net` command changes a file: only with `--apply`, then in place, in one transaction, after a synced copy
//! of the file as it was. Else it prints what would be changed, from a state read without the lock.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::records;
use crate::cli::attempt::Spool;
use crate::cli::context::Context;
use crate::cli::docker_path;
use crate::cli::failure::Failure;
use crate::cli::naming;
use crate::cli::output;
use crate::cli::status::Status;
use crate::cli::transaction::{options, seconds};
use crate::cli::txid::TxidArg;
use crate::net::{Draft, SettingError};
use crate::store::{BoltStore, DOCKER_BUCKET, Store, StoreError, records as entries};
use crate::{Disk, Snapshot, Storage};

/// As much of a file as is copied at once.
const CHUNK: u64 = 1 << 20;

/// What every command takes that changes Docker's networks.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct ChangeArgs {
    /// Do it: in place and in one transaction, after a copy FILE.bak-TXID
    ///
    /// Without it the command prints what it would change: no lock is taken, nothing is written.
    #[arg(long)]
    pub apply: bool,
    /// With --apply, wait so long for another process to give up the lock, instead of trying once
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub wait: Option<Duration>,
}

/// Runs a command on the records of a file, or of the `local-kv.db` in a directory, and makes its changes or prints
/// them. A command that fails changes nothing.
pub fn change(
    file: &Path,
    how: &ChangeArgs,
    context: &mut Context<'_>,
    mut make: impl FnMut(&Path, &mut Draft, &mut Spool) -> Result<Status, Failure>,
) -> Result<Status, Failure> {
    let file = &docker_path::database(file, if how.apply { "changing" } else { "reading" }, context)?;
    if how.apply {
        return apply(file, how, context, make);
    }
    context.read(file, &TxidArg::default(), |snapshot, spool| {
        let mut draft = draft(file, snapshot)?;
        let status = make(file, &mut draft, spool)?;
        let changes = print(&draft, spool)?;
        if changes > 0 {
            let words = format!("{} to be made, nothing is done; --apply does it", naming::count(changes, "change"));
            spool.note(format_args!("{}: {words}", file.display()));
        }
        Ok(status)
    })
}

/// The records of a state, to be changed.
pub fn draft(file: &Path, snapshot: &Snapshot) -> Result<Draft, Failure> {
    Draft::read(entries(&records::bucket(file, snapshot)?, b"")).map_err(|e| records::failed(file, e))
}

fn apply(
    file: &Path,
    how: &ChangeArgs,
    context: &mut Context<'_>,
    mut make: impl FnMut(&Path, &mut Draft, &mut Spool) -> Result<Status, Failure>,
) -> Result<Status, Failure> {
    let failed = |e| Failure::of(file, e);
    let db = (context.open_to_write)(file, options().lock_timeout(how.wait.unwrap_or_default())).map_err(failed)?;
    // Under the lock the file stands still.
    let snapshot = (context.open)(file).map_err(failed)?;
    let mut spool = Spool::new();
    let mut draft = draft(file, &snapshot)?;
    let status = make(file, &mut draft, &mut spool)?;
    if print(&draft, &mut spool)? > 0 {
        let copy = back_up(file, &snapshot)?;
        spool.note(format_args!("{}: as it was before is {}", file.display(), copy.display()));
        drop(snapshot);
        let store = BoltStore::on(db, DOCKER_BUCKET);
        store.update(|store| draft.write(store)).map_err(|e: StoreError| records::failed(file, e))?;
        Box::new(store).close().map_err(|e| records::failed(file, e))?;
    }
    spool.release(context.out, context.err)?;
    Ok(status)
}

/// Prints what is to be different, a line for each record, and says how many they are.
fn print(draft: &Draft, spool: &mut Spool) -> Result<u64, Failure> {
    let mut changes = 0;
    for change in draft.changes() {
        writeln!(spool.out(), "{change}")?;
        changes += 1;
    }
    if changes == 0 {
        spool.note("there is nothing to change");
    }
    Ok(changes)
}

/// Copies a file, byte for byte, to `FILE.bak-TXID`, durably. What has that name already must be the same.
pub fn back_up(file: &Path, snapshot: &Snapshot) -> Result<PathBuf, Failure> {
    let mut name = OsString::from(file);
    name.push(format!(".bak-{}", snapshot.meta().txid));
    let target = PathBuf::from(name);
    if fs::symlink_metadata(&target).is_ok() {
        return match is_copy(&target, snapshot) {
            true => Ok(target),
            false => Err(Failure::at(Status::Refused, &target, "is there, and is not a copy of the file as it is")
                .hint("move it away; it is what the file was before some other change")),
        };
    }
    let copy = output::begin(&target, file, false)?;
    for offset in (0..snapshot.size()).step_by(CHUNK as usize) {
        let run = snapshot.run(offset, CHUNK.min(snapshot.size() - offset)).map_err(|e| Failure::of(file, e))?;
        let unwritable = |e| Failure::at(Status::Io, &target, format_args!("cannot write: {e}"));
        copy.file().write_at(&run, offset).map_err(unwritable)?;
    }
    output::finish(copy)?;
    Ok(target)
}

fn is_copy(target: &Path, snapshot: &Snapshot) -> bool {
    let Ok(bytes) = fs::read(target) else { return false };
    let same = |offset: u64, bytes: &[u8]| snapshot.run(offset, bytes.len() as u64).is_ok_and(|run| *run == *bytes);
    let mut chunks = (0..).step_by(CHUNK as usize).zip(bytes.chunks(CHUNK as usize));
    bytes.len() as u64 == snapshot.size() && chunks.all(|(offset, bytes)| same(offset, bytes))
}

/// What stands in the way of a change.
pub fn refused(file: &Path, error: SettingError) -> Failure {
    let status = match error {
        SettingError::NoNetwork { .. } | SettingError::NoSubnet { .. } | SettingError::NoParent { .. } => Status::No,
        SettingError::NotAnId { .. } => Status::Usage,
        _ => Status::Refused,
    };
    Failure::at(status, file, records::text(&error.to_string()))
}
