//! Rules about the list of free pages, and that every page is either free or in use.

use std::ops::Range;

use super::finding::Report;
use super::metas;
use crate::error::{CorruptionKind, Error, Result};
use crate::format::PageId;
use crate::storage::Storage;
use crate::tree::{PageSet, Pages};

/// What a state says about its free pages.
pub(super) struct Free {
    /// The pages that the list names, as far as the file has them.
    pub pages: PageSet,
    /// The pages that the list lies on.
    pub own_run: Range<u64>,
    /// Whether there is a list and it could be read.
    pub known: bool,
}

/// A rule that the list breaks: at which position, and how.
type Offence = Option<(usize, CorruptionKind)>;

/// The rules about the list by itself.
pub(super) fn check_list<S: Storage>(pages: Pages<'_, S>, report: &mut Report<'_>) -> Result<Free> {
    let mut free = Free { pages: PageSet::below(pages.end()), own_run: 0..0, known: false };
    let possible = pages.meta().freelist.filter(|_| metas::freelist(pages.meta()).is_none());
    let Some(first) = possible else { return Ok(free) };
    let list = match pages.load(first).and_then(|page| Ok(page.into_freelist()?)) {
        Ok(list) => list,
        Err(Error::Corrupt(corruption)) => {
            report.file(corruption);
            return Ok(free);
        }
        Err(e) => return Err(e),
    };
    let run = u64::from(list.page().overflow()).saturating_add(1);
    free.own_run = first.0..first.0.saturating_add(run);
    free.known = true;
    let broken = [
        range(list.ids(), pages.meta().high_water, &free.own_run),
        order(list.ids()),
        duplicate(list.ids(), &mut free.pages, pages.end()),
    ];
    for (position, kind) in broken.into_iter().flatten() {
        report.file(kind.at_offset(first, list.id_offset(position)));
    }
    report.summary.free = free.pages.len();
    Ok(free)
}

/// A page can be free only if it was allocated, is no meta page, and does not hold the list.
fn range(ids: impl Iterator<Item = PageId>, high_water: PageId, own_run: &Range<u64>) -> Offence {
    let impossible = |id: PageId| id.0 < 2 || id >= high_water || own_run.contains(&id.0);
    let (position, id) = ids.enumerate().find(|(_, id)| impossible(*id))?;
    Some((position, CorruptionKind::FreelistId { index: number(position), id }))
}

/// The list must ascend. Go sorts what it reads; no other reader has to.
fn order(ids: impl Iterator<Item = PageId>) -> Offence {
    let mut previous = PageId(0);
    for (position, id) in ids.enumerate() {
        if id < previous {
            return Some((position, CorruptionKind::FreelistOrder { index: number(position), id, previous }));
        }
        previous = id;
    }
    None
}

/// No page may be free twice: it would be given out twice. Fills the set of free pages on the way.
fn duplicate(ids: impl Iterator<Item = PageId>, free: &mut PageSet, end: u64) -> Offence {
    let mut first = None;
    for (position, id) in ids.enumerate() {
        if !free.insert(id) && id.0 < end && first.is_none() {
            first = Some((position, CorruptionKind::FreelistDuplicate { index: number(position), id }));
        }
    }
    first
}

/// Every page below the high-water mark must be in use, free, or hold the list. Without a list nothing can be
/// told: what is not in use is free.
pub(super) fn check_unreachable<S: Storage>(pages: Pages<'_, S>, used: &PageSet, free: &Free, report: &mut Report<'_>) {
    if !free.known {
        return;
    }
    let accounted = |id: u64| used.contains(PageId(id)) || free.pages.contains(PageId(id)) || free.own_run.contains(&id);
    let mut lost: Option<Range<u64>> = None;
    for id in 2..pages.end() {
        if accounted(id) {
            lost.take().into_iter().for_each(|range| unreachable(range, pages, report));
        } else {
            lost.get_or_insert(id..id).end = id;
        }
    }
    lost.into_iter().for_each(|range| unreachable(range, pages, report));
}

/// Reports the pages from the start of a range to its end, that one included.
fn unreachable<S: Storage>(lost: Range<u64>, pages: Pages<'_, S>, report: &mut Report<'_>) {
    let (first, last) = (PageId(lost.start), PageId(lost.end));
    let kind = if first == last { CorruptionKind::Unreachable } else { CorruptionKind::UnreachableRange { last } };
    report.file(kind.at_offset(first, pages.layout().offset(first)));
}

fn number(position: usize) -> u64 {
    u64::try_from(position).unwrap_or(u64::MAX)
}
