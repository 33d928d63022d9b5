//! Rules about the trees: what each page must be, and how pages stand to each other.

use std::convert::Infallible;

use super::finding::Report;
use super::free::Free;
use super::node::{self, Node};
use crate::error::{Corruption, CorruptionKind, Result};
use crate::format::{Branch, BucketRoot, Bytes, ELEMENT_SIZE, Layout, Leaf, PAGE_HEADER_SIZE, Page, PageId, PageKind};
use crate::storage::Storage;
use crate::tree::{BucketAt, PageSet, Pages, Place, Visitor, walk_from};

/// Checks everything below a page and gives back the pages that are in use there.
pub(super) fn check_trees<S: Storage>(
    pages: Pages<'_, S>,
    root: PageId,
    free: &Free,
    report: &mut Report<'_>,
) -> Result<PageSet> {
    let used = nothing_used(pages);
    let mut trees = Trees { layout: pages.layout(), report, free, used, levels: vec![Level::default()] };
    walk_from(pages, &BucketRoot::Page(root), &mut trees)?;
    let used = trees.used;
    report.summary.pages = used.len();
    Ok(used)
}

/// The pages in use where no tree can be walked.
pub(super) fn nothing_used<S: Storage>(pages: Pages<'_, S>) -> PageSet {
    PageSet::below(pages.end())
}

struct Trees<'t, 'r> {
    layout: Layout,
    report: &'t mut Report<'r>,
    free: &'t Free,
    used: PageSet,
    /// One for each bucket that the walk is in.
    levels: Vec<Level>,
}

/// The level that the leaves of a bucket are at.
#[derive(Default)]
struct Level {
    first: Option<usize>,
    /// Whether another one was reported already.
    told: bool,
}

impl<B: Bytes> Visitor<B> for Trees<'_, '_> {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn enter_bucket(&mut self, _: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), Infallible> {
        self.levels.push(Level::default());
        self.report.summary.buckets = self.report.summary.buckets.saturating_add(1);
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Infallible> {
        self.levels.pop();
        Ok(())
    }

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        let page = page.borrowed();
        if place.inline {
            let kind = node::inline_header(&page);
            self.tell(kind.map(|kind| kind.at_offset(page.id(), page.offset())), place);
        } else {
            self.take(page.id(), u64::from(page.overflow()), place);
        }
        match page.kind() {
            PageKind::Branch => match page.into_branch() {
                Ok(branch) => self.branch(&branch, place),
                Err(empty) => self.tell(Some(empty), place),
            },
            _ => {
                if let Ok(leaf) = page.into_leaf() {
                    self.leaf(&leaf, place);
                }
            }
        }
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, place: &Place<'_, B>) -> Result<(), Infallible> {
        // The rules about a page have told of its elements already.
        if matches!(corruption.kind, CorruptionKind::ElementSpan { .. } | CorruptionKind::ElementOverlap { .. }) {
            return Ok(());
        }
        let page = corruption.page;
        self.tell(Some(corruption), place);
        if let Some(page) = page {
            self.take(page, 0, place);
        }
        Ok(())
    }
}

impl Trees<'_, '_> {
    fn tell<B: Bytes>(&mut self, corruption: Option<Corruption>, place: &Place<'_, B>) {
        if let Some(corruption) = corruption {
            self.report.tree(corruption, place, None);
        }
    }

    /// Counts a run as in use, and holds it against the list of free pages.
    fn take<B: Bytes>(&mut self, first: PageId, overflow: u64, place: &Place<'_, B>) {
        let (mut freed, mut of_list) = (None, None);
        for id in (first.0..=first.0.saturating_add(overflow)).map(PageId).filter(|id| self.used.insert(*id)) {
            freed = freed.or_else(|| self.free.pages.contains(id).then_some(id));
            of_list = of_list.or_else(|| self.free.own_run.contains(&id.0).then_some(id));
        }
        let layout = self.layout;
        self.tell(freed.map(|id| CorruptionKind::ReachableFree.at_offset(id, layout.offset(id))), place);
        self.tell(of_list.map(|id| CorruptionKind::FreelistInUse.at_offset(id, layout.offset(id))), place);
    }

