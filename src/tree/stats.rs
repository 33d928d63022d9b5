//! How many pages a bucket takes and how full they are, counted as Go counts them.

use super::Bucket;
use super::walk::{BucketAt, Place, Visitor, walk_from};
use crate::error::{Corruption, Result};
use crate::format::{BucketRoot, Bytes, PAGE_HEADER_SIZE, Page, PageKind};
use crate::storage::Storage;

/// Counts over a bucket and all buckets in it. Sizes are in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketStats {
    /// Branch pages, overflow pages not counted.
    pub branch_pages: u64,
    /// Overflow pages of branches.
    pub branch_overflow: u64,
    /// Leaf pages, overflow pages not counted.
    pub leaf_pages: u64,
    /// Overflow pages of leaves.
    pub leaf_overflow: u64,
    /// Keys, those of nested buckets and the names of buckets included.
    pub keys: u64,
    /// Levels, those of the deepest nested buckets added.
    pub depth: u64,
    /// Bytes of all branch pages.
    pub branch_alloc: u64,
    /// Bytes used in them.
    pub branch_inuse: u64,
    /// Bytes of all leaf pages.
    pub leaf_alloc: u64,
    /// Bytes used in them.
    pub leaf_inuse: u64,
    /// Buckets, this one included.
    pub buckets: u64,
    /// Buckets that are inline.
    pub inline_buckets: u64,
    /// Bytes used in the pages of inline buckets; they are part of `leaf_inuse` too.
    pub inline_inuse: u64,
}

impl BucketStats {
    /// Adds the counts of another bucket; the depth is that of the deeper one.
    pub fn add(&mut self, other: &BucketStats) {
        self.branch_pages += other.branch_pages;
        self.branch_overflow += other.branch_overflow;
        self.leaf_pages += other.leaf_pages;
        self.leaf_overflow += other.leaf_overflow;
        self.keys += other.keys;
        self.depth = self.depth.max(other.depth);
        self.branch_alloc += other.branch_alloc;
        self.branch_inuse += other.branch_inuse;
        self.leaf_alloc += other.leaf_alloc;
        self.leaf_inuse += other.leaf_inuse;
        self.buckets += other.buckets;
        self.inline_buckets += other.inline_buckets;
        self.inline_inuse += other.inline_inuse;
    }
}

/// Counts the pages and keys of a bucket and of everything in it. Damage on the way is an error.
pub fn bucket_stats<S: Storage>(bucket: &Bucket<'_, S>) -> Result<BucketStats> {
    let page_size = bucket.pages().layout().page_size.bytes();
    let mut counter = Counter { page_size, open: vec![Open::new(bucket.tree_root())], total: BucketStats::default() };
    walk_from(bucket.pages(), bucket.tree_root(), &mut counter).map_err(|e| match e {
        super::walk::WalkError::Stopped(corruption) => corruption.into(),
        super::walk::WalkError::Storage(e) => e,
    })?;
    counter.close();
    Ok(counter.total)
}

/// A bucket that is being counted: its own depth, and the largest of those inside it.
struct Open {
    inline: bool,
    depth: u64,
    deepest_inside: u64,
}

impl Open {
    fn new<B>(root: &BucketRoot<B>) -> Open {
        Open { inline: matches!(root, BucketRoot::Inline(_)), depth: 0, deepest_inside: 0 }
    }
}

struct Counter {
    page_size: u64,
    open: Vec<Open>,
    total: BucketStats,
}

impl Counter {
    fn close(&mut self) {
        let Some(done) = self.open.pop() else { return };
        let depth = done.depth + done.deepest_inside;
        self.total.buckets += 1;
        self.total.inline_buckets += u64::from(done.inline);
        match self.open.last_mut() {
            Some(outer) => outer.deepest_inside = outer.deepest_inside.max(depth),
            None => self.total.depth = depth,
        }
    }
}

impl<B: Bytes> Visitor<B> for Counter {
    type Stop = Corruption;
    const VALUES: bool = false;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, _: &Place<'_, B>) -> Result<(), Corruption> {
        self.open.push(Open::new(&bucket.header.root));
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Corruption> {
        self.close();
        Ok(())
    }

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Corruption> {
        if let Some(bucket) = self.open.last_mut() {
            bucket.depth = bucket.depth.max(place.depth as u64 + 1);
        }
        let used = used(page)?;
        let overflow = u64::from(page.overflow());
        let alloc = (overflow + 1) * self.page_size;
        let total = &mut self.total;
        match page.kind() {
            PageKind::Leaf if place.inline => {
                total.keys += u64::from(page.count());
                total.inline_inuse += used;
            }
            PageKind::Leaf => {
                total.keys += u64::from(page.count());
                total.leaf_pages += 1;
                total.leaf_overflow += overflow;
                total.leaf_alloc += alloc;
                total.leaf_inuse += used;
            }
            _ => {
                total.branch_pages += 1;
                total.branch_overflow += overflow;
                total.branch_alloc += alloc;
                total.branch_inuse += used;
            }
        }
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Corruption> {
        Err(corruption)
    }
}

/// The bytes of a page up to the end of its last element, which in Go's packed order are those in use.
fn used<B: Bytes>(page: &Page<B>) -> Result<u64, Corruption> {
    let Some(last) = usize::from(page.count()).checked_sub(1) else { return Ok(PAGE_HEADER_SIZE as u64) };
    let end = match page.kind() {
        PageKind::Branch => page.clone().into_branch()?.span(last)?.end,
        _ => page.clone().into_leaf()?.span(last)?.end,
    };
    Ok(end as u64)
}
