//! The only place that lays out page bytes.
//!
//! Elements are packed as Go packs them: the element headers, then each key directly followed by its value, in
//! order and without gaps; what is left of the last page is zero. Other programs infer the used size of a page
//! from its last element, so this order is part of the format.

use super::branch::RawBranchElement;
use super::bucket::RawBucket;
use super::freelist::LONG_COUNT;
use super::leaf::RawLeafElement;
use super::{
    BUCKET_HEADER_SIZE, BranchElement, ELEMENT_SIZE, Endian, Layout, LeafElement, Meta, PAGE_HEADER_SIZE, PageHeader, PageId,
    PageKind, U32, U64, length,
};

/// Why elements cannot be laid out as a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A page counts its elements in 16 bits, and 65535 means something else.
    #[error("{count} elements do not fit in a page, the most is 65534")]
    TooManyElements {
        /// How many there are.
        count: usize,
    },
    /// Every element must end within 2^31-1 bytes of its own start, or Go cannot read it.
    #[error("a run of {bytes} bytes is longer than 2147483647")]
    TooLong {
        /// The bytes it would take.
        bytes: u64,
    },
    /// A freelist that needs more pages than it was given.
    #[error("{count} free pages need more than {pages} pages")]
    FreelistTooLong {
        /// How many ids there are.
        count: usize,
        /// How many pages the run has.
        pages: u64,
    },
}

/// The longest run that holds elements.
pub(crate) const MAX_RUN: u64 = 0x7FFF_FFFF;

/// Takes the bytes of a run part by part, in order.
pub(crate) trait Put {
    /// Why bytes are not taken, or not made.
    type Error: From<EncodeError>;

    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

impl Put for Vec<u8> {
    type Error = EncodeError;

    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A meta page: page 0 or 1, all of it.
pub fn encode_meta(page: PageId, meta: &Meta, layout: Layout) -> Vec<u8> {
    let mut out = Run::new(page, PageKind::Meta, 0, 1, layout);
    out.bytes.extend_from_slice(meta.encode().as_bytes());
    out.finish()
}

/// A leaf page run as long as its elements need.
///
/// ```
/// use unbolt::format::{encode_leaf, Endian, Layout, LeafElement, Page, PageId, PageSize};
/// let layout = Layout { page_size: PageSize::new(512).unwrap(), endian: Endian::Little };
/// let run = encode_leaf(PageId(3), &[LeafElement { flags: 0, key: b"k", value: b"v" }], layout)?;
/// let leaf = Page::parse(&run[..], PageId(3), layout)?.into_leaf()?;
/// assert_eq!(leaf.element(0)?.value, b"v");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode_leaf(page: PageId, elements: &[LeafElement<&[u8]>], layout: Layout) -> Result<Vec<u8>, EncodeError> {
    let elements = elements.iter().copied();
    let mut run = room(used_by_leaf(elements.clone())?, layout);
    put_leaf(&mut run, page, elements, layout).map(|()| run)
}

/// Puts a leaf page run as long as its elements need, from its header to the zeros at its end.
pub(crate) fn put_leaf<'a, P: Put>(
    out: &mut P,
    page: PageId,
    elements: impl ExactSizeIterator<Item = LeafElement<&'a [u8]>> + Clone,
    layout: Layout,
) -> Result<(), P::Error> {
    let used = used_by_leaf(elements.clone())?;
    put_header(out, page, PageKind::Leaf, count(elements.len())?, used, layout)?;
    put_leaf_elements(out, elements, layout.endian)?;
    put_zeros(out, used, layout)
}

/// The page image of an inline bucket, without the bucket header before it.
pub fn encode_inline(elements: &[LeafElement<&[u8]>], endian: Endian) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    put_inline(&mut out, elements.iter().copied(), endian).map(|()| out)
}

