//! Owns the list of a state's pages: one row for each run in use, and one for each free page.
//!
//! What a page is comes from its own header and the freelist, as with bbolt; that a tree really uses it is for
//! `check` to say.

use std::io;
use std::path::Path;

use super::failure::Failure;
use super::raw_page::Kind;
use super::status::Status;
use crate::format::{PageHeader, PageId, PageKind};
use crate::tree::{FreePages, Pages, free_pages};
use crate::{Error, Snapshot, Storage};

/// A page that begins a run, or a free page.
pub struct Row {
    pub id: u64,
    /// The header, unless the page is free.
    pub run: Option<PageHeader>,
    /// Elements; free pages where it is the freelist.
    pub items: u64,
    /// The pages that it stands for. A run that cannot be as long as it says is taken for one page.
    pub pages: u64,
}

impl Row {
    pub fn kind(&self) -> String {
        self.run.map_or("free".to_owned(), |header| Kind(header.flags).to_string())
    }
}

/// Hands on the rows of all pages below the high-water mark. Where the free pages cannot be told, or the file is too
/// short, what there is comes first and the failure after it.
pub fn each(snapshot: &Snapshot, file: &Path, mut row: impl FnMut(&Row) -> io::Result<()>) -> Result<Status, Failure> {
    let pages = snapshot.pages();
    let (free, failed) = match free_pages(pages) {
        Ok(free) => (Some(free), None),
        Err(e) if e.is_corrupt() => (None, Some(e)),
        Err(e) => return Err(Failure::of(file, e)),
    };
    let mut id = 0;
    while id < pages.end() {
        let next = read_row(pages, free.as_ref(), id).map_err(|e| Failure::of(file, e))?;
        row(&next)?;
        id = id.saturating_add(next.pages);
    }
    match failed {
        Some(e) => Err(Failure::of(file, e)),
        None if pages.end() < pages.meta().high_water.0 => {
            Err(Failure::cut_short(file, pages.end(), pages.meta().high_water.0))
        }
        None => Ok(Status::Done),
    }
}

fn read_row(pages: Pages<'_, Snapshot>, free: Option<&FreePages>, id: u64) -> Result<Row, Error> {
    if free.is_some_and(|free| free.contains(PageId(id))) {
        return Ok(Row { id, run: None, items: 0, pages: 1 });
    }
    let first = pages.storage().run(pages.layout().offset(PageId(id)), pages.layout().page_size.bytes())?;
    let header = PageHeader::read(&first, pages.layout().endian).unwrap_or(PageHeader {
        id: PageId(id),
        flags: 0,
        count: 0,
        overflow: 0,
    });
    let items = match pages.meta().freelist {
        Some(list) if list.0 == id && header.flags == PageKind::Freelist.flags() => {
            free.map_or(u64::from(header.count), |free| free.ids().len() as u64)
        }
        _ => u64::from(header.count),
    };
    Ok(Row { id, run: Some(header), items, pages: pages_of(id, header, pages.end()) })
}

/// How many pages a header stands for, at most up to the end.
fn pages_of(id: u64, header: PageHeader, end: u64) -> u64 {
    let claimed = if id < 2 { 1 } else { header.pages() };
    if id.saturating_add(claimed) <= end { claimed } else { 1 }
}
