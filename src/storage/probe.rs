//! Finding the two metas of a file whose page size is not known yet.
//!
//! The meta of page 0 says the page size. Where it does not verify, the meta of page 1 is looked for at every
//! power of two that can be a page size, and counts only where it names that size itself. The newest meta decides
//! on the layout of the file, and must lie where that puts it.

use crate::error::{CorruptionKind, Error};
use crate::format::{Layout, META_SIZE, MetaPair, MetaRefusal, MetaSlot, PAGE_HEADER_SIZE, PageId, PageSize};

use super::initial::unfinished;

/// The bytes from the start of a meta page to the end of its meta.
const META_END: usize = PAGE_HEADER_SIZE + META_SIZE;
/// Where page 1 is taken to be when nothing tells.
const USUAL_PAGE_SIZE: u64 = 4096;

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
            Ok((MetaPair { slots: metas.slots.map(|slot| refuse_other_layout(slot, layout)) }, layout))
        }
        None if unfinished(size, read)?.is_some() => Err(Error::Unfinished),
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

/// A meta of another layout than the file's is none: its pages would be read at wrong places.
fn refuse_other_layout(slot: MetaSlot, layout: Layout) -> MetaSlot {
    let meta = slot.meta.and_then(|meta| {
        let (found, expected) = (meta.page_size, layout.page_size.get());
        if found != expected {
            Err(MetaRefusal::PageSize { found, expected })
        } else if meta.endian != layout.endian {
            Err(MetaRefusal::ByteOrder)
        } else {
            Ok(meta)
        }
    });
    MetaSlot { meta, ..slot }
}

/// Both metas of a file whose layout is known, whatever is left of them.
#[cfg(feature = "forensic")]
pub(crate) fn metas_of(layout: Layout, read: ReadAt<'_>) -> Result<MetaPair, Error> {
    let slots = [slot(PageId(0), 0, read)?, slot(PageId(1), layout.page_size.bytes(), read)?];
    Ok(MetaPair { slots: slots.map(|slot| refuse_other_layout(slot, layout)) })
}