/// Puts the page image of an inline bucket.
pub(crate) fn put_inline<'a, P: Put>(
    out: &mut P,
    elements: impl ExactSizeIterator<Item = LeafElement<&'a [u8]>> + Clone,
    endian: Endian,
) -> Result<(), P::Error> {
    used_by_leaf(elements.clone())?;
    let header = PageHeader { id: PageId(0), flags: PageKind::Leaf.flags(), count: count(elements.len())?, overflow: 0 };
    out.put(&header.encode(endian))?;
    put_leaf_elements(out, elements, endian)
}

/// A branch page run as long as its elements need.
pub fn encode_branch(page: PageId, elements: &[BranchElement<&[u8]>], layout: Layout) -> Result<Vec<u8>, EncodeError> {
    let elements = elements.iter().copied();
    let mut run = room(used_by_branch(elements.clone())?, layout);
    put_branch(&mut run, page, elements, layout).map(|()| run)
}

/// Puts a branch page run as long as its elements need, from its header to the zeros at its end.
pub(crate) fn put_branch<'a, P: Put>(
    out: &mut P,
    page: PageId,
    elements: impl ExactSizeIterator<Item = BranchElement<&'a [u8]>> + Clone,
    layout: Layout,
) -> Result<(), P::Error> {
    let used = used_by_branch(elements.clone())?;
    put_header(out, page, PageKind::Branch, count(elements.len())?, used, layout)?;
    put_branch_elements(out, elements, layout.endian)?;
    put_zeros(out, used, layout)
}

/// The header of a bucket's entry: for an inline bucket, root 0 and the page image behind it.
pub fn encode_bucket(root: PageId, sequence: u64, endian: Endian) -> [u8; BUCKET_HEADER_SIZE] {
    bytemuck::cast(RawBucket { root: U64::new(root.0, endian), sequence: U64::new(sequence, endian) })
}

/// A freelist run of this many pages. The ids must be sorted and unique.
pub fn encode_freelist(page: PageId, ids: &[PageId], pages: u64, layout: Layout) -> Result<Vec<u8>, EncodeError> {
    let short = u16::try_from(ids.len()).ok().filter(|count| *count < LONG_COUNT);
    let words = length(ids.len()).saturating_add(u64::from(short.is_none()));
    if words.saturating_mul(8).saturating_add(length(PAGE_HEADER_SIZE)) > layout.run_bytes(pages) {
        return Err(EncodeError::FreelistTooLong { count: ids.len(), pages });
    }
    let mut out = Run::new(page, PageKind::Freelist, short.unwrap_or(LONG_COUNT), pages, layout);
    if short.is_none() {
        out.put(&bytemuck::cast::<_, [u8; 8]>(U64::new(length(ids.len()), layout.endian)));
    }
    for id in ids {
        out.put(&bytemuck::cast::<_, [u8; 8]>(U64::new(id.0, layout.endian)));
    }
    Ok(out.finish())
}

/// The bytes that elements with data of these sizes take, header included.
fn used(count: usize, data: impl Iterator<Item = u64>) -> Result<u64, EncodeError> {
    let headers = length(count).saturating_mul(length(ELEMENT_SIZE)).saturating_add(length(PAGE_HEADER_SIZE));
    let bytes = data.fold(headers, u64::saturating_add);
    if bytes > MAX_RUN { Err(EncodeError::TooLong { bytes }) } else { Ok(bytes) }
}

fn pages_for(bytes: u64, layout: Layout) -> u64 {
    bytes.div_ceil(layout.page_size.bytes())
}

fn count(elements: usize) -> Result<u16, EncodeError> {
    let too_many = EncodeError::TooManyElements { count: elements };
    u16::try_from(elements).ok().filter(|count| *count < u16::MAX).ok_or(too_many)
}

/// The same for a leaf.
fn used_by_leaf<'a>(elements: impl ExactSizeIterator<Item = LeafElement<&'a [u8]>>) -> Result<u64, EncodeError> {
    used(elements.len(), elements.map(|e| length(e.key.len()).saturating_add(length(e.value.len()))))
}

