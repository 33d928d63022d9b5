//! The index that a write gives its record: one more than any before it, over all processes.
//!
//! Invariant: after a transaction that changed the bucket, its *sequence*, which neither dockerd nor Go's store uses,
//! is at least the highest index that was ever seen there, also where the record that had it is deleted. So no index
//! is given twice, unless somebody else writes in between: dockerd counts from 1 again with each start.

use std::sync::OnceLock;

use super::StoreError;
use super::record::decode;
use crate::db::{Bucket, Entry};
use crate::error::Result;

/// No counting comes this far: what is beyond was never an index.
const END_OF_COUNTING: u64 = 1 << 63;

/// The indexes of one bucket.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    /// The highest index among the records as they were before the first write.
    found: OnceLock<u64>,
}

impl Indexes {
    /// The last index that was given. To be asked before a transaction changes anything in the bucket.
    pub(super) fn last(&self, bucket: &Bucket<'_>) -> Result<u64> {
        let found = match self.found.get() {
            Some(found) => *found,
            None => {
                let highest = highest(bucket)?;
                *self.found.get_or_init(|| highest)
            }
        };
        Ok(found.max(bucket.sequence()))
    }

    /// The last index that was given, once a record with this one is among the others.
    pub(super) fn last_with(&self, bucket: &Bucket<'_>, index: u64) -> Result<u64> {
        Ok(self.last(bucket)?.max(if index < END_OF_COUNTING { index } else { 0 }))
    }

    /// The next index to give.
    pub(super) fn next(&self, bucket: &Bucket<'_>) -> Result<u64, StoreError> {
        self.last(bucket)?.checked_add(1).ok_or(StoreError::IndexExhausted)
    }
}

/// The highest index among the records; those that cannot be read have none.
fn highest(bucket: &Bucket<'_>) -> Result<u64> {
    let mut highest = 0;
    for entry in bucket.iter() {
        if let (key, Entry::Value(stored)) = entry?
            && let Ok((index, _)) = decode(key, stored)
            && index < END_OF_COUNTING
        {
            highest = highest.max(index);
        }
    }
    Ok(highest)
}
