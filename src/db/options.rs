//! Opening a database: the choices, and the order of the steps.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{Db, Generation};
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::format::{Layout, Meta, MetaPair};
use crate::storage::{FileLock, Heap, LockMode, Map, Medium, Snapshot, Storage, open_regular, read_all, read_metas};
use crate::tree;

/// Where the pages of an open database are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Backing {
    /// A map of the file: nothing is copied, pages are read as they are touched.
    #[default]
    Map,
    /// Memory: the whole file is read once, under its lock. Nothing that happens to the file later matters.
    Heap,
}

/// How much of a database is verified before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Verify {
    /// The metas. Everything else is checked as it is read.
    #[default]
    Meta,
    /// The trees and the freelist too: all pages are walked, and each must be in use or free, and not both.
    Tree,
}

/// The choices there are when opening a database.
///
/// ```no_run
/// use std::time::Duration;
/// let db = unbolt::Db::options()
///     .read_only(true)
///     .lock_timeout(Duration::from_secs(1))
///     .open("/var/lib/docker/volumes/metadata.db")?;
/// # Ok::<(), unbolt::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    read_only: bool,
    lock: Wait,
    backing: Backing,
    verify: Verify,
}

/// How long to wait for the lock.
#[derive(Debug, Clone, Copy)]
enum Wait {
    UpTo(Duration),
    Forever,
}

impl Default for Wait {
    fn default() -> Self {
        Wait::UpTo(Duration::ZERO)
    }
}

impl OpenOptions {
    /// Takes the shared lock and opens the file for reading only, so that other readers may be there. Default:
    /// the exclusive lock.
    ///
    /// Even a shared lock keeps a program from starting that wants the file for itself; dockerd 28 and later do
    /// not wait for it. To look at a file in use, take a [`Snapshot`].
    pub fn read_only(&mut self, read_only: bool) -> &mut Self {
        self.read_only = read_only;
        self
    }

    /// How long to wait for the lock; it is tried every 50 ms. Default: one try.
    pub fn lock_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.lock = Wait::UpTo(timeout);
        self
    }

    /// Waits for the lock for as long as it takes.
    pub fn lock_forever(&mut self) -> &mut Self {
        self.lock = Wait::Forever;
        self
    }

    /// Where pages are read from. Default: a map of the file.
    pub fn backing(&mut self, backing: Backing) -> &mut Self {
        self.backing = backing;
        self
    }

    /// How much is verified before the database is used. Default: the metas.
    pub fn verify(&mut self, verify: Verify) -> &mut Self {
        self.verify = verify;
        self
    }

    /// Opens an existing database.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Db> {
        let path = path.as_ref();
        let mode = if self.read_only { LockMode::Shared } else { exclusive()? };
        let timeout = match self.lock {
            Wait::UpTo(timeout) => Some(timeout),
            Wait::Forever => None,
        };
        let (file, _) = open_regular(path, !self.read_only)?;
        let lock = FileLock::acquire(file, path, mode, timeout)?;
        // Only under the lock do length and metas stand still.
        let size = lock.file().metadata().map_err(|source| Error::io("read", path, source))?.len();
        let (metas, layout) = read_metas(lock.file(), path, size)?;
        let meta = usable_meta(&metas, layout, size)?;
        let medium = match self.backing {
            Backing::Map => {
                let map = Map::new(lock.file(), size, layout.run_bytes(2));
                Medium::Map(map.map_err(|source| Error::io("map", path, source))?)
            }
            Backing::Heap => Medium::Heap(Heap::new(read_all(lock.file(), path, size)?)),
        };
        let generation = Generation { medium, layout, metas, meta, free: OnceLock::new(), _lock: Some(Arc::new(lock)) };
        if self.verify == Verify::Tree {
            tree::verify(generation.pages(&generation.meta))?;
        }
        Ok(Db { current: Arc::new(generation), path: path.into(), read_only: self.read_only })
    }
}

/// The exclusive lock, where it is the one that Go's programs take too.
fn exclusive() -> Result<LockMode> {
    match cfg!(any(
        target_os = "linux",
        target_os = "macos",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd"
    )) {
        true => Ok(LockMode::Exclusive),
        false => Err(Error::Unsupported { what: "on this platform a database can only be opened read-only" }),
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

pub(super) fn open_bytes(bytes: Arc<[u8]>) -> Result<Db> {
    let snapshot = Snapshot::from_bytes(Arc::clone(&bytes))?;
    let (metas, layout) = (*snapshot.metas(), snapshot.layout());
    let meta = usable_meta(&metas, layout, snapshot.size())?;
    let medium = Medium::Heap(Heap::new(bytes));
    let generation = Generation { medium, layout, metas, meta, free: OnceLock::new(), _lock: None };
    Ok(Db { current: Arc::new(generation), path: Default::default(), read_only: true })
}
