//! The database: open a file under its lock, read it in transactions, and change it in one at a time.
//!
//! A [`Db`] maps the file and hands out [`ReadTx`], each of which sees one committed state for as long as it
//! lives. Keys and values are slices of the map, borrowed from the transaction; nothing is copied. A [`WriteTx`]
//! collects changes and commits them all at once.

mod anchor;
mod backup;
mod batch;
mod bucket;
mod bucket_mut;
mod changes;
mod commit;
mod compact;
mod create;
mod cursor;
mod cursor_mut;
mod door;
mod gather;
mod generation;
mod iter;
mod list;
mod open;
mod open_report;
mod options;
mod read;
mod shared;
mod stats;
mod trust;
mod write;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use bucket::{Bucket, Entry};
pub use bucket_mut::BucketMut;
pub use cursor::Cursor;
pub use cursor_mut::CursorMut;
pub use iter::Iter;
pub use open_report::{FreelistSource, OpenReport};
pub use options::{Backing, FreelistMode, OpenOptions, Verify};
pub use read::ReadTx;
use stats::Space;
pub use stats::{DbStats, WriteStats};
pub use write::WriteTx;

use crate::error::{Error, Result, TxSelector};
use crate::format::Layout;
use crate::storage::Storage;
use crate::tree::{self, Normalized};
use door::Patience;
use generation::Generation;
use shared::{Shared, lock};

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
pub struct Db {
    shared: Arc<Shared>,
}

