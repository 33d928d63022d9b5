//! The stable names of findings.
//!
//! A finding's code follows from what is wrong, and its severity from its code, so neither can be at odds with
//! the other.

use std::fmt;

use super::Severity;
use crate::error::CorruptionKind;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $severity:ident;)+) => {
        /// What kind of thing was found. The names are stable: scripts may depend on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)+
                }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Code::$name => Severity::$severity,)+
                }
            }
        }
    };
}

codes! {
    /// One of the two metas cannot be believed: the file has lost its fallback.
    MetaRefused = "meta-refused", Hazard;
    /// A good meta lies on a page whose header is not that of a meta page.
    MetaHeader = "meta-header", Hazard;
    /// The meta names a page size, root or freelist that cannot be.
    MetaField = "meta-field", Error;
    /// Both metas have the same transaction id and differ.
    TxidEqual = "txid-equal", Hazard;
    /// Both metas are the same.
    TxidTwin = "txid-twin", Note;
    /// The transaction id is the largest there is.
    TxidLast = "txid-last", Hazard;
    /// The file ends before its high-water mark.
    FileShort = "file-short", Error;

    /// The freelist is not in ascending order.
    FreelistUnsorted = "freelist-unsorted", Hazard;
    /// The freelist names a meta page, a page of its own, or one never allocated.
    FreelistRange = "freelist-range", Error;
    /// The freelist names a page twice.
    FreelistDuplicate = "freelist-duplicate", Error;
    /// A tree uses a page that the freelist itself lies on.
    FreelistInUse = "freelist-in-use", Error;
    /// A tree uses a page that the freelist calls free.
    ReachableFree = "reachable-free", Error;
    /// Pages are neither in use nor free.
    UnreachableUnfreed = "unreachable-unfreed", Error;

    /// A reference leads to a meta page or to a page never allocated.
    PageRange = "page-range", Error;
    /// The number in a page's header is not its own.
    PageId = "page-id", Error;
    /// A page is of no type, or of one that does not belong there.
    PageKind = "page-kind", Error;
    /// A run reaches past the pages ever allocated, or is not as long as its header says.
    PageRun = "page-run", Error;
    /// A page, or part of its run, is referenced more than once.
    PageShared = "page-shared", Error;
    /// A page is its own ancestor.
    PageCycle = "page-cycle", Error;
    /// A page lies deeper than any real tree.
    PageDepth = "page-depth", Error;
    /// A branch has no elements.
    EmptyBranch = "empty-branch", Error;
    /// A leaf below a branch has no elements.
    EmptyLeaf = "empty-leaf", Hazard;
    /// A branch has a single child.
    SingleChild = "single-child", Hazard;
    /// The leaves of a bucket are at different levels.
    UnequalDepth = "unequal-depth", Hazard;
    /// A separator is not the first key of its child.
    SeparatorInexact = "separator-inexact", Hazard;

    /// A header claims more elements than its page can hold.
    ElementCount = "element-count", Error;
    /// An element's key or value leaves its run or lies over the element headers.
    ElementSpan = "element-span", Error;
    /// An element has flags that mean nothing.
    ElementFlags = "element-flags", Hazard;
    /// Elements are not laid out one after the other; statistics of Go's tools are wrong.
    ElementPlace = "element-place", Note;
    /// A key is empty.
    KeyEmpty = "key-empty", Hazard;
    /// A key is not above the one before it on its page.
    KeyOrder = "key-order", Error;
    /// A key is not on the page where look-ups go for it.
    KeyRange = "key-range", Error;

    /// A bucket's value is not as long as its header.
    BucketValue = "bucket-value", Error;
    /// The page of an inline bucket is cut short or not a leaf.
    InlinePage = "inline-page", Error;
    /// The page of an inline bucket claims a number or overflow pages.
    InlineHeader = "inline-header", Hazard;
    /// An inline bucket holds a bucket.
    InlineBucket = "inline-bucket", Hazard;
    /// An inline bucket holds a bucket with pages of its own.
    InlineTree = "inline-tree", Error;
}

impl Code {
    /// The code of what is wrong.
    pub(super) fn of(kind: &CorruptionKind) -> Code {
        use CorruptionKind as Kind;
        match kind {
            Kind::MetaRefused { .. } => Code::MetaRefused,
            Kind::MetaHeader { .. } => Code::MetaHeader,
            Kind::PageSize { .. } | Kind::MetaPlace { .. } | Kind::Root { .. } | Kind::FreelistPage { .. } => Code::MetaField,
            Kind::EqualTxIds { .. } => Code::TxidEqual,
            Kind::TwinMetas { .. } => Code::TxidTwin,
            Kind::LastTxId { .. } => Code::TxidLast,
            Kind::ShortFile { .. } => Code::FileShort,
            Kind::FreelistOrder { .. } => Code::FreelistUnsorted,
            Kind::FreelistId { .. } => Code::FreelistRange,
            Kind::FreelistDuplicate { .. } => Code::FreelistDuplicate,
            Kind::FreelistInUse => Code::FreelistInUse,
            Kind::ReachableFree => Code::ReachableFree,
            Kind::Unreachable | Kind::UnreachableRange { .. } => Code::UnreachableUnfreed,
            Kind::MetaPageReferenced | Kind::AboveHighWater { .. } => Code::PageRange,
            Kind::PageId { .. } => Code::PageId,
            Kind::PageFlags { .. } | Kind::PageKind { .. } => Code::PageKind,
            Kind::RunAboveHighWater { .. } | Kind::RunTooLong { .. } | Kind::RunLength { .. } => Code::PageRun,
            Kind::SharedPage | Kind::RunShared { .. } => Code::PageShared,
            Kind::Cycle => Code::PageCycle,
            Kind::TooDeep { .. } => Code::PageDepth,
            Kind::EmptyBranch => Code::EmptyBranch,
            Kind::EmptyLeaf | Kind::EndlessEmptyLeaves => Code::EmptyLeaf,
            Kind::SingleChild => Code::SingleChild,
            Kind::UnequalDepth { .. } => Code::UnequalDepth,
            Kind::SeparatorInexact => Code::SeparatorInexact,
            Kind::ElementCount { .. } => Code::ElementCount,
            Kind::ElementSpan { .. } | Kind::ElementOverlap { .. } | Kind::NoElement { .. } => Code::ElementSpan,
            Kind::ElementFlags { .. } => Code::ElementFlags,
            Kind::ElementPlace { .. } => Code::ElementPlace,
            Kind::EmptyKey { .. } => Code::KeyEmpty,
            Kind::KeyOrder { .. } => Code::KeyOrder,
            Kind::KeyBelowPage { .. } | Kind::KeyAbovePage { .. } | Kind::PageOrder | Kind::Tree { .. } => Code::KeyRange,
            Kind::BucketValue { .. } | Kind::BucketLength { .. } => Code::BucketValue,
            Kind::InlineShort { .. } | Kind::InlineFlags { .. } => Code::InlinePage,
            Kind::InlineHeader { .. } => Code::InlineHeader,
            Kind::InlineBucket { .. } => Code::InlineBucket,
            Kind::InlineTree { .. } => Code::InlineTree,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
