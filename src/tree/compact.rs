//! A state built anew: a database with everything that the state holds, and no page more than that takes.
//!
//! It is in this machine's byte order whatever the state's is, its separators are exact, and nothing of the state's
//! freelist is looked at. What the state cannot show whole is an error.

use super::Pages;
use super::bulk::{BuildOptions, Builder, Built};
use super::walk::{BucketAt, Place, Visitor, walk};
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::format::Bytes;
use crate::storage::{Disk, Storage};

/// Builds a state anew on a disk.
///
/// Buckets, pairs and sequences are those of the state. Whatever the disk holds is lost at once.
///
/// ```
/// use unbolt::tree::{BuildOptions, compact_state};
/// use unbolt::{MemoryDisk, Snapshot};
/// let snapshot = Snapshot::open("testdata/bbolt/churn-small.db")?;
/// let disk = MemoryDisk::new();
/// let built = compact_state(snapshot.pages(), &disk, &BuildOptions::default())?;
/// assert!(built.bytes < std::fs::metadata("testdata/bbolt/churn-small.db").unwrap().len());
/// # Ok::<(), unbolt::Error>(())
/// ```
pub fn compact_state<S: Storage>(pages: Pages<'_, S>, disk: &dyn Disk, options: &BuildOptions) -> Result<Built> {
    pages.meta().validate()?;
    let mut rebuild = Rebuild { builder: Builder::new(disk, options)? };
    rebuild.builder.set_sequence(pages.meta().root_sequence);
    walk(pages, &mut rebuild)?;
    rebuild.builder.finish()
}

struct Rebuild<'d, B: Bytes> {
    builder: Builder<'d, B>,
}

impl<B: Bytes> Visitor<B> for Rebuild<'_, B> {
    type Stop = Error;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<()> {
        self.builder.begin_bucket(bucket.name.clone()).map_err(|e| at(e, place))?;
        self.builder.set_sequence(bucket.header.sequence);
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<()> {
        self.builder.end_bucket()
    }

    #[inline]
    fn value(&mut self, key: &B, value: &B, place: &Place<'_, B>) -> Result<()> {
        self.builder.put(key.clone(), value.clone()).map_err(|e| at(e, place))
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<()> {
        Err(corruption.into())
    }
}

/// Keys that cannot be are damage of the state.
#[cold]
fn at<B>(error: Error, place: &Place<'_, B>) -> Error {
    let what = match error {
        Error::KeyRequired => "has an empty key",
        Error::KeyOrder { .. } => "has keys that do not ascend",
        other => return other,
    };
    Corruption { kind: CorruptionKind::Tree { what }, page: place.pages.last().copied(), offset: None }.into()
}
