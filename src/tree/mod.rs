//! The B+trees of a file, over any [`Storage`].
//!
//! [`Pages`] is one committed state: a storage, the meta that describes it, and the only way to a page.
//! [`Bucket`] looks up, [`Cursor`] and [`Iter`] go through one bucket in key order, [`walk`] goes through
//! everything that a state reaches. All of them end on every input: a descent is at most [`MAX_DEPTH`] deep,
//! a scan never goes back, a walk loads no page twice.
//!
//! These are the types for tools, over files that may be damaged or in use. Programs that use a database have
//! [`Db`](crate::Db), which speaks plain slices.

mod allocator;
mod bucket;
mod bulk;
mod compact;
mod copy;
mod cursor;
mod edit;
mod free;
mod free_set;
mod iter;
mod page_info;
mod previous;
mod reach;
mod stats;
mod walk;

use std::fmt;

pub(crate) use allocator::{Allocator, Taken};
pub use bucket::{Bucket, Entry};
pub use bulk::{BuildOptions, Builder, Built};
pub use compact::compact_state;
pub use copy::{Copied, copy_bytes, copy_state};
pub use cursor::{Cursor, Pair};
pub use edit::Normalized;
pub(crate) use edit::{Base, BucketId, Edit, EditCounts, Neighbour, Run, Spilled, View};
pub use free::{FreePages, free_pages, read_freelist};
pub(crate) use free::{read_free_set, scan_free};
pub(crate) use free_set::PageBits;
pub use iter::Iter;
pub(crate) use iter::end_of_prefix;
pub use page_info::{PageInfo, PageType};
pub use previous::verify_older;
pub use reach::{PageSet, Reach, reach, verify};
pub use stats::{BucketStats, bucket_stats};
pub use walk::{BucketAt, Place, Visitor, Walk, WalkError, walk, walk_from, walk_within};

use crate::error::{CorruptionKind, Error, Result};
use crate::format::{Branch, Layout, Meta, Page, PageHeader, PageId, PageKind, SharedBytes};
use crate::storage::{Snapshot, Storage};

/// The deepest level of a tree that is followed. Two keys a page fill any file long before.
pub const MAX_DEPTH: usize = 64;

/// How much of a page is fetched at once when it is about to be searched: its header, its element headers, and
/// the keys of a page that is half full, as Go leaves most. Waiting for all of them together takes little longer
/// than waiting for one; measured on a million keys, a look-up takes a third less time.
const FIRST_BYTES: u64 = 2048;

/// How much of a page is fetched before the rest is, when its turn in a scan comes nearer.
const BEGINNING: u64 = 1024;
/// What most pages of 4096 bytes have filled. What more there is, the processor fetches by itself.
const MOSTLY_FILLED: u64 = 3072;

/// One committed state of a database: where its bytes are and which meta describes it.
///
/// What it hands out is what the state reaches. Any other page of a file can be had from a [`Snapshot`], which
/// copies what it reads; a page that no state reaches may be written at any time.
pub struct Pages<'s, S: Storage> {
    storage: &'s S,
    layout: Layout,
    meta: &'s Meta,
}

impl<'s, S: Storage> Pages<'s, S> {
    /// The state that `meta` describes. The meta must have been validated where it matters that it makes sense.
    pub fn new(storage: &'s S, layout: Layout, meta: &'s Meta) -> Self {
        Pages { storage, layout, meta }
    }

