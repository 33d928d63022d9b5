//! The store on a Bolt file.

use std::ops::Bound;
use std::path::Path;

use super::record::record;
use super::{KvPair, Store, StoreError};
use crate::db::{Db, Entry, ReadTx, Verify};
use crate::error::Result;

/// A libnetwork store in a Bolt file, opened read-only.
///
/// ```
/// use unbolt::store::{BoltStore, DOCKER_BUCKET, Store};
/// let store = BoltStore::open_read_only("testdata/docker/live-20.10.24.db", DOCKER_BUCKET)?;
/// for pair in store.list("docker/network/v1.0/network/")? {
///     println!("{} (index {}): {}", pair.key, pair.last_index, String::from_utf8_lossy(&pair.value));
/// }
/// assert!(!store.exists("docker/network/v1.0/network/none/")?);
/// # Ok::<(), unbolt::store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct BoltStore {
    db: Db,
    bucket: Vec<u8>,
}

impl BoltStore {
    /// Opens the store in a bucket of an existing file, under the shared lock, tried for once. The whole file is
    /// verified ([`Verify::Tree`]); it is small. For a file that does not verify there is [`on`](Self::on).
    ///
    /// A running dockerd holds the exclusive lock, and one that starts does not wait for a shared one. To look
    /// into a file in use, take a [`Snapshot`](crate::Snapshot) and [`records`](super::records()).
    pub fn open_read_only(path: impl AsRef<Path>, bucket: impl AsRef<[u8]>) -> Result<BoltStore, StoreError> {
        Ok(BoltStore::on(Db::options().read_only(true).verify(Verify::Tree).open(path)?, bucket))
    }

    /// The store in a bucket of an open database.
    pub fn on(db: Db, bucket: impl AsRef<[u8]>) -> BoltStore {
        BoltStore { db, bucket: bucket.as_ref().into() }
    }

    /// The pair of a key; `None` where it is not there, or its value has no bytes at all.
    pub fn get(&self, key: &str) -> Result<Option<KvPair>, StoreError> {
        match self.stored(key)? {
            Some(stored) if !stored.is_empty() => record(key.as_bytes(), &stored).map(Some),
            _ => Ok(None),
        }
    }

    /// The pairs whose keys begin with `prefix`, in key order, all of one state. A record that cannot be read is
    /// an error that names it, and the next ones follow. A key that is not above the one before it is an error of
    /// the database.
    pub fn entries(&self, prefix: &str) -> Result<Entries, StoreError> {
        let from = Bound::Included(prefix.as_bytes().to_vec());
        Ok(Entries { tx: Some(self.db.begin_read()?), bucket: self.bucket.clone(), prefix: prefix.into(), from })
    }

    fn stored(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let tx = self.db.begin_read()?;
        let Some(bucket) = tx.bucket(&self.bucket)? else { return Ok(None) };
        Ok(bucket.get(key)?.map(<[u8]>::to_vec))
    }
}

impl Store for BoltStore {
    fn put(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn exists(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.stored(key)?.is_some_and(|stored| !stored.is_empty()))
    }

    fn list(&self, prefix: &str) -> Result<Vec<KvPair>, StoreError> {
        let pairs = self.entries(prefix)?.collect::<Result<Vec<_>, _>>()?;
        if pairs.is_empty() { Err(StoreError::KeyNotFound) } else { Ok(pairs) }
    }

    fn atomic_put(&self, _: &str, _: &[u8], _: Option<&KvPair>) -> Result<KvPair, StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn atomic_delete(&self, _: &str, _: Option<&KvPair>) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn delete(&self, _: &str) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(self.db.close()?)
    }
}

/// An iterator over the pairs of a store. It holds its own transaction and finds its place by key, so it can
/// outlive the store. It ends after an error of the database itself.
#[derive(Debug)]
#[must_use = "an iterator does nothing until it is asked"]
pub struct Entries {
    tx: Option<ReadTx>,
    bucket: Vec<u8>,
    prefix: Vec<u8>,
    from: Bound<Vec<u8>>,
}

impl Entries {
    /// The next entry, read as a pair, and its key.
    fn step(&self) -> Option<(Vec<u8>, Result<KvPair, StoreError>)> {
        let bucket = match self.tx.as_ref()?.bucket(&self.bucket) {
            Ok(bucket) => bucket?,
            Err(e) => return Some((Vec::new(), Err(e.into()))),
        };
        let (key, entry) = match bucket.range((self.from.clone(), Bound::Unbounded)).next()? {
            Ok(pair) => pair,
            Err(e) => return Some((Vec::new(), Err(e.into()))),
        };
        if !key.starts_with(&self.prefix) {
            return None;
        }
        let pair = match entry {
            Entry::Value(stored) => record(key, stored),
            Entry::Bucket(_) => Err(StoreError::NestedBucket { key: key.into() }),
        };
        Some((key.into(), pair))
    }
}

impl Iterator for Entries {
    type Item = Result<KvPair, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some((key, pair)) = self.step() else {
            self.tx = None;
            return None;
        };
        match &pair {
            Err(e) if !e.is_one_record() => self.tx = None,
            _ => self.from = Bound::Excluded(key),
        }
        Some(pair)
    }
}

impl std::iter::FusedIterator for Entries {}
