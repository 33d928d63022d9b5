//! The file format as a pure function of bytes: no I/O, no `unsafe`, no allocation when reading, no panic.
//!
//! A Bolt file is an array of pages. Pages 0 and 1 are the two [`Meta`] pages; every other page below the
//! high-water mark belongs to a tree ([`Branch`], [`Leaf`]), to the [`Freelist`]'s own run, or is free. A
//! node larger than a page takes a *run*: a page with a header and as many overflow pages as it needs.
//!
//! Nothing here trusts its input. [`Page::parse`] is the only door to a page, [`RawMeta::verify`] the only
//! door to a meta; what passes may be sliced, what does not is a [`Corruption`](crate::Corruption) that says
//! where. The byte order is a value, read from the magic, so files of either order read alike.

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod branch;
mod bucket;
mod bytes;
mod encode;
mod endian;
mod freelist;
mod leaf;
mod meta;
mod order;
mod page;

use std::fmt;

pub use branch::{Branch, BranchElement};
pub use bucket::{BUCKET_HEADER_SIZE, BucketHeader, BucketRoot};
pub(crate) use bytes::Buffer;
pub use bytes::{Bytes, SharedBytes};
pub use encode::{EncodeError, encode_branch, encode_bucket, encode_freelist, encode_inline, encode_leaf, encode_meta};
pub(crate) use encode::{MAX_RUN, RunEncoder, encode_blank_meta, encode_freelist_of, encode_ids, freelist_bytes, id_position};
pub use endian::{Endian, U16, U32, U64};
pub use freelist::Freelist;
pub use leaf::{BUCKET_FLAG, Leaf, LeafElement, LeafItem};
pub use meta::{META_SIZE, Meta, MetaPair, MetaRefusal, MetaSlot, RawMeta};
pub(crate) use order::{begins_with, compare_keys};
pub use page::{ELEMENT_SIZE, PAGE_HEADER_SIZE, Page, PageHeader, PageKind};

/// The magic number of every Bolt file, in the byte order of the machine that wrote it.
pub const MAGIC: u32 = 0xED0C_DAED;
/// The format version of every release.
pub const VERSION: u32 = 2;
/// The freelist page number that means "no list is stored, scan for free pages".
pub const NO_FREELIST: u64 = u64::MAX;
/// The longest key that `put` takes, in bytes.
pub const MAX_KEY_SIZE: usize = 32768;

/// The number of a page; its offset in the file is this times the page size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PageId(pub u64);

/// The id of the transaction that produced a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TxId(pub u64);

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A page size that can be worked with: 512 bytes to 16 MiB.
///
/// Writers use powers of two; a file with another size in this range is read all the same, as Go does.
///
/// ```
/// use unbolt::format::PageSize;
/// assert_eq!(PageSize::new(4096).unwrap().get(), 4096);
/// assert!(PageSize::new(80).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// The smallest page size that is read.
    pub const MIN: PageSize = PageSize(512);
    /// The largest page size that is read.
    pub const MAX: PageSize = PageSize(16 << 20);

    /// A page size, if it is in range.
    pub const fn new(bytes: u32) -> Option<PageSize> {
        if bytes >= Self::MIN.0 && bytes <= Self::MAX.0 { Some(PageSize(bytes)) } else { None }
    }

    /// The size in bytes.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The size in bytes, for arithmetic on file offsets.
    pub fn bytes(self) -> u64 {
        u64::from(self.0)
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What must be known about a file before any of its pages can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The size of a page.
    pub page_size: PageSize,
    /// The byte order of every number.
    pub endian: Endian,
}

impl Layout {
    /// The offset of a page in the file; the largest offset where that overflows.
    pub fn offset(self, page: PageId) -> u64 {
        page.0.saturating_mul(self.page_size.bytes())
    }

    /// The bytes of the longest run that can hold something, in a file of this many pages: an element ends at most
    /// 2^31-1 bytes behind its start, and no freelist has more ids than there are pages.
    pub fn longest_run(self, pages: u64) -> u64 {
        let freelist = pages.saturating_mul(8).saturating_add(24);
        freelist.max(i32::MAX.unsigned_abs().into()).saturating_add(self.page_size.bytes())
    }

    /// The bytes of a run of this many pages.
    pub fn run_bytes(self, pages: u64) -> u64 {
        pages.saturating_mul(self.page_size.bytes())
    }
}

/// A `u32` from the file as an index; it saturates where `usize` is smaller.
fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A length as a number of the file's width.
fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
