//! The records of one state of a file, changed in memory: what is written in the end is the difference.
//!
//! Every command that changes Docker's networks works here, so that all it does is seen before any of it is done, and
//! done in one transaction. Records that cannot be read are in it too: they can be deleted.

mod operation;
mod place;
mod rebadge;
mod remove;
mod settings;
mod subnet;

use std::collections::BTreeMap;
use std::fmt;

pub use operation::{DraftError, Operation};
pub use settings::{Clash, SettingError};
pub use subnet::Resubnet;

use super::inventory::Inventory;
use super::json::Document;
use super::key::Key;
use super::problem::ProblemKind;
use super::record::BadRecord;
use crate::store::{KvPair, StoreError, StoreTx};

type Records = BTreeMap<Vec<u8>, Stored>;

/// The records of a file, and what is to become of them.
///
/// ```
/// use unbolt::net::{Change, Draft, Operation};
/// use unbolt::store::{BoltStore, DOCKER_BUCKET, StoreError};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("local-kv.db");
/// # std::fs::copy("testdata/docker/networks-running-20.10.24.db", &path)?;
/// let store = BoltStore::open(&path, DOCKER_BUCKET)?;
/// let changes = store.update(|store| {
///     let mut draft = Draft::read(store.entries("")?)?;
///     let network = draft.inventory().find_network("labelled").expect("there is one").id.clone();
///     draft.remove_network(&network);
///     draft.write(store)?;
///     Ok::<Vec<Change>, StoreError>(draft.changes())
/// })?;
/// // The network, its count, the driver's record, an endpoint, the driver's record of that, and the endpoint's place
/// // in its sandbox.
/// assert_eq!(changes.len(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Draft {
    before: Records,
    now: Records,
    /// What was under the keys that were touched since the last attempt began, oldest first.
    undo: Vec<(Vec<u8>, Option<Stored>)>,
}

/// What lies under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stored {
    Record { index: u64, value: Vec<u8> },
    Unread(ProblemKind),
}

/// One record that is to be different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Whatever lies under the key is to go: a record, or a bucket with all that is in it.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
    /// The key is to have this value.
    Put {
        /// The key.
        key: String,
        /// The value, without its index.
        value: Vec<u8>,
        /// Whether there is nothing under the key yet.
        is_new: bool,
    },
}

impl Change {
    /// The key.
    pub fn key(&self) -> &[u8] {
        match self {
            Change::Delete { key } => key,
            Change::Put { key, .. } => key.as_bytes(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Change::Delete { .. } => "delete",
            Change::Put { is_new: true, .. } => "add",
            Change::Put { is_new: false, .. } => "change",
        };
        write!(f, "{word} {}", self.key().escape_ascii())
    }
}

impl Draft {
    /// Reads all records.
    ///
    /// # Errors
    ///
    /// Those of the database itself. A record that cannot be read is none.
    pub fn read(entries: impl IntoIterator<Item = Result<KvPair, StoreError>>) -> Result<Draft, StoreError> {
        let mut records = Records::new();
        for entry in entries {
            let (key, stored) = match entry {
                Ok(pair) => (pair.key.into_bytes(), Stored::Record { index: pair.last_index, value: pair.value }),
                Err(error) => {
                    let (key, kind) = ProblemKind::of(error)?;
                    (key, Stored::Unread(kind))
                }
            };
            records.insert(key, stored);
        }
        Ok(Draft { before: records.clone(), now: records, undo: Vec::new() })
    }

    /// The records as they are by now.
    pub fn inventory(&self) -> Inventory {
        let mut inventory = Inventory::default();
        for (key, stored) in &self.now {
            match (stored, std::str::from_utf8(key)) {
                (Stored::Record { index, value }, Ok(key)) => {
                    inventory.add(KvPair { key: key.into(), value: value.clone(), last_index: *index });
                }
                (Stored::Record { .. }, Err(_)) => {
                    inventory.bad.push(BadRecord::unread(key.clone(), ProblemKind::KeyNotText));
                }
                (Stored::Unread(kind), _) => inventory.bad.push(BadRecord::unread(key.clone(), kind.clone())),
            }
        }
        inventory
    }

    /// What is different by now, in the order of keys.
    pub fn changes(&self) -> Vec<Change> {
        let gone = self.before.keys().filter(|key| !self.now.contains_key(*key));
        let mut changes: Vec<Change> = gone.map(|key| Change::Delete { key: key.clone() }).collect();
        for (key, stored) in &self.now {
            let before = self.before.get(key);
            if let (Stored::Record { value, .. }, Ok(text)) = (stored, std::str::from_utf8(key))
                && before != Some(stored)
            {
                changes.push(Change::Put { key: text.into(), value: value.clone(), is_new: before.is_none() });
            }
        }
        changes.sort_by(|a, b| a.key().cmp(b.key()));
        changes
    }

