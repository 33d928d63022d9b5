//! What one page is, as `Tx::page` and the `pages` command tell it.

use std::fmt;

use super::{FreePages, Pages};
use crate::error::Result;
use crate::format::{PageId, PageKind};
use crate::storage::Storage;

/// One page of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageInfo {
    /// Its number.
    pub id: PageId,
    /// What it is.
    pub kind: PageType,
    /// The count in its header: elements, or freelist ids; 0 for a free page.
    pub count: u16,
    /// How many pages follow it in its run; 0 for a free page.
    pub overflow: u32,
}

/// What a page is: in use as one of the four kinds, or free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageType {
    /// In use.
    Used(PageKind),
    /// In the freelist. Whatever its bytes still hold is not part of the state.
    Free,
}

impl PageType {
    /// The name that Bolt's tools print.
    pub const fn name(self) -> &'static str {
        match self {
            PageType::Used(kind) => kind.name(),
            PageType::Free => "free",
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
        let page = pages.load(id)?;
        Ok(Some(PageInfo { id, kind: PageType::Used(page.kind()), count: page.count(), overflow: page.overflow() }))
    }
}
