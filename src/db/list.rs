//! The list of free pages on its way to the file.
//!
//! Each commit writes a list of its own, since that of the state before is in use until the commit is through. So two
//! runs of pages take turns, and what a commit has to write is mostly there already, left from the list before the last
//! one. Where a million pages are free, that saves eight megabytes in each commit.
//!
//! Invariant: what is known of the lists before is what this handle has written and nobody has written over. A run that
//! was the last list but one was in use until the last commit, so only the commit that is at work now can have taken
//! pages of it, and if it had, its list would lie elsewhere. A commit takes what is known with it, and brings it back
//! only when it has succeeded: whatever another one left behind is not relied on.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::format::{Layout, encode_freelist_of, encode_ids, id_position};
use crate::tree::{PageBits, Run};

/// A list up to this length goes out whole, in one write with the pages beside it.
const SHORT: u64 = 8 << 10;

/// The long lists that were written last.
#[derive(Debug, Default)]
pub(super) struct Lists {
    last: Option<Written>,
    before: Option<Written>,
}

#[derive(Debug)]
struct Written {
    run: Run,
    pages: PageBits,
}

/// A list that is about to be written.
#[derive(Debug)]
pub(super) struct List {
    own: Written,
    last: Option<Written>,
    /// Which words of the set of pages are new; all, where nothing is known.
    new: Option<Range<usize>>,
}

impl Lists {
    /// A list of these pages on a run that has room for it.
    pub(super) fn place(&mut self, run: Run, pages: PageBits, layout: Layout) -> List {
        let Lists { last, before } = std::mem::take(self);
        let before = before.filter(|before| before.run == run && layout.run_bytes(run.pages) > SHORT);
        let new = before.and_then(|before| {
            let words = pages.difference(&before.pages);
            // With another number of pages there, all that follows lies elsewhere.
            (pages.count_within(words.clone()) == before.pages.count_within(words.clone())).then_some(words)
        });
        List { own: Written { run, pages }, last, new }
    }

    /// A list was written and belongs to the current state.
    pub(super) fn keep(&mut self, list: List) {
        *self = Lists { last: Some(list.own), before: list.last };
    }
}

impl List {
    pub(super) fn run(&self) -> Run {
        self.own.run
    }

    /// The part of the run that is to be written: where it begins, and its length.
    pub(super) fn part(&self, layout: Layout) -> (u64, u64) {
        let List { own: Written { run, pages }, new, .. } = self;
        match new {
            None => (layout.offset(run.first), layout.run_bytes(run.pages)),
            Some(words) => {
                let (before, ids) = (pages.count_within(0..words.start), pages.count_within(words.clone()));
                let within = id_position(before, pages.count());
                (layout.offset(run.first).saturating_add(within), ids.saturating_mul(8))
            }
        }
    }

    /// Lays that part out behind whatever is in `out`.
    pub(super) fn encode(&self, layout: Layout, out: &mut Vec<u8>) -> Result<()> {
        let List { own: Written { run, pages }, new, .. } = self;
        match new {
            None => encode_freelist_of(out, run.first, pages.count() as usize, pages.iter(), run.pages, layout)
                .map_err(Error::TooLarge),
            Some(words) => {
                encode_ids(out, pages.iter_within(words.clone()), layout.endian);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;
    use std::collections::BTreeSet;

    use super::*;
    use crate::format::{Endian, PageId, PageSize};

    const RUN: Run = Run { first: PageId(9), pages: 600 };

    quickcheck! {
        fn what_is_written_over_the_list_before_the_last_makes_it_the_new_one(sets: Vec<BTreeSet<u16>>, dense: bool) -> bool {
            let layout = Layout { page_size: PageSize::new(1024).unwrap(), endian: Endian::Little };
            let mut lists = Lists::default();
            let mut disks = [vec![0; 600 << 10], vec![0; 600 << 10]];
            let all = if dense { 0..70_000 } else { 0..0 };
            sets.iter().enumerate().all(|(at, set)| {
                let ids = all.clone().filter(|id| !set.contains(&((*id % 65_536) as u16))).chain(set.iter().map(|id| 100_000 + u64::from(*id)));
                let pages = PageBits::collect(ids.map(PageId), PageId(200_000));
                let run = Run { first: PageId(9 + at as u64 % 2), ..RUN };
                let mut whole = Vec::new();
                encode_freelist_of(&mut whole, run.first, pages.count() as usize, pages.iter(), run.pages, layout).unwrap();
                let list = lists.place(run, pages, layout);
                let ((start, len), mut part) = (list.part(layout), Vec::new());
                list.encode(layout, &mut part).unwrap();
                let start = (start - layout.offset(run.first)) as usize;
                let disk = &mut disks[at % 2];
                disk[start..start + part.len()].copy_from_slice(&part);
                lists.keep(list);
                part.len() as u64 == len && *disk == whole
            })
        }
    }
}
