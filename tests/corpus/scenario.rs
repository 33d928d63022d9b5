//! What was done to the files of the corpus: ways to delete, and what came afterwards.

use unbolt::FreelistMode;

use super::answer::{Answer, Path};
use super::writer::{Step, Writer};

/// How a file is made.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    /// What is deleted, or overwritten, and how.
    pub how: How,
    /// So many of the keys.
    pub share: (usize, usize),
    pub per_tx: usize,
    pub in_order: bool,
    pub later: Later,
    pub value: usize,
    pub reader: Reader,
    pub freelist: FreelistMode,
}

/// When somebody began to read who did so until the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Never,
    BeforeDeleting,
    /// So that what was deleted lies below and above of what is written later.
    AfterDeleting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Delete,
    Overwrite,
    DropBucket,
    /// Anything in several buckets, some in each other.
    Mixed,
    /// As `Mixed`, with buckets that have the same keys.
    Twins,
}

/// What comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    Nothing,
    /// So many transactions that overwrite five keys of the bucket each.
    Same(usize),
    /// So many that write five keys of another bucket each.
    Other(usize),
    /// New keys in one transaction, as many as were deleted.
    New,
    Rename,
}

const PLAIN: Scenario = Scenario {
    name: "",
    how: How::Delete,
    share: (1, 5),
    per_tx: 5,
    in_order: false,
    later: Later::Nothing,
    value: 100,
    reader: Reader::Never,
    freelist: FreelistMode::EachCommit,
};
/// In one transaction.
const BULK: usize = usize::MAX;

/// What a last transaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// As those before it.
    Small,
    /// Puts pairs in a bucket that nothing else uses.
    Elsewhere,
    /// Puts values of three pages.
    LargeValues,
    /// Overwrites half of all keys.
    Many,
}

impl Last {
    pub const ALL: [Last; 4] = [Last::Small, Last::Elsewhere, Last::LargeValues, Last::Many];
}

/// All ways to make a file.
pub const SCENARIOS: [Scenario; 28] = [
    Scenario { name: "random by 5", ..PLAIN },
    Scenario { name: "random by 1", per_tx: 1, ..PLAIN },
    Scenario { name: "random by 50", per_tx: 50, ..PLAIN },
    Scenario { name: "bulk random", per_tx: BULK, ..PLAIN },
    Scenario { name: "in order by 5", in_order: true, ..PLAIN },
    Scenario { name: "bulk in order", in_order: true, per_tx: BULK, ..PLAIN },
    Scenario { name: "random by 5, then 10 small", later: Later::Same(10), ..PLAIN },
    Scenario { name: "bulk, then 10 small", per_tx: BULK, later: Later::Same(10), ..PLAIN },
    Scenario { name: "bulk, then 100 small", per_tx: BULK, later: Later::Same(100), ..PLAIN },
    Scenario { name: "bulk, then 100 elsewhere", per_tx: BULK, later: Later::Other(100), ..PLAIN },
    Scenario { name: "random by 5, then new keys", later: Later::New, ..PLAIN },
    Scenario { name: "large values", value: 10_000, ..PLAIN },
    Scenario { name: "large values in bulk, then 10 small", value: 10_000, per_tx: BULK, later: Later::Same(10), ..PLAIN },
    Scenario { name: "values of two pages, then 10 elsewhere", value: 5_000, later: Later::Other(10), ..PLAIN },
    Scenario { name: "a reader held", reader: Reader::BeforeDeleting, ..PLAIN },
    Scenario {
        name: "bulk, a reader held, then 10 small",
        per_tx: BULK,
        reader: Reader::AfterDeleting,
        later: Later::Same(10),
        ..PLAIN
    },
    Scenario {
        name: "large values in bulk, a reader held, then 10 small",
        value: 10_000,
        per_tx: BULK,
        reader: Reader::AfterDeleting,
        later: Later::Same(10),
        ..PLAIN
    },
    Scenario { name: "bucket dropped", how: How::DropBucket, ..PLAIN },
    Scenario { name: "bucket dropped, then 100 elsewhere", how: How::DropBucket, later: Later::Other(100), ..PLAIN },
    Scenario { name: "overwrites by 5", how: How::Overwrite, ..PLAIN },
    Scenario { name: "overwrites by 5, large", how: How::Overwrite, value: 3_000, ..PLAIN },
    Scenario { name: "no list", freelist: FreelistMode::Never, ..PLAIN },
    Scenario {
        name: "no list, bulk, then 10 small",
        freelist: FreelistMode::Never,
        per_tx: BULK,
        later: Later::Same(10),
        ..PLAIN
    },
    Scenario { name: "mixed", how: How::Mixed, value: 60, ..PLAIN },
    Scenario { name: "mixed, large", how: How::Mixed, value: 2_000, ..PLAIN },
    Scenario { name: "twins", how: How::Twins, value: 60, ..PLAIN },
    Scenario { name: "twins, large", how: How::Twins, value: 2_000, ..PLAIN },
    Scenario { name: "bucket renamed", later: Later::Rename, per_tx: BULK, ..PLAIN },
];

fn bucket(name: &str) -> Path {
    vec![name.to_owned()]
}

fn key(n: usize) -> Vec<u8> {
    format!("key-{n:06}").into_bytes()
}

impl Scenario {
    /// Makes the file of so many keys.
    pub fn make(&self, seed: u64, keys: usize, page_size: u32) -> Answer {
        let writer = self.write(seed, keys, page_size, false);
        writer.finish(self.title(seed, keys, page_size))
    }

