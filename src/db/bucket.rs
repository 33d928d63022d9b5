//! A bucket as a read transaction sees it.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use super::{Cursor, Iter};
use crate::error::Result;
use crate::format::PageId;
use crate::storage::Medium;
use crate::tree::{self, BucketStats};

/// A bucket of a read transaction: keys in ascending order, each with a value or another bucket.
///
/// It is `Copy`, and what it hands out lives as long as the transaction.
///
/// ```
/// # let db = unbolt::Db::from_bytes(std::fs::read("testdata/golden/V5.db")?)?;
/// let tx = db.begin_read()?;
/// let bucket = tx.bucket("b")?.expect("made by the test");
/// let value: &[u8] = bucket.get("k")?.expect("made by the test");
/// assert_eq!(value, [b'i'; 991]);
/// assert_eq!(bucket.get("no such key")?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Bucket<'tx>(pub(super) tree::Bucket<'tx, Medium>);

impl fmt::Debug for Bucket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a key leads to.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Entry<'tx> {
    /// A value, possibly empty.
    Value(&'tx [u8]),
    /// A bucket.
    Bucket(Bucket<'tx>),
}

impl<'tx> Entry<'tx> {
    /// The value, where this is one.
    pub fn value(self) -> Option<&'tx [u8]> {
        match self {
            Entry::Value(value) => Some(value),
            Entry::Bucket(_) => None,
        }
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Value(value) => write!(f, "Value(b\"{}\")", value.escape_ascii()),
            Entry::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

impl<'tx> From<tree::Entry<'tx, Medium>> for Entry<'tx> {
    #[inline]
    fn from(entry: tree::Entry<'tx, Medium>) -> Self {
        match entry {
            tree::Entry::Value(value) => Entry::Value(value),
            tree::Entry::Bucket(bucket) => Entry::Bucket(Bucket(bucket)),
        }
    }
}

impl<'tx> Bucket<'tx> {
    /// The value of a key; `None` where the key is not there, or is a bucket.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`](crate::Error::Corrupt) where a page on the way contradicts the format. The order of the
    /// keys is relied on and not tested: where keys are not sorted, or a separator is wrong, a key that is there may
    /// not be found. [`check`](crate::check) finds that.
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<&'tx [u8]>> {
        self.0.get(key.as_ref())
    }

    /// What a key leads to, value or bucket; `None` where it is not there.
    pub fn entry(&self, key: impl AsRef<[u8]>) -> Result<Option<Entry<'tx>>> {
        Ok(self.0.entry(key.as_ref())?.map(Entry::from))
    }

    /// The bucket of this name; `None` where there is none, or the key holds a value.
    #[inline]
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'tx>>> {
        Ok(self.0.bucket(name.as_ref())?.map(Bucket))
    }

    /// All entries in key order, from both ends.
    pub fn iter(&self) -> Iter<'tx> {
        Iter(self.0.iter())
    }

    /// The entries whose keys lie in a range, from both ends.
    ///
    /// ```
    /// # let db = unbolt::Db::from_bytes(std::fs::read("testdata/docker/live-20.10.24.db")?)?;
    /// # let tx = db.begin_read()?;
    /// # let bucket = tx.bucket("libnetwork")?.unwrap();
    /// let sandboxes = bucket.range("docker/network/v1.0/sandbox/".."docker/network/v1.0/sandbox0");
    /// let last = bucket.range("docker/".."docker0").next_back().transpose()?;
    /// # assert!(sandboxes.count() > 0 && last.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Iter<'tx> {
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) =
            (range.start_bound().map(|key| key.as_ref()), range.end_bound().map(|key| key.as_ref()));
        Iter(self.0.range(bounds))
    }

    /// The entries whose keys begin with these bytes, from both ends.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Iter<'tx> {
        Iter(self.0.prefix(prefix.as_ref()))
    }

    /// A cursor, not yet anywhere.
    pub fn cursor(&self) -> Cursor<'tx> {
        Cursor(self.0.cursor())
    }

    /// The bucket's sequence: a number that its users count up and set as they like.
    pub fn sequence(&self) -> u64 {
        self.0.sequence()
    }

    /// The page on which the bucket's tree begins; `None` for a bucket kept inline in its parent's page.
    pub fn root_page(&self) -> Option<PageId> {
        self.0.root_page()
    }

    /// Counts pages, keys and bytes of this bucket and of all buckets in it. Walks all of its pages.
    pub fn stats(&self) -> Result<BucketStats> {
        tree::bucket_stats(&self.0)
    }
}
