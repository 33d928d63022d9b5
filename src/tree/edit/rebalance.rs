//! What a commit does first: leaves from which something was taken away, and which are too small now, are merged
//! with a neighbour; branches follow.
//!
//! The rules are Go's, so that the pages are. A leaf with one key and a branch with two children are merged however
//! large they are; nobody asks whether the result is too large, it is cut again when it is written.

use super::node::{Body, Child, Node, NodeId};
use super::{BucketId, Edit};
use crate::error::Result;
use crate::format::{PAGE_HEADER_SIZE, PageKind};
use crate::tree::edit::items::Items;

/// How many entries Go's maps keep in order.
const SMALL_MAP: usize = 8;
/// Odd, so that no two numbers are scattered to the same place.
const SCATTER: u32 = 0x9e37_79b1;

/// Puts leaves in an order in which Go might rebalance them. Whether one is still too small depends on what it has taken in
/// before its turn. Go goes through a map of all nodes of the bucket: a small one keeps the order in which they were first
/// touched, beginning anywhere, a larger one has none.
fn order_as_go(leaves: &mut [NodeId], nodes: usize) {
    match nodes <= SMALL_MAP {
        true => leaves.sort_unstable(),
        false => leaves.sort_unstable_by_key(|id| id.0.wrapping_mul(SCATTER)),
    }
}

impl Edit {
    /// Rebalances every bucket that was opened.
    pub(crate) fn rebalance(&mut self) -> Result<()> {
        for at in 0..self.buckets.len() {
            let bucket = BucketId(at as u32);
            let Some(root) = self.bucket(bucket).root else { continue };
            self.bucket_mut(bucket).hot = None;
            let threshold = self.threshold(bucket);
            for node in self.unbalanced_below(root) {
                self.rebalance_from(node, threshold)?;
            }
        }
        Ok(())
    }

    /// The size up to which a node is too small. The handle's fill percent counts as it is, not clamped.
    fn threshold(&self, bucket: BucketId) -> u64 {
        let page = self.base.layout.page_size.bytes() as f64;
        (page * self.bucket(bucket).fill) as u64 / 2
    }

    /// The nodes from which something was taken away: leaves, and behind them branches, each after those below it. Branches
    /// lose something before only where a tree of another writer is normalized.
    fn unbalanced_below(&self, root: NodeId) -> Vec<NodeId> {
        let (mut leaves, mut branches, mut rest, mut all) = (Vec::new(), Vec::new(), vec![root], 0);
        while let Some(id) = rest.pop() {
            let node = self.node(id);
            all += 1;
            match &node.body {
                Body::Leaf(_) if node.unbalanced => leaves.push(id),
                Body::Leaf(_) => {}
                Body::Branch(slots) => {
                    branches.extend(node.unbalanced.then_some(id));
                    rest.extend(slots.iter().filter_map(|slot| match slot.child {
                        Child::Node(child) => Some(child),
                        Child::Page(_) => None,
                    }));
                }
            }
        }
        order_as_go(&mut leaves, all);
        leaves.extend(branches.into_iter().rev());
        leaves
    }

    /// Rebalances a node, and the branches above it that lose a child by it.
    fn rebalance_from(&mut self, node: NodeId, threshold: u64) -> Result<()> {
        let mut at = Some(node);
        while let Some(id) = at {
            self.find_neighbour(id, threshold)?;
            at = self.rebalance_node(id, threshold)?;
        }
        Ok(())
    }

    /// Only in a tree of another writer a branch has one child. It is merged before that child is, which has a neighbour
    /// to merge with then.
    fn find_neighbour(&mut self, id: NodeId, threshold: u64) -> Result<()> {
        let Node { parent: Some(parent), unbalanced: true, .. } = *self.node(id) else { return Ok(()) };
        if self.slots(parent).len() > 1 {
            return Ok(());
        }
        self.node_mut(parent).unbalanced = true;
        self.rebalance_from(parent, threshold)
    }

