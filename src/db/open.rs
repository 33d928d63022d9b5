//! Opening a database: the order of the steps.

use std::path::Path;
use std::sync::Arc;

use super::door::Door;
use super::generation::Generation;
use super::list::Lists;
use super::open_report::{FreelistSource, OpenReport};
use super::options::{Backing, OpenOptions, Verify};
use super::shared::{Shared, lock};
use super::writer::{Growth, Writer};
use super::{Db, create};
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::format::{Endian, Layout, Meta, MetaPair};
use crate::storage::{
    Directory, Disk, FileLock, Heap, HostDirectory, LockMode, Medium, Snapshot, Storage, Volume, initial_layout, is_at,
    open_untouched, read_disk_metas, read_metas, regular_metadata,
};
use crate::tree::{self, Allocator, PageBits, Run};

/// Opens a file under its lock.
pub(super) fn file(options: &OpenOptions, path: &Path) -> Result<Db> {
    // Only under the lock do length and metas stand still.
    let (lock, size) = loop {
        let lock = locked(options, path)?;
        let metadata = regular_metadata(lock.file(), path)?;
        // Whoever held the lock may have given the name to another file by now.
        if !cfg!(unix) || is_at(&metadata, path) {
            break (lock, metadata.len());
        }
    };
    let (metas, layout) = read_metas(lock.file(), path, size)?;
    let volume = match options.backing {
        Backing::Map => Volume::Mapped(Arc::new(lock)),
        Backing::Heap => Volume::Read(lock),
    };
    open(options, path, volume, size, metas, layout)
}

/// Opens and locks the file that has this name now.
fn locked(options: &OpenOptions, path: &Path) -> Result<FileLock> {
    match options.read_only {
        true => {
            let (file, _) = open_untouched(path)?;
            FileLock::acquire(file, path, LockMode::Shared, options.lock_timeout)
        }
        false => {
            writable_here()?;
            let lock = |file, timeout| FileLock::acquire(file, path, LockMode::Exclusive, timeout);
            create::open_or_create(options, &HostDirectory, path, &lock)
        }
    }
}

/// Opens a disk of the caller's own.
pub(super) fn disk(options: &OpenOptions, disk: Arc<dyn Disk>) -> Result<Db> {
    let failed = |source| Error::io("read", "", source);
    if !options.read_only && options.create {
        create::finish(&*disk, options)?;
    }
    let size = disk.size().map_err(failed)?;
    let (metas, layout) = read_disk_metas(&*disk, size)?;
    open(options, Path::new(""), Volume::Disk(disk), size, metas, layout)
}

/// Opens a file among directories of the caller's own.
pub(super) fn directory<D: Directory>(options: &OpenOptions, directory: &D, path: &Path) -> Result<Db> {
    let file = match options.read_only {
        true => directory.open(path)?,
        false => create::open_or_create(options, directory, path, &|file, _| Ok(file))?,
    };
    disk(options, Arc::new(file))
}

/// A database in memory, to be read.
pub(super) fn bytes(bytes: Arc<[u8]>) -> Result<Db> {
    let snapshot = Snapshot::from_bytes(Arc::clone(&bytes))?;
    let (metas, layout) = (*snapshot.metas(), snapshot.layout());
    let meta = usable_meta(&metas, layout, snapshot.size())?;
    let state = Generation::new(Arc::new(Medium::Heap(Heap::new(bytes))), layout, metas, meta);
    let shared = Shared::new(Default::default(), Volume::Bytes, Door::new(None), OpenReport::default(), state);
    Ok(Db { shared: Arc::new(shared) })
}

/// The layout of a file that is created.
pub(super) fn new_layout(options: &OpenOptions) -> Result<Layout> {
    let refused = Error::Unsupported { what: "the page size of a new database is a power of two from 1024 to 65536" };
    initial_layout(options.page_size).ok_or(refused)
}

