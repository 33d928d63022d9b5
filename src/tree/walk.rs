//! Going once through everything that a state reaches, in key order, on whatever input.
//!
//! The walk loads no page twice, follows and shows elements of a page only as long as they have no more bytes
//! together than the page, and keeps its path on the heap, so it ends on cycles, on branches that share children by
//! the million, on elements that share their bytes, and on buckets nested thousands deep. What it cannot follow it
//! reports, and goes on with the rest. What a visitor itself looks up on a page that it is shown is not counted.

use std::fmt;

use super::{MAX_DEPTH, PageSet, Pages};
use crate::error::{Corruption, CorruptionKind, Error};
use crate::format::{BucketHeader, BucketRoot, Bytes, Leaf, Page, PageId, PageKind};
use crate::storage::Storage;

/// What a walk is told to do with what it meets. Every method has a default that does nothing.
pub trait Visitor<B: Bytes> {
    /// What ends the walk early.
    type Stop;

    /// Whether [`value`](Self::value) is wanted; where it is not, values are not looked at.
    const VALUES: bool;

    /// Whether a bucket is entered. One that is not is passed over, with all that is in it.
    fn enters(&mut self, _bucket: &BucketAt<'_, B>, _place: &Place<'_, B>) -> Result<bool, Self::Stop> {
        Ok(true)
    }

    /// A bucket begins; the root bucket is not announced.
    fn enter_bucket(&mut self, _bucket: &BucketAt<'_, B>, _place: &Place<'_, B>) -> Result<(), Self::Stop> {
        Ok(())
    }

    /// The bucket that began last and has not ended yet ends.
    fn leave_bucket(&mut self) -> Result<(), Self::Stop> {
        Ok(())
    }

    /// A branch or leaf page, before anything below it. An inline page is one too.
    fn page(&mut self, _page: &Page<B>, _place: &Place<'_, B>) -> Result<(), Self::Stop> {
        Ok(())
    }

    /// A plain pair.
    fn value(&mut self, _key: &B, _value: &B, _place: &Place<'_, B>) -> Result<(), Self::Stop> {
        Ok(())
    }

    /// Something that cannot be followed.
    fn problem(&mut self, _corruption: Corruption, _place: &Place<'_, B>) -> Result<(), Self::Stop> {
        Ok(())
    }
}

impl<B: Bytes, V: Visitor<B>> Visitor<B> for &mut V {
    type Stop = V::Stop;
    const VALUES: bool = V::VALUES;

    fn enters(&mut self, bucket: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<bool, Self::Stop> {
        (**self).enters(bucket, place)
    }

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<(), Self::Stop> {
        (**self).enter_bucket(bucket, place)
    }

    fn leave_bucket(&mut self) -> Result<(), Self::Stop> {
        (**self).leave_bucket()
    }

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Self::Stop> {
        (**self).page(page, place)
    }

    fn value(&mut self, key: &B, value: &B, place: &Place<'_, B>) -> Result<(), Self::Stop> {
        (**self).value(key, value, place)
    }

    fn problem(&mut self, corruption: Corruption, place: &Place<'_, B>) -> Result<(), Self::Stop> {
        (**self).problem(corruption, place)
    }
}

/// Where a walk is.
#[derive(Debug)]
pub struct Place<'w, B> {
    /// The names of the buckets from the root to here.
    pub buckets: &'w [B],
    /// The pages from the root to here, through all buckets; an inline page counts as its host.
    pub pages: &'w [PageId],
    /// The level within the bucket's own tree; its root is at 0.
    pub depth: usize,
    /// The element of the page here that the walk has come to.
    pub element: usize,
    /// Whether the page here is an inline bucket's.
    pub inline: bool,
    /// The separator in the branch above, which writers keep equal to the first key here.
    pub separator: Option<&'w B>,
    /// Look-ups for keys below this one never come here. The outermost page on the left has no such bound: the
    /// first separator of a branch stands for everything below the second.
    pub lower: Option<&'w B>,
    /// Look-ups for this key and those above it never come here.
    pub upper: Option<&'w B>,
}

/// A bucket that a walk enters.
#[derive(Debug)]
pub struct BucketAt<'w, B> {
    /// Its name, also the last of [`Place::buckets`].
    pub name: &'w B,
    /// Its header.
    pub header: &'w BucketHeader<B>,
    /// The length of its entry's value.
    pub value_len: usize,
}

/// Walks everything below the root bucket of a state.
pub fn walk<'s, S, V>(pages: Pages<'s, S>, visitor: &mut V) -> Result<(), WalkError<V::Stop>>
where
    S: Storage,
    V: Visitor<S::Run<'s>>,
{
    walk_from(pages, &BucketRoot::Page(pages.meta().root), visitor)
}

