//! The image that a new file begins with, and what a file looks like that is still on its way there.
//!
//! A file counts as unfinished only where it can hold nothing: it has exactly the length of a new one, and every byte is
//! zero or the one that a new file has there. So a creation that was cut off after any of its sectors is recognised, and
//! nothing else is ever written over.

use crate::error::Error;
use crate::format::{EncodeError, Endian, Layout, Meta, PageId, PageSize, TxId, encode_freelist, encode_leaf, encode_meta};

use super::probe::ReadAt;

/// Two metas, an empty list of free pages, and the root bucket without a key.
pub(crate) const INITIAL_PAGES: u64 = 4;

/// The page sizes that a new file can have.
const PAGE_SIZES: std::ops::RangeInclusive<u32> = 1 << 10..=64 << 10;

/// The layout of a new file with pages of this size, where it can have them.
pub(crate) fn initial_layout(page_size: u32) -> Option<Layout> {
    let page_size = PageSize::new(page_size).filter(|size| size.get().is_power_of_two() && PAGE_SIZES.contains(&size.get()));
    page_size.map(|page_size| Layout { page_size, endian: Endian::Little })
}

/// All bytes of a new file.
pub(crate) fn initial_image(layout: Layout) -> Result<Vec<u8>, EncodeError> {
    let meta = |txid| Meta {
        endian: layout.endian,
        page_size: layout.page_size.get(),
        flags: 0,
        root: PageId(3),
        root_sequence: 0,
        freelist: Some(PageId(2)),
        high_water: PageId(INITIAL_PAGES),
        txid: TxId(txid),
    };
    let metas = [0, 1].map(|txid| encode_meta(PageId(txid), &meta(txid), layout));
    Ok([metas.concat(), encode_freelist(PageId(2), &[], 1, layout)?, encode_leaf(PageId(3), &[], layout)?].concat())
}

/// The layout that a file was about to get, where its creation was cut off.
pub(crate) fn unfinished(size: u64, read: ReadAt<'_>) -> Result<Option<Layout>, Error> {
    let page_size = u32::try_from(size / INITIAL_PAGES).ok().filter(|_| size.is_multiple_of(INITIAL_PAGES));
    let Some(layout) = page_size.and_then(initial_layout) else { return Ok(None) };
    let image = initial_image(layout).map_err(Error::TooLarge)?;
    let mut bytes = vec![0; image.len()];
    let whole = read(0, &mut bytes)? == bytes.len();
    let on_its_way = bytes.iter().zip(&image).all(|(found, last)| *found == 0 || found == last);
    Ok((whole && on_its_way && bytes != image).then_some(layout))
}
