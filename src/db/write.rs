//! A write transaction: changes that no one sees until they are committed, all at once.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::bucket::Inner;
use super::changes::Changes;
use super::commit::commit;
use super::options::FreelistMode;
use super::shared::{Shared, lock};
use super::writer::Writer;
use super::{Bucket, BucketMut, Iter};
use crate::error::{Error, Result};
use crate::format::TxId;
use crate::tree::{Base, BucketId, Edit, Normalized};

/// A transaction that changes a database.
///
/// There is one at a time. It sees its own changes; everybody else sees the state before it until
/// [`commit`](Self::commit) has returned. Dropped without that, it leaves nothing behind.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// let db = unbolt::Db::open(dir.path().join("my.db"))?;
/// let mut tx = db.begin_write()?;
/// let mut users = tx.create_bucket("users")?;
/// users.put("alice", "1")?;
/// assert_eq!(users.get("alice")?, Some(&b"1"[..]));
/// tx.commit()?;
/// assert_eq!(db.begin_read()?.bucket("users")?.unwrap().get("alice")?, Some(&b"1"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a transaction that is dropped at once changes nothing"]
pub struct WriteTx {
    shared: Arc<Shared>,
    /// There until the transaction ends.
    writer: Option<Box<Writer>>,
    changes: Changes,
    txid: TxId,
    /// In a lock only so that the transaction can be shared.
    on_commit: Mutex<Callbacks>,
}

/// What is to run after a commit, in this order.
#[derive(Default)]
pub(super) struct Callbacks(Vec<Box<dyn FnOnce() + Send>>);

impl Callbacks {
    pub(super) fn run(self) {
        self.0.into_iter().for_each(|call| call());
    }
}

impl WriteTx {
    /// Begins a transaction with a writer that was taken from the door.
    pub(super) fn begin(shared: Arc<Shared>, writer: Box<Writer>) -> Result<WriteTx> {
        let current = shared.current();
        let (txid, _) = match shared.trust.test().and_then(|()| current.next_meta()) {
            Ok(next) => next,
            Err(e) => {
                shared.door.leave(writer);
                return Err(e);
            }
        };
        let base = Base { medium: Arc::clone(&current.medium), layout: current.layout, meta: current.meta };
        let mut tx =
            WriteTx { txid, changes: Changes::new(Edit::new(base)), writer: Some(writer), shared, on_commit: Mutex::default() };
        let readers = tx.shared.older_readers();
        if let Some(writer) = &mut tx.writer {
            writer.allocator.release(&readers);
            *lock(&tx.shared.space) = Some(writer.space());
        }
        Ok(tx)
    }

    /// The id that this transaction will have once it is committed.
    pub fn id(&self) -> TxId {
        self.txid
    }

    /// The size in bytes of the state that the transaction began with.
    pub fn size(&self) -> u64 {
        let base = self.changes.edit().base();
        base.layout.run_bytes(base.meta.high_water.0)
    }

