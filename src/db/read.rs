//! A read transaction: one committed state, for as long as it lives.

use std::sync::Arc;

use super::generation::Generation;
use super::shared::Shared;
use super::{Bucket, Iter};
use crate::error::{Error, Result};
use crate::format::{Meta, MetaPair, PageId, TxId};
use crate::storage::{Medium, Storage};
use crate::tree::{PageInfo, Pages};

/// A transaction that reads one committed state.
///
/// It holds what it needs by itself: it can be sent to another thread and can outlive the [`Db`](super::Db). It
/// takes no lock while reading.
#[derive(Debug)]
#[must_use = "a transaction that is dropped at once reads nothing"]
pub struct ReadTx {
    pub(super) generation: Arc<Generation>,
    pub(super) meta: Meta,
    /// The lock is held for as long as anything is read.
    pub(super) shared: Arc<Shared>,
}

impl ReadTx {
    pub(super) fn new(shared: &Arc<Shared>, generation: Arc<Generation>, meta: Meta) -> ReadTx {
        ReadTx { generation, meta, shared: Arc::clone(shared) }
    }

    /// The pages of this state, for whatever works on pages: a check, a walk, a copy.
    ///
    /// ```
    /// let db = unbolt::Db::options().read_only(true).open("testdata/docker/live-20.10.24.db")?;
    /// let tx = db.begin_read()?;
    /// let summary = unbolt::check::check(tx.pages(), Some(&tx.metas()), &mut |finding| println!("{finding}"))?;
    /// assert!(summary.is_sound());
    /// # Ok::<(), unbolt::Error>(())
    /// ```
    pub fn pages(&self) -> Pages<'_, impl Storage + use<>> {
        self.medium_pages()
    }

    pub(super) fn medium_pages(&self) -> Pages<'_, Medium> {
        self.generation.pages(&self.meta)
    }

    /// The id of the transaction that committed this state.
    pub fn id(&self) -> TxId {
        self.meta.txid
    }

    /// The size of the state in bytes: everything below the high-water mark. The file may be longer.
    pub fn size(&self) -> u64 {
        self.generation.layout.run_bytes(self.meta.high_water.0)
    }

    /// Whether this state is the one that the newest meta describes. An older one may name pages that were
    /// written since, and may hold data that was never committed.
    pub fn is_provable(&self) -> bool {
        self.generation.metas.is_provable(&self.meta)
    }

    /// Both metas as they were when the transaction began: what each of the two pages holds, or why it was refused.
    pub fn metas(&self) -> MetaPair {
        self.generation.metas
    }

    /// The root bucket, which holds all others.
    #[inline]
    pub fn root(&self) -> Result<Bucket<'_>> {
        Ok(self.medium_pages().validated_root().into())
    }

    /// The top-level bucket of this name; `None` where there is none.
    #[inline]
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'_>>> {
        self.root()?.bucket(name)
    }

    /// The bucket at the end of a path of names; an empty path is the root bucket.
    ///
    /// # Errors
    ///
    /// [`Error::BucketNotFound`] with the part of the path that is not there.
    pub fn bucket_at<N: AsRef<[u8]>>(&self, path: &[N]) -> Result<Bucket<'_>> {
        self.root()?.bucket_at(path)
    }

    /// The entries of the root bucket, which are the top-level buckets.
    pub fn iter(&self) -> Result<Iter<'_>> {
        Ok(self.root()?.iter())
    }

    /// What a page is; `None` at the high-water mark and above.
    pub fn page(&self, id: PageId) -> Result<Option<PageInfo>> {
        if !self.is_provable() {
            return Err(Error::Unsupported { what: "which pages were free in an older state is not known" });
        }
        PageInfo::of(self.medium_pages(), self.generation.free()?, id)
    }
}
