//! Reading through the changes of a transaction: what was edited from its nodes, the rest from the committed pages.

use std::cmp::Ordering;
use std::ops::Bound;

use super::arena::Place;
use super::items::Item;
use super::node::{Body, Child, NodeId, child_index};
use super::{BucketId, Edit, Stored};
use crate::error::{CorruptionKind, Result};
use crate::format::{BucketHeader, LeafElement, PageId, compare_keys};
use crate::storage::Medium;
use crate::tree::{Bucket, Pages};

/// An entry of a bucket, and the page to name where its value is damaged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbour<'e> {
    pub(crate) element: LeafElement<&'e [u8]>,
    pub(super) host: PageId,
    pub(super) value: Place,
}

/// A bucket as it is seen from inside a transaction that writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'e> {
    /// Nothing in it was opened for writing.
    Committed(Bucket<'e, Medium>),
    /// It was opened, so what was changed there is seen.
    Edited(BucketId),
}

/// Which way to look for a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl Edit {
    /// The element of a key.
    pub(crate) fn find(&self, bucket: BucketId, key: &[u8]) -> Result<Option<Neighbour<'_>>> {
        let Some(mut node) = self.bucket(bucket).root else { return find_committed(self.committed(bucket)?, key) };
        loop {
            match &self.node(node).body {
                Body::Leaf(items) => {
                    let (at, found) = items.lower_bound(self.sources(), key)?;
                    let item = items.get(at).filter(|_| found);
                    return item.map(|item| self.neighbour(node, item)).transpose();
                }
                Body::Branch(slots) => match slots[child_index(slots, self.sources(), key)?].child {
                    Child::Node(child) => node = child,
                    Child::Page(page) => {
                        let pages = self.base.pages();
                        pages.prefetch_to_search(page);
                        return find_committed(Bucket::below(pages, page), key);
                    }
                },
            }
        }
    }

    /// The first element from a bound on.
    pub(crate) fn first_from(&self, bucket: BucketId, from: Bound<&[u8]>) -> Result<Option<Neighbour<'_>>> {
        self.outermost(bucket, from, Way::Up)
    }

    /// The last element up to a bound.
    pub(crate) fn last_up_to(&self, bucket: BucketId, to: Bound<&[u8]>) -> Result<Option<Neighbour<'_>>> {
        self.outermost(bucket, to, Way::Down)
    }

    /// The bucket that an element of another bucket is.
    pub(crate) fn view(&self, parent: BucketId, found: Neighbour<'_>) -> Result<View<'_>> {
        match self.bucket(parent).children.get(found.element.key) {
            Some(child) => Ok(View::Edited(*child)),
            None => {
                let len = found.element.value.len() as u32;
                let stored = Stored::Value { place: found.value, len, host: found.host };
                Ok(View::Committed(self.stored(stored)?.0))
            }
        }
    }

    pub(crate) fn sequence(&self, bucket: BucketId) -> u64 {
        self.bucket(bucket).sequence
    }

    /// The bucket as it was committed, or as it was created.
    pub(super) fn committed(&self, bucket: BucketId) -> Result<Bucket<'_, Medium>> {
        Ok(self.stored(self.bucket(bucket).stored)?.0)
    }

    /// The bucket that is stored somewhere, and its sequence.
    pub(super) fn stored(&self, stored: Stored) -> Result<(Bucket<'_, Medium>, u64)> {
        let pages: Pages<'_, Medium> = self.base.pages();
        match stored {
            Stored::Root(page) => Ok((Bucket::below(pages, page), self.base.meta.root_sequence)),
            Stored::Value { place, len, host } => {
                let value = self.sources().bytes(place, len.into())?;
                let offset = place.offset().unwrap_or(0);
                let header = BucketHeader::parse(value, 0, host, offset, self.base.layout.endian)?;
                let sequence = header.sequence;
                Ok((Bucket::from_header(pages, header), sequence))
            }
        }
    }

    fn outermost(&self, bucket: BucketId, bound: Bound<&[u8]>, way: Way) -> Result<Option<Neighbour<'_>>> {
        let found = match self.bucket(bucket).root {
            Some(node) => self.outermost_below(Child::Node(node), bound, way)?,
            None => outermost_committed(self.committed(bucket)?, bound, way)?,
        };
        match found {
            // Whoever goes on from there would go round in a circle.
            Some(found) if !is_beyond(found.element.key, bound, way) => Err(CorruptionKind::PageOrder.at(found.host).into()),
            found => Ok(found),
        }
    }

    fn outermost_below(&self, child: Child, bound: Bound<&[u8]>, way: Way) -> Result<Option<Neighbour<'_>>> {
        let node = match child {
            Child::Page(page) => return outermost_committed(Bucket::below(self.base.pages(), page), bound, way),
            Child::Node(node) => node,
        };
        let slots = match &self.node(node).body {
            Body::Leaf(_) => return self.outermost_on_leaf(node, bound, way),
            Body::Branch(slots) => slots,
        };
        let start = match (bound, way) {
            (Bound::Included(key) | Bound::Excluded(key), _) => child_index(slots, self.sources(), key)?,
            (Bound::Unbounded, Way::Up) => 0,
            (Bound::Unbounded, Way::Down) => slots.len().saturating_sub(1),
        };
        let order: &mut dyn Iterator<Item = usize> = match way {
            Way::Up => &mut (start..slots.len()),
            Way::Down => &mut (0..=start).rev(),
        };
        for at in order {
            // Beyond the first child, all keys are on the right side of the bound.
            let bound = if at == start { bound } else { Bound::Unbounded };
            if let Some(found) = slots.get(at).map(|slot| self.outermost_below(slot.child, bound, way)).transpose()?.flatten() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn outermost_on_leaf(&self, node: NodeId, bound: Bound<&[u8]>, way: Way) -> Result<Option<Neighbour<'_>>> {
        let Body::Leaf(items) = &self.node(node).body else { return Ok(None) };
        let (at, found) = match (bound, way) {
            (Bound::Included(key) | Bound::Excluded(key), _) => items.lower_bound(self.sources(), key)?,
            (Bound::Unbounded, Way::Up) => Default::default(),
            (Bound::Unbounded, Way::Down) => (items.end(), false),
        };
        let included = matches!(bound, Bound::Included(_));
        let at = match way {
            Way::Up => items.at_or_after(if found && !included { items.after(at) } else { at }),
            Way::Down if found && included => Some(at),
            Way::Down => items.before(at),
        };
        at.and_then(|at| items.get(at)).map(|item| self.neighbour(node, item)).transpose()
    }

    /// The smallest key below a committed page, and where it lies.
    pub(super) fn smallest_below(&self, page: PageId) -> Result<Option<(Place, &[u8])>> {
        let bucket = Bucket::below(self.base.pages(), page);
        let found = outermost_committed(bucket, Bound::Unbounded, Way::Up)?;
        Ok(found.map(|found| (found.value.back(found.element.key.len() as u64), found.element.key)))
    }

    fn neighbour(&self, node: NodeId, item: &Item) -> Result<Neighbour<'_>> {
        let sources = self.sources();
        let element = LeafElement { flags: item.flags, key: item.key(sources)?, value: item.value(sources)? };
        let host = self.node(node).run.map_or(PageId(0), |run| run.first);
        Ok(Neighbour { element, host, value: item.value_place() })
    }
}

