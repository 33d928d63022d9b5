//! A cursor as a transaction hands it out.

use super::Entry;
use super::anchor::{Anchor, Pair};
use super::bucket::Inner;
use crate::error::Result;
use crate::format::LeafElement;
use crate::storage::Medium;
use crate::tree::{self, BucketId, Edit};

/// A position in a bucket, moved by its methods.
///
/// It begins nowhere, where `next` and `prev` find nothing. At an end it stays on the last entry it was on: after
/// the last one `next` is `None`, and `prev` is the one before the last. A [`seek`](Self::seek) past the end is
/// nowhere too, but `prev` from there is the last entry.
///
/// ```
/// # let db = unbolt::Db::from_bytes(std::fs::read("testdata/docker/live-20.10.24.db")?)?;
/// # let tx = db.begin_read()?;
/// # let bucket = tx.bucket("libnetwork")?.unwrap();
/// let mut cursor = bucket.cursor();
/// let mut found = cursor.seek("docker/network/v1.0/network/")?;
/// while let Some((key, _)) = found {
///     println!("{}", key.escape_ascii());
///     found = cursor.next()?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cursor<'tx>(Position<'tx>);

#[derive(Debug, Clone)]
enum Position<'tx> {
    Committed(tree::Cursor<'tx, Medium>),
    Edited(&'tx Edit, BucketId, Anchor),
}

/// The pair that an element is, its bucket opened.
#[inline]
pub(super) fn pair<'tx>(element: LeafElement<&'tx [u8]>, cursor: &tree::Cursor<'tx, Medium>) -> Result<Pair<'tx>> {
    match element.is_bucket() {
        false => Ok((element.key, Entry::Value(element.value))),
        true => Ok((element.key, Entry::Bucket(cursor.open(element.value)?.into()))),
    }
}

impl<'tx> Cursor<'tx> {
    pub(super) fn new(bucket: Inner<'tx>) -> Self {
        match bucket {
            Inner::Committed(bucket) => Cursor(Position::Committed(bucket.cursor())),
            Inner::Edited(edit, bucket) => Cursor(Position::Edited(edit, bucket, Anchor::Nowhere)),
        }
    }

    /// Moves to the first entry.
    pub fn first(&mut self) -> Result<Option<Pair<'tx>>> {
        match &mut self.0 {
            Position::Committed(cursor) => cursor.move_first().and_then(|()| on(cursor)),
            Position::Edited(edit, bucket, anchor) => anchor.first(edit, *bucket),
        }
    }

    /// Moves to the last entry.
    pub fn last(&mut self) -> Result<Option<Pair<'tx>>> {
        match &mut self.0 {
            Position::Committed(cursor) => cursor.move_last().and_then(|()| on(cursor)),
            Position::Edited(edit, bucket, anchor) => anchor.last(edit, *bucket),
        }
    }

    /// Moves to the first entry whose key is not below `key`.
    #[inline]
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Pair<'tx>>> {
        match &mut self.0 {
            Position::Committed(cursor) => cursor.move_to(key.as_ref()).and_then(|()| on(cursor)),
            Position::Edited(edit, bucket, anchor) => anchor.seek(edit, *bucket, key.as_ref()),
        }
    }

    /// Moves to the entry after the current one.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "the field's name for it; an iterator is what `Bucket::iter` gives")]
    pub fn next(&mut self) -> Result<Option<Pair<'tx>>> {
        match &mut self.0 {
            Position::Committed(cursor) => {
                if cursor.advance()? {
                    on(cursor)
                } else {
                    Ok(None)
                }
            }
            Position::Edited(edit, bucket, anchor) => anchor.next(edit, *bucket),
        }
    }

    /// Moves to the entry before the current one.
    pub fn prev(&mut self) -> Result<Option<Pair<'tx>>> {
        match &mut self.0 {
            Position::Committed(cursor) => {
                if cursor.retreat()? {
                    on(cursor)
                } else {
                    Ok(None)
                }
            }
            Position::Edited(edit, bucket, anchor) => anchor.prev(edit, *bucket),
        }
    }

    /// The entry that the cursor is on.
    #[inline]
    pub fn current(&self) -> Result<Option<Pair<'tx>>> {
        match &self.0 {
            Position::Committed(cursor) => on(cursor),
            Position::Edited(edit, bucket, anchor) => anchor.current(edit, *bucket),
        }
    }
}

/// The entry that a cursor is on.
#[inline]
fn on<'tx>(cursor: &tree::Cursor<'tx, Medium>) -> Result<Option<Pair<'tx>>> {
    match cursor.element()? {
        Some(element) => pair(element, cursor).map(Some),
        None => Ok(None),
    }
}
