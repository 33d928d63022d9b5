//! The database: open a file under its lock, and read it in transactions.
//!
//! A [`Db`] maps the file and hands out [`ReadTx`], each of which sees one committed state for as long as it
//! lives. Keys and values are slices of the map, borrowed from the transaction; nothing is copied.

mod backup;
mod bucket;
mod compact;
mod cursor;
mod iter;
mod options;
mod read;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub use bucket::{Bucket, Entry};
pub use cursor::Cursor;
pub use iter::Iter;
pub use options::{Backing, OpenOptions, Verify};
pub use read::ReadTx;

use crate::error::{Error, Result, TxSelector};
use crate::format::{Layout, Meta, MetaPair};
use crate::storage::{FileLock, Medium, Storage};
use crate::tree::{self, FreePages, Pages};

/// A database file, open and locked.
///
/// It is `Send` and `Sync`: share it by reference or in an `Arc`. The lock is held until this and every
/// transaction that began here are gone.
///
/// ```
/// use unbolt::{Db, Entry};
/// let db = Db::options().read_only(true).open("testdata/docker/live-20.10.24.db")?;
/// db.view(|tx| {
///     let bucket = tx.bucket("libnetwork")?.expect("every Docker host has it");
///     for pair in bucket.prefix("docker/network/v1.0/network/") {
///         if let (key, Entry::Value(value)) = pair? {
///             println!("{} holds {} bytes", key.escape_ascii(), value.len());
///         }
///     }
///     Ok::<_, unbolt::Error>(())
/// })?;
/// # Ok::<(), unbolt::Error>(())
/// ```
#[derive(Debug)]
pub struct Db {
    current: Arc<Generation>,
    path: PathBuf,
    read_only: bool,
}

/// A committed state as transactions share it: the bytes, the metas, and the lock that keeps them still.
struct Generation {
    medium: Medium,
    layout: Layout,
    metas: MetaPair,
    meta: Meta,
    free: OnceLock<FreePages>,
    /// Shared by all states of one open file, so that it is held for as long as any of them is in use.
    _lock: Option<Arc<FileLock>>,
}

impl Generation {
    /// The file that is locked; a database in memory has none.
    fn file(&self) -> Option<&File> {
        self._lock.as_deref().map(FileLock::file)
    }

    fn pages<'s>(&'s self, meta: &'s Meta) -> Pages<'s, Medium> {
        Pages::new(&self.medium, self.layout, meta)
    }

    /// The free pages of the current state, read or scanned for once.
    fn free(&self) -> Result<&FreePages> {
        match self.free.get() {
            Some(free) => Ok(free),
            None => {
                let free = tree::free_pages(self.pages(&self.meta))?;
                Ok(self.free.get_or_init(|| free))
            }
        }
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.medium, self.meta)
    }
}

impl Db {
    /// Opens an existing database under the exclusive lock, tried for once.
    ///
    /// The exclusive lock keeps every other Bolt program off the file; to read beside others, use
    /// [`OpenOptions::read_only`].
    ///
    /// # What mapping leaves open
    ///
    /// The file is mapped only while its lock is held, only as far as it reached then, and never over a meta
    /// page; every offset in it is checked before use. What remains is another program that ignores the lock and
    /// truncates the file, or a medium that fails to deliver a page: the operating system ends the process with
    /// `SIGBUS` then. Where that cannot be accepted, use [`Backing::Heap`], or a
    /// [`Snapshot`](crate::Snapshot), which maps nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`], [`Error::NotBolt`], [`Error::Corrupt`] where a verified meta makes no sense for this
    /// file, and [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Db> {
        Db::options().open(path)
    }

    /// The choices there are when opening a database.
    pub fn options() -> OpenOptions {
        OpenOptions::default()
    }

    /// A database held in memory, to be read.
    ///
    /// ```
    /// let db = unbolt::Db::from_bytes(std::fs::read("testdata/golden/V8.db.sparse").unwrap());
    /// assert!(db.is_err(), "a sparse file has to be expanded first");
    /// let db = unbolt::Db::from_bytes(std::fs::read("testdata/golden/V5.db")?)?;
    /// assert!(db.begin_read()?.bucket("b")?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Result<Db> {
        options::open_bytes(bytes.into())
    }

    /// Begins a transaction that reads the current state.
    pub fn begin_read(&self) -> Result<ReadTx> {
        Ok(ReadTx::new(Arc::clone(&self.current), self.current.meta))
    }

    /// Begins a transaction that reads one of the states that the two metas describe.
    ///
    /// Any but the current one is not provable: pages it needs may have been written since, by a transaction
    /// that was never committed even. It is walked whole before it is handed out, and refused where it shows
    /// damage; what passes is still only probably what was committed. [`ReadTx::is_provable`] says which.
    pub fn begin_read_at(&self, selector: TxSelector) -> Result<ReadTx> {
        let generation = &self.current;
        let meta = generation.metas.select(selector)?;
        if meta != generation.meta {
            tree::verify_older(generation.pages(&meta), generation.pages(&generation.meta))?;
        }
        Ok(ReadTx::new(Arc::clone(generation), meta))
    }

    /// Runs a function in a read transaction.
    pub fn view<T, E: From<Error>>(&self, read: impl FnOnce(&ReadTx) -> Result<T, E>) -> Result<T, E> {
        read(&self.begin_read()?)
    }

    /// Counts over the whole file.
    pub fn stats(&self) -> Result<DbStats> {
        let Generation { layout, meta, medium, .. } = &*self.current;
        let free = self.current.free()?;
        Ok(DbStats {
            file_bytes: medium.size(),
            page_bytes: layout.page_size.bytes(),
            high_water: meta.high_water.0,
            free_pages: free.ids().len() as u64,
            freelist_pages: free.own_run().count() as u64,
        })
    }

    /// Page size and byte order.
    pub fn layout(&self) -> Layout {
        self.current.layout
    }

    /// The path the database was opened by; empty for one in memory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the database was opened read-only.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Closes the database. The lock ends with the last transaction that is still open.
    pub fn close(self) {}
}

/// Counts over a whole database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DbStats {
    /// The length of the file.
    pub file_bytes: u64,
    /// The size of a page.
    pub page_bytes: u64,
    /// The first page never allocated: as many pages were ever in use.
    pub high_water: u64,
    /// Pages that are free.
    pub free_pages: u64,
    /// Pages that the list of free pages takes itself; 0 where none is stored.
    pub freelist_pages: u64,
}

const _: () = {
    const fn shareable<T: Send + Sync>() {}
    shareable::<Db>();
    shareable::<ReadTx>();
    shareable::<Bucket<'static>>();
    shareable::<Iter<'static>>();
    shareable::<Cursor<'static>>();
    shareable::<Error>();
};
