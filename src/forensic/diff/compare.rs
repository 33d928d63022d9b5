//! The comparison itself: two sides in the same bucket, the smaller of two next keys first.

use std::cmp::Ordering;

use super::side::{Item, Side};
use super::{At, Header, Stored, Tally, Tell, Told, Which};
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::storage::Storage;
use crate::tree::Pages;

/// One side, and what is known of it in the bucket that is open.
struct Progress<'s, S: Storage> {
    side: Side<'s, S>,
    level: Level,
    outer: Vec<Level>,
}

/// What one side has shown of a bucket.
#[derive(Default)]
struct Level {
    /// The last key; empty before the first.
    last: Vec<u8>,
    /// Whether something behind it could not be read.
    gap: bool,
}

impl<'s, S: Storage> Progress<'s, S> {
    fn new(pages: Pages<'s, S>) -> Result<Self> {
        Ok(Progress { side: Side::new(pages)?, level: Level::default(), outer: Vec::new() })
    }

    /// The key of the next item of the bucket that is open; `None` where there is none.
    fn key(&mut self) -> Option<&[u8]> {
        self.side.peek().and_then(key_of)
    }

    /// Whether a bucket comes next.
    fn is_at_bucket(&mut self) -> bool {
        matches!(self.side.peek(), Some(Item::Open { .. }))
    }

    /// Whether the next key is not above the one before it.
    fn is_out_of_order(&mut self) -> bool {
        let last = &self.level.last;
        // No key is empty, so the first one is above none.
        self.side.peek().and_then(key_of).is_some_and(|key| !last.is_empty() && key <= &last[..])
    }

    /// Takes the next pair or bucket: what was unreadable before it lies behind.
    fn take(&mut self) -> Result<Option<Item<S::Run<'s>>>> {
        let item = self.side.take();
        if let Some(key) = item.as_ref().and_then(key_of) {
            self.level.last.clear();
            self.level.last.extend_from_slice(key);
            self.level.gap = false;
        }
        self.side.prepare()?;
        Ok(item)
    }

    fn open(&mut self) {
        self.outer.push(std::mem::take(&mut self.level));
    }

    fn close(&mut self) {
        self.level = self.outer.pop().unwrap_or_default();
    }
}

fn key_of<B: std::ops::Deref<Target = [u8]>>(item: &Item<B>) -> Option<&[u8]> {
    match item {
        Item::Pair { key, .. } | Item::Open { name: key, .. } => Some(key),
        Item::Close | Item::Damage(_) => None,
    }
}

pub(super) struct Comparison<'s, 't, S: Storage, E> {
    before: Progress<'s, S>,
    after: Progress<'s, S>,
    /// The buckets that are open on both sides, and those that are open on one.
    buckets: Vec<Vec<u8>>,
    tally: Tally,
    tell: &'t mut Tell<'t, E>,
}

impl<'s, 't, S: Storage, E: From<Error>> Comparison<'s, 't, S, E> {
    pub fn new(before: Pages<'s, S>, after: Pages<'s, S>, tell: &'t mut Tell<'t, E>) -> Result<Self, E> {
        let (mut before, mut after) = (Progress::new(before)?, Progress::new(after)?);
        before.side.prepare()?;
        after.side.prepare()?;
        Ok(Comparison { before, after, buckets: Vec::new(), tally: Tally::default(), tell })
    }

    pub fn run(mut self) -> Result<Tally, E> {
        loop {
            self.settle(Which::Before)?;
            self.settle(Which::After)?;
            match self.turn() {
                Some(Ordering::Less) => self.alone(Which::Before)?,
                Some(Ordering::Greater) => self.alone(Which::After)?,
                Some(Ordering::Equal) => self.both()?,
                None if self.buckets.is_empty() => return Ok(self.tally),
                None => self.close()?,
            }
        }
    }

    /// Which side has the smaller key; `None` where neither has one any more in this bucket.
    fn turn(&mut self) -> Option<Ordering> {
        match (self.before.key(), self.after.key()) {
            (Some(before), Some(after)) => Some(before.cmp(after)),
            (Some(_), None) => Some(Ordering::Less),
            (None, Some(_)) => Some(Ordering::Greater),
            (None, None) => None,
        }
    }

    /// Tells of what cannot be read, or is not where it can be compared, until there is something else.
    fn settle(&mut self, which: Which) -> Result<(), E> {
        loop {
            let progress = self.side(which);
            if progress.is_out_of_order() {
                let at = self.misplaced(which)?;
                let corruption = CorruptionKind::PageOrder.at_offset(at.page, at.offset);
                self.damage(which, corruption)?;
            } else if matches!(progress.side.peek(), Some(Item::Damage(_))) {
                if let Some(Item::Damage(corruption)) = progress.take()? {
                    self.damage(which, corruption)?;
                }
            } else {
                return Ok(());
            }
        }
    }

    fn damage(&mut self, which: Which, corruption: Corruption) -> Result<(), E> {
        self.side(which).level.gap = true;
        self.tally.damaged = self.tally.damaged.saturating_add(1);
        (self.tell)(&self.buckets, Told::Damage { which, corruption })
    }

