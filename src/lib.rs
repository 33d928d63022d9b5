//! Reads BoltDB files.

#![deny(unsafe_code, missing_docs, missing_debug_implementations)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::host_endian_bytes)]

mod db;
mod error;
pub mod format;
mod storage;
pub mod store;
pub mod tree;

pub use db::{Backing, Bucket, Cursor, Db, DbStats, Entry, Iter, OpenOptions, ReadTx, Verify};
pub use error::{Corruption, CorruptionKind, Error, Holder, Result, TxSelector};
pub use storage::{DEFAULT_ATTEMPTS, Snapshot, Storage, lock_holders};
