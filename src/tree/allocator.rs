//! Which pages a write transaction may hand out, and when a page that was freed may be used again.
//!
//! A run that was allocated by transaction A and freed by F is used by every state from A up to F-1. It may be
//! handed out again once F is committed and no reader of one of those states is left. For runs that were there when
//! the database was opened, A is not known and taken for 0.
//!
//! Invariant: the free set, the waiting runs and the pages in use are disjoint. Nothing here changes for good before
//! a commit has succeeded: what it took goes back by [`Allocator::undo`].

use std::collections::BTreeMap;

use super::edit::Run;
use super::free_set::{FreeSet, PageBits};
use crate::error::{CorruptionKind, Result};
use crate::format::{PageId, TxId};

/// The free pages of a database that is being written.
#[derive(Debug)]
pub(crate) struct Allocator {
    free: FreeSet,
    /// Freed runs that nobody has looked at since.
    waiting: Vec<Freed>,
    /// Freed runs by a reader that still needs them.
    needed: BTreeMap<TxId, Vec<Freed>>,
    waiting_pages: u64,
    born: Births,
    opened: TxId,
}

/// By the first page of a run: how many transactions after the opening it was allocated, 0 where before. Parts of the
/// file in which nothing was allocated take no memory.
#[derive(Debug, Default)]
struct Births(Vec<Option<Box<[u32; PART]>>>);

const PART: usize = 1024;

impl Births {
    fn of(&self, first: PageId) -> u32 {
        let at = first.0 as usize;
        self.0.get(at / PART).and_then(Option::as_ref).map_or(0, |part| part[at % PART])
    }

    fn set(&mut self, first: PageId, number: u32) {
        let at = first.0 as usize;
        if at / PART >= self.0.len() {
            self.0.resize_with(at / PART + 1, || None);
        }
        self.0[at / PART].get_or_insert_with(|| Box::new([0; PART]))[at % PART] = number;
    }
}

/// A run that was freed, and the transactions that use it: from `allocated` on, before `freed`.
#[derive(Debug, Clone, Copy)]
struct Freed {
    run: Run,
    allocated: TxId,
    freed: TxId,
}

/// A run that a transaction has taken, and whether from the free pages or from beyond the high-water mark.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    run: Run,
    was_free: bool,
}

impl Allocator {
    /// The free pages of the state that the database was opened with.
    pub(crate) fn new(free: PageBits, opened: TxId) -> Allocator {
        Allocator {
            free: FreeSet::of(free),
            waiting: Vec::new(),
            needed: BTreeMap::new(),
            waiting_pages: 0,
            born: Births::default(),
            opened,
        }
    }

    /// Makes free what no reader needs any more. `readers` are the states that are still read, ascending, the current
    /// one apart.
    pub(crate) fn release(&mut self, readers: &[TxId]) {
        let gone: Vec<TxId> = self.needed.keys().copied().filter(|reader| readers.binary_search(reader).is_err()).collect();
        for reader in gone {
            self.waiting.extend(self.needed.remove(&reader).unwrap_or_default());
        }
        for freed in std::mem::take(&mut self.waiting) {
            let next = readers.partition_point(|reader| *reader < freed.allocated);
            match readers.get(next).filter(|reader| **reader < freed.freed) {
                Some(reader) => self.needed.entry(*reader).or_default().push(freed),
                None => {
                    self.waiting_pages -= freed.run.pages;
                    self.free.insert(freed.run.first, freed.run.pages);
                }
            }
        }
    }

    /// Takes a run: the lowest that is free, else from the high-water mark on.
    pub(crate) fn take(&mut self, pages: u64, high_water: &mut PageId) -> Taken {
        match self.free.take(pages) {
            Some(first) => Taken { run: Run { first, pages }, was_free: true },
            None => {
                let first = *high_water;
                high_water.0 += pages;
                Taken { run: Run { first, pages }, was_free: false }
            }
        }
    }

    /// Gives back what was taken.
    pub(crate) fn undo(&mut self, taken: &[Taken]) {
        for Taken { run, .. } in taken.iter().filter(|taken| taken.was_free) {
            self.free.insert(run.first, run.pages);
        }
    }

