//! A page run that has been validated, and the header at its start.
//!
//! ```text
//! offset  size
//!      0     8  id        the page's own number (0 in an inline page)
//!      8     2  flags     exactly one of 0x01 branch, 0x02 leaf, 0x04 meta, 0x10 freelist
//!     10     2  count     elements, or freelist ids
//!     12     4  overflow  further pages of the run
//!     16        elements, then keys and values
//! ```
//!
//! Invariants of a [`Page`]: its bytes are the whole run and nothing more, its kind is one of the four, and
//! an element array of `count` elements lies inside the run.

use std::cmp::Ordering;
use std::fmt;

use bytemuck::{Pod, Zeroable};

use super::order::compare_keys;
use super::{Branch, Bytes, Endian, Freelist, Layout, Leaf, PageId, U16, U32, U64, index, length};
use crate::error::{Corruption, CorruptionKind};

/// The size of the header at the start of a run.
pub const PAGE_HEADER_SIZE: usize = 16;
/// The size of one element header, on a leaf and on a branch alike.
pub const ELEMENT_SIZE: usize = 16;

/// The type of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PageKind {
    /// Separators and child pages.
    Branch,
    /// Keys with values or buckets.
    Leaf,
    /// One of the two roots of a file.
    Meta,
    /// The list of free pages.
    Freelist,
}

impl PageKind {
    /// The kind that these header flags name, if they name exactly one.
    pub const fn from_flags(flags: u16) -> Option<PageKind> {
        match flags {
            0x01 => Some(PageKind::Branch),
            0x02 => Some(PageKind::Leaf),
            0x04 => Some(PageKind::Meta),
            0x10 => Some(PageKind::Freelist),
            _ => None,
        }
    }

    /// The header flags of this kind.
    pub const fn flags(self) -> u16 {
        match self {
            PageKind::Branch => 0x01,
            PageKind::Leaf => 0x02,
            PageKind::Meta => 0x04,
            PageKind::Freelist => 0x10,
        }
    }

    /// The kind's name as Bolt's tools print it.
    pub const fn name(self) -> &'static str {
        match self {
            PageKind::Branch => "branch",
            PageKind::Leaf => "leaf",
            PageKind::Meta => "meta",
            PageKind::Freelist => "freelist",
        }
    }
}

impl fmt::Display for PageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RawPageHeader {
    id: U64,
    flags: U16,
    count: U16,
    overflow: U32,
}

const _: () = assert!(size_of::<RawPageHeader>() == PAGE_HEADER_SIZE && align_of::<RawPageHeader>() == 1);

/// The header of a page as it lies in the file. Nothing in it has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHeader {
    /// The page's own number.
    pub id: PageId,
    /// The type bits.
    pub flags: u16,
    /// How many elements, or freelist ids.
    pub count: u16,
    /// How many further pages the run has.
    pub overflow: u32,
}

impl PageHeader {
    /// Reads the header at the start of a page; `None` where there are fewer than 16 bytes.
    #[inline]
    pub fn read(bytes: &[u8], endian: Endian) -> Option<PageHeader> {
        let raw: RawPageHeader = bytemuck::try_pod_read_unaligned(bytes.get(..PAGE_HEADER_SIZE)?).ok()?;
        Some(PageHeader {
            id: PageId(raw.id.get(endian)),
            flags: raw.flags.get(endian),
            count: raw.count.get(endian),
            overflow: raw.overflow.get(endian),
        })
    }

    /// The bytes of this header.
    pub fn encode(self, endian: Endian) -> [u8; PAGE_HEADER_SIZE] {
        bytemuck::cast(RawPageHeader {
            id: U64::new(self.id.0, endian),
            flags: U16::new(self.flags, endian),
            count: U16::new(self.count, endian),
            overflow: U32::new(self.overflow, endian),
        })
    }

    /// The pages of the run, the first included.
    pub fn pages(self) -> u64 {
        u64::from(self.overflow).saturating_add(1)
    }
}

/// A page run that has been validated against its number and its length.
#[derive(Debug, Clone, Copy)]
pub struct Page<B> {
    bytes: B,
    /// The number of the page; for an inline page that of the page its bucket entry lies on.
    id: PageId,
    /// The file offset of the first byte.
    offset: u64,
    kind: PageKind,
    count: u16,
    overflow: u32,
    endian: Endian,
}

