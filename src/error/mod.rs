//! One vocabulary for everything that can be wrong, shared by library, check and command line.
//!
//! [`Error`] says what an operation could not do. [`Corruption`] says what is wrong with the bytes of a
//! file and where: the page, the byte offset, and both sides of the comparison that failed.

mod corruption;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use corruption::{Corruption, CorruptionKind};

use crate::format::{EncodeError, MetaRefusal, TxId};

/// A `Result` whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an operation on a database could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a call; the source says why.
    #[error("cannot {op}{}", Named(path))]
    Io {
        /// What was tried: `open`, `read`, `map`, `lock`, …
        op: &'static str,
        /// The file it was tried on; empty for a disk that has no path.
        path: PathBuf,
        /// The system's own error.
        source: io::Error,
    },
    /// Another process holds the lock, and went on holding it for as long as we waited.
    #[error("locked by {} (waited {waited:?})", Holders(holders))]
    Locked {
        /// The file that is locked.
        path: PathBuf,
        /// How long the lock was tried for.
        waited: Duration,
        /// Who holds it, as far as `/proc/locks` tells; empty where it does not.
        holders: Vec<Holder>,
    },
    /// The path leads to something that is not a regular file: a directory, a pipe, a device.
    #[error("not a regular file")]
    NotAFile {
        /// The path as given.
        path: PathBuf,
    },
    /// The file has no length at all: created, and not a database yet.
    #[error("the file is empty")]
    Empty,
    /// A creation that did not finish: the pages are there, no meta page verifies and no data was ever kept.
    #[error("creation of this file never finished; it holds no data")]
    Unfinished,
    /// Neither meta page verifies, so this is no Bolt file, or one damaged at its root.
    #[error("no valid meta page (page 0: {first}; page 1: {second})")]
    NotBolt {
        /// Why the meta on page 0 was refused.
        first: MetaRefusal,
        /// Why the meta on page 1 was refused.
        second: MetaRefusal,
    },
    /// The bytes of the file contradict the format.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// No meta page of the file describes this transaction.
    #[error("transaction {wanted} is in neither meta page ({})", TxIds(available))]
    NoSuchTx {
        /// The transaction that was asked for.
        wanted: TxSelector,
        /// The transactions that the valid meta pages describe, newest first.
        available: Vec<TxId>,
    },
    /// The file went on changing while it was read, or was replaced, on every attempt.
    #[error("the file changed under every one of {attempts} attempts to read it")]
    Changing {
        /// How often it was tried.
        attempts: u32,
    },
    /// There is no bucket at this path.
    #[error("bucket not found: {}", BucketPath(path))]
    BucketNotFound {
        /// The names from the root to the bucket that is missing.
        path: Vec<Vec<u8>>,
    },
    /// There is a bucket at this path already.
    #[error("bucket exists already: {}", BucketPath(path))]
    BucketExists {
        /// The names from the root to the bucket.
        path: Vec<Vec<u8>>,
    },
    /// A bucket needs a name of at least one byte.
    #[error("a bucket's name cannot be empty")]
    BucketNameRequired,
    /// A key needs at least one byte.
    #[error("a key cannot be empty")]
    KeyRequired,
    /// A key that is longer than Go's writer takes.
    #[error("a key of {len} bytes is longer than {}", crate::format::MAX_KEY_SIZE)]
    KeyTooLarge {
        /// Its length.
        len: usize,
    },
    /// A value that is longer than the format can hold.
    #[error("a value of {len} bytes is longer than 2147483646")]
    ValueTooLarge {
        /// Its length.
        len: usize,
    },
    /// A key that holds a bucket where a value is wanted, or the reverse.
    #[error("key {} holds a bucket where a value is wanted, or a value where a bucket is", key.escape_ascii())]
    IncompatibleValue {
        /// The key.
        key: Vec<u8>,
    },
    /// A bucket cannot become a part of itself.
    #[error("bucket {} cannot be moved into itself", BucketPath(path))]
    MoveIntoItself {
        /// The names from the root to the bucket.
        path: Vec<Vec<u8>>,
    },
    /// What is to be written does not fit in a page.
    #[error(transparent)]
    TooLarge(#[from] EncodeError),
    /// The database was opened read-only.
    #[error("the database was opened read-only")]
    ReadOnly,
    /// This thread's own write transaction is still open, so waiting for it would last for ever.
    #[error("a write transaction of this thread is still open")]
    WriterActive,
    /// Another thread's write transaction did not end in the time that was given.
    #[error("another write transaction is still open (waited {waited:?})")]
    WriterBusy {
        /// How long was waited.
        waited: Duration,
    },
    /// The database would grow past its limit.
    #[error("{needed} bytes are needed, the database is limited to {limit}")]
    MaxSize {
        /// The size that all pages together need.
        needed: u64,
        /// The limit it was opened with.
        limit: u64,
    },
    /// A change of this transaction stopped half-way, so none of it can be committed.
    #[error("an earlier change of this transaction failed, it cannot be committed")]
    TxBroken,
    /// There is no transaction id after the newest one.
    #[error("transaction ids have run out")]
    TxIdExhausted,
    /// A write failed earlier in a way that leaves what is on the disk in doubt. The database must be opened again.
    #[error("an earlier write failed, the database must be opened again")]
    Poisoned,
    /// The commit may or may not be on the disk: it failed at or after the point where it counts. What a new opening
    /// of the database finds is one of the two, whole.
    #[error("it is not known whether the transaction was committed")]
    CommitUnknown {
        /// What failed.
        source: io::Error,
    },
    /// A key that is not above the one before it, where keys must come in ascending order.
    #[error("the key {} does not follow {}", Shortened(key), Shortened(previous))]
    KeyOrder {
        /// The key.
        key: Vec<u8>,
        /// The one before it.
        previous: Vec<u8>,
    },
    /// The operation is not possible on this platform or with these options.
    #[error("{what}")]
    Unsupported {
        /// What is not supported.
        what: &'static str,
    },
}