/// Walks everything below one root: of a bucket, or of any part of a tree.
pub fn walk_from<'s, S, V>(
    pages: Pages<'s, S>,
    root: &BucketRoot<S::Run<'s>>,
    visitor: &mut V,
) -> Result<(), WalkError<V::Stop>>
where
    S: Storage,
    V: Visitor<S::Run<'s>>,
{
    walk_within(pages, root, &mut PageSet::below(pages.end()), visitor)
}

/// The same where some pages are out of bounds: those in `seen`, which has those that were walked afterwards.
pub fn walk_within<'s, S, V>(
    pages: Pages<'s, S>,
    root: &BucketRoot<S::Run<'s>>,
    seen: &mut PageSet,
    visitor: &mut V,
) -> Result<(), WalkError<V::Stop>>
where
    S: Storage,
    V: Visitor<S::Run<'s>>,
{
    let mut walk = Walk::new(pages, std::mem::replace(seen, PageSet::below(0)), visitor);
    let ended = walk.enter(root, None).and_then(|()| walk.rest());
    *seen = walk.seen;
    ended
}

/// Why a walk ended early: the visitor stopped it, or the medium failed.
#[derive(Debug, thiserror::Error)]
pub enum WalkError<E> {
    /// The medium could not be read.
    #[error(transparent)]
    Storage(Error),
    /// The visitor stopped the walk.
    #[error("the walk was stopped")]
    Stopped(E),
}

impl From<WalkError<Error>> for Error {
    fn from(e: WalkError<Error>) -> Error {
        match e {
            WalkError::Storage(e) | WalkError::Stopped(e) => e,
        }
    }
}

impl From<WalkError<std::convert::Infallible>> for Error {
    fn from(e: WalkError<std::convert::Infallible>) -> Error {
        match e {
            WalkError::Storage(e) => e,
            WalkError::Stopped(never) => match never {},
        }
    }
}

/// A page that the walk is inside of.
struct Frame<B> {
    page: Page<B>,
    next: usize,
    /// The bytes that its elements may still take: elements that lie over each other run out of them.
    room: usize,
    depth: usize,
    inline: bool,
    /// Whether this is the root of a bucket that was announced.
    ends_bucket: bool,
    separator: Option<B>,
    lower: Option<B>,
    upper: Option<B>,
}

/// A walk that is taken step by step, so that two can be taken side by side.
pub struct Walk<'s, S: Storage, V> {
    pages: Pages<'s, S>,
    visitor: V,
    seen: PageSet,
    stack: Vec<Frame<S::Run<'s>>>,
    buckets: Vec<S::Run<'s>>,
    path: Vec<PageId>,
}

impl<S: Storage, V> fmt::Debug for Walk<'_, S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("pages", &self.pages).field("path", &self.path).finish()
    }
}

