//! A cursor that can delete where it is.

use super::anchor::{Anchor, Pair};
use super::changes::Changes;
use crate::error::Result;
use crate::tree::BucketId;

/// A position in a bucket of a write transaction.
///
/// It is anchored by key: after a [`delete`](Self::delete), `next` is what followed the key and `prev` what preceded it,
/// and every change that this transaction made is seen. Otherwise it moves as a [`Cursor`](super::Cursor) does.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let db = unbolt::Db::open(dir.path().join("my.db"))?;
/// # let mut tx = db.begin_write()?;
/// let mut bucket = tx.create_bucket("b")?;
/// for key in ["a", "b", "c", "d"] {
///     bucket.put(key, "")?;
/// }
/// let mut cursor = bucket.cursor_mut();
/// cursor.seek("b")?;
/// assert!(cursor.delete()?);
/// assert_eq!(cursor.next()?.map(|(key, _)| key), Some(&b"c"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CursorMut<'b> {
    changes: &'b mut Changes,
    bucket: BucketId,
    anchor: Anchor,
}

impl<'b> CursorMut<'b> {
    pub(super) fn new(changes: &'b mut Changes, bucket: BucketId) -> Self {
        CursorMut { changes, bucket, anchor: Anchor::Nowhere }
    }

    /// Moves to the first entry.
    pub fn first(&mut self) -> Result<Option<Pair<'_>>> {
        self.anchor.first(self.changes.edit(), self.bucket)
    }

    /// Moves to the last entry.
    pub fn last(&mut self) -> Result<Option<Pair<'_>>> {
        self.anchor.last(self.changes.edit(), self.bucket)
    }

    /// Moves to the first entry whose key is not below `key`.
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Pair<'_>>> {
        self.anchor.seek(self.changes.edit(), self.bucket, key.as_ref())
    }

    /// Moves to the entry after the current one.
    #[expect(clippy::should_implement_trait, reason = "the field's name for it")]
    pub fn next(&mut self) -> Result<Option<Pair<'_>>> {
        self.anchor.next(self.changes.edit(), self.bucket)
    }

    /// Moves to the entry before the current one.
    pub fn prev(&mut self) -> Result<Option<Pair<'_>>> {
        self.anchor.prev(self.changes.edit(), self.bucket)
    }

    /// The entry that the cursor is on; `None` where that was deleted.
    pub fn current(&self) -> Result<Option<Pair<'_>>> {
        self.anchor.current(self.changes.edit(), self.bucket)
    }

    /// Deletes the value that the cursor is on; `false` where it is on none.
    ///
    /// # Errors
    ///
    /// [`Error::IncompatibleValue`](crate::Error::IncompatibleValue) where it is on a bucket.
    pub fn delete(&mut self) -> Result<bool> {
        let Some(key) = self.anchor.key() else { return Ok(false) };
        let deleted = self.changes.run(|edit| edit.delete(self.bucket, key))?;
        self.anchor.deleted();
        Ok(deleted)
    }
}
