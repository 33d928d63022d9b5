//! The free pages that a state stores, validated before anyone believes them.

use super::{PageSet, Pages, Run, reach};
use crate::error::{CorruptionKind, Result};
use crate::format::{Layout, PageId, freelist_bytes};
use crate::storage::Storage;

/// The free pages of a state: sorted, unique, each at least 2 and below the high-water mark, and none of them
/// a page of the list's own run.
#[derive(Debug, Clone)]
pub struct FreePages {
    first: PageId,
    pages: u64,
    ids: Vec<PageId>,
}

impl FreePages {
    /// The free pages, ascending.
    pub fn ids(&self) -> &[PageId] {
        &self.ids
    }

    /// Whether a page is free.
    pub fn contains(&self, page: PageId) -> bool {
        self.ids.binary_search(&page).is_ok()
    }

    /// Tests that the list lies on no more pages than it was given: they are free once another list is written, and those
    /// that it has no use for may be somebody else's. Go takes a page more than it needs, and counts what it needs
    /// before, when the pages that it takes may still be on the list themselves.
    pub(crate) fn test_run(&self, layout: Layout) -> Result<()> {
        let count = (self.ids.len() as u64).saturating_add(self.pages);
        let most = (freelist_bytes(count) / layout.page_size.bytes()).saturating_add(1);
        if self.pages > most {
            let (len, limit) = (layout.run_bytes(self.pages), layout.run_bytes(most));
            return Err(CorruptionKind::RunTooLong { len, limit }.at(self.first).into());
        }
        Ok(())
    }

    /// The run that the list itself lies on; `None` where the state stores no list.
    pub(crate) fn run(&self) -> Option<Run> {
        (self.pages > 0).then_some(Run { first: self.first, pages: self.pages })
    }

    /// Leaves out the pages that the state's refused list lies on, as far as nothing uses them, and says which they are.
    pub(crate) fn without_list<S: Storage>(mut self, pages: Pages<'_, S>) -> (FreePages, Option<Run>) {
        let Some(first) = pages.meta().freelist else { return (self, None) };
        let claimed = pages.load(first).map_or(1, |page| u64::from(page.overflow()).saturating_add(1));
        let run = (0..claimed).take_while(|n| self.contains(PageId(first.0.saturating_add(*n)))).count() as u64;
        self.ids.retain(|id| !(first.0..first.0.saturating_add(run)).contains(&id.0));
        (self, (run > 0).then_some(Run { first, pages: run }))
    }

    /// The pages that the list itself lies on; none where the state stores no list.
    pub fn own_run(&self) -> impl Iterator<Item = PageId> + Clone {
        (self.first.0..self.first.0.saturating_add(self.pages)).map(PageId)
    }
}

/// Reads the list of free pages, or `None` where the state stores none. A list that cannot be true is an error.
pub fn read_freelist<S: Storage>(pages: Pages<'_, S>) -> Result<Option<FreePages>> {
    let Some(first) = pages.meta().freelist else { return Ok(None) };
    let list = pages.load(first)?.into_freelist()?;
    let high_water = pages.meta().high_water;
    let own = first.0..first.0.saturating_add(u64::from(list.page().overflow())).saturating_add(1);
    let mut ids = Vec::with_capacity(list.len());
    let mut previous = PageId(1);
    for (position, id) in list.ids().enumerate() {
        let index = position as u64;
        let wrong = if id.0 < 2 || id >= high_water || own.contains(&id.0) {
            CorruptionKind::FreelistId { index, id }
        } else if id <= previous {
            CorruptionKind::FreelistOrder { index, id, previous }
        } else {
            ids.push(id);
            previous = id;
            continue;
        };
        return Err(wrong.at_offset(first, list.id_offset(position)).into());
    }
    Ok(Some(FreePages { first, pages: own.end - own.start, ids }))
}

/// The free pages of a state: those it stores a list of, or, where it stores none, those it does not reach.
pub fn free_pages<S: Storage>(pages: Pages<'_, S>) -> Result<FreePages> {
    match read_freelist(pages)? {
        Some(free) => Ok(free),
        None => scan_free(pages),
    }
}

/// Finds the free pages of a state that can be walked whole.
pub(crate) fn scan_free<S: Storage>(pages: Pages<'_, S>) -> Result<FreePages> {
    let reach = reach(pages)?;
    if let Some(problem) = reach.problems.into_iter().next() {
        return Err(problem.into());
    }
    let unreached = |id: &PageId| !PageSet::contains(&reach.pages, *id);
    Ok(FreePages { first: PageId(0), pages: 0, ids: (2..pages.end()).map(PageId).filter(unreached).collect() })
}
