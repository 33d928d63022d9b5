//! The entries of a bucket, or of a range of its keys, from both ends.
//!
//! Invariant: no key outside of the range is yielded. A scan that comes to a key on the wrong side of where it began
//! is over keys that are not sorted, which is an error.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use super::cursor::{Pair, pair};
use super::{Bucket, Cursor};
use crate::error::{Error, Result};
use crate::format::{LeafElement, compare_keys};
use crate::storage::Storage;

/// An iterator over entries of a bucket. After an error it ends.
pub struct Iter<'s, S: Storage> {
    bucket: Bucket<'s, S>,
    range: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    front: Option<Cursor<'s, S>>,
    back: Option<Cursor<'s, S>>,
    done: bool,
}

impl<'s, S: Storage> Iter<'s, S> {
    pub(super) fn over<'k>(bucket: Bucket<'s, S>, range: impl RangeBounds<&'k [u8]>) -> Self {
        let range = (range.start_bound().map(|key| key.to_vec()), range.end_bound().map(|key| key.to_vec()));
        Iter { bucket, range, front: None, back: None, done: false }
    }

    pub(super) fn with_prefix(bucket: Bucket<'s, S>, prefix: &[u8]) -> Self {
        let range = (Bound::Included(prefix.to_vec()), end_of_prefix(prefix));
        Iter { bucket, range, front: None, back: None, done: false }
    }

    /// Moves the front to where the range begins; `false` where the bucket has nothing there.
    #[inline(never)]
    fn begin_front(&mut self) -> Result<bool> {
        let cursor = self.front.insert(self.bucket.cursor());
        match &self.range.0 {
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
        match &self.range.1 {
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

    /// The next entry from the front, made of the element there and the cursor that is on it.
    #[inline]
    pub(crate) fn next_as<T>(&mut self, entry: impl FnOnce(Element<'s, S>, &Cursor<'s, S>) -> Result<T>) -> Option<Result<T>> {
        if self.done {
            return None;
        }
        let moved = match &mut self.front {
            Some(cursor) => cursor.advance(),
            None => self.begin_front(),
        };
        match moved {
            Ok(true) => {}
            Ok(false) => return self.ended(None),
            Err(e) => return self.ended(Some(e)),
        }
        let cursor = self.front.as_ref()?;
        match cursor.element() {
            Ok(Some(element)) if self.before_end(&element.key) => {
                if !self.range_starts_before(&element.key) {
                    let error = cursor.out_of_order();
                    return self.ended(Some(error));
                }
                let entry = entry(element, cursor);
                self.done = entry.is_err();
                Some(entry)
            }
            Ok(_) => self.ended(None),
            Err(e) => self.ended(Some(e)),
        }
    }

    /// The same from the back.
    pub(crate) fn next_back_as<T>(
        &mut self,
        entry: impl FnOnce(Element<'s, S>, &Cursor<'s, S>) -> Result<T>,
    ) -> Option<Result<T>> {
        if self.done {
            return None;
        }
        let moved = match &mut self.back {
            Some(cursor) => cursor.retreat(),
            None => self.begin_back(),
        };
        match moved {
            Ok(true) => {}
            Ok(false) => return self.ended(None),
            Err(e) => return self.ended(Some(e)),
        }
        let cursor = self.back.as_ref()?;
        match cursor.element() {
            Ok(Some(element)) if self.after_start(&element.key) => {
                if !self.range_ends_after(&element.key) {
                    let error = cursor.out_of_order();
                    return self.ended(Some(error));
                }
                let entry = entry(element, cursor);
                self.done = entry.is_err();
                Some(entry)
            }
            Ok(_) => self.ended(None),
            Err(e) => self.ended(Some(e)),
        }
    }

    #[cold]
    fn ended<T>(&mut self, error: Option<Error>) -> Option<Result<T>> {
        self.done = true;
        error.map(Err)
    }

    #[inline]
    fn before_end(&self, key: &[u8]) -> bool {
        self.range_ends_after(key) && is_before(key, self.back.as_ref())
    }

    fn after_start(&self, key: &[u8]) -> bool {
        self.range_starts_before(key) && is_after(key, self.front.as_ref())
    }

    #[inline]
    fn range_ends_after(&self, key: &[u8]) -> bool {
        match &self.range.1 {
            Bound::Unbounded => true,
            Bound::Included(end) => compare_keys(key, end).is_le(),
            Bound::Excluded(end) => compare_keys(key, end).is_lt(),
        }
    }

    #[inline]
    fn range_starts_before(&self, key: &[u8]) -> bool {
        match &self.range.0 {
            Bound::Unbounded => true,
            Bound::Included(start) => compare_keys(key, start).is_ge(),
            Bound::Excluded(start) => compare_keys(key, start).is_gt(),
        }
    }
}

type Element<'s, S> = LeafElement<<S as Storage>::Run<'s>>;

/// Whether a key lies before where the other end of the iteration has come to.
fn is_before<S: Storage>(key: &[u8], back: Option<&Cursor<'_, S>>) -> bool {
    back.is_none_or(|cursor| cursor.key().is_ok_and(|reached| reached.is_some_and(|reached| key < reached)))
}

fn is_after<S: Storage>(key: &[u8], front: Option<&Cursor<'_, S>>) -> bool {
    front.is_none_or(|cursor| cursor.key().is_ok_and(|reached| reached.is_some_and(|reached| key > reached)))
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
        self.next_as(pair)
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
