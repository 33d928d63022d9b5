//! libnetwork's key-value store: what Docker keeps its networks in.
//!
//! A store is one top-level bucket of a Bolt file, flat, whose values begin with an index: eight bytes,
//! little-endian on every host, that change with every write of the key and make compare-and-set possible.
//! [`Store`] has the seven calls of libnetwork's interface, [`StoreError`] its five errors with their texts;
//! [`BoltStore`] is the store on a Bolt file.
//!
//! # Where Go's stores differ
//!
//! dockerd keeps its records through moby's `kvstore/boltdb`, and kept them through docker/libkv's before version 25.
//! `tests/store_go.rs` makes the same random calls on both and on this one, and what they find and leave behind is the
//! same but for this, each shown by the test in `tests/store_deviations.rs` that is named:
//!
//! - **The index continues.** It is one more than the highest that the bucket has ever seen, which is kept in the
//!   bucket's *sequence*, where neither dockerd nor Go's stores look. Go's stores begin at 1 with each process, so that
//!   an index comes again and an old pair may pass for the current one. After a dockerd has written in between nothing
//!   can be promised here either.
//!   (`the_index_continues_where_the_last_store_ended_also_after_its_record_was_deleted`; a failed write uses none:
//!   `a_write_that_fails_uses_no_index`)
//! - **`exists` of a missing key is `Ok(false)`**, and [`get`](BoltStore::get) is `None`. moby's `exists` and libkv's
//!   `get` are errors. (`a_missing_key_is_no_error_of_exists_and_none_of_get`)
//! - **`delete` of a missing key** is [`StoreError::KeyNotFound`], as in moby; libkv says nothing.
//!   (`delete_says_that_a_key_is_not_there_as_moby_does_and_libkv_does_not`)
//! - **A value too short for its index** is [`StoreError::ShortValue`] with its key, for the calls that want the index.
//!   dockerd panics. (`a_value_too_short_for_its_index_is_an_error_that_names_its_key`)
//! - **A bucket among the keys** is [`StoreError::NestedBucket`] with its name. dockerd panics.
//!   (`a_bucket_among_the_keys_is_an_error_that_names_it`)
//! - **A key that is no text** is [`StoreError::KeyNotText`]; a string of Go's holds any bytes.
//!   (`a_key_that_is_no_text_is_named_and_hides_no_other`)
//! - **[`delete_tree`](BoltStore::delete_tree) counts** what it has deleted and leaves buckets alone; libkv's says
//!   nothing, and moby has none. (`delete_tree_counts_what_it_deletes_and_leaves_buckets`)
//! - **The empty prefix** is everything. Go's `List` panics on it, libkv's `DeleteTree` does not return.
//!   (`the_empty_prefix_is_everything`)
//! - **Read-only**: a store can be opened so, under the shared lock, and then fails with [`StoreError::ReadOnly`] where
//!   it should write. Go's stores cannot. (`a_store_opened_read_only_makes_nothing_and_refuses_to_write`)
//! - **Many calls in one transaction** are [`BoltStore::update`], in which a record can also be put back with the index
//!   that it had. In Go each call is a transaction. (`a_record_is_put_back_with_the_index_that_it_had`)

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
pub use record::{INDEX_SIZE, Records, decode, encode, records};
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