    /// Tests that none of these pages is free already: whoever frees it again would lose what is there by then.
    pub(crate) fn none_free(&self, runs: &[Run]) -> Result<()> {
        let pages = runs.iter().flat_map(|run| (run.first.0..run.first.0 + run.pages).map(PageId));
        match pages.into_iter().find(|page| self.free.contains(*page)) {
            Some(page) => Err(CorruptionKind::ReachableFree.at(page).into()),
            None => Ok(()),
        }
    }

    /// How many pages are free or will be, with those that a transaction has freed.
    pub(crate) fn count(&self, freed: &[Run]) -> u64 {
        self.free.len() + self.waiting_pages + freed.iter().map(|run| run.pages).sum::<u64>()
    }

    /// All of them, as they are stored: nobody reads an old state after the database is opened again.
    pub(crate) fn list(&self, freed: &[Run]) -> PageBits {
        let mut pages = self.free.pages();
        let waiting = self.waiting.iter().chain(self.needed.values().flatten()).map(|freed| &freed.run);
        waiting.chain(freed).for_each(|run| pages.insert(run.first, run.pages));
        pages
    }

    /// Notes what a transaction that is committed now took and freed.
    pub(crate) fn committed(&mut self, txid: TxId, taken: &[Taken], freed: &[Run]) {
        for run in freed {
            self.waiting_pages += run.pages;
            let allocated = self.allocated(run.first);
            self.waiting.push(Freed { run: *run, allocated, freed: txid });
        }
        let number = u32::try_from(txid.0.saturating_sub(self.opened.0)).unwrap_or(0);
        for Taken { run, .. } in taken {
            self.born.set(run.first, number);
        }
    }

    /// Pages that are free now, and pages that wait for readers.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.free.len(), self.waiting_pages)
    }

    fn allocated(&self, first: PageId) -> TxId {
        match self.born.of(first) {
            0 => TxId(0),
            number => TxId(self.opened.0 + u64::from(number)),
        }
    }
}

impl Taken {
    pub(crate) fn run(&self) -> Run {
        self.run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first: u64) -> Run {
        Run { first: PageId(first), pages: 1 }
    }

    #[test]
    fn a_run_waits_for_exactly_the_readers_of_the_states_that_use_it() {
        let mut allocator = Allocator::new(PageBits::default(), TxId(10));
        let mut end = PageId(100);
        let taken = allocator.take(1, &mut end);
        allocator.committed(TxId(12), &[taken], &[]);
        allocator.committed(TxId(15), &[], &[taken.run()]);
        // States 12, 13 and 14 use it.
        for readers in [&[TxId(12)][..], &[TxId(11), TxId(14), TxId(15)], &[TxId(13)]] {
            allocator.release(readers);
            assert_eq!(allocator.counts(), (0, 1), "readers {readers:?}");
        }
        allocator.release(&[TxId(11), TxId(15)]);
        assert_eq!(allocator.counts(), (1, 0));
        assert_eq!(allocator.take(1, &mut end).run(), taken.run());
    }

    #[test]
    fn a_run_of_unknown_age_waits_for_every_older_reader() {
        let mut allocator = Allocator::new(PageBits::default(), TxId(10));
        allocator.committed(TxId(11), &[], &[run(5)]);
        allocator.release(&[TxId(10)]);
        assert_eq!(allocator.counts(), (0, 1));
        assert_eq!(allocator.list(&[run(7)]).iter().collect::<Vec<_>>(), [PageId(5), PageId(7)]);
        allocator.release(&[]);
        assert_eq!(allocator.counts(), (1, 0));
    }

    #[test]
    fn what_a_failed_transaction_took_is_free_again() {
        let mut allocator = Allocator::new(PageBits::collect([4, 5, 9].map(PageId).into_iter(), PageId(20)), TxId(1));
        let mut end = PageId(20);
        let taken = [allocator.take(2, &mut end), allocator.take(2, &mut end), allocator.take(1, &mut end)];
        assert_eq!(taken.map(|taken| taken.run().first), [PageId(4), PageId(20), PageId(9)]);
        allocator.undo(&taken);
        assert_eq!(allocator.list(&[]).iter().collect::<Vec<_>>(), [PageId(4), PageId(5), PageId(9)]);
        assert!(allocator.none_free(&[run(6)]).is_ok() && allocator.none_free(&[run(9)]).is_err());
    }
}
