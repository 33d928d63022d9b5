//! The store beside Go's two: the same random calls, the same outcomes, the same content of the file.

mod calls;
mod go;

use std::path::{Path, PathBuf};

use calls::model::{Model, Whose};
use calls::peer::Peer;
use calls::{BUCKETS, Call, KEY_NOT_FOUND, Outcome, Previous, ours};
use quickcheck::{Arbitrary, Gen};
use unbolt::Db;
use unbolt::check::check_snapshot;
use unbolt::store::{BoltStore, KvPair, Store};

/// How many sequences of calls; `CALLS` sets another number.
const SEQUENCES: u64 = 60;
const LENGTH: usize = 60;

#[derive(Debug, Clone)]
enum Step {
    Make(Call),
    /// The file is closed, and the store in this bucket opened.
    Open(usize),
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Step {
        match u8::arbitrary(g) % 16 {
            0 => Step::Open(usize::from(bool::arbitrary(g))),
            _ => Step::Make(Call::arbitrary(g)),
        }
    }
}

/// Runs random sequences of steps, and says which one failed.
fn sequences(run: impl Fn(&[Step])) {
    let count = std::env::var("CALLS").ok().map_or(SEQUENCES, |count| count.parse().unwrap());
    let seed = std::env::var("SEED").ok().map_or_else(|| rand_seed(), |seed| seed.parse().unwrap());
    eprintln!("SEED={seed} CALLS={count}");
    for number in 0..count {
        let mut g = Gen::from_size_and_seed(LENGTH, seed + number);
        let steps: Vec<Step> = (0..LENGTH).map(|_| Step::arbitrary(&mut g)).collect();
        run(&steps);
    }
}
