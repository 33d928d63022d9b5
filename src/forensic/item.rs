//! One version of a pair, a bucket or a piece of bytes, and what can be said of it.

use std::fmt;

use super::bucket_names::{BucketNames, BucketRef};
use crate::format::{PageId, SharedBytes};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A key and its value.
    Pair,
    /// A key and the header of a bucket.
    Bucket,
    /// Bytes of which nothing tells where a key ends and a value begins; or a key whose value was written over from some
    /// byte on.
    Fragment,
}

macro_rules! words {
    ($(#[$meta:meta])* $kind:ident { $($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $kind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl $kind {
            /// All of them.
            pub const ALL: &'static [$kind] = &[$($kind::$name,)+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($kind::$name => $text,)+
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What an item is to the current state.
    State {
        /// The current state has this very pair: this is it, or a copy of it.
        Live = "live",
        /// The current state has another value under this key.
        Superseded = "superseded",
        /// The current state does not have this key.
        Deleted = "deleted",
        /// The current state does not have the bucket.
        DroppedBucket = "dropped-bucket",
        /// Part of a whole state that was written after the current one and that no meta names.
        Uncommitted = "uncommitted",
        /// Bytes without a header.
        OrphanFragment = "orphan-fragment",
        /// Bytes where a page of a known kind has nothing.
        Slack = "slack",
        /// At or beyond the high-water mark, where no committed state since then had anything.
        BeyondHwm = "beyond-hwm",
        /// There is no current state, or what of it cannot be read may have the pair.
        Unjudged = "unjudged",
    }
}

words! {
    /// How well the bytes of an item are vouched for. It says nothing about when they were written.
    Grade {
        /// Reached from a meta that verifies, in a state that could be walked whole.
        A = "A",
        /// On a whole run with its own number, whose elements lie inside it in ascending order of keys.
        B = "B",
        /// Inside of what is left of a run, or on one that breaks a rule.
        C = "C",
        /// Bytes without a header.
        D = "D",
    }
}

words! {
    /// Why an item has its state, grade and marks.
    Reason {
        /// The current list of free pages names the page.
        ListedFree = "listed-free",
        /// Neither a tree of the current state nor its list of free pages has the page.
        Unreached = "unreached",
        /// The current state leads to the page and cannot read it.
        Damaged = "damaged",
        /// The page lies at or beyond the high-water mark.
        BeyondHighWater = "beyond-high-water",
        /// The last pages of the run were written over.
        RunBroken = "run-broken",
        /// Elements of the page overlap, leave it, or are not in ascending order.
        ElementsOutOfOrder = "elements-out-of-order",
        /// The end of the value was written over.
        ValueCut = "value-cut",
        /// No header tells what the bytes are.
        NoHeader = "no-header",
        /// A page of a known kind has nothing there.
        BehindElements = "behind-elements",
        /// The tree of the previous meta leads to the page.
        PreviousMeta = "previous-meta",
        /// A whole state that no meta names leads to the page.
        UnnamedState = "unnamed-state",
        /// Nothing shows that the page was written before the current state.
        NotShownOlder = "not-shown-older",
        /// No tree leads to the page, so its bucket is not known.
        BucketUnknown = "bucket-unknown",
        /// Another bucket of the current state has the same pair.
        SamePairElsewhere = "same-pair-elsewhere",
        /// A part of the current state cannot be read.
        LiveDamaged = "live-damaged",
        /// Neither meta verifies.
        NoState = "no-state",
        /// The current list of free pages names the page although a tree uses it.
        LiveAndListed = "live-and-listed",
    }
}

/// One version of a pair, a bucket or a piece of bytes, and where it lies.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// What it is to the current state.
    pub state: State,
    /// How well its bytes are vouched for.
    pub grade: Grade,
    /// Mark U: it fits a writer that was stopped before it committed. Without it, it is older than the current state only
    /// where no write was lost on its way to the disk, and pages were chosen as Bolt does by default, with no reader
    /// beside the writer; with or without, see [`is_provable`](Item::is_provable).
    pub uncommitted: bool,
    /// Mark X: its page is also part of a live tree, or of several trees that name different buckets.
    pub mixed: bool,
    /// The bucket of the tree that the page belongs to; `None` where no tree leads to it.
    pub owner: Option<BucketRef>,
    /// The names of inline buckets on the page that it lies in, from the outside.
    pub inner: Vec<SharedBytes>,
    /// The first page of the run, and how many pages of it are there.
    pub run: (PageId, u64),
    /// The page that it begins on.
    pub page: PageId,
    /// Its position among the elements of its page or inline bucket.
    pub element: Option<usize>,
    /// The key; of a fragment, what is known of it.
    pub key: SharedBytes,
    /// The file offset of the key.
    pub key_offset: u64,
    /// The value; of a bucket its header and what is inline; of a fragment its bytes.
    pub value: SharedBytes,
    /// The file offset of the value.
    pub value_offset: u64,
    /// Why all that.
    pub reasons: Vec<Reason>,
}

impl Item {
    /// The names from the root to the bucket it is in, where they are known.
    pub fn path<'i>(&'i self, names: &'i BucketNames) -> Option<Vec<&'i [u8]>> {
        let mut path = names.path(self.owner?);
        path.extend(self.inner.iter().map(|name| &name[..]));
        Some(path)
    }

    /// Whether it is shown that it was ever committed: the current state has this very pair. Of nothing else can that be
    /// shown, with or without a mark.
    pub fn is_provable(&self) -> bool {
        self.state == State::Live && !self.mixed && !self.reasons.contains(&Reason::SamePairElsewhere)
    }

    /// The state in words that claim no more than is known: what may never have been committed is not called older.
    pub fn state_in_words(&self) -> String {
        match self.state {
            State::Live | State::Uncommitted | State::Slack => self.state.to_string(),
            state if self.uncommitted => format!("{state} or uncommitted"),
            state => state.to_string(),
        }
    }

    /// The marks as letters: `U`, `X`, both, or none.
    pub fn marks(&self) -> &'static str {
        match (self.uncommitted, self.mixed) {
            (true, true) => "UX",
            (true, false) => "U",
            (false, true) => "X",
            (false, false) => "",
        }
    }
}