impl Error {
    pub(crate) fn io(op: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Error::Io { op, path: path.into(), source }
    }

    /// The same error with the path of the disk that could not be written, which the disk itself does not know.
    pub(crate) fn written_at(self, disk: &Path) -> Self {
        match self {
            Error::Io { op: op @ ("write" | "sync"), path, source } if path.as_os_str().is_empty() => {
                Error::Io { op, path: disk.into(), source }
            }
            other => other,
        }
    }

    /// Another process holds the lock.
    pub fn is_locked(&self) -> bool {
        matches!(self, Error::Locked { .. })
    }

    /// The file is not a Bolt file, or its bytes contradict the format.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Error::Corrupt(_) | Error::NotBolt { .. } | Error::Empty | Error::Unfinished)
    }

    /// What was asked for is not there: a file, a bucket, a transaction.
    pub fn is_not_found(&self) -> bool {
        match self {
            Error::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Error::BucketNotFound { .. } | Error::NoSuchTx { .. } => true,
            _ => false,
        }
    }
}

/// A process that holds a lock, as `/proc/locks` and `/proc/PID/comm` tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process id, in the reader's own pid namespace.
    pub pid: u32,
    /// The command's name, where it could be read.
    pub command: Option<String>,
    /// Whether the lock is exclusive.
    pub exclusive: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Some(command) => write!(f, "{command} (pid {})", self.pid),
            None => write!(f, "pid {}", self.pid),
        }
    }
}

/// Which of the states that the two meta pages describe is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TxSelector {
    /// The newest committed one.
    #[default]
    Current,
    /// The one before it. It is not provable: pages it needs may have been written since.
    Previous,
    /// The one with this transaction id.
    Id(TxId),
}

impl fmt::Display for TxSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TxSelector::Current => f.write_str("current"),
            TxSelector::Previous => f.write_str("previous"),
            TxSelector::Id(id) => write!(f, "{id}"),
        }
    }
}

/// A path behind a blank, where there is one.
struct Named<'a>(&'a Path);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_os_str().is_empty() {
            true => Ok(()),
            false => write!(f, " {}", self.0.display()),
        }
    }
}

/// The first bytes of a key, which are enough to find it by.
struct Shortened<'a>(&'a [u8]);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 100;
        match self.0.get(..SHOWN) {
            Some(start) if self.0.len() > SHOWN => write!(f, "{}… ({} bytes)", start.escape_ascii(), self.0.len()),
            _ => self.0.escape_ascii().fmt(f),
        }
    }
}

struct Holders<'a>(&'a [Holder]);

impl fmt::Display for Holders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("another process");
        }
        for (i, holder) in self.0.iter().enumerate() {
            write!(f, "{}{holder}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

struct TxIds<'a>(&'a [TxId]);

impl fmt::Display for TxIds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("available:")?;
        self.0.iter().try_for_each(|id| write!(f, " {id}"))
    }
}

/// The names of nested buckets, as one word.
pub(crate) struct BucketPath<'a>(pub(crate) &'a [Vec<u8>]);

impl fmt::Display for BucketPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            write!(f, "{}{}", if i > 0 { "/" } else { "" }, name.escape_ascii())?;
        }
        Ok(())
    }
}
