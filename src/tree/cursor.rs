//! Going through one bucket in key order, both ways.
//!
//! A cursor is nowhere until it is moved by `first`, `last` or `seek`. At an end it stays on the last entry it
//! was on: after the last one, `next` is `None` however often it is called, and `prev` is the one before the
//! last. A `seek` past the end is nowhere too, but `prev` from there is the last entry.
//!
//! Invariants: the stack is the path from the root to the current leaf, which is not empty and whose elements
//! have no more bytes together than its run; keys never go back from one leaf to the next, so no scan visits a leaf
//! with entries twice, whatever the branches say; and a scan loads no more pages than the file has, which bounds the
//! empty ones.

use std::fmt;

use super::{Bucket, Entry, MAX_DEPTH};
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::format::{Branch, Leaf, LeafElement, Page, PageId, PageKind};
use crate::storage::Storage;

/// A position in a bucket.
pub struct Cursor<'s, S: Storage> {
    bucket: Bucket<'s, S>,
    branches: Vec<(Branch<S::Run<'s>>, usize)>,
    leaf: Option<(Leaf<S::Run<'s>>, usize)>,
    past_end: bool,
    /// The way of the last step from leaf to leaf, and the pages loaded since it was another.
    way: Way,
    loaded: u64,
}

/// A key of a bucket and what it leads to.
pub type Pair<'s, S> = (<S as Storage>::Run<'s>, Entry<'s, S>);

/// An element, the page it lies on, and the file offset of its value.
pub(super) type Located<B> = (LeafElement<B>, PageId, u64);

/// The pair that an element is, its bucket opened.
#[inline]
pub(super) fn pair<'s, S: Storage>(element: LeafElement<S::Run<'s>>, cursor: &Cursor<'s, S>) -> Result<Pair<'s, S>> {
    match element.is_bucket() {
        false => Ok((element.key, Entry::Value(element.value))),
        true => Ok((element.key, Entry::Bucket(cursor.open(element.value)?))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forward,
    Back,
}

impl<'s, S: Storage> Cursor<'s, S> {
    pub(super) fn new(bucket: Bucket<'s, S>) -> Self {
        Cursor { bucket, branches: Vec::new(), leaf: None, past_end: false, way: Way::Forward, loaded: 0 }
    }

    /// The bucket that the cursor goes through.
    pub fn bucket(&self) -> &Bucket<'s, S> {
        &self.bucket
    }

    /// The entry that the cursor is on.
    #[inline]
    pub fn current(&self) -> Result<Option<Pair<'s, S>>> {
        match self.element()? {
            Some(element) => pair(element, self).map(Some),
            None => Ok(None),
        }
    }

    /// The element that the cursor is on, a bucket not yet opened.
    #[inline(always)]
    pub(crate) fn element(&self) -> Result<Option<LeafElement<S::Run<'s>>>> {
        match &self.leaf {
            Some((leaf, position)) => Ok(Some(leaf.element(*position)?)),
            None => Ok(None),
        }
    }

    /// The element that the cursor is on, the page it lies on, and the file offset of its value.
    pub(super) fn located(&self) -> Result<Option<Located<S::Run<'s>>>> {
        match &self.leaf {
            Some((leaf, at)) => Ok(Some((leaf.element(*at)?, leaf.page().id(), leaf.value_offset(*at)))),
            None => Ok(None),
        }
    }

    /// Opens the bucket that the cursor is on, whose value this is.
    #[cold]
    pub(crate) fn open(&self, value: S::Run<'s>) -> Result<Bucket<'s, S>> {
        match &self.leaf {
            Some((leaf, position)) => Ok(Bucket::from_header(self.bucket.pages(), leaf.bucket(*position, value)?)),
            None => Ok(self.bucket.clone()),
        }
    }

    /// The key that the cursor is on.
    pub fn key(&self) -> Result<Option<&[u8]>> {
        match &self.leaf {
            Some((leaf, position)) => Ok(Some(leaf.key(*position)?)),
            None => Ok(None),
        }
    }

    /// Moves to the first entry.
    pub fn first(&mut self) -> Result<Option<Pair<'s, S>>> {
        self.move_first()?;
        self.current()
    }

    /// Moves to the last entry.
    pub fn last(&mut self) -> Result<Option<Pair<'s, S>>> {
        self.move_last()?;
        self.current()
    }

    /// Moves to the first entry whose key is not below `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<Option<Pair<'s, S>>> {
        self.move_to(key)?;
        self.current()
    }

    /// Moves to the entry after the current one.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "the field's name for it; an iterator is what `Bucket::iter` gives")]
    pub fn next(&mut self) -> Result<Option<Pair<'s, S>>> {
        if self.advance()? { self.current() } else { Ok(None) }
    }

    /// Moves to the entry before the current one.
    #[inline]
    pub fn prev(&mut self) -> Result<Option<Pair<'s, S>>> {
        if self.retreat()? { self.current() } else { Ok(None) }
    }

    pub(crate) fn move_first(&mut self) -> Result<()> {
        self.moved(|cursor| cursor.seek_edge(Way::Forward))
    }

    pub(crate) fn move_last(&mut self) -> Result<()> {
        self.moved(|cursor| cursor.seek_edge(Way::Back))
    }

    #[inline]
    pub(crate) fn move_to(&mut self, key: &[u8]) -> Result<()> {
        self.moved(|cursor| cursor.seek_key(key))
    }

    /// Moves one entry on; `false` where there is none.
    #[inline(always)]
    pub(crate) fn advance(&mut self) -> Result<bool> {
        match &mut self.leaf {
            Some((leaf, position)) if *position + 1 < leaf.len() => {
                *position += 1;
                Ok(true)
            }
            Some(_) => self.stepped(Way::Forward),
            None => Ok(false),
        }
    }

    /// Moves one entry on within the leaf, as long as that lies before `end` and is a plain value, and gives the pair. What
    /// is anything else is left to [`advance`](Self::advance).
    #[inline(always)]
    pub(super) fn next_value_before(&mut self, end: usize) -> Option<(S::Run<'s>, S::Run<'s>)> {
        let (leaf, position) = self.leaf.as_mut()?;
        let next = *position + 1;
        let pair = if next < end { leaf.value(next)? } else { return None };
        *position = next;
        Some(pair)
    }

    /// The leaf that the cursor is on, and the position there.
    pub(super) fn leaf(&self) -> Option<(&Leaf<S::Run<'s>>, usize)> {
        self.leaf.as_ref().map(|(leaf, at)| (leaf, *at))
    }

    /// Moves one entry back; `false` where there is none.
    #[inline]
    pub(crate) fn retreat(&mut self) -> Result<bool> {
        match &mut self.leaf {
            Some((_, position)) if *position > 0 => {
                *position -= 1;
                Ok(true)
            }
            Some(_) => self.stepped(Way::Back),
            None if self.past_end => self.move_last().map(|()| self.leaf.is_some()),
            None => Ok(false),
        }
    }

    /// Carries out a move to a new place; after an error the cursor is nowhere.
    #[inline]
    fn moved(&mut self, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.leaf = None;
        self.past_end = false;
        self.loaded = 0;
        self.branches.clear();
        step(self).inspect_err(|_| self.leaf = None)
    }

    /// Steps off a leaf; where there is nothing beyond it, the cursor goes back to its end.
    #[inline(never)]
    fn stepped(&mut self, way: Way) -> Result<bool> {
        let from = self.leaf.as_ref().map(|(leaf, _)| leaf.clone());
        match self.step_leaf(from.as_ref(), way) {
            Ok(true) => Ok(true),
            Ok(false) => {
                // The path was given up on the way; a look-up of the edge finds it again.
                self.moved(|cursor| cursor.seek_edge(if way == Way::Forward { Way::Back } else { Way::Forward }))?;
                Ok(false)
            }
            Err(e) => {
                self.leaf = None;
                Err(e)
            }
        }
    }

    fn seek_edge(&mut self, way: Way) -> Result<()> {
        let root = self.bucket.load_root()?;
        self.descend(root, way)?;
        self.skip_empty(None, way).map(|_| ())
    }

    fn seek_key(&mut self, key: &[u8]) -> Result<()> {
        let mut page = self.bucket.load_root()?;
        while page.kind() == PageKind::Branch {
            let branch = page.into_branch()?;
            let index = branch.child_index(key)?;
            self.bucket.pages().prefetch_to_search(branch.child(index)?);
            page = self.push(branch, index)?;
        }
        let leaf = page.into_leaf()?;
        let (position, _) = leaf.lower_bound(key)?;
        if position < leaf.len() {
            leaf.disjoint()?;
            self.leaf = Some((leaf, position));
            return Ok(());
        }
        let previous = (!leaf.is_empty()).then_some(&leaf);
        self.past_end = !self.step_leaf(previous, Way::Forward)?;
        match self.key()? {
            // The branches lead to the leaf before this one, so all keys here are above.
            Some(first) if first < key => Err(self.out_of_order()),
            _ => Ok(()),
        }
    }

    /// Fetches the leaves after this one, for a scan that begins here; `false` where the cursor is nowhere.
    pub(super) fn begin_scan(&self) -> bool {
        if let Some((branch, index)) = self.branches.last() {
            let pages = self.bucket.pages();
            pages.prefetch_children(branch, None, Some(index + 1));
            pages.prefetch_children(branch, Some(index + 1), Some(index + 2));
        }
        self.leaf.is_some()
    }

    /// What is wrong with the leaf that the cursor is on, where a key there is not where it belongs.
    #[cold]
    pub(super) fn out_of_order(&self) -> Error {
        let page = self.leaf.as_ref().map(|(leaf, _)| leaf.page().id());
        Corruption { kind: CorruptionKind::PageOrder, page, offset: None }.into()
    }

    /// Puts a branch on the stack and loads the child that is taken from it.
    fn push(&mut self, branch: Branch<S::Run<'s>>, index: usize) -> Result<Page<S::Run<'s>>> {
        let child = branch.child(index)?;
        self.branches.push((branch, index));
        if self.branches.len() >= MAX_DEPTH {
            return Err(CorruptionKind::TooDeep { limit: MAX_DEPTH }.at(child).into());
        }
        self.loaded += 1;
        self.bucket.pages().load(child)
    }

    /// Goes down to the outermost leaf under a page.
    fn descend(&mut self, mut page: Page<S::Run<'s>>, way: Way) -> Result<()> {
        while page.kind() == PageKind::Branch {
            let branch = page.into_branch()?;
            let index = if way == Way::Forward { 0 } else { branch.len() - 1 };
            page = self.push(branch, index)?;
        }
        let leaf = page.into_leaf()?;
        leaf.disjoint()?;
        let position = if way == Way::Forward { 0 } else { leaf.len().saturating_sub(1) };
        self.leaf = Some((leaf, position));
        Ok(())
    }

    /// Moves on from an empty leaf, if the cursor is on one. `false` where there is none but empty ones.
    fn skip_empty(&mut self, previous: Option<&Leaf<S::Run<'s>>>, way: Way) -> Result<bool> {
        match &self.leaf {
            Some((leaf, _)) if leaf.is_empty() => self.step_leaf(previous, way),
            Some(_) => Ok(true),
            None => Ok(false),
        }
    }

    /// Moves to the next leaf that has entries. `false` where there is none; the cursor is nowhere then.
    fn step_leaf(&mut self, previous: Option<&Leaf<S::Run<'s>>>, way: Way) -> Result<bool> {
        if way != self.way {
            (self.way, self.loaded) = (way, 0);
        }
        // One way through a tree leads over each of its pages once.
        let most = self.bucket.pages().end();
        while self.loaded <= most {
            let Some(page) = self.sibling(way)? else {
                self.leaf = None;
                return Ok(false);
            };
            self.descend(page, way)?;
            if let Some((leaf, _)) = &self.leaf
                && !leaf.is_empty()
            {
                return in_order(previous, leaf, way).map(|()| true);
            }
        }
        let root = self.bucket.root_page().unwrap_or_default();
        Err(CorruptionKind::EndlessEmptyLeaves.at(root).into())
    }

    /// The page next to the current one, under the lowest branch that has one.
    fn sibling(&mut self, way: Way) -> Result<Option<Page<S::Run<'s>>>> {
        while let Some((branch, index)) = self.branches.pop() {
            let next = match way {
                Way::Forward => Some(index + 1).filter(|next| *next < branch.len()),
                Way::Back => index.checked_sub(1),
            };
            if let Some(next) = next {
                let beyond = match way {
                    Way::Forward => [Some(next + 1), Some(next + 2)],
                    Way::Back => [next.checked_sub(1), next.checked_sub(2)],
                };
                self.bucket.pages().prefetch_children(&branch, beyond[0], beyond[1]);
                return self.push(branch, next).map(Some);
            }
        }
        Ok(None)
    }
}

