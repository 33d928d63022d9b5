//! A leaf: keys in ascending order, each with a value or a bucket.
//!
//! ```text
//! element (16 bytes)           offset  size
//!   flags   0, or 1 = bucket        0     4
//!   pos     from this element       4     4
//!   ksize                           8     4
//!   vsize                          12     4
//! at element + pos: key, directly followed by value
//! ```

use bytemuck::{Pod, Zeroable};

use super::{BucketHeader, Bytes, Endian, Page, U32, index};
use crate::error::{Corruption, CorruptionKind};

/// The element flag that marks a bucket.
pub const BUCKET_FLAG: u32 = 1;

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct RawLeafElement {
    pub flags: U32,
    pub pos: U32,
    pub ksize: U32,
    pub vsize: U32,
}

const _: () = assert!(size_of::<RawLeafElement>() == super::ELEMENT_SIZE);

/// A leaf page.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<B> {
    page: Page<B>,
}

/// One element of a leaf, cut from its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafElement<B> {
    /// The flags as stored; bits other than [`BUCKET_FLAG`] mean nothing and are kept.
    pub flags: u32,
    /// The key.
    pub key: B,
    /// The value, or a bucket's header and inline page.
    pub value: B,
}

impl<B> LeafElement<B> {
    /// Whether this is a bucket rather than a value.
    pub fn is_bucket(&self) -> bool {
        self.flags & BUCKET_FLAG != 0
    }
}

/// What a leaf element holds.
#[derive(Debug, Clone, Copy)]
pub enum LeafItem<B> {
    /// A plain value.
    Value(B),
    /// A bucket.
    Bucket(BucketHeader<B>),
}

impl<B: Bytes> Leaf<B> {
    pub(super) fn new(page: Page<B>) -> Self {
        Leaf { page }
    }

    /// The page itself.
    pub fn page(&self) -> &Page<B> {
        &self.page
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        usize::from(self.page.count())
    }

    /// Whether there are no elements, which is legal only for the root of a tree.
    pub fn is_empty(&self) -> bool {
        self.page.count() == 0
    }

    #[inline]
    fn raw(&self, i: usize) -> Result<RawLeafElement, Corruption> {
        Ok(bytemuck::cast(self.page.element_bytes(i)?))
    }

    /// The flags of the element at this position, as stored. Key and value are not looked at.
    #[inline]
    pub fn flags(&self, i: usize) -> Result<u32, Corruption> {
        Ok(self.raw(i)?.flags.get(self.page.endian()))
    }

    /// Whether the element at this position is a bucket.
    #[inline]
    pub fn is_bucket(&self, i: usize) -> Result<bool, Corruption> {
        Ok(self.flags(i)? & BUCKET_FLAG != 0)
    }

    /// Goes through the elements of a leaf that is packed in order, keys ascending: `visit` is given flags, the place of the
    /// key, and the lengths of key and value. Gives back where the last value ends; `None` as soon as the leaf is not so.
    #[inline]
    pub(crate) fn packed(&self, mut visit: impl FnMut(u32, usize, u32, u32)) -> Option<usize> {
        // With the order known, the loop holds no test of it.
        let mut go = |endian: Endian| {
            let lengths = |[_, pos, ksize, vsize]: [U32; 4]| (pos.get(endian), ksize.get(endian), vsize.get(endian));
            self.page.packed_in_order(lengths, |[flags, _, ksize, vsize], start| {
                visit(flags.get(endian), start, ksize.get(endian), vsize.get(endian));
            })
        };
        match self.page.endian() {
            Endian::Little => go(Endian::Little),
            Endian::Big => go(Endian::Big),
        }
    }

    /// The first element from this position on that is a bucket. Nothing but the flags is looked at.
    #[inline]
    pub(crate) fn next_bucket(&self, from: usize) -> Option<usize> {
        (from..self.len()).find(|i| self.is_bucket(*i) == Ok(true))
    }

    /// Where in the run the key and the value of the element at this position lie.
    pub fn span(&self, i: usize) -> Result<std::ops::Range<usize>, Corruption> {
        let endian = self.page.endian();
        let raw = self.raw(i)?;
        let size = u64::from(raw.ksize.get(endian)).wrapping_add(u64::from(raw.vsize.get(endian)));
        self.page.element_span(i, raw.pos.get(endian), size).map(|(start, end)| start..end)
    }

