//! Pairs that are kept already.
//!
//! Where nothing tells whether a page is free, it may be an older version of one that is in use, with mostly the same
//! pairs. Such a pair, the same in key and value as one that is kept, is not brought again.
//!
//! Invariant: memory is bounded by the pairs of the pages in doubt, a few bytes each, however large the rest is.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::Recovery;
use super::group::Group;
use super::job::Job;
use super::sink::Sink;
use crate::error::Result;
use crate::format::SharedBytes;

/// The pairs of pages in doubt that the state has too, by hashes that nobody can foresee.
#[derive(Debug)]
pub(super) struct Twins {
    random: RandomState,
    in_state: HashSet<u64>,
    /// Those that were brought since the last beginning.
    brought: RefCell<HashSet<u64>>,
}

impl Twins {
    /// Finds the pairs of a group that are in the state.
    pub fn find(recovery: &Recovery<'_>, group: &mut Group) -> Result<Twins> {
        let random = RandomState::new();
        let mut wanted = Collect { random: &random, hashes: HashSet::new() };
        group.begin(&recovery.strays);
        Job::new(recovery, &mut wanted).rehearse(group, 0..group.entries.len())?;
        let mut shared = Match { random: &random, wanted: &wanted.hashes, found: HashSet::new() };
        Job::new(recovery, &mut shared).take_state()?;
        let in_state = shared.found;
        Ok(Twins { random, in_state, brought: RefCell::default() })
    }

    pub fn begin(&self) {
        self.brought.borrow_mut().clear();
    }

    /// Whether a pair is kept already. From now on it is.
    pub fn has(&self, key: &[u8], value: &[u8]) -> bool {
        let hash = self.random.hash_one((key, value));
        self.in_state.contains(&hash) || !self.brought.borrow_mut().insert(hash)
    }
}

/// The hashes of all pairs.
struct Collect<'r> {
    random: &'r RandomState,
    hashes: HashSet<u64>,
}

/// Those of all pairs that are among others.
struct Match<'r> {
    random: &'r RandomState,
    wanted: &'r HashSet<u64>,
    found: HashSet<u64>,
}

impl Sink for Collect<'_> {
    fn begin(&mut self, _: SharedBytes, _: u64) -> Result<()> {
        Ok(())
    }

    fn put(&mut self, key: SharedBytes, value: SharedBytes) -> Result<()> {
        self.hashes.insert(self.random.hash_one((&*key, &*value)));
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Sink for Match<'_> {
    fn begin(&mut self, _: SharedBytes, _: u64) -> Result<()> {
        Ok(())
    }

    fn put(&mut self, key: SharedBytes, value: SharedBytes) -> Result<()> {
        let hash = self.random.hash_one((&*key, &*value));
        if self.wanted.contains(&hash) {
            self.found.insert(hash);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}
