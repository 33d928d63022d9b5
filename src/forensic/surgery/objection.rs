//! What speaks against giving a copy to anybody after surgery.
//!
//! Two things do. Go's writer turns some shapes of a tree into damage, though they read well: it finds a page's place in
//! its parent by the first key of the page, and gives away pages that a wrong list calls free. And a meta that was not the
//! current one may describe a transaction that was never committed: nothing in a file tells one that was from one that was
//! about to be.

use std::fmt;

use crate::check::{Code, Finding, Severity, check_snapshot};
use crate::error::Result;
use crate::format::{MetaPair, PageId, TxId};
use crate::storage::Snapshot;

/// Why a copy should not be given to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Objection {
    /// Whoever opens it reads another tree than the current meta of the original describes.
    NotProvable {
        /// The transaction of that tree.
        txid: TxId,
        /// The page that it begins on.
        root: PageId,
    },
    /// A writer would make it worse, or cannot open it.
    Unsound {
        /// The first thing that was found.
        first: Box<Finding>,
        /// How many there are.
        count: u64,
    },
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objection::NotProvable { txid, root } => write!(
                f,
                "whoever opens it reads the tree on page {root} as transaction {txid}, which is not provable: it may hold data \
                 that was never committed, also where a check finds nothing"
            ),
            Objection::Unsound { first, count: 1 } => write!(f, "Go's writer would damage it further, or crash: {first}"),
            Objection::Unsound { first, count } => {
                write!(f, "Go's writer would damage it further, or crash: {first}, and {} more", count.saturating_sub(1))
            }
        }
    }
}

/// Everything that speaks against a copy; `before` is what the metas of the original were, where one of them verified.
pub fn objections(before: Option<&MetaPair>, after: &Snapshot) -> Result<Vec<Objection>> {
    let mut found = Vec::new();
    let read = after.meta();
    let current = before.and_then(MetaPair::current);
    if current.is_none_or(|current| current.root != read.root) {
        found.push(Objection::NotProvable { txid: read.txid, root: read.root });
    }
    let (mut first, mut count) = (None, 0_u64);
    check_snapshot(after, &mut |finding| {
        if harms(&finding) {
            count = count.saturating_add(1);
            first.get_or_insert(finding);
        }
    })?;
    found.extend(first.map(|first| Objection::Unsound { first: Box::new(first), count }));
    Ok(found)
}

/// Whether a writer must not meet this. A fallback that is lost, a header that nobody reads, a list that Go sorts, and
/// pages that are lost do no harm by themselves; bbolt's own surgery leaves the last, and says so.
fn harms(finding: &Finding) -> bool {
    let harmless = [Code::MetaRefused, Code::MetaHeader, Code::FreelistUnsorted, Code::UnreachableUnfreed];
    finding.severity > Severity::Note && !harmless.contains(&finding.code)
}
