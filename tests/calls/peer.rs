//! The calls, made on one of Go's stores.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use unbolt::store::KvPair;

use crate::calls::model::Whose;
use crate::calls::{Call, Outcome};
use crate::go::{self, Beside};

/// A process that has Go's store.
pub struct Peer(Beside);

impl Peer {
    /// `None`, said aloud, where there is no Go.
    pub fn start(whose: Whose) -> Option<Peer> {
        let name = match whose {
            Whose::Libkv => "libkv",
            Whose::Moby | Whose::Unbolt => "moby",
        };
        let mut command = Command::new(go::kvstore()?);
        command.args(["-store", name]);
        Some(Peer(Beside::start(&mut command)))
    }

    /// Opens a bucket of a file as the store of this number.
    pub fn open(&mut self, store: usize, path: &Path, bucket: &str) -> Outcome {
        self.ask(json!({ "call": "open", "store": store, "path": path, "bucket": bucket }))
    }

    pub fn close(&mut self, store: usize) {
        assert_eq!(self.ask(json!({ "call": "close", "store": store })), Outcome::Done);
    }

    /// bbolt's check of a file that is closed.
    pub fn check(&mut self, path: &Path) {
        assert_eq!(self.ask(json!({ "call": "check", "path": path })), Outcome::Done, "{}", path.display());
    }

    pub fn make(&mut self, store: usize, call: &Call, previous: Option<u64>) -> Outcome {
        let (name, key, value) = match call {
            Call::Put { key, value } => ("put", key, value.as_str()),
            Call::Exists { key } => ("exists", key, ""),
            Call::Get { key } => ("get", key, ""),
            Call::List { prefix } => ("list", prefix, ""),
            Call::AtomicPut { key, value, .. } => ("atomic_put", key, value.as_str()),
            Call::AtomicDelete { key, .. } => ("atomic_delete", key, ""),
            Call::Delete { key } => ("delete", key, ""),
            Call::DeleteTree { prefix } => ("delete_tree", prefix, ""),
        };
        self.ask(json!({ "call": name, "store": store, "key": key, "value": value, "previous": previous })).in_our_words()
    }

    fn ask(&mut self, call: Value) -> Outcome {
        writeln!(self.0.input(), "{call}").unwrap();
        let line = self.0.line().unwrap_or_else(|| panic!("it ended on {call}"));
        outcome(&serde_json::from_str(&line).unwrap())
    }
}

fn outcome(answer: &Value) -> Outcome {
    if let Some(text) = answer["error"].as_str() {
        return Outcome::failed(text);
    }
    if answer["panic"].is_string() {
        return Outcome::Panicked;
    }
    match (&answer["found"], &answer["pair"], &answer["pairs"]) {
        (Value::Bool(found), ..) => Outcome::Found(*found),
        (_, found @ Value::Object(_), _) => Outcome::Pair(pair(found)),
        (.., Value::Array(pairs)) => Outcome::Pairs(pairs.iter().map(pair).collect()),
        _ => Outcome::Done,
    }
}

fn pair(pair: &Value) -> KvPair {
    KvPair {
        key: pair["key"].as_str().unwrap().to_owned(),
        value: pair["value"].as_str().unwrap().into(),
        last_index: pair["index"].as_u64().unwrap(),
    }
}
