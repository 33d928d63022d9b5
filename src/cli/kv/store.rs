//! Owns what the `kv` commands share: the bucket they read, and a pass over its records.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::cli::attempt::Spool;
use crate::cli::bytes::Format;
use crate::cli::context::Context;
use crate::cli::docker_path;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::store::{StoreError, decode};
use crate::tree::{Bucket, Entry};
use crate::{Error, Snapshot};

/// As many names of buckets as a hint has room for.
const NAMES: usize = 8;

/// A bucket of one state of a file.
pub type Store<'s> = Bucket<'s, Snapshot>;

/// Runs a command on the bucket of a file, or of the `local-kv.db` in a directory.
pub fn read(
    file: &Path,
    bucket: &OsString,
    state: &TxidArg,
    context: &mut Context<'_>,
    mut read: impl FnMut(&Path, &Store<'_>, &mut Spool) -> Result<Status, Failure>,
) -> Result<Status, Failure> {
    let file: PathBuf = docker_path::database(file, "reading", context)?;
    let name = bucket.as_encoded_bytes();
    context.read(&file, state, |snapshot, spool| {
        let root = snapshot.root().map_err(|e| Failure::of(&file, e))?;
        match root.bucket(name).map_err(|e| Failure::of(&file, e))? {
            Some(bucket) => read(&file, &bucket, spool),
            None => Err(no_bucket(&file, name, &root)),
        }
    })
}

fn no_bucket(file: &Path, name: &[u8], root: &Store<'_>) -> Failure {
    let failure = Failure::of(file, Error::BucketNotFound { path: vec![name.to_vec()] });
    match names_of_buckets(root) {
        Err(_) => failure,
        Ok(names) if names.is_empty() => failure.hint("there is no bucket in this file at all"),
        Ok(names) => failure.hint(format_args!("--bucket takes one of these: {}", names.join(", "))),
    }
}

/// The first of them, for people.
fn names_of_buckets(root: &Store<'_>) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for pair in root.iter() {
        if let (name, Entry::Bucket(_)) = pair? {
            if names.len() == NAMES {
                names.push("…".to_owned());
                break;
            }
            names.push(text(&name));
        }
    }
    Ok(names)
}

/// What a pass over the records came to.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub good: u64,
    pub bad: u64,
}

impl Tally {
    /// Yes where there were records and all of them could be read.
    pub fn status(self, file: &Path, store: &Store<'_>, prefix: &[u8]) -> Result<Status, Failure> {
        match self {
            Tally { good: 0, bad: 0 } => Err(nothing_found(file, store, prefix)),
            Tally { bad: 0, .. } => Ok(Status::Done),
            Tally { .. } => Ok(Status::No),
        }
    }
}

fn nothing_found(file: &Path, store: &Store<'_>, prefix: &[u8]) -> Failure {
    match store.iter().next() {
        Some(Ok((first, _))) => {
            let failure = Failure::at(Status::No, file, format_args!("no key begins with {}", text(prefix)));
            failure.hint(format_args!("the first key there is {}", text(&first)))
        }
        _ => Failure::at(Status::No, file, "the bucket has no keys"),
    }
}

/// A record of the store.
#[derive(Debug)]
pub struct Record<'r> {
    pub key: &'r [u8],
    pub last_index: u64,
    pub value: &'r [u8],
}

/// Hands over the records whose keys begin with `prefix`, in key order; names those that cannot be read.
pub fn each_record(
    file: &Path,
    store: &Store<'_>,
    prefix: &[u8],
    spool: &mut Spool,
    mut each: impl FnMut(Record<'_>, &mut Spool) -> Result<(), Failure>,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    for pair in store.prefix(prefix) {
        let (key, entry) = pair.map_err(|e| Failure::of(file, e))?;
        match stored(&key, &entry) {
            Ok((last_index, value)) => {
                tally.good += 1;
                each(Record { key: &key, last_index, value }, spool)?;
            }
            Err(error) => {
                tally.bad += 1;
                spool.note(format_args!("{}: {error}", file.display()));
            }
        }
    }
    Ok(tally)
}

fn stored<'e>(key: &[u8], entry: &'e Entry<'_, Snapshot>) -> Result<(u64, &'e [u8]), StoreError> {
    match entry {
        Entry::Value(stored) => decode(key, stored),
        Entry::Bucket(_) => Err(StoreError::NestedBucket { key: key.into() }),
    }
}

/// A key that has no value to be read.
pub fn no_value(file: &Path, key: &[u8], what: impl fmt::Display) -> Failure {
    Failure::at(Status::No, file, format_args!("key {} {what}", text(key)))
}

/// Keys are long and end with a slash: whoever left something out is told where to go on.
pub fn beginning_with_it(longer: &[u8]) -> String {
    format!("the first key that begins with it is {}", text(longer))
}

/// Bytes for people.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&Format::Auto.show(bytes)).into_owned()
}

/// The bytes that an optional prefix stands for.
pub fn prefix(argument: &Option<OsString>) -> &[u8] {
    argument.as_ref().map(|prefix| prefix.as_encoded_bytes()).unwrap_or_default()
}
