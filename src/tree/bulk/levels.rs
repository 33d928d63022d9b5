//! The tree of one bucket while it is built: a leaf that is being filled, and the branches above it.

use super::node::{Child, Element, Node};
use super::output::Output;
use crate::error::Result;
use crate::format::{
    BUCKET_FLAG, Bytes, ELEMENT_SIZE, LeafElement, PAGE_HEADER_SIZE, PageId, PageKind, encode_bucket, encode_inline,
};

/// A bucket's page is inline where it takes no more than this part of a page.
const INLINE_PART: u64 = 4;

/// An element of a leaf.
pub(super) struct LeafEntry<B> {
    pub key: B,
    pub value: Value<B>,
}

/// The value of an element.
pub(super) enum Value<B> {
    Plain(B),
    /// The header of a bucket, its inline page behind it where it has one.
    Bucket(Vec<u8>),
}

impl<B: Bytes> LeafEntry<B> {
    fn element(&self) -> LeafElement<&[u8]> {
        let (flags, value) = match &self.value {
            Value::Plain(value) => (0, &**value),
            Value::Bucket(value) => (BUCKET_FLAG, &**value),
        };
        LeafElement { flags, key: &self.key, value }
    }
}

impl<B: Bytes> Element for LeafEntry<B> {
    #[inline]
    fn size(&self) -> u64 {
        let LeafElement { key, value, .. } = self.element();
        (ELEMENT_SIZE + key.len()).saturating_add(value.len()) as u64
    }

    fn key(&self) -> &[u8] {
        &self.key
    }

    fn write(elements: &[Self], out: &mut Output<'_>) -> Result<()> {
        out.run(PageKind::Leaf, elements.len(), size(elements), |run| {
            for LeafElement { flags, key, value } in elements.iter().map(LeafEntry::element) {
                run.leaf_element(flags, key.len() as u32, value.len() as u32);
            }
            for LeafElement { key, value, .. } in elements.iter().map(LeafEntry::element) {
                run.data(key);
                run.data(value);
            }
        })
    }
}

impl Element for Child {
    fn size(&self) -> u64 {
        (ELEMENT_SIZE + self.key.len()) as u64
    }

    fn key(&self) -> &[u8] {
        &self.key
    }

    fn write(elements: &[Self], out: &mut Output<'_>) -> Result<()> {
        out.run(PageKind::Branch, elements.len(), size(elements), |run| {
            elements.iter().for_each(|child| run.branch_element(child.key.len() as u32, child.page));
            elements.iter().for_each(|child| run.data(&child.key));
        })
    }
}

/// The bytes that these take on a page, header included. The limits of a node see to it that they are not too many.
fn size<E: Element>(elements: &[E]) -> u64 {
    PAGE_HEADER_SIZE as u64 + elements.iter().map(Element::size).sum::<u64>()
}

/// The levels of a tree, the leaves first.
pub(super) struct Levels<B> {
    leaf: Node<LeafEntry<B>>,
    branches: Vec<Node<Child>>,
    holds_bucket: bool,
    /// The pages that were written since the level above was told.
    written: Vec<Child>,
}

impl<B: Bytes> Levels<B> {
    pub fn new() -> Levels<B> {
        Levels { leaf: Node::default(), branches: Vec::new(), holds_bucket: false, written: Vec::new() }
    }

    /// The key that was added last. A cut leaves elements behind it, so it is there still.
    pub fn last_key(&self) -> Option<&[u8]> {
        self.leaf.elements().last().map(Element::key)
    }

    /// Adds an element behind all others.
    #[inline]
    pub fn add(&mut self, entry: LeafEntry<B>, out: &mut Output<'_>) -> Result<()> {
        self.holds_bucket |= matches!(entry.value, Value::Bucket(_));
        self.leaf.push(entry, out, &mut self.written)?;
        if self.written.is_empty() { Ok(()) } else { self.tell_branches(out) }
    }

    /// Hands the pages that were written to the level above, those that are full there by then to the next one.
    fn tell_branches(&mut self, out: &mut Output<'_>) -> Result<()> {
        let mut level = 0;
        while !self.written.is_empty() {
            if level == self.branches.len() {
                self.branches.push(Node::default());
            }
            let children = std::mem::take(&mut self.written);
            if let Some(branch) = self.branches.get_mut(level) {
                for child in children {
                    branch.push(child, out, &mut self.written)?;
                }
            }
            level += 1;
        }
        Ok(())
    }

    /// Writes what is left, and gives back the page of the root.
    pub fn finish(self, out: &mut Output<'_>) -> Result<PageId> {
        let mut written = self.written;
        self.leaf.finish(out, &mut written)?;
        let mut branches = self.branches.into_iter();
        loop {
            let above = branches.next();
            match (&above, written.as_slice()) {
                (None, [root]) => return Ok(root.page),
                _ => written = finish_branch(above.unwrap_or_default(), written, out)?,
            }
        }
    }

    /// Writes what is left, and gives back the value of the bucket's entry.
    pub fn finish_bucket(self, sequence: u64, out: &mut Output<'_>) -> Result<Vec<u8>> {
        let endian = out.layout().endian;
        if !self.is_inline(out) {
            return Ok(encode_bucket(self.finish(out)?, sequence, endian).to_vec());
        }
        let elements: Vec<_> = self.leaf.elements().iter().map(LeafEntry::element).collect();
        Ok([&encode_bucket(PageId(0), sequence, endian)[..], &encode_inline(&elements, endian)?].concat())
    }

    /// Go's rule: a single leaf without buckets that takes a quarter of a page at most.
    fn is_inline(&self, out: &Output<'_>) -> bool {
        let limits = out.limits();
        let one_leaf = self.branches.is_empty() && self.leaf.last_cut(limits).is_none();
        one_leaf && !self.holds_bucket && self.leaf.size() <= limits.page / INLINE_PART
    }
}

/// Adds the last children to a branch and writes it; gives back the pages of that level.
fn finish_branch(mut branch: Node<Child>, children: Vec<Child>, out: &mut Output<'_>) -> Result<Vec<Child>> {
    let mut written = Vec::new();
    for child in children {
        branch.push(child, out, &mut written)?;
    }
    branch.finish(out, &mut written)?;
    Ok(written)
}
