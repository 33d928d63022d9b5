//! One level of a tree while its elements come in, and where it is cut into pages.
//!
//! The cut is the one that Go's writer makes when it splits a node that holds all elements at once: a page is filled
//! up to a limit, has at least two elements and leaves at least three, and what has four elements at most, or takes
//! less than a page, is not cut. It is made as soon as no element to come can change it. Beyond Go's rule, a run that
//! would become too long for its elements to be found is cut wherever it must be.

use crate::error::Result;
use crate::format::{MAX_RUN, PAGE_HEADER_SIZE, PageId};

use super::output::Output;

/// The fewest elements on a page, where its size does not demand otherwise.
const FEWEST: usize = 2;
/// The fewest elements behind a cut.
const FEWEST_BEHIND: usize = 3;
/// Nodes of this many elements are not cut.
const WHOLE: usize = 4;

/// What a node has to know of its elements.
pub(super) trait Element: Sized {
    /// The bytes that it takes on a page.
    fn size(&self) -> u64;

    /// Its key.
    fn key(&self) -> &[u8];

    /// Writes a page run of these elements.
    fn write(elements: &[Self], out: &mut Output<'_>) -> Result<()>;
}

/// A page that was written, as the branch above it refers to it.
#[derive(Debug)]
pub(super) struct Child {
    /// Its first key. A copy: the bytes that it was taken from may be a large run.
    pub key: Box<[u8]>,
    pub page: PageId,
}

/// The sizes that decide on the cut, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// What takes less than this is not cut.
    pub page: u64,
    /// Up to where a page is filled.
    pub fill: u64,
    /// The longest run.
    pub run: u64,
}

impl Limits {
    pub fn new(page: u64, fill: u64) -> Limits {
        // One byte less than can be laid out, as elements must end before that.
        Limits { page, fill, run: MAX_RUN - 1 }
    }
}

/// The elements of a level that are not on a page yet.
pub(super) struct Node<E> {
    elements: Vec<E>,
    /// The bytes that they take on one page.
    size: u64,
    /// The first position at which the page before it is filled.
    filled: Option<usize>,
    /// Where the node must be cut now, whatever comes.
    forced: Option<usize>,
}

impl<E> Default for Node<E> {
    fn default() -> Self {
        Node { elements: Vec::new(), size: PAGE_HEADER_SIZE as u64, filled: None, forced: None }
    }
}

impl<E: Element> Node<E> {
    pub fn elements(&self) -> &[E] {
        &self.elements
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds an element, and the pages that are certain by now to `written`.
    #[inline]
    pub fn push(&mut self, element: E, out: &mut Output<'_>, written: &mut Vec<Child>) -> Result<()> {
        self.count(self.elements.len(), element.size(), out.limits());
        self.elements.push(element);
        while let Some(cut) = self.certain_cut(out.limits()) {
            self.write(cut, out, written)?;
        }
        Ok(())
    }

    /// Writes all that is left.
    pub fn finish(mut self, out: &mut Output<'_>, written: &mut Vec<Child>) -> Result<()> {
        while let Some(cut) = self.last_cut(out.limits()) {
            self.write(cut, out, written)?;
        }
        self.write(self.elements.len(), out, written)
    }

    /// Takes note of the element at a position.
    #[inline]
    fn count(&mut self, at: usize, size: u64, limits: Limits) {
        self.size = self.size.saturating_add(size);
        if self.filled.is_none() && at >= FEWEST && self.size > limits.fill {
            self.filled = Some(at);
        }
        if self.forced.is_none() && at > 0 && self.size > limits.run {
            self.forced = Some(self.filled.unwrap_or(at));
        }
    }

    /// Where the node is cut whatever comes.
    #[inline]
    fn certain_cut(&self, limits: Limits) -> Option<usize> {
        self.forced.or_else(|| self.filled.filter(|cut| self.can_be_cut(limits) && self.leaves_enough(*cut)))
    }

    /// Where it is cut if nothing more comes.
    pub fn last_cut(&self, limits: Limits) -> Option<usize> {
        let last = self.elements.len().checked_sub(FEWEST_BEHIND).filter(|_| self.can_be_cut(limits));
        self.certain_cut(limits).or(last)
    }

    fn can_be_cut(&self, limits: Limits) -> bool {
        self.elements.len() > WHOLE && self.size >= limits.page
    }

    fn leaves_enough(&self, cut: usize) -> bool {
        self.elements.len() - cut >= FEWEST_BEHIND
    }

    /// Writes the first elements to a page, and begins anew with the others.
    fn write(&mut self, cut: usize, out: &mut Output<'_>, written: &mut Vec<Child>) -> Result<()> {
        let (limits, page) = (out.limits(), out.next_page());
        let elements = self.elements.get(..cut).unwrap_or_default();
        E::write(elements, out)?;
        let key = elements.first().map(|first| first.key().into()).unwrap_or_default();
        written.push(Child { key, page });
        self.elements.drain(..cut);
        *self = Node { elements: std::mem::take(&mut self.elements), ..Node::default() };
        for at in 0..self.elements.len() {
            let size = self.elements.get(at).map_or(0, Element::size);
            self.count(at, size, limits);
        }
        Ok(())
    }
}
