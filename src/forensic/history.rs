//! Every version of every pair that can still be found in a file.
//!
//! Items come in the order of the file, each as it is found, and are not kept. What of a page cannot be read is passed
//! over: elements that share bytes are shown as long as they have no more bytes together than their page.

use std::ops::Range;

use super::census::{Census, PageEntry, Standing};
use super::evidence::{Evidence, nothing, part};
use super::generations::Generations;
use super::item::{Grade, Item, ItemKind, Reason, State};
use super::judge::Judge;
use super::leftover::{Leftover, Run};
use super::live;
use crate::error::{Error, Result};
use crate::format::{BucketHeader, BucketRoot, Layout, Leaf, LeafElement, PageId, PageKind, SharedBytes};
use crate::storage::Storage;

/// Inline buckets deeper in each other than this are shown as what they are and not looked into.
const INLINE_DEPTH: usize = 64;
/// How much of bytes without a header is handed out at once.
const FRAGMENT: u64 = 16 << 20;

/// Which items are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The pairs and buckets of the current state too.
    pub live: bool,
    /// Copies of what the current state has, on pages that it does not use, too.
    pub copies: bool,
}

/// What can be found in a file beside and in its current state.
#[derive(Debug)]
pub struct History<'e> {
    evidence: &'e Evidence,
    census: Census,
    generations: Generations,
    judge: Judge,
}

impl<'e> History<'e> {
    /// Looks through a whole file.
    pub fn of(evidence: &'e Evidence) -> Result<History<'e>> {
        let mut census = Census::of(evidence)?;
        let generations = Generations::of(evidence, &mut census)?;
        let judge = Judge::of(evidence, &census)?;
        Ok(History { evidence, census, generations, judge })
    }

    /// What it is the history of.
    pub fn evidence(&self) -> &'e Evidence {
        self.evidence
    }

    /// Every page of the file.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// The other states of the file.
    pub fn generations(&self) -> &Generations {
        &self.generations
    }

    /// Shows the items that are wanted. An error of `show` ends it.
    pub fn each<E: From<Error>>(&self, wanted: &Wanted, show: &mut dyn FnMut(&Item) -> Result<(), E>) -> Result<(), E> {
        if wanted.live {
            self.live(show)?;
        }
        for leftover in self.census.leftovers(self.evidence) {
            match leftover {
                Leftover::Run(run) if run.kind == PageKind::Leaf => self.leaf(&run, wanted, show)?,
                Leftover::Run(_) => {}
                Leftover::Fragment(range) => self.fragment(range, Reason::NoHeader, State::OrphanFragment, show)?,
                Leftover::Slack(range) => self.fragment(range, Reason::BehindElements, State::Slack, show)?,
            }
        }
        Ok(())
    }

    /// Shows every pair and bucket of the current state, in the order of its trees.
    pub fn live<E: From<Error>>(&self, show: &mut dyn FnMut(&Item) -> Result<(), E>) -> Result<(), E> {
        live::each(self.evidence, &self.census, show)
    }

    fn leaf<E: From<Error>>(&self, run: &Run, wanted: &Wanted, show: &mut dyn FnMut(&Item) -> Result<(), E>) -> Result<(), E> {
        let Some(page) = run.load(self.evidence)? else { return Ok(()) };
        let (whole, blank) = (page.bytes().clone(), self.blank(run));
        let Ok(leaf) = page.into_leaf() else { return Ok(()) };
        let context = Context { layout: self.evidence.layout(), whole, start: leaf.page().offset() };
        let mut found = |mut item: Item| {
            self.judge(&mut item);
            if item.state != State::Live || wanted.copies { show(&item) } else { Ok(()) }
        };
        elements(&leaf, &context, blank, 0, &mut found)
    }

    /// An item of a run, all but what it is.
    fn blank(&self, run: &Run) -> Item {
        let entry = self.census.entry(run.first).copied();
        let owner = self.generations.owner(run.first);
        let mut item = blank(run.first, run.intact, entry);
        item.grade = if run.is_whole() { Grade::B } else { Grade::C };
        item.reasons.extend((!run.is_whole()).then_some(Reason::RunBroken));
        (item.owner, item.mixed) = (owner.flatten(), owner == Some(None));
        item.reasons.extend(item.owner.is_none().then_some(Reason::BucketUnknown));
        self.mark(&mut item, run.pages());
        item
    }

    /// Marks what may never have been committed, on any of its pages.
    fn mark(&self, item: &mut Item, pages: impl Iterator<Item = PageId> + Clone) {
        let any = |test: &dyn Fn(PageId) -> bool| pages.clone().any(test);
        let standing = |page| self.census.entry(page).map_or(Standing::Beyond, |entry| entry.standing);
        let (previous, unnamed) =
            (any(&|page| self.generations.is_of_previous(page)), any(&|page| self.generations.is_of_unnamed(page)));
        item.uncommitted = any(&|page| self.generations.may_be_uncommitted(page, standing(page)));
        item.reasons.extend(previous.then_some(Reason::PreviousMeta));
        item.reasons.extend(unnamed.then_some(Reason::UnnamedState));
        item.reasons.extend((item.uncommitted && !previous && !unnamed).then_some(Reason::NotShownOlder));
        item.state = match item.state {
            State::Unjudged if any(&|page| self.generations.is_of_newer(page)) => State::Uncommitted,
            state => state,
        };
    }

    /// Holds an item against the current state.
    fn judge(&self, item: &mut Item) {
        if item.kind == ItemKind::Fragment {
            return;
        }
        let (state, reason) = self.judge.state(item, self.census.names());
        item.reasons.extend(reason);
        // What is not a copy keeps what its place says of it.
        if state == State::Live || item.state == State::Unjudged {
            item.state = state;
        }
    }

