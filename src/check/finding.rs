//! What the check reports, and to whom.

use std::fmt;

use super::Code;
use crate::error::{BucketPath, Corruption, CorruptionKind};
use crate::format::{Bytes, PageId};
use crate::tree::Place;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing, and nothing is wrong.
    Note,
    /// Everything can be read, but a writer must not meet it: Go's would corrupt the file or panic.
    Hazard,
    /// Data are wrong, lost, or at risk.
    Error,
}

impl Severity {
    /// The severity as one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Hazard => "hazard",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much of a path a finding keeps: buckets can be nested as deep as the file is long, and every one of them can
/// be to blame.
pub const MAX_PATH: usize = 64;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What exactly, on which page, at which byte.
    pub corruption: Corruption,
    /// The names of the buckets from the root to where it is; empty in the root bucket and outside of any. Of
    /// more than [`MAX_PATH`] the first half and the last.
    pub bucket: Vec<Vec<u8>>,
    /// How many buckets there are from the root to where it is.
    pub bucket_depth: usize,
    /// The pages from the root to where it is, through all buckets; empty outside of any tree. Of more than
    /// [`MAX_PATH`] the first half and the last.
    pub path: Vec<PageId>,
    /// The key of the element that is to blame, where it is one and its key can be read.
    pub key: Option<Vec<u8>>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.corruption.fmt(f)?;
        match self.bucket.split_at_checked(MAX_PATH / 2) {
            _ if self.bucket.is_empty() => Ok(()),
            Some((outer, inner)) if self.bucket_depth > self.bucket.len() => {
                let between = self.bucket_depth.saturating_sub(self.bucket.len());
                write!(f, " in bucket {}/({between} more)/{}", BucketPath(outer), BucketPath(inner))
            }
            _ => write!(f, " in bucket {}", BucketPath(&self.bucket)),
        }
    }
}

/// What a check went through and how much it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Findings that are errors.
    pub errors: u64,
    /// Findings that are hazards.
    pub hazards: u64,
    /// Findings that are notes.
    pub notes: u64,
    /// Pages of all trees, overflow pages included.
    pub pages: u64,
    /// Pages that the freelist calls free.
    pub free: u64,
    /// Buckets, nested and inline ones included, the root bucket not.
    pub buckets: u64,
    /// Keys, the names of buckets included.
    pub keys: u64,
}

impl Summary {
    /// Whether the file is fit to be read and written by any Bolt: no errors and no hazards.
    pub fn is_sound(&self) -> bool {
        self.errors == 0 && self.hazards == 0
    }
}

/// Where findings go: counted, then handed on, none of them kept.
pub(super) struct Report<'r> {
    sink: &'r mut dyn FnMut(Finding),
    pub summary: Summary,
    told_short: bool,
}

impl<'r> Report<'r> {
    pub fn new(sink: &'r mut dyn FnMut(Finding)) -> Self {
        Report { sink, summary: Summary::default(), told_short: false }
    }

    /// Something outside of any tree.
    pub fn file(&mut self, corruption: Corruption) {
        self.send(corruption, |_| {});
    }

    /// Something in a tree.
    pub fn tree<B: Bytes>(&mut self, corruption: Corruption, place: &Place<'_, B>, key: Option<&[u8]>) {
        self.send(corruption, |finding| {
            finding.bucket = both_ends(place.buckets).map(|name| name.to_vec()).collect();
            finding.bucket_depth = place.buckets.len();
            finding.path = both_ends(place.pages).copied().chain(finding.corruption.page).collect();
            // An inline page stands under its host's number, and a page that was loaded is in the path already.
            finding.path.dedup();
            finding.key = key.map(<[u8]>::to_vec);
        });
    }

    fn send(&mut self, corruption: Corruption, place: impl FnOnce(&mut Finding)) {
        if matches!(corruption.kind, CorruptionKind::ShortFile { .. }) && std::mem::replace(&mut self.told_short, true) {
            // Every page behind the end of the file would say the same again.
            return;
        }
        let code = Code::of(&corruption.kind);
        let severity = code.severity();
        let count = match severity {
            Severity::Error => &mut self.summary.errors,
            Severity::Hazard => &mut self.summary.hazards,
            Severity::Note => &mut self.summary.notes,
        };
        *count = count.saturating_add(1);
        let mut finding =
            Finding { code, severity, corruption, bucket: Vec::new(), bucket_depth: 0, path: Vec::new(), key: None };
        place(&mut finding);
        (self.sink)(finding);
    }
}

/// All of a short path; of a long one, the first and the last of it.
fn both_ends<T>(path: &[T]) -> impl Iterator<Item = &T> {
    let half = MAX_PATH / 2;
    let (outer, inner) = match path.len() > MAX_PATH {
        true => (path.get(..half), path.get(path.len().saturating_sub(half)..)),
        false => (Some(path), None),
    };
    outer.unwrap_or_default().iter().chain(inner.unwrap_or_default())
}