/// Where the element headers of a page end.
#[inline(always)]
fn elements_end(kind: PageKind, count: u16) -> usize {
    match kind {
        PageKind::Branch | PageKind::Leaf => usize::from(count).wrapping_mul(ELEMENT_SIZE).wrapping_add(PAGE_HEADER_SIZE),
        PageKind::Meta | PageKind::Freelist => PAGE_HEADER_SIZE,
    }
}

/// What is wrong with a run that is not page `id`.
#[cold]
fn refusal(run: &[u8], id: PageId, layout: Layout) -> Corruption {
    let offset = layout.offset(id);
    let found = length(run.len());
    let Some(header) = PageHeader::read(run, layout.endian) else {
        return CorruptionKind::RunLength { expected: layout.run_bytes(1), found }.at(id);
    };
    let expected = layout.run_bytes(header.pages());
    if header.id != id {
        CorruptionKind::PageId { found: header.id }.at_offset(id, offset)
    } else if PageKind::from_flags(header.flags).is_none() {
        CorruptionKind::PageFlags { found: header.flags }.at_offset(id, offset.saturating_add(8))
    } else if expected != found {
        CorruptionKind::RunLength { expected, found }.at_offset(id, offset.saturating_add(12))
    } else {
        let kind = CorruptionKind::ElementCount { count: u64::from(header.count), room: found };
        kind.at_offset(id, offset.saturating_add(10))
    }
}

impl<B: Bytes> Page<B> {
    /// Validates a run as page `id`: its number, its type, its length, and room for its elements.
    ///
    /// `run` must be as long as its own header says; read the first page, take `overflow` from its
    /// [`PageHeader`], and read the run.
    #[inline(always)]
    pub fn parse(run: B, id: PageId, layout: Layout) -> Result<Page<B>, Corruption> {
        match PageHeader::read(&run, layout.endian) {
            Some(header) => Page::with_header(run, header, id, layout),
            None => Err(refusal(&run, id, layout)),
        }
    }

    /// Validates a run whose header was read already.
    #[inline(always)]
    pub(crate) fn with_header(run: B, header: PageHeader, id: PageId, layout: Layout) -> Result<Page<B>, Corruption> {
        if header.id == id
            && let Some(kind) = PageKind::from_flags(header.flags)
            && layout.run_bytes(header.pages()) == length(run.len())
            && elements_end(kind, header.count) <= run.len()
        {
            let (count, overflow) = (header.count, header.overflow);
            return Ok(Page { bytes: run, id, offset: layout.offset(id), kind, count, overflow, endian: layout.endian });
        }
        Err(refusal(&run, id, layout))
    }

    /// Validates the page inside an inline bucket. Its number and overflow are not used by any reader.
    pub(super) fn parse_inline(bytes: B, host: PageId, offset: u64, endian: Endian) -> Result<Page<B>, Corruption> {
        let Some(header) = PageHeader::read(&bytes, endian) else {
            return Err(CorruptionKind::InlineShort { len: length(bytes.len()) }.at_offset(host, offset));
        };
        if header.flags != PageKind::Leaf.flags() {
            return Err(CorruptionKind::InlineFlags { found: header.flags }.at_offset(host, offset.saturating_add(8)));
        }
        let kind = PageKind::Leaf;
        if elements_end(kind, header.count) > bytes.len() {
            let kind = CorruptionKind::ElementCount { count: u64::from(header.count), room: length(bytes.len()) };
            return Err(kind.at_offset(host, offset.saturating_add(10)));
        }
        Ok(Page { bytes, id: host, offset, kind, count: header.count, overflow: header.overflow, endian })
    }

    /// The page's number; for an inline page that of the page its bucket entry lies on.
    pub fn id(&self) -> PageId {
        self.id
    }

    /// The page's type.
    pub fn kind(&self) -> PageKind {
        self.kind
    }

    /// The count in the header: elements on a tree page, ids (or 0xFFFF) on a freelist page.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// How many pages follow the first one in the run.
    pub fn overflow(&self) -> u32 {
        self.overflow
    }

    /// The file offset of the page's first byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The byte order of the page's numbers.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// The bytes of the whole run.
    pub fn bytes(&self) -> &B {
        &self.bytes
    }

