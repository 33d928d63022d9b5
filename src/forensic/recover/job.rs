//! Going through all that is recovered, in the order in which it lies in the new file.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::ops::Range;
use std::slice::Iter;

use super::Recovery;
use super::group::{Entry, Group, What};
use super::homeless::Fate;
use super::report::{Problems, Tally};
use super::salvage::Salvage;
use super::sink::Sink;
use super::strays::{Content, Stray};
use super::twins::Twins;
use crate::error::Result;
use crate::format::{BucketRoot, PageId, SharedBytes};
use crate::tree::{PageSet, walk_within};

/// The bucket in a group that tells where its entries are from.
const NOTES: &str = "provenance";
/// How many buckets inside of inline ones are brought beside one for each page. No writer makes any, and in a new file each
/// takes a page.
const NESTED: u64 = 1024;

/// What came of a job.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub tally: Tally,
    pub problems: Problems,
    /// What was out of order.
    pub strays: Vec<Stray>,
    /// The runs of more than one page that were gone through: the first page of each, and the last.
    pub runs: BTreeMap<PageId, PageId>,
    /// The pages that are led to and were gone through before, as a page or in a run.
    pub shared: BTreeSet<PageId>,
    /// Names in the root bucket that are like those of groups.
    pub root_names: Vec<Vec<u8>>,
    /// How many notes were written beside the pairs.
    pub notes: u64,
}

impl Outcome {
    /// The pages that are led to, but lie in the middle of a run.
    pub fn covered(&self) -> Vec<PageId> {
        let is_within = |page: &&PageId| {
            let run = self.runs.range(..**page).next_back();
            run.is_some_and(|(_, last)| *last >= **page)
        };
        self.shared.iter().filter(is_within).copied().collect()
    }
}

/// What came of going through a group.
pub(super) struct Rehearsed {
    pub outcome: Outcome,
    /// How much each entry brought.
    pub yields: Vec<u64>,
    /// The pages out of bounds, and those that were walked.
    pub seen: PageSet,
}

/// A sink on its way through everything.
pub(super) struct Job<'j, 'e, K> {
    pub recovery: &'j Recovery<'e>,
    pub sink: &'j mut K,
    pub outcome: Outcome,
    /// How many more buckets inside of inline ones are brought.
    pub nested_left: u64,
    /// The groups that are still to come, where they are wanted.
    groups: Option<Peekable<Iter<'j, Group>>>,
}

impl<'j, 'e, K: Sink> Job<'j, 'e, K> {
    pub fn new(recovery: &'j Recovery<'e>, sink: &'j mut K) -> Self {
        let nested_left = recovery.evidence.whole_pages().saturating_add(NESTED);
        Job { recovery, sink, outcome: Outcome::default(), nested_left, groups: None }
    }

    /// Brings the groups at their places among the buckets of the state.
    pub fn bring_groups_too(&mut self) {
        self.groups = Some(self.recovery.groups.iter().peekable());
    }

    /// Brings the state, and says which pages it reaches.
    pub fn take_state(&mut self) -> Result<Option<PageSet>> {
        let Some(chosen) = &self.recovery.chosen else { return Ok(None) };
        let pages = self.recovery.pages();
        let mut seen = PageSet::below(pages.end());
        walk_within(pages, &BucketRoot::Page(chosen.root), &mut seen, &mut Salvage::of_state(self))?;
        Ok(Some(seen))
    }

    /// Brings the groups that come before a key of the root bucket.
    pub fn groups_before(&mut self, key: Option<&[u8]>) -> Result<()> {
        let is_next = |group: &&Group| key.is_none_or(|key| group.name.as_bytes() < key);
        while let Some(group) = self.groups.as_mut().and_then(|groups| groups.next_if(|group| is_next(group))) {
            self.bring(group)?;
        }
        Ok(())
    }

    /// Brings the groups that are left.
    pub fn take_rest(&mut self) -> Result<()> {
        self.groups_before(None)
    }

