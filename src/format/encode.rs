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

pub(crate) const MAX_RUN: u64 = 0x7FFF_FFFF;

/// A meta page: page 0 or 1, all of it.
pub fn encode_meta(page: PageId, meta: &Meta, layout: Layout) -> Vec<u8> {
    let mut out = Vec::new();
    let end = usize::try_from(layout.run_bytes(1)).unwrap_or(usize::MAX);
    let mut run = RunEncoder::begin(&mut out, page, PageKind::Meta, 0, 1, end, layout.endian);
    run.data(meta.encode().as_bytes());
    run.finish();
    out
}

/// A meta page with its header and no meta.
pub(crate) fn encode_blank_meta(page: PageId, layout: Layout) -> Vec<u8> {
    let mut out = Vec::new();
    let end = usize::try_from(layout.run_bytes(1)).unwrap_or(usize::MAX);
    RunEncoder::begin(&mut out, page, PageKind::Meta, 0, 1, end, layout.endian).finish();
    out
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
    let data = elements.iter().map(|e| length(e.key.len()).saturating_add(length(e.value.len())));
    let pages = pages_for(used(elements.len(), data)?, layout);
    let mut out = Vec::new();
    RunEncoder::new(&mut out, page, PageKind::Leaf, elements.len(), pages, layout)?.leaf(elements);
    Ok(out)
}

/// The page image of an inline bucket, without the bucket header before it.
pub fn encode_inline(elements: &[LeafElement<&[u8]>], endian: Endian) -> Result<Vec<u8>, EncodeError> {
    let data = elements.iter().map(|e| length(e.key.len()).saturating_add(length(e.value.len())));
    let end = usize::try_from(used(elements.len(), data)?).unwrap_or(usize::MAX);
    let mut out = Vec::new();
    RunEncoder::begin(&mut out, PageId(0), PageKind::Leaf, count(elements.len())?, 1, end, endian).leaf(elements);
    Ok(out)
}

/// A branch page run as long as its elements need.
pub fn encode_branch(page: PageId, elements: &[BranchElement<&[u8]>], layout: Layout) -> Result<Vec<u8>, EncodeError> {
    let pages = pages_for(used(elements.len(), elements.iter().map(|e| length(e.key.len())))?, layout);
    let mut out = Vec::new();
    let mut run = RunEncoder::new(&mut out, page, PageKind::Branch, elements.len(), pages, layout)?;
    elements.iter().for_each(|e| run.branch_element(short(e.key), e.child));
    elements.iter().for_each(|e| run.data(e.key));
    run.finish();
    Ok(out)
}

/// The header of a bucket's entry: for an inline bucket, root 0 and the page image behind it.
pub fn encode_bucket(root: PageId, sequence: u64, endian: Endian) -> [u8; BUCKET_HEADER_SIZE] {
    bytemuck::cast(RawBucket { root: U64::new(root.0, endian), sequence: U64::new(sequence, endian) })
}

/// A freelist run of this many pages. The ids must be sorted and unique.
pub fn encode_freelist(page: PageId, ids: &[PageId], pages: u64, layout: Layout) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    encode_freelist_of(&mut out, page, ids.len(), ids.iter().copied(), pages, layout)?;
    Ok(out)
}

/// The same behind what a buffer holds already, from ids that are made as they are asked for: `count` of them.
pub(crate) fn encode_freelist_of(
    out: &mut Vec<u8>,
    page: PageId,
    count: usize,
    ids: impl Iterator<Item = PageId>,
    pages: u64,
    layout: Layout,
) -> Result<(), EncodeError> {
    let short = u16::try_from(count).ok().filter(|count| *count < LONG_COUNT);
    if freelist_bytes(length(count)) > layout.run_bytes(pages) {
        return Err(EncodeError::FreelistTooLong { count, pages });
    }
    let end = out.len().saturating_add(usize::try_from(layout.run_bytes(pages)).unwrap_or(usize::MAX));
    let run = RunEncoder::begin(out, page, PageKind::Freelist, short.unwrap_or(LONG_COUNT), pages, end, layout.endian);
    if short.is_none() {
        encode_ids(run.out, [PageId(length(count))].into_iter(), layout.endian);
    }
    encode_ids(run.out, ids, layout.endian);
    run.finish();
    Ok(())
}

