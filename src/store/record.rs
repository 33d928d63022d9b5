//! A record of a store: an index of eight bytes, little-endian on every host, and then the value.

use std::fmt;

use super::{KvPair, StoreError};
use crate::storage::Storage;
use crate::tree::{Bucket, Entry, Iter};

/// The size of the index before each value.
pub const INDEX_SIZE: usize = 8;

/// Splits a stored value into its index and what follows it.
///
/// ```
/// let (index, value) = unbolt::store::decode(b"key", b"\x07\0\0\0\0\0\0\0{}")?;
/// assert_eq!((index, value), (7, &b"{}"[..]));
/// # Ok::<(), unbolt::store::StoreError>(())
/// ```
pub fn decode<'v>(key: &[u8], stored: &'v [u8]) -> Result<(u64, &'v [u8]), StoreError> {
    match stored.split_first_chunk::<INDEX_SIZE>() {
        Some((index, value)) => Ok((u64::from_le_bytes(*index), value)),
        None => Err(StoreError::ShortValue { key: key.into(), len: stored.len() }),
    }
}

/// The records of a bucket whose keys begin with `prefix`, in key order. A record that cannot be read is an
/// error that names it, and the next ones follow.
pub fn records<'s, S: Storage>(bucket: &Bucket<'s, S>, prefix: &[u8]) -> Records<'s, S> {
    Records(bucket.prefix(prefix))
}

/// An iterator over the records of a store.
#[must_use = "an iterator does nothing until it is asked"]
pub struct Records<'s, S: Storage>(Iter<'s, S>);

impl<S: Storage> Iterator for Records<'_, S> {
    type Item = Result<KvPair, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.0.next()? {
            Ok((key, Entry::Value(stored))) => record(&key, &stored),
            Ok((key, Entry::Bucket(_))) => Err(StoreError::NestedBucket { key: key.to_vec() }),
            Err(e) => Err(e.into()),
        })
    }
}

impl<S: Storage> std::iter::FusedIterator for Records<'_, S> {}

impl<S: Storage> fmt::Debug for Records<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Records").field(&self.0).finish()
    }
}

/// A value as it is stored: behind its index.
pub fn encode(index: u64, value: &[u8]) -> Vec<u8> {
    [&index.to_le_bytes()[..], value].concat()
}

/// The pair that a stored record is.
pub(super) fn record(key: &[u8], stored: &[u8]) -> Result<KvPair, StoreError> {
    let (last_index, value) = decode(key, stored)?;
    let text = std::str::from_utf8(key).map_err(|_| StoreError::KeyNotText { key: key.into() })?;
    Ok(KvPair { key: text.into(), value: value.into(), last_index })
}
