//! Looking things up in one bucket.
//!
//! A look-up tests the pages that it comes to, each by itself, and not that keys and separators are in order: it
//! searches by them. Where they are not, a key that is there may not be found. [`verify`](super::verify) does not
//! test the order either; [`check`](crate::check) does.

use std::fmt;

use super::{Cursor, Iter, MAX_DEPTH, Pages};
use crate::error::{CorruptionKind, Error, Result};
use crate::format::{BucketHeader, BucketRoot, Leaf, LeafItem, Page, PageId, PageKind};
use crate::storage::Storage;

/// A bucket of one state of a database.
pub struct Bucket<'s, S: Storage> {
    pages: Pages<'s, S>,
    root: BucketRoot<S::Run<'s>>,
    sequence: u64,
}

/// What a key leads to.
pub enum Entry<'s, S: Storage> {
    /// A value.
    Value(S::Run<'s>),
    /// A bucket.
    Bucket(Bucket<'s, S>),
}

impl<'s, S: Storage> Bucket<'s, S> {
    pub(super) fn at_root(pages: Pages<'s, S>) -> Self {
        let meta = pages.meta();
        Bucket { pages, root: BucketRoot::Page(meta.root), sequence: meta.root_sequence }
    }

    /// The part of a tree below a page, as a bucket of its own.
    pub(super) fn below(pages: Pages<'s, S>, page: PageId) -> Self {
        Bucket { pages, root: BucketRoot::Page(page), sequence: 0 }
    }

    /// The bucket that a leaf's entry describes.
    pub(super) fn from_header(pages: Pages<'s, S>, header: BucketHeader<S::Run<'s>>) -> Self {
        Bucket { pages, root: header.root, sequence: header.sequence }
    }

    /// The state that the bucket belongs to.
    pub fn pages(&self) -> Pages<'s, S> {
        self.pages
    }

    /// The bucket's sequence, a number that its users count up and set as they like.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Where the bucket's tree begins.
    pub fn tree_root(&self) -> &BucketRoot<S::Run<'s>> {
        &self.root
    }

    /// The page of the tree's root, or `None` where the bucket is inline.
    pub fn root_page(&self) -> Option<PageId> {
        match &self.root {
            BucketRoot::Page(id) => Some(*id),
            BucketRoot::Inline(_) => None,
        }
    }

    pub(super) fn load_root(&self) -> Result<Page<S::Run<'s>>> {
        match &self.root {
            BucketRoot::Page(id) => self.pages.load(*id),
            BucketRoot::Inline(page) => Ok(page.clone()),
        }
    }

    /// What a key leads to, or `None` where it is not there.
    #[inline]
    pub fn entry(&self, key: &[u8]) -> Result<Option<Entry<'s, S>>> {
        let leaf = self.leaf_for(key)?;
        match leaf.lower_bound(key)? {
            (position, true) => Ok(Some(Entry::of(self.pages, leaf.item(position)?))),
            _ => Ok(None),
        }
    }

    /// The value of a key; `None` where the key is not there, or is a bucket.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Result<Option<S::Run<'s>>> {
        let leaf = self.leaf_for(key)?;
        let (position, true) = leaf.lower_bound(key)? else { return Ok(None) };
        let element = leaf.element(position)?;
        Ok((!element.is_bucket()).then_some(element.value))
    }

    /// The bucket of this name; `None` where there is none, or the key holds a value.
    pub fn bucket(&self, name: &[u8]) -> Result<Option<Bucket<'s, S>>> {
        Ok(match self.entry(name)? {
            Some(Entry::Bucket(bucket)) => Some(bucket),
            _ => None,
        })
    }

    /// The bucket at the end of a path of names; an empty path is this bucket.
    pub fn descend<N: AsRef<[u8]>>(&self, path: &[N]) -> Result<Bucket<'s, S>> {
        let mut bucket = self.clone();
        for (depth, name) in path.iter().enumerate() {
            bucket = bucket.bucket(name.as_ref())?.ok_or_else(|| Error::BucketNotFound {
                path: path.iter().take(depth + 1).map(|name| name.as_ref().to_vec()).collect(),
            })?;
        }
        Ok(bucket)
    }

    /// The leaf on which a key is, if it is anywhere.
    #[inline]
    pub(super) fn leaf_for(&self, key: &[u8]) -> Result<Leaf<S::Run<'s>>> {
        let mut page = self.load_root()?;
        for _ in 0..MAX_DEPTH {
            if page.kind() != PageKind::Branch {
                return Ok(page.into_leaf()?);
            }
            let branch = page.into_branch()?;
            let child = branch.child(branch.child_index(key)?)?;
            self.pages.prefetch_to_search(child);
            page = self.pages.load(child)?;
        }
        Err(CorruptionKind::TooDeep { limit: MAX_DEPTH }.at(page.id()).into())
    }

    /// A cursor over the bucket, not yet anywhere.
    pub fn cursor(&self) -> Cursor<'s, S> {
        Cursor::new(self.clone())
    }

    /// All entries in key order.
    pub fn iter(&self) -> Iter<'s, S> {
        Iter::over(self.clone(), ..)
    }

    /// The entries whose keys begin with these bytes, in key order.
    pub fn prefix(&self, prefix: &[u8]) -> Iter<'s, S> {
        Iter::with_prefix(self.clone(), prefix)
    }

    /// The entries whose keys lie in a range, in key order.
    pub fn range<'k>(&self, range: impl std::ops::RangeBounds<&'k [u8]>) -> Iter<'s, S> {
        Iter::over(self.clone(), range)
    }
}

impl<'s, S: Storage> Entry<'s, S> {
    pub(super) fn of(pages: Pages<'s, S>, item: LeafItem<S::Run<'s>>) -> Self {
        match item {
            LeafItem::Value(value) => Entry::Value(value),
            LeafItem::Bucket(header) => Entry::Bucket(Bucket::from_header(pages, header)),
        }
    }

    /// The value, where this is one.
    pub fn value(self) -> Option<S::Run<'s>> {
        match self {
            Entry::Value(value) => Some(value),
            Entry::Bucket(_) => None,
        }
    }
}

impl<'s, S: Storage> Clone for Bucket<'s, S> {
    fn clone(&self) -> Self {
        Bucket { pages: self.pages, root: self.root.clone(), sequence: self.sequence }
    }
}

impl<'s, S: Storage> Copy for Bucket<'s, S> where S::Run<'s>: Copy {}

impl<S: Storage> fmt::Debug for Bucket<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            BucketRoot::Page(page) => write!(f, "Bucket(root {page}, sequence {})", self.sequence),
            BucketRoot::Inline(page) => write!(f, "Bucket(inline, {} entries, sequence {})", page.count(), self.sequence),
        }
    }
}

impl<'s, S: Storage> fmt::Debug for Entry<'s, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Value(value) => write!(f, "Value(b\"{}\")", value.escape_ascii()),
            Entry::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

impl<'s, S: Storage> Clone for Entry<'s, S> {
    fn clone(&self) -> Self {
        match self {
            Entry::Value(value) => Entry::Value(value.clone()),
            Entry::Bucket(bucket) => Entry::Bucket(bucket.clone()),
        }
    }
}

impl<'s, S: Storage> Copy for Entry<'s, S> where S::Run<'s>: Copy {}
