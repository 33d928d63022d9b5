//! The store's calls inside one write transaction, with errors in the order that Go's store has them.

use std::ops::Bound;

use super::index::Indexes;
use super::record::{decode, encode};
use super::view::View;
use super::{KvPair, StoreError};
use crate::db::{BucketMut, Entry, WriteTx};
use crate::error::{Error, Result};
use crate::tree::end_of_prefix;

/// A store in a write transaction: all that is done here is committed at once, or not at all.
///
/// Its calls are those of [`Store`](super::Store), and they see what was done before them. A call that fails changes
/// nothing, so the others can still be committed.
#[derive(Debug)]
pub struct StoreTx<'t> {
    tx: &'t mut WriteTx,
    bucket: &'t [u8],
    indexes: &'t Indexes,
}

impl<'t> StoreTx<'t> {
    pub(super) fn new(tx: &'t mut WriteTx, bucket: &'t [u8], indexes: &'t Indexes) -> StoreTx<'t> {
        StoreTx { tx, bucket, indexes }
    }

    /// Sets the value of a key, whatever it was.
    pub fn put(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.write(key, value, None).map(drop)
    }

    /// Whether a key is there. A key whose value has no bytes at all, not even an index, is not.
    pub fn exists(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.view()?.exists(key)?)
    }

    /// The pair of a key; `None` where it is not there, or its value has no bytes at all.
    pub fn get(&self, key: &str) -> Result<Option<KvPair>, StoreError> {
        self.view()?.get(key)
    }

    /// All pairs whose keys begin with `prefix`, in key order; [`StoreError::KeyNotFound`] where there are none.
    pub fn list(&self, prefix: &str) -> Result<Vec<KvPair>, StoreError> {
        self.view()?.list(prefix)
    }

