//! The list of free pages: 64-bit page numbers, ascending, without duplicates.
//!
//! ```text
//! header.count < 0xFFFF:  count ids from offset 16
//! header.count = 0xFFFF:  the true count as a 64-bit number at offset 16, ids from offset 24
//! ```
//!
//! Invariant of a [`Freelist`]: all its ids lie inside its run. Whether they are sorted, unique and in range is
//! for the reader to ask, since a list that is not still has something to say.

use super::{Bytes, PAGE_HEADER_SIZE, Page, PageId, U64, length};
use crate::error::{Corruption, CorruptionKind};

/// The count that says "the true count follows".
pub(super) const LONG_COUNT: u16 = 0xFFFF;
const ID_SIZE: usize = 8;

/// A freelist page run.
#[derive(Debug, Clone, Copy)]
pub struct Freelist<B> {
    page: Page<B>,
    first: usize,
    count: usize,
}

impl<B: Bytes> Freelist<B> {
    pub(super) fn new(page: Page<B>) -> Result<Self, Corruption> {
        let too_many = |count: u64| {
            let kind = CorruptionKind::ElementCount { count, room: length(page.bytes().len()) };
            kind.at_offset(page.id(), page.offset().saturating_add(10))
        };
        let (first, count) = match page.count() {
            LONG_COUNT => {
                let bytes = page.bytes().get(PAGE_HEADER_SIZE..).and_then(|rest| rest.first_chunk::<ID_SIZE>());
                let count = bytes.map(|bytes| bytemuck::cast::<_, U64>(*bytes).get(page.endian()));
                (PAGE_HEADER_SIZE.saturating_add(ID_SIZE), count.ok_or_else(|| too_many(u64::from(LONG_COUNT)))?)
            }
            count => (PAGE_HEADER_SIZE, u64::from(count)),
        };
        let room = page.bytes().len().saturating_sub(first) / ID_SIZE;
        match usize::try_from(count) {
            Ok(fits) if fits <= room => Ok(Freelist { page, first, count: fits }),
            _ => Err(too_many(count)),
        }
    }

    /// The page itself.
    pub fn page(&self) -> &Page<B> {
        &self.page
    }

    /// How many ids the list has.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the list has no ids.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The ids in the order of the file.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = PageId> + '_ {
        let endian = self.page.endian();
        let end = self.first.saturating_add(self.count.saturating_mul(ID_SIZE));
        let bytes = self.page.bytes().get(self.first..end).unwrap_or_default();
        // What `chunks_exact` yields is eight bytes long, so the fallback is never taken.
        let id =
            move |chunk: &[u8]| chunk.first_chunk().map_or(0, |bytes| bytemuck::cast::<[u8; ID_SIZE], U64>(*bytes).get(endian));
        bytes.chunks_exact(ID_SIZE).map(move |chunk| PageId(id(chunk)))
    }

    /// The file offset of the id at this position.
    pub fn id_offset(&self, position: usize) -> u64 {
        let within = self.first.saturating_add(position.saturating_mul(ID_SIZE));
        self.page.offset().saturating_add(length(within))
    }
}
