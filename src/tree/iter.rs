//! The entries of a bucket, or of a range of its keys, from both ends.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use super::cursor::Pair;
use super::{Bucket, Cursor};
use crate::error::Result;
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

    /// The next entry from the front, before it is held against the ends of the range.
    #[inline]
    fn advance_front(&mut self) -> Result<Option<Pair<'s, S>>> {
        if let Some(cursor) = &mut self.front {
            return cursor.next();
        }
        let cursor = self.front.insert(self.bucket.cursor());
        match &self.range.0 {
            Bound::Unbounded => cursor.first(),
            Bound::Included(start) => cursor.seek(start),
            Bound::Excluded(start) => match cursor.seek(start)? {
                Some((key, _)) if *key == **start => cursor.next(),
                found => Ok(found),
            },
        }
    }

    fn advance_back(&mut self) -> Result<Option<Pair<'s, S>>> {
        if let Some(cursor) = &mut self.back {
            return cursor.prev();
        }
        let cursor = self.back.insert(self.bucket.cursor());
        match &self.range.1 {
            Bound::Unbounded => cursor.last(),
            Bound::Excluded(end) => {
                cursor.seek(end)?;
                cursor.prev()
            }
            Bound::Included(end) => match cursor.seek(end)? {
                Some((key, entry)) if *key == **end => Ok(Some((key, entry))),
                _ => cursor.prev(),
            },
        }
    }

    fn before_end(&self, key: &[u8]) -> bool {
        let within = match &self.range.1 {
            Bound::Unbounded => true,
            Bound::Included(end) => key <= end.as_slice(),
            Bound::Excluded(end) => key < end.as_slice(),
        };
        within && is_before(key, self.back.as_ref())
    }

    fn after_start(&self, key: &[u8]) -> bool {
        let within = match &self.range.0 {
            Bound::Unbounded => true,
            Bound::Included(start) => key >= start.as_slice(),
            Bound::Excluded(start) => key > start.as_slice(),
        };
        within && is_after(key, self.front.as_ref())
    }

    /// Ends the iteration where there is nothing more, or an error.
    #[inline]
    fn yielded(
        &mut self,
        found: Result<Option<Pair<'s, S>>>,
        inside: impl Fn(&Self, &[u8]) -> bool,
    ) -> Option<Result<Pair<'s, S>>> {
        match found {
            Ok(Some(pair)) if inside(self, &pair.0) => Some(Ok(pair)),
            Ok(_) => {
                self.done = true;
                None
            }
            Err(e) => {
                self.done = true;
                Some(Err(e))
            }
        }
    }
}

/// Whether a key lies before where the other end of the iteration has come to.
fn is_before<S: Storage>(key: &[u8], back: Option<&Cursor<'_, S>>) -> bool {
    back.is_none_or(|cursor| cursor.key().is_ok_and(|reached| reached.is_some_and(|reached| key < reached)))
}

fn is_after<S: Storage>(key: &[u8], front: Option<&Cursor<'_, S>>) -> bool {
    front.is_none_or(|cursor| cursor.key().is_ok_and(|reached| reached.is_some_and(|reached| key > reached)))
}

/// The first key that does not begin with a prefix and comes after those that do.
fn end_of_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
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
        if self.done {
            return None;
        }
        let found = self.advance_front();
        self.yielded(found, Self::before_end)
    }
}

impl<S: Storage> DoubleEndedIterator for Iter<'_, S> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let found = self.advance_back();
        self.yielded(found, Self::after_start)
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