impl<'s, S: Storage, V: Visitor<S::Run<'s>>> Walk<'s, S, V> {
    /// Enters the tree below a root, whose page is shown at once.
    pub fn begin(pages: Pages<'s, S>, root: &BucketRoot<S::Run<'s>>, visitor: V) -> Result<Self, WalkError<V::Stop>> {
        let mut walk = Walk::new(pages, PageSet::below(pages.end()), visitor);
        walk.enter(root, None)?;
        Ok(walk)
    }

    fn new(pages: Pages<'s, S>, seen: PageSet, visitor: V) -> Self {
        Walk { pages, visitor, seen, stack: Vec::new(), buckets: Vec::new(), path: Vec::new() }
    }

    fn rest(&mut self) -> Result<(), WalkError<V::Stop>> {
        while self.step()? {}
        Ok(())
    }

    /// What is told what the walk meets.
    pub fn visitor(&mut self) -> &mut V {
        &mut self.visitor
    }

    /// Goes one element further, or over all values of a leaf up to its next bucket; `false` at the end.
    pub fn step(&mut self) -> Result<bool, WalkError<V::Stop>> {
        let Some(frame) = self.stack.last_mut() else { return Ok(false) };
        let at = frame.next;
        if at >= usize::from(frame.page.count()) {
            self.leave()?;
            return Ok(true);
        }
        frame.next += 1;
        let page = frame.page.clone();
        match page.kind() {
            PageKind::Branch => self.child(page, at)?,
            _ => self.element(page, at)?,
        }
        Ok(true)
    }

    fn leave(&mut self) -> Result<(), WalkError<V::Stop>> {
        self.path.pop();
        if self.stack.pop().is_some_and(|frame| frame.ends_bucket) {
            self.end_bucket()?;
        }
        Ok(())
    }

    fn end_bucket(&mut self) -> Result<(), WalkError<V::Stop>> {
        self.buckets.pop();
        self.visitor.leave_bucket().map_err(WalkError::Stopped)
    }

    fn child(&mut self, page: Page<S::Run<'s>>, at: usize) -> Result<(), WalkError<V::Stop>> {
        let element = match page.into_branch().and_then(|branch| {
            // They are fetched while this child is visited.
            self.pages.prefetch_children(&branch, Some(at + 1), Some(at + 2));
            let upper = (at + 1 < branch.len()).then(|| branch.element(at + 1).map(|next| next.key)).transpose();
            // A separator that cannot be read is reported when its own turn comes.
            Ok((branch.element(at)?, upper.ok().flatten(), branch.child_offset(at)))
        }) {
            Ok(element) => element,
            Err(corruption) => return self.problem(corruption),
        };
        let (element, upper, reference) = element;
        if !self.take(at, element.key.len())? {
            return Ok(());
        }
        let Some(parent) = self.stack.last() else { return Ok(()) };
        let depth = parent.depth + 1;
        // The outermost children have no separator of their own on that side: their parent's holds.
        let lower = if at == 0 { parent.lower.clone() } else { Some(element.key.clone()) };
        let upper = upper.or_else(|| parent.upper.clone());
        if let Some(page) = self.load(element.child, depth, Some(reference))? {
            let (room, separator) = (page.bytes().len(), Some(element.key));
            self.push(Frame { page, next: 0, room, depth, inline: false, ends_bucket: false, separator, lower, upper })?;
        }
        Ok(())
    }

    /// Passes over the values of a leaf up to its next bucket.
    fn element(&mut self, page: Page<S::Run<'s>>, at: usize) -> Result<(), WalkError<V::Stop>> {
        let leaf = match page.into_leaf() {
            Ok(leaf) => leaf,
            Err(corruption) => return self.problem(corruption),
        };
        if !V::VALUES {
            let bucket = leaf.next_bucket(at);
            self.go_on_at(bucket.map_or(leaf.len(), |at| at + 1));
            return bucket.map_or(Ok(()), |at| self.bucket(&leaf, at));
        }
        for at in at..leaf.len() {
            self.go_on_at(at + 1);
            match leaf.is_bucket(at) {
                Ok(true) => return self.bucket(&leaf, at),
                Ok(false) if !self.value(&leaf, at)? => return Ok(()),
                Ok(false) => {}
                Err(corruption) => self.problem(corruption)?,
            }
        }
        Ok(())
    }

    /// Notes which element of the page comes next.
    fn go_on_at(&mut self, next: usize) {
        if let Some(frame) = self.stack.last_mut() {
            frame.next = next;
        }
    }

    /// Shows a value; `false` where its page is left.
    fn value(&mut self, leaf: &Leaf<S::Run<'s>>, at: usize) -> Result<bool, WalkError<V::Stop>> {
        match leaf.element(at) {
            Ok(element) if self.take(at, element.key.len() + element.value.len())? => {
                let (visitor, place) = self.here();
                visitor.value(&element.key, &element.value, &place).map_err(WalkError::Stopped).map(|()| true)
            }
            Ok(_) => Ok(false),
            Err(corruption) => self.problem(corruption).map(|()| true),
        }
    }

    fn bucket(&mut self, leaf: &Leaf<S::Run<'s>>, at: usize) -> Result<(), WalkError<V::Stop>> {
        let parsed = leaf.element(at).and_then(|e| Ok((leaf.bucket(at, e.value.clone())?, e)));
        let (header, element) = match parsed {
            Ok(parsed) => parsed,
            Err(corruption) => return self.problem(corruption),
        };
        if !self.take(at, element.key.len() + element.value.len())? {
            return Ok(());
        }
        self.buckets.push(element.key.clone());
        let bucket = BucketAt { name: &element.key, header: &header, value_len: element.value.len() };
        let (visitor, place) = self.here();
        if !visitor.enters(&bucket, &place).map_err(WalkError::Stopped)? {
            self.buckets.pop();
            return Ok(());
        }
        visitor.enter_bucket(&bucket, &place).map_err(WalkError::Stopped)?;
        self.enter(&header.root, Some(leaf.value_offset(at)))
    }

    /// Takes the bytes of an element from its page. Where there are not as many left, the elements lie over each
    /// other; the page is left then, `false`.
    fn take(&mut self, index: usize, bytes: usize) -> Result<bool, WalkError<V::Stop>> {
        let Some(frame) = self.stack.last_mut() else { return Ok(false) };
        if let Some(left) = frame.room.checked_sub(bytes) {
            frame.room = left;
            return Ok(true);
        }
        frame.next = usize::from(frame.page.count());
        let room = u64::try_from(frame.page.bytes().len()).unwrap_or(u64::MAX);
        let page = frame.page.id();
        self.problem(CorruptionKind::ElementOverlap { index, room }.at(page)).map(|()| false)
    }

    /// Enters the tree below a root; `header` is the offset of the header of the bucket that ends with it.
    fn enter(&mut self, root: &BucketRoot<S::Run<'s>>, header: Option<u64>) -> Result<(), WalkError<V::Stop>> {
        let ends_bucket = header.is_some();
        let (page, inline) = match root {
            BucketRoot::Page(id) => (self.load(*id, 0, header)?, false),
            BucketRoot::Inline(page) => (Some(page.clone()), true),
        };
        match page {
            Some(page) => {
                let (room, separator, lower, upper) = (page.bytes().len(), None, None, None);
                self.push(Frame { page, next: 0, room, depth: 0, inline, ends_bucket, separator, lower, upper })
            }
            None if ends_bucket => self.end_bucket(),
            None => Ok(()),
        }
    }

    fn push(&mut self, frame: Frame<S::Run<'s>>) -> Result<(), WalkError<V::Stop>> {
        self.path.push(frame.page.id());
        let page = frame.page.clone();
        self.stack.push(frame);
        let (visitor, place) = self.here();
        visitor.page(&page, &place).map_err(WalkError::Stopped)
    }

    /// Loads a page of a tree, once; what cannot be loaded is reported. Where the page is not to blame, the
    /// reference to it is, which is at the offset `reference`.
    fn load(
        &mut self,
        id: PageId,
        depth: usize,
        reference: Option<u64>,
    ) -> Result<Option<Page<S::Run<'s>>>, WalkError<V::Stop>> {
        let mut problem = match self.try_load(id, depth) {
            Ok(page) => return Ok(Some(page)),
            Err(Error::Corrupt(corruption)) => corruption,
            Err(e) => return Err(WalkError::Storage(e)),
        };
        problem.offset = problem.offset.or(reference);
        self.problem(problem).map(|()| None)
    }

    fn try_load(&mut self, id: PageId, depth: usize) -> Result<Page<S::Run<'s>>, Error> {
        if depth >= MAX_DEPTH {
            return Err(CorruptionKind::TooDeep { limit: MAX_DEPTH }.at(id).into());
        }
        if self.seen.contains(id) {
            let kind = if self.path.contains(&id) { CorruptionKind::Cycle } else { CorruptionKind::SharedPage };
            return Err(kind.at(id).into());
        }
        // Marked before it is loaded: a page that is damaged is loaded once too.
        self.seen.insert(id);
        let page = self.pages.load(id)?;
        if !matches!(page.kind(), PageKind::Branch | PageKind::Leaf) {
            let kind = CorruptionKind::PageKind { expected: "branch or leaf", found: page.kind() };
            return Err(kind.at_offset(id, page.offset().saturating_add(8)).into());
        }
        if page.kind() == PageKind::Branch && page.count() == 0 {
            return Err(CorruptionKind::EmptyBranch.at_offset(id, page.offset()).into());
        }
        for further in (1..=u64::from(page.overflow())).map(|n| PageId(id.0.saturating_add(n))) {
            if !self.seen.insert(further) {
                return Err(CorruptionKind::RunShared { page: further }.at(id).into());
            }
        }
        Ok(page)
    }

    fn problem(&mut self, corruption: Corruption) -> Result<(), WalkError<V::Stop>> {
        let (visitor, place) = self.here();
        visitor.problem(corruption, &place).map_err(WalkError::Stopped)
    }

    fn here(&mut self) -> (&mut V, Place<'_, S::Run<'s>>) {
        let top = self.stack.last();
        let place = Place {
            buckets: &self.buckets,
            pages: &self.path,
            depth: top.map_or(0, |frame| frame.depth),
            element: top.map_or(0, |frame| frame.next.saturating_sub(1)),
            inline: top.is_some_and(|frame| frame.inline),
            separator: top.and_then(|frame| frame.separator.as_ref()),
            lower: top.and_then(|frame| frame.lower.as_ref()),
            upper: top.and_then(|frame| frame.upper.as_ref()),
        };
        (&mut self.visitor, place)
    }
}