    fn branch<B: Bytes>(&mut self, branch: &Branch<&[u8]>, place: &Place<'_, B>) {
        let page = branch.page();
        let single = (branch.len() == 1).then(|| CorruptionKind::SingleChild.at_offset(page.id(), page.offset()));
        self.tell(single, place);
        self.node(branch, page, place);
    }

    fn leaf<B: Bytes>(&mut self, leaf: &Leaf<&[u8]>, place: &Place<'_, B>) {
        let page = leaf.page();
        let keys = &mut self.report.summary.keys;
        *keys = keys.saturating_add(u64::from(page.count()));
        self.tell(empty_leaf(leaf, place.depth).map(|kind| kind.at_offset(page.id(), page.offset())), place);
        let level = self.levels.last_mut().and_then(|level| level.unequal(place.depth));
        self.tell(level.map(|kind| kind.at_offset(page.id(), page.offset())), place);
        let flags = self.node(leaf, page, place);
        if flags.is_none_or(|flags| flags != 0) {
            self.element(node::flags(leaf), leaf, page, place);
            self.element(node::bucket_lengths(leaf), leaf, page, place);
            let in_inline = if place.inline { node::buckets_in_inline(leaf) } else { None };
            self.element(in_inline, leaf, page, place);
        }
    }

    /// The rules that hold for branches and leaves alike. Gives back the flags that any element has, where one look at
    /// the page has told them.
    fn node<B: Bytes>(&mut self, node: &impl Node, page: &Page<&[u8]>, place: &Place<'_, B>) -> Option<u32> {
        // Nearly every page is as Go writes it, and then one look at it is enough.
        let flags = node.canonical();
        if flags.is_none() {
            self.elements(node, page, place);
        }
        let [separator, lower, upper] = [place.separator, place.lower, place.upper].map(|key| key.map(|key| &**key));
        self.element(lower.and_then(|lower| node::lower_bound(node, lower)), node, page, place);
        self.element(upper.and_then(|upper| node::upper_bound(node, upper)), node, page, place);
        self.element(separator.and_then(|key| node::exact_separator(node, key)), node, page, place);
        flags
    }

    /// The rules about the elements of one page by themselves.
    fn elements<B: Bytes>(&mut self, node: &impl Node, page: &Page<&[u8]>, place: &Place<'_, B>) {
        self.element(node::spans(node), node, page, place);
        self.element(node::places(node), node, page, place);
        self.element(node::empty_key(node), node, page, place);
        let overlap = node::overlap(node, page.bytes().len());
        // Keys that share their bytes can be long and equal, and as many as the page has room for headers.
        let order = if overlap.is_none() { node::order(node) } else { None };
        self.element(overlap, node, page, place);
        self.element(order, node, page, place);
    }

    /// Reports what is wrong with an element of a page.
    fn element<B: Bytes>(&mut self, offence: node::Offence, node: &impl Node, page: &Page<&[u8]>, place: &Place<'_, B>) {
        let Some((index, kind)) = offence else { return };
        let within = index.saturating_mul(ELEMENT_SIZE).saturating_add(PAGE_HEADER_SIZE);
        let offset = page.offset().saturating_add(u64::try_from(within).unwrap_or(u64::MAX));
        self.report.tree(kind.at_offset(page.id(), offset), place, node.key(index).ok());
    }
}

/// A leaf below a branch has elements.
fn empty_leaf(leaf: &Leaf<&[u8]>, depth: usize) -> Option<CorruptionKind> {
    (leaf.is_empty() && depth > 0).then_some(CorruptionKind::EmptyLeaf)
}

impl Level {
    /// All leaves of a bucket are at one level; the first that is not is reported.
    fn unequal(&mut self, found: usize) -> Option<CorruptionKind> {
        let expected = *self.first.get_or_insert(found);
        let unequal = found != expected && !std::mem::replace(&mut self.told, found != expected);
        unequal.then_some(CorruptionKind::UnequalDepth { found, expected })
    }
}