fn open(options: &OpenOptions, path: &Path, volume: Volume, size: u64, metas: MetaPair, layout: Layout) -> Result<Db> {
    let meta = usable_meta(&metas, layout, size)?;
    let state = Generation::new(Arc::new(volume.medium(size, layout)?), layout, metas, meta);
    if options.verify == Verify::Tree && options.read_only {
        tree::verify(state.pages(&state.meta))?;
    }
    let (writer, report) = match options.read_only {
        true => (None, OpenReport::default()),
        false => writer(options, &state, size).map(|(writer, report)| (Some(writer), report))?,
    };
    log::debug!("opened {} at {meta}", path.display());
    let space = writer.as_ref().map(Writer::space);
    let shared = Shared::new(path.into(), volume, Door::new(writer), report, state);
    *lock(&shared.space) = space;
    Ok(Db { shared: Arc::new(shared) })
}

/// What a writer needs to know of a state, its free pages above all.
fn writer(options: &OpenOptions, state: &Generation, size: u64) -> Result<(Writer, OpenReport)> {
    if state.layout.endian != HOST {
        return Err(Error::Unsupported { what: "a file of the other byte order can only be read here; compact converts it" });
    }
    if state.layout.page_size.get() < SMALLEST_WRITTEN {
        return Err(Error::Unsupported { what: "a file with pages of less than 1024 bytes can only be read" });
    }
    let (free, list, freelist) = free_pages(options, state)?;
    let writer = Writer {
        options: options.write.clone(),
        allocator: Allocator::new(free, state.meta.txid),
        list,
        lists: Lists::default(),
        growth: Growth::new(state.layout, size, options.initial_map_size),
        staged: Vec::new(),
    };
    Ok((writer, OpenReport { freelist }))
}

/// Go cannot open a new file with smaller pages a second time.
const SMALLEST_WRITTEN: u32 = 1024;

#[cfg(target_endian = "little")]
const HOST: Endian = Endian::Little;
#[cfg(target_endian = "big")]
const HOST: Endian = Endian::Big;

/// The free pages of a state, the run of its list, and how they were found. A list that cannot be true is not believed,
/// and neither is one that does not fit the trees, where those are looked at.
fn free_pages(options: &OpenOptions, state: &Generation) -> Result<(PageBits, Option<Run>, FreelistSource)> {
    let pages = state.pages(&state.meta);
    let stored = tree::read_free_set(pages);
    let fits = match (&stored, options.verify) {
        (Ok(Some(_)), Verify::Tree) => tree::verify(pages),
        _ => Ok(()),
    };
    match (stored, fits) {
        (Ok(Some((free, list))), Ok(())) => Ok((free, Some(list), FreelistSource::Stored)),
        (Ok(None), _) => Ok((tree::scan_free(pages)?.bits(), None, FreelistSource::Scanned)),
        (Err(Error::Corrupt(refused)), _) | (Ok(_), Err(Error::Corrupt(refused))) => {
            log::warn!("the list of free pages is not believed: {refused}");
            // The list's own pages stay as they are until another state is committed, which may be never.
            let (free, list) = tree::scan_free(pages)?.without_list(pages);
            Ok((free.bits(), list, FreelistSource::Rebuilt { refused }))
        }
        (Err(e), _) | (_, Err(e)) => Err(e),
    }
}

/// The current meta, if it makes sense for a file of this length. Never the older one in its place.
fn usable_meta(metas: &MetaPair, layout: Layout, size: u64) -> Result<Meta> {
    let meta = metas.current().ok_or(Error::Empty)?;
    meta.validate()?;
    let expected = layout.run_bytes(meta.high_water.0);
    if size < expected {
        return Err(Corruption { kind: CorruptionKind::ShortFile { expected, found: size }, page: None, offset: None }.into());
    }
    Ok(meta)
}

/// Whether the lock is the one that Go's programs take too.
fn writable_here() -> Result<()> {
    match cfg!(any(
        target_os = "linux",
        target_os = "macos",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd"
    )) {
        true => Ok(()),
        false => Err(Error::Unsupported { what: "on this platform a database can only be opened read-only" }),
    }
}
