//! Building a whole new database in one pass, from the leaves up.
//!
//! A [`Builder`] is told of buckets, pairs and sequences in the order in which they lie in a file, and writes every
//! page once, front to back. Pages are cut where Go's writer cuts them in one large transaction, so branches have two
//! children or more and no page but an empty bucket's root is without elements. Buckets are kept inline by Go's rule.
//!
//! Invariants: a page gets its number when it is written, and nothing that was written is written again; the metas
//! come last, behind a sync, so a target that was not finished is no database. What is held in memory is a page or so
//! for each level of each bucket that is open, and as many bytes as are written at once.

mod levels;
mod node;
mod options;
mod output;

pub use options::BuildOptions;

use std::fmt;

use self::levels::{LeafEntry, Levels, Value};
use self::output::Output;
use crate::error::{Error, Result};
use crate::format::{Bytes, compare_keys};
use crate::storage::Disk;

/// Writes a new database to a disk, in one pass.
///
/// Keys ascend within a bucket, plain keys and names of buckets alike; anything else is an error. After an error what
/// was written is worth nothing.
///
/// ```
/// use unbolt::tree::{BuildOptions, Builder};
/// use unbolt::{Db, MemoryDisk};
///
/// let disk = MemoryDisk::new();
/// let mut builder = Builder::<&[u8]>::new(&disk, &BuildOptions::default())?;
/// builder.begin_bucket(b"fruit")?;
/// builder.set_sequence(2);
/// builder.put(b"apple", b"red")?;
/// builder.put(b"banana", b"yellow")?;
/// builder.end_bucket()?;
/// let built = builder.finish()?;
/// assert_eq!((built.buckets, built.pairs, built.bytes), (1, 2, 16384));
///
/// let db = Db::from_bytes(disk.to_bytes())?;
/// let tx = db.begin_read()?;
/// let fruit = tx.bucket("fruit")?.expect("it was built");
/// assert_eq!((fruit.get("apple")?, fruit.sequence()), (Some(&b"red"[..]), 2));
/// # Ok::<(), unbolt::Error>(())
/// ```
pub struct Builder<'d, B: Bytes> {
    out: Output<'d>,
    /// The bucket that pairs go to.
    top: Open<B>,
    /// Those that it lies in, the root bucket first.
    outer: Vec<Open<B>>,
    buckets: u64,
    pairs: u64,
}

/// What was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Built {
    /// The length of the database.
    pub bytes: u64,
    /// Buckets, nested ones included, the root bucket not.
    pub buckets: u64,
    /// Plain pairs.
    pub pairs: u64,
}

/// A bucket that has begun and not ended.
struct Open<B> {
    /// Its name; the root bucket has none.
    name: Option<B>,
    sequence: u64,
    levels: Levels<B>,
}

impl<B: Bytes> Open<B> {
    fn new(name: Option<B>) -> Open<B> {
        Open { name, sequence: 0, levels: Levels::new() }
    }

    /// Tests that a key can come next.
    #[inline]
    fn expect(&self, key: &[u8]) -> Result<()> {
        match self.levels.last_key() {
            _ if key.is_empty() => Err(Error::KeyRequired),
            Some(previous) if !compare_keys(previous, key).is_lt() => {
                Err(Error::KeyOrder { key: key.to_vec(), previous: previous.to_vec() })
            }
            _ => Ok(()),
        }
    }
}

impl<'d, B: Bytes> Builder<'d, B> {
    /// Begins a database on a disk. Whatever the disk holds is lost at once.
    pub fn new(disk: &'d dyn Disk, options: &BuildOptions) -> Result<Self> {
        let out = Output::begin(disk, options)?;
        Ok(Builder { out, top: Open::new(None), outer: Vec::new(), buckets: 0, pairs: 0 })
    }

    /// Begins a bucket in the one that is open. What follows is its content, until it ends.
    pub fn begin_bucket(&mut self, name: B) -> Result<()> {
        self.top.expect(&name)?;
        self.buckets += 1;
        let inner = Open::new(Some(name));
        self.outer.push(std::mem::replace(&mut self.top, inner));
        Ok(())
    }

    /// Sets the sequence of the bucket that is open; of the root bucket, where none is. It is 0 otherwise.
    pub fn set_sequence(&mut self, sequence: u64) {
        self.top.sequence = sequence;
    }