    /// The pairs whose keys begin with `prefix`, in key order. A record that cannot be read is an error that names it,
    /// and the next ones follow; after an error of the database itself there is nothing more.
    pub fn entries(&self, prefix: &str) -> Result<impl Iterator<Item = Result<KvPair, StoreError>> + use<'_>, StoreError> {
        Ok(self.view()?.entries(prefix))
    }

    /// Sets the value of a key if its index is still that of `previous`; without `previous`, if there is none.
    pub fn atomic_put(&mut self, key: &str, value: &[u8], previous: Option<&KvPair>) -> Result<KvPair, StoreError> {
        let stored = self.view()?.stored(key)?.filter(|stored| !stored.is_empty());
        match (previous, stored) {
            (None, None) => {}
            (None, Some(_)) => return Err(StoreError::KeyExists),
            (Some(_), None) => return Err(StoreError::KeyNotFound),
            (Some(previous), Some(stored)) => unmodified(key, stored, previous)?,
        }
        let last_index = self.write(key, value, None)?;
        Ok(KvPair { key: key.into(), value: value.into(), last_index })
    }

    /// Puts a record back as it was, with the index that it had, whatever the key is now. The indexes that are given from
    /// now on are above it.
    ///
    /// ```
    /// # use unbolt::store::{BoltStore, KvPair, Store, StoreError};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = BoltStore::open(dir.path().join("local-kv.db"), "libnetwork")?;
    /// let kept = KvPair { key: "a/key/".into(), value: b"{}".to_vec(), last_index: 40 };
    /// store.update(|store| store.restore(&kept))?;
    /// assert_eq!(store.get("a/key/")?.as_ref(), Some(&kept));
    /// assert_eq!(store.atomic_put("another/key/", b"{}", None)?.last_index, 41);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore(&mut self, record: &KvPair) -> Result<(), StoreError> {
        self.write(&record.key, &record.value, Some(record.last_index)).map(drop)
    }

    /// Deletes a key if its index is still that of `previous`, which must be given.
    pub fn atomic_delete(&mut self, key: &str, previous: Option<&KvPair>) -> Result<(), StoreError> {
        let previous = previous.ok_or(StoreError::PreviousNotSpecified)?;
        let stored = self.view()?.stored(key)?.ok_or(StoreError::KeyNotFound)?;
        unmodified(key, stored, previous)?;
        self.remove(|bucket| bucket.delete(key).map(u64::from)).map(drop)
    }

    /// Deletes a key, whatever its index; [`StoreError::KeyNotFound`] where it is not there.
    pub fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        self.view()?.stored(key)?.ok_or(StoreError::KeyNotFound)?;
        self.remove(|bucket| bucket.delete(key).map(u64::from)).map(drop)
    }

    /// Deletes whatever lies under a key, readable or not: a value, or a bucket with all that is in it. Says whether
    /// anything did.
    pub fn discard(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        self.tx.bucket(self.bucket)?.ok_or(StoreError::KeyNotFound)?;
        let deleted = self.remove(|bucket| match bucket.entry(key)? {
            None => Ok(0),
            Some(Entry::Value(_)) => bucket.delete(key).map(u64::from),
            Some(Entry::Bucket(_)) => bucket.delete_bucket(key).map(|()| 1),
        })?;
        Ok(deleted > 0)
    }

    /// Deletes all keys that begin with `prefix`, readable or not, and says how many they were. A bucket among them
    /// stays.
    ///
    /// # Errors
    ///
    /// [`StoreError::KeyNotFound`] where the store's bucket is not there at all; a prefix without keys is none.
    pub fn delete_tree(&mut self, prefix: &str) -> Result<u64, StoreError> {
        self.tx.bucket(self.bucket)?.ok_or(StoreError::KeyNotFound)?;
        let prefix = prefix.as_bytes();
        self.remove(|bucket| bucket.delete_range((Bound::Included(prefix.to_vec()), end_of_prefix(prefix))))
    }

    fn view(&self) -> Result<View<'_>> {
        Ok(View::new(self.tx.bucket(self.bucket)?))
    }

    /// Writes a record, with the next index where none is given, and says which it has. The first one makes the bucket,
    /// unless it cannot be written.
    fn write(&mut self, key: &str, value: &[u8], index: Option<u64>) -> Result<u64, StoreError> {
        let existed = self.tx.bucket(self.bucket)?.is_some();
        let mut bucket = self.tx.create_bucket_if_missing(self.bucket)?;
        let written = write_in(&mut bucket, self.indexes, key, value, index);
        if written.is_err() && !existed {
            self.tx.delete_bucket(self.bucket)?;
        }
        written
    }

    /// Deletes records, and keeps the last index that was given where they may have been the last to tell it.
    fn remove(&mut self, delete: impl FnOnce(&mut BucketMut<'_>) -> Result<u64>) -> Result<u64, StoreError> {
        let mut bucket = self.tx.bucket_mut(self.bucket)?;
        let last = self.indexes.last(&bucket.as_bucket())?;
        let deleted = delete(&mut bucket)?;
        if deleted > 0 {
            bucket.set_sequence(last)?;
        }
        Ok(deleted)
    }
}

fn write_in(
    bucket: &mut BucketMut<'_>,
    indexes: &Indexes,
    key: &str,
    value: &[u8],
    given: Option<u64>,
) -> Result<u64, StoreError> {
    let (index, last) = match given {
        None => indexes.next(&bucket.as_bucket()).map(|next| (next, next))?,
        Some(given) => (given, indexes.last_with(&bucket.as_bucket(), given)?),
    };
    bucket.put(key, encode(index, value)).map_err(|error| match error {
        Error::IncompatibleValue { key } => StoreError::NestedBucket { key },
        other => other.into(),
    })?;
    bucket.set_sequence(last)?;
    Ok(index)
}

/// Whether a stored value still has the index that it had when it was read as `previous`.
fn unmodified(key: &str, stored: &[u8], previous: &KvPair) -> Result<(), StoreError> {
    match decode(key.as_bytes(), stored)? {
        (found, _) if found == previous.last_index => Ok(()),
        (found, _) => Err(StoreError::KeyModified { expected: previous.last_index, found }),
    }
}
