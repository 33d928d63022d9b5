//! What is in a database, and what of it came back.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use unbolt::check::check_snapshot;
use unbolt::forensic::{Evidence, RecoverOptions, Recovery, RecoveryReport};
use unbolt::format::Bytes;
use unbolt::tree::{BucketAt, Place, Visitor, walk};
use unbolt::{Corruption, MemoryDisk, Snapshot};

use crate::support::alloc::peak_of;

/// The most memory that a recovery may take beside a few times the file.
pub const MEMORY: usize = 64 << 20;

pub type Path = Vec<Vec<u8>>;
pub type Pairs = BTreeMap<(Path, Vec<u8>), Vec<u8>>;

/// Every pair of a database by its path, and every bucket.
#[derive(Default)]
pub struct Content {
    pub pairs: Pairs,
    pub buckets: Vec<Path>,
}

pub fn path_of<B: Bytes>(place: &Place<'_, B>) -> Path {
    place.buckets.iter().map(|name| name.to_vec()).collect()
}

impl<B: Bytes> Visitor<B> for Content {
    type Stop = Infallible;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, _: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        self.buckets.push(path_of(place));
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, place: &Place<'_, B>) -> Result<(), Infallible> {
        self.pairs.insert((path_of(place), key.to_vec()), value.to_vec());
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Infallible> {
        panic!("{corruption}")
    }
}

impl Content {
    pub fn of(bytes: &[u8]) -> Content {
        let (snapshot, mut content) = (Snapshot::from_bytes(bytes).unwrap(), Content::default());
        walk(snapshot.pages(), &mut content).unwrap();
        content
    }

    /// The pairs that came from the file, not the words about them.
    pub fn brought(&self) -> impl Iterator<Item = (&Path, &Vec<u8>, &Vec<u8>)> {
        let pairs = self.pairs.iter().map(|((path, key), value)| (path, key, value));
        pairs.filter(|(path, ..)| !(path.len() == 2 && is_group(&path[0]) && path[1] == b"provenance"))
    }

    pub fn at(&self, path: &[&str]) -> BTreeMap<String, String> {
        let path: Path = path.iter().map(|name| name.as_bytes().to_vec()).collect();
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let own = self.pairs.iter().filter(|((own, _), _)| *own == path);
        own.map(|((_, key), value)| (text(key), text(value))).collect()
    }
}

pub fn is_group(name: &[u8]) -> bool {
    name.starts_with(b"lost+found") || name.starts_with(b"deleted")
}

pub fn options(deleted: bool) -> RecoverOptions {
    let mut options = RecoverOptions::default();
    options.deleted(deleted);
    options
}

/// What a recovery makes of these bytes; `None` where there is nothing to recover. Whatever it makes is sound, and the
/// numbers of its report are those of what was made.
pub fn recovered(bytes: &Arc<[u8]>, deleted: bool, name: &str) -> (RecoveryReport, Option<Vec<u8>>) {
    let before = bytes.to_vec();
    let ((report, new), peak) = peak_of(|| {
        let evidence = Evidence::from_bytes(Arc::clone(bytes)).unwrap();
        let recovery = Recovery::plan(&evidence, &options(deleted)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let report = recovery.report().clone();
        if report.is_empty() {
            return (report, None);
        }
        let disk = MemoryDisk::new();
        recovery.write(&disk).unwrap_or_else(|e| panic!("{name}: {e}: {report:#?}"));
        (report, Some(disk.into_bytes()))
    });
    assert!(peak <= MEMORY + 12 * bytes.len(), "{name}: {peak} bytes");
    assert!(before == bytes[..], "{name}: the evidence was changed");
    let pairs = &report.pairs;
    assert_eq!(pairs.kept + pairs.lost + pairs.duplicate, pairs.found, "{name}: {pairs:?}");
    assert_eq!(pairs.in_place + pairs.lost_and_found + pairs.deleted, pairs.kept, "{name}: {pairs:?}");
    if let Some(new) = &new {
        let copy = Snapshot::from_bytes(new.clone()).unwrap();
        check_snapshot(&copy, &mut |finding| panic!("{name}: {finding}")).unwrap();
        assert_eq!(Content::of(new).brought().count() as u64, pairs.kept, "{name}");
        // A page of each bucket, those with a home and those without, and as much again for the shape of trees.
        assert!(new.len() <= 4 * bytes.len() + (2 << 20), "{name}: {} bytes of {}", new.len(), bytes.len());
    }
    (report, new)
}

pub fn of(bytes: Vec<u8>) -> (RecoveryReport, Content) {
    let (report, new) = recovered(&bytes.into(), false, "a file");
    (report, Content::of(&new.expect("something to recover")))
}

/// What came back of a file, in percent: pairs in their places, pairs anywhere, buckets.
pub fn shares(before: &Content, after: &Content) -> [f64; 3] {
    let mut anywhere: BTreeMap<(&[u8], &[u8]), usize> = BTreeMap::new();
    for (_, key, value) in after.brought() {
        *anywhere.entry((key, value)).or_default() += 1;
    }
    let found = before.pairs.iter().filter(|((_, key), value)| anywhere.contains_key(&(&key[..], &value[..])));
    let in_place = before.pairs.iter().filter(|(at, value)| after.pairs.get(*at) == Some(*value));
    let buckets = before.buckets.iter().filter(|path| after.buckets.contains(path));
    let share = |part: usize, all: usize| if all == 0 { 100.0 } else { 100.0 * part as f64 / all as f64 };
    [
        share(in_place.count(), before.pairs.len()),
        share(found.count(), before.pairs.len()),
        share(buckets.count(), before.buckets.len()),
    ]
}
