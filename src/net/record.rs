//! A record: a document under a key, and a typed view of it that is never out of date.

use std::ops::Deref;

use serde_json::Value;

use super::fields::Fields;
use super::json::{Document, EditError, Step};
use super::key::Key;
use super::problem::{Problem, ProblemKind};
use crate::store::{StoreError, StoreTx};

/// A record of one family. What it holds is read through `T`; the document itself is kept as it was written, and what
/// is written is that document.
///
/// ```
/// use unbolt::net::json::Step;
/// use unbolt::net::{Count, Key, Record};
/// let key = Key::EndpointCount("4e47".into());
/// let mut count: Record<Count> = Record::parse(key, 7, br#"{"Count":2,"new in Docker 40":"\u003c"}"#)?;
/// assert_eq!(count.count, 2);
/// count.set(&[Step::Member("Count")], 0)?;
/// assert_eq!((count.count, count.bytes()), (0, &br#"{"Count":0,"new in Docker 40":"\u003c"}"#[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<T> {
    key: Key,
    last_index: u64,
    document: Document,
    fields: T,
    flaws: Vec<Problem>,
}

/// A record that nothing can be told of but its bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.first().map(Problem::to_string).unwrap_or_default())]
pub struct BadRecord {
    /// Its key.
    pub key: Vec<u8>,
    /// What the key says, where it is one of libnetwork's.
    pub parsed_key: Option<Key>,
    /// The index of its last write and its value, where it has them.
    pub value: Option<(u64, Vec<u8>)>,
    /// What is wrong with it, the worst first.
    pub problems: Vec<Problem>,
}

/// Why a record was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The document has no such place.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Something that dockerd cannot do without would be missing or wrong.
    #[error(transparent)]
    Breaks(#[from] Box<BadRecord>),
}

impl<T: Fields> Record<T> {
    /// Reads a value.
    pub fn parse(key: Key, last_index: u64, value: &[u8]) -> Result<Record<T>, Box<BadRecord>> {
        match Document::parse(value) {
            Ok(document) => Record::of(key, last_index, document),
            Err(error) => Err(Box::new(BadRecord::whole(key, last_index, value, error.into()))),
        }
    }

    /// The record that a document is.
    pub fn of(key: Key, last_index: u64, document: Document) -> Result<Record<T>, Box<BadRecord>> {
        let (fields, mut flaws) = super::fields::read(&key, document.root());
        match flaws.iter().any(|problem| problem.is_fatal) {
            false => Ok(Record { key, last_index, document, fields, flaws }),
            true => {
                flaws.sort_by_key(|problem| !problem.is_fatal);
                let value = Some((last_index, document.as_str().into()));
                Err(Box::new(BadRecord { key: key.to_string().into(), parsed_key: Some(key), value, problems: flaws }))
            }
        }
    }

    /// Sets one field and leaves all others as they are. See [`Document::set`].
    pub fn set(&mut self, path: &[Step<'_>], value: impl Into<Value>) -> Result<(), ChangeError> {
        let mut document = self.document.clone();
        document.set(path, value)?;
        self.take(document)
    }

    /// Removes one field, and says whether it was there.
    pub fn remove(&mut self, path: &[Step<'_>]) -> Result<bool, ChangeError> {
        let mut document = self.document.clone();
        let was_there = document.remove(path)?;
        self.take(document)?;
        Ok(was_there)
    }

    fn take(&mut self, document: Document) -> Result<(), ChangeError> {
        *self = Record::of(self.key.clone(), self.last_index, document)?;
        Ok(())
    }
}

impl<T> Record<T> {
    /// Its key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The same record under another key. Nothing in the document changes with it.
    pub fn with_key(self, key: Key) -> Record<T> {
        Record { key, ..self }
    }

    /// The index of its last write, as it was when it was read.
    pub fn last_index(&self) -> u64 {
        self.last_index
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The value as it is stored, without its index.
    pub fn bytes(&self) -> &[u8] {
        self.document.as_str().as_bytes()
    }

    /// What in it is not as dockerd would have written it, and left out of the fields.
    pub fn flaws(&self) -> &[Problem] {
        &self.flaws
    }

    /// Writes it under its key.
    pub fn put(&self, store: &mut StoreTx<'_>) -> Result<(), StoreError> {
        store.put(&self.key.to_string(), self.bytes())
    }
}

impl<T> Deref for Record<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.fields
    }
}

impl BadRecord {
    /// A record that is bad as a whole.
    pub(super) fn whole(key: Key, last_index: u64, value: &[u8], kind: ProblemKind) -> BadRecord {
        let bytes: Vec<u8> = key.to_string().into();
        let problem = Problem { key: bytes.clone(), field: String::new(), kind, is_fatal: true };
        BadRecord { key: bytes, parsed_key: Some(key), value: Some((last_index, value.into())), problems: vec![problem] }
    }

    /// A record that the store could not read.
    pub(super) fn unread(key: Vec<u8>, kind: ProblemKind) -> BadRecord {
        let parsed_key = std::str::from_utf8(&key).ok().and_then(|key| key.parse().ok());
        let problem = Problem { key: key.clone(), field: String::new(), kind, is_fatal: true };
        BadRecord { key, parsed_key, value: None, problems: vec![problem] }
    }
}
