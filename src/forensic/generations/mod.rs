//! The states that a file may hold beside the current one, and what they tell of pages that the current one does not
//! use: whose they were, and whether they can be of a transaction that never committed.
//!
//! A page does not say when it was written. This much follows from how Bolt commits:
//!
//! - A transaction writes only pages that the state before it had free, and pages beyond the high-water mark.
//! - What the previous meta leads to is whole until the transaction after the current one writes. So where it is not
//!   whole, or where something lies beyond the high-water mark, somebody wrote after the current state was committed. Then
//!   anything that is not in use may be theirs.
//! - A transaction that wrote all its pages and then did not commit has left a whole state: a root and a list of free
//!   pages that account for every page there is ([`search`]), or the list alone ([`later`]). It looks as the state before
//!   the current one does, which cannot be told from it.
//! - One that was stopped before has left the lowest pages that it could take ([`stopped`]).
//!
//! So a page carries the mark if one of these has it. A page without it is older than the current state, provided that no
//! write was lost on its way to the disk, that Go's and our default choice of pages was in use and no reader beside the
//! writer, and that nobody who was stopped wrote a whole state over the traces of another. None of that can be shown: it was
//! never provably committed, with or without a mark.

mod later;
mod search;
mod stopped;
mod tree;

use std::collections::HashMap;
use std::fmt;

use super::bucket_names::{BucketNames, BucketRef};
use super::census::{Census, Standing};
use super::evidence::Evidence;
use crate::error::Result;
use crate::format::{PageId, TxId};
use crate::tree::PageSet;
use search::Search;
use tree::Tree;

/// Where a root was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootOrigin {
    /// The meta on this page names it.
    Meta(PageId, TxId),
    /// It lies on a page not in use, and no meta names it.
    Page,
}

/// Whether the tree below a root is one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RootLabel {
    /// All of its pages are in use by the current state in the very same place: it is a state that was committed.
    Exact,
    /// Nothing can prove that its pages are of one time.
    Composite,
}

impl RootLabel {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            RootLabel::Exact => "exact",
            RootLabel::Composite => "composite",
        }
    }
}

/// Why anything on a page that the current state does not use may be of a transaction that never committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// Neither meta verifies.
    NoState,
    /// Only one meta verifies.
    NoPrevious,
    /// The state of the other meta is not whole.
    PreviousBroken,
    /// Pages beyond the high-water mark are written.
    WrittenBeyond,
    /// No list of free pages is known that the previous state had for itself.
    NoList,
    /// More looks like another state than was looked at.
    TooMany,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doubt::NoState => "neither meta names a state",
            Doubt::NoPrevious => "there is no meta of a previous state",
            Doubt::PreviousBroken => "the previous state is not there whole",
            Doubt::WrittenBeyond => "pages behind the high-water mark are written",
            Doubt::NoList => "the previous state has no list of free pages of its own",
            Doubt::TooMany => "more looks like another state than was looked at",
        })?;
        f.write_str(": anything that is not in use may be of a transaction that never committed")
    }
}

/// The root of a state, or of what looks like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// The page that it begins on.
    pub page: PageId,
    /// Where it was found.
    pub origin: RootOrigin,
    /// Whether it is one state.
    pub label: RootLabel,
    /// Whether its trees can be walked whole, each page where its keys belong; `None` where nobody looked.
    pub walks: Option<bool>,
    /// The list of free pages which, together with its trees, accounts for every page.
    pub freelist: Option<PageId>,
    /// How many of its pages the current state does not use.
    pub own_pages: u64,
}

/// The states that a file may hold beside the current one.
#[derive(Debug)]
pub struct Generations {
    roots: Vec<Root>,
    /// Whose a page is that the current state does not use; `None` where trees disagree.
    owners: HashMap<PageId, Option<BucketRef>>,
    of_previous: PageSet,
    unnamed: PageSet,
    newer: PageSet,
    /// What a writer may have written that was stopped.
    stopped: PageSet,
    doubt: Option<Doubt>,
}

impl Generations {
    /// Looks for other states. The buckets that they have are added to the names in the census.
    pub fn of(evidence: &Evidence, census: &mut Census) -> Result<Generations> {
        let nothing = || PageSet::below(census.len());
        let mut found = Generations {
            roots: Vec::new(),
            owners: HashMap::new(),
            of_previous: nothing(),
            unnamed: nothing(),
            newer: nothing(),
            stopped: nothing(),
            doubt: None,
        };
        let Some(current) = evidence.current() else {
            found.doubt = Some(Doubt::NoState);
            return Ok(found);
        };
        let mut names = std::mem::replace(census.names_mut(), BucketNames::new());
        let looked = Search { evidence, census, current, names: &mut names, found: &mut found, walks: 0 }.run();
        *census.names_mut() = names;
        looked.map(|()| found)
    }

    /// The roots of other states, that of the previous meta first.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Why anything on a page that the current state does not use may be of a transaction that never committed, where it may.
    pub fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// Whether the previous meta's state has a page which the current state does not use.
    pub fn is_of_previous(&self, page: PageId) -> bool {
        self.of_previous.contains(page)
    }

    /// Whether a whole state that no meta names has a page which the current state does not use.
    pub fn is_of_unnamed(&self, page: PageId) -> bool {
        self.unnamed.contains(page)
    }

    /// Whether such a state has the page that also has pages beyond the high-water mark, so that it was written after the
    /// current one and never committed.
    pub fn is_of_newer(&self, page: PageId) -> bool {
        self.newer.contains(page)
    }

    /// Whether a page not in use may have been written by a transaction that never committed.
    pub fn may_be_uncommitted(&self, page: PageId, standing: Standing) -> bool {
        match standing {
            Standing::Beyond => true,
            Standing::Free | Standing::Unreached => {
                let found = [&self.of_previous, &self.unnamed, &self.stopped];
                self.doubt.is_some() || found.into_iter().any(|pages| pages.contains(page))
            }
            Standing::Meta | Standing::Live | Standing::Freelist | Standing::Damaged => false,
        }
    }

    /// The bucket of a page not in use: `None` where no tree leads to it, `Some(None)` where trees disagree.
    pub fn owner(&self, page: PageId) -> Option<Option<BucketRef>> {
        self.owners.get(&page).copied()
    }

    /// Takes in doubt what another tree says of pages whose bucket is known.
    fn contradict(&mut self, tree: &Tree) {
        for (page, bucket) in &tree.own {
            if let Some(owner) = self.owners.get_mut(page).filter(|owner| **owner != Some(*bucket)) {
                *owner = None;
            }
        }
    }

    fn own(&mut self, tree: &Tree) {
        for (page, bucket) in &tree.own {
            let owner = self.owners.entry(*page).or_insert(Some(*bucket));
            if *owner != Some(*bucket) {
                *owner = None;
            }
        }
    }
}
