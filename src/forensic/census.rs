//! What each page of a file is: to the current state, and by what is on it.
//!
//! Invariants: every whole page has exactly one [`Standing`] and one [`Content`]; the classes of the [`Account`] add up
//! to the length of the file; memory is a few bytes for each page, and the names of buckets.

use std::ops::Range;

use super::account::{Account, Class, unused};
use super::bucket_names::{BucketNames, BucketRef};
use super::by_bucket::{self, Met};
use super::evidence::Evidence;
use super::leftover::{Leftover, Run};
use super::scan;
use crate::error::{Corruption, Error, Result};
use crate::format::{META_SIZE, PAGE_HEADER_SIZE, Page, PageId, SharedBytes};
use crate::storage::Storage;
use crate::tree::Pages;

/// How many problems and how many pieces of slack are kept; all are counted.
const KEPT: usize = 1000;

/// What a page is to the current state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Page 0 or 1.
    Meta,
    /// A tree of the current state lies on it.
    Live,
    /// The current list of free pages lies on it.
    Freelist,
    /// The current state leads to it, and it cannot be read as what it should be.
    Damaged,
    /// The current list of free pages names it.
    Free,
    /// Nothing leads to it and no list names it, or there is no list, or no state at all.
    Unreached,
    /// At or beyond the high-water mark.
    Beyond,
}

/// What is on a page, by its own bytes or by the run that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// A meta.
    Meta,
    /// A branch begins here.
    Branch,
    /// A leaf begins here.
    Leaf,
    /// A list of free pages begins here.
    Freelist,
    /// A run that begins before goes on here.
    Overflow,
    /// Nothing but zeros.
    Zero,
    /// Bytes that do not say what they are.
    Other,
}

/// One page of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageEntry {
    /// What it is to the current state.
    pub standing: Standing,
    /// What is on it.
    pub content: Content,
    /// Whether the current list of free pages names it, which it must not do where the page is in use.
    pub is_listed: bool,
    /// The bucket of the tree that it belongs to, where it is live.
    pub owner: Option<BucketRef>,
}

/// Every page of a file.
#[derive(Debug)]
pub struct Census {
    page_size: u64,
    entries: Vec<PageEntry>,
    names: BucketNames,
    runs: Vec<Run>,
    account: Account,
    problems: Kept<Corruption>,
    slack: Kept<Range<u64>>,
    list_is_read: bool,
}

/// The first of many, and how many there are.
#[derive(Debug)]
struct Kept<T> {
    first: Vec<T>,
    count: u64,
}

impl<T> Kept<T> {
    const fn new() -> Kept<T> {
        Kept { first: Vec::new(), count: 0 }
    }

    fn push(&mut self, one: T) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < KEPT {
            self.first.push(one);
        }
    }
}

impl Census {
    /// Looks at every page of a file. Whatever is damaged is told, not an error; only what cannot be read is one.
    pub fn of(evidence: &Evidence) -> Result<Census> {
        let mut census = Census::blank(evidence);
        if let Some(current) = evidence.current() {
            census.take_trees(current)?;
            census.take_list(current)?;
        }
        census.take_metas(evidence)?;
        census.take_leftovers(evidence)?;
        census.count(evidence);
        Ok(census)
    }

    /// All pages, as far as the high-water mark tells of them.
    fn blank(evidence: &Evidence) -> Census {
        let high_water = evidence.current().map_or(u64::MAX, |current| current.meta().high_water.0);
        let entry = |id: u64| {
            let (standing, content) = match id {
                0 | 1 => (Standing::Meta, Content::Meta),
                id if id >= high_water => (Standing::Beyond, Content::Other),
                _ => (Standing::Unreached, Content::Other),
            };
            PageEntry { standing, content, is_listed: false, owner: None }
        };
        Census {
            page_size: evidence.layout().page_size.bytes(),
            entries: (0..evidence.whole_pages()).map(entry).collect(),
            names: BucketNames::new(),
            runs: Vec::new(),
            account: Account::default(),
            problems: Kept::new(),
            slack: Kept::new(),
            list_is_read: false,
        }
    }

