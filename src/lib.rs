//! Reads and writes BoltDB files: the `*.db` that Docker, containerd, etcd, podman and everything else built on Go's bolt
//! and bbolt keep their state in.
//!
//! It reads and writes the native format of every release, both byte orders and page sizes from 512 bytes to 16 MiB. It
//! trusts nothing in a file: whatever the bytes say, the answer is a value or an error that names page, offset
//! and expectation, never a panic, an endless loop, or memory out of proportion to the file.
//!
//! ```
//! use unbolt::{Db, Entry};
//!
//! let db = Db::options().read_only(true).open("testdata/docker/live-20.10.24.db")?;
//! let tx = db.begin_read()?;
//! let networks = tx.bucket("libnetwork")?.expect("every Docker host has it");
//! for pair in networks.prefix("docker/network/v1.0/network/") {
//!     let (key, entry) = pair?;
//!     if let Entry::Value(value) = entry {
//!         println!("{}: {} bytes", key.escape_ascii(), value.len());
//!     }
//! }
//! # Ok::<(), unbolt::Error>(())
//! ```
//!
//! # Which door to take
//!
//! | you have | you want | take |
//! |---|---|---|
//! | a database of your own | fast reads without copies, transactions that write | [`Db`] |
//! | a file that another process writes to | one consistent state, without its lock | [`Snapshot`] |
//! | a file of unknown origin or condition | whatever can be read, and what is wrong | [`Snapshot`], [`mod@check`] |
//! | Docker's `local-kv.db` | networks, endpoints, sandboxes, what is wrong with them | `net` |
//! | the same | libnetwork's keys, indexes and values | [`store`] |
//! | a file whose deleted or damaged data are wanted | what each of its bytes is, and every version of a key | `forensic` |
//! | bytes | pages, elements, metas | [`mod@format`] |
//!
//! # Modules, from the bottom up
//!
//! [`mod@format`] is bytes and nothing else. `storage` gets bytes from a file, a map or memory. [`tree`] finds its
//! way through them. `db` is the database with its transactions, [`mod@check`] the integrity check, [`store`]
//! libnetwork's interface, `net` what Docker keeps there, `forensic` what is left of what no state shows any more. None
//! knows of those above it.
//!
//! # Features
//!
//! `cli`, on by default, is what the binary needs. A library user takes `default-features = false`, with `net` where
//! Docker's networks are to be read, or `forensic` for damaged files and deleted data.

#![deny(unsafe_code, missing_docs, missing_debug_implementations)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::host_endian_bytes)]

pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod db;
mod error;
#[cfg(feature = "forensic")]
pub mod forensic;
pub mod format;
#[cfg(feature = "net")]
pub mod net;
mod storage;
pub mod store;
pub mod tree;

pub use db::{
    Backing, Bucket, BucketMut, Cursor, CursorMut, Db, DbStats, Entry, FreelistMode, FreelistSource, Iter, OpenOptions,
    OpenReport, ReadTx, Verify, WriteStats, WriteTx,
};
pub use error::{Corruption, CorruptionKind, Error, Holder, Result, TxSelector};
pub use storage::{
    DEFAULT_ATTEMPTS, Directory, Disk, FileSystem, HostDirectory, MemoryDisk, OutputFile, Snapshot, Storage, lock_holders,
};

/// Only its documentation: names that do not exist fail to link.
#[cfg(doc)]
#[doc = include_str!("../docs/bbolt.md")]
pub mod bbolt {
    #[allow(unused_imports)]
    use crate::*;
}

/// The README's example runs too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