    /// Rebalances one node; where it or a neighbour was taken away, its parent is next.
    fn rebalance_node(&mut self, id: NodeId, threshold: u64) -> Result<Option<NodeId>> {
        let node = self.node_mut(id);
        if !std::mem::take(&mut node.unbalanced) {
            return Ok(None);
        }
        let (size, len, least) = match &node.body {
            Body::Leaf(items) => (node.bytes, items.len(), 1),
            Body::Branch(slots) => (node.body.size(), slots.len(), 2),
        };
        let parent = node.parent;
        self.counts.rebalanced += 1;
        if size > threshold && len > least {
            return Ok(None);
        }
        let Some(parent) = parent else {
            self.collapse_root(id)?;
            return Ok(None);
        };
        let Some(slot) = self.slot_of(parent, id) else { return Ok(None) };
        if len == 0 {
            self.remove_child(parent, slot)?;
            return Ok(Some(parent));
        }
        // The first child takes in its neighbour, any other is taken in by the one before it.
        let left = slot.saturating_sub(1);
        if !self.are_alike(parent, left)? {
            // Only in a tree of another writer: it is alone, or its leaves are not all at one depth.
            return Ok(None);
        }
        let (into, from) = (self.child_for_write(parent, left)?, self.child_for_write(parent, left + 1)?);
        self.merge(into, from);
        self.remove_child(parent, left + 1)?;
        self.counts.merged += 1;
        Ok(Some(parent))
    }

    /// Where the root is a branch with one child, the child takes its place. Where it has none left, it is a leaf.
    fn collapse_root(&mut self, root: NodeId) -> Result<()> {
        // More than once only in a tree of another writer.
        while self.slots(root).len() == 1 {
            let child = self.child_for_write(root, 0)?;
            let Node { body, bytes, run, .. } = self.take_node(child);
            run.into_iter().try_for_each(|run| self.freed.add(run))?;
            self.reparent(&body, root);
            let node = self.node_mut(root);
            (node.body, node.bytes) = (body, bytes);
            self.counts.roots_collapsed += 1;
        }
        if self.slots(root).is_empty() && !self.node(root).is_leaf() {
            let empty = Node::leaf(Items::default());
            let node = self.node_mut(root);
            (node.body, node.bytes) = (empty.body, empty.bytes);
        }
        Ok(())
    }

    /// Whether a child and the one after it are both leaves, or both branches.
    fn are_alike(&self, parent: NodeId, left: usize) -> Result<bool> {
        let [left, right, ..] = self.slots(parent).get(left..).unwrap_or_default() else { return Ok(false) };
        let is_leaf = |child| match child {
            Child::Node(node) => Ok(self.node(node).is_leaf()),
            Child::Page(page) => self.base.pages().load(page).map(|page| page.kind() == PageKind::Leaf),
        };
        Ok(is_leaf(left.child)? == is_leaf(right.child)?)
    }

    /// Puts the elements of one node behind those of another. One may take in thousands, so it is not measured anew.
    fn merge(&mut self, into: NodeId, from: NodeId) {
        let from = self.node_mut(from);
        let (body, bytes) = (std::mem::replace(&mut from.body, Body::Branch(Vec::new())), from.bytes);
        self.reparent(&body, into);
        let node = self.node_mut(into);
        match (&mut node.body, body) {
            (Body::Leaf(items), Body::Leaf(more)) => {
                items.append(more);
                node.bytes += bytes - PAGE_HEADER_SIZE as u64;
            }
            (Body::Branch(slots), Body::Branch(mut more)) => slots.append(&mut more),
            _ => {}
        }
    }

    /// Takes a child out of its parent and frees its pages.
    pub(super) fn remove_child(&mut self, parent: NodeId, slot: usize) -> Result<()> {
        let node = self.node_mut(parent);
        node.unbalanced = true;
        let Body::Branch(slots) = &mut node.body else { return Ok(()) };
        if let Child::Node(child) = slots.remove(slot).child {
            let Node { run, .. } = self.take_node(child);
            run.into_iter().try_for_each(|run| self.freed.add(run))?;
        }
        Ok(())
    }

    /// Leaves nothing of a node that is no longer part of its tree.
    fn take_node(&mut self, id: NodeId) -> Node {
        std::mem::replace(self.node_mut(id), Node::leaf(Items::default()))
    }

    fn reparent(&mut self, body: &Body, parent: NodeId) {
        let Body::Branch(slots) = body else { return };
        for slot in slots {
            if let Child::Node(child) = slot.child {
                self.node_mut(child).parent = Some(parent);
            }
        }
    }

    fn slots(&self, branch: NodeId) -> &[super::node::Slot] {
        match &self.node(branch).body {
            Body::Branch(slots) => slots,
            Body::Leaf(_) => &[],
        }
    }

    fn slot_of(&self, parent: NodeId, child: NodeId) -> Option<usize> {
        self.slots(parent).iter().position(|slot| slot.child == Child::Node(child))
    }
}