    /// The same page over borrowed bytes, for whoever goes through all its elements.
    pub fn borrowed(&self) -> Page<&[u8]> {
        let Page { ref bytes, id, offset, kind, count, overflow, endian } = *self;
        Page { bytes, id, offset, kind, count, overflow, endian }
    }

    /// The page as a leaf.
    #[inline]
    pub fn into_leaf(self) -> Result<Leaf<B>, Corruption> {
        match self.kind {
            PageKind::Leaf => Ok(Leaf::new(self)),
            _ => Err(self.not_a("leaf")),
        }
    }

    /// The page as a branch; a branch without elements is refused.
    #[inline]
    pub fn into_branch(self) -> Result<Branch<B>, Corruption> {
        match self.kind {
            PageKind::Branch if self.count == 0 => Err(CorruptionKind::EmptyBranch.at_offset(self.id, self.offset)),
            PageKind::Branch => Ok(Branch::new(self)),
            _ => Err(self.not_a("branch")),
        }
    }

    /// The page as a freelist; ids that reach outside the run are refused.
    pub fn into_freelist(self) -> Result<Freelist<B>, Corruption> {
        match self.kind {
            PageKind::Freelist => Freelist::new(self),
            _ => Err(self.not_a("freelist")),
        }
    }

    fn not_a(&self, expected: &'static str) -> Corruption {
        CorruptionKind::PageKind { expected, found: self.kind }.at_offset(self.id, self.offset.saturating_add(8))
    }

    /// Where the element headers of a tree page end, and keys may begin.
    #[inline(always)]
    pub(super) fn elements_end(&self) -> usize {
        usize::from(self.count).wrapping_mul(ELEMENT_SIZE).wrapping_add(PAGE_HEADER_SIZE)
    }

    /// An element header as four words, and its place in the run.
    #[inline(always)]
    pub(super) fn element_words(&self, index: usize) -> Option<([U32; 4], usize)> {
        if index >= usize::from(self.count) {
            return None;
        }
        let own = index.wrapping_mul(ELEMENT_SIZE).wrapping_add(PAGE_HEADER_SIZE);
        let header: &[u8; ELEMENT_SIZE] = self.bytes.get(own..)?.first_chunk()?;
        Some((bytemuck::cast(*header), own))
    }

    /// The sixteen bytes of an element header.
    #[inline]
    pub(super) fn element_bytes(&self, index: usize) -> Result<[u8; ELEMENT_SIZE], Corruption> {
        match self.element_words(index) {
            Some((words, _)) => Ok(bytemuck::cast(words)),
            None => Err(CorruptionKind::NoElement { index, count: self.count }.at_offset(self.id, self.offset)),
        }
    }

    /// Tests that the elements have no more bytes together than the run has. `size` takes the length of an element
    /// from its header. An element that is too long by itself is not counted: whoever reads it is told so.
    #[inline]
    pub(super) fn disjoint(&self, size: impl Fn([U32; 4]) -> u64) -> Result<(), Corruption> {
        let room = length(self.bytes.len());
        let headers = self.bytes.get(PAGE_HEADER_SIZE..self.elements_end()).unwrap_or_default();
        let sizes = headers.chunks_exact(ELEMENT_SIZE).map(|header| match header.first_chunk::<ELEMENT_SIZE>() {
            Some(header) => Some(size(bytemuck::cast(*header))).filter(|size| *size <= room).unwrap_or(0),
            None => 0,
        });
        // At most 2^16 sizes below 2^33.
        match sizes.clone().sum::<u64>() <= room {
            true => Ok(()),
            false => Err(self.overlap(sizes)),
        }
    }

    #[cold]
    fn overlap(&self, sizes: impl Iterator<Item = u64>) -> Corruption {
        let room = length(self.bytes.len());
        let mut taken = 0_u64;
        let within = |size| {
            taken = taken.saturating_add(size);
            taken <= room
        };
        CorruptionKind::ElementOverlap { index: sizes.map(within).take_while(|within| *within).count(), room }.at(self.id)
    }

