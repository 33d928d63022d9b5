//! A cursor as a read transaction hands it out.

use super::{Bucket, Entry};
use crate::error::Result;
use crate::format::LeafElement;
use crate::storage::Medium;
use crate::tree;

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
pub struct Cursor<'tx>(pub(super) tree::Cursor<'tx, Medium>);

type Pair<'tx> = (&'tx [u8], Entry<'tx>);

/// The pair that an element is, its bucket opened.
#[inline]
pub(super) fn pair<'tx>(element: LeafElement<&'tx [u8]>, cursor: &tree::Cursor<'tx, Medium>) -> Result<Pair<'tx>> {
    match element.is_bucket() {
        false => Ok((element.key, Entry::Value(element.value))),
        true => Ok((element.key, Entry::Bucket(Bucket(cursor.open(element.value)?)))),
    }
}

impl<'tx> Cursor<'tx> {
    /// Moves to the first entry.
    pub fn first(&mut self) -> Result<Option<Pair<'tx>>> {
        self.0.move_first()?;
        self.current()
    }

    /// Moves to the last entry.
    pub fn last(&mut self) -> Result<Option<Pair<'tx>>> {
        self.0.move_last()?;
        self.current()
    }

    /// Moves to the first entry whose key is not below `key`.
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Pair<'tx>>> {
        self.0.move_to(key.as_ref())?;
        self.current()
    }

    /// Moves to the entry after the current one.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "the field's name for it; an iterator is what `Bucket::iter` gives")]
    pub fn next(&mut self) -> Result<Option<Pair<'tx>>> {
        if self.0.advance()? { self.current() } else { Ok(None) }
    }

    /// Moves to the entry before the current one.
    pub fn prev(&mut self) -> Result<Option<Pair<'tx>>> {
        if self.0.retreat()? { self.current() } else { Ok(None) }
    }

    /// The entry that the cursor is on.
    #[inline]
    pub fn current(&self) -> Result<Option<Pair<'tx>>> {
        match self.0.element()? {
            Some(element) => pair(element, &self.0).map(Some),
            None => Ok(None),
        }
    }
}