/// Whether a key is where a look-up from a bound on is to find it. On pages whose keys do not ascend it may not be.
fn is_beyond(key: &[u8], bound: Bound<&[u8]>, way: Way) -> bool {
    let (order, included) = match bound {
        Bound::Unbounded => return true,
        Bound::Included(bound) => (compare_keys(key, bound), true),
        Bound::Excluded(bound) => (compare_keys(key, bound), false),
    };
    match (order, way) {
        (Ordering::Equal, _) => included,
        (Ordering::Greater, way) => way == Way::Up,
        (Ordering::Less, way) => way == Way::Down,
    }
}

fn find_committed<'e>(bucket: Bucket<'e, Medium>, key: &[u8]) -> Result<Option<Neighbour<'e>>> {
    let leaf = bucket.leaf_for(key)?;
    let (at, true) = leaf.lower_bound(key)? else { return Ok(None) };
    let value = Place::in_file(leaf.value_offset(at));
    Ok(Some(Neighbour { element: leaf.element(at)?, host: leaf.page().id(), value }))
}

fn outermost_committed<'e>(bucket: Bucket<'e, Medium>, bound: Bound<&[u8]>, way: Way) -> Result<Option<Neighbour<'e>>> {
    let mut cursor = bucket.cursor();
    match (bound, way) {
        (Bound::Unbounded, Way::Up) => cursor.move_first()?,
        (Bound::Unbounded, Way::Down) => cursor.move_last()?,
        (Bound::Included(key) | Bound::Excluded(key), _) => {
            cursor.move_to(key)?;
            let exact = cursor.key()? == Some(key);
            let included = matches!(bound, Bound::Included(_));
            let there = match way {
                Way::Up if exact && !included => cursor.advance()?,
                Way::Down if !(exact && included) => cursor.retreat()?,
                _ => cursor.key()?.is_some(),
            };
            if !there {
                return Ok(None);
            }
        }
    }
    Ok(cursor.located()?.map(|(element, host, offset)| Neighbour { element, host, value: Place::in_file(offset) }))
}
