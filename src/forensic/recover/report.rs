//! What a recovery brings and what it does not, in numbers that add up.

use super::group::Group;
use super::homeless::{Fate, ListState};
use super::job::Outcome;
use super::state::{Chosen, StateSource};
use crate::error::Corruption;
use crate::forensic::evidence::Evidence;
use crate::forensic::guess::LayoutSource;
use crate::format::{Layout, Page, PageId, SharedBytes, TxId};
use crate::tree::PageSet;

/// How many problems are kept; all are counted.
const KEPT: usize = 1000;

/// Counts of pairs and buckets. `kept + lost + duplicate = found`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Pairs that the pages which were gone through say they have.
    pub found: u64,
    /// Those that are brought.
    pub kept: u64,
    /// Those that cannot be read, or cannot be in a file: an element reaches outside of its page, or its key is empty.
    pub lost: u64,
    /// Those that are the same, in key and value, as one that is kept.
    pub duplicate: u64,
    /// Of those that are kept: the ones in their own buckets.
    pub in_place: u64,
    /// Of those that are kept: the ones without a home.
    pub lost_and_found: u64,
    /// Of those that are kept: the ones on free pages.
    pub deleted: u64,
    /// Buckets that the pages say they have.
    pub buckets_found: u64,
    /// Those that are brought.
    pub buckets_kept: u64,
    /// Pairs that were shown by a walk.
    shown: u64,
    dropped: u64,
}

impl Tally {
    /// Takes in what a leaf says it has.
    pub(super) fn leaf(&mut self, page: &Page<SharedBytes>) {
        let Ok(leaf) = page.borrowed().into_leaf() else { return };
        let buckets = (0..leaf.len()).filter(|i| leaf.is_bucket(*i) == Ok(true)).count();
        self.buckets_found = self.buckets_found.saturating_add(super::number(buckets));
        self.found = self.found.saturating_add(super::number(leaf.len().saturating_sub(buckets)));
    }

    pub(super) fn shown(&mut self) {
        self.shown = self.shown.saturating_add(1);
    }

    pub(super) fn again(&mut self) {
        self.duplicate = self.duplicate.saturating_add(1);
    }

    pub(super) fn drop_pair(&mut self) {
        self.dropped = self.dropped.saturating_add(1);
    }

    pub(super) fn bucket(&mut self) {
        self.buckets_kept = self.buckets_kept.saturating_add(1);
    }

    pub(super) fn keep(&mut self, fate: Fate) {
        self.kept = self.kept.saturating_add(1);
        let place = match fate {
            Fate::InPlace => &mut self.in_place,
            Fate::Lost => &mut self.lost_and_found,
            Fate::Deleted => &mut self.deleted,
        };
        *place = place.saturating_add(1);
    }

    pub(super) fn add(&mut self, other: &Tally) {
        let pairs: [(&mut u64, u64); 11] = [
            (&mut self.found, other.found),
            (&mut self.kept, other.kept),
            (&mut self.lost, other.lost),
            (&mut self.duplicate, other.duplicate),
            (&mut self.in_place, other.in_place),
            (&mut self.lost_and_found, other.lost_and_found),
            (&mut self.deleted, other.deleted),
            (&mut self.buckets_found, other.buckets_found),
            (&mut self.buckets_kept, other.buckets_kept),
            (&mut self.shown, other.shown),
            (&mut self.dropped, other.dropped),
        ];
        pairs.into_iter().for_each(|(sum, more)| *sum = sum.saturating_add(more));
    }

    /// What no walk showed is lost, and so is what was dropped.
    fn finish(&mut self) {
        self.lost = self.found.saturating_sub(self.shown).saturating_add(self.dropped);
    }
}

/// The first of all problems, and how many there are.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    /// The first thousand.
    pub first: Vec<Corruption>,
    /// How many there are.
    pub count: u64,
}

impl Problems {
    pub(super) fn push(&mut self, problem: Corruption) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < KEPT {
            self.first.push(problem);
        }
    }

    fn take(&mut self, others: Problems) {
        let unseen = others.count.saturating_sub(super::number(others.first.len()));
        others.first.into_iter().for_each(|problem| self.push(problem));
        self.count = self.count.saturating_add(unseen);
    }
}

