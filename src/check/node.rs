//! Rules about one branch or leaf page by itself.
//!
//! A rule gives back the first place where the page breaks it. Each goes through all elements on its own: that
//! costs little beside reading the page, and a rule that fails keeps no other from being asked. Elements that
//! cannot be read are the business of [`spans`] alone.

use std::ops::Range;

use crate::error::{Corruption, CorruptionKind};
use crate::format::{
    BUCKET_FLAG, BUCKET_HEADER_SIZE, Branch, BucketRoot, ELEMENT_SIZE, Leaf, PAGE_HEADER_SIZE, Page, PageHeader, PageId,
};

/// A rule that a page breaks: at which element, and how.
pub(super) type Offence = Option<(usize, CorruptionKind)>;

/// What branches and leaves have in common: elements with a key each.
pub(super) trait Node {
    fn len(&self) -> usize;
    fn key(&self, i: usize) -> Result<&[u8], Corruption>;
    fn span(&self, i: usize) -> Result<Range<usize>, Corruption>;

    /// The flags that any element has, where the node is as Go writes it: elements packed in order and inside the run,
    /// keys ascending and none empty.
    fn canonical(&self) -> Option<u32>;
}

impl Node for Branch<&[u8]> {
    fn len(&self) -> usize {
        Branch::len(self)
    }

    fn key(&self, i: usize) -> Result<&[u8], Corruption> {
        Branch::key(self, i)
    }

    fn span(&self, i: usize) -> Result<Range<usize>, Corruption> {
        Branch::span(self, i)
    }

    fn canonical(&self) -> Option<u32> {
        self.packed(|_, _, _| {}).map(|_| 0)
    }
}

impl Node for Leaf<&[u8]> {
    fn len(&self) -> usize {
        Leaf::len(self)
    }

    fn key(&self, i: usize) -> Result<&[u8], Corruption> {
        Leaf::key(self, i)
    }

    fn span(&self, i: usize) -> Result<Range<usize>, Corruption> {
        Leaf::span(self, i)
    }

    fn canonical(&self) -> Option<u32> {
        let mut all = 0;
        self.packed(|flags, _, _, _| all |= flags).map(|_| all)
    }
}

/// Keys and values must lie behind the element headers and inside the run.
pub(super) fn spans(node: &impl Node) -> Offence {
    (0..node.len()).find_map(|i| node.span(i).err().map(|corruption| (i, corruption.kind)))
}

/// Keys and values must not lie over each other: together they cannot be longer than the run of `room` bytes.
pub(super) fn overlap(node: &impl Node, room: usize) -> Offence {
    let mut left = room;
    (0..node.len()).find_map(|i| match left.checked_sub(node.span(i).ok()?.len()) {
        Some(rest) => {
            left = rest;
            None
        }
        None => Some((i, CorruptionKind::ElementOverlap { index: i, room: number(room) })),
    })
}

/// Keys and values should follow each other as Go packs them: its tools infer the used size from the last one.
pub(super) fn places(node: &impl Node) -> Offence {
    let mut expected = node.len().saturating_mul(ELEMENT_SIZE).saturating_add(PAGE_HEADER_SIZE);
    for i in 0..node.len() {
        let span = node.span(i).ok()?;
        if span.start != expected {
            return Some((i, CorruptionKind::ElementPlace { index: i, found: number(span.start), expected: number(expected) }));
        }
        expected = span.end;
    }
    None
}

/// Keys must ascend, and no two may be equal.
pub(super) fn order(node: &impl Node) -> Offence {
    let mut previous: Option<&[u8]> = None;
    for i in 0..node.len() {
        let key = node.key(i).ok();
        if previous.zip(key).is_some_and(|(previous, key)| previous >= key) {
            return Some((i, CorruptionKind::KeyOrder { index: i }));
        }
        previous = key;
    }
    None
}

/// No key may be empty. In ascending order only the first one can be.
pub(super) fn empty_key(node: &impl Node) -> Offence {
    (node.len() > 0 && node.key(0).ok()?.is_empty()).then_some((0, CorruptionKind::EmptyKey { index: 0 }))
}

/// No key may be below the separator by which look-ups come here. In ascending order the first one tells.
pub(super) fn lower_bound(node: &impl Node, lower: &[u8]) -> Offence {
    (node.key(0).ok()? < lower).then_some((0, CorruptionKind::KeyBelowPage { index: 0 }))
}

/// Every key must be below the separator by which look-ups go past here. In ascending order the last one tells.
pub(super) fn upper_bound(node: &impl Node, upper: &[u8]) -> Offence {
    let last = node.len().checked_sub(1)?;
    (node.key(last).ok()? >= upper).then_some((last, CorruptionKind::KeyAbovePage { index: last }))
}

/// The first key must be the separator that leads here: Go's writer finds a page's place in its parent by it.
pub(super) fn exact_separator(node: &impl Node, separator: &[u8]) -> Offence {
    (node.key(0).ok()? != separator).then_some((0, CorruptionKind::SeparatorInexact))
}

/// Of the flags of a leaf's elements only one means something.
pub(super) fn flags(leaf: &Leaf<&[u8]>) -> Offence {
    let unknown = |i| leaf.flags(i).ok().filter(|flags| flags & !BUCKET_FLAG != 0);
    (0..leaf.len()).find_map(|i| Some((i, CorruptionKind::ElementFlags { index: i, found: unknown(i)? })))
}

/// The value of a bucket with a tree of its own is its header and nothing more.
pub(super) fn bucket_lengths(leaf: &Leaf<&[u8]>) -> Offence {
    buckets(leaf).find_map(|(i, root, len)| {
        let too_long = root.is_some() && len != BUCKET_HEADER_SIZE;
        too_long.then(|| (i, CorruptionKind::BucketLength { index: i, root: root.unwrap_or_default(), len: number(len) }))
    })
}

/// An inline bucket holds no buckets, and above all none with pages: no scan for free pages looks there.
pub(super) fn buckets_in_inline(leaf: &Leaf<&[u8]>) -> Offence {
    let with_pages = buckets(leaf).find_map(|(i, root, _)| Some((i, CorruptionKind::InlineTree { index: i, root: root? })));
    with_pages.or_else(|| buckets(leaf).next().map(|(i, _, _)| (i, CorruptionKind::InlineBucket { index: i })))
}

/// The header of an inline page has neither a number nor overflow: Go's writer frees the page it names.
pub(super) fn inline_header(page: &Page<&[u8]>) -> Option<CorruptionKind> {
    let PageHeader { id, overflow, .. } = PageHeader::read(page.bytes(), page.endian())?;
    (id != PageId(0) || overflow != 0).then_some(CorruptionKind::InlineHeader { id, overflow })
}

/// The buckets of a leaf: which element, the page of the tree where it has one, and the length of the value.
/// Those that cannot be parsed are reported by the walk that enters them.
fn buckets(leaf: &Leaf<&[u8]>) -> impl Iterator<Item = (usize, Option<PageId>, usize)> {
    (0..leaf.len()).filter(|i| leaf.is_bucket(*i) == Ok(true)).filter_map(|i| {
        let value = leaf.element(i).ok()?.value;
        let root = match leaf.bucket(i, value).ok()?.root {
            BucketRoot::Page(root) => Some(root),
            BucketRoot::Inline(_) => None,
        };
        Some((i, root, value.len()))
    })
}

fn number(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
