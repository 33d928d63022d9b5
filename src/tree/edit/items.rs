//! The elements of an edited leaf, in key order.
//!
//! They are kept in chunks of bounded length, so that an insert costs the same however far a leaf has outgrown its
//! page: leaves are cut into pages only when the transaction is committed.
//!
//! Invariants: no chunk is empty, and keys ascend from chunk to chunk.

use super::arena::{Place, Sources};
use crate::error::Result;
use crate::format::{BUCKET_FLAG, ELEMENT_SIZE, compare_keys};

/// One element: its key, and directly behind it its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) key_len: u32,
    pub(super) value_len: u32,
    pub(super) flags: u32,
}

impl Item {
    /// The bytes it takes on a page.
    pub(super) fn size(&self) -> u64 {
        ELEMENT_SIZE as u64 + u64::from(self.key_len) + u64::from(self.value_len)
    }

    pub(super) fn is_bucket(&self) -> bool {
        self.flags & BUCKET_FLAG != 0
    }

    pub(super) fn key<'a>(&self, sources: Sources<'a>) -> Result<&'a [u8]> {
        sources.bytes(self.place, self.key_len)
    }

    pub(super) fn value<'a>(&self, sources: Sources<'a>) -> Result<&'a [u8]> {
        sources.bytes(self.value_place(), self.value_len)
    }

    pub(super) fn value_place(&self) -> Place {
        self.place.skip(u64::from(self.key_len))
    }
}

/// A chunk is cut in two when it would grow longer.
const LONGEST_CHUNK: usize = 512;

/// The position of an element: its chunk, and its index there. Behind the last one it is the end of the last chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    chunk: usize,
    index: usize,
}

/// Elements in key order.
#[derive(Debug, Default)]
pub(super) struct Items {
    chunks: Vec<Vec<Item>>,
    len: usize,
}

impl Items {
    pub(super) fn of(items: Vec<Item>) -> Items {
        let len = items.len();
        Items { chunks: if items.is_empty() { Vec::new() } else { vec![items] }, len }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn last(&self) -> Option<&Item> {
        self.chunks.last()?.last()
    }

    pub(super) fn get(&self, at: Position) -> Option<&Item> {
        self.chunks.get(at.chunk)?.get(at.index)
    }

    /// The position behind the last element.
    pub(super) fn end(&self) -> Position {
        let chunk = self.chunks.len().saturating_sub(1);
        Position { chunk, index: self.chunks.last().map_or(0, Vec::len) }
    }

    /// The position at or behind this one that an element is on, if there is one.
    pub(super) fn at_or_after(&self, at: Position) -> Option<Position> {
        let next = Position { chunk: at.chunk + 1, index: 0 };
        [at, next].into_iter().find(|at| self.get(*at).is_some())
    }

    /// The position before this one.
    pub(super) fn before(&self, at: Position) -> Option<Position> {
        match at.index.checked_sub(1) {
            Some(index) => Some(Position { index, ..at }),
            None => {
                let chunk = at.chunk.checked_sub(1)?;
                Some(Position { chunk, index: self.chunks.get(chunk)?.len().checked_sub(1)? })
            }
        }
    }

    /// The position behind this one, whether an element is on it or not.
    pub(super) fn after(&self, at: Position) -> Position {
        Position { index: at.index + 1, ..at }
    }

    /// The first position whose key is not below `key`, and whether it is equal to it.
    pub(super) fn lower_bound(&self, sources: Sources<'_>, key: &[u8]) -> Result<(Position, bool)> {
        let (mut low, mut high) = (0, self.chunks.len());
        while high - low > 1 {
            let middle = low.midpoint(high);
            match self.chunks[middle][0].key(sources)? <= key {
                true => low = middle,
                false => high = middle,
            }
        }
        let Some(chunk) = self.chunks.get(low) else { return Ok((Position::default(), false)) };
        let (mut from, mut to) = (0, chunk.len());
        while from < to {
            let middle = from.midpoint(to);
            match compare_keys(chunk[middle].key(sources)?, key) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Ok((Position { chunk: low, index: middle }, true)),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Ok((Position { chunk: low, index: from }, false))
    }

    /// Puts an element before the one at a position.
    pub(super) fn insert(&mut self, at: Position, item: Item) {
        self.len += 1;
        let is_last = at.chunk + 1 >= self.chunks.len();
        let Some(chunk) = self.chunks.get_mut(at.chunk) else {
            self.chunks.push(vec![item]);
            return;
        };
        if chunk.len() < LONGEST_CHUNK {
            chunk.insert(at.index, item);
        } else if is_last && at.index == LONGEST_CHUNK {
            // Keys that come in order fill their chunks.
            self.chunks.push(vec![item]);
        } else {
            let mut upper = chunk.split_off(LONGEST_CHUNK / 2);
            match at.index.checked_sub(LONGEST_CHUNK / 2) {
                Some(index) => upper.insert(index, item),
                None => chunk.insert(at.index, item),
            }
            self.chunks.insert(at.chunk + 1, upper);
        }
    }

    /// Puts another element where there is one, and gives that one back.
    pub(super) fn replace(&mut self, at: Position, item: Item) -> Item {
        std::mem::replace(&mut self.chunks[at.chunk][at.index], item)
    }

    /// Takes an element away.
    pub(super) fn remove(&mut self, at: Position) -> Item {
        self.len -= 1;
        let item = self.chunks[at.chunk].remove(at.index);
        if self.chunks[at.chunk].is_empty() {
            self.chunks.remove(at.chunk);
        }
        item
    }

    /// Puts the elements of another leaf behind these.
    pub(super) fn append(&mut self, mut other: Items) {
        self.len += other.len;
        match (self.chunks.last_mut(), other.chunks.first_mut()) {
            (Some(last), Some(first)) if last.len() + first.len() <= LONGEST_CHUNK => {
                last.append(first);
                self.chunks.extend(other.chunks.drain(1..));
            }
            _ => self.chunks.append(&mut other.chunks),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.chunks.iter().flatten()
    }

    /// The elements, once they are [in one piece](Self::into_vec).
    pub(super) fn as_slice(&self) -> &[Item] {
        self.chunks.first().map_or(&[], Vec::as_slice)
    }

    /// All elements in one piece, as they are cut into pages.
    pub(super) fn into_vec(mut self) -> Vec<Item> {
        if self.chunks.len() == 1 {
            return self.chunks.pop().unwrap_or_default();
        }
        self.chunks.concat()
    }
}
