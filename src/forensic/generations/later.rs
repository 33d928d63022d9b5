//! Lists of free pages that a transaction after the current one may have left.
//!
//! Such a list tells what its transaction wrote: the pages that the current state has free and that it has not. Bolt writes
//! a transaction's pages in ascending order and chooses the place of its list last of all, the lowest that is free. So
//! below a list nothing that it does not name was never written, and it names no place there that it would have fitted in;
//! where it does, only a writer that chooses its pages in another way can have left it.

use super::super::census::{Census, Content, Standing};
use super::super::evidence::Evidence;
use super::super::leftover::Run;
use super::tree::{Tree, references};
use crate::error::Result;
use crate::format::{Page, PageId, PageKind};
use crate::tree::PageSet;

/// A list that could be that of a transaction after the current one.
pub(super) struct LaterList {
    list: Run,
    free: PageSet,
    /// The pages that the current state has free, and this one not.
    pub written: Vec<PageId>,
    /// Whether it lies where Bolt would have put it.
    pub is_in_place: bool,
}

impl LaterList {
    /// `None` where a list cannot be of that transaction.
    pub fn of(list: &Run, evidence: &Evidence, census: &Census) -> Result<Option<LaterList>> {
        let Some(Ok(ids)) = list.load(evidence)?.map(Page::into_freelist) else { return Ok(None) };
        let mut free = PageSet::below(census.len());
        ids.ids().for_each(|id| _ = free.insert(id));
        let (mut written, mut is_in_place, mut fitting) = (Vec::new(), true, 0_u64);
        for (id, entry) in (0..).map(PageId).zip(census.pages()) {
            let is_free = free.contains(id);
            match entry.standing {
                // It frees the current list.
                Standing::Freelist if !is_free => return Ok(None),
                Standing::Free if !is_free => written.push(id),
                _ => {}
            }
            fitting = if entry.standing == Standing::Free && is_free { fitting.saturating_add(1) } else { 0 };
            let is_unwritten = entry.standing == Standing::Free && !is_free && entry.content == Content::Zero;
            is_in_place &= id >= list.first || fitting < list.intact && !is_unwritten;
        }
        let is_its_own = list.pages().any(|page| free.contains(page));
        Ok((!is_its_own).then_some(LaterList { list: *list, free, written, is_in_place }))
    }

    /// The pages that it wrote, or could have, and that none of the others refers to.
    pub fn roots(&self, evidence: &Evidence, census: &Census) -> Result<Vec<PageId>> {
        let beyond = |run: &&Run| census.entry(run.first).is_some_and(|entry| entry.standing == Standing::Beyond);
        let heads: Vec<Run> = self.written.iter().filter_map(|page| census.run_at(*page)).copied().collect();
        let heads: Vec<Run> = heads.into_iter().chain(census.runs().iter().filter(beyond).copied()).collect();
        let referred = references(heads.iter(), evidence)?;
        let is_root = |run: &&Run| run.kind != PageKind::Freelist && !referred.contains(&run.first);
        Ok(heads.iter().filter(is_root).map(|run| run.first).collect())
    }

    /// Whether tree and list account for every page that the current state accounts for, each once.
    pub fn is_whole_with(&self, tree: &Tree, census: &Census) -> bool {
        let own = self.list.first.0..self.list.first.0.saturating_add(self.list.intact);
        (0..).map(PageId).zip(census.pages()).all(|(id, entry)| match entry.standing {
            Standing::Live | Standing::Free | Standing::Freelist => {
                let uses = [tree.pages.contains(id), self.free.contains(id), own.contains(&id.0)];
                uses.into_iter().filter(|used| *used).count() == 1
            }
            Standing::Meta | Standing::Damaged | Standing::Unreached | Standing::Beyond => true,
        })
    }
}
