//! The records of a real file with something wrong in them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use unbolt::Snapshot;
use unbolt::net::doctor::{Doctor, Finding};
use unbolt::net::json::{Document, Step};
use unbolt::net::{Draft, Inventory};
use unbolt::store::{DOCKER_BUCKET, KvPair, StoreError, records};

pub const ROOT: &str = "docker/network/v1.0/";
pub const RUNNING: &str = "networks-running-20.10.24.db";
pub const LIVE_28: &str = "live-28.5.2.db";
pub const IPAM: &str = "ipam-only-1.11.0.db";

/// Networks, endpoints and sandboxes of the files, by the begins of their ids.
pub const LABELLED: &str = "1b128a9d9e30f2638f0ce3a83b7670ec336f142e923cbf609eaeccb0caa46d50";
pub const PLAIN: &str = "04309c0405d9d95dfbd78c0a65a8ce2f165bb9ff6a1d2b2a4b224523e72b862e";
pub const MACVLAN: &str = "310ac23595e294be49a77f14ca23d12527641ba356dbec925766ba3fb9db6822";
pub const IPVLAN: &str = "8f8288ae37ab4231e5532412eca897ad9fb5f6a91f589f84341fba8caf896a29";
pub const SIX: &str = "589c6d63b5f0acf3a43900c13e650cc7a21c83b9297e47de7ca8b7626ea0c8a5";
pub const DOCKER0: &str = "e3635253db27e58492f8253e9427d1a3c0e585448c0aef869e97b56058614134";
pub const NONE: &str = "6969830cde3ed2a73b182e78e7aba06335916d3d1b382c9e18b90c3c69135b5d";
pub const ONE: &str = "ce621880cd9152838a219863c87ca9060f74c09e4e50866c454c85c1b4cb4fe8";
pub const TWO: &str = "78c47bfc459723e078d4dd5bd3129cb64a714da1b8fadb2b01312e545fe5d225";
pub const BOX_OF_ONE: &str = "932a59cb2806709a41412b2e8da2ae538ae0c6a6b55a04c5f0cbbcdeecf76e85";
pub const ONLY_6: &str = "8e6367490cf4a685336e841874f2dcfb08bcd96d0e685b424589a89c1f90a15a";
pub const OTHER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Records by key, without what all keys begin with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plot {
    pub records: BTreeMap<String, Vec<u8>>,
    /// Keys of records that cannot be read: too short, or buckets.
    pub short: Vec<String>,
    pub buckets: Vec<String>,
}

pub fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata/docker", name].iter().collect()
}

impl Plot {
    pub fn of(name: &str) -> Plot {
        let snapshot = Snapshot::open(path(name)).unwrap();
        let bucket = snapshot.root().unwrap().bucket(DOCKER_BUCKET.as_bytes()).unwrap().unwrap();
        let pairs = records(&bucket, b"").map(Result::unwrap);
        let records = pairs.map(|pair| (pair.key.strip_prefix(ROOT).unwrap().to_owned(), pair.value)).collect();
        Plot { records, ..Plot::default() }
    }

    pub fn entries(&self) -> Vec<Result<KvPair, StoreError>> {
        let good = self.records.iter();
        let key = |key: &String| format!("{ROOT}{key}");
        let good = good.map(|(found, value)| Ok(KvPair { key: key(found), value: value.clone(), last_index: 1 }));
        let short = self.short.iter().map(|found| Err(StoreError::ShortValue { key: key(found).into(), len: 3 }));
        let buckets = self.buckets.iter().map(|found| Err(StoreError::NestedBucket { key: key(found).into() }));
        good.chain(short).chain(buckets).collect()
    }

    pub fn inventory(&self) -> Inventory {
        Inventory::read(self.entries()).unwrap()
    }

    pub fn draft(&self) -> Draft {
        Draft::read(self.entries()).unwrap()
    }

    /// What it is once the changes of a draft of it are made.
    pub fn with(&self, draft: &Draft) -> Plot {
        let mut plot = self.clone();
        for change in draft.changes() {
            let key = std::str::from_utf8(change.key()).unwrap().strip_prefix(ROOT).unwrap().to_owned();
            plot.short.retain(|found| *found != key);
            plot.buckets.retain(|found| *found != key);
            match change {
                unbolt::net::Change::Delete { .. } => drop(plot.records.remove(&key)),
                unbolt::net::Change::Put { value, .. } => drop(plot.records.insert(key, value)),
            }
        }
        plot
    }

    pub fn put(&mut self, key: &str, value: impl Into<Vec<u8>>) {
        self.records.insert(key.into(), value.into());
    }

    pub fn remove(&mut self, key: &str) {
        assert!(self.records.remove(key).is_some(), "{key}");
    }

    pub fn document(&self, key: &str) -> Document {
        Document::parse(self.records.get(key).unwrap_or_else(|| panic!("no {key}"))).unwrap()
    }

    /// Changes one place of a record.
    pub fn set(&mut self, key: &str, path: &[Step<'_>], value: impl Into<serde_json::Value>) {
        let mut document = self.document(key);
        document.set(path, value).unwrap();
        self.put(key, document.as_str());
    }

    pub fn unset(&mut self, key: &str, path: &[Step<'_>]) {
        let mut document = self.document(key);
        assert!(document.remove(path).unwrap(), "{key}");
        self.put(key, document.as_str());
    }

    /// Replaces a text wherever it is in a record.
    pub fn replace(&mut self, key: &str, old: &str, new: &str) {
        let text = self.document(key).as_str().to_owned();
        assert!(text.contains(old), "{text}");
        self.put(key, text.replace(old, new));
    }

    /// A record under another key, with another id in it.
    pub fn copy(&mut self, from: &str, to: &str, old: &str, new: &str) {
        let text = self.document(from).as_str().replace(old, new);
        self.put(to, text);
    }

    /// The keys that differ.
    pub fn difference(&self, other: &Plot) -> Vec<String> {
        let mut keys: Vec<_> = self.records.keys().chain(other.records.keys()).cloned().collect();
        keys.retain(|key| self.records.get(key) != other.records.get(key));
        let odd = |plot: &Plot| plot.short.iter().chain(&plot.buckets).cloned().collect::<Vec<_>>();
        let (mine, theirs) = (odd(self), odd(other));
        keys.extend(mine.iter().filter(|key| !theirs.contains(key)).cloned());
        keys.extend(theirs.iter().filter(|key| !mine.contains(key)).cloned());
        keys.sort();
        keys.dedup();
        keys
    }
}

/// The codes of findings, each once.
pub fn codes<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<&'static str> {
    let mut codes: Vec<_> = findings.into_iter().map(|finding| finding.rule.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// A doctor for a version, or for the one that wrote the file.
pub fn doctor(target: &str) -> Doctor<'static> {
    match target {
        "" => Doctor::new(),
        target => Doctor::new().target(target.parse().unwrap()),
    }
}
