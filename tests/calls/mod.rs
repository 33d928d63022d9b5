//! Calls on a store, made at random, and what comes of them: as a model has it, on this library's store, on Go's.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod model;
pub mod ours;

use quickcheck::{Arbitrary, Gen};
use unbolt::store::KvPair;

/// The stores' buckets: two in one file.
pub const BUCKETS: [&str; 2] = ["libnetwork", "other"];

/// One call.
#[derive(Debug, Clone)]
pub enum Call {
    Put { key: String, value: String },
    Exists { key: String },
    Get { key: String },
    List { prefix: String },
    AtomicPut { key: String, value: String, previous: Previous },
    AtomicDelete { key: String, previous: Previous },
    Delete { key: String },
    DeleteTree { prefix: String },
}

/// The pair that an atomic call says it knows.
#[derive(Debug, Clone, Copy)]
pub enum Previous {
    Nothing,
    /// The one that is there; where there is none, one that was.
    Current,
    /// One that was given earlier, to whatever key.
    Earlier(usize),
    /// One with an index that was never given.
    Never,
}

impl Call {
    /// The key of an atomic call, and the pair that it says it knows.
    pub fn previous(&self) -> Option<(&str, Previous)> {
        match self {
            Call::AtomicPut { key, previous, .. } | Call::AtomicDelete { key, previous } => Some((key, *previous)),
            _ => None,
        }
    }
}

/// What comes of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Done,
    Found(bool),
    Deleted(u64),
    Pair(KvPair),
    Pairs(Vec<KvPair>),
    Failed(String),
    Panicked,
}

pub const KEY_NOT_FOUND: &str = "Key not found in store";
pub const KEY_EXISTS: &str = "Previous K/V pair exists, cannot complete Atomic operation";
pub const KEY_MODIFIED: &str = "Unable to complete atomic operation, key modified";
pub const NO_PREVIOUS: &str = "Previous K/V pair should be provided for the Atomic operation";
pub const KEY_REQUIRED: &str = "a key cannot be empty";
pub const KEY_TOO_LARGE: &str = "a key of 32769 bytes is longer than 32768";

/// The texts that are not of the store but of the database below, and Go's for the same.
const OF_THE_DATABASE: [(&str, &str); 2] = [(KEY_REQUIRED, "key required"), (KEY_TOO_LARGE, "key too large")];

impl Outcome {
    pub fn failed(text: &str) -> Outcome {
        Outcome::Failed(text.to_owned())
    }

    /// With this library's words for what Go's database says.
    pub fn in_our_words(self) -> Outcome {
        let Outcome::Failed(text) = self else { return self };
        let ours = OF_THE_DATABASE.iter().find(|(_, go)| *go == text).map(|(ours, _)| (*ours).to_owned());
        Outcome::Failed(ours.unwrap_or(text))
    }

    /// Without what is different by intention: indexes, and the count of what was deleted.
    pub fn into_gos(self) -> Outcome {
        let blank = |pair: KvPair| KvPair { last_index: 0, ..pair };
        match self {
            Outcome::Pair(pair) => Outcome::Pair(blank(pair)),
            Outcome::Pairs(pairs) => Outcome::Pairs(pairs.into_iter().map(blank).collect()),
            Outcome::Deleted(_) => Outcome::Done,
            other => other,
        }
    }
}

/// Few, so that calls meet: one the beginning of another, one that cannot be, one longer than a page.
fn key(g: &mut Gen) -> String {
    let keys = ["d", "d/", "d/a", "d/a/", "d/a/b/", "d/ab/", "d/\u{e4}/", "d0", "e/1/", "e/2/", "e/3/", "e/1/2/"];
    match u8::arbitrary(g) % 40 {
        0 => String::new(),
        1 => "d".repeat(32769),
        2 => "e".repeat(5000),
        _ => (*g.choose(&keys).expect("some")).to_owned(),
    }
}

/// Never empty: Go's `list` panics on that, and its `delete_tree` does not return.
fn prefix(g: &mut Gen) -> String {
    (*g.choose(&["d", "d/", "d/a", "d/a/", "e", "e/1", "f", "d/\u{e4}"]).expect("some")).to_owned()
}

fn value(g: &mut Gen) -> String {
    match u8::arbitrary(g) % 8 {
        0 => String::new(),
        1 => "v".repeat(usize::from(u16::arbitrary(g) % 9000)),
        _ => format!("{{\"Count\":{}}}", u8::arbitrary(g)),
    }
}

impl Arbitrary for Previous {
    fn arbitrary(g: &mut Gen) -> Previous {
        match u8::arbitrary(g) % 8 {
            0 | 1 => Previous::Nothing,
            2 => Previous::Earlier(usize::arbitrary(g)),
            3 => Previous::Never,
            _ => Previous::Current,
        }
    }
}

impl Arbitrary for Call {
    fn arbitrary(g: &mut Gen) -> Call {
        match u8::arbitrary(g) % 16 {
            0..=3 => Call::Put { key: key(g), value: value(g) },
            4..=8 => Call::AtomicPut { key: key(g), value: value(g), previous: Previous::arbitrary(g) },
            9 | 10 => Call::AtomicDelete { key: key(g), previous: Previous::arbitrary(g) },
            11 => Call::Delete { key: key(g) },
            12 => Call::Exists { key: key(g) },
            13 => Call::Get { key: key(g) },
            14 => Call::List { prefix: prefix(g) },
            _ => match u8::arbitrary(g) % 4 {
                0 => Call::DeleteTree { prefix: prefix(g) },
                _ => Call::List { prefix: prefix(g) },
            },
        }
    }
}
