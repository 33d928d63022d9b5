//! What nothing leads to: which pages have lost their home, and which are free.
//!
//! A page that the state does not reach is free where its list of free pages says so. Where there is no such list, it is
//! free if the state can be walked whole; if not, nothing tells. A page at or above the high-water mark was never a part
//! of the state. A page that the state does lead to, and that a run of another claims to go on on, is left without a home too.

use std::collections::BTreeMap;

use super::Recovery;
use super::state::StateSource;
use crate::error::{Error, Result};
use crate::forensic::evidence::Evidence;
use crate::format::{BucketRoot, LeafItem, Meta, Page, PageHeader, PageId, PageKind, SharedBytes};
use crate::storage::Storage;
use crate::tree::{PageSet, Pages, reach};

/// Where a pair goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// To its own bucket.
    InPlace,
    /// To the bucket for what has no home.
    Lost,
    /// To the bucket for what was deleted.
    Deleted,
}

/// What became of the list of free pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListState {
    /// It was read, and names so many pages.
    Read {
        /// The page that it begins on.
        page: PageId,
        /// How many pages it names.
        count: u64,
    },
    /// It cannot be read.
    Unreadable {
        /// The page that it should begin on.
        page: PageId,
    },
    /// The state stores none, or nothing tells where it is.
    None,
}

/// The pages that nothing leads to.
pub(super) struct Homeless {
    pub lost: Found,
    pub stale: Found,
    pub list: ListState,
}

/// Pages of one fate.
#[derive(Debug)]
pub(super) struct Found {
    /// Those with a header, ascending.
    pub pages: Vec<PageId>,
    /// Those of them that none of the others leads to.
    pub roots: Vec<PageId>,
    /// The same with the pages that their runs go on on.
    pub set: PageSet,
    /// What pages that nothing leads to either call the buckets whose trees begin on some of these.
    pub names: BTreeMap<PageId, Vec<u8>>,
    /// Whether they may be free.
    pub is_doubtful: bool,
    pub unreadable: u64,
}

impl Found {
    fn new(end: u64) -> Found {
        let (pages, roots, names) = (Vec::new(), Vec::new(), BTreeMap::new());
        Found { pages, roots, set: PageSet::below(end), names, is_doubtful: false, unreadable: 0 }
    }

    fn add(&mut self, page: &Page<SharedBytes>, taken: &PageSet) {
        self.pages.push(page.id());
        for id in (0..=u64::from(page.overflow())).map(|n| PageId(page.id().0.saturating_add(n))) {
            if !taken.contains(id) {
                self.set.insert(id);
            }
        }
    }

    /// Finds those that none of the others leads to.
    fn find_roots(&mut self, pages: Pages<'_, Evidence>) -> Result<()> {
        let mut led_to = PageSet::below(pages.end());
        for id in &self.pages {
            if let Some(page) = load(pages, *id)? {
                each_reference(&page, &mut |to| {
                    if to != *id {
                        led_to.insert(to);
                    }
                });
            }
        }
        self.roots = self.pages.iter().copied().filter(|id| !led_to.contains(*id)).collect();
        Ok(())
    }
}

/// Finds what nothing leads to.
pub(super) fn find(recovery: &Recovery<'_>) -> Result<Homeless> {
    let (evidence, pages) = (recovery.evidence, recovery.pages());
    let (free, list) = free_pages(recovery)?;
    let high_water = high_water(recovery);
    // Without a meta that verifies, what a root does not lead to may be what a newer one does.
    let is_known = matches!(recovery.report.source, Some(StateSource::Current { .. }));
    let is_whole = recovery.report.is_state_whole && is_known;
    let rivals = rivals(recovery)?;
    let mut names = BTreeMap::new();
    let (mut lost, mut stale) = (Found::new(pages.end()), Found::new(pages.end()));
    lost.is_doubtful = (free.is_none() && !is_whole) || rivals.is_some() || newer(recovery).is_some();
    for page in &recovery.covered {
        if let Some(page) = load(pages, *page)?.filter(is_of_tree) {
            lost.add(&page, &PageSet::below(0));
        }
    }
    for id in (2..pages.end()).map(PageId).filter(|id| !recovery.reached.contains(*id)) {
        let is_free = id.0 >= high_water || free.as_ref().map_or(is_whole, |free| free.contains(id));
        let is_rival = rivals.as_ref().is_some_and(|rivals| rivals.contains(id));
        let group = if is_free && !is_rival { &mut stale } else { &mut lost };
        match load(pages, id)? {
            Some(page) if is_of_tree(&page) => {
                group.add(&page, &recovery.reached);
                each_bucket(&page, &mut |name, root| {
                    names.entry(root).or_insert_with(|| name.to_vec());
                });
            }
            Some(_) => {}
            None if says_so(evidence, id)? => group.unreadable = group.unreadable.saturating_add(1),
            None => {}
        }
    }
    lost.pages.sort_unstable();
    // A page belongs to one of them.
    let own = lost.set.clone();
    let mut shared = PageSet::below(pages.end());
    (0..pages.end()).map(PageId).filter(|id| stale.set.contains(*id) && !own.contains(*id)).for_each(|id| {
        shared.insert(id);
    });
    stale.set = shared;
    stale.is_doubtful = true;
    for group in [&mut lost, &mut stale] {
        group.find_roots(pages)?;
        group.names = group.roots.iter().filter_map(|root| Some((*root, names.get(root)?.clone()))).collect();
    }
    Ok(Homeless { lost, stale, list })
}