    /// The storage underneath.
    pub(crate) fn storage(&self) -> &'s S {
        self.storage
    }

    /// Page size and byte order.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The meta of this state.
    pub fn meta(&self) -> &'s Meta {
        self.meta
    }

    /// The pages that the storage holds whole, whatever the meta says.
    pub fn stored(&self) -> u64 {
        self.storage.size() / self.layout.page_size.bytes()
    }

    /// The first page number that cannot be read: the high-water mark, or the end of a file that is shorter.
    pub fn end(&self) -> u64 {
        self.meta.high_water.0.min(self.stored())
    }

    /// Loads and validates the run that begins at a page.
    #[inline(always)]
    pub(crate) fn load(&self, id: PageId) -> Result<Page<S::Run<'s>>> {
        match id.0 >= 2 && id < self.meta.high_water {
            true => self.load_unbounded(id),
            false => Err(self.out_of_bounds(id)),
        }
    }

    /// Says that a page will be searched at once: what a search looks at is fetched side by side.
    #[inline]
    pub(crate) fn prefetch_to_search(&self, id: PageId) {
        self.storage.prefetch(self.layout.offset(id), FIRST_BYTES);
    }

    /// Says that all of a page will be looked at at once.
    #[inline]
    pub(crate) fn prefetch(&self, id: PageId) {
        self.storage.prefetch(self.layout.offset(id), MOSTLY_FILLED.min(self.layout.page_size.bytes()));
    }

    /// Says which children of a branch will be loaded next and after that. Of the later one the beginning is fetched, so
    /// that its turn does not begin with a wait; of the sooner one the rest, as far as most pages are filled. More at once
    /// would keep the processor from what it is doing. Measured on a million keys in a file that does not fit in the
    /// caches, a scan takes a third less time than with whole pages fetched one ahead, and half of that with none.
    #[inline]
    pub(crate) fn prefetch_children(&self, branch: &Branch<S::Run<'s>>, next: Option<usize>, later: Option<usize>) {
        let parts = [(next, BEGINNING..MOSTLY_FILLED), (later, 0..BEGINNING)];
        for (child, part) in parts {
            if let Some(Ok(page)) = child.map(|at| branch.child(at)) {
                self.storage.prefetch(self.layout.offset(page).saturating_add(part.start), part.end - part.start);
            }
        }
    }

    /// Loads and validates any run of the file, meta pages and those above the high-water mark included.
    #[inline(always)]
    pub(crate) fn load_unbounded(&self, id: PageId) -> Result<Page<S::Run<'s>>> {
        let offset = self.layout.offset(id);
        let first = match self.storage.run(offset, self.layout.page_size.bytes()) {
            Ok(first) => first,
            Err(e) => return Err(on_page(e, id)),
        };
        match PageHeader::read(&first, self.layout.endian) {
            Some(header) if header.overflow == 0 => Ok(Page::with_header(first, header, id, self.layout)?),
            Some(header) => self.load_run(header, id),
            None => Ok(Page::parse(first, id, self.layout)?),
        }
    }

    #[cold]
    fn out_of_bounds(&self, id: PageId) -> Error {
        let high_water = self.meta.high_water;
        match id.0 {
            0 | 1 => CorruptionKind::MetaPageReferenced.at(id).into(),
            _ => CorruptionKind::AboveHighWater { high_water }.at(id).into(),
        }
    }

    #[inline(never)]
    fn load_run(&self, header: PageHeader, id: PageId) -> Result<Page<S::Run<'s>>> {
        if header.id != id {
            // Say what is wrong with the page before what is wrong with a length it merely claims.
            return Err(CorruptionKind::PageId { found: header.id }.at_offset(id, self.layout.offset(id)).into());
        }
        if PageKind::from_flags(header.flags).is_none() {
            let kind = CorruptionKind::PageFlags { found: header.flags };
            return Err(kind.at_offset(id, self.layout.offset(id).saturating_add(8)).into());
        }
        let high_water = self.meta.high_water;
        if id < high_water && id.0.saturating_add(header.pages()) > high_water.0 {
            let kind = CorruptionKind::RunAboveHighWater { overflow: header.overflow, high_water };
            return Err(kind.at_offset(id, self.layout.offset(id).saturating_add(12)).into());
        }
        let len = self.layout.run_bytes(header.pages());
        let limit = self.layout.longest_run(high_water.0);
        if len > limit {
            // Nobody writes such a run; in a file with holes it could still be longer than any memory.
            return Err(CorruptionKind::RunTooLong { len, limit }
                .at_offset(id, self.layout.offset(id).saturating_add(12))
                .into());
        }
        let run = self.storage.run(self.layout.offset(id), len).map_err(|e| on_page(e, id))?;
        Ok(Page::parse(run, id, self.layout)?)
    }

    /// The root bucket, which holds all others.
    pub fn root(&self) -> Result<Bucket<'s, S>> {
        self.meta.validate()?;
        Ok(self.validated_root())
    }

    /// The root bucket of a state whose meta was validated when it was opened.
    #[inline]
    pub(crate) fn validated_root(&self) -> Bucket<'s, S> {
        Bucket::at_root(*self)
    }
}

/// A storage knows offsets; whoever reads its errors wants the page too.
#[cold]
fn on_page(error: Error, id: PageId) -> Error {
    match error {
        Error::Corrupt(mut corruption) => {
            corruption.page = Some(id);
            corruption.into()
        }
        other => other,
    }
}

impl Snapshot {
    /// The pages of this snapshot's state.
    pub fn pages(&self) -> Pages<'_, Snapshot> {
        Pages::new(self, self.layout(), self.meta())
    }

    /// Any page run of the file, validated: pages of trees, free ones, metas, those above the high-water mark.
    pub fn page(&self, id: PageId) -> Result<Page<SharedBytes>> {
        self.pages().load_unbounded(id)
    }

    /// The root bucket of this snapshot's state.
    pub fn root(&self) -> Result<Bucket<'_, Snapshot>> {
        self.pages().root()
    }
}

impl<S: Storage> Clone for Pages<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Storage> Copy for Pages<'_, S> {}

impl<S: Storage> fmt::Debug for Pages<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages({})", self.meta)
    }
}
