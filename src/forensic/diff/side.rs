//! One of the two states that are compared: what its walk meets, an item at a time.
//!
//! Invariant: no more is held at once than what one leaf has.

use std::collections::VecDeque;
use std::convert::Infallible;

use super::At;
use crate::error::{Corruption, Error, Result};
use crate::format::{BucketRoot, Bytes, Page};
use crate::storage::Storage;
use crate::tree::{BucketAt, Pages, Place, Visitor, Walk};

/// What comes next in a state.
#[derive(Debug)]
pub(super) enum Item<B> {
    /// A pair of the bucket that is open.
    Pair { key: B, value: B, at: At },
    /// A bucket opens.
    Open { name: B, sequence: u64, at: At },
    /// The bucket that opened last closes.
    Close,
    /// Something that cannot be read.
    Damage(Corruption),
}

/// A state, as far as it was not handed out yet.
pub(super) struct Side<'s, S: Storage> {
    walk: Walk<'s, S, Collector<S::Run<'s>>>,
    ended: bool,
}

impl<'s, S: Storage> Side<'s, S> {
    pub fn new(pages: Pages<'s, S>) -> Result<Self> {
        let collector = Collector { items: VecDeque::new(), leaves: vec![None] };
        let walk = Walk::begin(pages, &BucketRoot::Page(pages.meta().root), collector).map_err(Error::from)?;
        Ok(Side { walk, ended: false })
    }

    /// Walks on until there is something to look at, or the end.
    pub fn prepare(&mut self) -> Result<()> {
        while !self.ended && self.walk.visitor().items.is_empty() {
            self.ended = !self.walk.step().map_err(Error::from)?;
        }
        Ok(())
    }

    /// The next item, once it is prepared; `None` at the end.
    pub fn peek(&mut self) -> Option<&Item<S::Run<'s>>> {
        self.walk.visitor().items.front()
    }

    /// Takes the next item, once it is prepared.
    pub fn take(&mut self) -> Option<Item<S::Run<'s>>> {
        self.walk.visitor().items.pop_front()
    }
}

/// Keeps what a walk meets until it is asked for.
struct Collector<B> {
    items: VecDeque<Item<B>>,
    /// The page that was shown last in each bucket that the walk is in, the root bucket first.
    leaves: Vec<Option<Page<B>>>,
}

impl<B: Bytes> Collector<B> {
    /// Where the value of a key lies that is a part of the current leaf: it follows its key.
    fn place(&self, key: &B) -> At {
        let Some(leaf) = self.leaves.last().and_then(Option::as_ref) else { return At::default() };
        let within = key.as_ptr().addr().saturating_sub(leaf.bytes().as_ptr().addr()).saturating_add(key.len());
        At { page: leaf.id(), offset: leaf.offset().saturating_add(u64::try_from(within).unwrap_or(u64::MAX)) }
    }
}

impl<B: Bytes> Visitor<B> for Collector<B> {
    type Stop = Infallible;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), Infallible> {
        let at = self.place(bucket.name);
        self.items.push_back(Item::Open { name: bucket.name.clone(), sequence: bucket.header.sequence, at });
        self.leaves.push(None);
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Infallible> {
        self.items.push_back(Item::Close);
        self.leaves.pop();
        Ok(())
    }

    fn page(&mut self, page: &Page<B>, _: &Place<'_, B>) -> Result<(), Infallible> {
        if let Some(leaf) = self.leaves.last_mut() {
            *leaf = Some(page.clone());
        }
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, _: &Place<'_, B>) -> Result<(), Infallible> {
        let at = self.place(key);
        self.items.push_back(Item::Pair { key: key.clone(), value: value.clone(), at });
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Infallible> {
        self.items.push_back(Item::Damage(corruption));
        Ok(())
    }
}
