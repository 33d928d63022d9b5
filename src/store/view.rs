//! What the calls that read find in the bucket, in whichever transaction.
//!
//! A bucket that is not there is one without keys.

use super::record::record;
use super::{KvPair, StoreError};
use crate::db::{Bucket, Entry};
use crate::error::{Corruption, CorruptionKind, Error, Result};

/// The store's bucket in one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'t>(Option<Bucket<'t>>);

impl<'t> View<'t> {
    pub(super) fn new(bucket: Option<Bucket<'t>>) -> View<'t> {
        View(bucket)
    }

    /// The value of a key with its index before it; `None` where the key is not there, or is a bucket.
    pub(super) fn stored(&self, key: &str) -> Result<Option<&'t [u8]>> {
        self.0.map_or(Ok(None), |bucket| bucket.get(key))
    }

    pub(super) fn exists(&self, key: &str) -> Result<bool> {
        Ok(self.stored(key)?.is_some_and(|stored| !stored.is_empty()))
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<KvPair>, StoreError> {
        match self.stored(key)? {
            Some(stored) if !stored.is_empty() => record(key.as_bytes(), stored).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn entries(&self, prefix: &str) -> impl Iterator<Item = Result<KvPair, StoreError>> + use<'t> {
        self.0.map(|bucket| bucket.prefix(prefix)).into_iter().flatten().map(pair)
    }

    /// The pairs with a prefix. They must ascend: a list with a key twice would be no list of what is there.
    pub(super) fn list(&self, prefix: &str) -> Result<Vec<KvPair>, StoreError> {
        let pairs = self.entries(prefix).collect::<Result<Vec<_>, _>>()?;
        if !pairs.is_sorted_by(|a, b| a.key < b.key) {
            let page = self.0.and_then(|bucket| bucket.root_page());
            return Err(Error::Corrupt(Corruption { kind: CorruptionKind::PageOrder, page, offset: None }).into());
        }
        if pairs.is_empty() { Err(StoreError::KeyNotFound) } else { Ok(pairs) }
    }
}

/// The pair that an entry of the bucket is.
pub(super) fn pair(entry: Result<(&[u8], Entry<'_>), Error>) -> Result<KvPair, StoreError> {
    match entry? {
        (key, Entry::Value(stored)) => record(key, stored),
        (key, Entry::Bucket(_)) => Err(StoreError::NestedBucket { key: key.into() }),
    }
}
