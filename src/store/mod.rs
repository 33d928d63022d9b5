//! libnetwork's key-value store: what Docker keeps its networks in.
//!
//! A store is one top-level bucket of a Bolt file, flat, whose values begin with an index: eight bytes,
//! little-endian on every host, that change with every write of the key and make compare-and-set possible.
//! [`Store`] has the seven calls of libnetwork's interface, [`StoreError`] its five errors with their texts;
//! [`BoltStore`] is the store on a Bolt file.
//!
//! Where Go's store differs: `exists` of a missing key is `Ok(false)`, not an error; a value too short for its
//! index, or a bucket among the keys, is an error that names the key, where dockerd panics.

mod bolt;
mod entries;
mod error;
mod folder;
mod index;
mod record;
mod tx;
mod view;

use std::fmt;
use std::str::FromStr;

pub use bolt::BoltStore;
pub use entries::Entries;
pub use error::StoreError;
pub use record::{INDEX_SIZE, Records, decode, records};
pub use tx::StoreTx;

/// The bucket that Docker uses.
pub const DOCKER_BUCKET: &str = "libnetwork";

/// A key with its value and the index of its last write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvPair {
    /// The key.
    pub key: String,
    /// The value, without its index.
    pub value: Vec<u8>,
    /// The index that the last write gave it.
    pub last_index: u64,
}

/// A kind of store. There is one.
///
/// ```
/// use unbolt::store::{Backend, StoreError};
/// assert_eq!("boltdb".parse::<Backend>()?, Backend::BoltDb);
/// assert!(matches!("consul".parse::<Backend>(), Err(StoreError::BackendNotSupported { .. })));
/// # Ok::<(), StoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// A Bolt file: `boltdb`.
    BoltDb,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("boltdb")
    }
}

impl FromStr for Backend {
    type Err = StoreError;

    fn from_str(name: &str) -> Result<Backend, StoreError> {
        match name {
            "boltdb" => Ok(Backend::BoltDb),
            _ => Err(StoreError::BackendNotSupported { name: name.into() }),
        }
    }
}

/// The calls that libnetwork makes on its store.
pub trait Store: fmt::Debug + Send + Sync {
    /// Sets the value of a key, whatever it was.
    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Whether a key is there. A key whose value has no bytes at all, not even an index, is not.
    fn exists(&self, key: &str) -> Result<bool, StoreError>;

    /// All pairs whose keys begin with `prefix`, in key order; [`StoreError::KeyNotFound`] where there are none.
    fn list(&self, prefix: &str) -> Result<Vec<KvPair>, StoreError>;

    /// Sets the value of a key if its index is still that of `previous`; without `previous`, if there is none.
    fn atomic_put(&self, key: &str, value: &[u8], previous: Option<&KvPair>) -> Result<KvPair, StoreError>;

    /// Deletes a key if its index is still that of `previous`, which must be given.
    fn atomic_delete(&self, key: &str, previous: Option<&KvPair>) -> Result<(), StoreError>;

    /// Deletes a key, if it is there.
    fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Closes the store.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}