    /// Tests that keys and values do not share bytes: there are no more of them than the run has. Only the element
    /// headers are looked at. Whoever goes through all elements and has not tested this may be given the same bytes
    /// 65,535 times.
    #[inline]
    pub fn disjoint(&self) -> Result<(), Corruption> {
        let size =
            |endian, [_, _, ksize, vsize]: [U32; 4]| u64::from(ksize.get(endian)).wrapping_add(u64::from(vsize.get(endian)));
        // With the order known, the loop holds no test of it.
        match self.page.endian() {
            Endian::Little => self.page.disjoint(|words| size(Endian::Little, words)),
            Endian::Big => self.page.disjoint(|words| size(Endian::Big, words)),
        }
    }

    /// The element at this position.
    #[inline(always)]
    pub fn element(&self, i: usize) -> Result<LeafElement<B>, Corruption> {
        // With the order known, nothing below tests it again.
        let element = match self.page.endian() {
            Endian::Little => self.element_as(i, Endian::Little),
            Endian::Big => self.element_as(i, Endian::Big),
        };
        element.ok_or_else(|| self.bad_element(i))
    }

    #[inline(always)]
    fn element_as(&self, i: usize, endian: Endian) -> Option<LeafElement<B>> {
        let ([flags, pos, ksize, vsize], own) = self.page.element_words(i)?;
        let key = own.checked_add(index(pos.get(endian)))?;
        let value = key.checked_add(index(ksize.get(endian)))?;
        let end = value.checked_add(index(vsize.get(endian)))?;
        if key < self.page.elements_end() {
            return None;
        }
        let bytes = self.page.bytes();
        Some(LeafElement { flags: flags.get(endian), key: bytes.part(key..value)?, value: bytes.part(value..end)? })
    }

    /// Key and value of the element at this position, where they can be read and it is no bucket.
    #[inline(always)]
    pub(crate) fn value(&self, i: usize) -> Option<(B, B)> {
        let element = self.element_as(i, self.page.endian())?;
        if element.is_bucket() { None } else { Some((element.key, element.value)) }
    }

    #[cold]
    fn bad_element(&self, i: usize) -> Corruption {
        let missing =
            CorruptionKind::NoElement { index: i, count: self.page.count() }.at_offset(self.page.id(), self.page.offset());
        self.span(i).err().unwrap_or(missing)
    }

    /// The key at this position. The value is not looked at.
    #[inline]
    pub fn key(&self, i: usize) -> Result<&[u8], Corruption> {
        let endian = self.page.endian();
        let raw = self.raw(i)?;
        let (start, end) = self.page.element_span(i, raw.pos.get(endian), u64::from(raw.ksize.get(endian)))?;
        Ok(self.page.bytes().get(start..end).unwrap_or_default())
    }

    /// The first of these positions whose key is not wanted or cannot be read, or their end.
    #[inline(always)]
    pub(crate) fn first_key_without(&self, positions: std::ops::Range<usize>, wanted: impl Fn(&[u8]) -> bool) -> usize {
        let end = positions.end;
        let key = |at| match self.page.endian() {
            Endian::Little => self.page.key_at(at, |[_, pos, ksize, _]| (pos, ksize), Endian::Little),
            Endian::Big => self.page.key_at(at, |[_, pos, ksize, _]| (pos, ksize), Endian::Big),
        };
        positions.into_iter().find(|at| !key(*at).is_some_and(&wanted)).unwrap_or(end)
    }

    /// What the element at this position holds, a bucket's header parsed.
    pub fn item(&self, i: usize) -> Result<LeafItem<B>, Corruption> {
        let element = self.element(i)?;
        if element.is_bucket() {
            Ok(LeafItem::Bucket(self.bucket(i, element.value)?))
        } else {
            Ok(LeafItem::Value(element.value))
        }
    }

    /// The bucket header in the value of the element at this position.
    pub fn bucket(&self, i: usize, value: B) -> Result<BucketHeader<B>, Corruption> {
        let offset = self.value_offset(i);
        BucketHeader::parse(value, i, self.page.id(), offset, self.page.endian())
    }

    /// The file offset of the value at this position, or of the page where the element is damaged.
    pub fn value_offset(&self, i: usize) -> u64 {
        let endian = self.page.endian();
        let Ok(raw) = self.raw(i) else { return self.page.offset() };
        let from_run = self.page.element_span(i, raw.pos.get(endian), u64::from(raw.ksize.get(endian)));
        from_run.map_or(self.page.offset(), |(_, end)| self.page.offset().saturating_add(super::length(end)))
    }

    /// The first position whose key is not below `key`, and whether it is equal to it.
    #[inline]
    pub fn lower_bound(&self, key: &[u8]) -> Result<(usize, bool), Corruption> {
        self.page.lower_bound(key, |[_, pos, ksize, _]| (pos, ksize))
    }
}
