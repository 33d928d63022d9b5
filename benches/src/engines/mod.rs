//! The engines that run in this process, behind what the workloads need of them.

mod lmdb;
mod redb;
mod unbolt;

use std::path::Path;

use anyhow::Result;

pub use self::lmdb::Lmdb;
pub use self::redb::Redb;
pub use self::unbolt::Unbolt;
use crate::meter::Measured;

/// An open database of one table of pairs.
pub trait Engine: Sized + Sync {
    type Table<'tx>: Table;

    /// Opens an existing file for reading only.
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

    fn prefix(&self, prefix: &[u8], visit: impl FnMut(&[u8], &[u8])) -> Result<()>;

    /// Visits the first pair at or after each target, with one cursor where the
    /// engine lets a cursor be kept.
    fn seek_each<'k>(&self, targets: impl Iterator<Item = &'k [u8]>, visit: impl FnMut(&[u8], &[u8])) -> Result<()>;
}