    /// Where the key of an element begins and where its value ends, if both lie behind the element headers
    /// and inside the run.
    #[inline]
    pub(super) fn element_span(&self, index: usize, pos: u32, len: u64) -> Result<(usize, usize), Corruption> {
        // Each factor is below 2^20 + 2^4, 2^32 and 2^33, so nothing here can wrap.
        let own = length(index).wrapping_mul(16).wrapping_add(16);
        let start = own.wrapping_add(u64::from(pos));
        let end = start.wrapping_add(len);
        let first = u64::from(self.count).wrapping_mul(16).wrapping_add(16);
        if start >= first
            && end <= length(self.bytes.len())
            && let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end))
        {
            return Ok((start, end));
        }
        Err(self.bad_span(index, start, end, own))
    }

    #[cold]
    fn bad_span(&self, index: usize, start: u64, end: u64, own: u64) -> Corruption {
        let kind = CorruptionKind::ElementSpan { index, start, end, room: length(self.bytes.len()) };
        kind.at_offset(self.id, self.offset.saturating_add(own))
    }

    /// Goes through the elements of a tree page that is as Go writes it: packed in order and inside the run, keys ascending
    /// and none empty. Nearly every page is, and this is one pass over it. `visit` is given the words of each element and
    /// the place of its key. Gives back where the last value ends; `None` as soon as the page is not like that.
    #[inline(always)]
    pub(super) fn packed_in_order(
        &self,
        lengths: impl Fn([U32; 4]) -> (u32, u32, u32),
        mut visit: impl FnMut([U32; 4], usize),
    ) -> Option<usize> {
        let bytes: &[u8] = &self.bytes;
        let headers = bytes.get(PAGE_HEADER_SIZE..self.elements_end())?;
        let (mut own, mut start, mut previous) = (PAGE_HEADER_SIZE, self.elements_end(), &[][..]);
        for header in headers.chunks_exact(ELEMENT_SIZE) {
            let words = bytemuck::cast(*header.first_chunk::<ELEMENT_SIZE>()?);
            let (pos, ksize, vsize) = lengths(words);
            let middle = start.checked_add(index(ksize))?;
            let key = bytes.get(start..middle)?;
            if own.wrapping_add(index(pos)) != start || !compare_keys(previous, key).is_lt() {
                return None;
            }
            visit(words, start);
            (own, start, previous) = (own.wrapping_add(ELEMENT_SIZE), middle.checked_add(index(vsize))?, key);
        }
        (start <= bytes.len()).then_some(start)
    }

    /// The first position whose key is not below `key`, and whether it is equal to it. `locate` takes position
    /// and length of the key from an element header.
    #[inline(always)]
    pub(super) fn lower_bound(&self, key: &[u8], locate: fn([U32; 4]) -> (U32, U32)) -> Result<(usize, bool), Corruption> {
        // With the order known, the loop holds no test of it.
        match self.endian {
            Endian::Little => self.search(key, locate, Endian::Little),
            Endian::Big => self.search(key, locate, Endian::Big),
        }
    }

    #[inline(always)]
    fn search(&self, key: &[u8], locate: fn([U32; 4]) -> (U32, U32), endian: Endian) -> Result<(usize, bool), Corruption> {
        let (mut low, mut high) = (0, usize::from(self.count));
        while low < high {
            let middle = low.midpoint(high);
            let Some(stored) = self.key_at(middle, locate, endian) else { return Err(self.bad_key(middle, locate)) };
            match compare_keys(stored, key) {
                Ordering::Less => low = middle.wrapping_add(1),
                Ordering::Equal => return Ok((middle, true)),
                Ordering::Greater => high = middle,
            }
        }
        Ok((low, false))
    }

    #[inline(always)]
    pub(super) fn key_at(&self, i: usize, locate: fn([U32; 4]) -> (U32, U32), endian: Endian) -> Option<&[u8]> {
        let (words, own) = self.element_words(i)?;
        let (pos, ksize) = locate(words);
        let start = own.checked_add(index(pos.get(endian)))?;
        let end = start.checked_add(index(ksize.get(endian)))?;
        if start < self.elements_end() { None } else { self.bytes.get(start..end) }
    }

    #[cold]
    fn bad_key(&self, i: usize, locate: fn([U32; 4]) -> (U32, U32)) -> Corruption {
        let span = self.element_bytes(i).and_then(|bytes| {
            let (pos, ksize) = locate(bytemuck::cast(bytes));
            self.element_span(i, pos.get(self.endian), u64::from(ksize.get(self.endian)))
        });
        let missing = CorruptionKind::NoElement { index: i, count: self.count }.at_offset(self.id, self.offset);
        span.err().unwrap_or(missing)
    }
}