    /// Adds a pair to the bucket that is open; to the root bucket, where none is.
    #[inline]
    pub fn put(&mut self, key: B, value: B) -> Result<()> {
        self.top.expect(&key)?;
        self.pairs += 1;
        self.top.levels.add(LeafEntry { key, value: Value::Plain(value) }, &mut self.out)
    }

    /// Ends the bucket that is open.
    pub fn end_bucket(&mut self) -> Result<()> {
        let Some(parent) = self.outer.pop() else { return Err(Error::Unsupported { what: "no bucket is open" }) };
        let ended = std::mem::replace(&mut self.top, parent);
        let value = Value::Bucket(ended.levels.finish_bucket(ended.sequence, &mut self.out)?);
        match ended.name {
            Some(key) => self.top.levels.add(LeafEntry { key, value }, &mut self.out),
            None => Ok(()),
        }
    }

    /// Ends all buckets and the database.
    pub fn finish(mut self) -> Result<Built> {
        while !self.outer.is_empty() {
            self.end_bucket()?;
        }
        let root = self.top.levels.finish(&mut self.out)?;
        let bytes = self.out.finish(root, self.top.sequence)?;
        Ok(Built { bytes, buckets: self.buckets, pairs: self.pairs })
    }
}

impl<B: Bytes> fmt::Debug for Builder<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builder({} buckets, {} open, {} pairs, {:?})", self.buckets, self.outer.len(), self.pairs, self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{LeafElement, PageId, SharedBytes};
    use crate::storage::{MemoryDisk, Snapshot};
    use crate::tree::{reach, verify};

    /// Builds a bucket of values of these lengths; no run is longer than `longest` bytes, a value's own run apart.
    fn built(longest: u64, values: &[usize]) -> Snapshot {
        let disk = MemoryDisk::new();
        let mut builder = Builder::<&[u8]>::new(&disk, &BuildOptions::default()).unwrap();
        builder.out.limit_runs(longest);
        builder.begin_bucket(b"b").unwrap();
        let keys: Vec<_> = (0..values.len()).map(|i| format!("{i:03}")).collect();
        let zeros = vec![0; values.iter().copied().max().unwrap()];
        for (key, len) in keys.iter().zip(values) {
            builder.put(key.as_bytes(), &zeros[..*len]).unwrap();
        }
        builder.finish().unwrap();
        Snapshot::from_bytes(disk.to_bytes()).unwrap()
    }

    /// How many elements each leaf has, in order, and the bytes in use on it.
    fn leaves(snapshot: &Snapshot) -> Vec<(usize, usize)> {
        let pages = reach(snapshot.pages()).unwrap().pages;
        let reached = (3..snapshot.pages().end()).map(PageId).filter(|page| pages.contains(*page));
        let leaves = reached.filter_map(|page| snapshot.page(page).ok()?.into_leaf().ok());
        let size = |element: LeafElement<SharedBytes>| 16 + element.key.len() + element.value.len();
        leaves
            .map(|leaf| (leaf.len(), 16 + (0..leaf.len()).map(|i| size(leaf.element(i).unwrap())).sum::<usize>()))
            .filter(|(count, _)| *count > 1 || snapshot.meta().root.0 > 0)
            .collect()
    }

    #[test]
    fn a_run_that_would_be_too_long_is_cut_against_all_other_rules() {
        // Four elements, never cut otherwise; each value and its header have 5019 bytes.
        let cuts = |longest, values: &[usize]| {
            let snapshot = built(longest, values);
            verify(snapshot.pages()).unwrap();
            let mut leaves = leaves(&snapshot);
            assert!(leaves.iter().all(|(count, size)| *count == 1 || *size as u64 <= longest), "{leaves:?}");
            // The last one is the root bucket's.
            leaves.pop();
            leaves.into_iter().map(|(count, _)| count).collect::<Vec<_>>()
        };
        let four = [5000; 4];
        assert_eq!(cuts(1 << 20, &four), [4]);
        assert_eq!(cuts(16 + 4 * 5019, &four), [4]);
        assert_eq!(cuts(16 + 4 * 5019 - 1, &four), [2, 2], "where a page is full otherwise");
        assert_eq!(cuts(16 + 5019, &four), [1, 1, 1, 1]);
        assert_eq!(cuts(4000, &four), [1, 1, 1, 1], "one that is too long by itself stands alone");
        assert_eq!(
            cuts(12_000, &[10, 5000, 5000, 10, 10, 5000, 5000, 5000, 10]),
            [2, 2, 2, 3],
            "three are never cut where they fit"
        );
    }
}
