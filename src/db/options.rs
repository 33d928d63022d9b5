//! The choices there are when opening a database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Db, open};
use crate::error::Result;
use crate::storage::{Directory, Disk};

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
#[derive(Debug, Clone)]
pub struct OpenOptions {
    pub(super) read_only: bool,
    pub(super) create: bool,
    pub(super) mode: u32,
    pub(super) page_size: u32,
    pub(super) initial_map_size: u64,
    /// How long to wait for the lock; nothing where for ever.
    pub(super) lock_timeout: Option<Duration>,
    pub(super) backing: Backing,
    pub(super) verify: Verify,
    pub(super) write: WriteOptions,
}

/// How transactions are written.
#[derive(Debug, Clone)]
pub(super) struct WriteOptions {
    pub(super) no_sync: bool,
    pub(super) no_grow_sync: bool,
    pub(super) commit_unchanged: bool,
    pub(super) strict: bool,
    pub(super) freelist: FreelistMode,
    pub(super) growth_step: u64,
    pub(super) max_size: Option<u64>,
}

/// When the list of free pages is written to the file.
///
/// A file without a list is opened by every bbolt and by this library, which find the free pages by going through all
/// pages in use. boltdb up to 1.3.0 panics on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FreelistMode {
    /// With each commit, as Go does where nothing else is asked for. Eight bytes for each free page are written every
    /// time.
    #[default]
    EachCommit,
    /// When the database is closed by [`Db::close`]. A handle that is dropped, or a program that ends otherwise, leaves
    /// a file without a list.
    OnClose,
    /// Never.
    Never,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            read_only: false,
            create: true,
            mode: 0o644,
            page_size: 4096,
            initial_map_size: 0,
            lock_timeout: Some(Duration::ZERO),
            backing: Backing::default(),
            verify: Verify::default(),
            write: WriteOptions {
                no_sync: false,
                no_grow_sync: false,
                commit_unchanged: false,
                strict: false,
                freelist: FreelistMode::default(),
                growth_step: 16 << 20,
                max_size: None,
            },
        }
    }
}

impl OpenOptions {
    /// Takes the shared lock and opens the file for reading only, so that other readers may be there. Default:
    /// the exclusive lock.
    ///
    /// Even a shared lock keeps a program from starting that wants the file for itself; dockerd 28 and later do
    /// not wait for it. To look at a file in use, take a [`Snapshot`](crate::Snapshot).
    pub fn read_only(&mut self, read_only: bool) -> &mut Self {
        self.read_only = read_only;
        self
    }

    /// How long to wait for the lock; it is tried every 50 ms. Default: one try.
    pub fn lock_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.lock_timeout = Some(timeout);
        self
    }

    /// Waits for the lock for as long as it takes.
    pub fn lock_forever(&mut self) -> &mut Self {
        self.lock_timeout = None;
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

    /// Creates the file where there is none. Default: yes, unless it is opened read-only.
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.create = create;
        self
    }

    /// The permissions of a file that is created, less those that the process masks. Default: `0o644`.
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = mode;
        self
    }

    /// The page size of a file that is created: a power of two from 1 KiB to 64 KiB. Default: 4096, on every host. A
    /// file that is there has its own.
    pub fn page_size(&mut self, bytes: u32) -> &mut Self {
        self.page_size = bytes;
        self
    }

    /// The size that the file is taken to be mapped at first, which decides how far it grows at once: a file that would
    /// outgrow it is extended to the size of the next larger map, up to the [growth step](Self::growth_step). Nothing
    /// here ever waits for a reader because of it, as Go does. Default: the length of the file.
    pub fn initial_map_size(&mut self, bytes: u64) -> &mut Self {
        self.initial_map_size = bytes;
        self
    }

    /// The largest size that all pages together may come to; [`Error::MaxSize`](crate::Error::MaxSize) is what a commit
    /// fails with that would need more. A file that is larger already is opened, and what is free in it can be used.
    /// Default: none.
    pub fn max_size(&mut self, bytes: u64) -> &mut Self {
        self.write.max_size = Some(bytes);
        self
    }

    /// How much a file beyond this size is extended at once. Default: 16 MiB.
    pub fn growth_step(&mut self, bytes: u64) -> &mut Self {
        self.write.growth_step = bytes;
        self
    }

    /// Leaves out the syncs of a commit. What was committed is durable after [`Db::sync`]; a crash of the system before
    /// that can leave a file that cannot be read at all. Default: no.
    pub fn no_sync(&mut self, no_sync: bool) -> &mut Self {
        self.write.no_sync = no_sync;
        self
    }

    /// Lets the file grow by being written to, with neither an extension ahead nor its sync. Default: no.
    pub fn no_grow_sync(&mut self, no_grow_sync: bool) -> &mut Self {
        self.write.no_grow_sync = no_grow_sync;
        self
    }

    /// Commits transactions that changed nothing too, as Go does: with a new list of free pages and a new meta. Default:
    /// no, they write nothing.
    pub fn commit_unchanged(&mut self, commit_unchanged: bool) -> &mut Self {
        self.write.commit_unchanged = commit_unchanged;
        self
    }

    /// Walks the whole new state of each transaction before it is committed. Where it does not verify, the transaction
    /// fails, and so does every later one: what is wrong may have been wrong before, or lie on a page that was given away.
    /// Slow. Default: no.
    pub fn strict(&mut self, strict: bool) -> &mut Self {
        self.write.strict = strict;
        self
    }

    /// When the list of free pages is written. Default: with each commit.
    pub fn freelist(&mut self, mode: FreelistMode) -> &mut Self {
        self.write.freelist = mode;
        self
    }

    /// Opens a database.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Db> {
        open::file(self, path.as_ref())
    }

    /// Opens a database on a disk of the caller's own, which nobody else may write to. An empty disk becomes a new
    /// database. It is read into memory, after each commit again.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use unbolt::{Db, MemoryDisk};
    /// let disk = Arc::new(MemoryDisk::new());
    /// let db = Db::options().open_disk(Arc::clone(&disk) as _)?;
    /// db.update(|tx| tx.create_bucket("b")?.put("k", "v"))?;
    /// assert!(Db::from_bytes(disk.to_bytes())?.begin_read()?.bucket("b")?.is_some());
    /// # Ok::<(), unbolt::Error>(())
    /// ```
    pub fn open_disk(&self, disk: Arc<dyn Disk>) -> Result<Db> {
        open::disk(self, disk)
    }

    /// Opens a file among directories of the caller's own, in which nobody else is: no lock is taken. It is created as
    /// [`open`](Self::open) creates one, and read as [`open_disk`](Self::open_disk) reads it.
    pub fn open_in<D: Directory>(&self, directory: &D, path: impl AsRef<Path>) -> Result<Db> {
        open::directory(self, directory, path.as_ref())
    }
}
