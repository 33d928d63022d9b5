//! Finding the root of a file whose metas are gone.
//!
//! The pages of a state, those that its list of free pages names, the list's own and the two metas are together all pages
//! below its high-water mark, and none is among two of them. So a root and a list for which that holds belong together. It
//! holds for the newest state and, until its pages are written again, for the one before: nothing in a file tells these
//! two apart but their metas. Of equals the one with more pages comes first.

use super::homeless::{each_reference, load, read_list};
use crate::error::Result;
use crate::forensic::evidence::Evidence;
use crate::format::{Meta, PageId, PageKind};
use crate::tree::{PageSet, Pages, reach};

/// How many lists are considered, those with the most pages.
const LISTS: usize = 64;
/// How many roots are verified by a walk.
const ROOTS: usize = 8;

/// A root and a list of free pages that are together all of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Complement {
    pub root: PageId,
    pub list: PageId,
    pub high_water: PageId,
    size: u64,
}

/// What hangs on each page.
struct Forest {
    /// The first page that has no entry.
    nodes: Vec<Node>,
}

/// What hangs on a page.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// Pages, its own run included; 0 where it is none of a tree.
    size: u64,
    /// The last of them.
    last: u64,
    /// Whether its own tree, and not only one further down, has buckets.
    bears_buckets: bool,
    is_led_to: bool,
    is_known: bool,
}

/// A page on the way down.
struct Step {
    page: PageId,
    references: Vec<PageId>,
    next: usize,
    node: Node,
    is_branch: bool,
}

impl Forest {
    fn of(pages: Pages<'_, Evidence>) -> Result<Forest> {
        let end = usize::try_from(pages.end()).unwrap_or(0);
        let mut forest = Forest { nodes: vec![Node::default(); end] };
        for id in (2..pages.end()).map(PageId) {
            forest.measure(id, pages)?;
        }
        Ok(forest)
    }

    fn node(&self, page: PageId) -> Node {
        usize::try_from(page.0).ok().and_then(|at| self.nodes.get(at)).copied().unwrap_or_default()
    }

    fn node_mut(&mut self, page: PageId) -> Option<&mut Node> {
        usize::try_from(page.0).ok().and_then(|at| self.nodes.get_mut(at))
    }

    /// Measures everything below a page, each page once. One that is its own ancestor counts as nothing there.
    fn measure(&mut self, page: PageId, pages: Pages<'_, Evidence>) -> Result<()> {
        let mut path: Vec<Step> = self.enter(page, pages)?.into_iter().collect();
        while let Some(step) = path.last_mut() {
            match step.references.get(step.next).copied() {
                Some(to) => {
                    let below = self.node(to);
                    if !below.is_known
                        && let Some(deeper) = self.enter(to, pages)?
                    {
                        path.push(deeper);
                        continue;
                    }
                    step.next = step.next.saturating_add(1);
                    step.node.size = step.node.size.saturating_add(below.size);
                    step.node.last = step.node.last.max(below.last);
                    step.node.bears_buckets |= step.is_branch && below.bears_buckets;
                    let from = step.page;
                    if let Some(node) = self.node_mut(to).filter(|_| from != to) {
                        node.is_led_to = true;
                    }
                }
                None => {
                    let (page, measured) = (step.page, step.node);
                    if let Some(node) = self.node_mut(page) {
                        *node = Node { is_led_to: node.is_led_to, is_known: true, ..measured };
                    }
                    path.pop();
                }
            }
        }
        Ok(())
    }

    /// A page as the next step down, unless it was entered before or is none of a tree.
    fn enter(&mut self, id: PageId, pages: Pages<'_, Evidence>) -> Result<Option<Step>> {
        match self.node_mut(id) {
            Some(node) if !node.is_known => node.is_known = true,
            _ => return Ok(None),
        }
        let Some(page) = load(pages, id)? else { return Ok(None) };
        if !matches!(page.kind(), PageKind::Branch | PageKind::Leaf) {
            return Ok(None);
        }
        let mut references = Vec::new();
        each_reference(&page, &mut |to| references.push(to));
        let run = u64::from(page.overflow());
        let is_branch = page.kind() == PageKind::Branch;
        let has_buckets =
            !is_branch && page.into_leaf().is_ok_and(|leaf| (0..leaf.len()).any(|at| leaf.is_bucket(at) == Ok(true)));
        let (size, last) = (run.saturating_add(1), id.0.saturating_add(run));
        let node = Node { size, last, bears_buckets: has_buckets, is_led_to: false, is_known: true };
        Ok(Some(Step { page: id, references, next: 0, node, is_branch }))
    }
}

