//! Making a tree of another writer such that Go's writer does it no harm.
//!
//! Go finds a page's place in its parent by the page's first key, and merges only where there is a neighbour. Trees
//! with inexact separators, with empty leaves or with branches of one child read well everywhere, and Go loses pages
//! of them or panics as soon as it changes something near.
//!
//! Only the branches concerned and those above them are taken apart; everything else stays where it is.

use std::sync::Arc;

use super::node::{Body, Child, NodeId};
use super::{BucketId, Edit};
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::format::{Branch, Leaf, Page, PageId, PageKind};
use crate::tree::edit::arena::Place;
use crate::tree::{self, Pages, Visitor, walk};

/// What was wrong with the trees of a database for Go's writer, and is no longer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Normalized {
    /// Separators that were not the first key of their child.
    pub separators: u64,
    /// Leaves without a key below a branch.
    pub empty_leaves: u64,
    /// Branches with a single child.
    pub single_children: u64,
}

impl Normalized {
    /// Whether there was nothing to do.
    pub fn is_nothing(&self) -> bool {
        *self == Normalized::default()
    }
}

impl Edit {
    /// Cures all trees, as they are committed. Nothing may have been changed before.
    pub(crate) fn normalize(&mut self) -> Result<Normalized> {
        let (medium, layout, meta) = (Arc::clone(&self.base.medium), self.base.layout, self.base.meta);
        let mut cure = Cure { edit: self, done: Normalized::default() };
        walk(Pages::new(&*medium, layout, &meta), &mut cure)?;
        Ok(cure.done)
    }
}

struct Cure<'e> {
    edit: &'e mut Edit,
    done: Normalized,
}

type WalkPlace<'w, 'p> = tree::Place<'w, &'p [u8]>;

impl<'p> Visitor<&'p [u8]> for Cure<'_> {
    type Stop = Error;
    const VALUES: bool = false;

    fn page(&mut self, page: &Page<&'p [u8]>, place: &WalkPlace<'_, 'p>) -> Result<()> {
        match page.kind() {
            PageKind::Branch => self.branch(&page.into_branch()?, place),
            _ => self.leaf(&page.into_leaf()?, place),
        }
    }

    fn problem(&mut self, corruption: Corruption, _: &WalkPlace<'_, 'p>) -> Result<()> {
        Err(corruption.into())
    }
}

impl Cure<'_> {
    fn branch<'p>(&mut self, branch: &Branch<&'p [u8]>, place: &WalkPlace<'_, 'p>) -> Result<()> {
        let (page, last) = (branch.page(), branch.len() - 1);
        let first = page.offset() + branch.span(0)?.start as u64;
        self.keys(page.id(), (branch.key(0)?, first), (branch.key(last)?, last), place)?;
        if last == 0 {
            let node = self.node_at(place, place.depth)?;
            self.edit.node_mut(node).unbalanced = true;
            self.done.single_children += 1;
        }
        Ok(())
    }

    fn leaf<'p>(&mut self, leaf: &Leaf<&'p [u8]>, place: &WalkPlace<'_, 'p>) -> Result<()> {
        let page = leaf.page();
        let Some(last) = leaf.len().checked_sub(1) else { return self.empty_leaf(page.id(), place) };
        let first = page.offset() + leaf.span(0)?.start as u64;
        self.keys(page.id(), (leaf.key(0)?, first), (leaf.key(last)?, last), place)
    }

    fn empty_leaf(&mut self, page: PageId, place: &WalkPlace<'_, '_>) -> Result<()> {
        let Some(above) = place.depth.checked_sub(1) else { return Ok(()) };
        let parent = self.node_at(place, above)?;
        let slot = self.slot_to(parent, page)?;
        self.edit.child_for_write(parent, slot)?;
        self.edit.remove_child(parent, slot)?;
        self.done.empty_leaves += 1;
        Ok(())
    }

    /// Makes the separator of a page its first key. Where its keys are not where look-ups go for them, no separator
    /// would be right.
    fn keys(
        &mut self,
        page: PageId,
        (first, at): (&[u8], u64),
        (last, index): (&[u8], usize),
        place: &WalkPlace<'_, '_>,
    ) -> Result<()> {
        if place.lower.is_some_and(|lower| first < *lower) {
            return Err(CorruptionKind::KeyBelowPage { index: 0 }.at(page).into());
        }
        if place.upper.is_some_and(|upper| last >= *upper) {
            return Err(CorruptionKind::KeyAbovePage { index }.at(page).into());
        }
        let (Some(separator), Some(above)) = (place.separator, place.depth.checked_sub(1)) else { return Ok(()) };
        if *separator == first {
            return Ok(());
        }
        let parent = self.node_at(place, above)?;
        let slot = self.slot_to(parent, page)?;
        if let Body::Branch(slots) = &mut self.edit.node_mut(parent).body {
            (slots[slot].key, slots[slot].key_len) = (Place::in_file(at), first.len() as u32);
        }
        self.done.separators += 1;
        Ok(())
    }

    /// The page at this level of the tree that the walk is in, edited, and those above it too.
    fn node_at(&mut self, place: &WalkPlace<'_, '_>, depth: usize) -> Result<NodeId> {
        let bucket = self.bucket(place.buckets)?;
        let mut node = self.edit.root_for_write(bucket)?;
        let tree = place.pages.len() - 1 - place.depth;
        for page in &place.pages[tree + 1..=tree + depth] {
            let slot = self.slot_to(node, *page)?;
            node = self.edit.child_for_write(node, slot)?;
        }
        Ok(node)
    }

    fn bucket(&mut self, path: &[&[u8]]) -> Result<BucketId> {
        let mut bucket = self.edit.root();
        for name in path {
            let opened = self.edit.open(bucket, name)?;
            bucket = opened.ok_or_else(|| self.edit.missing(bucket, name))?;
        }
        Ok(bucket)
    }

    /// The slot of an edited branch that leads to a page.
    fn slot_to(&self, branch: NodeId, page: PageId) -> Result<usize> {
        let Body::Branch(slots) = &self.edit.node(branch).body else { return Ok(0) };
        let leads = |child| match child {
            Child::Page(child) => child == page,
            Child::Node(child) => self.edit.node(child).run.is_some_and(|run| run.first == page),
        };
        slots.iter().position(|slot| leads(slot.child)).ok_or_else(|| CorruptionKind::SharedPage.at(page).into())
    }
}
