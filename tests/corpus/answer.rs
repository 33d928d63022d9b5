//! The answer key of a file: everything that was ever written to it, and what of that is its current state.

use std::collections::{BTreeMap, BTreeSet};

/// The names on the way to a bucket.
pub type Path = Vec<String>;

/// A pair as it was written, once: no two of a file have the same value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub path: Path,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    /// Whether its transaction was committed.
    pub committed: bool,
}

/// A file, and what is known of it.
#[derive(Debug, Clone)]
pub struct Answer {
    pub name: String,
    pub bytes: Vec<u8>,
    pub written: Vec<Written>,
    /// The pairs of the current state, by their position among those written.
    pub live: BTreeMap<(Path, Vec<u8>), usize>,
    pub buckets: BTreeSet<Path>,
    /// The same for the state before it.
    pub previous: BTreeMap<(Path, Vec<u8>), usize>,
    /// Whether a run may be there of which only some pages are of who wrote its header.
    pub is_torn: bool,
}

impl Answer {
    pub fn is_live(&self, written: usize) -> bool {
        let Written { path, key, .. } = &self.written[written];
        self.live.get(&(path.clone(), key.clone())) == Some(&written)
    }

    /// The answer key as JSON, for whoever wants to score another tool.
    pub fn to_json(&self) -> serde_json::Value {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pair = |(n, it): (usize, &Written)| {
            serde_json::json!({
                "bucket": it.path, "key": text(&it.key), "value": text(&it.value),
                "committed": it.committed, "live": self.is_live(n),
            })
        };
        serde_json::json!({ "name": self.name, "written": self.written.iter().enumerate().map(pair).collect::<Vec<_>>() })
    }
}
