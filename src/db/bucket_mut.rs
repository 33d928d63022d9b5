//! A bucket that is being changed.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use super::bucket::Inner;
use super::changes::Changes;
use super::{Bucket, Cursor, CursorMut, Entry, Iter};
use crate::error::{Error, Result};
use crate::tree::BucketId;

/// A bucket of a write transaction.
///
/// It reads like a [`Bucket`]; what it hands out lives until the next change.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let db = unbolt::Db::open(dir.path().join("my.db"))?;
/// db.update(|tx| {
///     let mut bucket = tx.create_bucket_if_missing("jobs")?;
///     let id = bucket.next_sequence()?;
///     bucket.put(id.to_be_bytes(), "sweep the floor")?;
///     bucket.create_bucket("done")?.put("1", "make the bed")?;
///     assert!(bucket.delete(id.to_be_bytes())?);
///     bucket.delete_bucket("done")
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BucketMut<'b> {
    changes: &'b mut Changes,
    id: BucketId,
}

impl<'b> BucketMut<'b> {
    pub(super) fn new(changes: &'b mut Changes, id: BucketId) -> Self {
        BucketMut { changes, id }
    }

    /// The bucket as it reads now.
    pub fn as_bucket(&self) -> Bucket<'_> {
        Inner::Edited(self.changes.edit(), self.id).into()
    }

    /// The value of a key; `None` where the key is not there, or is a bucket.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<&[u8]>> {
        self.as_bucket().get(key)
    }

    /// What a key leads to, value or bucket; `None` where it is not there.
    pub fn entry(&self, key: impl AsRef<[u8]>) -> Result<Option<Entry<'_>>> {
        self.as_bucket().entry(key)
    }

    /// The bucket of this name, to be read; `None` where there is none, or the key holds a value.
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'_>>> {
        self.as_bucket().bucket(name)
    }

    /// All entries in key order, from both ends.
    pub fn iter(&self) -> Iter<'_> {
        self.as_bucket().iter()
    }

    /// The entries whose keys lie in a range, from both ends.
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Iter<'_> {
        self.as_bucket().range(range)
    }

    /// The entries whose keys begin with these bytes, from both ends.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Iter<'_> {
        self.as_bucket().prefix(prefix)
    }

    /// A cursor, not yet anywhere.
    pub fn cursor(&self) -> Cursor<'_> {
        self.as_bucket().cursor()
    }

    /// Sets the value of a key. Key and value are copied.
    ///
    /// # Errors
    ///
    /// [`Error::KeyRequired`], [`Error::KeyTooLarge`], [`Error::ValueTooLarge`], and [`Error::IncompatibleValue`] where
    /// the key holds a bucket.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        let id = self.id;
        self.changes.run(|edit| edit.put(id, key.as_ref(), value.as_ref()))
    }

    /// Deletes a key; `false` where it is not there.
    ///
    /// # Errors
    ///
    /// [`Error::IncompatibleValue`] where the key holds a bucket, which [`delete_bucket`](Self::delete_bucket) is for.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> Result<bool> {
        let id = self.id;
        self.changes.run(|edit| edit.delete(id, key.as_ref()))
    }

    /// Deletes the values for which `keep` says no, and says how many they were. Buckets stay whatever it says.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let db = unbolt::Db::open(dir.path().join("my.db"))?;
    /// # db.update(|tx| { let mut b = tx.create_bucket("b")?; b.put("a", "")?; b.put("b", "1") })?;
    /// db.update(|tx| tx.bucket_mut("b")?.retain(|_, entry| entry.value() != Some(b"")))?;
    /// # assert_eq!(db.begin_read()?.bucket("b")?.unwrap().iter().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], Entry<'_>) -> bool) -> Result<u64> {
        self.delete_where((Bound::Unbounded, Bound::Unbounded), |key, entry| !keep(key, entry))
    }

    /// Deletes the values whose keys lie in a range, and says how many they were. Buckets in the range stay.
    pub fn delete_range<K: AsRef<[u8]>>(&mut self, range: impl RangeBounds<K>) -> Result<u64> {
        let own = |bound: Bound<&K>| bound.map(|key| key.as_ref().to_vec());
        self.delete_where((own(range.start_bound()), own(range.end_bound())), |_, _| true)
    }

    fn delete_where(
        &mut self,
        (mut from, to): (Bound<Vec<u8>>, Bound<Vec<u8>>),
        mut wanted: impl FnMut(&[u8], Entry<'_>) -> bool,
    ) -> Result<u64> {
        let mut deleted = 0;
        loop {
            let Some(pair) = self.range((from, to.clone())).next() else { return Ok(deleted) };
            let (key, entry) = pair?;
            let delete = matches!(entry, Entry::Value(_)) && wanted(key, entry);
            let key = key.to_vec();
            if delete && self.delete(&key)? {
                deleted += 1;
            }
            from = Bound::Excluded(key);
        }
    }

    /// A cursor that can delete where it is.
    pub fn cursor_mut(&mut self) -> CursorMut<'_> {
        CursorMut::new(self.changes, self.id)
    }

    /// The bucket of this name in this one, to be changed.
    ///
    /// # Errors
    ///
    /// [`Error::BucketNotFound`] where there is none, [`Error::IncompatibleValue`] where the key holds a value.
    pub fn bucket_mut(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>> {
        self.reborrow().into_bucket(name.as_ref())
    }

    /// Creates a bucket in this one.
    ///
    /// # Errors
    ///
    /// [`Error::BucketExists`], [`Error::IncompatibleValue`] where the key holds a value.
    pub fn create_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>> {
        self.reborrow().into_created(name.as_ref())
    }

    /// The bucket of this name in this one, created where there is none.
    pub fn create_bucket_if_missing(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>> {
        self.reborrow().into_existing_or_created(name.as_ref())
    }

    /// Deletes a bucket in this one, with all that is in it.
    pub fn delete_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<()> {
        let (id, name) = (self.id, name.as_ref());
        log::trace!("deleting bucket {}", name.escape_ascii());
        self.changes.run(|edit| edit.delete_bucket(id, name))
    }

    /// Gives a bucket in this one another name.
    pub fn rename_bucket(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<()> {
        let (id, from, to) = (self.id, from.as_ref(), to.as_ref());
        log::trace!("renaming bucket {} to {}", from.escape_ascii(), to.escape_ascii());
        self.changes.run(|edit| edit.move_bucket(id, from, id, to))
    }

    /// The bucket's sequence: a number that its users count up and set as they like.
    pub fn sequence(&self) -> u64 {
        self.changes.edit().sequence(self.id)
    }

    /// Counts the sequence up and gives back the new number. After the largest one it begins again with 0.
    pub fn next_sequence(&mut self) -> Result<u64> {
        let next = self.sequence().wrapping_add(1);
        self.set_sequence(next)?;
        Ok(next)
    }

    /// Sets the sequence.
    pub fn set_sequence(&mut self, sequence: u64) -> Result<()> {
        let id = self.id;
        self.changes.run(|edit| edit.set_sequence(id, sequence))
    }

    /// How full this transaction makes the pages of this bucket: 0.5 where nothing is said, as Go does. A bucket that is
    /// only ever appended to is half the size with 1.0. Pages are cut between 0.1 and 1.0; below and above, only the
    /// point moves at which small pages are merged.
    pub fn fill_percent(&mut self, fill: f64) -> &mut Self {
        self.changes.edit_mut().set_fill(self.id, fill);
        self
    }

    fn reborrow(&mut self) -> BucketMut<'_> {
        BucketMut { changes: self.changes, id: self.id }
    }

    pub(super) fn into_bucket(self, name: &[u8]) -> Result<BucketMut<'b>> {
        let id = self.changes.open(self.id, name)?;
        Ok(BucketMut { id, ..self })
    }

    pub(super) fn into_created(self, name: &[u8]) -> Result<BucketMut<'b>> {
        log::trace!("creating bucket {}", name.escape_ascii());
        let id = self.changes.run(|edit| edit.create(self.id, name))?;
        Ok(BucketMut { id, ..self })
    }

    pub(super) fn into_existing_or_created(self, name: &[u8]) -> Result<BucketMut<'b>> {
        if name.is_empty() {
            return Err(Error::BucketNameRequired);
        }
        match self.changes.run(|edit| edit.open(self.id, name))? {
            Some(id) => Ok(BucketMut { id, ..self }),
            None => self.into_created(name),
        }
    }
}

impl fmt::Debug for BucketMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bucket().fmt(f)
    }
}
