//! A position among keys that may change: anchored by key, not by page.
//!
//! What was deleted leaves a gap, and the way on from a gap leads to the neighbours of what was there. At an end the
//! position stays on the last entry it was on, as a cursor of a read transaction does.

use std::ops::Bound;

use super::Entry;
use super::bucket::Inner;
use crate::error::Result;
use crate::tree::{BucketId, Edit, Neighbour};

/// A key with what it leads to.
pub(super) type Pair<'tx> = (&'tx [u8], Entry<'tx>);

/// A position in a bucket that is being edited.
#[derive(Debug, Clone, Default)]
pub(super) enum Anchor {
    #[default]
    Nowhere,
    PastEnd,
    On(Vec<u8>),
    /// Where a key was that is deleted now.
    Gap(Vec<u8>),
}

impl Anchor {
    pub(super) fn first<'e>(&mut self, edit: &'e Edit, bucket: BucketId) -> Result<Option<Pair<'e>>> {
        *self = Anchor::Nowhere;
        self.settle(edit, bucket, edit.first_from(bucket, Bound::Unbounded)?)
    }

    pub(super) fn last<'e>(&mut self, edit: &'e Edit, bucket: BucketId) -> Result<Option<Pair<'e>>> {
        *self = Anchor::Nowhere;
        self.settle(edit, bucket, edit.last_up_to(bucket, Bound::Unbounded)?)
    }

    pub(super) fn seek<'e>(&mut self, edit: &'e Edit, bucket: BucketId, key: &[u8]) -> Result<Option<Pair<'e>>> {
        *self = Anchor::PastEnd;
        self.settle(edit, bucket, edit.first_from(bucket, Bound::Included(key))?)
    }

    pub(super) fn next<'e>(&mut self, edit: &'e Edit, bucket: BucketId) -> Result<Option<Pair<'e>>> {
        let (Anchor::On(key) | Anchor::Gap(key)) = self else { return Ok(None) };
        let found = edit.first_from(bucket, Bound::Excluded(key))?;
        self.settle(edit, bucket, found)
    }

    pub(super) fn prev<'e>(&mut self, edit: &'e Edit, bucket: BucketId) -> Result<Option<Pair<'e>>> {
        let bound = match self {
            Anchor::Nowhere => return Ok(None),
            Anchor::PastEnd => Bound::Unbounded,
            Anchor::On(key) | Anchor::Gap(key) => Bound::Excluded(key.as_slice()),
        };
        let found = edit.last_up_to(bucket, bound)?;
        self.settle(edit, bucket, found)
    }

    pub(super) fn current<'e>(&self, edit: &'e Edit, bucket: BucketId) -> Result<Option<Pair<'e>>> {
        let Anchor::On(key) = self else { return Ok(None) };
        edit.find(bucket, key)?.map(|found| pair(edit, bucket, found)).transpose()
    }

    /// The key it is on.
    pub(super) fn key(&self) -> Option<&[u8]> {
        match self {
            Anchor::On(key) => Some(key),
            _ => None,
        }
    }

    /// The entry it is on was deleted.
    pub(super) fn deleted(&mut self) {
        if let Anchor::On(key) = self {
            *self = Anchor::Gap(std::mem::take(key));
        }
    }

    fn settle<'e>(&mut self, edit: &'e Edit, bucket: BucketId, found: Option<Neighbour<'e>>) -> Result<Option<Pair<'e>>> {
        let Some(found) = found else { return Ok(None) };
        *self = Anchor::On(found.element.key.into());
        pair(edit, bucket, found).map(Some)
    }
}

/// The pair that an element of an edited bucket is.
pub(super) fn pair<'e>(edit: &'e Edit, bucket: BucketId, found: Neighbour<'e>) -> Result<Pair<'e>> {
    let entry = match found.element.is_bucket() {
        false => Entry::Value(found.element.value),
        true => Entry::Bucket(Inner::of(edit, edit.view(bucket, found)?).into()),
    };
    Ok((found.element.key, entry))
}
