//! Owns what was saved of Docker's records in other databases: those in their place, and those that a recovery found
//! without a home.

use std::path::{Path, PathBuf};

use super::records::{self, failed};
use crate::Snapshot;
use crate::cli::context::Context;
use crate::cli::docker_path;
use crate::cli::failure::Failure;
use crate::cli::naming::count;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::net::{Draft, ROOT};
use crate::store::{DOCKER_BUCKET, KvPair, StoreError, records as entries};
use crate::tree::{Bucket, Entry};

/// The bucket of what has no home; where a file had one of that name, the next one's name only begins like that.
const LOST: &[u8] = b"lost+found";
/// How deep buckets lie in one another that are looked into.
const DEPTH: usize = 64;

/// What one file has.
#[derive(Default)]
struct Saved {
    in_place: Vec<Result<KvPair, StoreError>>,
    homeless: Vec<KvPair>,
}

/// The records of several databases: of two with one key that of the first file, and those without a home where no file
/// has them in their place.
pub fn records(files: &[PathBuf], context: &mut Context<'_>) -> Result<Draft, Failure> {
    let mut all = Vec::new();
    for file in files {
        all.push(read(file, context)?);
    }
    let mut homeless: Vec<KvPair> = all.iter_mut().flat_map(|saved| std::mem::take(&mut saved.homeless)).collect();
    // What is told last under a key counts.
    homeless.sort_by_key(|pair| pair.last_index);
    let in_place = all.into_iter().rev().flat_map(|saved| saved.in_place);
    let (good, bad): (Vec<_>, Vec<_>) = in_place.partition(Result::is_ok);
    let told = bad.into_iter().chain(homeless.into_iter().map(Ok)).chain(good);
    Draft::read(told).map_err(|e| failed(files.first().map_or(Path::new(""), PathBuf::as_path), e))
}

fn read(file: &Path, context: &mut Context<'_>) -> Result<Saved, Failure> {
    let file = docker_path::database(file, "reading", context)?;
    let mut found = Saved::default();
    context.read(&file, &TxidArg::default(), |snapshot, spool| {
        found = saved(&file, snapshot)?;
        if !found.homeless.is_empty() {
            let records = count(found.homeless.len() as u64, "record");
            spool.note(format_args!(
                "{}: {records} in lost+found, which may be older, deleted, or never committed",
                file.display()
            ));
        }
        Ok(Status::Done)
    })?;
    Ok(found)
}

fn saved(file: &Path, snapshot: &Snapshot) -> Result<Saved, Failure> {
    let mut saved = Saved::default();
    let root = snapshot.root().map_err(|e| Failure::of(file, e))?;
    for entry in root.prefix(LOST) {
        if let (_, Entry::Bucket(bucket)) = entry.map_err(|e| Failure::of(file, e))? {
            homeless(&bucket, 0, &mut saved.homeless).map_err(|e| failed(file, e))?;
        }
    }
    let is_there = root.bucket(DOCKER_BUCKET.as_bytes()).map_err(|e| Failure::of(file, e))?.is_some();
    if is_there || saved.homeless.is_empty() {
        saved.in_place = entries(&records::bucket(file, snapshot)?, b"").collect();
    }
    Ok(saved)
}

/// Docker's records in a bucket and in all that are in it, as far as they can be read.
fn homeless(bucket: &Bucket<'_, Snapshot>, depth: usize, found: &mut Vec<KvPair>) -> Result<(), StoreError> {
    found.extend(entries(bucket, ROOT.as_bytes()).filter_map(Result::ok));
    for entry in bucket.iter() {
        if let (_, Entry::Bucket(inner)) = entry?
            && depth < DEPTH
        {
            homeless(&inner, depth + 1, found)?;
        }
    }
    Ok(())
}
