//! What two states differ in: pairs, buckets and sequences, in key order.
//!
//! Both states are walked once, side by side, so files of any size are compared in the memory that two leaves take.
//! Where one of them cannot be read, that is told, and the comparison goes on behind it. What the other one has between
//! the last key before the damage and the first one after it may be in both: it is counted and not called different.

mod compare;
mod fields;
mod side;

use compare::Comparison;
pub use fields::{FieldChange, RecordChange};

use crate::error::{Corruption, Error};
use crate::format::PageId;
use crate::storage::Storage;
use crate::tree::Pages;

/// Where in a file something lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// The page; for an inline bucket the one that its entry is on.
    pub page: PageId,
    /// The offset in the file of the value's first byte. Its key lies directly before it.
    pub offset: u64,
}

/// Which of the two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one that is taken for the older.
    Before,
    /// The one that is taken for the newer.
    After,
}

/// A value, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'d> {
    /// The value.
    pub value: &'d [u8],
    /// Where it lies.
    pub at: At,
}

/// A bucket's sequence, and where its entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The sequence.
    pub sequence: u64,
    /// Where the entry's value lies.
    pub at: At,
}

/// Something of two states that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<'d> {
    /// A pair that is only in one state, or has two values.
    Pair {
        /// The key.
        key: &'d [u8],
        /// What it was.
        before: Option<Stored<'d>>,
        /// What it is.
        after: Option<Stored<'d>>,
    },
    /// A bucket that is only in one state, or has two sequences. What it holds is told one by one.
    Bucket {
        /// Its name.
        name: &'d [u8],
        /// What it was.
        before: Option<Header>,
        /// What it is.
        after: Option<Header>,
    },
    /// A part of one state that cannot be read.
    Damage {
        /// The state.
        which: Which,
        /// What is wrong, and where.
        corruption: Corruption,
    },
}

/// How much was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Pairs and buckets that are only in the newer state.
    pub added: u64,
    /// Pairs and buckets that are only in the older state.
    pub removed: u64,
    /// Pairs with two values, and buckets with two sequences.
    pub changed: u64,
    /// Pairs and buckets of one state that lie where the other cannot be read.
    pub uncompared: u64,
    /// Places that cannot be read.
    pub damaged: u64,
}

impl Tally {
    /// Whether there is any difference.
    pub fn differs(&self) -> bool {
        self.added > 0 || self.removed > 0 || self.changed > 0
    }
}

/// Where what is told goes, with the names of the buckets that lead to it.
pub type Tell<'t, E> = dyn FnMut(&[Vec<u8>], Told<'_>) -> Result<(), E> + 't;

/// Compares two states. Each difference is told with the names of the buckets from the root to where it is, as soon as
/// it is found; an error of `tell` ends the comparison.
///
/// ```
/// use unbolt::forensic::diff::{Told, diff};
/// use unbolt::{Error, Snapshot};
/// let before = Snapshot::open("testdata/docker/networks-running-20.10.24.db")?;
/// let after = Snapshot::open("testdata/docker/networks-stopped-20.10.24.db")?;
/// let tally = diff::<_, Error>(before.pages(), after.pages(), &mut |buckets, told| {
///     if let Told::Pair { key, before: Some(before), after: None } = told {
///         println!("{} was at offset {} of bucket {buckets:?}", key.escape_ascii(), before.at.offset);
///     }
///     Ok(())
/// })?;
/// assert!(tally.removed > 0);
/// # Ok::<(), Error>(())
/// ```
pub fn diff<S: Storage, E: From<Error>>(before: Pages<'_, S>, after: Pages<'_, S>, tell: &mut Tell<'_, E>) -> Result<Tally, E> {
    before.meta().validate().map_err(Error::from)?;
    after.meta().validate().map_err(Error::from)?;
    Comparison::new(before, after, tell)?.run()
}