    /// Passes over an item whose key belongs before one that was shown already, and says where it lies.
    fn misplaced(&mut self, which: Which) -> Result<At, E> {
        let progress = self.side(which);
        let last = std::mem::take(&mut progress.level.last);
        let at = match progress.take()? {
            Some(Item::Open { at, .. }) => {
                self.pass_over(which)?;
                at
            }
            Some(Item::Pair { at, .. }) => at,
            _ => At::default(),
        };
        self.side(which).level.last = last;
        Ok(at)
    }

    /// Goes to the end of the bucket that one side has just opened; only what is damaged in it is told.
    fn pass_over(&mut self, which: Which) -> Result<(), E> {
        let mut open = 1_u64;
        self.side(which).open();
        while open > 0 {
            match self.side(which).take()? {
                Some(Item::Open { .. }) => open = open.saturating_add(1),
                Some(Item::Close) => open = open.saturating_sub(1),
                Some(Item::Damage(corruption)) => self.damage(which, corruption)?,
                Some(Item::Pair { .. }) => {}
                None => break,
            }
        }
        self.side(which).close();
        Ok(())
    }

    /// Takes what only one side has: a pair, or a bucket with all that it holds.
    fn alone(&mut self, which: Which) -> Result<(), E> {
        if self.other(which).level.gap {
            self.tally.uncompared = self.tally.uncompared.saturating_add(1);
            return match self.side(which).take()? {
                Some(Item::Open { .. }) => self.pass_over(which),
                _ => Ok(()),
            };
        }
        let depth = self.buckets.len();
        loop {
            match self.side(which).take()? {
                Some(Item::Pair { key, value, at }) => self.only(which, &key, &value, at)?,
                Some(Item::Open { name, sequence, at }) => self.only_bucket(which, &name, Header { sequence, at })?,
                Some(Item::Close) => {
                    self.buckets.pop();
                    self.side(which).close();
                }
                Some(Item::Damage(corruption)) => self.damage(which, corruption)?,
                None => return Ok(()),
            }
            if self.buckets.len() <= depth {
                return Ok(());
            }
        }
    }

    fn only(&mut self, which: Which, key: &[u8], value: &[u8], at: At) -> Result<(), E> {
        let stored = Some(Stored { value, at });
        self.count(which);
        let told = match which {
            Which::Before => Told::Pair { key, before: stored, after: None },
            Which::After => Told::Pair { key, before: None, after: stored },
        };
        (self.tell)(&self.buckets, told)
    }

    fn only_bucket(&mut self, which: Which, name: &[u8], header: Header) -> Result<(), E> {
        self.count(which);
        let told = match which {
            Which::Before => Told::Bucket { name, before: Some(header), after: None },
            Which::After => Told::Bucket { name, before: None, after: Some(header) },
        };
        (self.tell)(&self.buckets, told)?;
        self.buckets.push(name.to_vec());
        self.side(which).open();
        Ok(())
    }

    fn count(&mut self, which: Which) {
        let count = match which {
            Which::Before => &mut self.tally.removed,
            Which::After => &mut self.tally.added,
        };
        *count = count.saturating_add(1);
    }

    /// Takes what both sides have under one key.
    fn both(&mut self) -> Result<(), E> {
        if self.before.is_at_bucket() != self.after.is_at_bucket() {
            // A value and a bucket are two things, the one gone and the other new.
            (self.before.level.gap, self.after.level.gap) = (false, false);
            self.alone(Which::Before)?;
            return self.alone(Which::After);
        }
        match (self.before.take()?, self.after.take()?) {
            (Some(Item::Pair { key, value, at }), Some(Item::Pair { value: new, at: new_at, .. })) if *value != *new => {
                self.tally.changed = self.tally.changed.saturating_add(1);
                let (before, after) = (Stored { value: &value, at }, Stored { value: &new, at: new_at });
                (self.tell)(&self.buckets, Told::Pair { key: &key, before: Some(before), after: Some(after) })
            }
            (Some(Item::Open { name, sequence, at }), Some(Item::Open { sequence: new, at: new_at, .. })) => {
                if sequence != new {
                    self.tally.changed = self.tally.changed.saturating_add(1);
                    let (before, after) = (Header { sequence, at }, Header { sequence: new, at: new_at });
                    (self.tell)(&self.buckets, Told::Bucket { name: &name, before: Some(before), after: Some(after) })?;
                }
                self.buckets.push(name.to_vec());
                self.before.open();
                self.after.open();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Closes a bucket that both sides have come to the end of.
    fn close(&mut self) -> Result<(), E> {
        self.buckets.pop();
        for which in [Which::Before, Which::After] {
            let progress = self.side(which);
            progress.take()?;
            progress.close();
        }
        Ok(())
    }

    fn side(&mut self, which: Which) -> &mut Progress<'s, S> {
        match which {
            Which::Before => &mut self.before,
            Which::After => &mut self.after,
        }
    }

    fn other(&mut self, which: Which) -> &mut Progress<'s, S> {
        match which {
            Which::Before => &mut self.after,
            Which::After => &mut self.before,
        }
    }
}
