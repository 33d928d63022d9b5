//! Page size and byte order of a file that may be damaged where it says them.
//!
//! A page begins with its own number, so a header at offset *o* that says page *n* tells that pages have *o / n* bytes.
//! Where the metas do not lead to such a page, all headers of the file are asked, and the most frequent answer counts.

use std::collections::BTreeMap;

use super::evidence::Assumed;
use crate::error::{Error, Result};
use crate::format::{Endian, Layout, Meta, MetaPair, PAGE_HEADER_SIZE, PageHeader, PageKind, PageSize};
use crate::storage::{ReadAt, metas_of, probe};

/// Pages begin at multiples of this.
const STEP: usize = 512;
const CHUNK: usize = 1 << 20;
/// What a page has where nothing tells.
const USUAL: PageSize = match PageSize::new(4096) {
    Some(size) => size,
    None => PageSize::MIN,
};

/// What a file's layout was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutSource {
    /// From whoever asked.
    Given,
    /// From a meta that verifies, and leads to a page which is where that puts it.
    Meta,
    /// From the numbers in the headers of so many pages, against what the metas say or without them.
    Pages(u64),
    /// From a meta that verifies, and nothing in the file agrees with it or says otherwise.
    MetaAlone,
    /// From nothing: there is no trace of a Bolt file.
    Nothing,
}

/// The layout of a file, both of its metas as that layout has them, and where the layout is from.
pub(super) fn layout_of(size: u64, assumed: Assumed, read: ReadAt<'_>) -> Result<(Layout, MetaPair, LayoutSource)> {
    let (layout, source) = match assumed.page_size {
        Some(page_size) => (given(size, page_size, assumed, read)?, LayoutSource::Given),
        None => found(size, read)?,
    };
    let layout = Layout { endian: assumed.endian.unwrap_or(layout.endian), ..layout };
    Ok((layout, metas_of(layout, read)?, source))
}

/// The byte order of a file whose page size is known.
fn given(size: u64, page_size: PageSize, assumed: Assumed, read: ReadAt<'_>) -> Result<Layout> {
    let orders = [Endian::NATIVE, if Endian::NATIVE == Endian::Little { Endian::Big } else { Endian::Little }];
    for endian in assumed.endian.into_iter().chain(orders) {
        let layout = Layout { page_size, endian };
        if assumed.endian.is_some() || metas_of(layout, read)?.current().is_some() {
            return Ok(layout);
        }
    }
    let votes = votes(size, read)?;
    let of = |endian| votes.get(&(page_size.get(), endian == Endian::Big)).copied().unwrap_or(0);
    let endian = if of(Endian::Big) > of(Endian::Little) { Endian::Big } else { Endian::Little };
    Ok(Layout { page_size, endian })
}

fn found(size: u64, read: ReadAt<'_>) -> Result<(Layout, LayoutSource)> {
    let by_meta = match probe(size, read) {
        Ok((metas, layout)) => {
            for meta in [metas.current(), metas.previous()].into_iter().flatten() {
                if leads_to_its_root(&meta, layout, read)? {
                    return Ok((layout, LayoutSource::Meta));
                }
            }
            Some(layout)
        }
        Err(e @ Error::Io { .. }) => return Err(e),
        Err(_) => None,
    };
    let votes = votes(size, read)?;
    // Of equal numbers the smaller page counts: it is more of the file that agrees.
    let best = votes.iter().max_by_key(|((page_size, _), count)| (**count, std::cmp::Reverse(*page_size)));
    match (best.and_then(|((size, big), count)| Some((PageSize::new(*size)?, *big, *count))), by_meta) {
        (Some((page_size, big, count)), _) => {
            let endian = if big { Endian::Big } else { Endian::Little };
            Ok((Layout { page_size, endian }, LayoutSource::Pages(count)))
        }
        (None, Some(layout)) => Ok((layout, LayoutSource::MetaAlone)),
        (None, None) => Ok((Layout { page_size: USUAL, endian: Endian::NATIVE }, LayoutSource::Nothing)),
    }
}

/// Whether the root that a meta names is a page of a tree with that number.
fn leads_to_its_root(meta: &Meta, layout: Layout, read: ReadAt<'_>) -> Result<bool> {
    let mut start = [0; PAGE_HEADER_SIZE];
    let filled = read(layout.offset(meta.root), &mut start)?;
    let header = PageHeader::read(start.get(..filled).unwrap_or_default(), layout.endian);
    let is_tree = |flags| matches!(PageKind::from_flags(flags), Some(PageKind::Branch | PageKind::Leaf));
    Ok(header.is_some_and(|header| header.id == meta.root && is_tree(header.flags)))
}

/// How many headers of the file speak for each page size and byte order; `true` is big-endian.
fn votes(size: u64, read: ReadAt<'_>) -> Result<BTreeMap<(u32, bool), u64>> {
    let (mut votes, mut chunk, mut offset) = (BTreeMap::new(), vec![0; CHUNK], 0_u64);
    while offset < size {
        let filled = read(offset, &mut chunk)?;
        if filled == 0 {
            break;
        }
        let bytes = chunk.get(..filled).unwrap_or_default();
        for (at, place) in (offset..).step_by(STEP).zip(bytes.chunks(STEP)) {
            for endian in [Endian::Little, Endian::Big] {
                if let Some(page_size) = vote(place, at, endian) {
                    let count = votes.entry((page_size, endian == Endian::Big)).or_insert(0_u64);
                    *count = count.saturating_add(1);
                }
            }
        }
        offset = offset.saturating_add(u64::try_from(CHUNK).unwrap_or(u64::MAX));
    }
    Ok(votes)
}

/// The page size that the header at an offset speaks for.
fn vote(place: &[u8], at: u64, endian: Endian) -> Option<u32> {
    let header = PageHeader::read(place, endian)?;
    PageKind::from_flags(header.flags)?;
    let size = at.checked_div(header.id.0).filter(|size| size.is_power_of_two())?;
    let exact = size.checked_mul(header.id.0) == Some(at);
    let page_size = PageSize::new(u32::try_from(size).ok()?)?;
    exact.then_some(page_size.get())
}
