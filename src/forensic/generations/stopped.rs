//! What a writer may have written that was stopped before its meta: killed, or out of space, with all that it had written
//! until then in the file.
//!
//! Bolt gives a run of pages the lowest place among the free pages that is long enough, and writes the pages of a transaction in
//! ascending order. So where below a run a place for it is free that such a writer did not take, the run is not of that
//! writer: it would be in that place, or not written yet.
//!
//! One place that it did not take can be shown: the previous state's list, as long as that state is whole. A page of the
//! tree can be replaced by another like it, and the tree walks as before. But the list accounts for every page of one
//! state, so it is that of the previous one, or that of a later one which lies exactly where the previous state lay, and
//! then all that was written is a part of it. What is not of the writer for this reason is a place that it did not take,
//! too.
//!
//! This holds for several writers, each stopped after the other, as long as the last one did not write a whole state
//! exactly where the previous one lay. A file in which that happened is, byte for byte, one in which it did not.

use super::super::census::{Census, Standing};
use super::super::leftover::Run;
use crate::format::PageId;
use crate::tree::PageSet;

/// The pages that a stopped writer may have written, where the previous state is whole and this is its list. `None` where
/// the list does not lie on pages that the writer could have taken.
pub(super) fn possible(list: &Run, census: &Census) -> Option<PageSet> {
    let taken_from = if census.has_list() { Standing::Free } else { Standing::Unreached };
    let is_free = |page: PageId| census.entry(page).is_some_and(|entry| entry.standing == taken_from);
    if !list.is_whole() || !list.pages().all(is_free) {
        return None;
    }
    let mut possible = PageSet::below(census.len());
    // How many pages that it did not take follow each other here, and the most below.
    let (mut left, mut most, mut at) = (0_u64, 0_u64, 2_u64);
    while at < census.len() {
        let run = census.run_at(PageId(at)).copied();
        // A page without a header can be what is left of any run.
        let (needs, has) = run.map_or((u64::MAX, 1), |run| (u64::from(run.overflow).saturating_add(1), run.intact));
        let is_left = most >= needs || run == Some(*list);
        for page in (at..at.saturating_add(has)).map(PageId) {
            left = if is_left && is_free(page) { left.saturating_add(1) } else { 0 };
            most = most.max(left);
            if !is_left {
                possible.insert(page);
            }
        }
        at = at.saturating_add(has);
    }
    Some(possible)
}
