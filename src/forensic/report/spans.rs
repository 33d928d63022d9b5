//! Pages that follow each other and are the same, as one.

use crate::forensic::account::Class;
use crate::forensic::bucket_names::BucketRef;
use crate::forensic::history::History;
use crate::format::PageId;

/// Pages that follow each other and are of one class and one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSpan {
    /// The first of them.
    pub first: PageId,
    /// How many there are.
    pub count: u64,
    /// What they are, but for their slack.
    pub class: Class,
    /// The bucket that they belong to: of the current state, or of the tree of another one that leads to them.
    pub owner: Option<BucketRef>,
    /// Whether the current list of free pages names them.
    pub is_listed: bool,
}

impl PageSpan {
    fn takes(&self, next: &PageSpan) -> bool {
        (self.class, self.owner, self.is_listed) == (next.class, next.owner, next.is_listed)
    }
}

/// All whole pages of a file in their order, those that are the same as one.
pub fn page_spans<'h>(history: &'h History<'_>) -> impl Iterator<Item = PageSpan> + 'h {
    let mut pages = single_pages(history).peekable();
    std::iter::from_fn(move || {
        let mut span = pages.next()?;
        while pages.next_if(|next| span.takes(next)).is_some() {
            span.count = span.count.saturating_add(1);
        }
        Some(span)
    })
}

fn single_pages<'h>(history: &'h History<'_>) -> impl Iterator<Item = PageSpan> + 'h {
    let generations = history.generations();
    (0..).map(PageId).zip(history.census().pages()).map(move |(first, entry)| PageSpan {
        first,
        count: 1,
        class: entry.class(),
        owner: entry.owner.or_else(|| generations.owner(first).flatten()),
        is_listed: entry.is_listed,
    })
}
