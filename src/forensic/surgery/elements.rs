//! Elements of a branch or a leaf that are cleared.
//!
//! The bytes are bbolt's: elements at the end are no longer counted and stay where they are, those behind a gap move up;
//! what lay behind the last one is not wiped.

use std::ops::Range;

use super::{Surgery, SurgeryError, set_header};
use crate::error::{CorruptionKind, Error, Result};
use crate::format::{
    BranchElement, ELEMENT_SIZE, LeafElement, PAGE_HEADER_SIZE, Page, PageHeader, PageId, PageKind, encode_branch, encode_leaf,
};

impl Surgery<'_> {
    /// Clears elements of a page: from `start` up to `end`, that one excluded, or to the last. Says whether pages may be
    /// lost by it that no list of free pages names.
    ///
    /// # Errors
    ///
    /// [`SurgeryError::NoElements`] and [`SurgeryError::Range`]; of a page that has no elements, any may be cleared.
    pub fn clear_elements(&self, page: PageId, start: u64, end: Option<u64>) -> Result<bool, SurgeryError> {
        let (header, run) = self.read_run(page)?;
        let kind = PageKind::from_flags(header.flags).filter(|kind| matches!(kind, PageKind::Branch | PageKind::Leaf));
        let Some(kind) = kind else { return Err(SurgeryError::NoElements { page }) };
        if header.count == 0 {
            return Ok(false);
        }
        let count = u64::from(header.count);
        let end = end.unwrap_or(count);
        if start >= end || end > count {
            return Err(SurgeryError::Range { page, start, end, count: header.count });
        }
        let (start, end) = (index(start), index(end));
        let rest = match end == usize::from(header.count) {
            true => self.cut(header, run, start)?,
            false => self.close_gap(header, run, start..end)?,
        };
        self.write(&rest, self.layout.offset(page))?;
        let shrank = u64::try_from(rest.len()).unwrap_or(u64::MAX) != self.layout.run_bytes(header.pages());
        Ok(shrank || kind == PageKind::Branch)
    }

    /// The run with its first elements only. They stay where they are, which need not be inside of what is left: the
    /// length is counted as if they had moved.
    fn cut(&self, header: PageHeader, mut run: Vec<u8>, kept: usize) -> Result<Vec<u8>> {
        let sizes = sizes(Page::parse(&run[..], header.id, self.layout)?, kept)?;
        let headers = kept.saturating_mul(ELEMENT_SIZE).saturating_add(PAGE_HEADER_SIZE);
        let used = sizes.into_iter().fold(headers, usize::saturating_add);
        let pages = u64::try_from(used).unwrap_or(u64::MAX).div_ceil(self.layout.page_size.bytes());
        let room = index(self.layout.run_bytes(pages));
        if room > run.len() {
            let room = u64::try_from(run.len()).unwrap_or(u64::MAX);
            return Err(CorruptionKind::ElementOverlap { index: kept, room }.at(header.id).into());
        }
        run.truncate(room);
        let count = u16::try_from(kept).unwrap_or(header.count);
        let overflow = u32::try_from(pages.saturating_sub(1)).unwrap_or(header.overflow);
        set_header(&mut run, PageHeader { count, overflow, ..header }, self.layout.endian);
        Ok(run)
    }

    /// The run without some elements that others follow: laid out anew, over what lay there.
    fn close_gap(&self, header: PageHeader, run: Vec<u8>, gone: Range<usize>) -> Result<Vec<u8>> {
        let page = Page::parse(&run[..], header.id, self.layout)?;
        let kept = (0..usize::from(header.count)).filter(|i| !gone.contains(i));
        let (mut fresh, used) = match page.kind() {
            PageKind::Branch => {
                let branch = page.into_branch()?;
                branch.disjoint()?;
                let kept: Vec<BranchElement<&[u8]>> = kept.map(|i| branch.element(i)).collect::<Result<_, _>>()?;
                let data = kept.iter().map(|element| element.key.len());
                let used = data.fold(kept.len().saturating_mul(ELEMENT_SIZE), usize::saturating_add);
                (encode_branch(header.id, &kept, self.layout).map_err(Error::TooLarge)?, used)
            }
            _ => {
                let leaf = page.into_leaf()?;
                leaf.disjoint()?;
                let kept: Vec<LeafElement<&[u8]>> = kept.map(|i| leaf.element(i)).collect::<Result<_, _>>()?;
                let data = kept.iter().map(|element| element.key.len().saturating_add(element.value.len()));
                let used = data.fold(kept.len().saturating_mul(ELEMENT_SIZE), usize::saturating_add);
                (encode_leaf(header.id, &kept, self.layout).map_err(Error::TooLarge)?, used)
            }
        };
        let tail = used.saturating_add(PAGE_HEADER_SIZE)..fresh.len();
        if let (Some(fresh), Some(old)) = (fresh.get_mut(tail.clone()), run.get(tail)) {
            fresh.copy_from_slice(old);
        }
        Ok(fresh)
    }
}

/// The bytes of key and value of each of the first elements.
fn sizes(page: Page<&[u8]>, kept: usize) -> Result<Vec<usize>> {
    let mut sizes = Vec::with_capacity(kept);
    match page.kind() {
        PageKind::Branch => {
            let branch = page.into_branch()?;
            branch.disjoint()?;
            for i in 0..kept {
                sizes.push(branch.span(i)?.len());
            }
        }
        _ => {
            let leaf = page.into_leaf()?;
            leaf.disjoint()?;
            for i in 0..kept {
                sizes.push(leaf.span(i)?.len());
            }
        }
    }
    Ok(sizes)
}

fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
