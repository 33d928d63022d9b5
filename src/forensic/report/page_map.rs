//! Every page of a file in a number of cells that a picture has room for.

use std::collections::HashMap;

use super::spans::{PageSpan, page_spans};
use crate::forensic::account::{Account, Class};
use crate::forensic::bucket_names::BucketRef;
use crate::forensic::history::History;
use crate::format::PageId;

/// A picture of a file: cells in the order of its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageMap {
    /// How many pages a cell stands for, the last one perhaps for fewer: a power of two.
    pub pages_per_cell: u64,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// Pages that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The first of them.
    pub first: PageId,
    /// How many there are.
    pub count: u64,
    /// The class of most of them.
    pub class: Class,
    /// Where some of them are something else to the current state, not only another kind of page, the class of those:
    /// the one that the file has the fewest pages of, so that a single page is seen.
    pub also: Option<Class>,
    /// The bucket of most of them; `None` where most are of none that is known.
    pub owner: Option<BucketRef>,
}

impl PageMap {
    /// The picture with at most so many cells.
    pub fn of(history: &History<'_>, most_cells: u64) -> PageMap {
        let pages = history.census().len();
        let mut pages_per_cell = 1_u64;
        while pages.div_ceil(pages_per_cell) > most_cells.max(1) && pages_per_cell < 1 << 62 {
            pages_per_cell = pages_per_cell.saturating_mul(2);
        }
        let mut map = PageMap { pages_per_cell, cells: Vec::new() };
        let mut open = Open::default();
        for mut span in page_spans(history) {
            while span.count > 0 {
                let taken = span.count.min(pages_per_cell.saturating_sub(open.count));
                open.take(&span, taken);
                span.first = PageId(span.first.0.saturating_add(taken));
                span.count = span.count.saturating_sub(taken);
                if open.count >= pages_per_cell {
                    map.cells.extend(std::mem::take(&mut open).close(history.census().account()));
                }
            }
        }
        map.cells.extend(open.close(history.census().account()));
        map
    }
}

/// A cell that pages are still put into.
#[derive(Default)]
struct Open {
    first: Option<PageId>,
    count: u64,
    classes: Vec<(Class, u64)>,
    owners: HashMap<Option<BucketRef>, u64>,
}

impl Open {
    fn take(&mut self, span: &PageSpan, count: u64) {
        self.first.get_or_insert(span.first);
        self.count = self.count.saturating_add(count);
        match self.classes.iter_mut().find(|(class, _)| *class == span.class) {
            Some((_, pages)) => *pages = pages.saturating_add(count),
            None => self.classes.push((span.class, count)),
        }
        let pages = self.owners.entry(span.owner).or_default();
        *pages = pages.saturating_add(count);
    }

    /// The cell; `None` where it has no page. Of equal numbers the first class and the first bucket count.
    fn close(self, account: &Account) -> Option<Cell> {
        let most = |(class, pages): &(Class, u64)| (*pages, std::cmp::Reverse(*class));
        let class = self.classes.iter().copied().max_by_key(most)?.0;
        let others = self.classes.iter().map(|(class, _)| *class).filter(|other| use_of(*other) != use_of(class));
        let also = others.min_by_key(|other| (account.pages(*other), *other));
        let owner = self.owners.into_iter().max_by_key(|(owner, pages)| (*pages, std::cmp::Reverse(*owner)))?.0;
        Some(Cell { first: self.first?, count: self.count, class, also, owner })
    }
}

/// What a page of a class is to the current state: classes of one use differ only in the kind of page.
const fn use_of(class: Class) -> u8 {
    match class {
        Class::LiveBranch | Class::LiveLeaf | Class::LiveOverflow => 0,
        Class::StaleBranch | Class::StaleLeaf | Class::StaleFreelist | Class::StaleOverflow => 1,
        Class::FreeZero => 2,
        Class::Orphan => 3,
        Class::Beyond => 4,
        Class::Meta => 5,
        Class::Freelist => 6,
        Class::Damaged => 7,
        Class::Slack | Class::Tail => 8,
    }
}
