//! A file that is looked at and never touched.
//!
//! Invariants: it is opened for reading alone, without a lock, and where the system allows it without a new time of
//! access; nothing is ever created or written; everything is read by position. Its length is that of the moment it was
//! opened, and so are its bytes as far as they fit in memory: what was hashed is what is looked at.

use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::custody::{Custody, Sha256Sum, Stamp};
use super::guess::{LayoutSource, layout_of};
use crate::error::{Error, Result, TxSelector};
use crate::format::{Buffer, Bytes, Endian, Layout, Meta, MetaPair, PageSize, SharedBytes};
use crate::storage::{Heap, PagedFile, ReadAt, Storage, is_at, open_untouched, read_up_to, regular_metadata};
use crate::tree::Pages;

/// Files up to this length are read once and looked at in memory.
const HELD_BYTES: u64 = 64 << 20;

/// What whoever opens a file knows better than the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Assumed {
    /// The size of a page.
    pub page_size: Option<PageSize>,
    /// The byte order.
    pub endian: Option<Endian>,
}

/// A file of unknown origin and condition, opened as evidence. As a [`Storage`] it hands out its bytes by position.
#[derive(Debug)]
pub struct Evidence {
    source: Source,
    layout: Layout,
    layout_source: LayoutSource,
    metas: MetaPair,
    current: Option<Meta>,
    previous: Option<Meta>,
    before: Stamp,
    runs_read: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Source {
    /// In memory, and the file that it was read from, where it is from one.
    Held(Heap, Option<Opened>),
    Paged(PagedFile, Opened),
}

/// An open file, and how it was opened.
#[derive(Debug)]
struct Opened {
    file: File,
    path: PathBuf,
    access_time_kept: bool,
}

impl Opened {
    /// Fills what it can of a buffer.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        read_up_to(&self.file, buffer, offset).map_err(|e| Error::io("read", &self.path, e))
    }
}

impl Evidence {
    /// Opens a file. A damaged one opens like any other; only what cannot be read at all is an error.
    pub fn open(path: impl AsRef<Path>) -> Result<Evidence> {
        Evidence::open_as(path, Assumed::default())
    }

    /// The same where the caller knows better than the file what its pages are like.
    pub fn open_as(path: impl AsRef<Path>, assumed: Assumed) -> Result<Evidence> {
        let (file, access_time_kept) = open_untouched(path.as_ref())?;
        let meta = regular_metadata(&file, path.as_ref())?;
        let opened = Opened { file, path: path.as_ref().into(), access_time_kept };
        let read: ReadAt<'_> = &|offset, buffer| opened.read(offset, buffer);
        if meta.len() <= HELD_BYTES {
            let bytes = all_of(meta.len(), read)?;
            let stamp = Stamp::new(&meta, Sha256Sum::of(&bytes));
            return Evidence::held(Heap::new(bytes), Some(opened), stamp, assumed);
        }
        let before = Stamp::new(&meta, Sha256Sum::of_medium(meta.len(), read)?);
        let (layout, metas, layout_source) = layout_of(meta.len(), assumed, read)?;
        let again = opened.file.try_clone().map_err(|e| Error::io("open", &opened.path, e))?;
        let paged = PagedFile::new(again, opened.path.clone(), meta.len(), layout);
        Ok(Evidence::new(Source::Paged(paged, opened), layout, metas, layout_source, before))
    }

