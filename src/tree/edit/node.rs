//! A page that is being edited: its elements taken apart, its children edited or still as committed.

use super::arena::{Place, Sources};
use super::items::{Item, Items};
use crate::error::{Corruption, CorruptionKind, Result};
use crate::format::{Branch, Bytes, ELEMENT_SIZE, Leaf, PAGE_HEADER_SIZE, Page, PageId, PageKind, compare_keys};

/// An edited node of this transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(pub(super) u32);

/// Pages that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: PageId,
    pub(crate) pages: u64,
}

impl Run {
    pub(crate) fn of<B: Bytes>(page: &Page<B>) -> Run {
        Run { first: page.id(), pages: u64::from(page.overflow()) + 1 }
    }
}

/// What a branch leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Child {
    Page(PageId),
    Node(NodeId),
}

/// One element of a branch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) key: Place,
    pub(super) key_len: u32,
    pub(super) child: Child,
}

impl Slot {
    pub(super) fn size(&self) -> u64 {
        ELEMENT_SIZE as u64 + u64::from(self.key_len)
    }

    pub(super) fn key<'a>(&self, sources: Sources<'a>) -> Result<&'a [u8]> {
        sources.bytes(self.key, self.key_len.into())
    }
}

#[derive(Debug)]
pub(super) enum Body {
    Leaf(Items),
    Branch(Vec<Slot>),
}

impl Body {
    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Body::Leaf(items) => items.len(),
            Body::Branch(slots) => slots.len(),
        }
    }

    /// The bytes on a page, header included.
    pub(super) fn size(&self) -> u64 {
        let elements: u64 = match self {
            Body::Leaf(items) => items.iter().map(Item::size).sum(),
            Body::Branch(slots) => slots.iter().map(Slot::size).sum(),
        };
        PAGE_HEADER_SIZE as u64 + elements
    }
}

/// An edited node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: Option<NodeId>,
    /// The pages it was read from, which are free once it is written elsewhere.
    pub(super) run: Option<Run>,
    pub(super) body: Body,
    /// The size of the body, kept up to date for leaves.
    pub(super) bytes: u64,
    /// Something was taken away, so it may have become too small.
    pub(super) unbalanced: bool,
}

impl Node {
    /// A page taken apart. `base` is where its bytes begin; a page that is part of a bucket's entry has no run.
    pub(super) fn read<B: Bytes>(page: Page<B>, base: Place, run: Option<Run>, parent: Option<NodeId>) -> Result<Node> {
        let body = match page.kind() {
            PageKind::Branch => Body::Branch(slots_of(&page.into_branch()?, base)?),
            _ => Body::Leaf(Items::of(items_of(&page.into_leaf()?, base)?)),
        };
        Ok(Node { parent, run, bytes: body.size(), body, unbalanced: false })
    }

    pub(super) fn leaf(items: Items) -> Node {
        let body = Body::Leaf(items);
        Node { parent: None, run: None, bytes: body.size(), body, unbalanced: false }
    }

    pub(super) fn is_leaf(&self) -> bool {
        matches!(self.body, Body::Leaf(_))
    }
}

/// The elements of a leaf. Where it is not packed in order, whatever an edit relies on is tested one by one.
fn items_of<B: Bytes>(leaf: &Leaf<B>, base: Place) -> Result<Vec<Item>> {
    // Room for what is about to be put there.
    let mut items = Vec::with_capacity(leaf.len() + 4);
    let packed = leaf.packed(|flags, start, key_len, value_len| {
        items.push(Item { place: base.skip(start as u64), key_len, value_len, flags });
    });
    if packed.is_some() {
        return Ok(items);
    }
    items.clear();
    leaf.disjoint()?;
    ascending(leaf.page().id(), leaf.len(), |i| leaf.key(i))?;
    for i in 0..leaf.len() {
        let (span, element) = (leaf.span(i)?, leaf.element(i)?);
        let (key_len, value_len) = (element.key.len() as u32, element.value.len() as u32);
        items.push(Item { place: base.skip(span.start as u64), key_len, value_len, flags: element.flags });
    }
    Ok(items)
}

fn slots_of<B: Bytes>(branch: &Branch<B>, base: Place) -> Result<Vec<Slot>> {
    let mut slots = Vec::with_capacity(branch.len() + 1);
    let packed = branch.packed(|child, start, key_len| {
        slots.push(Slot { key: base.skip(start as u64), key_len, child: Child::Page(child) });
    });
    if packed.is_some() {
        return Ok(slots);
    }
    slots.clear();
    branch.disjoint()?;
    ascending(branch.page().id(), branch.len(), |i| branch.key(i))?;
    for i in 0..branch.len() {
        let span = branch.span(i)?;
        slots.push(Slot {
            key: base.skip(span.start as u64),
            key_len: span.len() as u32,
            child: Child::Page(branch.child(i)?),
        });
    }
    Ok(slots)
}

/// An edit finds its place by keys, so among keys that do not ascend it would do harm.
fn ascending<'k>(page: PageId, count: usize, key: impl Fn(usize) -> Result<&'k [u8], Corruption>) -> Result<()> {
    let mut previous: &[u8] = &[];
    for index in 0..count {
        let key = key(index)?;
        if !compare_keys(previous, key).is_lt() {
            return Err(CorruptionKind::KeyOrder { index }.at(page).into());
        }
        previous = key;
    }
    Ok(())
}

/// The slot whose child a look-up of `key` descends into.
pub(super) fn child_index(slots: &[Slot], sources: Sources<'_>, key: &[u8]) -> Result<usize> {
    let (mut low, mut high) = (0, slots.len());
    while low < high {
        let middle = low.midpoint(high);
        match compare_keys(slots[middle].key(sources)?, key).is_le() {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low.saturating_sub(1))
}
