//! Bytes from a medium: a mapped file, a file read by position, or memory.
//!
//! The layers above ask a [`Storage`] for runs of bytes and never learn where they come from. A mapped file
//! hands out slices and belongs to the engine, which holds the lock. Everything that opens files of unknown
//! origin reads them by position through a bounded cache, as a [`Snapshot`], so that a file which shrinks
//! under the reader is an error and not a signal.

mod cache;
mod directory;
mod disk;
mod file;
mod heap;
mod initial;
mod lock;
mod map;
mod medium;
mod mount;
mod output;
mod probe;
mod regular;
mod snapshot;
mod volume;

use std::fmt;

use crate::error::{Corruption, CorruptionKind, Error};
use crate::format::Bytes;

pub use directory::{Directory, HostDirectory};
pub(crate) use directory::{Temporary, has_no_links, parent};
pub use disk::{Disk, MemoryDisk};
pub(crate) use disk::{read_exact_at, read_up_to, write_all_at};
#[cfg(feature = "forensic")]
pub(crate) use file::PagedFile;
pub(crate) use file::{FileId, is_at, read_disk_metas, read_metas};
pub(crate) use heap::Heap;
pub(crate) use initial::{initial_image, initial_layout, unfinished};
pub use lock::lock_holders;
pub(crate) use lock::{FileLock, LockMode};
pub(crate) use map::{Map, prefetch_value};
pub(crate) use medium::Medium;
pub use mount::FileSystem;
pub use output::OutputFile;
#[cfg(feature = "forensic")]
pub(crate) use probe::{ReadAt, metas_of, probe};
pub(crate) use regular::{open_to_write, open_untouched, regular_metadata};
pub use snapshot::{DEFAULT_ATTEMPTS, Snapshot};
pub(crate) use volume::Volume;

/// Where the bytes of a database come from.
pub trait Storage: fmt::Debug {
    /// A run of bytes as this medium hands it out.
    type Run<'s>: Bytes
    where
        Self: 's;

    /// The length in bytes, as it was when the storage was opened.
    fn size(&self) -> u64;

    /// The bytes from `offset` on, exactly `len` of them.
    fn run(&self, offset: u64, len: u64) -> Result<Self::Run<'_>, Error>;

    /// Says that these bytes will be read soon. Where nothing can be done about it, nothing is.
    #[inline]
    fn prefetch(&self, _offset: u64, _len: u64) {}
}

/// The error for bytes that the medium does not have.
fn short(offset: u64, len: u64, size: u64) -> Error {
    let kind = CorruptionKind::ShortFile { expected: offset.saturating_add(len), found: size };
    Corruption { kind, page: None, offset: Some(offset) }.into()
}
