//! Finding the two metas of a file whose page size is not known yet.
//!
//! The meta of page 0 says the page size. Where it does not verify, the meta of page 1 is looked for at every
//! power of two that can be a page size, and counts only where it names that size itself. The newest meta decides
//! on the layout of the file, and must lie where that puts it.

use crate::error::{CorruptionKind, Error};
use crate::format::{
    Endian, Layout, META_SIZE, Meta, MetaPair, MetaRefusal, MetaSlot, PAGE_HEADER_SIZE, PageHeader, PageId, PageKind, PageSize,
    encode_freelist, encode_leaf,
};

/// The bytes from the start of a meta page to the end of its meta.
const META_END: usize = PAGE_HEADER_SIZE + META_SIZE;
/// Where page 1 is taken to be when nothing tells.
const USUAL_PAGE_SIZE: u64 = 4096;
/// The pages of a new file.
const INITIAL_PAGES: u64 = 4;

/// A medium as the probe sees it: fills what it can of a buffer from an offset on, and says how much.
pub(crate) type ReadAt<'a> = &'a dyn Fn(u64, &mut [u8]) -> Result<usize, Error>;

/// Both metas of a file, and the layout that the valid ones agree on.
pub(crate) fn probe(size: u64, read: ReadAt<'_>) -> Result<(MetaPair, Layout), Error> {
    if size == 0 {
        return Err(Error::Empty);
    }
    let first = slot(PageId(0), 0, read)?;
    let second_at = match first.meta {
        Ok(meta) => u64::from(meta.page_size),
        Err(_) => search(size, read)?,
    };
    let second = slot(PageId(1), second_at, read)?;
    let metas = MetaPair { slots: [first, second] };
    match metas.current() {
        Some(current) => {
            let layout = current.layout()?;
            // Where both slots hold the same bytes, page 0 is the current one and lies where it must.
            if first.meta != Ok(current) && second_at != layout.page_size.bytes() {
                let kind = CorruptionKind::MetaPlace { found: current.page_size, at: second_at };
                return Err(kind.at_offset(PageId(1), second_at).into());
            }
            Ok((MetaPair { slots: metas.slots.map(|slot| refuse_other_layout(slot, &current)) }, layout))
        }
        None if unfinished(size, read)? => Err(Error::Unfinished),
        None => {
            let refusal = |slot: &MetaSlot| slot.meta.err().unwrap_or(MetaRefusal::Missing);
            Err(Error::NotBolt { first: refusal(&first), second: refusal(&second) })
        }
    }
}

fn slot(page: PageId, offset: u64, read: ReadAt<'_>) -> Result<MetaSlot, Error> {
    let mut buffer = [0; META_END];
    let filled = read(offset, &mut buffer)?;
    Ok(MetaSlot::new(page, buffer.get(..filled).unwrap_or_default()))
}

/// Where the meta of page 1 is, where that of page 0 is gone.
fn search(size: u64, read: ReadAt<'_>) -> Result<u64, Error> {
    let sizes = std::iter::successors(Some(PageSize::MIN.bytes()), |size| size.checked_mul(2));
    for page_size in sizes.take_while(|at| *at <= PageSize::MAX.bytes() && *at < size) {
        let found = slot(PageId(1), page_size, read)?;
        if found.meta.is_ok_and(|meta| u64::from(meta.page_size) == page_size) {
            return Ok(page_size);
        }
    }
    Ok(USUAL_PAGE_SIZE)
}

/// A meta of another layout than the current one's is none: its pages would be read at wrong places.
fn refuse_other_layout(slot: MetaSlot, current: &Meta) -> MetaSlot {
    let meta = slot.meta.and_then(|meta| {
        let (found, expected) = (meta.page_size, current.page_size);
        if found != expected {
            Err(MetaRefusal::PageSize { found, expected })
        } else if meta.endian != current.endian {
            Err(MetaRefusal::ByteOrder)
        } else {
            Ok(meta)
        }
    });
    MetaSlot { meta, ..slot }
}

/// Whether a creation stopped half-way: exactly four pages, all zero or as a new file has them, no meta valid.
fn unfinished(size: u64, read: ReadAt<'_>) -> Result<bool, Error> {
    let page_size =
        u32::try_from(size / INITIAL_PAGES).ok().filter(|page| page.is_power_of_two() && (1024..=65536).contains(page));
    let Some(page_size) = page_size.filter(|_| size.is_multiple_of(INITIAL_PAGES)).and_then(PageSize::new) else {
        return Ok(false);
    };
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    if read(0, &mut bytes)? != bytes.len() {
        return Ok(false);
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(true);
    }
    let half = bytes.len() / 2;
    let data = bytes.get(half..).unwrap_or_default();
    Ok([Endian::Little, Endian::Big].into_iter().any(|endian| {
        let layout = Layout { page_size, endian };
        let blank = |at: usize| {
            let page = bytes.get(at..).and_then(|page| PageHeader::read(page, endian));
            page.is_some_and(|header| header.flags == 0 || header.flags == PageKind::Meta.flags())
        };
        data == initial_data(layout) && blank(0) && blank(half / 2)
    }))
}

/// Pages 2 and 3 of a new file: no free pages, no keys.
fn initial_data(layout: Layout) -> Vec<u8> {
    let freelist = encode_freelist(PageId(2), &[], 1, layout).unwrap_or_default();
    let leaf = encode_leaf(PageId(3), &[], layout).unwrap_or_default();
    [freelist, leaf].concat()
}
