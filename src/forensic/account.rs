//! What each byte of a file is: classes whose sum is the length of the file.

use std::ops::Range;

use super::census::{Content, Standing};
use crate::format::{ELEMENT_SIZE, META_SIZE, PAGE_HEADER_SIZE, Page, PageKind};

/// What a byte belongs to. Each byte of a file belongs to exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// One of the two meta pages.
    Meta,
    /// A branch page of the current state.
    LiveBranch,
    /// The first page of a leaf of the current state.
    LiveLeaf,
    /// A further page of a branch or leaf of the current state.
    LiveOverflow,
    /// The current list of free pages.
    Freelist,
    /// A page that the current state leads to and that cannot be read as what it should be.
    Damaged,
    /// Not in use: still a branch.
    StaleBranch,
    /// Not in use: still a leaf.
    StaleLeaf,
    /// Not in use: still a list of free pages.
    StaleFreelist,
    /// Not in use: still a further page of one of these.
    StaleOverflow,
    /// Not in use: nothing but zeros.
    FreeZero,
    /// Not in use: bytes without a header that would tell what they are, as the end of a long run whose beginning was
    /// written over.
    Orphan,
    /// At or beyond the high-water mark, where the current state never was.
    Beyond,
    /// On a page of a known kind, behind its last element or between two.
    Slack,
    /// The end of the file, shorter than a page.
    Tail,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 15] = [
        Class::Meta,
        Class::LiveBranch,
        Class::LiveLeaf,
        Class::LiveOverflow,
        Class::Freelist,
        Class::Damaged,
        Class::StaleBranch,
        Class::StaleLeaf,
        Class::StaleFreelist,
        Class::StaleOverflow,
        Class::FreeZero,
        Class::Orphan,
        Class::Beyond,
        Class::Slack,
        Class::Tail,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Meta => "meta",
            Class::LiveBranch => "live-branch",
            Class::LiveLeaf => "live-leaf",
            Class::LiveOverflow => "live-overflow",
            Class::Freelist => "freelist",
            Class::Damaged => "damaged",
            Class::StaleBranch => "stale-branch",
            Class::StaleLeaf => "stale-leaf",
            Class::StaleFreelist => "stale-freelist",
            Class::StaleOverflow => "stale-overflow",
            Class::FreeZero => "free-zero",
            Class::Orphan => "orphan",
            Class::Beyond => "beyond-hwm",
            Class::Slack => "slack",
            Class::Tail => "tail",
        }
    }

    /// Whether what of such a page is not used is counted as slack. What is beyond the high-water mark, or damaged, is
    /// that as a whole.
    pub(super) const fn has_slack(self) -> bool {
        !matches!(self, Class::Beyond | Class::Damaged)
    }

    /// The class of a page, by what it is to the current state and what is on it.
    pub const fn of(standing: Standing, content: Content) -> Class {
        match (standing, content) {
            (Standing::Meta, _) => Class::Meta,
            (Standing::Freelist, _) => Class::Freelist,
            (Standing::Damaged, _) => Class::Damaged,
            (Standing::Beyond, _) => Class::Beyond,
            (Standing::Live, Content::Branch) => Class::LiveBranch,
            (Standing::Live, Content::Leaf) => Class::LiveLeaf,
            (Standing::Live, _) => Class::LiveOverflow,
            (_, Content::Branch) => Class::StaleBranch,
            (_, Content::Leaf) => Class::StaleLeaf,
            (_, Content::Freelist) => Class::StaleFreelist,
            (_, Content::Overflow) => Class::StaleOverflow,
            (_, Content::Zero) => Class::FreeZero,
            (_, Content::Meta | Content::Other) => Class::Orphan,
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Bytes and pages by class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Pages and bytes, in the order of [`Class::ALL`].
    rows: [(u64, u64); Class::ALL.len()],
}

impl Account {
    /// How many pages are of a class. A page counts once, as what it is for all but its slack.
    pub fn pages(&self, class: Class) -> u64 {
        self.row(class).0
    }

    /// How many bytes are of a class.
    pub fn bytes(&self, class: Class) -> u64 {
        self.row(class).1
    }

    /// All bytes of all classes: the length of the file.
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|(_, bytes)| *bytes).fold(0, u64::saturating_add)
    }

    /// Classes with their pages and bytes.
    pub fn rows(&self) -> impl Iterator<Item = (Class, u64, u64)> + '_ {
        Class::ALL.into_iter().zip(&self.rows).map(|(class, (pages, bytes))| (class, *pages, *bytes))
    }

    pub(super) fn page(&mut self, class: Class, bytes: u64) {
        if let Some(row) = self.row_mut(class) {
            *row = (row.0.saturating_add(1), row.1.saturating_add(bytes));
        }
    }

    pub(super) fn tail(&mut self, bytes: u64) {
        if let Some(row) = self.row_mut(Class::Tail) {
            row.1 = row.1.saturating_add(bytes);
        }
    }

    /// Bytes of a page of this class, which was or will be counted, are slack.
    pub(super) fn slack(&mut self, of: Class, bytes: u64) {
        let moved = self.row_mut(of).map_or(0, |row| {
            let moved = bytes.min(row.1);
            row.1 = row.1.saturating_sub(moved);
            moved
        });
        if let Some(row) = self.row_mut(Class::Slack) {
            row.1 = row.1.saturating_add(moved);
        }
    }

    fn row(&self, class: Class) -> (u64, u64) {
        self.rows().find(|(of, ..)| *of == class).map_or((0, 0), |(_, pages, bytes)| (pages, bytes))
    }

    fn row_mut(&mut self, class: Class) -> Option<&mut (u64, u64)> {
        Class::ALL.into_iter().zip(&mut self.rows).find(|(of, _)| *of == class).map(|(_, row)| row)
    }
}

