//! The steps that a mend is made of.

use std::fmt;

use serde_json::Value;

use super::Draft;
use super::place;
use crate::net::json::{Document, EditError};
use crate::net::key::Key;

/// One step of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Delete whatever lies under a key.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
    /// Put a record under a key.
    Put {
        /// The key.
        key: Key,
        /// The record.
        value: String,
    },
    /// Set a field of a record, its place written as in [`Problem::field`](crate::net::Problem::field).
    Set {
        /// The record's key.
        key: Key,
        /// The field.
        field: String,
        /// Its value.
        value: Value,
    },
    /// Remove a field of a record.
    Unset {
        /// The record's key.
        key: Key,
        /// The field.
        field: String,
    },
    /// Move a record to another key. What lies there is replaced.
    Move {
        /// Its key.
        from: Key,
        /// Its new key.
        to: Key,
    },
    /// Remove a network with all that belongs to it.
    RemoveNetwork(String),
    /// Remove an endpoint with all that belongs to it.
    RemoveEndpoint {
        /// The network's id.
        network: String,
        /// The endpoint's id.
        endpoint: String,
    },
    /// Remove a sandbox and the endpoints in it.
    RemoveSandbox(String),
    /// Set the count of a network's endpoints to their number.
    Recount(String),
    /// Give a network the id that the containers know it by.
    Reid {
        /// Its id.
        network: String,
        /// Its new id.
        id: String,
    },
}

/// Why a step was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// There is no such record, or none that can be read.
    #[error("there is no record {key}")]
    NoRecord {
        /// The key.
        key: Key,
    },
    /// The record has no such place.
    #[error("record {key}: {field}: {source}")]
    Edit {
        /// The key.
        key: Key,
        /// The field.
        field: String,
        /// What is in the way.
        source: EditError,
    },
}

impl Draft {
    /// Takes one step.
    pub fn apply(&mut self, operation: &Operation) -> Result<(), DraftError> {
        match operation {
            Operation::Delete { key } => drop(self.delete(key)),
            Operation::Put { key, value } => self.put(key, value.as_bytes()),
            Operation::Set { key, field, value } => {
                return self.edit(key, field, |document, steps| document.set(steps, value.clone()));
            }
            Operation::Unset { key, field } => {
                return self.edit(key, field, |document, steps| document.remove(steps).map(drop));
            }
            Operation::Move { from, to } => {
                let document = self.document(from).ok_or_else(|| DraftError::NoRecord { key: from.clone() })?;
                self.delete(from.to_string().as_bytes());
                self.put(to, document.as_str());
            }
            Operation::RemoveNetwork(id) => self.remove_network(id),
            Operation::RemoveEndpoint { network, endpoint } => self.remove_endpoint(network, endpoint),
            Operation::RemoveSandbox(id) => self.remove_sandbox(id),
            Operation::Recount(network) => drop(self.recount(network)),
            Operation::Reid { network, id } => self.rebadge(network, id),
        }
        Ok(())
    }

    /// Changes a record where a field is.
    fn edit(
        &mut self,
        key: &Key,
        field: &str,
        change: impl FnOnce(&mut Document, &[crate::net::json::Step<'_>]) -> Result<(), EditError>,
    ) -> Result<(), DraftError> {
        let mut document = self.document(key).ok_or_else(|| DraftError::NoRecord { key: key.clone() })?;
        let place = place::find(document.root(), field);
        let steps: Vec<_> = place.iter().map(place::Part::step).collect();
        change(&mut document, &steps).map_err(|source| DraftError::Edit { key: key.clone(), field: field.into(), source })?;
        self.put(key, document.as_str());
        Ok(())
    }

    /// Sets a field of a record if the record is there. What cannot be set stays as it is.
    pub(super) fn set_where_there(&mut self, key: &Key, field: &str, value: impl Into<Value>) {
        let _ = self.edit(key, field, |document, steps| document.set(steps, value));
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Delete { key } => write!(f, "delete record {}", key.escape_ascii()),
            Operation::Put { key, .. } => write!(f, "write record {key}"),
            Operation::Set { key, field, value } => write!(f, "set {field} of record {key} to {value}"),
            Operation::Unset { key, field } => write!(f, "remove {field} from record {key}"),
            Operation::Move { from, to } => write!(f, "move record {from} to {to}"),
            Operation::RemoveNetwork(id) => write!(f, "remove network {id} with all its records"),
            Operation::RemoveEndpoint { endpoint, .. } => write!(f, "remove endpoint {endpoint} with all its records"),
            Operation::RemoveSandbox(id) => write!(f, "remove sandbox {id} and the endpoints in it"),
            Operation::Recount(network) => write!(f, "count the endpoints of network {network} again"),
            Operation::Reid { network, id } => write!(f, "give network {network} the id {id}"),
        }
    }
}