    fn bring(&mut self, group: &Group) -> Result<()> {
        group.twins.iter().for_each(Twins::begin);
        self.sink.begin(bytes(&group.name), 0)?;
        let mut seen = group.out_of_bounds(self.recovery.pages().end());
        for entry in &group.entries {
            self.sink.begin(bytes(&entry.name), 0)?;
            self.take(group, entry, &mut seen)?;
            self.sink.end()?;
        }
        self.sink.begin(bytes(NOTES), 0)?;
        for entry in &group.entries {
            self.outcome.notes = self.outcome.notes.saturating_add(1);
            self.sink.put(bytes(&entry.name), bytes(&group.note(entry, self.recovery.evidence.layout())))?;
        }
        self.sink.end()?;
        self.sink.end()
    }

    /// Goes through entries of a group without a bucket around them.
    pub fn rehearse(mut self, group: &Group, entries: Range<usize>) -> Result<Rehearsed> {
        let mut seen = group.out_of_bounds(self.recovery.pages().end());
        let mut yields = Vec::with_capacity(entries.len());
        for entry in group.entries.get(entries).unwrap_or_default() {
            let before = self.brought(group);
            self.take(group, entry, &mut seen)?;
            yields.push(self.brought(group).saturating_sub(before));
        }
        Ok(Rehearsed { outcome: self.outcome, yields, seen })
    }

    /// What makes an entry worth its bucket: pairs; buckets too, unless they may be older versions of others.
    fn brought(&self, group: &Group) -> u64 {
        let Tally { kept, buckets_kept, .. } = self.outcome.tally;
        if group.twins.is_some() { kept } else { kept.saturating_add(buckets_kept) }
    }

    fn take(&mut self, group: &Group, entry: &Entry, seen: &mut PageSet) -> Result<()> {
        let pages = self.recovery.pages();
        match &entry.what {
            What::Tree => {
                let root = BucketRoot::Page(entry.page);
                walk_within(pages, &root, seen, &mut Salvage::of_group(self, group.fate, group.twins.as_ref()))?;
            }
            What::Strays(range) => {
                for stray in self.recovery.strays.get(range.clone()).unwrap_or_default() {
                    self.stray(stray, group)?;
                }
            }
        }
        Ok(())
    }

    fn stray(&mut self, stray: &Stray, group: &Group) -> Result<()> {
        match stray.load(self.recovery.evidence)? {
            Some(Content::Pair(key, value)) => self.put(key, value, group.fate, group.twins.as_ref()),
            Some(Content::Bucket(name, sequence, page)) => {
                self.sink.begin(name, sequence)?;
                self.outcome.tally.buckets_kept = self.outcome.tally.buckets_kept.saturating_add(1);
                let pages = self.recovery.pages();
                let mut salvage = Salvage::of_group(self, group.fate, group.twins.as_ref()).without_strays();
                walk_within(pages, &BucketRoot::Inline(page), &mut PageSet::below(0), &mut salvage)?;
                self.sink.end()
            }
            None => Ok(()),
        }
    }

    /// Brings a pair, unless it is kept already.
    pub fn put(&mut self, key: SharedBytes, value: SharedBytes, fate: Fate, twins: Option<&Twins>) -> Result<()> {
        if twins.is_some_and(|twins| twins.has(&key, &value)) {
            self.outcome.tally.duplicate = self.outcome.tally.duplicate.saturating_add(1);
            return Ok(());
        }
        self.sink.put(key, value)?;
        self.outcome.tally.keep(fate);
        Ok(())
    }

    /// Notes that a name of the root bucket is taken.
    pub fn note_root_name(&mut self, name: &[u8]) {
        let is_like = |wanted: &str| name.starts_with(wanted.as_bytes());
        if is_like(super::LOST_AND_FOUND) || is_like(super::DELETED) {
            self.outcome.root_names.push(name.to_vec());
        }
    }

    pub fn end(self) -> Outcome {
        self.outcome
    }
}

fn bytes(text: &str) -> SharedBytes {
    text.as_bytes().to_vec().into()
}

/// The page that a place in a walk is on.
pub(super) fn host(pages: &[PageId]) -> PageId {
    pages.last().copied().unwrap_or_default()
}