    /// The root bucket, which holds all others.
    pub fn root(&self) -> Bucket<'_> {
        let edit = self.changes.edit();
        Inner::Edited(edit, edit.root()).into()
    }

    /// The top-level bucket of this name; `None` where there is none.
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'_>>> {
        self.root().bucket(name)
    }

    /// The bucket at the end of a path of names; an empty path is the root bucket.
    ///
    /// # Errors
    ///
    /// [`Error::BucketNotFound`] with the part of the path that is not there.
    pub fn bucket_at<N: AsRef<[u8]>>(&self, path: &[N]) -> Result<Bucket<'_>> {
        self.root().bucket_at(path)
    }

    /// The entries of the root bucket, which are the top-level buckets.
    pub fn iter(&self) -> Iter<'_> {
        self.root().iter()
    }

    /// The root bucket, to be changed.
    pub fn root_mut(&mut self) -> BucketMut<'_> {
        let root = self.changes.edit().root();
        BucketMut::new(&mut self.changes, root)
    }

    /// The top-level bucket of this name, to be changed.
    ///
    /// # Errors
    ///
    /// [`Error::BucketNotFound`] where there is none, [`Error::IncompatibleValue`] where the key holds a value.
    pub fn bucket_mut(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>> {
        self.root_mut().into_bucket(name.as_ref())
    }

    /// The bucket at the end of a path of names, to be changed; an empty path is the root bucket.
    pub fn bucket_mut_at<N: AsRef<[u8]>>(&mut self, path: &[N]) -> Result<BucketMut<'_>> {
        let bucket = self.open_at(path)?;
        Ok(BucketMut::new(&mut self.changes, bucket))
    }

    /// Creates a top-level bucket.
    ///
    /// # Errors
    ///
    /// [`Error::BucketExists`], [`Error::IncompatibleValue`] where the key holds a value.
    pub fn create_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>> {
        self.root_mut().into_created(name.as_ref())
    }

    /// The top-level bucket of this name, created where there is none.
    pub fn create_bucket_if_missing(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>> {
        self.root_mut().into_existing_or_created(name.as_ref())
    }

    /// The bucket at the end of a path of names, to be changed. It is created where it is missing, and so is each that it
    /// lies in.
    ///
    /// ```
    /// # let db = unbolt::Db::options().open_disk(std::sync::Arc::new(unbolt::MemoryDisk::new()))?;
    /// db.update(|tx| tx.create_bucket_at_if_missing(&["users", "alice", "mail"])?.put("1", "hello"))?;
    /// assert!(db.begin_read()?.bucket_at(&["users", "alice"])?.bucket("mail")?.is_some());
    /// # Ok::<(), unbolt::Error>(())
    /// ```
    pub fn create_bucket_at_if_missing<N: AsRef<[u8]>>(&mut self, path: &[N]) -> Result<BucketMut<'_>> {
        path.iter().try_fold(self.root_mut(), |bucket, name| bucket.into_existing_or_created(name.as_ref()))
    }

    /// Deletes a top-level bucket with all that is in it.
    pub fn delete_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<()> {
        self.root_mut().delete_bucket(name)
    }

    /// Gives a top-level bucket another name.
    pub fn rename_bucket(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<()> {
        self.root_mut().rename_bucket(from, to)
    }

    /// Moves a bucket, with all that is in it and was done to it, into another one.
    ///
    /// `from` is the path of the bucket, its name last; `to` is the path of the bucket it is moved into.
    ///
    /// # Errors
    ///
    /// [`Error::BucketNotFound`], [`Error::BucketExists`] where the target has one of this name, and
    /// [`Error::MoveIntoItself`].
    pub fn move_bucket<N: AsRef<[u8]>, M: AsRef<[u8]>>(&mut self, from: &[N], to: &[M]) -> Result<()> {
        let Some((name, parents)) = from.split_last() else {
            return Err(Error::MoveIntoItself { path: Vec::new() });
        };
        let (source, target, name) = (self.open_at(parents)?, self.open_at(to)?, name.as_ref());
        log::trace!("moving bucket {}", name.escape_ascii());
        self.changes.run(|edit| edit.move_bucket(source, name, target, name))
    }

    /// Runs a function after the transaction is committed and another can begin; not where it is rolled back.
    pub fn on_commit(&mut self, call: impl FnOnce() + Send + 'static) {
        lock(&self.on_commit).0.push(Box::new(call));
    }

    /// Makes the changes durable and lets everybody see them.
    ///
    /// Where nothing was changed, nothing is written.
    ///
    /// # Errors
    ///
    /// After [`Error::CommitUnknown`] the transaction is committed or is not, which the next opening of the database
    /// finds out. After any other error it is not. After an error of writing other than a full disk the database must
    /// be opened again: [`Error::Poisoned`] says so from then on.
    pub fn commit(self) -> Result<()> {
        let on_commit = self.take_callbacks();
        self.finish()?;
        on_commit.run();
        Ok(())
    }

    /// What was to run after the commit, for whoever runs it instead.
    pub(super) fn take_callbacks(&self) -> Callbacks {
        std::mem::take(&mut *lock(&self.on_commit))
    }

    /// Ends the transaction and leaves nothing of it behind, as dropping it does.
    pub fn rollback(self) {}

    /// Commits even where nothing was changed, with the list of free pages in the file.
    pub(super) fn store_freelist(mut self) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        commit(&self.shared, writer, self.changes.edit_mut(), FreelistMode::EachCommit)
    }

    /// Cures the trees that the transaction began with; nothing may have been changed before.
    pub(super) fn normalize(&mut self) -> Result<Normalized> {
        self.changes.run(Edit::normalize)
    }

    fn finish(mut self) -> Result<()> {
        self.changes.whole()?;
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let (mode, unchanged) = (writer.options.freelist, writer.options.commit_unchanged);
        if !self.changes.edit().is_dirty() && !unchanged {
            log::debug!("transaction {} changed nothing", self.txid);
            return Ok(());
        }
        let committed = commit(&self.shared, writer, self.changes.edit_mut(), mode);
        match &committed {
            Ok(()) => log::debug!("committed transaction {}", self.shared.current().meta.txid),
            Err(e @ Error::CommitUnknown { source }) => log::error!("transaction {}: {e}: {source}", self.txid),
            Err(e) => log::error!("transaction {} was not committed: {e}", self.txid),
        }
        committed
    }

    fn open_at<N: AsRef<[u8]>>(&mut self, path: &[N]) -> Result<BucketId> {
        let mut bucket = self.changes.edit().root();
        for name in path {
            bucket = self.changes.open(bucket, name.as_ref())?;
        }
        Ok(bucket)
    }
}

impl Drop for WriteTx {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.shared.door.leave(writer);
        }
    }
}

impl fmt::Debug for WriteTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteTx({})", self.txid)
    }
}
