//! The store on a Bolt file.

use std::path::Path;
use std::sync::OnceLock;

use super::entries::Entries;
use super::folder;
use super::index::Indexes;
use super::tx::StoreTx;
use super::view::View;
use super::{KvPair, Store, StoreError};
use crate::db::{Db, Verify, WriteTx};
use crate::storage::{Directory, HostDirectory};

/// A libnetwork store in a Bolt file.
///
/// ```
/// use unbolt::store::{BoltStore, DOCKER_BUCKET, Store};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("network/files/local-kv.db");
/// let store = BoltStore::open(&path, DOCKER_BUCKET)?;
/// let made = store.atomic_put("docker/network/v1.0/network/1/", b"{}", None)?;
/// store.atomic_put(&made.key, br#"{"name":"blue"}"#, Some(&made))?;
/// assert!(store.atomic_delete(&made.key, Some(&made)).is_err(), "it was written since");
/// # assert_eq!(store.list("")?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BoltStore {
    db: Db,
    bucket: Vec<u8>,
    indexes: Indexes,
    /// Set once the file is such that Go's writer does not harm it either.
    normalized: OnceLock<()>,
}

impl BoltStore {
    /// Opens the store in a bucket of a file, under the exclusive lock, tried for once. Directories (mode 0750) and
    /// file (0644) are made where they are missing, the bucket with the first record. The whole file is verified
    /// ([`Verify::Tree`]); it is small. For a file with other options there is [`on`](Self::on).
    ///
    /// The first call that writes makes a file of another writer such that dockerd does it no harm
    /// ([`Db::normalize`]), in a transaction before its own.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadyOpen`] where another process holds the lock, or this one does; those of [`Db::open`].
    pub fn open(path: impl AsRef<Path>, bucket: impl AsRef<[u8]>) -> Result<BoltStore, StoreError> {
        let path = path.as_ref();
        folder::make_parents(&HostDirectory, path)?;
        Ok(BoltStore::on(Db::options().verify(Verify::Tree).open(path)?, bucket))
    }

    /// The same among directories of the caller's own, in which nobody else is: no lock is taken.
    pub fn open_in<D: Directory>(
        directory: &D,
        path: impl AsRef<Path>,
        bucket: impl AsRef<[u8]>,
    ) -> Result<BoltStore, StoreError> {
        let path = path.as_ref();
        folder::make_parents(directory, path)?;
        Ok(BoltStore::on(Db::options().verify(Verify::Tree).open_in(directory, path)?, bucket))
    }

    /// Opens the store in a bucket of an existing file, under the shared lock, tried for once. The whole file is
    /// verified ([`Verify::Tree`]); it is small. For a file that does not verify there is [`on`](Self::on).
    ///
    /// A running dockerd holds the exclusive lock, and one that starts does not wait for a shared one. To look
    /// into a file in use, take a [`Snapshot`](crate::Snapshot) and [`records`](super::records()).
    ///
    /// ```
    /// use unbolt::store::{BoltStore, DOCKER_BUCKET, Store};
    /// let store = BoltStore::open_read_only("testdata/docker/live-20.10.24.db", DOCKER_BUCKET)?;
    /// for pair in store.list("docker/network/v1.0/network/")? {
    ///     println!("{} (index {}): {}", pair.key, pair.last_index, String::from_utf8_lossy(&pair.value));
    /// }
    /// assert!(!store.exists("docker/network/v1.0/network/none/")?);
    /// # Ok::<(), unbolt::store::StoreError>(())
    /// ```
    pub fn open_read_only(path: impl AsRef<Path>, bucket: impl AsRef<[u8]>) -> Result<BoltStore, StoreError> {
        Ok(BoltStore::on(Db::options().read_only(true).verify(Verify::Tree).open(path)?, bucket))
    }

    /// The store in a bucket of an open database. Old dockerds panic on a file without a list of free pages: leave
    /// [`OpenOptions::freelist`](crate::OpenOptions::freelist) as it is.
    pub fn on(db: Db, bucket: impl AsRef<[u8]>) -> BoltStore {
        let (bucket, indexes, normalized) = (bucket.as_ref().into(), Indexes::default(), OnceLock::new());
        BoltStore { db, bucket, indexes, normalized }
    }

    /// The pair of a key; `None` where it is not there, or its value has no bytes at all.
    pub fn get(&self, key: &str) -> Result<Option<KvPair>, StoreError> {
        self.view(|view| view.get(key))
    }

    /// The pairs whose keys begin with `prefix`, in key order, all of one state. A record that cannot be read is
    /// an error that names it, and the next ones follow. A key that is not above the one before it is an error of
    /// the database.
    pub fn entries(&self, prefix: &str) -> Result<Entries, StoreError> {
        Ok(Entries::new(self.db.begin_read()?, &self.bucket, prefix))
    }

    /// Deletes all keys that begin with `prefix`, as [`StoreTx::delete_tree`] does.
    pub fn delete_tree(&self, prefix: &str) -> Result<u64, StoreError> {
        self.update(|store| store.delete_tree(prefix))
    }

    /// Makes many calls in one transaction, which is committed if the function succeeds. Where it fails or panics,
    /// nothing of it remains.
    ///
    /// ```
    /// # use unbolt::store::{BoltStore, DOCKER_BUCKET, Store, StoreError};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = BoltStore::open(dir.path().join("local-kv.db"), DOCKER_BUCKET)?;
    /// store.update(|store| {
    ///     store.put("docker/network/v1.0/network/1/", b"{}")?;
    ///     store.put("docker/network/v1.0/endpoint_count/1/", br#"{"Count":0}"#)?;
    ///     store.put("docker/network/v1.0/bridge/1/", b"{}")
    /// })?;
    /// # assert_eq!(store.list("")?.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update<T, E: From<StoreError>>(&self, change: impl FnOnce(&mut StoreTx<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut tx = self.begin_write()?;
        let done = change(&mut StoreTx::new(&mut tx, &self.bucket, &self.indexes))?;
        tx.commit().map_err(StoreError::from)?;
        Ok(done)
    }

    /// Begins the transaction of a call that writes.
    fn begin_write(&self) -> Result<WriteTx, StoreError> {
        self.normalize_once()?;
        Ok(self.db.begin_write()?)
    }

    /// A foreign file may hold branches that Go's writer goes wrong on, so they are made exact before the first write.
    fn normalize_once(&self) -> Result<(), StoreError> {
        if self.normalized.get().is_none() {
            self.db.normalize()?;
            self.normalized.get_or_init(|| ());
        }
        Ok(())
    }

    fn view<T>(&self, look: impl FnOnce(View<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let tx = self.db.begin_read()?;
        look(View::new(tx.bucket(&self.bucket)?))
    }
}

impl Store for BoltStore {
    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.update(|store| store.put(key, value))
    }

    fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.view(|view| Ok(view.exists(key)?))
    }

    fn list(&self, prefix: &str) -> Result<Vec<KvPair>, StoreError> {
        self.view(|view| view.list(prefix))
    }

    fn atomic_put(&self, key: &str, value: &[u8], previous: Option<&KvPair>) -> Result<KvPair, StoreError> {
        self.update(|store| store.atomic_put(key, value, previous))
    }

    fn atomic_delete(&self, key: &str, previous: Option<&KvPair>) -> Result<(), StoreError> {
        // Said before a transaction begins, so whatever else is wrong.
        let previous = previous.ok_or(StoreError::PreviousNotSpecified)?;
        self.update(|store| store.atomic_delete(key, Some(previous)))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.update(|store| store.delete(key))
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(self.db.close()?)
    }
}
