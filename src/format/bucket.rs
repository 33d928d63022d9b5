//! A bucket entry's value: where its tree is, its sequence, and its page when it is inline.
//!
//! ```text
//! offset  size
//!      0     8  root      page number, or 0 = inline
//!      8     8  sequence
//!     16        inline only: one complete leaf page image
//! ```

use bytemuck::{Pod, Zeroable};

use super::{Bytes, Endian, Page, PageId, U64, length};
use crate::error::{Corruption, CorruptionKind};

/// The size of the header at the start of a bucket entry's value.
pub const BUCKET_HEADER_SIZE: usize = 16;

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct RawBucket {
    pub root: U64,
    pub sequence: U64,
}

const _: () = assert!(size_of::<RawBucket>() == BUCKET_HEADER_SIZE);

/// Where the tree of a bucket begins.
#[derive(Debug, Clone, Copy)]
pub enum BucketRoot<B> {
    /// On a page of its own.
    Page(PageId),
    /// In the bucket's entry itself.
    Inline(Page<B>),
}

/// A bucket as its entry describes it.
#[derive(Debug, Clone, Copy)]
pub struct BucketHeader<B> {
    /// Where its tree begins.
    pub root: BucketRoot<B>,
    /// Its sequence, which is whatever its users last set it to.
    pub sequence: u64,
}

impl<B: Bytes> BucketHeader<B> {
    /// Parses the value of a bucket entry: element `index` of page `host`, its value at file offset `offset`.
    pub fn parse(value: B, index: usize, host: PageId, offset: u64, endian: Endian) -> Result<BucketHeader<B>, Corruption> {
        let Some(header) = value.first_chunk::<BUCKET_HEADER_SIZE>() else {
            return Err(CorruptionKind::BucketValue { index, len: length(value.len()) }.at_offset(host, offset));
        };
        let raw: RawBucket = bytemuck::cast(*header);
        let sequence = raw.sequence.get(endian);
        let root = match raw.root.get(endian) {
            0 => {
                let inline = value.part(BUCKET_HEADER_SIZE..value.len());
                let short = CorruptionKind::InlineShort { len: 0 }.at_offset(host, offset);
                BucketRoot::Inline(Page::parse_inline(inline.ok_or(short)?, host, offset.saturating_add(16), endian)?)
            }
            page => BucketRoot::Page(PageId(page)),
        };
        Ok(BucketHeader { root, sequence })
    }
}
