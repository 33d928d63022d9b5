//! Changes to single pages of a file, as bbolt's `surgery` makes them, byte for byte.
//!
//! They are made to a copy, and nothing in them looks at what becomes of the whole. [`objections`] does: whoever lets
//! somebody do surgery asks it before the copy gets its name.
//!
//! Where bbolt's tool believes page 0 and the larger transaction id, whatever the checksums say, this goes by the metas
//! that verify. On a file with two sound metas that is the same.

mod elements;
mod metas;
mod objection;

use std::fmt;

pub use metas::{MetaFields, MetaUpdate};
pub use objection::{Objection, objections};

use crate::error::{CorruptionKind, Error, Result};
use crate::format::{Endian, Layout, MetaPair, PAGE_HEADER_SIZE, PageHeader, PageId};
use crate::storage::{Disk, read_disk_metas, read_exact_at, write_all_at};

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SurgeryError {
    /// The file could not be read or written, or makes no sense where it was to be changed.
    #[error(transparent)]
    Failed(#[from] Error),
    /// Only branches and leaves have elements.
    #[error("page {page}: is neither a branch nor a leaf, and has no elements to clear")]
    NoElements {
        /// The page.
        page: PageId,
    },
    /// The page has no such elements.
    #[error("page {page}: has no elements {start} to {end}, only {count}")]
    Range {
        /// The page.
        page: PageId,
        /// The first one that was to be cleared.
        start: u64,
        /// The one behind the last.
        end: u64,
        /// How many there are.
        count: u16,
    },
    /// Neither meta verifies, and there is none to go back to.
    #[error("neither meta verifies, so there is none to go back to")]
    NoMeta,
}

/// A copy on the table.
///
/// ```
/// use unbolt::forensic::surgery::Surgery;
/// use unbolt::format::PageId;
/// use unbolt::{MemoryDisk, Snapshot};
/// let copy = MemoryDisk::from(std::fs::read("testdata/docker/live-20.10.24.db")?);
/// Surgery::open(&copy)?.abandon_freelist()?;
/// let after = Snapshot::from_bytes(copy.into_bytes())?;
/// assert_eq!(after.meta().freelist, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Surgery<'d> {
    disk: &'d dyn Disk,
    size: u64,
    layout: Layout,
    /// Both metas, where at least one verifies.
    metas: Option<MetaPair>,
}

impl<'d> Surgery<'d> {
    /// Looks at the metas of a copy, of which one must verify.
    pub fn open(disk: &'d dyn Disk) -> Result<Surgery<'d>> {
        let size = size(disk)?;
        let (metas, layout) = read_disk_metas(disk, size)?;
        Ok(Surgery { disk, size, layout, metas: Some(metas) })
    }

    /// A copy of which the metas tell nothing, and that is laid out like this.
    pub fn laid_out(disk: &'d dyn Disk, layout: Layout) -> Result<Surgery<'d>> {
        Ok(Surgery { disk, size: size(disk)?, layout, metas: None })
    }

    /// The page size and byte order that the copy is taken to have.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Puts a page, with its overflow pages, in the place of another.
    pub fn copy_page(&self, from: PageId, to: PageId) -> Result<()> {
        let (header, mut run) = self.read_run(from)?;
        set_header(&mut run, PageHeader { id: to, ..header }, self.layout.endian);
        self.write(&run, self.layout.offset(to))
    }

    /// The bytes of a run by its own header, which must name this page.
    fn read_run(&self, id: PageId) -> Result<(PageHeader, Vec<u8>)> {
        let offset = self.layout.offset(id);
        let header = self.read(offset, self.layout.page_size.bytes(), id)?;
        let Some(header) = PageHeader::read(&header, self.layout.endian) else {
            return Err(self.short(offset, self.layout.page_size.bytes(), id));
        };
        if header.id != id {
            return Err(CorruptionKind::PageId { found: header.id }.at_offset(id, offset).into());
        }
        Ok((header, self.read(offset, self.layout.run_bytes(header.pages()), id)?))
    }

    fn read(&self, offset: u64, len: u64, id: PageId) -> Result<Vec<u8>> {
        let within = offset.checked_add(len).is_some_and(|end| end <= self.size);
        let len = usize::try_from(len).ok().filter(|_| within).ok_or_else(|| self.short(offset, len, id))?;
        let mut bytes = Vec::new();
        let no_memory = |_| Error::io("read", "", std::io::ErrorKind::OutOfMemory.into());
        bytes.try_reserve_exact(len).map_err(no_memory)?;
        bytes.resize(len, 0);
        read_exact_at(self.disk, &mut bytes, offset).map_err(|e| Error::io("read", "", e))?;
        Ok(bytes)
    }

    fn short(&self, offset: u64, len: u64, id: PageId) -> Error {
        CorruptionKind::ShortFile { expected: offset.saturating_add(len), found: self.size }.at_offset(id, offset).into()
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        write_all_at(self.disk, bytes, offset).map_err(|e| Error::io("write", "", e))
    }
}

impl fmt::Debug for Surgery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surgery").field("size", &self.size).field("layout", &self.layout).finish()
    }
}

fn set_header(run: &mut [u8], header: PageHeader, endian: Endian) {
    if let Some(start) = run.first_chunk_mut::<PAGE_HEADER_SIZE>() {
        *start = header.encode(endian);
    }
}

fn size(disk: &dyn Disk) -> Result<u64> {
    disk.size().map_err(|e| Error::io("read", "", e))
}
