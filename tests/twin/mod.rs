//! A database as a tree of maps: what a bucket holds, and the proof that a bucket of the library holds the same,
//! whichever way it is read.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::ops::Bound;

use unbolt::{Bucket, Entry, Error, ReadTx, check};

/// What a key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    Value(Vec<u8>),
    Bucket(Twin),
}

/// A bucket, with all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Twin {
    pub sequence: u64,
    pub entries: BTreeMap<Vec<u8>, Held>,
}

/// Names that lead to a bucket.
pub type Path = Vec<Vec<u8>>;

impl Twin {
    /// The bucket at the end of a path that leads to one.
    pub fn at(&self, path: &[Vec<u8>]) -> &Twin {
        path.iter().fold(self, |bucket, name| match bucket.entries.get(name) {
            Some(Held::Bucket(inner)) => inner,
            other => panic!("{other:?} at {}", name.escape_ascii()),
        })
    }

    pub fn at_mut(&mut self, path: &[Vec<u8>]) -> &mut Twin {
        path.iter().fold(self, |bucket, name| match bucket.entries.get_mut(name) {
            Some(Held::Bucket(inner)) => inner,
            other => panic!("{other:?} at {}", name.escape_ascii()),
        })
    }

    /// The paths of all buckets, this one first.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths = vec![Path::new()];
        let mut next = 0;
        while let Some(path) = paths.get(next).cloned() {
            for (name, held) in &self.at(&path).entries {
                if let Held::Bucket(_) = held {
                    paths.push([path.clone(), vec![name.clone()]].concat());
                }
            }
            next += 1;
        }
        paths
    }

    fn keys(&self) -> Vec<&[u8]> {
        self.entries.keys().map(Vec::as_slice).collect()
    }

    /// The keys between two bounds, whatever their order.
    fn between(&self, low: Bound<&[u8]>, high: Bound<&[u8]>) -> Vec<&[u8]> {
        let above = |key: &[u8]| match low {
            Bound::Unbounded => true,
            Bound::Included(low) => key >= low,
            Bound::Excluded(low) => key > low,
        };
        let below = |key: &[u8]| match high {
            Bound::Unbounded => true,
            Bound::Included(high) => key <= high,
            Bound::Excluded(high) => key < high,
        };
        self.keys().into_iter().filter(|key| above(key) && below(key)).collect()
    }
}

/// Reads a bucket whole, in every way there is, and fails unless it is what its twin is. `salt` decides where ranges
/// begin and in which order the two ends of an iterator are asked.
pub fn assert_same(bucket: &Bucket<'_>, twin: &Twin, salt: usize) {
    let mut open = vec![(*bucket, twin)];
    while let Some((bucket, twin)) = open.pop() {
        assert_eq!(bucket.sequence(), twin.sequence);
        assert_iterates(&bucket, twin, salt);
        assert_looks_up(&bucket, twin);
        assert_ranges(&bucket, twin, salt);
        assert_walks(&bucket, twin, salt);
        for pair in bucket.iter() {
            if let (key, Entry::Bucket(inner)) = pair.unwrap() {
                open.push((inner, twin.at(&[key.to_vec()])));
            }
        }
    }
}

/// Fails unless an entry is what its twin is; of a bucket it is enough that it is one.
pub fn same_entry(entry: &Entry<'_>, held: &Held) -> bool {
    match (entry, held) {
        (Entry::Value(value), Held::Value(expected)) => value == expected,
        (Entry::Bucket(bucket), Held::Bucket(expected)) => bucket.sequence() == expected.sequence,
        _ => false,
    }
}

fn assert_iterates(bucket: &Bucket<'_>, twin: &Twin, salt: usize) {
    let mut expected = twin.entries.iter();
    let mut found = bucket.iter();
    for turn in 0.. {
        let from_front = (salt >> (turn % 16)) & 1 == 0;
        let (pair, wanted) = match from_front {
            true => (found.next(), expected.next()),
            false => (found.next_back(), expected.next_back()),
        };
        match (pair.transpose().unwrap(), wanted) {
            (None, None) => break,
            (Some((key, entry)), Some((wanted, held))) if key == wanted && same_entry(&entry, held) => {}
            (pair, wanted) => panic!("turn {turn}: {pair:?}, but {wanted:?} was put there"),
        }
    }
    assert!(found.next().is_none() && found.next_back().is_none());
    assert_eq!(keys(bucket.iter()), twin.keys());
    let mut backwards = keys(bucket.iter().rev());
    backwards.reverse();
    assert_eq!(backwards, twin.keys());
}

fn assert_looks_up(bucket: &Bucket<'_>, twin: &Twin) {
    for (key, held) in &twin.entries {
        let found = bucket.entry(key).unwrap().unwrap_or_else(|| panic!("{} is missing", key.escape_ascii()));
        assert!(same_entry(&found, held), "{found:?}, but {held:?} was put there");
        let value = if let Held::Value(value) = held { Some(value.as_slice()) } else { None };
        assert_eq!(bucket.get(key).unwrap(), value);
        assert_eq!(bucket.bucket(key).unwrap().is_some(), value.is_none());
        // A neighbour of a key that is there.
        let beside = [key.as_slice(), b"\0"].concat();
        assert_eq!(bucket.entry(&beside).unwrap().is_some(), twin.entries.contains_key(&beside));
    }
    assert!(bucket.entry("").unwrap().is_none());
}

