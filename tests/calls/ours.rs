//! The calls, made on this library's store.

use unbolt::store::{BoltStore, KvPair, Store, StoreError, StoreTx};

use super::{Call, KEY_NOT_FOUND, Outcome};

/// The calls have the same names on a store and in its transaction.
macro_rules! make {
    ($store:expr, $call:expr, $previous:expr) => {{
        let previous = $previous.map(|last_index| KvPair { key: String::new(), value: Vec::new(), last_index });
        match $call {
            Call::Put { key, value } => $store.put(key, value.as_bytes()).map(|()| Outcome::Done),
            Call::Exists { key } => $store.exists(key).map(Outcome::Found),
            Call::Get { key } => $store.get(key).map(|pair| pair.map_or(Outcome::failed(KEY_NOT_FOUND), Outcome::Pair)),
            Call::List { prefix } => $store.list(prefix).map(Outcome::Pairs),
            Call::AtomicPut { key, value, .. } => {
                $store.atomic_put(key, value.as_bytes(), previous.as_ref()).map(Outcome::Pair)
            }
            Call::AtomicDelete { key, .. } => $store.atomic_delete(key, previous.as_ref()).map(|()| Outcome::Done),
            Call::Delete { key } => $store.delete(key).map(|()| Outcome::Done),
            Call::DeleteTree { prefix } => $store.delete_tree(prefix).map(Outcome::Deleted),
        }
        .unwrap_or_else(|error: StoreError| Outcome::Failed(error.to_string()))
    }};
}

pub fn make(store: &BoltStore, call: &Call, previous: Option<u64>) -> Outcome {
    make!(store, call, previous)
}

pub fn make_in(store: &mut StoreTx<'_>, call: &Call, previous: Option<u64>) -> Outcome {
    make!(store, call, previous)
}