impl Db {
    /// Opens a database under the exclusive lock, tried for once, and creates it where there is none.
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
        open::bytes(bytes.into())
    }

    /// Begins a transaction that reads the current state.
    #[inline]
    pub fn begin_read(&self) -> Result<ReadTx> {
        let current = self.shared.current();
        let meta = current.meta;
        Ok(ReadTx::new(&self.shared, current, meta))
    }

    /// Begins a transaction that reads one of the states that the two metas describe.
    ///
    /// Any but the current one is not provable: pages it needs may have been written since, by a transaction
    /// that was never committed even. It is walked whole before it is handed out, and refused where it shows
    /// damage; what passes is still only probably what was committed. [`ReadTx::is_provable`] says which.
    ///
    /// Where this handle can write, the older state is read into memory first, since the next transaction may take
    /// its pages.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTx`]; [`Error::WriterBusy`] or [`Error::WriterActive`] while a transaction writes, for any state
    /// but the current one.
    pub fn begin_read_at(&self, selector: TxSelector) -> Result<ReadTx> {
        let current = self.shared.current();
        let meta = current.metas.select(selector)?;
        if meta == current.meta {
            return Ok(ReadTx::new(&self.shared, current, meta));
        }
        let older = self.older(current, &meta)?;
        tree::verify_older(older.pages(&meta), older.pages(&older.meta))?;
        Ok(ReadTx::new(&self.shared, older, meta))
    }

    /// The file as it is now, in memory of its own where it could be written to.
    fn older(&self, current: Arc<Generation>, meta: &crate::format::Meta) -> Result<Arc<Generation>> {
        if self.is_read_only() {
            return Ok(current);
        }
        let writer = self.shared.door.enter(Patience::Until(Instant::now()))?;
        let pages = meta.high_water.max(current.meta.high_water);
        let copied = self.shared.volume.copy(current.layout.run_bytes(pages.0).min(current.medium.size()));
        self.shared.door.leave(writer);
        Ok(Arc::new(Generation::new(Arc::new(copied?), current.layout, current.metas, current.meta)))
    }

    /// Runs a function in a read transaction.
    pub fn view<T, E: From<Error>>(&self, read: impl FnOnce(&ReadTx) -> Result<T, E>) -> Result<T, E> {
        read(&self.begin_read()?)
    }

    /// Begins the transaction that writes. Waits for another thread's to end.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`], [`Error::Poisoned`], [`Error::TxIdExhausted`], and [`Error::WriterActive`] where this thread
    /// holds one already: waiting would last for ever. A transaction is its thread's that began it, wherever it is sent.
    pub fn begin_write(&self) -> Result<WriteTx> {
        self.begin_write_with(Patience::Forever)
    }

    /// Begins the transaction that writes, unless another one does already.
    pub fn try_begin_write(&self) -> Result<Option<WriteTx>> {
        match self.begin_write_with(Patience::Until(Instant::now())) {
            Ok(tx) => Ok(Some(tx)),
            Err(Error::WriterBusy { .. } | Error::WriterActive) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Begins the transaction that writes, and waits for another thread's no longer than this.
    ///
    /// # Errors
    ///
    /// [`Error::WriterBusy`] after that time, and those of [`begin_write`](Self::begin_write).
    pub fn begin_write_within(&self, time: Duration) -> Result<WriteTx> {
        match Instant::now().checked_add(time) {
            Some(end) => self.begin_write_with(Patience::Until(end)),
            None => self.begin_write(),
        }
    }

    fn begin_write_with(&self, patience: Patience) -> Result<WriteTx> {
        WriteTx::begin(Arc::clone(&self.shared), self.shared.door.enter(patience)?)
    }

    /// Runs a function in a write transaction, and commits what it changed if it succeeds. Where it fails or panics,
    /// nothing of it remains.
    pub fn update<T, E: From<Error>>(&self, change: impl FnOnce(&mut WriteTx) -> Result<T, E>) -> Result<T, E> {
        let mut tx = self.begin_write()?;
        let done = change(&mut tx)?;
        tx.commit()?;
        Ok(done)
    }

    /// Makes the trees of another writer such that Go's writer does them no harm, in one transaction: each separator the
    /// first key of its child, no leaf empty, no branch with a single child. Says what there was to do; where that is
    /// nothing, nothing is written. Only the branches concerned and those above them are written anew.
    ///
    /// Every branch of the file is read, and the first bytes of every leaf. What this library and Go write needs none of it.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let db = unbolt::Db::open(dir.path().join("my.db"))?;
    /// let done = db.normalize()?;
    /// assert!(done.is_nothing(), "{} separators were inexact", done.separators);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] where a tree cannot be walked, or keys are where look-ups do not find them; those of
    /// [`begin_write`](Self::begin_write) and [`commit`](WriteTx::commit).
    pub fn normalize(&self) -> Result<Normalized> {
        let mut tx = self.begin_write()?;
        let done = tx.normalize()?;
        // Where there was nothing to do, not even a transaction id is used up.
        if !done.is_nothing() {
            tx.commit()?;
            log::info!("{}: trees of another writer made as Go needs them: {done:?}", self.path().display());
        }
        Ok(done)
    }

    /// Makes durable whatever was committed without a sync.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], after which the database must be opened again: what is lost by then is lost, whatever a later
    /// sync says. [`Error::Poisoned`] where that has happened before.
    pub fn sync(&self) -> Result<()> {
        self.shared.trust.test()?;
        let disk = self.shared.volume.target()?;
        log::debug!("syncing {}", self.path().display());
        self.shared.trust.sync(|| disk.sync_data()).map_err(|source| self.shared.volume.error("sync", source))
    }

    /// Counts over the whole file. Where it was opened read-only, the first call reads the list of free pages, or walks
    /// all pages in use where none is stored.
    pub fn stats(&self) -> Result<DbStats> {
        let older = self.shared.older_readers();
        let current = self.shared.current();
        let space = match *lock(&self.shared.space) {
            Some(space) => space,
            None => {
                let free = current.free()?;
                Space {
                    free: free.ids().len() as u64,
                    pending: 0,
                    list: free.own_run().count() as u64,
                    file: current.medium.size(),
                }
            }
        };
        Ok(DbStats {
            file_bytes: space.file,
            page_bytes: current.layout.page_size.bytes(),
            high_water: current.meta.high_water.0,
            free_pages: space.free,
            pending_pages: space.pending,
            freelist_pages: space.list,
            older_readers: older.len() as u64,
            oldest_reader: older.first().copied(),
            writes: *lock(&self.shared.stats),
        })
    }

    /// What opening the database found out.
    pub fn open_report(&self) -> &OpenReport {
        &self.shared.report
    }

    /// Page size and byte order.
    pub fn layout(&self) -> Layout {
        self.shared.current().layout
    }

    /// The path the database was opened by; empty for one in memory.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Whether the database was opened read-only.
    pub fn is_read_only(&self) -> bool {
        self.shared.door.is_read_only()
    }

    /// Closes the database. Waits for a write transaction of another thread to end, and stores the list of free pages
    /// where that was left for [the end](FreelistMode::OnClose). The lock ends with the last transaction that is still
    /// read.
    ///
    /// # Errors
    ///
    /// Those of a commit, where the list had to be stored, with [`Error::Poisoned`] where it can no longer be, and
    /// [`Error::WriterActive`].
    pub fn close(self) -> Result<()> {
        if self.is_read_only() {
            return Ok(());
        }
        let writer = self.shared.door.enter(Patience::Forever)?;
        let store = writer.options.freelist == FreelistMode::OnClose;
        if store && self.shared.current().meta.freelist.is_none() {
            return WriteTx::begin(Arc::clone(&self.shared), writer)?.store_freelist();
        }
        self.shared.door.leave(writer);
        Ok(())
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db({}, {:?})", self.shared.path.display(), self.shared.current())
    }
}

const _: () = {
    const fn shareable<T: Send + Sync>() {}
    shareable::<Db>();
    shareable::<ReadTx>();
    shareable::<WriteTx>();
    shareable::<BucketMut<'static>>();
    shareable::<Bucket<'static>>();
    shareable::<Iter<'static>>();
    shareable::<Cursor<'static>>();
    shareable::<Error>();
};
