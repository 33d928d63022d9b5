//! Owns what the reading `net` commands share: the records of a file, the network that is meant, and cells of tables.

use std::path::{Path, PathBuf};

use crate::Snapshot;
use crate::cli::attempt::Spool;
use crate::cli::context::Context;
use crate::cli::docker_path;
use crate::cli::failure::Failure;
use crate::cli::quote;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::net::{FindError, Inventory, Network, Record};
use crate::store::{DOCKER_BUCKET, StoreError, records};
use crate::tree::Bucket;

/// As much of an id as docker shows.
const SHORT: usize = 12;

/// Runs a command on the records of a file, or of the `local-kv.db` in a directory. What is wrong with them is named,
/// and is a no.
pub fn read(
    file: &Path,
    state: &TxidArg,
    context: &mut Context<'_>,
    mut read: impl FnMut(&Path, &Inventory, &mut Spool) -> Result<Status, Failure>,
) -> Result<Status, Failure> {
    let file = docker_path::database(file, "reading", context)?;
    context.read(&file, state, |snapshot, spool| {
        let inventory = inventory(&file, snapshot)?;
        let mut flawless = Status::Done;
        for problem in inventory.problems() {
            flawless = Status::No;
            spool.note(format_args!("{}: {problem}", file.display()));
        }
        match read(&file, &inventory, spool)? {
            Status::Done => Ok(flawless),
            other => Ok(other),
        }
    })
}

/// The records of a file, to be worked on after it is closed, and which file that is. What is wrong with them is named.
pub fn take(file: &Path, state: &TxidArg, context: &mut Context<'_>) -> Result<(PathBuf, Inventory), Failure> {
    let mut taken = None;
    read(file, state, context, |file, inventory, _| {
        taken = Some((file.to_path_buf(), inventory.clone()));
        Ok(Status::Done)
    })?;
    taken.ok_or_else(|| Failure::at(Status::Io, file, "nothing was read"))
}

fn inventory(file: &Path, snapshot: &Snapshot) -> Result<Inventory, Failure> {
    Inventory::read(records(&bucket(file, snapshot)?, b"")).map_err(|error| failed(file, error))
}

/// The bucket that Docker keeps its networks in.
pub fn bucket<'s>(file: &Path, snapshot: &'s Snapshot) -> Result<Bucket<'s, Snapshot>, Failure> {
    let root = snapshot.root().map_err(|e| Failure::of(file, e))?;
    root.bucket(DOCKER_BUCKET.as_bytes()).map_err(|e| Failure::of(file, e))?.ok_or_else(|| {
        let failure = Failure::at(Status::No, file, format_args!("not Docker's networks: it has no bucket {DOCKER_BUCKET}"));
        failure.hint("they are in network/files/local-kv.db below Docker's data root")
    })
}

/// An error of the store.
pub fn failed(file: &Path, error: StoreError) -> Failure {
    match error {
        StoreError::Db(error) => Failure::of(file, error),
        other => Failure::at(Status::Corrupt, file, other),
    }
}

/// The network that somebody means.
pub fn find<'i>(file: &Path, inventory: &'i Inventory, wanted: &str) -> Result<&'i Record<Network>, Failure> {
    inventory.find_network(wanted).map_err(|error| {
        let failure = Failure::at(Status::No, file, quote::on_one_line(error.to_string().as_bytes()));
        match error {
            FindError::Ambiguous { ids, .. } => failure.hint(format_args!("their ids are {}", ids.join(", "))),
            _ => failure.hint(format_args!("`unbolt net ls {}` lists those that are there", file.display())),
        }
    })
}

/// The same where one may be named, and else all are meant.
pub fn find_if_named<'i>(
    file: &Path,
    inventory: &'i Inventory,
    wanted: &Option<String>,
) -> Result<Option<&'i Record<Network>>, Failure> {
    wanted.as_deref().map(|wanted| find(file, inventory, wanted)).transpose()
}

/// A text for people, on one line.
pub fn text(text: &str) -> String {
    quote::on_one_line(text.as_bytes())
}

/// An id, as much of it as docker shows.
pub fn id(id: &str, whole: bool) -> String {
    match whole {
        true => text(id),
        false => text(&id.chars().take(SHORT).collect::<String>()),
    }
}
