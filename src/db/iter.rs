//! An iterator as a read transaction hands it out.

use std::iter::FusedIterator;

use super::Entry;
use super::cursor::pair;
use crate::error::Result;
use crate::storage::Medium;
use crate::tree;

/// The entries of a bucket or of a range of its keys, from both ends. It ends after the first error.
#[derive(Debug)]
#[must_use = "an iterator does nothing until it is asked"]
pub struct Iter<'tx>(pub(super) tree::Iter<'tx, Medium>);

impl<'tx> Iterator for Iter<'tx> {
    type Item = Result<(&'tx [u8], Entry<'tx>)>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_as(pair)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back_as(pair)
    }
}

impl FusedIterator for Iter<'_> {}