/// Keys of neighbouring leaves must ascend, from end to end, or a scan could go in circles.
fn in_order<B: crate::format::Bytes>(previous: Option<&Leaf<B>>, leaf: &Leaf<B>, way: Way) -> Result<(), Error> {
    let Some(previous) = previous else { return Ok(()) };
    let (lower, upper) = if way == Way::Forward { (previous, leaf) } else { (leaf, previous) };
    let (end, start) = (lower.key(lower.len() - 1)?, upper.key(0)?);
    match lower.key(0)? <= end && end < start && start <= upper.key(upper.len() - 1)? {
        true => Ok(()),
        false => Err(CorruptionKind::PageOrder.at(leaf.page().id()).into()),
    }
}

impl<S: Storage> fmt::Debug for Cursor<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.leaf {
            Some((leaf, position)) => write!(f, "Cursor(page {}, element {position})", leaf.page().id()),
            None => f.write_str("Cursor(nowhere)"),
        }
    }
}

impl<'s, S: Storage> Clone for Cursor<'s, S> {
    fn clone(&self) -> Self {
        Cursor {
            bucket: self.bucket.clone(),
            branches: self.branches.clone(),
            leaf: self.leaf.clone(),
            past_end: self.past_end,
            way: self.way,
            loaded: self.loaded,
        }
    }
}