/// How many pages there are of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PageCounts {
    /// Whole pages of the file.
    pub all: u64,
    /// Those that the state reaches.
    pub reached: u64,
    /// Those with a header that nothing leads to and that are not free.
    pub homeless: u64,
    /// Free ones with a header, where those are wanted.
    pub deleted: u64,
    /// Free ones with a header, where those are not wanted.
    pub not_brought: u64,
    /// Those that nothing leads to and that have a header, but cannot be read as what it says.
    pub unreadable: u64,
}

/// What a recovery brings, and what it does not.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// Page size and byte order of the file.
    pub layout: Layout,
    /// Where these were taken from.
    pub layout_source: LayoutSource,
    /// Which state is brought in its place; `None` where there is none to be found.
    pub source: Option<StateSource>,
    /// The page of its root.
    pub root: Option<PageId>,
    /// Its transaction, as far as a meta tells.
    pub txid: Option<TxId>,
    /// How many other roots fit the file as well as this one. They are brought as what has no home.
    pub rivals: u64,
    /// Whether everything that the state leads to could be read, and was in order.
    pub is_state_whole: bool,
    /// What became of the list of free pages.
    pub list: ListState,
    /// Pairs and buckets.
    pub pairs: Tally,
    /// Pages.
    pub pages: PageCounts,
    /// What could not be followed.
    pub problems: Problems,
    /// The bucket for what has no home, where there is anything.
    pub lost_and_found: Option<String>,
    /// Whether what is in there may be free: older, deleted, or never committed.
    pub is_doubtful: bool,
    /// The bucket for what was deleted, where there is anything.
    pub deleted: Option<String>,
    pub(super) root_names: Vec<Vec<u8>>,
}

impl RecoveryReport {
    pub(super) fn begin(evidence: &Evidence, chosen: Option<&Chosen>) -> RecoveryReport {
        RecoveryReport {
            layout: evidence.layout(),
            layout_source: evidence.layout_source(),
            source: chosen.map(|chosen| chosen.source),
            root: chosen.map(|chosen| chosen.root),
            txid: chosen.and_then(|chosen| chosen.txid),
            rivals: chosen.map_or(0, |chosen| super::number(chosen.rivals.len())),
            is_state_whole: false,
            list: ListState::None,
            pairs: Tally::default(),
            pages: PageCounts { all: evidence.whole_pages(), ..PageCounts::default() },
            problems: Problems::default(),
            lost_and_found: None,
            is_doubtful: false,
            deleted: None,
            root_names: Vec::new(),
        }
    }

    pub(super) fn state(&mut self, outcome: &Outcome, reached: &PageSet) {
        let Tally { found, shown, dropped, duplicate, .. } = outcome.tally;
        let is_all = found == shown && dropped == 0 && duplicate == 0;
        self.is_state_whole = is_all && outcome.strays.is_empty() && outcome.problems.count == 0;
        self.root_names.clone_from(&outcome.root_names);
        self.pages.reached = reached.len();
        self.pairs.add(&outcome.tally);
        self.problems.take(outcome.problems.clone());
    }

    pub(super) fn group(&mut self, group: &Group, outcome: Outcome) {
        self.pairs.add(&outcome.tally);
        self.problems.take(outcome.problems);
        let pages = super::number(group.found.pages.len());
        let name = (!group.entries.is_empty()).then(|| group.name.clone());
        match group.fate {
            Fate::Deleted => (self.pages.deleted, self.deleted) = (pages, name),
            _ => {
                (self.pages.homeless, self.lost_and_found) = (pages, name);
                self.is_doubtful = group.found.is_doubtful;
            }
        }
    }

    pub(super) fn finish(&mut self) {
        self.pairs.finish();
    }

    /// Whether the newest state of the file is brought whole, and nothing is left over that is not free.
    pub fn is_whole(&self) -> bool {
        let is_newest = matches!(self.source, Some(StateSource::Current { .. }));
        is_newest && self.is_state_whole && self.lost_and_found.is_none() && self.pages.unreadable == 0
    }

    /// Whether there is nothing to recover.
    pub fn is_empty(&self) -> bool {
        !self.is_state_whole && self.pairs.kept == 0 && self.pairs.buckets_kept == 0
    }
}
