//! What one page is, as `Tx::page` and the `pages` command tell it.

use std::fmt;

use super::{FreePages, Pages};
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::format::{PageId, PageKind};
use crate::storage::Storage;

/// One page of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageInfo {
    /// Its number.
    pub id: PageId,
    /// What it is.
    pub kind: PageType,
    /// The count in its header: elements, or freelist ids; 0 for a free page and one that is not known.
    pub count: u16,
    /// How many pages follow it in its run; 0 for a free page and one that is not known.
    pub overflow: u32,
}

/// What a page is: in use as one of the four kinds, free, or nothing that its own bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageType {
    /// In use.
    Used(PageKind),
    /// In the freelist. Whatever its bytes still hold is not part of the state.
    Free,
    /// Not the first page of a run: its bytes are no header of its own. A sound file has such pages behind the
    /// first of every longer run, and their bytes are keys and values, so they can also pass for any other kind.
    Unknown,
}

impl PageType {
    /// The name that Bolt's tools print.
    pub const fn name(self) -> &'static str {
        match self {
            PageType::Used(kind) => kind.name(),
            PageType::Free => "free",
            PageType::Unknown => "unknown",
        }
    }
}

impl fmt::Display for PageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl PageInfo {
    /// What a page of a state is, given the state's free pages; `None` at the high-water mark and above.
    pub fn of<S: Storage>(pages: Pages<'_, S>, free: &FreePages, id: PageId) -> Result<Option<PageInfo>> {
        if id >= pages.meta().high_water {
            return Ok(None);
        }
        if free.contains(id) {
            return Ok(Some(PageInfo { id, kind: PageType::Free, count: 0, overflow: 0 }));
        }
        if id.0 < 2 {
            // The metas were read and verified when the file was opened; their page headers say nothing more.
            return Ok(Some(PageInfo { id, kind: PageType::Used(PageKind::Meta), count: 0, overflow: 0 }));
        }
        let page = match pages.load(id) {
            Err(Error::Corrupt(Corruption {
                kind: CorruptionKind::PageId { .. } | CorruptionKind::PageFlags { .. }, ..
            })) => {
                return Ok(Some(PageInfo { id, kind: PageType::Unknown, count: 0, overflow: 0 }));
            }
            loaded => loaded?,
        };
        Ok(Some(PageInfo { id, kind: PageType::Used(page.kind()), count: page.count(), overflow: page.overflow() }))
    }
}
