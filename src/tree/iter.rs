//! The entries of a bucket, or of a range of its keys, from both ends.
//!
//! Invariant: no key outside of the range is yielded. A scan that comes to a key on the wrong side of where it began
//! is over keys that are not sorted, which is an error. Keys are tested a few at a time, ahead of their turn: so memory
//! fetches them side by side, and a step within those that were tested is nothing but a look at the next element.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use super::cursor::{Pair, pair};
use super::{Bucket, Cursor, Entry};
use crate::error::{Error, Result};
use crate::format::{LeafElement, begins_with, compare_keys};
use crate::storage::Storage;

/// An iterator over entries of a bucket. After an error it ends.
pub struct Iter<'s, S: Storage> {
    bucket: Bucket<'s, S>,
    range: Range,
    front: Option<Cursor<'s, S>>,
    back: Option<Cursor<'s, S>>,
    /// The elements of the front's leaf before this one, and behind the front, are wanted.
    tested: usize,
    done: bool,
}

/// How many keys are tested at once. Whoever wants the first one only pays for all.
const TESTED_AT_ONCE: usize = 16;

/// The keys that are wanted.
#[derive(Debug, Clone)]
struct Range {
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    /// The start is a prefix, and what begins with it is wanted: one look at a key then tells as much as both bounds.
    by_prefix: bool,
}

/// Where a key lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    Within,
    Behind,
}

/// One end of an iteration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

impl Range {
    #[inline(always)]
    fn side(&self, key: &[u8]) -> Side {
        match &self.start {
            Bound::Included(prefix) if self.by_prefix && begins_with(key, prefix) => Side::Within,
            _ if !self.starts_before(key) => Side::Before,
            _ if !self.ends_behind(key) => Side::Behind,
            _ => Side::Within,
        }
    }

    /// Whether every key is wanted.
    fn is_full(&self) -> bool {
        matches!((&self.start, &self.end), (Bound::Unbounded, Bound::Unbounded))
    }

    #[inline]
    fn ends_behind(&self, key: &[u8]) -> bool {
        match &self.end {
            Bound::Unbounded => true,
            Bound::Included(end) => compare_keys(key, end).is_le(),
            Bound::Excluded(end) => compare_keys(key, end).is_lt(),
        }
    }

    #[inline]
    fn starts_before(&self, key: &[u8]) -> bool {
        match &self.start {
            Bound::Unbounded => true,
            Bound::Included(start) => compare_keys(key, start).is_ge(),
            Bound::Excluded(start) => compare_keys(key, start).is_gt(),
        }
    }
}

