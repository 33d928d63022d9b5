//! The tree below a root: its pages, whose they are, and whether all of them are of one state as far as that shows.

use std::collections::HashSet;

use super::super::bucket_names::{BucketNames, BucketRef};
use super::super::by_bucket::{Met, each};
use super::super::census::{Census, Content, Standing};
use super::super::evidence::Evidence;
use super::super::leftover::Run;
use super::super::scan::content_of;
use crate::error::Result;
use crate::format::{BucketHeader, BucketRoot, Bytes, Leaf, LeafItem, Meta, Page, PageId, PageKind, SharedBytes};
use crate::tree::{PageSet, Pages, Place};

/// The pages below a root.
pub(super) struct Tree {
    pub pages: PageSet,
    /// Those that the current state does not use, and whose they are in this tree.
    pub own: Vec<(PageId, BucketRef)>,
    /// Whether it can be walked whole, each page where its keys belong, and no page of it was written over.
    pub is_sound: bool,
}

impl Tree {
    /// The tree of the state that a meta describes. The buckets that it has are added to the names.
    pub fn of(meta: &Meta, evidence: &Evidence, census: &Census, names: &mut BucketNames) -> Result<Tree> {
        let pages = PageSet::below(census.len());
        let mut tree = Tree { pages, own: Vec::new(), is_sound: meta.validate().is_ok() };
        let is_listed = meta.freelist.is_some();
        each(Pages::new(evidence, evidence.layout(), meta), names, false, &mut |met| match met {
            Met::Page(page, place, bucket) => tree.take(page, place, bucket, census, is_listed),
            Met::Problem(_) => tree.is_sound = false,
        })?;
        Ok(tree)
    }

    /// Takes in a page. `is_listed` says that a list of free pages will be held against the tree.
    fn take(
        &mut self,
        page: &Page<SharedBytes>,
        place: &Place<'_, SharedBytes>,
        bucket: BucketRef,
        census: &Census,
        is_listed: bool,
    ) {
        let mut is_own = false;
        for n in 0..=u64::from(page.overflow()) {
            let id = PageId(page.id().0.saturating_add(n));
            let content = if n == 0 { content_of(page.kind()) } else { Content::Overflow };
            self.pages.insert(id);
            let Some(entry) = census.entry(id) else {
                self.is_sound = false;
                continue;
            };
            // Where a page of the run has a header of its own, somebody else wrote it later.
            self.is_sound &= entry.content == content;
            match entry.standing {
                // A bucket that was renamed or moved has the same pages. Where a list accounts for every page, nothing
                // else can be the reason.
                Standing::Live => self.is_sound &= entry.owner == Some(bucket) || is_listed,
                _ if entry.is_open() => {
                    is_own = true;
                    self.own.push((id, bucket));
                }
                _ => self.is_sound = false,
            }
        }
        let is_possible = bucket != BucketRef::ROOT || has_only_buckets(page);
        self.is_sound &= !is_own || is_possible && is_in_place(&page.borrowed(), place);
    }
}

/// Whether a page can be one of the root bucket, which has no pairs.
fn has_only_buckets(page: &Page<SharedBytes>) -> bool {
    let Ok(leaf) = page.clone().into_leaf() else { return true };
    (0..leaf.len()).all(|at| leaf.element(at).is_ok_and(|element| element.is_bucket()))
}

/// Whether the keys of a page are where the branch above it says, the first of them exactly, and all in order.
fn is_in_place<B: Bytes>(page: &Page<&[u8]>, place: &Place<'_, B>) -> bool {
    let fits = |first: Option<&[u8]>, last: Option<&[u8]>| {
        let is_exact = place.separator.is_none_or(|separator| first == Some(&**separator));
        is_exact && place.upper.is_none_or(|upper| last.is_none_or(|last| *last < **upper))
    };
    let last = usize::from(page.count()).checked_sub(1);
    match (page.into_leaf(), page.into_branch()) {
        (Ok(leaf), _) => {
            let last = last.and_then(|last| leaf.key(last).ok());
            leaf.packed(|_, _, _, _| {}).is_some() && fits(leaf.key(0).ok(), last)
        }
        (_, Ok(branch)) => {
            let last = last.and_then(|last| branch.key(last).ok());
            branch.packed(|_, _, _| {}).is_some() && fits(branch.key(0).ok(), last)
        }
        _ => false,
    }
}

/// The pages that these runs refer to.
pub(super) fn references<'r>(runs: impl Iterator<Item = &'r Run>, evidence: &Evidence) -> Result<HashSet<PageId>> {
    let mut referred = HashSet::new();
    for run in runs.filter(|run| run.kind != PageKind::Freelist) {
        let Some(page) = run.load(evidence)? else { continue };
        if let Ok(branch) = page.clone().into_branch() {
            referred.extend((0..branch.len()).filter_map(|at| branch.child(at).ok()));
        } else if let Ok(leaf) = page.into_leaf() {
            referred.extend(bucket_roots(&leaf));
        }
    }
    Ok(referred)
}

/// The pages on which the buckets of a leaf begin.
fn bucket_roots(leaf: &Leaf<SharedBytes>) -> Vec<PageId> {
    let buckets = std::iter::successors(leaf.next_bucket(0), |at| leaf.next_bucket(at.saturating_add(1)));
    let root = |at| match leaf.item(at) {
        Ok(LeafItem::Bucket(BucketHeader { root: BucketRoot::Page(root), .. })) => Some(root),
        _ => None,
    };
    buckets.filter_map(root).collect()
}