    /// Writes what is different, to the store that the records were read from.
    pub fn write(&self, store: &mut StoreTx<'_>) -> Result<(), StoreError> {
        for change in self.changes() {
            match change {
                Change::Delete { key } => drop(store.discard(&key)?),
                Change::Put { key, value, .. } => {
                    if matches!(self.before.get(key.as_bytes()), Some(Stored::Unread(ProblemKind::NestedBucket))) {
                        store.discard(key.as_bytes())?;
                    }
                    store.put(&key, &value)?;
                }
            }
        }
        Ok(())
    }

    /// Writes all records, to a store that has none of them. Those that cannot be read are left out.
    pub fn write_all(&self, store: &mut StoreTx<'_>) -> Result<(), StoreError> {
        for (key, stored) in &self.now {
            if let (Stored::Record { value, .. }, Ok(key)) = (stored, std::str::from_utf8(key)) {
                store.put(key, value)?;
            }
        }
        Ok(())
    }

    /// Whether anything lies under a key, an empty record not counted.
    pub fn has(&self, key: &Key) -> bool {
        match self.now.get(key.to_string().as_bytes()) {
            Some(Stored::Record { value, .. }) => !value.is_empty(),
            Some(Stored::Unread(_)) => true,
            None => false,
        }
    }

    /// The document under a key, if there is one.
    pub fn document(&self, key: &Key) -> Option<Document> {
        match self.now.get(key.to_string().as_bytes()) {
            Some(Stored::Record { value, .. }) => Document::parse(value).ok(),
            _ => None,
        }
    }

    /// Puts a value under a key. One that is there already keeps its index until it is written.
    pub fn put(&mut self, key: &Key, value: impl Into<Vec<u8>>) {
        let key = key.to_string().into_bytes();
        let index = match self.before.get(&key) {
            Some(Stored::Record { index, .. }) => *index,
            _ => 0,
        };
        let before = self.now.insert(key.clone(), Stored::Record { index, value: value.into() });
        self.undo.push((key, before));
    }

    /// Deletes whatever lies under a key, and says whether anything did.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        let before = self.now.remove(key);
        let was_there = before.is_some();
        self.undo.push((key.into(), before));
        was_there
    }

    /// Takes several steps, or where one of them cannot be taken none. Says whether anything is different then.
    pub fn attempt(&mut self, operations: &[Operation]) -> Result<bool, DraftError> {
        self.undo.clear();
        let done = operations.iter().try_for_each(|operation| self.apply(operation));
        let undo = std::mem::take(&mut self.undo);
        if done.is_err() {
            for (key, before) in undo.into_iter().rev() {
                match before {
                    Some(stored) => drop(self.now.insert(key, stored)),
                    None => drop(self.now.remove(&key)),
                }
            }
            return done.map(|()| false);
        }
        // What a key had first is what it had before.
        let mut first = BTreeMap::new();
        for (key, before) in undo {
            first.entry(key).or_insert(before);
        }
        Ok(first.iter().any(|(key, before)| self.now.get(key) != before.as_ref()))
    }

    /// The keys that begin with this and that libnetwork makes.
    fn keys_below(&self, prefix: &str) -> Vec<Key> {
        let from = format!("{}{prefix}", super::key::ROOT).into_bytes();
        let below = self.now.range(from.clone()..).map(|(key, _)| key).take_while(|key| key.starts_with(&from));
        below.filter_map(|key| std::str::from_utf8(key).ok()?.parse().ok()).collect()
    }

    /// The records with keys below this whose text has a word in it, as documents.
    fn documents_with(&self, prefix: &str, word: &str) -> Vec<(Key, Document)> {
        let has_word = |key: &Key| match self.now.get(key.to_string().as_bytes()) {
            Some(Stored::Record { value, .. }) => std::str::from_utf8(value).is_ok_and(|text| text.contains(word)),
            _ => false,
        };
        let documents = |key: Key| self.document(&key).map(|document| (key, document));
        self.keys_below(prefix).into_iter().filter(has_word).filter_map(documents).collect()
    }

    /// The networks that are in it, as documents.
    fn networks(&self) -> Vec<(Key, Document)> {
        self.documents_with("network/", "")
    }
}

/// A member of a document that is a text.
fn text(document: &Document, field: &str) -> Option<String> {
    Some(document.root().get(field)?.as_str()?.into_owned())
}
