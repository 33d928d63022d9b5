//! The way to the leaf that is about to change, made of nodes from the root down.

use super::arena::Sources;
use super::node::{Body, Child, Node, NodeId, Run, Slot, child_index};
use super::{BucketId, Edit, Hot, Stored};
use crate::error::{CorruptionKind, Result};
use crate::format::{BUCKET_HEADER_SIZE, Bytes, PageId, compare_keys};
use crate::tree::MAX_DEPTH;

impl Edit {
    /// The leaf that a key belongs on, edited, and the pages above it too.
    pub(super) fn leaf_for_write(&mut self, bucket: BucketId, key: &[u8]) -> Result<NodeId> {
        if let Some(hot) = self.bucket(bucket).hot
            && hot.holds(self.sources(), key)?
        {
            return Ok(hot.leaf);
        }
        let mut hot = Hot { leaf: self.root_for_write(bucket)?, lower: None, upper: None };
        for _ in 0..MAX_DEPTH {
            let Body::Branch(slots) = &self.node(hot.leaf).body else {
                self.bucket_mut(bucket).hot = Some(hot);
                return Ok(hot.leaf);
            };
            let at = child_index(slots, self.sources(), key)?;
            let bound = |at: usize| slots.get(at).map(|slot| (slot.key, slot.key_len));
            if at > 0 {
                hot.lower = bound(at);
            }
            hot.upper = bound(at + 1).or(hot.upper);
            hot.leaf = self.child_for_write(hot.leaf, at)?;
        }
        let page = self.node(hot.leaf).run.map_or(PageId(0), |run| run.first);
        Err(CorruptionKind::TooDeep { limit: MAX_DEPTH }.at(page).into())
    }

    /// The root of a bucket's tree, edited.
    pub(super) fn root_for_write(&mut self, bucket: BucketId) -> Result<NodeId> {
        if let Some(root) = self.bucket(bucket).root {
            return Ok(root);
        }
        let committed = self.committed(bucket)?;
        let page = committed.load_root()?;
        let node = match (committed.root_page(), self.bucket(bucket).stored) {
            (None, Stored::Value { place, .. }) => Node::read(page, place.skip(BUCKET_HEADER_SIZE as u64), None, None)?,
            _ => read(page, None)?,
        };
        let root = self.add_node(node);
        self.bucket_mut(bucket).root = Some(root);
        Ok(root)
    }

    /// A child of an edited branch, edited.
    pub(super) fn child_for_write(&mut self, parent: NodeId, at: usize) -> Result<NodeId> {
        let Body::Branch(slots) = &self.node(parent).body else { return Ok(parent) };
        let slot = slots[at];
        let page = match slot.child {
            Child::Node(node) => return Ok(node),
            Child::Page(page) => page,
        };
        let pages = self.base.pages();
        pages.prefetch(page);
        let mut node = read(pages.load(page)?, Some(parent))?;
        if let Body::Branch(slots) = &mut node.body {
            self.lower_first(slots, slot)?;
        }
        let node = self.add_node(node);
        if let Body::Branch(slots) = &mut self.node_mut(parent).body {
            slots[at].child = Child::Node(node);
        }
        Ok(node)
    }

    /// In a tree of another writer a branch may begin with a separator above the smallest key below it, where a lower one
    /// leads to it. Once it is written, its own leads to it, which must not be above that key then.
    fn lower_first(&self, slots: &mut [Slot], led_by: Slot) -> Result<()> {
        let Some(Slot { key, key_len, child: Child::Page(page) }) = slots.first_mut() else { return Ok(()) };
        let own = self.sources().bytes(*key, u64::from(*key_len))?;
        if own <= led_by.key(self.sources())? {
            return Ok(());
        }
        let smallest = self.smallest_below(*page)?;
        if let Some((place, smallest)) = smallest.filter(|(_, smallest)| *smallest < own) {
            (*key, *key_len) = (place, smallest.len() as u32);
        }
        Ok(())
    }
}

impl Hot {
    fn holds(&self, sources: Sources<'_>, key: &[u8]) -> Result<bool> {
        if let Some((place, len)) = self.upper
            && compare_keys(sources.bytes(place, len.into())?, key).is_le()
        {
            return Ok(false);
        }
        match self.lower {
            Some((place, len)) => Ok(compare_keys(sources.bytes(place, len.into())?, key).is_le()),
            None => Ok(true),
        }
    }
}

/// A page of its own, taken apart.
fn read<B: Bytes>(page: crate::format::Page<B>, parent: Option<NodeId>) -> Result<Node> {
    let (base, run) = (super::Place::in_file(page.offset()), Run::of(&page));
    Node::read(page, base, Some(run), parent)
}
