//! What is wrong with a record.

use std::fmt;

use super::json::{DocumentError, Kind};
use crate::store::StoreError;

/// As much of a wrong value as a message has room for.
const EXCERPT: usize = 64;

/// Something in a record that is not as dockerd would have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The record's key.
    pub key: Vec<u8>,
    /// The way to the field, its parts joined by `.`; empty where it is the record as a whole.
    pub field: String,
    /// What is wrong.
    pub kind: ProblemKind,
    /// Whether nothing can be told of the record because of this: dockerd cannot do without this field.
    pub is_fatal: bool,
}

/// What can be wrong with a record or one of its fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The value is too short for its index; dockerd panics on it.
    #[error("has {len} bytes, too few for its index")]
    ShortValue {
        /// How many bytes it has.
        len: usize,
    },
    /// A bucket where a record should be; dockerd panics on it.
    #[error("is a bucket, not a record")]
    NestedBucket,
    /// The key is no text.
    #[error("has a key that is not UTF-8")]
    KeyNotText,
    /// The value is no JSON document.
    #[error("is {0}")]
    NotJson(#[from] DocumentError),
    /// The field is not there.
    #[error("is missing")]
    Missing,
    /// The field is of another kind.
    #[error("should be {expected}, is {found}: {excerpt}")]
    Kind {
        /// The kind it should be of.
        expected: &'static str,
        /// The kind it is of.
        found: Kind,
        /// How it begins.
        excerpt: String,
    },
    /// The field is of the right kind and makes no sense.
    #[error("should be {expected}, is {excerpt}")]
    Invalid {
        /// What it should be.
        expected: &'static str,
        /// How it begins.
        excerpt: String,
    },
}

/// What a member of an object of strings should be.
pub(super) const MEMBER_OF_STRINGS: &str = "a string, as its neighbours are";

impl ProblemKind {
    /// The problem that an error of the store is, if one record is to blame, and its key.
    pub(super) fn of(error: StoreError) -> Result<(Vec<u8>, ProblemKind), StoreError> {
        match error {
            StoreError::ShortValue { key, len } => Ok((key, ProblemKind::ShortValue { len })),
            StoreError::NestedBucket { key } => Ok((key, ProblemKind::NestedBucket)),
            StoreError::KeyNotText { key } => Ok((key, ProblemKind::KeyNotText)),
            other => Err(other),
        }
    }

    pub(super) fn invalid(expected: &'static str, found: &str) -> ProblemKind {
        ProblemKind::Invalid { expected, excerpt: excerpt(found) }
    }

    /// The string that a member of an object of strings would be, where it is a number or a bool that is told whole.
    pub(super) fn as_member_of_strings(&self) -> Option<&str> {
        match self {
            ProblemKind::Kind { expected, found: Kind::Number | Kind::Bool, excerpt } if *expected == MEMBER_OF_STRINGS => {
                Some(excerpt).filter(|excerpt| !excerpt.ends_with('…')).map(String::as_str)
            }
            _ => None,
        }
    }

    pub(super) fn wrong_kind(expected: &'static str, found: super::json::Json<'_>) -> ProblemKind {
        ProblemKind::Kind { expected, found: found.kind(), excerpt: excerpt(found.text()) }
    }
}

/// The begin of a text, for messages.
fn excerpt(text: &str) -> String {
    let mut excerpt: String = text.chars().take(EXCERPT).flat_map(char::escape_default).collect();
    if text.chars().nth(EXCERPT).is_some() {
        excerpt.push('…');
    }
    excerpt
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}", self.key.escape_ascii())?;
        match self.field.is_empty() {
            true => write!(f, " {}", self.kind),
            false => write!(f, ": {} {}", self.field, self.kind),
        }
    }
}

impl std::error::Error for Problem {}
