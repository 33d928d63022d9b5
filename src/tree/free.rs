//! The free pages that a state stores, validated before anyone believes them.

use super::free_set::PageBits;
use super::{PageSet, Pages, Run, reach};
use crate::error::{CorruptionKind, Result};
use crate::format::{Freelist, Layout, PageId, freelist_bytes};
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

    /// The same as a set.
    pub(crate) fn bits(&self) -> PageBits {
        PageBits::collect(self.ids.iter().copied(), self.ids.last().map_or(PageId(0), |id| PageId(id.0.saturating_add(1))))
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
    let list = read_sound(pages)?;
    Ok(list.map(|(list, run)| FreePages { first: run.first, pages: run.pages, ids: list.ids().collect() }))
}

/// The same for a writer, as a set, and the run that the list itself lies on: its pages are free once another list is
/// written.
pub(crate) fn read_free_set<S: Storage>(pages: Pages<'_, S>) -> Result<Option<(PageBits, Run)>> {
    let Some((list, run)) = read_sound(pages)? else { return Ok(None) };
    test_run(run, list.len() as u64, pages.layout())?;
    Ok(Some((PageBits::collect(list.ids(), pages.meta().high_water), run)))
}

/// Tests that a list of so many pages lies on no more than it was given: those that it has no use for may be somebody
/// else's. Go takes a page more than it needs, and counts what it needs before, when the pages that it takes may still be
/// on the list themselves.
fn test_run(run: Run, ids: u64, layout: Layout) -> Result<()> {
    let most = (freelist_bytes(ids.saturating_add(run.pages)) / layout.page_size.bytes()).saturating_add(1);
    if run.pages <= most {
        return Ok(());
    }
    let (len, limit) = (layout.run_bytes(run.pages), layout.run_bytes(most));
    Err(CorruptionKind::RunTooLong { len, limit }.at(run.first).into())
}

/// The list that a state stores, which can be true, and the run that it lies on.
fn read_sound<S: Storage>(pages: Pages<'_, S>) -> Result<Option<(Freelist<S::Run<'_>>, Run)>> {
    let Some(first) = pages.meta().freelist else { return Ok(None) };
    let list = pages.load(first)?.into_freelist()?;
    let (run, high_water) = (Run::of(list.page()), pages.meta().high_water);
    let own = first.0..first.0.saturating_add(run.pages);
    let mut previous = PageId(1);
    let wrong = list.ids().position(|id| {
        let before = std::mem::replace(&mut previous, id);
        id <= before || id >= high_water || own.contains(&id.0)
    });
    match wrong {
        None => Ok(Some((list, run))),
        Some(position) => {
            let (index, id) = (position as u64, previous);
            let previous = position.checked_sub(1).and_then(|before| list.ids().nth(before)).unwrap_or(PageId(1));
            let kind = match id.0 < 2 || id >= high_water || own.contains(&id.0) {
                true => CorruptionKind::FreelistId { index, id },
                false => CorruptionKind::FreelistOrder { index, id, previous },
            };
            Err(kind.at_offset(first, list.id_offset(position)).into())
        }
    }
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
