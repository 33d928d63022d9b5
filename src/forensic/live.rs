//! The pairs of the current state, as items.

use super::bucket_names::BucketRef;
use super::census::{Census, Content, Standing};
use super::evidence::Evidence;
use super::history::blank;
use super::item::{Grade, Item, ItemKind, Reason, State};
use crate::error::{Error, Result};
use crate::format::{Leaf, Page, PageId, SharedBytes};
use crate::tree::{BucketAt, Place, Visitor, WalkError, walk};

/// Shows every pair and bucket of the current state, in the order of its trees.
pub(super) fn each<E: From<Error>>(
    evidence: &Evidence,
    census: &Census,
    show: &mut dyn FnMut(&Item) -> Result<(), E>,
) -> Result<(), E> {
    let Some(current) = evidence.current() else { return Ok(()) };
    let grade = if census.is_live_whole(evidence) { Grade::A } else { Grade::B };
    let mut shown = Shown { evidence, census, grade, here: vec![BucketRef::ROOT], show };
    match walk(current, &mut shown) {
        Ok(()) => Ok(()),
        Err(WalkError::Storage(e)) => Err(e.into()),
        Err(WalkError::Stopped(e)) => Err(e),
    }
}

struct Shown<'s, E> {
    evidence: &'s Evidence,
    census: &'s Census,
    grade: Grade,
    here: Vec<BucketRef>,
    show: &'s mut dyn FnMut(&Item) -> Result<(), E>,
}

impl<E> Shown<'_, E> {
    fn bucket(&self) -> BucketRef {
        self.here.last().copied().unwrap_or(BucketRef::ROOT)
    }

    /// Shows the elements of a leaf. Those of an inline bucket belong to that bucket.
    fn leaf(&mut self, leaf: &Leaf<SharedBytes>) -> Result<(), E> {
        let first = leaf.page().id();
        let mut item = blank(first, self.pages_of(first), self.census.entry(first).copied());
        (item.state, item.grade, item.owner) = (State::Live, self.grade, Some(self.bucket()));
        let entry = self.census.entry(first);
        if entry.is_some_and(|entry| entry.is_listed) {
            (item.mixed, item.grade) = (true, Grade::B);
            item.reasons.push(Reason::LiveAndListed);
        }
        let mut room = leaf.page().bytes().len();
        for at in 0..leaf.len() {
            let Ok(element) = leaf.element(at) else { continue };
            let Some(left) = room.checked_sub(element.key.len().saturating_add(element.value.len())) else { break };
            room = left;
            item.element = Some(at);
            item.kind = if element.is_bucket() { ItemKind::Bucket } else { ItemKind::Pair };
            item.value_offset = leaf.value_offset(at);
            item.key_offset = item.value_offset.saturating_sub(u64::try_from(element.key.len()).unwrap_or(u64::MAX));
            let page = item.key_offset.checked_div(self.evidence.layout().page_size.bytes());
            item.page = PageId(page.unwrap_or(first.0));
            (item.key, item.value) = (element.key, element.value);
            (self.show)(&item)?;
        }
        Ok(())
    }
}

impl<E> Shown<'_, E> {
    /// The pages of the run that a leaf, or the inline bucket on it, lies on.
    fn pages_of(&self, first: PageId) -> u64 {
        let is_further = |n: &u64| {
            let entry = self.census.entry(PageId(first.0.saturating_add(*n)));
            entry.is_some_and(|entry| (entry.standing, entry.content) == (Standing::Live, Content::Overflow))
        };
        let further = (1..).take_while(is_further).count();
        u64::try_from(further).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl<E> Visitor<SharedBytes> for Shown<'_, E> {
    type Stop = E;
    const VALUES: bool = false;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, SharedBytes>, _: &Place<'_, SharedBytes>) -> Result<(), E> {
        // The walk that filled the names was this one.
        let bucket = self.census.names().child(self.bucket(), bucket.name).unwrap_or(self.bucket());
        self.here.push(bucket);
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), E> {
        self.here.pop();
        Ok(())
    }

    fn page(&mut self, page: &Page<SharedBytes>, _: &Place<'_, SharedBytes>) -> Result<(), E> {
        match page.clone().into_leaf() {
            Ok(leaf) => self.leaf(&leaf),
            Err(_) => Ok(()),
        }
    }
}
