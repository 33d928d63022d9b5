//! The set of free pages of a database that is being written: a bit per page, and over the bits a tree of run
//! lengths.
//!
//! Each node of the tree says of its part of the file how many pages are free at its start, at its end, and in the
//! longest run anywhere in it. So the lowest run of any length, and a change of any run, cost the height of the tree,
//! however the free pages lie; the set of a million pages takes 128 KiB for the bits and twice that for the tree.
//!
//! Invariant: `spans[1]` summarises all words; a node at `i` has its halves at `2i` and `2i + 1`, the words are the
//! last level.

use std::ops::Range;

use crate::format::PageId;

const BITS: u64 = u64::BITS as u64;

/// How the free pages lie in a part of the file. A number that does not fit means that many or more, which is more than
/// any run has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Span {
    /// Free pages at the beginning.
    head: u32,
    /// Free pages at the end.
    tail: u32,
    /// The longest run.
    longest: u32,
}

impl Span {
    fn of_word(word: u64) -> Span {
        if word == u64::MAX {
            return Span { head: u64::BITS, tail: u64::BITS, longest: u64::BITS };
        }
        let mut longest = 0;
        let mut rest = word;
        // Each step shortens every run by one.
        while rest != 0 {
            rest &= rest << 1;
            longest += 1;
        }
        Span { head: word.trailing_ones(), tail: word.leading_ones(), longest }
    }

    /// Two neighbouring parts of `half` pages each.
    fn join(left: Span, right: Span, half: u32) -> Span {
        Span {
            head: if left.head == half { half.saturating_add(right.head) } else { left.head },
            tail: if right.tail == half { half.saturating_add(left.tail) } else { right.tail },
            longest: left.longest.max(right.longest).max(left.tail.saturating_add(right.head)),
        }
    }
}

/// A set of pages that gives out its lowest run of any length.
#[derive(Debug, Clone, Default)]
pub(crate) struct FreeSet {
    words: Vec<u64>,
    spans: Vec<Span>,
    len: u64,
}

impl FreeSet {
    /// The set of these pages.
    pub(crate) fn of(pages: PageBits) -> FreeSet {
        let PageBits { mut words } = pages;
        let len = words.iter().map(|word| u64::from(word.count_ones())).sum();
        words.resize(words.len().next_power_of_two(), 0);
        let mut set = FreeSet { words, spans: Vec::new(), len };
        set.summarise();
        set
    }

    /// How many pages are in the set.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether a page is in the set.
    pub(crate) fn contains(&self, page: PageId) -> bool {
        let word = usize::try_from(page.0 / BITS).ok().and_then(|at| self.words.get(at));
        word.is_some_and(|word| word >> (page.0 % BITS) & 1 == 1)
    }

    /// Adds a run, none of whose pages is in the set.
    pub(crate) fn insert(&mut self, first: PageId, pages: u64) {
        let words = capacity(first.0 + pages);
        if words > self.words.len() {
            self.words.resize(words, 0);
            self.summarise();
        }
        self.len += pages;
        self.change(first.0, pages, |word, mask| word | mask);
    }

    /// Takes the lowest run of this many pages out of the set.
    pub(crate) fn take(&mut self, pages: u64) -> Option<PageId> {
        let first = self.lowest(u32::try_from(pages).ok()?)?;
        self.len -= pages;
        self.change(first, pages, |word, mask| word & !mask);
        Some(PageId(first))
    }

    /// The pages alone, to be added to and gone through.
    pub(crate) fn pages(&self) -> PageBits {
        PageBits { words: self.words.clone() }
    }

    /// The longest run there is.
    #[cfg(test)]
    fn longest(&self) -> u32 {
        self.spans.get(1).map_or(0, |span| span.longest)
    }