/// A list of free pages as it is compared with trees.
struct List {
    page: PageId,
    pages: u64,
    count: u64,
    last: u64,
    free: PageSet,
}

/// All roots that a list of free pages complements, the best first.
pub(super) fn complements(pages: Pages<'_, Evidence>) -> Result<Vec<Complement>> {
    let lists = lists(pages)?;
    if lists.is_empty() {
        return Ok(Vec::new());
    }
    let forest = Forest::of(pages)?;
    let mut found = Vec::new();
    for list in &lists {
        for (id, node) in (0_u64..).zip(&forest.nodes) {
            let high_water = node.last.max(list.last).saturating_add(1);
            let sum = node.size.saturating_add(list.count).saturating_add(list.pages).saturating_add(2);
            if node.bears_buckets && sum == high_water && !list.free.contains(PageId(id)) {
                let (root, high_water) = (PageId(id), PageId(high_water));
                found.push(Complement { root, list: list.page, high_water, size: node.size });
            }
        }
    }
    found.sort_by_key(|found| std::cmp::Reverse((found.high_water, found.size, found.root)));
    found.truncate(ROOTS);
    let mut verified: Vec<Complement> = Vec::new();
    for candidate in found {
        let list = lists.iter().find(|list| list.page == candidate.list);
        let is_new = verified.iter().all(|known| known.root != candidate.root);
        if is_new && list.is_some_and(|list| is_complement(pages, candidate.root, list).unwrap_or(false)) {
            verified.push(candidate);
        }
    }
    Ok(verified)
}

fn is_complement(pages: Pages<'_, Evidence>, root: PageId, list: &List) -> Result<bool> {
    let meta = Meta { root, ..*pages.meta() };
    let reached = reach(Pages::new(pages.storage(), pages.layout(), &meta))?;
    let own = list.page.0..list.page.0.saturating_add(list.pages);
    let is_shared = |id: u64| list.free.contains(PageId(id)) || own.contains(&id);
    let mut both = (2..pages.end()).filter(|id| reached.pages.contains(PageId(*id)) && is_shared(*id));
    Ok(reached.problems.is_empty() && both.next().is_none())
}

fn lists(pages: Pages<'_, Evidence>) -> Result<Vec<List>> {
    let mut heads = Vec::new();
    for id in (2..pages.end()).map(PageId) {
        if let Some(list) = load(pages, id)?.and_then(|page| page.into_freelist().ok()) {
            heads.push((list.len(), id));
        }
    }
    heads.sort_by_key(|(len, id)| std::cmp::Reverse((*len, *id)));
    heads.truncate(LISTS);
    let mut lists = Vec::new();
    for (_, page) in heads {
        let run = load(pages, page)?.map_or(0, |page| u64::from(page.overflow()));
        if let Some((free, count)) = read_list(pages, page)? {
            let ids = (2..pages.end()).rev().find(|id| free.contains(PageId(*id)));
            let last = ids.unwrap_or(0).max(page.0.saturating_add(run));
            lists.push(List { page, pages: run.saturating_add(1), count, last, free });
        }
    }
    Ok(lists)
}

/// The root that the most pages hang on, of those that have buckets. A page that an older root leads to may be the root by
/// now; but then pages are met twice below the older one, so a root that can be walked without that comes first.
pub(super) fn largest(pages: Pages<'_, Evidence>) -> Result<Option<PageId>> {
    let forest = Forest::of(pages)?;
    let mut roots: Vec<(PageId, Node)> =
        (0_u64..).map(PageId).zip(forest.nodes).filter(|(_, node)| node.bears_buckets).collect();
    roots.sort_by_key(|(id, node)| std::cmp::Reverse((node.size, !node.is_led_to, *id)));
    for (root, _) in roots.iter().take(ROOTS) {
        let meta = Meta { root: *root, ..*pages.meta() };
        if reach(Pages::new(pages.storage(), pages.layout(), &meta))?.problems.is_empty() {
            return Ok(Some(*root));
        }
    }
    Ok(roots.iter().max_by_key(|(id, node)| (!node.is_led_to, node.size, *id)).map(|(id, _)| *id))
}

/// Whether the tree of a root has buckets, as that of a whole file has.
pub(super) fn bears_buckets(pages: Pages<'_, Evidence>, root: PageId) -> Result<bool> {
    let mut forest = Forest { nodes: vec![Node::default(); usize::try_from(pages.end()).unwrap_or(0)] };
    forest.measure(root, pages)?;
    Ok(forest.node(root).bears_buckets)
}
