//! The elements of an edited leaf, in key order.
//!
//! They are kept in chunks of bounded length, so that an insert costs the same however far a leaf has outgrown its
//! page: leaves are cut into pages only when the transaction is committed.
//!
//! Invariants: no chunk is empty, the first one apart where there are no elements at all, and keys ascend from chunk to
//! chunk. Most leaves have one chunk, which costs no list of its own.

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
        ELEMENT_SIZE as u64 + self.len()
    }

    /// The bytes of key and value.
    pub(super) fn len(&self) -> u64 {
        u64::from(self.key_len) + u64::from(self.value_len)
    }

    /// The place behind the value.
    pub(super) fn end(&self) -> Place {
        self.place.skip(self.len())
    }

    pub(super) fn is_bucket(&self) -> bool {
        self.flags & BUCKET_FLAG != 0
    }

    pub(super) fn key<'a>(&self, sources: Sources<'a>) -> Result<&'a [u8]> {
        sources.bytes(self.place, self.key_len.into())
    }

    pub(super) fn value<'a>(&self, sources: Sources<'a>) -> Result<&'a [u8]> {
        sources.bytes(self.value_place(), self.value_len.into())
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
    first: Vec<Item>,
    more: Vec<Vec<Item>>,
}

impl Items {
    pub(super) fn of(items: Vec<Item>) -> Items {
        Items { first: items, more: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.first.len() + self.more.iter().map(Vec::len).sum::<usize>()
    }

    fn chunk(&self, at: usize) -> Option<&Vec<Item>> {
        match at.checked_sub(1) {
            None => Some(&self.first),
            Some(at) => self.more.get(at),
        }
    }

    fn chunk_mut(&mut self, at: usize) -> Option<&mut Vec<Item>> {
        match at.checked_sub(1) {
            None => Some(&mut self.first),
            Some(at) => self.more.get_mut(at),
        }
    }

    pub(super) fn last(&self) -> Option<&Item> {
        self.more.last().unwrap_or(&self.first).last()
    }

    pub(super) fn get(&self, at: Position) -> Option<&Item> {
        self.chunk(at.chunk)?.get(at.index)
    }

    /// The position behind the last element.
    pub(super) fn end(&self) -> Position {
        Position { chunk: self.more.len(), index: self.more.last().unwrap_or(&self.first).len() }
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
                Some(Position { chunk, index: self.chunk(chunk)?.len().checked_sub(1)? })
            }
        }
    }

    /// The position behind this one, whether an element is on it or not.
    pub(super) fn after(&self, at: Position) -> Position {
        Position { index: at.index + 1, ..at }
    }

    /// The first position whose key is not below `key`, and whether it is equal to it.
    pub(super) fn lower_bound(&self, sources: Sources<'_>, key: &[u8]) -> Result<(Position, bool)> {
        let (mut low, mut high) = (0, self.more.len() + 1);
        while high - low > 1 {
            let middle = low.midpoint(high);
            match compare_keys(self.more[middle - 1][0].key(sources)?, key).is_le() {
                true => low = middle,
                false => high = middle,
            }
        }
        let chunk = self.chunk(low).unwrap_or(&self.first);
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
        let is_last = at.chunk == self.more.len();
        let Some(chunk) = self.chunk_mut(at.chunk) else { return };
        if chunk.len() < LONGEST_CHUNK {
            chunk.insert(at.index, item);
        } else if is_last && at.index == chunk.len() {
            // Keys that come in order fill their chunks.
            self.more.push(vec![item]);
        } else {
            let half = chunk.len() / 2;
            let mut upper = chunk.split_off(half);
            match at.index.checked_sub(half) {
                Some(index) => upper.insert(index, item),
                None => chunk.insert(at.index, item),
            }
            self.more.insert(at.chunk, upper);
        }
    }

    /// Puts another element where there is one, and gives that one back.
    pub(super) fn replace(&mut self, at: Position, item: Item) -> Option<Item> {
        let place = self.chunk_mut(at.chunk)?.get_mut(at.index)?;
        Some(std::mem::replace(place, item))
    }

    /// Takes an element away.
    pub(super) fn remove(&mut self, at: Position) -> Option<Item> {
        let chunk = self.chunk_mut(at.chunk).filter(|chunk| at.index < chunk.len())?;
        let item = chunk.remove(at.index);
        if chunk.is_empty() && !self.more.is_empty() {
            // The next chunk takes the place of the first.
            let gone = self.more.remove(at.chunk.saturating_sub(1));
            if at.chunk == 0 {
                self.first = gone;
            }
        }
        Some(item)
    }

    /// Puts the elements of another leaf behind these.
    pub(super) fn append(&mut self, mut other: Items) {
        let last = self.more.last_mut().unwrap_or(&mut self.first);
        if last.is_empty() || other.first.is_empty() || last.len() + other.first.len() <= LONGEST_CHUNK {
            last.append(&mut other.first);
        } else {
            self.more.push(other.first);
        }
        self.more.append(&mut other.more);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.first.iter().chain(self.more.iter().flatten())
    }

    /// Puts all elements in one piece, as they are cut into pages.
    pub(super) fn join(&mut self) {
        self.first.reserve(self.more.iter().map(Vec::len).sum());
        self.more.drain(..).for_each(|chunk| self.first.extend(chunk));
    }

    /// The elements, once they are [in one piece](Self::join).
    pub(super) fn as_slice(&self) -> &[Item] {
        &self.first
    }
}