/// The ids of a freelist, without anything around them.
pub(crate) fn encode_ids(out: &mut Vec<u8>, mut ids: impl Iterator<Item = PageId>, endian: Endian) {
    // By the block: one at a time takes three times as long, and there can be a million.
    let mut block = [U64::new(0, endian); 64];
    loop {
        let filled = block.iter_mut().zip(&mut ids).map(|(number, id)| *number = U64::new(id.0, endian)).count();
        match block.get(..filled) {
            Some(numbers) if filled > 0 => out.extend_from_slice(bytemuck::cast_slice(numbers)),
            _ => return,
        }
    }
}

/// The offset in the run of the id at this position in a list of so many.
pub(crate) fn id_position(position: u64, count: u64) -> u64 {
    freelist_bytes(count).saturating_sub(count.saturating_sub(position).saturating_mul(8))
}

/// The bytes that a list of so many free pages takes, header included.
pub(crate) fn freelist_bytes(count: u64) -> u64 {
    let words = count.saturating_add(u64::from(count >= u64::from(LONG_COUNT)));
    words.saturating_mul(8).saturating_add(length(PAGE_HEADER_SIZE))
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

/// A page run that is being laid out behind whatever a buffer holds already: first the headers of all elements, then
/// their keys and values in the same order.
pub(crate) struct RunEncoder<'o> {
    out: &'o mut Vec<u8>,
    endian: Endian,
    /// Where the run ends in `out`.
    end: usize,
    /// The distance from the next element's header to its key.
    position: u64,
}

impl<'o> RunEncoder<'o> {
    /// Begins a run of this many pages. The elements must fit in it.
    pub(crate) fn new(
        out: &'o mut Vec<u8>,
        page: PageId,
        kind: PageKind,
        elements: usize,
        pages: u64,
        layout: Layout,
    ) -> Result<Self, EncodeError> {
        let end = out.len().saturating_add(usize::try_from(layout.run_bytes(pages)).unwrap_or(usize::MAX));
        Ok(Self::begin(out, page, kind, count(elements)?, pages, end, layout.endian))
    }

    fn begin(out: &'o mut Vec<u8>, id: PageId, kind: PageKind, count: u16, pages: u64, end: usize, endian: Endian) -> Self {
        let overflow = u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX);
        out.reserve(end.saturating_sub(out.len()));
        out.extend_from_slice(&PageHeader { id, flags: kind.flags(), count, overflow }.encode(endian));
        RunEncoder { out, endian, end, position: first_position(usize::from(count)) }
    }

    /// The header of the next element of a leaf.
    #[inline]
    pub(crate) fn leaf_element(&mut self, flags: u32, key_len: u32, value_len: u32) {
        let header = RawLeafElement {
            flags: U32::new(flags, self.endian),
            pos: self.next_position(u64::from(key_len).saturating_add(u64::from(value_len))),
            ksize: U32::new(key_len, self.endian),
            vsize: U32::new(value_len, self.endian),
        };
        self.data(&bytemuck::cast::<_, [u8; ELEMENT_SIZE]>(header));
    }

    /// The header of the next element of a branch.
    #[inline]
    pub(crate) fn branch_element(&mut self, key_len: u32, child: PageId) {
        let header = RawBranchElement {
            pos: self.next_position(u64::from(key_len)),
            ksize: U32::new(key_len, self.endian),
            child: U64::new(child.0, self.endian),
        };
        self.data(&bytemuck::cast::<_, [u8; ELEMENT_SIZE]>(header));
    }

    /// The next bytes of the run.
    #[inline]
    pub(crate) fn data(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Ends the run: what is left of it is zero.
    pub(crate) fn finish(self) {
        self.out.resize(self.end, 0);
    }

    /// The distance from this element's header to its key. A run is shorter than 2^31 bytes, so it fits.
    fn next_position(&mut self, data: u64) -> U32 {
        let position = U32::new(u32::try_from(self.position).unwrap_or(u32::MAX), self.endian);
        self.position = self.position.saturating_add(data).saturating_sub(length(ELEMENT_SIZE));
        position
    }

    fn leaf(mut self, elements: &[LeafElement<&[u8]>]) {
        elements.iter().for_each(|e| self.leaf_element(e.flags, short(e.key), short(e.value)));
        for e in elements {
            self.data(e.key);
            self.data(e.value);
        }
        self.finish();
    }
}

/// A length that was found to fit when the size of the whole was tested.
fn short(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// The distance from the first element's header to its key.
fn first_position(count: usize) -> u64 {
    length(count).saturating_mul(length(ELEMENT_SIZE))
}
