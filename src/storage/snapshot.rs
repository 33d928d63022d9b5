//! One state of a file, read without its lock and without stopping whoever writes to it.
//!
//! A writer that commits transaction T+1 takes no page that state T reaches, and T+2 begins only after the meta
//! of T+1 is written. So what was read of T is whole if the newest verified meta is the same, byte for byte,
//! before the first page was read and after the last. [`Snapshot::read`] looks twice and tries again where it
//! is not. The state may not be durable yet: its writer can still be about to sync.
//!
//! The less time lies between the looks, the more attempts succeed. So one that was overtaken is followed by
//! some that read everything at once, in order, and look again before anybody makes sense of it.
//!
//! This holds on the kernel that the writer runs on, not over a network file system, and not for a file whose
//! freelist names pages in use.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::file::PagedFile;
use super::probe::probe;
use super::{FileId, Heap, Storage, open_untouched, read_metas, regular_metadata};
use crate::error::{Error, Result, TxSelector};
use crate::format::{Layout, Meta, MetaPair, SharedBytes};

/// How often [`Snapshot::read`] tries when the caller has no wish of its own.
pub const DEFAULT_ATTEMPTS: u32 = 50;
/// The largest state that [`Snapshot::hold`] takes into memory.
const HELD_BYTES: u64 = 64 << 20;

/// One state of a database, read by position or from memory, without a lock.
///
/// ```
/// use unbolt::Snapshot;
/// let bytes = std::fs::read("testdata/docker/live-20.10.24.db")?;
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let bucket = snapshot.root()?.bucket(b"libnetwork")?.expect("every Docker host has it");
/// assert!(bucket.get(b"no such key")?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Snapshot {
    source: Source,
    metas: MetaPair,
    meta: Meta,
    layout: Layout,
    runs_read: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Source {
    File(PagedFile, FileId),
    /// What lies below the high-water mark, and whether it was whole; the rest of the file by position.
    Held(Heap, PagedFile, bool),
    Heap(Heap),
}

impl Snapshot {
    /// Looks at a file once: its metas now, its pages as they are asked for.
    ///
    /// What is read is whole only if [`is_current`](Self::is_current) still holds afterwards;
    /// [`Snapshot::read`] sees to that.
    pub fn open(path: impl AsRef<Path>) -> Result<Snapshot> {
        let path = path.as_ref();
        let (file, _) = open_untouched(path)?;
        Snapshot::of_file(file, path)
    }

    /// The same with a file that is open. It counts as current only while `path` leads to it.
    pub fn of_file(file: File, path: &Path) -> Result<Snapshot> {
        let length = || regular_metadata(&file, path);
        let (metas, layout) = read_metas(&file, path, length()?.len())?;
        // The length is taken after the metas: whatever they name is in the file by now.
        let now = length()?;
        let paged = PagedFile::new(file, path.into(), now.len(), layout);
        Snapshot::new(Source::File(paged, FileId::of(&now)), metas, layout)
    }