    /// Makes the file, and has a last transaction crash before its meta is written.
    pub fn crash(&self, seed: u64, keys: usize, page_size: u32) -> Answer {
        let mut writer = self.write(seed, keys, page_size, false);
        let steps = self.last(&mut writer, keys, Last::Small);
        writer.crash(format!("{} crashed", self.title(seed, keys, page_size)), steps)
    }

    /// What a last transaction does.
    pub fn last(&self, writer: &mut Writer, keys: usize, last: Last) -> Vec<Step> {
        let is_mixed = matches!(self.how, How::Mixed | How::Twins);
        let main = bucket(if is_mixed { "a" } else { "bucket" });
        match last {
            Last::Small if is_mixed => mixed(writer, self),
            Last::Small => small(writer, &main, keys, self.value),
            Last::Elsewhere => small(writer, &bucket("elsewhere"), keys, self.value),
            Last::LargeValues => small(writer, &main, keys, 10_000),
            Last::Many => (0..keys / 2).map(|n| Step::Put(main.clone(), key(2 * n), self.value)).collect(),
        }
    }

    /// Makes the file of so many keys, for whoever goes on with it.
    pub fn begin(&self, seed: u64, keys: usize, page_size: u32) -> Writer {
        self.write(seed, keys, page_size, false)
    }

    /// Makes the file of so many keys and tells how, for somebody else to do the same.
    pub fn make_logged(&self, seed: u64, keys: usize, page_size: u32) -> Writer {
        self.write(seed, keys, page_size, true)
    }

    pub fn title(&self, seed: u64, keys: usize, page_size: u32) -> String {
        format!("{}, {keys} keys, pages of {page_size}, seed {seed}", self.name)
    }

    fn write(&self, seed: u64, keys: usize, page_size: u32, logged: bool) -> Writer {
        let mut writer = Writer::new(seed, page_size, self.freelist);
        if logged {
            writer.keep_log();
        }
        let main = bucket("bucket");
        if matches!(self.how, How::Mixed | How::Twins) {
            for _ in 0..keys / 10 {
                let steps = mixed(&mut writer, self);
                writer.commit(steps);
            }
            return writer;
        }
        writer.commit((0..keys).map(|n| Step::Put(main.clone(), key(n), self.value)).collect());
        writer.commit((0..keys / 10).map(|n| Step::Put(bucket("other"), key(n), self.value)).collect());
        if self.reader == Reader::BeforeDeleting {
            writer.hold_reader();
        }
        self.delete(&mut writer, keys);
        if self.reader == Reader::AfterDeleting {
            writer.hold_reader();
        }
        self.afterwards(&mut writer, keys);
        writer
    }

    fn delete(&self, writer: &mut Writer, keys: usize) {
        let main = bucket("bucket");
        if self.how == How::DropBucket {
            return writer.commit(vec![Step::Drop(main)]);
        }
        let mut chosen: Vec<usize> = (0..keys).collect();
        if !self.in_order {
            (1..keys).rev().for_each(|at| chosen.swap(at, writer.below(at + 1)));
        }
        chosen.truncate(keys * self.share.0 / self.share.1);
        let step = |n: &usize| match self.how {
            How::Overwrite => Step::Put(main.clone(), key(*n), self.value),
            _ => Step::Delete(main.clone(), key(*n)),
        };
        for part in chosen.chunks(self.per_tx.min(keys)) {
            writer.commit(part.iter().map(step).collect());
        }
    }

    fn afterwards(&self, writer: &mut Writer, keys: usize) {
        match self.later {
            Later::Nothing => {}
            Later::Same(count) | Later::Other(count) => {
                let target = bucket(if matches!(self.later, Later::Same(_)) { "bucket" } else { "other" });
                for _ in 0..count {
                    let steps = small(writer, &target, keys, self.value);
                    writer.commit(steps);
                }
            }
            Later::New => {
                let new = (keys..keys + keys / 5).map(|n| Step::Put(bucket("bucket"), key(n), self.value));
                writer.commit(new.collect());
            }
            Later::Rename => writer.commit(vec![Step::Rename(bucket("bucket"), "renamed".to_owned())]),
        }
    }
}

/// Five new values under keys that are there.
fn small(writer: &mut Writer, path: &Path, keys: usize, value: usize) -> Vec<Step> {
    let there = writer.keys(path);
    let any = |writer: &mut Writer| match there.is_empty() {
        true => key(writer.below(keys)),
        false => there[writer.below(there.len())].clone(),
    };
    (0..5).map(|_| Step::Put(path.clone(), any(writer), value)).collect()
}

/// Anything, in buckets of which some are in others and some small enough to be inline.
fn mixed(writer: &mut Writer, scenario: &Scenario) -> Vec<Step> {
    let paths: [&[&str]; 6] = [&["a"], &["b"], &["a", "inner"], &["b", "inner"], &["c", "d", "e"], &["small"]];
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..1 + writer.below(8) {
        let path: Path = paths[writer.below(paths.len())].iter().map(|name| (*name).to_owned()).collect();
        let count = if path[0] == "small" { 3 } else { 60 };
        let prefix = if scenario.how == How::Twins { String::new() } else { path.concat() };
        let name = format!("{prefix}-{:03}", writer.below(count)).into_bytes();
        let there = writer.keys(&path);
        let touched = steps.iter().any(|step| matches!(step, Step::Drop(_)));
        match writer.below(12) {
            0..4 if !there.is_empty() && !touched => {
                let name = there[writer.below(there.len())].clone();
                steps.push(Step::Delete(path, name));
            }
            4 if there.len() > 20 && path.len() > 1 && steps.is_empty() => {
                steps.push(Step::Drop(path));
                return steps;
            }
            _ => {
                let len = scenario.value / 2 + writer.below(scenario.value);
                steps.push(Step::Put(path, name, len));
            }
        }
    }
    steps
}