    fn lowest(&self, pages: u32) -> Option<u64> {
        if self.spans.get(1).is_none_or(|span| span.longest < pages) || pages == 0 {
            return None;
        }
        let (mut node, mut start) = (1, 0);
        let mut half = self.words.len() as u64 * BITS / 2;
        while node < self.words.len() {
            let (left, right) = (self.spans[2 * node], self.spans[2 * node + 1]);
            if left.longest >= pages {
                node *= 2;
            } else if left.tail.saturating_add(right.head) >= pages {
                return Some(start + half - u64::from(left.tail));
            } else {
                (node, start) = (2 * node + 1, start + half);
            }
            half /= 2;
        }
        let word = self.words[node - self.words.len()];
        // A bit is left where as many ones begin as are wanted.
        let run = (1..pages).fold(word, |run, n| run & word >> n);
        Some(start + u64::from(run.trailing_zeros()))
    }

    fn change(&mut self, first: u64, pages: u64, apply: impl Fn(u64, u64) -> u64) {
        let end = first + pages;
        let (from, to) = ((first / BITS) as usize, ((end - 1) / BITS) as usize);
        for at in from..=to {
            let low = first.saturating_sub(at as u64 * BITS);
            let high = (end - at as u64 * BITS).min(BITS);
            let mask = u64::MAX >> (BITS - (high - low)) << low;
            self.words[at] = apply(self.words[at], mask);
            self.spans[self.words.len() + at] = Span::of_word(self.words[at]);
        }
        let (mut low, mut high) = (self.words.len() + from, self.words.len() + to);
        let mut half = u64::BITS;
        while low > 1 {
            (low, high) = (low / 2, high / 2);
            (low..=high).for_each(|node| self.spans[node] = Span::join(self.spans[2 * node], self.spans[2 * node + 1], half));
            half = half.saturating_mul(2);
        }
    }

    fn summarise(&mut self) {
        let count = self.words.len();
        self.spans = vec![Span::default(); 2 * count];
        for (span, word) in self.spans[count..].iter_mut().zip(&self.words) {
            *span = Span::of_word(*word);
        }
        let (mut level, mut half) = (count / 2, u64::BITS);
        while level > 0 {
            (level..2 * level)
                .for_each(|node| self.spans[node] = Span::join(self.spans[2 * node], self.spans[2 * node + 1], half));
            (level, half) = (level / 2, half.saturating_mul(2));
        }
    }
}

/// A set of pages without its runs.
#[derive(Debug, Default)]
pub(crate) struct PageBits {
    words: Vec<u64>,
}

impl PageBits {
    /// These pages, which ascend and lie below `end`.
    pub(crate) fn collect(ids: impl Iterator<Item = PageId>, end: PageId) -> PageBits {
        let mut words = vec![0; end.0.div_ceil(BITS) as usize];
        // Neighbours are put together before they go to memory.
        let (mut at, mut word) = (0, 0);
        for id in ids {
            let next = (id.0 / BITS) as usize;
            if next != at {
                words[at] |= word;
                (at, word) = (next, 0);
            }
            word |= 1 << (id.0 % BITS);
        }
        words.iter_mut().skip(at).take(1).for_each(|last| *last |= word);
        PageBits { words }
    }

    /// Adds a run.
    pub(crate) fn insert(&mut self, first: PageId, pages: u64) {
        let words = ((first.0 + pages).div_ceil(BITS) as usize).max(self.words.len());
        self.words.resize(words, 0);
        for page in first.0..first.0 + pages {
            self.words[(page / BITS) as usize] |= 1 << (page % BITS);
        }
    }

