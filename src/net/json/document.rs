//! A whole text that is known to be one JSON value.

use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use super::edit::{self, EditError, Step};
use super::view::Json;

/// A JSON value as text, exactly as it was given.
///
/// ```
/// use unbolt::net::json::{Document, Step};
/// let mut record = Document::parse(br#"{"name":"a\u003cb","mtu":1.50e3,"labels":{}}"#)?;
/// assert_eq!(record.root().get("name").and_then(|name| name.as_str()).as_deref(), Some("a<b"));
/// record.set(&[Step::Member("labels"), Step::Member("x")], "1 & 2")?;
/// assert_eq!(record.as_str(), r#"{"name":"a\u003cb","mtu":1.50e3,"labels":{"x":"1 \u0026 2"}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    text: String,
}

/// Why bytes are no JSON document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The bytes are no text.
    #[error("not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// The first byte that is none.
        at: usize,
    },
    /// The text is not one JSON value.
    #[error("not JSON: {reason}")]
    NotJson {
        /// What was expected, and where.
        reason: String,
    },
}

impl Document {
    /// Checks that bytes are one JSON value.
    pub fn parse(bytes: &[u8]) -> Result<Document, DocumentError> {
        let text = std::str::from_utf8(bytes).map_err(|e| DocumentError::NotUtf8 { at: e.valid_up_to() })?;
        check(text)?;
        Ok(Document { text: text.into() })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value that it is.
    pub fn root(&self) -> Json<'_> {
        Json::trusted(&self.text)
    }

    /// Sets what lies at the end of a path. A member that is not there is made, as long as what it is to be a member
    /// of is there: at its place where the others are sorted, as Go's maps are, else at the end. New text is written
    /// as Go writes it.
    pub fn set(&mut self, path: &[Step<'_>], value: impl Into<Value>) -> Result<(), EditError> {
        self.text = edit::set(self.root(), path, &super::go_json(&value.into()))?;
        Ok(())
    }

    /// Removes the member or item at the end of a path, and says whether it was there.
    pub fn remove(&mut self, path: &[Step<'_>]) -> Result<bool, EditError> {
        let rest = edit::remove(self.root(), path)?;
        let was_there = rest.is_some();
        self.text = rest.unwrap_or_else(|| std::mem::take(&mut self.text));
        Ok(was_there)
    }
}

/// Whether a text is one JSON value.
pub(super) fn check(text: &str) -> Result<(), DocumentError> {
    let checked = serde_json::from_str::<&RawValue>(text);
    checked.map(drop).map_err(|e| DocumentError::NotJson { reason: e.to_string() })
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