impl<'s, S: Storage> Iter<'s, S> {
    pub(super) fn over<'k>(bucket: Bucket<'s, S>, range: impl RangeBounds<&'k [u8]>) -> Self {
        let own = |bound: Bound<&&[u8]>| bound.map(|key| key.to_vec());
        let range = Range { start: own(range.start_bound()), end: own(range.end_bound()), by_prefix: false };
        Iter { bucket, range, front: None, back: None, tested: 0, done: false }
    }

    pub(super) fn with_prefix(bucket: Bucket<'s, S>, prefix: &[u8]) -> Self {
        let start = Bound::Included(prefix.to_vec());
        let range = Range { start, end: end_of_prefix(prefix), by_prefix: true };
        Iter { bucket, range, front: None, back: None, tested: 0, done: false }
    }

    /// Moves the front to where the range begins; `false` where the bucket has nothing there.
    #[inline(never)]
    fn begin_front(&mut self) -> Result<bool> {
        let cursor = self.front.insert(self.bucket.cursor());
        match &self.range.start {
            Bound::Unbounded => cursor.move_first()?,
            Bound::Included(start) => cursor.move_to(start)?,
            Bound::Excluded(start) => {
                cursor.move_to(start)?;
                if cursor.key()? == Some(start) {
                    cursor.begin_scan();
                    return cursor.advance();
                }
            }
        }
        Ok(cursor.begin_scan())
    }

    /// Moves the back to where the range ends; `false` where the bucket has nothing there.
    #[inline(never)]
    fn begin_back(&mut self) -> Result<bool> {
        let cursor = self.back.insert(self.bucket.cursor());
        match &self.range.end {
            Bound::Unbounded => cursor.move_last()?,
            Bound::Excluded(end) => {
                cursor.move_to(end)?;
                return cursor.retreat();
            }
            Bound::Included(end) => {
                cursor.move_to(end)?;
                if cursor.key()? != Some(end) {
                    return cursor.retreat();
                }
            }
        }
        Ok(cursor.key()?.is_some())
    }

    /// The next entry from the front, where it was tested and is a plain value.
    #[inline(always)]
    pub(crate) fn next_value(&mut self) -> Option<(S::Run<'s>, S::Run<'s>)> {
        self.front.as_mut()?.next_value_before(self.tested)
    }

    /// The next entry from the front, made of the element there and the cursor that is on it.
    #[inline(never)]
    pub(crate) fn next_as<T>(&mut self, entry: impl FnOnce(Element<'s, S>, &Cursor<'s, S>) -> Result<T>) -> Option<Result<T>> {
        if self.done {
            return None;
        }
        let moved = match &mut self.front {
            Some(cursor) => cursor.advance(),
            None => self.begin_front(),
        };
        let next = self.yielded(moved, End::Front, entry);
        self.tested = if self.done { 0 } else { self.test_ahead() };
        next
    }

    /// Tests the keys behind the front: those before the position given back are wanted. Where the back has moved, every
    /// key is held against it when its turn comes.
    fn test_ahead(&self) -> usize {
        let (Some((leaf, at)), None) = (self.front.as_ref().and_then(Cursor::leaf), &self.back) else { return 0 };
        if self.range.is_full() {
            return leaf.len();
        } else if at > 0 && at + 1 < self.tested {
            return self.tested;
        }
        let end = leaf.len().min(at + 1 + TESTED_AT_ONCE);
        leaf.first_key_without(at + 1..end, |key| self.range.side(key) == Side::Within)
    }

    /// The same from the back.
    pub(crate) fn next_back_as<T>(
        &mut self,
        entry: impl FnOnce(Element<'s, S>, &Cursor<'s, S>) -> Result<T>,
    ) -> Option<Result<T>> {
        if self.done {
            return None;
        }
        self.tested = 0;
        let moved = match &mut self.back {
            Some(cursor) => cursor.retreat(),
            None => self.begin_back(),
        };
        self.yielded(moved, End::Back, entry)
    }

    /// The entry that one end has moved to, as long as it is in the range and the other end has not been there.
    #[inline(always)]
    fn yielded<T>(
        &mut self,
        moved: Result<bool>,
        end: End,
        entry: impl FnOnce(Element<'s, S>, &Cursor<'s, S>) -> Result<T>,
    ) -> Option<Result<T>> {
        match moved {
            Ok(true) => {}
            Ok(false) => return self.ended(None),
            Err(e) => return self.ended(Some(e)),
        }
        let (cursor, other, beyond) = match end {
            End::Front => (self.front.as_ref()?, self.back.as_ref(), Side::Behind),
            End::Back => (self.back.as_ref()?, self.front.as_ref(), Side::Before),
        };
        let element = match cursor.element() {
            Ok(Some(element)) => element,
            Ok(None) => return self.ended(None),
            Err(e) => return self.ended(Some(e)),
        };
        match self.range.side(&element.key) {
            Side::Within if apart(&element.key, other, end) => {
                let entry = entry(element, cursor);
                self.done = entry.is_err();
                Some(entry)
            }
            Side::Within => self.ended(None),
            side if side == beyond => self.ended(None),
            _ => {
                let error = cursor.out_of_order();
                self.ended(Some(error))
            }
        }
    }

    #[cold]
    fn ended<T>(&mut self, error: Option<Error>) -> Option<Result<T>> {
        (self.done, self.tested) = (true, 0);
        error.map(Err)
    }
}

type Element<'s, S> = LeafElement<<S as Storage>::Run<'s>>;

/// Whether the other end of the iteration has not come to a key yet.
#[inline]
fn apart<S: Storage>(key: &[u8], other: Option<&Cursor<'_, S>>, end: End) -> bool {
    let Some(other) = other else { return true };
    match (other.key(), end) {
        (Ok(Some(reached)), End::Front) => key < reached,
        (Ok(Some(reached)), End::Back) => key > reached,
        _ => false,
    }
}

/// The first key that does not begin with a prefix and comes after those that do.
pub(crate) fn end_of_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX);
    match kept.and_then(|last| Some((prefix.get(..last)?, prefix.get(last)?.checked_add(1)?))) {
        Some((head, last)) => Bound::Excluded([head, &[last]].concat()),
        None => Bound::Unbounded,
    }
}

impl<'s, S: Storage> Iterator for Iter<'s, S> {
    type Item = Result<Pair<'s, S>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.next_value() {
            Some((key, value)) => Some(Ok((key, Entry::Value(value)))),
            None => self.next_as(pair),
        }
    }
}

impl<S: Storage> DoubleEndedIterator for Iter<'_, S> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.next_back_as(pair)
    }
}

impl<S: Storage> std::iter::FusedIterator for Iter<'_, S> {}

impl<S: Storage> fmt::Debug for Iter<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("bucket", &self.bucket).field("front", &self.front).field("back", &self.back).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_first_key_behind_it() {
        assert_eq!(end_of_prefix(b"ab"), Bound::Excluded(b"ac".to_vec()));
        assert_eq!(end_of_prefix(b"a\xff\xff"), Bound::Excluded(b"b".to_vec()));
        assert_eq!(end_of_prefix(b"\xff\xff"), Bound::Unbounded);
        assert_eq!(end_of_prefix(b""), Bound::Unbounded);
    }
}
