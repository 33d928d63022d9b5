//! A branch: separators in ascending order, each with the child page whose keys begin there.
//!
//! ```text
//! element (16 bytes)           offset  size
//!   pos     from this element       0     4
//!   ksize                           4     4
//!   child   page number             8     8
//! at element + pos: key
//! ```
//!
//! A look-up takes the last element whose key is not above the target, the first one where all are. Writers
//! of this format need each separator to equal the first key of its child; readers do not.

use bytemuck::{Pod, Zeroable};

use super::{Bytes, Page, PageId, U32, U64};
use crate::error::{Corruption, CorruptionKind};

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct RawBranchElement {
    pub pos: U32,
    pub ksize: U32,
    pub child: U64,
}

const _: () = assert!(size_of::<RawBranchElement>() == super::ELEMENT_SIZE);

/// A branch page. It has at least one element.
#[derive(Debug, Clone, Copy)]
pub struct Branch<B> {
    page: Page<B>,
}

/// One element of a branch, cut from its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BranchElement<B> {
    /// The separator.
    pub key: B,
    /// The page it leads to.
    pub child: PageId,
}

impl<B: Bytes> Branch<B> {
    pub(super) fn new(page: Page<B>) -> Self {
        Branch { page }
    }

    /// The page itself.
    pub fn page(&self) -> &Page<B> {
        &self.page
    }

    /// How many elements there are: one or more.
    #[expect(clippy::len_without_is_empty, reason = "a branch without elements is refused when it is parsed")]
    pub fn len(&self) -> usize {
        usize::from(self.page.count())
    }

    #[inline]
    fn raw(&self, i: usize) -> Result<RawBranchElement, Corruption> {
        Ok(bytemuck::cast(self.page.element_bytes(i)?))
    }

    /// The element at this position.
    #[inline]
    pub fn element(&self, i: usize) -> Result<BranchElement<B>, Corruption> {
        let endian = self.page.endian();
        let raw = self.raw(i)?;
        let (start, end) = self.page.element_span(i, raw.pos.get(endian), u64::from(raw.ksize.get(endian)))?;
        match self.page.bytes().part(start..end) {
            Some(key) => Ok(BranchElement { key, child: PageId(raw.child.get(endian)) }),
            None => Err(CorruptionKind::NoElement { index: i, count: self.page.count() }.at(self.page.id())),
        }
    }

    /// Where in the run the separator at this position lies.
    pub fn span(&self, i: usize) -> Result<std::ops::Range<usize>, Corruption> {
        let endian = self.page.endian();
        let raw = self.raw(i)?;
        self.page.element_span(i, raw.pos.get(endian), u64::from(raw.ksize.get(endian))).map(|(start, end)| start..end)
    }

    /// Goes through the elements of a branch that is packed in order, keys ascending: `visit` is given the child, and place
    /// and length of the separator. Gives back where the last one ends; `None` as soon as the branch is not so.
    #[inline]
    pub(crate) fn packed(&self, mut visit: impl FnMut(PageId, usize, u32)) -> Option<usize> {
        let endian = self.page.endian();
        let lengths = |[pos, ksize, _, _]: [U32; 4]| (pos.get(endian), ksize.get(endian), 0);
        self.page.packed_in_order(lengths, |words, start| {
            let raw: RawBranchElement = bytemuck::cast(words);
            visit(PageId(raw.child.get(endian)), start, raw.ksize.get(endian));
        })
    }

    /// Tests that separators do not share bytes: there are no more of them than the run has. Only the element headers
    /// are looked at.
    pub fn disjoint(&self) -> Result<(), Corruption> {
        let endian = self.page.endian();
        self.page.disjoint(|[_, ksize, _, _]| u64::from(ksize.get(endian)))
    }

    /// The separator at this position.
    #[inline]
    pub fn key(&self, i: usize) -> Result<&[u8], Corruption> {
        let endian = self.page.endian();
        let raw = self.raw(i)?;
        let (start, end) = self.page.element_span(i, raw.pos.get(endian), u64::from(raw.ksize.get(endian)))?;
        Ok(self.page.bytes().get(start..end).unwrap_or_default())
    }

    /// The child at this position. The separator is not looked at.
    #[inline]
    pub fn child(&self, i: usize) -> Result<PageId, Corruption> {
        Ok(PageId(self.raw(i)?.child.get(self.page.endian())))
    }

    /// The file offset of the child's number in the element at this position.
    pub fn child_offset(&self, i: usize) -> u64 {
        let within = i.saturating_mul(super::ELEMENT_SIZE).saturating_add(super::PAGE_HEADER_SIZE).saturating_add(8);
        self.page.offset().saturating_add(super::length(within))
    }

    /// The position whose child a look-up of `key` descends into.
    #[inline]
    pub fn child_index(&self, key: &[u8]) -> Result<usize, Corruption> {
        match self.page.lower_bound(key, |[pos, ksize, _, _]| (pos, ksize))? {
            (exact, true) => Ok(exact),
            (above, false) => Ok(above.saturating_sub(1)),
        }
    }
}