fn assert_ranges(bucket: &Bucket<'_>, twin: &Twin, salt: usize) {
    let all = twin.keys();
    let somewhere = |salt: usize| all.get(salt % (all.len() + 1)).copied().unwrap_or(b"key-077");
    let (low, high) = (somewhere(salt), somewhere(salt / 7 + salt % 13));
    for (low, high) in [(low, high), (high, low), (&low[..low.len() / 2], high)] {
        for low in [Bound::Included(low), Bound::Excluded(low), Bound::Unbounded] {
            for high in [Bound::Included(high), Bound::Excluded(high), Bound::Unbounded] {
                let expected = twin.between(low, high);
                assert_eq!(keys(bucket.range::<&[u8]>((low, high))), expected, "{low:?} to {high:?}");
                let mut backwards = keys(bucket.range::<&[u8]>((low, high)).rev());
                backwards.reverse();
                assert_eq!(backwards, expected, "{low:?} to {high:?}, backwards");
            }
        }
    }
    for prefix in [&low[..low.len() / 2], high, b"key-0"] {
        let expected: Vec<&[u8]> = all.iter().copied().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(keys(bucket.prefix(prefix)), expected, "prefix {}", prefix.escape_ascii());
        let mut backwards = keys(bucket.prefix(prefix).rev());
        backwards.reverse();
        assert_eq!(backwards, expected, "prefix {}, backwards", prefix.escape_ascii());
    }
}

/// Moves a cursor about, its twin with it.
fn assert_walks(bucket: &Bucket<'_>, twin: &Twin, salt: usize) {
    let (mut cursor, mut expected) = (bucket.cursor(), At::Nowhere);
    for turn in 0..24 {
        let step = Step::of(salt.wrapping_mul(turn + 1).wrapping_add(turn), twin);
        let found = match &step {
            Step::First => cursor.first(),
            Step::Last => cursor.last(),
            Step::Next => cursor.next(),
            Step::Prev => cursor.prev(),
            Step::Seek(key) => cursor.seek(key),
        };
        let wanted = expected.step(twin, &step);
        assert_eq!(found.unwrap().map(|(key, _)| key), wanted.as_deref(), "{step:?}");
        assert_eq!(cursor.current().unwrap().map(|(key, _)| key), expected.current(twin), "after {step:?}");
    }
}

fn keys<'b>(pairs: impl Iterator<Item = Result<(&'b [u8], Entry<'b>), Error>>) -> Vec<&'b [u8]> {
    pairs.map(|pair| pair.unwrap().0).collect()
}

/// Where a cursor is to be.
#[derive(Debug, Clone, Default)]
pub enum At {
    #[default]
    Nowhere,
    PastEnd,
    On(Vec<u8>),
}

/// A move of a cursor.
#[derive(Debug, Clone)]
pub enum Step {
    First,
    Last,
    Next,
    Prev,
    Seek(Vec<u8>),
}

impl Step {
    /// The move that a number stands for.
    pub fn of(number: usize, twin: &Twin) -> Step {
        let key = twin.entries.keys().nth(number / 11 % (twin.entries.len() + 1));
        match number % 11 {
            0 => Step::First,
            1 => Step::Last,
            2..6 => Step::Next,
            6..9 => Step::Prev,
            9 => Step::Seek(key.cloned().unwrap_or(vec![0xFF; 3])),
            _ => Step::Seek(key.map(|key| key[..key.len() / 2].to_vec()).unwrap_or_default()),
        }
    }
}

impl At {
    /// The key that a move leads to, and goes there.
    pub fn step(&mut self, twin: &Twin, step: &Step) -> Option<Vec<u8>> {
        let found = match (step, &*self) {
            (Step::First, _) => twin.entries.keys().next(),
            (Step::Last, _) => twin.entries.keys().next_back(),
            (Step::Seek(key), _) => twin.entries.range::<Vec<u8>, _>(key..).next().map(|(key, _)| key),
            (Step::Next, At::On(key)) => {
                twin.entries.range::<Vec<u8>, _>((Bound::Excluded(key), Bound::Unbounded)).next().map(|(key, _)| key)
            }
            (Step::Prev, At::On(key)) => twin.entries.range::<Vec<u8>, _>(..key).next_back().map(|(key, _)| key),
            (Step::Prev, At::PastEnd) => twin.entries.keys().next_back(),
            (Step::Next | Step::Prev, _) => None,
        };
        match (found, step) {
            (Some(key), _) => *self = At::On(key.clone()),
            (None, Step::First | Step::Last) => *self = At::Nowhere,
            (None, Step::Seek(_)) => *self = At::PastEnd,
            // At an end a cursor stays where it is.
            (None, Step::Next | Step::Prev) => {}
        }
        found.cloned()
    }

    /// The key it is on, unless that is gone.
    pub fn current<'t>(&self, twin: &'t Twin) -> Option<&'t [u8]> {
        let At::On(key) = self else { return None };
        twin.entries.get_key_value(key).map(|(key, _)| key.as_slice())
    }
}

/// Fails unless the state of a transaction is sound to the last page.
pub fn assert_sound(tx: &ReadTx) {
    let mut findings = Vec::new();
    let summary = check::check(tx.pages(), Some(&tx.metas()), &mut |finding| findings.push(finding.to_string())).unwrap();
    assert!(summary.is_sound(), "{findings:#?}");
}
