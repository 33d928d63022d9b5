//! Owns what the `kv` commands share that change the store: its one transaction, and what is said where it refuses.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

use super::store::{beginning_with_it, no_value, text};
use crate::cli::context::Context;
use crate::cli::docker_path;
use crate::cli::failure::Failure;
use crate::cli::naming;
use crate::cli::status::Status;
use crate::cli::transaction::{Report, WriteArgs};
use crate::store::{BoltStore, KvPair, Store, StoreError, StoreTx};
use crate::{Db, Error};

/// Why a transaction of the store ends without a commit.
pub enum Stop {
    Store(StoreError),
    Told(Failure),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Store(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Told(failure)
    }
}

/// Whether a change makes the bucket where it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Made,
    Refused,
}

/// Changes the store in a bucket of a file, or of the `local-kv.db` in a directory, in one transaction.
pub fn change(
    file: &Path,
    bucket: &OsStr,
    missing: Missing,
    how: &WriteArgs,
    context: &mut Context<'_>,
    mut change: impl FnMut(&Path, &mut StoreTx<'_>, &mut Report<'_>) -> Result<(), Stop>,
) -> Result<Status, Failure> {
    let doing = if how.dry_run { "reading" } else { "changing" };
    let file = docker_path::database(file, doing, context)?;
    let bytes = bucket.as_encoded_bytes();
    context.change(&file, how, |db, report| {
        let there = is_there(&db, bytes).map_err(|e| Failure::of(&file, e))?;
        match missing {
            Missing::Refused if !there => {
                return Err(Failure::of(&file, Error::BucketNotFound { path: vec![bytes.to_vec()] }));
            }
            Missing::Made if !there => report.plan(format_args!("create bucket {}", name(bucket)))?,
            _ => {}
        }
        let store = BoltStore::on(db, bytes);
        let ended = store.update(|store| change(&file, store, report));
        ended.map_err(|stop| stop.told(&file))?;
        Box::new(store).close().map_err(|e| Stop::from(e).told(&file))?;
        if !there && !report.is_dry_run() {
            report.note(format_args!("{}: bucket {} was not there and is made", file.display(), name(bucket)));
        }
        Ok(Status::Done)
    })
}

fn is_there(db: &Db, bucket: &[u8]) -> crate::Result<bool> {
    Ok(db.begin_read()?.bucket(bucket)?.is_some())
}

/// The key that an argument is: the keys of a store are text.
pub fn key(argument: &OsString) -> Result<&str, Failure> {
    match argument.to_str() {
        Some("") => Err(Failure::usage("the key is empty")),
        Some(key) => Ok(key),
        None => Err(Failure::usage("the key is not UTF-8, as the keys of a store are")),
    }
}

/// The pair that a key is to have still, by its index alone.
pub fn with_index(key: &str, index: u64) -> KvPair {
    KvPair { key: key.into(), value: Vec::new(), last_index: index }
}

/// A call on the store that failed, with the key that it was about.
pub fn about(file: &Path, store: &StoreTx<'_>, key: &str, error: StoreError) -> Stop {
    let no = |what: &dyn fmt::Display| no_value(file, key.as_bytes(), what);
    match error {
        StoreError::KeyNotFound => absent(file, store, key),
        StoreError::KeyExists => no(&"is there already").into(),
        StoreError::KeyModified { expected, found } => {
            no(&format_args!("was written since: its index is {found}, not {expected}")).into()
        }
        error => error.into(),
    }
}

fn absent(file: &Path, store: &StoreTx<'_>, key: &str) -> Stop {
    let first = match store.entries(key) {
        Ok(mut entries) => entries.next(),
        Err(e) => return e.into(),
    };
    match first {
        Some(Err(error @ StoreError::NestedBucket { .. })) if names(&error, key) => Failure::at(Status::No, file, error).into(),
        Some(Ok(longer)) => {
            no_value(file, key.as_bytes(), "is not there").hint(beginning_with_it(longer.key.as_bytes())).into()
        }
        _ => no_value(file, key.as_bytes(), "is not there").into(),
    }
}

fn names(error: &StoreError, wanted: &str) -> bool {
    matches!(error, StoreError::NestedBucket { key } if key == wanted.as_bytes())
}

/// What a key holds, for people; nothing where it is not there.
pub fn stored(store: &StoreTx<'_>, key: &str) -> Result<Option<String>, StoreError> {
    match store.get(key) {
        Ok(pair) => Ok(pair.map(|pair| sized(&pair))),
        Err(StoreError::ShortValue { len, .. }) => {
            Ok(Some(format!("{}, too few for an index", naming::count(len as u64, "byte"))))
        }
        Err(e) => Err(e),
    }
}

fn sized(pair: &KvPair) -> String {
    format!("{} with index {}", naming::count(pair.value.len() as u64, "byte"), pair.last_index)
}

/// A record that is put where a key held this before.
pub fn plan_of_put(bucket: &OsStr, pair: &KvPair, before: Option<String>) -> String {
    let before = before.map_or_else(|| "where there was none".to_owned(), |before| format!("in place of {before}"));
    format!("put {} in {}: {}, {before}", text(pair.key.as_bytes()), name(bucket), sized(pair))
}

/// The name of the bucket, for people.
pub fn name(bucket: &OsStr) -> String {
    naming::bucket(&[bucket.as_encoded_bytes()])
}

impl Stop {
    /// In words, with the status that it means.
    pub fn told(self, file: &Path) -> Failure {
        let error = match self {
            Stop::Told(failure) => return failure,
            Stop::Store(StoreError::Db(e)) => return Failure::of(file, e),
            Stop::Store(error) => error,
        };
        let status = match &error {
            StoreError::NestedBucket { .. } => Status::Refused,
            StoreError::ShortValue { .. } | StoreError::IndexExhausted => Status::Corrupt,
            _ => Status::Io,
        };
        Failure::at(status, file, error)
    }
}
