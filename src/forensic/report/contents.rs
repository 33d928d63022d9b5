//! The buckets of the current state, with what is in each.

use crate::error::Error;
use crate::forensic::bucket_names::{BucketNames, BucketRef};
use crate::forensic::history::History;
use crate::format::{BucketRoot, Bytes, Page, PageId};
use crate::tree::{BucketAt, Place, Visitor, WalkError, walk};

/// A bucket of the current state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketSummary {
    /// Which one.
    pub bucket: BucketRef,
    /// The page that its tree begins on; `None` where it lies in the page of the bucket around it.
    pub root: Option<PageId>,
    /// Its sequence.
    pub sequence: u64,
    /// Its plain pairs.
    pub pairs: u64,
    /// The buckets right in it.
    pub buckets: u64,
    /// The bytes of the keys of its pairs.
    pub key_bytes: u64,
    /// The bytes of the values of its pairs.
    pub value_bytes: u64,
    /// The pages that are its own.
    pub pages: u64,
}

/// Shows the buckets of the current state, each after those in it, the root bucket last. What of them cannot be read is
/// passed over: the check tells what that is.
pub fn buckets<E: From<Error>>(history: &History<'_>, show: &mut dyn FnMut(BucketSummary) -> Result<(), E>) -> Result<(), E> {
    let Some(current) = history.evidence().current() else { return Ok(()) };
    let (root, sequence) = (Some(current.meta().root), current.meta().root_sequence);
    let mut counting = Counting {
        names: history.census().names(),
        outer: Vec::new(),
        here: BucketSummary { root, sequence, ..empty(BucketRef::ROOT) },
        show,
    };
    match walk(current, &mut counting) {
        Ok(()) => (counting.show)(counting.here),
        Err(WalkError::Storage(e)) => Err(e.into()),
        Err(WalkError::Stopped(e)) => Err(e),
    }
}

fn empty(bucket: BucketRef) -> BucketSummary {
    BucketSummary { bucket, root: None, sequence: 0, pairs: 0, buckets: 0, key_bytes: 0, value_bytes: 0, pages: 0 }
}

struct Counting<'c, E> {
    names: &'c BucketNames,
    /// The buckets around the one that the walk is in, from the outside.
    outer: Vec<BucketSummary>,
    here: BucketSummary,
    show: &'c mut dyn FnMut(BucketSummary) -> Result<(), E>,
}

impl<B: Bytes, E> Visitor<B> for Counting<'_, E> {
    type Stop = E;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), E> {
        self.here.buckets = self.here.buckets.saturating_add(1);
        // The walk that filled the names was this one.
        let inner = self.names.child(self.here.bucket, bucket.name).unwrap_or(self.here.bucket);
        let root = match &bucket.header.root {
            BucketRoot::Page(page) => Some(*page),
            BucketRoot::Inline(_) => None,
        };
        let inner = BucketSummary { root, sequence: bucket.header.sequence, ..empty(inner) };
        self.outer.push(std::mem::replace(&mut self.here, inner));
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), E> {
        match self.outer.pop() {
            Some(outer) => (self.show)(std::mem::replace(&mut self.here, outer)),
            None => Ok(()),
        }
    }

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), E> {
        if !place.inline {
            self.here.pages = self.here.pages.saturating_add(u64::from(page.overflow())).saturating_add(1);
        }
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, _: &Place<'_, B>) -> Result<(), E> {
        let length = |bytes: &B| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.here.pairs = self.here.pairs.saturating_add(1);
        self.here.key_bytes = self.here.key_bytes.saturating_add(length(key));
        self.here.value_bytes = self.here.value_bytes.saturating_add(length(value));
        Ok(())
    }
}