/// The bytes of a run that neither header nor element lies on, ascending. Elements that reach out of the run take what
/// of it they reach.
pub(super) fn unused(page: &Page<&[u8]>) -> Vec<Range<usize>> {
    let len = page.bytes().len();
    let used = match page.kind() {
        PageKind::Meta => return behind(PAGE_HEADER_SIZE.saturating_add(META_SIZE), len),
        PageKind::Freelist => match page.into_freelist() {
            Ok(list) => {
                let end = list.id_offset(list.len()).saturating_sub(page.offset());
                return behind(usize::try_from(end).unwrap_or(len), len);
            }
            Err(_) => return Vec::new(),
        },
        PageKind::Leaf => match page.into_leaf() {
            Ok(leaf) => match leaf.packed(|_, _, _, _| {}) {
                Some(end) => return behind(end, len),
                None => (0..leaf.len()).filter_map(|at| leaf.span(at).ok()).collect(),
            },
            Err(_) => Vec::new(),
        },
        PageKind::Branch => match page.into_branch() {
            Ok(branch) => match branch.packed(|_, _, _| {}) {
                Some(end) => return behind(end, len),
                None => (0..branch.len()).filter_map(|at| branch.span(at).ok()).collect(),
            },
            Err(_) => Vec::new(),
        },
    };
    let headers = usize::from(page.count()).saturating_mul(ELEMENT_SIZE).saturating_add(PAGE_HEADER_SIZE);
    between(used, headers.min(len), len)
}

fn behind(end: usize, len: usize) -> Vec<Range<usize>> {
    (end < len).then_some(end..len).into_iter().collect()
}

/// The gaps between spans, from `start` to `end`.
fn between(mut used: Vec<Range<usize>>, start: usize, end: usize) -> Vec<Range<usize>> {
    used.sort_by_key(|span| span.start);
    let (mut gaps, mut at) = (Vec::new(), start);
    for span in used {
        if span.start > at {
            gaps.push(at..span.start);
        }
        at = at.max(span.end);
    }
    gaps.extend(behind(at, end));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    quickcheck! {
        fn gaps_and_spans_are_the_whole(spans: Vec<(u8, u8)>) -> bool {
            let spans: Vec<_> = spans.into_iter().map(|(start, len)| usize::from(start)..usize::from(start) + usize::from(len)).collect();
            let mut covered = vec![0; 600];
            for span in &spans {
                covered[span.clone()].iter_mut().for_each(|of| *of = 1);
            }
            for gap in between(spans, 0, 600) {
                covered[gap].iter_mut().for_each(|of| *of += 2);
            }
            covered.iter().all(|of| *of == 1 || *of == 2)
        }
    }
}