    /// Bytes in memory.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Result<Evidence> {
        Evidence::from_bytes_as(bytes, Assumed::default())
    }

    /// The same where the caller knows better than the bytes what their pages are like.
    pub fn from_bytes_as(bytes: impl Into<Arc<[u8]>>, assumed: Assumed) -> Result<Evidence> {
        let bytes: Arc<[u8]> = bytes.into();
        let before = Stamp::of_memory(&bytes);
        Evidence::held(Heap::new(bytes), None, before, assumed)
    }

    fn held(heap: Heap, opened: Option<Opened>, before: Stamp, assumed: Assumed) -> Result<Evidence> {
        let (layout, metas, source) =
            layout_of(heap.size(), assumed, &|offset, buffer| Ok(copy(heap.bytes(), offset, buffer)))?;
        Ok(Evidence::new(Source::Held(heap, opened), layout, metas, source, before))
    }

    fn new(source: Source, layout: Layout, metas: MetaPair, layout_source: LayoutSource, before: Stamp) -> Evidence {
        let (current, previous) = (metas.current(), metas.previous());
        Evidence { source, layout, layout_source, metas, current, previous, before, runs_read: Arc::default() }
    }

    /// Page size and byte order.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Where the layout was taken from.
    pub fn layout_source(&self) -> LayoutSource {
        self.layout_source
    }

    /// Whether anything in the file is as Bolt writes it, or somebody said what its pages are like, who must know.
    pub fn is_bolt(&self) -> bool {
        self.layout_source != LayoutSource::Nothing
    }

    /// Both metas, verified or refused.
    pub fn metas(&self) -> &MetaPair {
        &self.metas
    }

    /// The state of the newest meta that verifies, whatever it leads to; `None` where neither does.
    pub fn current(&self) -> Option<Pages<'_, Evidence>> {
        Some(Pages::new(self, self.layout, self.current.as_ref()?))
    }

    /// The state of the other meta, where both verify. It is not provable.
    pub fn previous(&self) -> Option<Pages<'_, Evidence>> {
        Some(Pages::new(self, self.layout, self.previous.as_ref()?))
    }

    /// The state that is asked for, where one of the metas describes it. Any but the newest may not be provable.
    pub fn at(&self, selector: TxSelector) -> Result<Pages<'_, Evidence>> {
        let wanted = self.metas.select(selector)?;
        let found = [&self.current, &self.previous].into_iter().flatten().find(|meta| **meta == wanted);
        Ok(Pages::new(self, self.layout, found.ok_or(Error::Empty)?))
    }

    /// The pages that are there whole.
    pub fn whole_pages(&self) -> u64 {
        self.size().checked_div(self.layout.page_size.bytes()).unwrap_or(0)
    }

    /// As the file was when it was opened.
    pub fn stamp(&self) -> &Stamp {
        &self.before
    }

    /// Where it was opened; `None` for bytes in memory.
    pub fn path(&self) -> Option<&Path> {
        self.opened().map(|opened| opened.path.as_path())
    }

    /// Whether reading the file leaves the time of its last access alone.
    pub fn access_time_kept(&self) -> bool {
        self.opened().is_none_or(|opened| opened.access_time_kept)
    }

    fn opened(&self) -> Option<&Opened> {
        match &self.source {
            Source::Held(_, opened) => opened.as_ref(),
            Source::Paged(_, opened) => Some(opened),
        }
    }

    /// Looks at the file again: length, times, and all bytes.
    pub fn examine_again(&self) -> Result<Custody> {
        let before = self.before;
        let Some(opened) = self.opened() else {
            return Ok(Custody { path: None, before, after: before, is_in_place: true, access_time_kept: true });
        };
        let meta = opened.file.metadata().map_err(|e| Error::io("read", &opened.path, e))?;
        let sha256 = Sha256Sum::of_medium(meta.len(), &|offset, buffer| opened.read(offset, buffer))?;
        let (path, is_in_place) = (Some(opened.path.clone()), !cfg!(unix) || is_at(&meta, &opened.path));
        Ok(Custody { path, before, after: Stamp::new(&meta, sha256), is_in_place, access_time_kept: opened.access_time_kept })
    }

    /// Holds a copy against the file as it was opened: the sum of all that the copy has, and whether it is as long and has
    /// the same bytes from an offset on.
    ///
    /// ```
    /// use unbolt::forensic::{Evidence, Sha256Sum};
    /// let evidence = Evidence::open("testdata/golden/V1.db")?;
    /// let (sum, is_same) = evidence.compare(&std::fs::File::open("testdata/golden/V1.db")?, 0)?;
    /// assert!(is_same && sum == evidence.stamp().sha256);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compare(&self, copy: &File, from: u64) -> Result<(Sha256Sum, bool)> {
        let io = |source| Error::io("read", "", source);
        let length = copy.metadata().map_err(io)?.len();
        let is_same = Cell::new(length == self.size());
        let sum = Sha256Sum::of_medium(length, &|offset, buffer| {
            let filled = read_up_to(copy, buffer, offset).map_err(io)?;
            let skipped = usize::try_from(from.saturating_sub(offset)).unwrap_or(usize::MAX).min(filled);
            if is_same.get() {
                let ours = self.run(offset, u64::try_from(filled).unwrap_or(u64::MAX))?;
                is_same.set(ours.get(skipped..) == buffer.get(skipped..filled));
            }
            Ok(filled)
        })?;
        Ok((sum, is_same.get()))
    }

    /// How many runs were asked for so far.
    #[doc(hidden)]
    pub fn runs_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.runs_read)
    }
}

impl Storage for Evidence {
    type Run<'s> = SharedBytes;

    fn size(&self) -> u64 {
        self.before.size
    }

    fn run(&self, offset: u64, len: u64) -> Result<SharedBytes> {
        self.runs_read.fetch_add(1, Ordering::Relaxed);
        match &self.source {
            Source::Held(heap, _) => heap.shared_run(offset, len),
            Source::Paged(paged, _) => paged.run(offset, len),
        }
    }
}

/// Everything that a file has, at most `size` bytes.
fn all_of(size: u64, read: ReadAt<'_>) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    let mut filled = 0_usize;
    while filled < bytes.len() {
        let offset = u64::try_from(filled).unwrap_or(u64::MAX);
        match read(offset, bytes.get_mut(filled..).unwrap_or_default())? {
            0 => break,
            more => filled = filled.saturating_add(more),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn copy(bytes: &[u8], offset: u64, buffer: &mut [u8]) -> usize {
    let from = usize::try_from(offset).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    let len = from.len().min(buffer.len());
    if let (Some(target), Some(source)) = (buffer.get_mut(..len), from.get(..len)) {
        target.copy_from_slice(source);
    }
    len
}

/// No bytes.
pub(super) fn nothing() -> SharedBytes {
    SharedBytes::of(Buffer::from(Vec::new()))
}

/// The part of a buffer, or nothing where it does not reach that far.
pub(super) fn part(bytes: &SharedBytes, range: std::ops::Range<usize>) -> SharedBytes {
    bytes.part(range).unwrap_or_else(nothing)
}