/// A page with something on it.
fn is_of_tree(page: &Page<SharedBytes>) -> bool {
    matches!(page.kind(), PageKind::Branch | PageKind::Leaf) && page.count() > 0
}

/// A page that can be read as what it says it is.
pub(super) fn load(pages: Pages<'_, Evidence>, id: PageId) -> Result<Option<Page<SharedBytes>>> {
    match pages.load(id) {
        Ok(page) => Ok(Some(page)),
        Err(Error::Corrupt(_)) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether a page says that it is one of a tree, with its own number.
fn says_so(evidence: &Evidence, id: PageId) -> Result<bool> {
    let layout = evidence.layout();
    let start = evidence.run(layout.offset(id), layout.page_size.bytes())?;
    let header = PageHeader::read(&start, layout.endian).filter(|header| header.id == id);
    let kind = header.and_then(|header| PageKind::from_flags(header.flags));
    Ok(matches!(kind, Some(PageKind::Branch | PageKind::Leaf)))
}

/// The pages that a page leads to: its children, or the roots of its buckets.
pub(super) fn each_reference(page: &Page<SharedBytes>, to: &mut dyn FnMut(PageId)) {
    match page.kind() {
        PageKind::Branch => {
            let Ok(branch) = page.clone().into_branch() else { return };
            (0..branch.len()).filter_map(|at| branch.child(at).ok()).for_each(to);
        }
        PageKind::Leaf => each_bucket(page, &mut |_, root| to(root)),
        PageKind::Meta | PageKind::Freelist => {}
    }
}

/// The buckets of a leaf that have trees of their own: their names, and where these begin.
fn each_bucket(page: &Page<SharedBytes>, show: &mut dyn FnMut(&[u8], PageId)) {
    // Elements that lie over each other could show the same bytes again and again.
    let Some(leaf) = page.clone().into_leaf().ok().filter(|leaf| leaf.disjoint().is_ok()) else { return };
    for at in (0..leaf.len()).filter(|at| leaf.is_bucket(*at) == Ok(true)) {
        if let (Ok(name), Ok(LeafItem::Bucket(header))) = (leaf.key(at), leaf.item(at))
            && let BucketRoot::Page(root) = header.root
        {
            show(name, root);
        }
    }
}

fn free_pages(recovery: &Recovery<'_>) -> Result<(Option<PageSet>, ListState)> {
    let by_meta = || recovery.evidence.metas().current().and_then(|meta| meta.freelist);
    let first = match &recovery.chosen {
        Some(chosen) => chosen.list,
        None => by_meta(),
    };
    let Some(first) = first else { return Ok((None, ListState::None)) };
    let Some((free, count)) = read_list(recovery.pages(), first)? else {
        return Ok((None, ListState::Unreadable { page: first }));
    };
    let free = match newer(recovery) {
        Some(meta) => also_free(free, &meta, recovery.pages())?,
        None => Some(free),
    };
    Ok((free, ListState::Read { page: first, count }))
}

/// The newest meta, where another state than its own is brought.
fn newer(recovery: &Recovery<'_>) -> Option<Meta> {
    let chosen = recovery.chosen.as_ref()?;
    recovery.evidence.metas().current().filter(|meta| meta.root != chosen.root)
}

/// What an older list calls free may be in use by a newer state: it is free where that one's list says so too.
fn also_free(free: PageSet, newer: &Meta, pages: Pages<'_, Evidence>) -> Result<Option<PageSet>> {
    let Some(list) = newer.freelist.map(|first| read_list(pages, first)).transpose()?.flatten() else { return Ok(None) };
    let mut both = PageSet::below(pages.end());
    (2..pages.end()).map(PageId).filter(|id| free.contains(*id) && list.0.contains(*id)).for_each(|id| {
        both.insert(id);
    });
    Ok(Some(both))
}

/// The pages that a list names and that are in the file, and how many it names.
pub(super) fn read_list(pages: Pages<'_, Evidence>, first: PageId) -> Result<Option<(PageSet, u64)>> {
    let Some(list) = load(pages, first)?.and_then(|page| page.into_freelist().ok()) else { return Ok(None) };
    let mut free = PageSet::below(pages.end());
    list.ids().for_each(|id| {
        free.insert(id);
    });
    Ok(Some((free, super::number(list.len()))))
}

/// The first page that was never a part of the state. A mark that the state's own pages contradict tells nothing.
fn high_water(recovery: &Recovery<'_>) -> u64 {
    let end = recovery.pages().end();
    let Some(mark) = recovery.chosen.as_ref().map(|chosen| chosen.high_water.0) else { return end };
    match (mark.max(2)..end).any(|id| recovery.reached.contains(PageId(id))) {
        true => end,
        false => mark,
    }
}

/// The pages of other roots that fit the file as well as the one that was taken.
fn rivals(recovery: &Recovery<'_>) -> Result<Option<PageSet>> {
    let Some(chosen) = recovery.chosen.as_ref().filter(|chosen| !chosen.rivals.is_empty()) else { return Ok(None) };
    let pages = recovery.pages();
    let mut all = PageSet::below(pages.end());
    for root in &chosen.rivals {
        let meta = Meta { root: *root, ..recovery.ground };
        let reached = reach(Pages::new(recovery.evidence, recovery.evidence.layout(), &meta))?.pages;
        (2..pages.end()).map(PageId).filter(|id| reached.contains(*id)).for_each(|id| {
            all.insert(id);
        });
    }
    Ok(Some(all))
}
