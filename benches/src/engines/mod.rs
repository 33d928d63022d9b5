//! The engines that run in this process, behind what the workloads need of them.

mod lmdb;
mod name;
mod redb;
mod sqlite;
mod unbolt;

use std::path::Path;

use anyhow::Result;

pub use self::lmdb::{Lmdb, LmdbWriter};
pub use self::name::EngineName;
pub use self::redb::{Redb, RedbWriter};
pub use self::sqlite::{Sqlite, SqliteWriter};
pub use self::unbolt::{Unbolt, UnboltWriter};
use crate::meter::Measured;

/// A database of one table of pairs that is open for reading only.
pub trait Reader: Sized + Sync {
    type Table<'tx>: Table;

    /// Opens an existing file.
    fn open(path: &Path) -> Result<Self>;

    /// Runs `body` in a read transaction of its own.
    fn read<T>(&self, body: impl FnOnce(&Self::Table<'_>) -> Result<T>) -> Result<T>;

    /// Closes the file before it returns.
    fn close(self) {}

    /// Opens the file, begins and ends a read transaction that looks up no table, and
    /// closes the file.
    fn open_and_close(path: &Path) -> Result<()>;

    /// Measures the library's whole check, which counts what it finds as the checksum.
    fn check(path: &Path) -> Result<Measured>;
}

/// A table within a read transaction.
pub trait Table {
    fn get<T>(&self, key: &[u8], visit: impl FnOnce(&[u8]) -> T) -> Result<Option<T>>;

    fn scan(&self, visit: impl FnMut(&[u8], &[u8])) -> Result<()>;

    /// Like `scan`, nested buckets included: their names are the beginning of their keys.
    fn scan_nested(&self, visit: impl FnMut(&[u8], &[u8])) -> Result<()> {
        self.scan(visit)
    }

    fn prefix(&self, prefix: &[u8], visit: impl FnMut(&[u8], &[u8])) -> Result<()>;

    /// Visits the first pair at or after each target, with one cursor where the
    /// engine lets a cursor be kept.
    fn seek_each<'k>(&self, targets: impl Iterator<Item = &'k [u8]>, visit: impl FnMut(&[u8], &[u8])) -> Result<()>;
}

/// Whether a commit has reached the disk when it returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    EachCommit,
    None,
}

/// A database of one table of pairs that is open for writing.
pub trait Writer: Sized {
    type Reader: Reader;
    type TableMut<'tx>: TableMut;

    /// Makes a new file with an empty table; its commits are durable.
    fn create(path: &Path) -> Result<Self>;

    /// Opens an existing file.
    fn open(path: &Path, durability: Durability) -> Result<Self>;

    /// Runs `body` in a read transaction of its own.
    fn read<T>(&self, body: impl FnOnce(&<Self::Reader as Reader>::Table<'_>) -> Result<T>) -> Result<T>;

    /// Runs `body` in a write transaction of its own, and commits.
    fn write<T>(&mut self, body: impl FnOnce(&mut Self::TableMut<'_>) -> Result<T>) -> Result<T>;

    /// Closes the file before it returns.
    fn close(self) -> Result<()> {
        Ok(())
    }

    /// Writes what the file holds to a new file without free space, opening and closing
    /// both. The caller syncs the new file.
    fn compact(from: &Path, to: &Path) -> Result<()>;
}

/// A table within a write transaction.
pub trait TableMut {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Deletes a key that is there.
    fn delete(&mut self, key: &[u8]) -> Result<()>;

    /// Makes a nested bucket. An engine that has none puts keys that begin with its name.
    fn put_bucket<'p>(&mut self, name: &[u8], pairs: impl Iterator<Item = (&'p [u8], &'p [u8])>) -> Result<()> {
        let mut composite = name.to_vec();
        for (key, value) in pairs {
            composite.truncate(name.len());
            composite.extend_from_slice(key);
            self.put(&composite, value)?;
        }
        Ok(())
    }
}