    /// The state of a database held in memory.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Result<Snapshot> {
        let bytes: Arc<[u8]> = bytes.into();
        let heap = Heap::new(bytes);
        let (metas, layout) = probe(heap.size(), &|offset, buffer| {
            let from = usize::try_from(offset).ok().and_then(|start| heap.bytes().get(start..)).unwrap_or_default();
            let n = from.len().min(buffer.len());
            if let (Some(target), Some(source)) = (buffer.get_mut(..n), from.get(..n)) {
                target.copy_from_slice(source);
            }
            Ok(n)
        })?;
        Snapshot::new(Source::Heap(heap), metas, layout)
    }

    fn new(source: Source, metas: MetaPair, layout: Layout) -> Result<Snapshot> {
        let meta = metas.current().ok_or(Error::Empty)?;
        Ok(Snapshot { source, metas, meta, layout, runs_read: Arc::default() })
    }

    /// Reads a file as often as it takes until nobody committed in between, and gives back what `read` made of
    /// it and how many attempts were thrown away.
    ///
    /// `read` may run several times; what an attempt returned, an error included, counts only if the state was
    /// still current afterwards. After `attempts` tries the answer is [`Error::Changing`].
    pub fn read<T, E: From<Error>>(
        path: impl AsRef<Path>,
        attempts: u32,
        mut read: impl FnMut(&Snapshot) -> Result<T, E>,
    ) -> Result<(T, u32), E> {
        for rejected in 0..attempts {
            let snapshot = Snapshot::open(path.as_ref())?;
            let snapshot = if rejected == 0 { snapshot } else { snapshot.hold()? };
            let outcome = read(&snapshot);
            if snapshot.is_current()? {
                return outcome.map(|value| (value, rejected));
            }
            // Commits come in bursts: wait a little longer each time.
            std::thread::sleep(Duration::from_millis(u64::from(rejected.min(20))));
        }
        Err(Error::Changing { attempts }.into())
    }

    /// Takes the state into memory, everything below its high-water mark in one go, and looks at the metas again
    /// at once: [`is_current`](Self::is_current) is settled from then on. A state of more than 64 MiB stays where
    /// it is.
    pub fn hold(self) -> Result<Snapshot> {
        let bytes = self.layout.run_bytes(self.meta.high_water.0);
        let source = match self.source {
            Source::File(paged, id) if bytes <= HELD_BYTES.min(paged.size()) => {
                let held = paged.read_start(bytes)?;
                let current = still_current(&paged, id, &self.metas)?;
                Source::Held(Heap::new(held), paged, current)
            }
            other => other,
        };
        Ok(Snapshot { source, ..self })
    }

    /// The same file, at another of the states that its metas describe.
    pub fn at(mut self, selector: TxSelector) -> Result<Snapshot> {
        self.meta = self.metas.select(selector)?;
        Ok(self)
    }

    /// Whether this is the newest state, or one that describes the very same pages. Any older state may name
    /// pages that were written since, and may hold data that was never committed.
    pub fn is_provable(&self) -> bool {
        self.metas.is_provable(&self.meta)
    }

    /// Whether the newest meta is still the one this snapshot began with, and the path still the same file.
    pub fn is_current(&self) -> Result<bool> {
        match &self.source {
            Source::File(paged, id) => still_current(paged, *id, &self.metas),
            Source::Held(_, _, current) => Ok(*current),
            Source::Heap(_) => Ok(true),
        }
    }

    /// Both metas as they were found, valid or refused.
    pub fn metas(&self) -> &MetaPair {
        &self.metas
    }

    /// The meta of the state that is read.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Page size and byte order.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// How many page runs were asked for so far.
    pub fn runs_read(&self) -> u64 {
        self.runs_read.load(Ordering::Relaxed)
    }

    /// The same count for those who give the snapshot away.
    #[doc(hidden)]
    pub fn runs_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.runs_read)
    }
}

fn still_current(paged: &PagedFile, id: FileId, metas: &MetaPair) -> Result<bool> {
    let length = paged.file().metadata().map_err(|source| Error::io("read", paged.path(), source))?.len();
    let same_file = std::fs::metadata(paged.path()).is_ok_and(|meta| FileId::of(&meta) == id);
    let same_meta = match read_metas(paged.file(), paged.path(), length) {
        Ok((now, _)) => now.current_raw() == metas.current_raw(),
        Err(e) if e.is_corrupt() => false,
        Err(e) => return Err(e),
    };
    Ok(same_file && same_meta)
}

impl Storage for Snapshot {
    type Run<'s> = SharedBytes;

    fn size(&self) -> u64 {
        match &self.source {
            Source::File(paged, _) | Source::Held(_, paged, _) => paged.size(),
            Source::Heap(heap) => heap.size(),
        }
    }

    fn run(&self, offset: u64, len: u64) -> Result<SharedBytes> {
        self.runs_read.fetch_add(1, Ordering::Relaxed);
        match &self.source {
            Source::File(paged, _) => paged.run(offset, len),
            Source::Held(heap, paged, _) => match offset.checked_add(len).is_some_and(|end| end <= heap.size()) {
                true => heap.shared_run(offset, len),
                false => paged.run(offset, len),
            },
            Source::Heap(heap) => heap.shared_run(offset, len),
        }
    }
}
