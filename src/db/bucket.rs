//! A bucket as a transaction sees it.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use super::anchor::pair;
use super::{Cursor, Iter};
use crate::error::{Error, Result};
use crate::format::PageId;
use crate::storage::Medium;
use crate::tree::{self, BucketId, BucketStats, Edit, View, end_of_prefix};

/// A bucket of a transaction: keys in ascending order, each with a value or another bucket.
///
/// It is `Copy`, and what it hands out lives as long as the transaction. In a write transaction it shows what that has
/// changed so far, and lives until the next change.
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
///
/// Nothing can be changed through it; a [`BucketMut`](super::BucketMut) is for that.
///
/// ```compile_fail,E0599
/// # let db = unbolt::Db::from_bytes(std::fs::read("testdata/golden/V5.db").unwrap()).unwrap();
/// let tx = db.begin_read().unwrap();
/// let bucket = tx.bucket("b").unwrap().unwrap();
/// bucket.next_sequence();
/// ```
#[derive(Clone, Copy)]
pub struct Bucket<'tx>(pub(super) Inner<'tx>);

/// A bucket as it is committed, or as a transaction has it in hand.
#[derive(Clone, Copy)]
pub(super) enum Inner<'tx> {
    Committed(tree::Bucket<'tx, Medium>),
    Edited(&'tx Edit, BucketId),
}

impl<'tx> Inner<'tx> {
    pub(super) fn of(edit: &'tx Edit, view: View<'tx>) -> Self {
        match view {
            View::Committed(bucket) => Inner::Committed(bucket),
            View::Edited(bucket) => Inner::Edited(edit, bucket),
        }
    }
}

impl<'tx> From<Inner<'tx>> for Bucket<'tx> {
    fn from(inner: Inner<'tx>) -> Self {
        Bucket(inner)
    }
}

impl<'tx> From<tree::Bucket<'tx, Medium>> for Bucket<'tx> {
    #[inline]
    fn from(bucket: tree::Bucket<'tx, Medium>) -> Self {
        Bucket(Inner::Committed(bucket))
    }
}

impl fmt::Debug for Bucket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Inner::Committed(bucket) => bucket.fmt(f),
            Inner::Edited(edit, bucket) => write!(f, "Bucket(edited, sequence {})", edit.sequence(bucket)),
        }
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
            tree::Entry::Bucket(bucket) => Entry::Bucket(bucket.into()),
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
        match self.0 {
            Inner::Committed(bucket) => bucket.get(key.as_ref()),
            Inner::Edited(edit, bucket) => {
                let found = edit.find(bucket, key.as_ref())?;
                Ok(found.filter(|found| !found.element.is_bucket()).map(|found| found.element.value))
            }
        }
    }

    /// What a key leads to, value or bucket; `None` where it is not there.
    pub fn entry(&self, key: impl AsRef<[u8]>) -> Result<Option<Entry<'tx>>> {
        match self.0 {
            Inner::Committed(bucket) => Ok(bucket.entry(key.as_ref())?.map(Entry::from)),
            Inner::Edited(edit, bucket) => {
                let found = edit.find(bucket, key.as_ref())?;
                Ok(found.map(|found| pair(edit, bucket, found)).transpose()?.map(|(_, entry)| entry))
            }
        }
    }

    /// The bucket of this name; `None` where there is none, or the key holds a value.
    #[inline]
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'tx>>> {
        match self.0 {
            Inner::Committed(bucket) => Ok(bucket.bucket(name.as_ref())?.map(Bucket::from)),
            Inner::Edited(..) => Ok(match self.entry(name)? {
                Some(Entry::Bucket(bucket)) => Some(bucket),
                _ => None,
            }),
        }
    }

    /// The bucket at the end of a path of names; an empty path is this bucket.
    ///
    /// # Errors
    ///
    /// [`Error::BucketNotFound`] with the part of the path that is not there.
    pub fn bucket_at<N: AsRef<[u8]>>(&self, path: &[N]) -> Result<Bucket<'tx>> {
        let mut bucket = *self;
        for (depth, name) in path.iter().enumerate() {
            bucket = bucket.bucket(name)?.ok_or_else(|| Error::BucketNotFound {
                path: path.iter().take(depth + 1).map(|name| name.as_ref().to_vec()).collect(),
            })?;
        }
        Ok(bucket)
    }

    /// All entries in key order, from both ends.
    pub fn iter(&self) -> Iter<'tx> {
        match self.0 {
            Inner::Committed(bucket) => bucket.iter().into(),
            Inner::Edited(edit, bucket) => Iter::edited(edit, bucket, (Bound::Unbounded, Bound::Unbounded)),
        }
    }

    /// The buckets in this one, by name and from both ends. The values between them are passed over.
    ///
    /// ```
    /// # let db = unbolt::Db::from_bytes(std::fs::read("testdata/docker/live-20.10.24.db")?)?;
    /// # let tx = db.begin_read()?;
    /// let names: Vec<_> = tx.root()?.buckets().map(|bucket| Ok(bucket?.0)).collect::<unbolt::Result<_>>()?;
    /// assert_eq!(names, [b"libnetwork"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = Result<(&'tx [u8], Bucket<'tx>)>> + use<'tx> {
        self.iter().filter_map(|pair| match pair {
            Ok((name, Entry::Bucket(bucket))) => Some(Ok((name, bucket))),
            Ok((_, Entry::Value(_))) => None,
            Err(e) => Some(Err(e)),
        })
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
        match self.0 {
            Inner::Committed(bucket) => bucket.range(bounds).into(),
            Inner::Edited(edit, bucket) => {
                Iter::edited(edit, bucket, (bounds.0.map(<[u8]>::to_vec), bounds.1.map(<[u8]>::to_vec)))
            }
        }
    }

    /// The entries whose keys begin with these bytes, from both ends.
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Iter<'tx> {
        let prefix = prefix.as_ref();
        match self.0 {
            Inner::Committed(bucket) => bucket.prefix(prefix).into(),
            Inner::Edited(edit, bucket) => {
                Iter::edited(edit, bucket, (Bound::Included(prefix.to_vec()), end_of_prefix(prefix)))
            }
        }
    }

    /// A cursor, not yet anywhere.
    pub fn cursor(&self) -> Cursor<'tx> {
        Cursor::new(self.0)
    }

    /// The bucket's sequence: a number that its users count up and set as they like.
    pub fn sequence(&self) -> u64 {
        match self.0 {
            Inner::Committed(bucket) => bucket.sequence(),
            Inner::Edited(edit, bucket) => edit.sequence(bucket),
        }
    }

    /// The page on which the bucket's tree begins; `None` for a bucket kept inline in its parent's page, and for one
    /// that a write transaction has opened: where it will be is not known before the commit.
    pub fn root_page(&self) -> Option<PageId> {
        match self.0 {
            Inner::Committed(bucket) => bucket.root_page(),
            Inner::Edited(..) => None,
        }
    }

    /// Counts pages, keys and bytes of this bucket and of all buckets in it. Walks all of its pages.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for a bucket that a write transaction has opened: its pages are made by the commit.
    pub fn stats(&self) -> Result<BucketStats> {
        match self.0 {
            Inner::Committed(bucket) => tree::bucket_stats(&bucket),
            Inner::Edited(..) => Err(Error::Unsupported { what: "a bucket that is being written has no pages to count yet" }),
        }
    }
}
