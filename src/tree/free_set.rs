//! The set of free pages of a database that is being written: a bit per page, and over the bits a tree of run
//! lengths.
//!
//! Each node of the tree says of its part of the file how many pages are free at its start, at its end, and in the
//! longest run anywhere in it. So the lowest run of any length, and a change of any run, cost the height of the tree,
//! however the free pages lie; the set of a million pages takes 128 KiB for the bits and twice that for the tree.
//!
//! Invariant: `spans[1]` summarises all words; a node at `i` has its halves at `2i` and `2i + 1`, the words are the
//! last level.

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
    pub(crate) fn of(ids: &[PageId]) -> FreeSet {
        let mut set = FreeSet::default();
        let end = ids.iter().map(|id| id.0 + 1).max().unwrap_or(0);
        set.words = vec![0; capacity(end)];
        for id in ids {
            let word = &mut set.words[(id.0 / BITS) as usize];
            set.len += u64::from(*word >> (id.0 % BITS) & 1 == 0);
            *word |= 1 << (id.0 % BITS);
        }
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
#[derive(Debug)]
pub(crate) struct PageBits {
    words: Vec<u64>,
}

impl PageBits {
    /// Adds a run.
    pub(crate) fn insert(&mut self, first: PageId, pages: u64) {
        let words = capacity(first.0 + pages).max(self.words.len());
        self.words.resize(words, 0);
        for page in first.0..first.0 + pages {
            self.words[(page / BITS) as usize] |= 1 << (page % BITS);
        }
    }

    /// The pages, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = PageId> + '_ {
        self.words.iter().zip(0..).flat_map(|(word, at)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| u64::from(rest.trailing_zeros()))?;
                rest &= rest - 1;
                Some(PageId(at * BITS + bit))
            })
        })
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
        fn it_gives_and_takes_runs_as_a_plain_set_does(steps: Vec<(bool, u16, u8)>) -> bool {
            let (mut set, mut model) = (FreeSet::of(&[]), BTreeSet::new());
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
                if FreeSet::of(&ids).longest() != set.longest() || !ids.iter().all(|id| set.contains(*id)) {
                    return false;
                }
            }
            true
        }
    }
}