    fn take_trees(&mut self, current: Pages<'_, Evidence>) -> Result<()> {
        let mut names = std::mem::replace(&mut self.names, BucketNames::new());
        let walked = by_bucket::each(current, &mut names, true, &mut |met| match met {
            Met::Page(page, _, bucket) => self.take_page(page, bucket),
            Met::Problem(corruption) => {
                if let Some(page) = corruption.page {
                    self.damaged(page);
                }
                self.problems.push(corruption);
            }
        });
        self.names = names;
        walked
    }

    fn take_page(&mut self, page: &Page<SharedBytes>, bucket: BucketRef) {
        for n in 0..=u64::from(page.overflow()) {
            let content = if n == 0 { scan::content_of(page.kind()) } else { Content::Overflow };
            if let Some(entry) = self.entry_mut(PageId(page.id().0.saturating_add(n))) {
                *entry = PageEntry { standing: Standing::Live, content, is_listed: false, owner: Some(bucket) };
            }
        }
        self.take_slack(&page.borrowed());
    }

    fn take_list(&mut self, current: Pages<'_, Evidence>) -> Result<()> {
        let Some(first) = current.meta().freelist else { return Ok(()) };
        let list = match current.load(first).and_then(|page| Ok(page.into_freelist()?)) {
            Ok(list) => list,
            Err(Error::Corrupt(corruption)) => {
                self.damaged(first);
                self.problems.push(corruption);
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        self.list_is_read = true;
        for n in 0..=u64::from(list.page().overflow()) {
            let content = if n == 0 { Content::Freelist } else { Content::Overflow };
            if let Some(entry) = self.entry_mut(PageId(first.0.saturating_add(n))).filter(|entry| entry.is_open()) {
                (entry.standing, entry.content) = (Standing::Freelist, content);
            }
        }
        for id in list.ids() {
            if let Some(entry) = self.entry_mut(id) {
                entry.is_listed = true;
                if entry.standing == Standing::Unreached {
                    entry.standing = Standing::Free;
                }
            }
        }
        self.take_slack(&list.page().borrowed());
        Ok(())
    }

    fn take_metas(&mut self, evidence: &Evidence) -> Result<()> {
        let page_size = evidence.layout().page_size.bytes();
        for slot in evidence.metas().slots.iter().filter(|slot| slot.meta.is_ok() && slot.page.0 < evidence.whole_pages()) {
            let bytes = evidence.run(evidence.layout().offset(slot.page), page_size)?;
            let used = PAGE_HEADER_SIZE.saturating_add(META_SIZE);
            self.take_gap(&bytes, evidence.layout().offset(slot.page), used..bytes.len());
        }
        Ok(())
    }

    fn take_leftovers(&mut self, evidence: &Evidence) -> Result<()> {
        self.runs = scan::runs(evidence, &mut self.entries)?;
        for at in 0..self.runs.len() {
            if let Some(page) = self.runs.get(at).map(|run| run.load(evidence)).transpose()?.flatten() {
                self.take_slack(&page.borrowed());
            }
        }
        Ok(())
    }

    /// Counts every page; what of it is slack was moved already.
    fn count(&mut self, evidence: &Evidence) {
        let page_size = evidence.layout().page_size.bytes();
        let slack = std::mem::take(&mut self.account);
        for entry in &self.entries {
            self.account.page(entry.class(), page_size);
        }
        for (class, _, bytes) in slack.rows() {
            self.account.slack(class, bytes);
        }
        self.account.tail(evidence.size().checked_rem(page_size).unwrap_or(0));
    }

    /// Notes what of a run neither header nor element lies on.
    fn take_slack(&mut self, page: &Page<&[u8]>) {
        for gap in unused(page) {
            self.take_gap(page.bytes(), page.offset(), gap);
        }
    }

    /// Notes a gap of a run that begins at `offset`, page by page, since each page has a class of its own. Until all is
    /// counted, the account holds by class what will be slack of it.
    fn take_gap(&mut self, run: &[u8], offset: u64, gap: Range<usize>) {
        let page_size = self.page_size;
        let bytes = run.get(gap.clone()).unwrap_or_default();
        let start = offset.saturating_add(length(gap.start));
        if let Some(first) = bytes.iter().position(|byte| *byte != 0) {
            let last = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(first);
            let at = |within: usize| start.saturating_add(length(within));
            self.slack.push(at(first)..at(last).saturating_add(1));
        }
        let end = offset.saturating_add(length(gap.end));
        let mut at = start;
        while at < end {
            let page = at.checked_div(page_size).unwrap_or(0);
            let next = page.saturating_add(1).saturating_mul(page_size).min(end);
            if let Some(class) = self.entry(PageId(page)).map(PageEntry::class).filter(|class| class.has_slack()) {
                self.account.page(class, next.saturating_sub(at));
            }
            at = next.max(at.saturating_add(1));
        }
    }

    fn damaged(&mut self, page: PageId) {
        if let Some(entry) = self.entry_mut(page).filter(|entry| entry.is_open()) {
            entry.standing = Standing::Damaged;
        }
    }

    fn entry_mut(&mut self, page: PageId) -> Option<&mut PageEntry> {
        usize::try_from(page.0).ok().and_then(|at| self.entries.get_mut(at))
    }

    /// A page; `None` where the file does not have it whole.
    pub fn entry(&self, page: PageId) -> Option<&PageEntry> {
        usize::try_from(page.0).ok().and_then(|at| self.entries.get(at))
    }

    /// All whole pages, in the order of the file.
    pub fn pages(&self) -> impl ExactSizeIterator<Item = &PageEntry> + '_ {
        self.entries.iter()
    }

    /// How many whole pages there are.
    pub fn len(&self) -> u64 {
        length(self.entries.len())
    }

    /// Whether there is not one whole page.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whose each page is, by bucket.
    pub fn names(&self) -> &BucketNames {
        &self.names
    }

    pub(super) fn names_mut(&mut self) -> &mut BucketNames {
        &mut self.names
    }

    /// The runs with a header of their own on pages not in use, in the order of the file.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The run that begins on a page not in use.
    pub fn run_at(&self, page: PageId) -> Option<&Run> {
        self.runs.binary_search_by_key(&page, |run| run.first).ok().and_then(|at| self.runs.get(at))
    }

    /// Bytes and pages by class.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What kept the current state from being walked whole, the first of it, and how much there is.
    pub fn problems(&self) -> (&[Corruption], u64) {
        (&self.problems.first, self.problems.count)
    }

    /// Whether there is a current state and all of it could be walked.
    pub fn is_live_whole(&self, evidence: &Evidence) -> bool {
        evidence.current().is_some() && self.problems.count == 0
    }

    /// Whether the current state has a list of free pages that could be read.
    pub fn has_list(&self) -> bool {
        self.list_is_read
    }

    /// Bytes that are not zero where a page of a known kind has nothing, the first of them, and how many pieces.
    pub fn written_slack(&self) -> (&[Range<u64>], u64) {
        (&self.slack.first, self.slack.count)
    }

    /// Everything outside of the current state that is not zero, in the order of the file: runs, pages without a header
    /// that follow each other, slack, and the tail.
    pub fn leftovers(&self, evidence: &Evidence) -> Vec<Leftover> {
        let layout = evidence.layout();
        let at = |page: u64| layout.offset(PageId(page));
        let mut leftovers: Vec<Leftover> = self.runs.iter().copied().map(Leftover::Run).collect();
        let mut begun: Option<u64> = None;
        for (id, entry) in (0_u64..).zip(&self.entries) {
            let is_fragment = entry.is_open() && entry.content == Content::Other;
            match (is_fragment, begun) {
                (true, None) => begun = Some(id),
                (false, Some(first)) => {
                    leftovers.push(Leftover::Fragment(at(first)..at(id)));
                    begun = None;
                }
                _ => {}
            }
        }
        leftovers.extend(begun.map(|first| Leftover::Fragment(at(first)..at(self.len()))));
        leftovers.extend(self.slack.first.iter().cloned().map(Leftover::Slack));
        let whole = at(self.len());
        if whole < evidence.size() {
            leftovers.push(Leftover::Fragment(whole..evidence.size()));
        }
        leftovers.sort_by_key(|leftover| leftover.start(layout));
        leftovers
    }
}

impl PageEntry {
    /// The class of the page.
    pub fn class(&self) -> Class {
        Class::of(self.standing, self.content)
    }
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