/// The same for a branch.
fn used_by_branch<'a>(elements: impl ExactSizeIterator<Item = BranchElement<&'a [u8]>>) -> Result<u64, EncodeError> {
    used(elements.len(), elements.map(|e| length(e.key.len())))
}

/// Memory for a run with this many bytes in use.
fn room(used: u64, layout: Layout) -> Vec<u8> {
    Vec::with_capacity(usize::try_from(layout.run_bytes(pages_for(used, layout))).unwrap_or(0))
}

/// The header of a run with this many bytes in use.
fn put_header<P: Put>(
    out: &mut P,
    page: PageId,
    kind: PageKind,
    count: u16,
    used: u64,
    layout: Layout,
) -> Result<(), P::Error> {
    let overflow = overflow(pages_for(used, layout));
    out.put(&PageHeader { id: page, flags: kind.flags(), count, overflow }.encode(layout.endian))
}

fn overflow(pages: u64) -> u32 {
    u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX)
}

fn put_leaf_elements<'a, P: Put>(
    out: &mut P,
    elements: impl ExactSizeIterator<Item = LeafElement<&'a [u8]>> + Clone,
    endian: Endian,
) -> Result<(), P::Error> {
    let mut pos = first_position(elements.len());
    for e in elements.clone() {
        let (ksize, vsize) = (length(e.key.len()), length(e.value.len()));
        let header = RawLeafElement {
            flags: U32::new(e.flags, endian),
            pos: number(pos, endian),
            ksize: number(ksize, endian),
            vsize: number(vsize, endian),
        };
        out.put(bytemuck::bytes_of(&header))?;
        pos = next_position(pos, ksize.saturating_add(vsize));
    }
    for e in elements {
        out.put(e.key)?;
        out.put(e.value)?;
    }
    Ok(())
}

fn put_branch_elements<'a, P: Put>(
    out: &mut P,
    elements: impl ExactSizeIterator<Item = BranchElement<&'a [u8]>> + Clone,
    endian: Endian,
) -> Result<(), P::Error> {
    let mut pos = first_position(elements.len());
    for e in elements.clone() {
        let ksize = length(e.key.len());
        let header =
            RawBranchElement { pos: number(pos, endian), ksize: number(ksize, endian), child: U64::new(e.child.0, endian) };
        out.put(bytemuck::bytes_of(&header))?;
        pos = next_position(pos, ksize);
    }
    for e in elements {
        out.put(e.key)?;
    }
    Ok(())
}

/// What is left of the last page of a run.
fn put_zeros<P: Put>(out: &mut P, used: u64, layout: Layout) -> Result<(), P::Error> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut left = layout.run_bytes(pages_for(used, layout)).saturating_sub(used);
    while left > 0 {
        let zeros = usize::try_from(left).ok().and_then(|left| ZEROS.get(..left)).unwrap_or(&ZEROS);
        out.put(zeros)?;
        left = left.saturating_sub(length(zeros.len()));
    }
    Ok(())
}

// The caller has made sure by `used` that every position fits in 32 bits.
fn number(value: u64, endian: Endian) -> U32 {
    U32::new(u32::try_from(value).unwrap_or(u32::MAX), endian)
}

/// The distance from the first element's header to its key.
fn first_position(count: usize) -> u64 {
    length(count).saturating_mul(length(ELEMENT_SIZE))
}

/// The same for the element after one with this much data.
fn next_position(pos: u64, data: u64) -> u64 {
    pos.saturating_add(data).saturating_sub(length(ELEMENT_SIZE))
}

/// A meta or freelist run that is being laid out.
struct Run {
    bytes: Vec<u8>,
    len: usize,
}

impl Run {
    fn new(page: PageId, kind: PageKind, count: u16, pages: u64, layout: Layout) -> Run {
        let len = usize::try_from(layout.run_bytes(pages)).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(len);
        let header = PageHeader { id: page, flags: kind.flags(), count, overflow: overflow(pages) };
        bytes.extend_from_slice(&header.encode(layout.endian));
        Run { bytes, len }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.len, 0);
        self.bytes
    }
}
