//! Which pages a state reaches, and whether that fits its freelist.

use std::convert::Infallible;

use super::walk::{Place, Visitor, walk};
use super::{Pages, read_freelist};
use crate::error::{Corruption, CorruptionKind, Result};
use crate::format::{Bytes, Page, PageId};
use crate::storage::Storage;

/// A set of page numbers below a limit, one bit each.
#[derive(Debug, Clone)]
pub struct PageSet {
    words: Vec<u64>,
    end: u64,
}

impl PageSet {
    /// An empty set for the pages below `end`, which must be bounded by the file.
    pub fn below(end: u64) -> PageSet {
        PageSet { words: vec![0; usize::try_from(end.div_ceil(64)).unwrap_or(0)], end }
    }

    /// Adds a page; `false` where it was there already or lies outside.
    pub fn insert(&mut self, page: PageId) -> bool {
        let bit = 1 << (page.0 % 64);
        match self.word(page).and_then(|at| self.words.get_mut(at)) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    /// Whether a page is in the set.
    pub fn contains(&self, page: PageId) -> bool {
        let word = self.word(page).and_then(|at| self.words.get(at));
        word.is_some_and(|word| word & (1 << (page.0 % 64)) != 0)
    }

    /// How many pages are in the set.
    pub fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether the set has no pages.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    fn word(&self, page: PageId) -> Option<usize> {
        usize::try_from(page.0 / 64).ok().filter(|_| page.0 < self.end)
    }
}

/// What a state reaches.
#[derive(Debug)]
pub struct Reach {
    /// The pages of all trees, overflow pages included.
    pub pages: PageSet,
    /// What could not be followed; where there is anything, `pages` is incomplete.
    pub problems: Vec<Corruption>,
}

/// Finds every page that the trees of a state reach.
pub fn reach<S: Storage>(pages: Pages<'_, S>) -> Result<Reach> {
    let mut reach = Reach { pages: PageSet::below(pages.end()), problems: Vec::new() };
    walk(pages, &mut reach)?;
    Ok(reach)
}

impl<B: Bytes> Visitor<B> for Reach {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        if !place.inline {
            for n in 0..=u64::from(page.overflow()) {
                self.pages.insert(PageId(page.id().0.saturating_add(n)));
            }
        }
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Infallible> {
        self.problems.push(corruption);
        Ok(())
    }
}

/// Tests that a state can be walked whole and that its freelist is exactly what it does not reach.
///
/// The first contradiction is the error. [`check`](crate::check) finds all of them and more.
pub fn verify<S: Storage>(pages: Pages<'_, S>) -> Result<()> {
    pages.meta().validate()?;
    let high_water = pages.meta().high_water.0;
    if pages.end() < high_water {
        // Whatever else is wrong follows from this.
        let expected = pages.layout().run_bytes(high_water);
        let found = pages.storage().size();
        return Err(Corruption { kind: CorruptionKind::ShortFile { expected, found }, page: None, offset: None }.into());
    }
    let mut reach = reach(pages)?;
    if let Some(problem) = reach.problems.drain(..).next() {
        return Err(problem.into());
    }
    let Some(free) = read_freelist(pages)? else { return Ok(()) };
    let of_list = free.own_run().map(|id| (id, CorruptionKind::FreelistInUse));
    let freed = free.ids().iter().map(|id| (*id, CorruptionKind::ReachableFree));
    for (id, contradiction) in of_list.chain(freed) {
        if !reach.pages.insert(id) {
            return Err(contradiction.at(id).into());
        }
    }
    match (2..high_water).map(PageId).find(|id| !reach.pages.contains(*id)) {
        Some(id) => Err(CorruptionKind::Unreachable.at(id).into()),
        None => Ok(()),
    }
}
