//! Puts and deletes.

use super::items::{Item, Position};
use super::node::{Body, Child, NodeId};
use super::split::LONGEST_RUN;
use super::{BucketId, Edit};
use crate::error::{Error, Result};
use crate::format::{BUCKET_FLAG, ELEMENT_SIZE, EncodeError, MAX_KEY_SIZE, PAGE_HEADER_SIZE, compare_keys};

/// The longest value, by the format's 32-bit positions.
const MAX_VALUE_SIZE: usize = (1 << 31) - 2;

impl Edit {
    /// Sets the value of a key.
    pub(crate) fn put(&mut self, bucket: BucketId, key: &[u8], value: &[u8]) -> Result<()> {
        if key.is_empty() {
            return Err(Error::KeyRequired);
        } else if key.len() > MAX_KEY_SIZE {
            return Err(Error::KeyTooLarge { len: key.len() });
        } else if value.len() > MAX_VALUE_SIZE {
            return Err(Error::ValueTooLarge { len: value.len() });
        }
        let before = self.nodes.len();
        let set = self.set(bucket, key, value, 0);
        if set.is_err() {
            self.forget_nodes(bucket, before);
        }
        set
    }

    /// Deletes a key that holds a value; `false` where it is not there.
    pub(crate) fn delete(&mut self, bucket: BucketId, key: &[u8]) -> Result<bool> {
        match self.find(bucket, key)? {
            None => Ok(false),
            Some(found) if found.element.is_bucket() => Err(Error::IncompatibleValue { key: key.into() }),
            Some(_) => self.take(bucket, key).map(|()| true),
        }
    }

    /// Sets what a key holds. A bucket is never replaced by a value nor a value by a bucket, and nothing is put on a page
    /// that no reader could find it on.
    pub(super) fn set(&mut self, bucket: BucketId, key: &[u8], value: &[u8], flags: u32) -> Result<()> {
        let bytes = (PAGE_HEADER_SIZE + ELEMENT_SIZE) as u64 + key.len() as u64 + value.len() as u64;
        if bytes >= LONGEST_RUN {
            return Err(Error::TooLarge(EncodeError::TooLong { bytes }));
        }
        let leaf = self.leaf_for_write(bucket, key)?;
        let (at, found) = self.position(leaf, key)?;
        if found && self.item(leaf, at).is_some_and(|item| (item.flags ^ flags) & BUCKET_FLAG != 0) {
            return Err(Error::IncompatibleValue { key: key.into() });
        }
        let place = self.arena.keep(key, value);
        let item = Item { place, key_len: key.len() as u32, value_len: value.len() as u32, flags };
        let node = self.node_mut(leaf);
        let Body::Leaf(items) = &mut node.body else { return Ok(()) };
        node.bytes += item.size();
        if found {
            node.bytes -= items.replace(at, item).map_or(0, |replaced| replaced.size());
        } else {
            items.insert(at, item);
        }
        Ok(())
    }

    /// Takes away a key that is there, whatever it holds.
    pub(super) fn take(&mut self, bucket: BucketId, key: &[u8]) -> Result<()> {
        let leaf = self.leaf_for_write(bucket, key)?;
        let (at, found) = self.position(leaf, key)?;
        let node = self.node_mut(leaf);
        if let Body::Leaf(items) = &mut node.body
            && found
        {
            node.bytes -= items.remove(at).map_or(0, |removed| removed.size());
            node.unbalanced = true;
        }
        Ok(())
    }

    /// Takes back that pages were taken apart, where nothing came of it: they stay as they are committed.
    fn forget_nodes(&mut self, bucket: BucketId, before: usize) {
        self.bucket_mut(bucket).hot = None;
        while self.nodes.len() > before {
            let id = NodeId(self.nodes.len() as u32 - 1);
            let Some(node) = self.nodes.pop() else { return };
            match (node.parent, node.run) {
                (Some(parent), Some(run)) => {
                    if let Body::Branch(slots) = &mut self.node_mut(parent).body {
                        let slot = slots.iter_mut().find(|slot| slot.child == Child::Node(id));
                        slot.into_iter().for_each(|slot| slot.child = Child::Page(run.first));
                    }
                }
                _ => self.bucket_mut(bucket).root = None,
            }
        }
    }

    fn position(&self, leaf: NodeId, key: &[u8]) -> Result<(Position, bool)> {
        let Body::Leaf(items) = &self.node(leaf).body else { return Ok((Position::default(), false)) };
        // Keys that come in order go to the end.
        match items.last() {
            Some(last) if compare_keys(last.key(self.sources())?, key).is_lt() => Ok((items.end(), false)),
            _ => items.lower_bound(self.sources(), key),
        }
    }

    fn item(&self, leaf: NodeId, at: Position) -> Option<&Item> {
        match &self.node(leaf).body {
            Body::Leaf(items) => items.get(at),
            Body::Branch(_) => None,
        }
    }
}