    /// The pages, ascending.
    pub(crate) fn iter(&self) -> PageIds<'_> {
        self.iter_within(0..self.words.len())
    }

    /// How many pages are in the set.
    pub(crate) fn count(&self) -> u64 {
        self.count_within(0..self.words.len())
    }

    /// The words in which two sets differ, from the first to the last.
    pub(crate) fn difference(&self, other: &PageBits) -> Range<usize> {
        let word = |set: &PageBits, at: usize| set.words.get(at).copied().unwrap_or(0);
        let differ = |at: &usize| word(self, *at) != word(other, *at);
        let mut words = 0..self.words.len().max(other.words.len());
        let start = words.find(differ);
        let last = words.rfind(differ).or(start);
        start.zip(last).map_or(0..0, |(start, last)| start..last + 1)
    }

    /// The pages in some of the words, ascending.
    pub(crate) fn iter_within(&self, words: Range<usize>) -> PageIds<'_> {
        let first = words.start as u64 * BITS;
        // The first word is one before the first, and has no pages.
        PageIds { words: self.within(words).iter(), first: first.wrapping_sub(BITS), rest: 0 }
    }

    /// How many they are.
    pub(crate) fn count_within(&self, words: Range<usize>) -> u64 {
        self.within(words).iter().map(|word| u64::from(word.count_ones())).sum()
    }

    fn within(&self, words: Range<usize>) -> &[u64] {
        let end = words.end.min(self.words.len());
        self.words.get(words.start.min(end)..end).unwrap_or_default()
    }
}

/// The pages of a set, ascending.
#[derive(Debug, Clone)]
pub(crate) struct PageIds<'w> {
    words: std::slice::Iter<'w, u64>,
    /// The first page of the word that `rest` is left of.
    first: u64,
    rest: u64,
}

impl Iterator for PageIds<'_> {
    type Item = PageId;

    #[inline]
    fn next(&mut self) -> Option<PageId> {
        while self.rest == 0 {
            self.rest = *self.words.next()?;
            self.first = self.first.wrapping_add(BITS);
        }
        let bit = u64::from(self.rest.trailing_zeros());
        self.rest &= self.rest - 1;
        Some(PageId(self.first + bit))
    }
}

/// How many words a set of pages below `end` has: a power of two, for the tree over them.
fn capacity(end: u64) -> usize {
    end.div_ceil(BITS).next_power_of_two() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;
    use std::collections::BTreeSet;

    /// The lowest run in a plain set, found by going through it.
    fn lowest_in(model: &BTreeSet<u64>, pages: u64) -> Option<u64> {
        model.iter().copied().find(|first| (*first..first + pages).all(|page| model.contains(&page)))
    }

    quickcheck! {
        fn two_sets_differ_only_where_it_is_said(a: BTreeSet<u16>, b: BTreeSet<u16>) -> bool {
            let end = PageId(1 << 16);
            let [a, b] = [&a, &b].map(|set| PageBits::collect(set.iter().map(|id| PageId((*id).into())), end));
            let words = a.difference(&b);
            let outside = [0..words.start, words.end..a.words.len()];
            let tight = words.is_empty() || a.words[words.start] != b.words[words.start] && a.words[words.end - 1] != b.words[words.end - 1];
            tight && words == b.difference(&a) && outside.into_iter().all(|words| a.iter_within(words.clone()).eq(b.iter_within(words)))
        }

        fn it_gives_and_takes_runs_as_a_plain_set_does(steps: Vec<(bool, u16, u8)>) -> bool {
            let (mut set, mut model) = (FreeSet::of(PageBits::default()), BTreeSet::new());
            for (add, first, pages) in steps {
                let (first, pages) = (u64::from(first % 1000), u64::from(pages) + 1);
                if add && (first..first + pages).all(|page| !model.contains(&page)) {
                    set.insert(PageId(first), pages);
                    model.extend(first..first + pages);
                } else {
                    let wanted = pages % 70 + 1;
                    let expected = lowest_in(&model, wanted);
                    if set.take(wanted).map(|id| id.0) != expected {
                        return false;
                    }
                    expected.into_iter().for_each(|first| model.retain(|page| !(first..first + wanted).contains(page)));
                }
                let ids: Vec<PageId> = model.iter().copied().map(PageId).collect();
                if !set.pages().iter().eq(ids.iter().copied()) || set.len() != ids.len() as u64 {
                    return false;
                }
                if FreeSet::of(PageBits::collect(ids.iter().copied(), PageId(2000))).longest() != set.longest() || !ids.iter().all(|id| set.contains(*id)) {
                    return false;
                }
            }
            true
        }
    }
}
