//! The runs of a file that were used last.
//!
//! Invariants: what is kept costs at most 1,024 pages and at most 64 MiB, whichever is less; no run costs more than
//! a quarter of that; of two runs at one offset the longer is kept, since it serves both.

use std::collections::{BTreeMap, HashMap};

use crate::format::{Bytes, PageSize, SharedBytes};

/// How many pages are kept.
const PAGES: u64 = 1024;
/// How many bytes are kept, however large a page is.
const BYTES: u64 = 64 << 20;

/// Runs by offset; the one not used for longest goes first.
pub(super) struct Cache {
    runs: HashMap<u64, Cached>,
    by_age: BTreeMap<u64, u64>,
    clock: u64,
    page_size: u64,
    /// The bytes of all runs, each at least a page.
    cost: u64,
    limit: u64,
}

struct Cached {
    run: SharedBytes,
    cost: u64,
    age: u64,
}

impl Cache {
    pub(super) fn new(page_size: PageSize) -> Cache {
        let page_size = page_size.bytes();
        let limit = BYTES.min(page_size.saturating_mul(PAGES));
        Cache { runs: HashMap::new(), by_age: BTreeMap::new(), clock: 0, page_size, cost: 0, limit }
    }

    /// The bytes from `offset` on, where a run that begins there is kept and is long enough.
    pub(super) fn get(&mut self, offset: u64, len: u64) -> Option<SharedBytes> {
        let cached = self.runs.get_mut(&offset)?;
        let part = cached.run.part(0..usize::try_from(len).ok()?)?;
        self.by_age.remove(&cached.age);
        self.clock += 1;
        cached.age = self.clock;
        self.by_age.insert(self.clock, offset);
        Some(part)
    }

    /// Keeps a run, unless it is too long to be kept or part of one that is.
    pub(super) fn put(&mut self, offset: u64, run: SharedBytes) {
        let cost = self.page_size.max(run.len() as u64);
        if cost > self.limit / 4 || self.runs.get(&offset).is_some_and(|kept| kept.run.len() >= run.len()) {
            return;
        }
        self.remove(offset);
        while self.cost + cost > self.limit {
            let Some((_, oldest)) = self.by_age.first_key_value() else { break };
            self.remove(*oldest);
        }
        self.clock += 1;
        self.by_age.insert(self.clock, offset);
        self.runs.insert(offset, Cached { run, cost, age: self.clock });
        self.cost += cost;
    }

    fn remove(&mut self, offset: u64) {
        if let Some(old) = self.runs.remove(&offset) {
            self.by_age.remove(&old.age);
            self.cost -= old.cost;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: PageSize = PageSize::MIN;

    fn run(byte: u8, len: u64) -> SharedBytes {
        SharedBytes::new(vec![byte; len as usize].into())
    }

    #[test]
    fn the_cache_drops_what_was_not_used_for_longest() {
        let mut cache = Cache::new(SMALL);
        for offset in 0..PAGES {
            cache.put(offset, run(1, 1));
        }
        assert!(cache.get(0, 1).is_some());
        cache.put(PAGES, run(2, 1));
        assert!(cache.get(0, 1).is_some(), "used a moment ago");
        assert!(cache.get(1, 1).is_none(), "the oldest");
        assert_eq!(cache.cost, PAGES * SMALL.bytes());
    }

    #[test]
    fn the_cache_never_keeps_more_than_it_may() {
        let mut cache = Cache::new(SMALL);
        for i in 0..5000_u64 {
            cache.put(i % 700, run(0, (i % 300 + 1) * SMALL.bytes()));
            assert!(cache.cost <= PAGES * SMALL.bytes());
            assert_eq!(cache.cost, cache.runs.values().map(|cached| cached.cost).sum::<u64>());
            assert_eq!(cache.runs.len(), cache.by_age.len());
        }
        assert!(cache.runs.values().all(|cached| cached.cost <= PAGES / 4 * SMALL.bytes()));
    }

    #[test]
    fn large_pages_are_counted_by_their_bytes() {
        let mut cache = Cache::new(PageSize::MAX);
        for offset in 0..9 {
            cache.put(offset, run(0, PageSize::MAX.bytes()));
        }
        assert_eq!((cache.runs.len(), cache.cost), (4, BYTES));
        cache.put(9, run(0, PageSize::MAX.bytes() + 1));
        assert!(cache.get(9, 1).is_none(), "more than a quarter");
    }

    #[test]
    fn a_run_serves_its_first_page_and_is_not_replaced_by_it() {
        let mut cache = Cache::new(SMALL);
        cache.put(0, run(1, 512));
        assert!(cache.get(0, 1024).is_none());
        cache.put(0, run(2, 1024));
        cache.put(0, run(3, 512));
        assert_eq!(cache.get(0, 512).unwrap(), run(2, 512));
        assert_eq!(cache.get(0, 1024).unwrap(), run(2, 1024));
        assert_eq!(cache.cost, 1024);
    }
}
