//! What was found in an image: where it lies, and what was verified of it.

use std::fs::File;
use std::path::Path;

use crate::error::{CorruptionKind, Result};
use crate::forensic::window::Window;
use crate::format::{Endian, Layout, Meta, MetaRefusal, PageId, PageSize};
use crate::storage::PagedFile;
use crate::tree::{Pages, verify};

/// What a hit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HitKind {
    /// A file with a meta.
    File,
    /// Pages of one file, no meta of which was found in its place.
    Pages,
    /// One page by itself. Nothing tells the page size, which is taken to be 4096.
    Page,
}

/// A meta that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundMeta {
    /// The page that it lies on, 0 or 1.
    pub page: PageId,
    /// Its fields, right or wrong.
    pub meta: Meta,
    /// Why it is not to be believed; `None` where it verifies.
    pub refusal: Option<MetaRefusal>,
}

/// A file or pages of one that were found in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hit {
    /// What it is.
    pub kind: HitKind,
    /// Where page 0 of the file lies in the image; below 0 where it would lie before it.
    pub base: i64,
    /// The first byte of the file that the image has, as an offset in the file.
    pub start: u64,
    /// Behind the last byte of the file that the image has, as an offset in the file.
    pub end: u64,
    /// The page size.
    pub page_size: PageSize,
    /// The byte order.
    pub endian: Endian,
    /// The metas, that of page 0 first.
    pub metas: [Option<FoundMeta>; 2],
    /// How many pages say that they belong where they lie.
    pub pages: u64,
    /// The bytes that the file should have by its newest verified meta; `None` where there is none.
    pub expected: Option<u64>,
    /// Offsets of the files in the image that these pages may have been a part of: files with the same page size and byte
    /// order and enough pages. Only for pages without a meta.
    pub may_belong_to: Vec<u64>,
}

impl Hit {
    /// Where its first byte lies in the image.
    pub fn offset(&self) -> u64 {
        self.start.saturating_add_signed(self.base)
    }

    /// How many bytes the image has of it.
    pub fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The newest meta that verifies.
    pub fn meta(&self) -> Option<Meta> {
        let verified = self.metas.iter().flatten().filter(|found| found.refusal.is_none());
        verified.map(|found| found.meta).reduce(|a, b| if b.txid > a.txid { b } else { a })
    }

    /// Whether the image ends before the file does, or begins behind its beginning.
    pub fn is_cut(&self) -> bool {
        self.start > 0 || self.expected.is_some_and(|expected| expected > self.end)
    }

    /// Tests that the state of the newest meta can be walked whole and fits its list of free pages. `size` is the length of
    /// the image, which a device does not tell.
    pub fn verify(&self, image: File, path: &Path, size: u64) -> Result<()> {
        let Some(meta) = self.meta() else {
            return Err(CorruptionKind::Tree { what: "no meta verifies" }.on(None, None).into());
        };
        let layout = Layout { page_size: self.page_size, endian: self.endian };
        let window = Window::new(PagedFile::new(image, path.into(), size, layout), self);
        verify(Pages::new(&window, layout, &meta))
    }
}
