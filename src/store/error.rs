//! What a store's calls can fail with: Go's five errors with Go's texts, and what Go has no error for.

use std::path::PathBuf;

use crate::error::{Error, Holder};

/// Why a call on a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store of this name.
    #[error("Backend storage not supported yet, please choose one of")]
    BackendNotSupported {
        /// The name that was asked for.
        name: String,
    },
    /// The key was written since the pair that was given was read.
    #[error("Unable to complete atomic operation, key modified")]
    KeyModified {
        /// The index of the pair that was given.
        expected: u64,
        /// The index in the store.
        found: u64,
    },
    /// The key, or any key with the prefix, is not there.
    #[error("Key not found in store")]
    KeyNotFound,
    /// An atomic delete needs the pair that it deletes.
    #[error("Previous K/V pair should be provided for the Atomic operation")]
    PreviousNotSpecified,
    /// A key that was to be created is there already.
    #[error("Previous K/V pair exists, cannot complete Atomic operation")]
    KeyExists,
    /// A value is too short to hold its index. dockerd panics on it.
    #[error("the value of key {} has {len} bytes, too few for its index", key.escape_ascii())]
    ShortValue {
        /// The key.
        key: Vec<u8>,
        /// How many bytes its value has.
        len: usize,
    },
    /// A bucket lies among the keys. dockerd panics on it.
    #[error("key {} is a bucket, not a value", key.escape_ascii())]
    NestedBucket {
        /// The bucket's name.
        key: Vec<u8>,
    },
    /// A key is no text, so no [`KvPair`](super::KvPair) can hold it.
    #[error("key {} is not UTF-8", key.escape_ascii())]
    KeyNotText {
        /// The key.
        key: Vec<u8>,
    },
    /// The file is locked, by another process or by this one.
    #[error("boltdb file {} is already open", path.display())]
    AlreadyOpen {
        /// The file.
        path: PathBuf,
        /// Who holds the lock, as far as `/proc/locks` tells.
        holders: Vec<Holder>,
    },
    /// The bucket's sequence stands at its end, where only somebody else can have set it.
    #[error("there is no index after {}", u64::MAX)]
    IndexExhausted,
    /// The store was opened read-only.
    #[error("the store was opened read-only")]
    ReadOnly,
    /// The database underneath failed.
    #[error(transparent)]
    Db(Error),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Locked { path, holders, .. } => StoreError::AlreadyOpen { path, holders },
            Error::ReadOnly => StoreError::ReadOnly,
            other => StoreError::Db(other),
        }
    }
}

impl StoreError {
    /// What was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        match self {
            StoreError::KeyNotFound => true,
            StoreError::Db(e) => e.is_not_found(),
            _ => false,
        }
    }

    /// Somebody holds the lock.
    pub fn is_locked(&self) -> bool {
        matches!(self, StoreError::AlreadyOpen { .. })
    }

    /// One record is to blame; the others can still be read.
    pub fn is_one_record(&self) -> bool {
        matches!(self, StoreError::ShortValue { .. } | StoreError::NestedBucket { .. } | StoreError::KeyNotText { .. })
    }
}
