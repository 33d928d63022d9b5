//! The pairs of a store one by one, in a transaction of their own.

use std::ops::Bound;

use super::view::pair;
use super::{KvPair, StoreError};
use crate::db::ReadTx;

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
    pub(super) fn new(tx: ReadTx, bucket: &[u8], prefix: &str) -> Entries {
        let prefix = prefix.as_bytes().to_vec();
        Entries { tx: Some(tx), bucket: bucket.into(), from: Bound::Included(prefix.clone()), prefix }
    }

    /// The next entry, read as a pair, and its key.
    fn step(&self) -> Option<(Vec<u8>, Result<KvPair, StoreError>)> {
        let bucket = match self.tx.as_ref()?.bucket(&self.bucket) {
            Ok(bucket) => bucket?,
            Err(e) => return Some((Vec::new(), Err(e.into()))),
        };
        let entry = bucket.range((self.from.clone(), Bound::Unbounded)).next()?;
        let key = entry.as_ref().map(|(key, _)| key.to_vec()).unwrap_or_default();
        if entry.is_ok() && !key.starts_with(&self.prefix) {
            return None;
        }
        Some((key, pair(entry)))
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
