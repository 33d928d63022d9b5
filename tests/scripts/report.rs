//! What a file has become: bytes, pages and content, as Go tells it and as this crate does.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use unbolt::check::{Severity, check_snapshot};
use unbolt::tree::{Bucket, Entry, bucket_stats};
use unbolt::{Error, Snapshot};

use super::bytes::escape;
use super::script::Engine;
use crate::support::digest::digest;
use crate::support::dump::hex;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Of the whole file.
    pub sha256: String,
    /// Of the pages below the high-water mark.
    pub pages_sha256: String,
    pub digest: String,
    pub size: Size,
    /// What the check found.
    pub check: Vec<String>,
}

/// What decides how large a file is, wherever its pages lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    pub length: u64,
    pub high_water: u64,
    pub txid: u64,
    pub buckets: BTreeMap<String, Counts>,
}

/// Of a bucket with all in it: pages and overflow pages of branches, the same of leaves, keys, levels, inline
/// buckets.
pub type Counts = [u64; 7];

impl Report {
    /// What this crate makes of a file.
    pub fn of(file: Vec<u8>) -> Result<Report, Error> {
        let file: Arc<[u8]> = file.into();
        let snapshot = Snapshot::from_bytes(Arc::clone(&file))?;
        let mut check = Vec::new();
        check_snapshot(&snapshot, &mut |finding| {
            if finding.severity > Severity::Note {
                check.push(format!("{}: {finding}", finding.code));
            }
        })?;
        let root = snapshot.root()?;
        let mut buckets = BTreeMap::new();
        count(&root, String::new(), &mut buckets)?;
        let meta = snapshot.meta();
        let size = Size { length: unbolt::Storage::size(&snapshot), high_water: meta.high_water.0, txid: meta.txid.0, buckets };
        let pages = meta.high_water.0 * u64::from(meta.page_size);
        Ok(Report {
            sha256: hex(&Sha256::digest(&file)),
            pages_sha256: hex(&Sha256::digest(file.get(..pages as usize).unwrap_or(&file))),
            digest: format!("{:016x}", digest(&root, None)?),
            size,
            check,
        })
    }

    /// What Go says of a file.
    pub fn parse(answer: &serde_json::Value) -> Option<Report> {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let counts = |counts: &serde_json::Value| -> Option<Counts> {
            let numbers: Option<Vec<u64>> = counts.as_array()?.iter().map(serde_json::Value::as_u64).collect();
            numbers?.try_into().ok()
        };
        let buckets = answer["buckets"].as_object()?.iter().map(|(path, of)| Some((path.clone(), counts(of)?)));
        Some(Report {
            sha256: text("sha256")?,
            pages_sha256: text("pages_sha256")?,
            digest: text("digest")?,
            size: Size {
                length: answer["length"].as_u64()?,
                high_water: answer["high_water"].as_u64()?,
                txid: answer["txid"].as_u64()?,
                buckets: buckets.collect::<Option<_>>()?,
            },
            check: answer["check"].as_array()?.iter().map(|error| error.as_str().unwrap_or_default().to_owned()).collect(),
        })
    }
}

/// What two files must have in common to be the same.
impl Report {
    /// The older libraries make a file longer only when its freelist grows, so its length says little.
    fn bytes(&self, engine: Engine) -> &str {
        if engine == Engine::Bbolt150 { &self.sha256 } else { &self.pages_sha256 }
    }

    pub fn same_bytes(&self, other: &Report, engine: Engine) -> bool {
        self.bytes(engine) == other.bytes(engine)
    }

    pub fn same_size(&self, other: &Report, engine: Engine) -> bool {
        self.size.differences(&other.size, engine).is_empty()
    }
}

impl Size {
    /// Where two differ, in words; empty where they do not.
    pub fn differences(&self, other: &Size, engine: Engine) -> String {
        let mut told = Vec::new();
        let length = if engine == Engine::Bbolt150 { other.length } else { self.length };
        let numbers = [
            ("length", self.length, length),
            ("high-water mark", self.high_water, other.high_water),
            ("transaction", self.txid, other.txid),
        ];
        for (name, ours, theirs) in numbers.iter().filter(|(_, ours, theirs)| ours != theirs) {
            told.push(format!("{name} {ours}, Go has {theirs}"));
        }
        let paths: std::collections::BTreeSet<_> = self.buckets.keys().chain(other.buckets.keys()).collect();
        for path in paths {
            let (ours, theirs) = (self.buckets.get(path), other.buckets.get(path));
            if ours != theirs {
                told.push(format!("bucket {path} {ours:?}, Go has {theirs:?}"));
            }
        }
        told.join("; ")
    }
}

fn count(bucket: &Bucket<'_, Snapshot>, path: String, counts: &mut BTreeMap<String, Counts>) -> Result<(), Error> {
    let of = bucket_stats(bucket)?;
    for pair in bucket.iter() {
        let (name, Entry::Bucket(child)) = pair? else { continue };
        let mut inner = path.clone();
        if !inner.is_empty() {
            inner.push('/');
        }
        escape(&name, &mut inner).expect("a string takes everything");
        count(&child, inner, counts)?;
    }
    let path = if path.is_empty() { ".".to_owned() } else { path };
    let pages = [of.branch_pages, of.branch_overflow, of.leaf_pages, of.leaf_overflow];
    let rest = [of.keys, of.depth, of.inline_buckets];
    let mut all = Counts::default();
    all[..4].copy_from_slice(&pages);
    all[4..].copy_from_slice(&rest);
    counts.insert(path, all);
    Ok(())
}
