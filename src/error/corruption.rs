//! What can be wrong with the bytes of a file: the kinds, and where.

use std::fmt;

use crate::format::{MetaRefusal, PageId, PageKind, TxId};

/// A contradiction between the bytes of a file and the format, and where it is.
///
/// ```
/// use unbolt::{Corruption, CorruptionKind, format::PageId};
/// let it = Corruption { kind: CorruptionKind::Cycle, page: Some(PageId(9)), offset: Some(36864) };
/// assert_eq!(it.to_string(), "page 9: is an ancestor of itself (offset 36864)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corruption {
    /// What is wrong.
    pub kind: CorruptionKind,
    /// The page it was found on, or that could not be reached.
    pub page: Option<PageId>,
    /// The byte offset in the file, where one byte is to blame.
    pub offset: Option<u64>,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(page) = self.page {
            write!(f, "page {page}: ")?;
        }
        write!(f, "{}", self.kind)?;
        if let Some(offset) = self.offset {
            write!(f, " (offset {offset})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Corruption {}

/// The ways in which bytes contradict the format, each with both sides where there are two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptionKind {
    /// A tree or the freelist points to page 0 or 1.
    #[error("is a meta page and cannot be part of a tree or freelist")]
    MetaPageReferenced,
    /// A reference to a page that was never allocated.
    #[error("is not below the high-water mark {high_water}")]
    AboveHighWater {
        /// The first page never allocated.
        high_water: PageId,
    },
    /// A run that reaches past the pages ever allocated.
    #[error("claims {overflow} overflow pages, past the high-water mark {high_water}")]
    RunAboveHighWater {
        /// The header's overflow.
        overflow: u32,
        /// The first page never allocated.
        high_water: PageId,
    },
    /// A run longer than what it could hold.
    #[error("claims a run of {len} bytes, nothing fills more than {limit}")]
    RunTooLong {
        /// The length by the header.
        len: u64,
        /// The longest that makes sense in this file.
        limit: u64,
    },
    /// The file ends before the bytes that are needed.
    #[error("the file ends at {found}, {expected} bytes are needed")]
    ShortFile {
        /// The length that is needed.
        expected: u64,
        /// The length that is there.
        found: u64,
    },
    /// A run whose bytes are fewer or more than its header says.
    #[error("the run has {found} bytes, its header says {expected}")]
    RunLength {
        /// The length by the header.
        expected: u64,
        /// The length at hand.
        found: u64,
    },
    /// The id in the header is not the page's own number.
    #[error("its header says page {found}")]
    PageId {
        /// The number in the header.
        found: PageId,
    },
    /// The flags in the header name no page type, or more than one.
    #[error("flags {found:#06x} name no page type")]
    PageFlags {
        /// The flags in the header.
        found: u16,
    },
    /// A page of another type than its place demands.
    #[error("is a {found} page where a {expected} page belongs")]
    PageKind {
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: PageKind,
    },
    /// More elements than the run can hold.
    #[error("{count} elements do not fit in {room} bytes")]
    ElementCount {
        /// How many elements, or freelist ids, the header claims.
        count: u64,
        /// The bytes of the run.
        room: u64,
    },
    /// An element number that is not there.
    #[error("has no element {index}, only {count}")]
    NoElement {
        /// The element asked for.
        index: usize,
        /// How many there are.
        count: u16,
    },
    /// An element whose key or value lies outside its run, or over the element headers.
    #[error("element {index} spans bytes {start} to {end} of a run of {room}")]
    ElementSpan {
        /// The element.
        index: usize,
        /// Where its key begins in the run.
        start: u64,
        /// Where its value ends in the run.
        end: u64,
        /// The bytes of the run.
        room: u64,
    },
    /// Elements whose keys and values lie over each other: together they are longer than their run.
    #[error("element {index} and those before it have more bytes than their run of {room}")]
    ElementOverlap {
        /// The element at which the run was used up.
        index: usize,
        /// The bytes of the run.
        room: u64,
    },
    /// A branch without children.
    #[error("is a branch without elements")]
    EmptyBranch,
    /// Keys that do not ascend from one page to the next.
    #[error("its keys do not follow those of the page before it")]
    PageOrder,
    /// A scan came over more pages than the file has: its branches share empty leaves.
    #[error("a scan found nothing but empty leaves")]
    EndlessEmptyLeaves,
    /// A branch deeper than any real tree.
    #[error("lies deeper than {limit} levels")]
    TooDeep {
        /// The deepest level that is followed.
        limit: usize,
    },
    /// A page that is its own ancestor.
    #[error("is an ancestor of itself")]
    Cycle,
    /// A page reached a second time.
    #[error("is referenced more than once")]
    SharedPage,
    /// A bucket entry whose value cannot hold a bucket header.
    #[error("the bucket in element {index} has a value of {len} bytes, too short for its header")]
    BucketValue {
        /// The element.
        index: usize,
        /// The length of its value.
        len: u64,
    },
    /// An inline bucket whose page is cut short.
    #[error("an inline bucket has a page of {len} bytes, too short for a header")]
    InlineShort {
        /// The bytes behind the bucket header.
        len: u64,
    },
    /// An inline bucket whose page is not a plain leaf.
    #[error("an inline bucket's page has flags {found:#06x}, not a leaf's")]
    InlineFlags {
        /// The flags in the inline page's header.
        found: u16,
    },
    /// The newest meta names a page size that would put it elsewhere.
    #[error("its meta says that a page has {found} bytes, and lies at byte {at}")]
    MetaPlace {
        /// The size in the meta, which is where page 1 begins.
        found: u32,
        /// Where the meta's page begins.
        at: u64,
    },
    /// The page size in a verified meta cannot be one.
    #[error("page size {found} is not between 512 and 16777216")]
    PageSize {
        /// The size in the meta.
        found: u32,
    },
    /// The root page in a verified meta cannot be one.
    #[error("the root page {root} is not between 2 and the high-water mark {high_water}")]
    Root {
        /// The root in the meta.
        root: PageId,
        /// The high-water mark in the meta.
        high_water: PageId,
    },
    /// The freelist page in a verified meta cannot be one.
    #[error("the freelist page {freelist} is not between 2 and the high-water mark {high_water}")]
    FreelistPage {
        /// The freelist page in the meta.
        freelist: PageId,
        /// The high-water mark in the meta.
        high_water: PageId,
    },
    /// The freelist names a page that cannot be free.
    #[error("the freelist's entry {index} names page {id}, which cannot be free")]
    FreelistId {
        /// The position in the list.
        index: u64,
        /// The page it names.
        id: PageId,
    },
    /// The freelist is out of order, or names a page twice.
    #[error("the freelist's entry {index} ({id}) does not follow {previous}")]
    FreelistOrder {
        /// The position in the list.
        index: u64,
        /// The page it names.
        id: PageId,
        /// The page that the entry before it names.
        previous: PageId,
    },
    /// A page that a tree uses and the freelist calls free.
    #[error("is in use and also in the freelist")]
    ReachableFree,
    /// A page that no tree uses and the freelist does not name.
    #[error("is neither in use nor in the freelist")]
    Unreachable,
    /// Several pages in a row that no tree uses and the freelist does not name.
    #[error("this and all pages up to {last} are neither in use nor in the freelist")]
    UnreachableRange {
        /// The last of them.
        last: PageId,
    },
    /// A meta page that cannot be believed.
    #[error("its meta is refused: {refusal}")]
    MetaRefused {
        /// Why.
        refusal: MetaRefusal,
    },
    /// A good meta on a page whose header is not a meta page's.
    #[error("its header says page {id} and flags {flags:#06x}, which are not this meta page's; Go's check fails on it")]
    MetaHeader {
        /// The number in the header.
        id: PageId,
        /// The flags in the header.
        flags: u16,
    },
    /// Two states that claim to be of one transaction.
    #[error("both metas are of transaction {txid} and they differ, so nothing tells which is newer")]
    EqualTxIds {
        /// The transaction.
        txid: TxId,
    },
    /// The same meta twice.
    #[error("both metas are the same, of transaction {txid}")]
    TwinMetas {
        /// The transaction.
        txid: TxId,
    },
    /// A transaction id that cannot be followed by another.
    #[error("transaction {txid} is the last there can be; Go's next commit would destroy the file")]
    LastTxId {
        /// The transaction.
        txid: TxId,
    },
    /// The freelist names a page twice.
    #[error("the freelist's entry {index} names page {id} a second time")]
    FreelistDuplicate {
        /// The position in the list.
        index: u64,
        /// The page it names.
        id: PageId,
    },
    /// A page that the freelist lies on and a tree uses.
    #[error("is in use and also part of the freelist itself")]
    FreelistInUse,
    /// A run that covers a page which is used elsewhere.
    #[error("its run covers page {page}, which is referenced elsewhere too")]
    RunShared {
        /// The page in the middle of it.
        page: PageId,
    },
    /// A key that does not follow the one before it on the same page.
    #[error("the key of element {index} is not above that of the element before it")]
    KeyOrder {
        /// The element.
        index: usize,
    },
    /// A key that look-ups do not find, since they go to a page before this one.
    #[error("the key of element {index} is below the separator that leads here")]
    KeyBelowPage {
        /// The element.
        index: usize,
    },
    /// A key that look-ups do not find, since they go to a page behind this one.
    #[error("the key of element {index} is not below the separator of the next page")]
    KeyAbovePage {
        /// The element.
        index: usize,
    },
    /// A key without bytes.
    #[error("element {index} has an empty key; Go's writer panics on it")]
    EmptyKey {
        /// The element.
        index: usize,
    },
    /// A separator that is not the first key below it.
    #[error("its first key is not the separator that leads to it; Go's writer would corrupt the tree here")]
    SeparatorInexact,
    /// A leaf without elements that is not the root of its tree.
    #[error("is an empty leaf below a branch; Go's writer would corrupt the tree here")]
    EmptyLeaf,
    /// A branch that leads to one page only.
    #[error("is a branch with a single child; Go's writer panics when it deletes below")]
    SingleChild,
    /// Leaves of one tree at different levels.
    #[error("is a leaf at level {found}, the ones before it are at level {expected}; Go's writer may corrupt the tree here")]
    UnequalDepth {
        /// Its level, the root's being 0.
        found: usize,
        /// The level of the first leaf.
        expected: usize,
    },
    /// A leaf element with flags that mean nothing.
    #[error("element {index} has flags {found:#x}, of which only 0x1 means something")]
    ElementFlags {
        /// The element.
        index: usize,
        /// Its flags.
        found: u32,
    },
    /// An element that is not where packed order has it.
    #[error("element {index} begins at byte {found} of its run, in packed order it would at {expected}")]
    ElementPlace {
        /// The element.
        index: usize,
        /// Where its key begins.
        found: u64,
        /// Where it should.
        expected: u64,
    },
    /// A bucket with a tree of its own whose value is more than its header.
    #[error("the bucket in element {index} has its tree on page {root} and a value of {len} bytes, not of 16")]
    BucketLength {
        /// The element.
        index: usize,
        /// Where its tree begins.
        root: PageId,
        /// The length of its value.
        len: u64,
    },
    /// An inline bucket whose page claims to be a real one.
    #[error("an inline bucket's page says it is page {id} with {overflow} overflow pages; Go's writer would free those")]
    InlineHeader {
        /// The number in the inline page's header, which should be 0.
        id: PageId,
        /// The overflow in it, which should be 0.
        overflow: u32,
    },
    /// A bucket inside an inline bucket.
    #[error("element {index} of an inline bucket is a bucket, which no writer puts there")]
    InlineBucket {
        /// The element.
        index: usize,
    },
    /// A bucket inside an inline bucket that has pages of its own.
    #[error("element {index} of an inline bucket is a bucket on page {root}; Go takes its pages for free")]
    InlineTree {
        /// The element.
        index: usize,
        /// Where its tree begins.
        root: PageId,
    },
    /// A rule about the tree's content is broken; the text says which.
    #[error("{what}")]
    Tree {
        /// The rule.
        what: &'static str,
    },
}

impl CorruptionKind {
    /// This, at a page.
    pub(crate) fn at(self, page: PageId) -> Corruption {
        Corruption { kind: self, page: Some(page), offset: None }
    }

    /// This, at a page and a byte as far as they are known.
    pub(crate) fn on(self, page: Option<PageId>, offset: Option<u64>) -> Corruption {
        Corruption { kind: self, page, offset }
    }

    /// This, at a page and a byte of the file.
    pub(crate) fn at_offset(self, page: PageId, offset: u64) -> Corruption {
        Corruption { kind: self, page: Some(page), offset: Some(offset) }
    }
}
