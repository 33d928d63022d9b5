//! An iterator as a transaction hands it out.

use std::iter::FusedIterator;
use std::ops::Bound;

use super::Entry;
use super::anchor;
use super::cursor::pair;
use crate::error::Result;
use crate::storage::Medium;
use crate::tree::{self, BucketId, Edit, Neighbour};

/// The entries of a bucket or of a range of its keys, from both ends. It ends after the first error.
#[derive(Debug)]
#[must_use = "an iterator does nothing until it is asked"]
pub struct Iter<'tx>(Inner<'tx>);

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nobody keeps many, and the large one is the fast one")]
enum Inner<'tx> {
    Committed(tree::Iter<'tx, Medium>),
    Edited(Edited<'tx>),
}

/// The entries of a bucket that is being edited, found one by one by their keys.
#[derive(Debug)]
struct Edited<'tx> {
    edit: &'tx Edit,
    bucket: BucketId,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    done: bool,
}

impl<'tx> From<tree::Iter<'tx, Medium>> for Iter<'tx> {
    #[inline]
    fn from(iter: tree::Iter<'tx, Medium>) -> Self {
        Iter(Inner::Committed(iter))
    }
}

impl<'tx> Iter<'tx> {
    pub(super) fn edited(edit: &'tx Edit, bucket: BucketId, (from, to): (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Self {
        Iter(Inner::Edited(Edited { edit, bucket, from, to, done: false }))
    }
}

impl<'tx> Edited<'tx> {
    fn step(&mut self, back: bool) -> Option<Result<anchor::Pair<'tx>>> {
        if self.done {
            return None;
        }
        let found = match back {
            false => self.edit.first_from(self.bucket, self.from.as_ref().map(Vec::as_slice)),
            true => self.edit.last_up_to(self.bucket, self.to.as_ref().map(Vec::as_slice)),
        };
        let pair = found.and_then(|found| {
            let within = found.filter(|found| self.holds(found, back));
            within.map(|found| anchor::pair(self.edit, self.bucket, found)).transpose()
        });
        self.done = !matches!(pair, Ok(Some(_)));
        let pair = pair.transpose()?;
        if let Ok((key, _)) = &pair {
            *(if back { &mut self.to } else { &mut self.from }) = Bound::Excluded(key.to_vec());
        }
        Some(pair)
    }

    /// Whether the bound on the other side lets a key pass.
    fn holds(&self, found: &Neighbour<'_>, back: bool) -> bool {
        let key = found.element.key;
        match (if back { &self.from } else { &self.to }, back) {
            (Bound::Unbounded, _) => true,
            (Bound::Included(bound), false) => key <= bound.as_slice(),
            (Bound::Excluded(bound), false) => key < bound.as_slice(),
            (Bound::Included(bound), true) => key >= bound.as_slice(),
            (Bound::Excluded(bound), true) => key > bound.as_slice(),
        }
    }
}

impl<'tx> Iterator for Iter<'tx> {
    type Item = Result<(&'tx [u8], Entry<'tx>)>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Inner::Committed(iter) => match iter.next_value() {
                Some((key, value)) => Some(Ok((key, Entry::Value(value)))),
                None => iter.next_as(pair),
            },
            Inner::Edited(edited) => edited.step(false),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Inner::Committed(iter) => iter.next_back_as(pair),
            Inner::Edited(edited) => edited.step(true),
        }
    }
}

impl FusedIterator for Iter<'_> {}