    fn fragment<E: From<Error>>(
        &self,
        range: Range<u64>,
        reason: Reason,
        state: State,
        show: &mut dyn FnMut(&Item) -> Result<(), E>,
    ) -> Result<(), E> {
        let page_size = self.evidence.layout().page_size.bytes();
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at.saturating_add(FRAGMENT));
            let value = self.evidence.run(at, end.saturating_sub(at))?;
            let page = PageId(at.checked_div(page_size).unwrap_or(0));
            let last = end.saturating_sub(1).checked_div(page_size).unwrap_or(0);
            let pages = last.saturating_sub(page.0).saturating_add(1);
            if value.iter().any(|byte| *byte != 0) {
                let mut item = blank(page, pages, self.census.entry(page).copied());
                (item.kind, item.grade) = (ItemKind::Fragment, Grade::D);
                if state == State::Slack || item.state != State::BeyondHwm {
                    item.state = state;
                }
                (item.value, item.value_offset, item.key_offset) = (value, at, at);
                item.reasons.push(reason);
                self.mark(&mut item, (page.0..=last).map(PageId));
                show(&item)?;
            }
            at = end;
        }
        Ok(())
    }
}

/// An item of which nothing is known but its pages.
pub(super) fn blank(first: PageId, pages: u64, entry: Option<PageEntry>) -> Item {
    let (state, reason) = match entry.map(|entry| entry.standing) {
        Some(Standing::Beyond) | None => (State::BeyondHwm, Some(Reason::BeyondHighWater)),
        Some(Standing::Free) => (State::Unjudged, Some(Reason::ListedFree)),
        Some(Standing::Unreached) => (State::Unjudged, Some(Reason::Unreached)),
        Some(Standing::Damaged) => (State::Unjudged, Some(Reason::Damaged)),
        Some(Standing::Live | Standing::Meta | Standing::Freelist) => (State::Unjudged, None),
    };
    Item {
        kind: ItemKind::Pair,
        state,
        grade: Grade::B,
        uncommitted: false,
        mixed: false,
        owner: None,
        inner: Vec::new(),
        run: (first, pages),
        page: first,
        element: None,
        key: nothing(),
        key_offset: 0,
        value: nothing(),
        value_offset: 0,
        reasons: reason.into_iter().collect(),
    }
}

/// Where a leaf lies.
struct Context {
    layout: Layout,
    /// As much of the run as is there.
    whole: SharedBytes,
    /// The file offset of the run.
    start: u64,
}

impl Context {
    fn page_at(&self, offset: u64) -> PageId {
        PageId(offset.checked_div(self.layout.page_size.bytes()).unwrap_or(0))
    }
}

/// Shows the elements of a leaf, and those of the inline buckets in it.
fn elements<E: From<Error>>(
    leaf: &Leaf<SharedBytes>,
    context: &Context,
    mut blank: Item,
    depth: usize,
    found: &mut dyn FnMut(Item) -> Result<(), E>,
) -> Result<(), E> {
    if leaf.packed(|_, _, _, _| {}).is_none() && blank.grade == Grade::B {
        blank.grade = Grade::C;
        blank.reasons.push(Reason::ElementsOutOfOrder);
    }
    let mut room = leaf.page().bytes().len();
    for at in 0..leaf.len() {
        let mut item = Item { element: Some(at), ..blank.clone() };
        let Ok(element) = leaf.element(at) else {
            if let Some(cut) = cut(leaf, at, context, item) {
                found(cut)?;
            }
            continue;
        };
        let Some(left) = room.checked_sub(element.key.len().saturating_add(element.value.len())) else { return Ok(()) };
        room = left;
        item.value_offset = leaf.value_offset(at);
        item.key_offset = item.value_offset.saturating_sub(length(element.key.len()));
        item.page = context.page_at(item.key_offset);
        let LeafElement { key, value, .. } = element.clone();
        (item.key, item.value) = (key, value);
        if !element.is_bucket() {
            found(item)?;
            continue;
        }
        item.kind = ItemKind::Bucket;
        let inner = Item { inner: item.inner.iter().cloned().chain([element.key.clone()]).collect(), ..blank.clone() };
        found(item)?;
        if depth < INLINE_DEPTH
            && let Ok(BucketHeader { root: BucketRoot::Inline(page), .. }) = leaf.bucket(at, element.value)
            && let Ok(leaf) = page.into_leaf()
        {
            elements(&leaf, context, inner, depth.saturating_add(1), found)?;
        }
    }
    Ok(())
}

/// What is left of an element whose value reaches beyond what is there of its run.
fn cut(leaf: &Leaf<SharedBytes>, at: usize, context: &Context, mut item: Item) -> Option<Item> {
    let key = leaf.key(at).ok()?;
    let value_offset = leaf.value_offset(at);
    let from = usize::try_from(value_offset.checked_sub(context.start)?).ok()?;
    let from_key = from.checked_sub(key.len())?;
    if key.is_empty() || from > context.whole.len() || leaf.page().offset() != context.start {
        return None;
    }
    item.kind = ItemKind::Fragment;
    item.grade = Grade::D;
    if item.state == State::Unjudged {
        item.state = State::OrphanFragment;
    }
    item.key = part(&context.whole, from_key..from);
    item.value = part(&context.whole, from..context.whole.len());
    (item.key_offset, item.value_offset) = (value_offset.saturating_sub(length(key.len())), value_offset);
    item.page = context.page_at(item.key_offset);
    item.reasons.push(Reason::ValueCut);
    Some(item)
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
