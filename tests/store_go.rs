//! The store beside Go's two: the same random calls, the same outcomes, the same content of the file.

mod calls;
mod go;
#[path = "calls/peer.rs"]
mod peer;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use calls::model::{Model, Whose};
use calls::{BUCKETS, Call, Outcome, ours};
use peer::Peer;
use quickcheck::{Arbitrary, Gen};
use unbolt::store::{BoltStore, Store};

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
    let seed = std::env::var("SEED").ok().map_or_else(clock, |seed| seed.parse().unwrap());
    eprintln!("SEED={seed} CALLS={count}");
    for number in 0..count {
        let mut g = Gen::from_size_and_seed(LENGTH, seed + number);
        let steps: Vec<Step> = (0..LENGTH).map(|_| Step::arbitrary(&mut g)).collect();
        run(&steps);
    }
}

fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Both sides of a sequence: Go's store on one file, ours on another, each with a model of what it is known to do.
struct Sides {
    folder: tempfile::TempDir,
    peer: Peer,
    of_go: [Model; 2],
    of_ours: [Model; 2],
    open: usize,
    store: Option<BoltStore>,
}

impl Sides {
    fn new(whose: Whose) -> Option<Sides> {
        let models = |whose| BUCKETS.map(|_| Model::new(whose));
        let (of_go, of_ours) = (models(whose), models(Whose::Unbolt));
        let folder = tempfile::tempdir().unwrap();
        let mut sides = Sides { folder, peer: Peer::start(whose)?, of_go, of_ours, open: 0, store: None };
        sides.reopen(0);
        Some(sides)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn reopen(&mut self, bucket: usize) {
        if let Some(store) = self.store.take() {
            Box::new(store).close().unwrap();
            self.peer.close(0);
        }
        self.open = bucket;
        let whose = self.of_go[bucket].whose;
        self.of_go.iter_mut().for_each(|model| model.reopen(whose));
        self.of_ours.iter_mut().for_each(|model| model.reopen(Whose::Unbolt));
        let go = self.path("go.db");
        assert_eq!(self.peer.open(0, &go, BUCKETS[bucket]), Outcome::Done);
        self.store = Some(BoltStore::open(self.path("ours.db"), BUCKETS[bucket]).unwrap());
    }

    fn make(&mut self, call: &Call) {
        let Some(store) = &self.store else { return };
        // moby's store has only what libnetwork calls.
        let beside_the_interface = matches!(call, Call::Get { .. } | Call::DeleteTree { .. });
        if beside_the_interface && self.of_go[self.open].whose == Whose::Moby {
            return;
        }
        let (go, ours) = (&mut self.of_go[self.open], &mut self.of_ours[self.open]);
        let of = |model: &Model| call.previous().and_then(|(key, previous)| model.previous(key, previous));
        let (previous_of_go, previous) = (of(go), of(ours));
        // Go gives an index again after a restart: an old one may then be the current one there, and here it never is.
        let current = |model: &Model, index| call.previous().is_some_and(|(key, _)| model.is_current(key, index));
        if current(go, previous_of_go) != current(ours, previous) {
            return;
        }
        assert_eq!(self.peer.make(0, call, previous_of_go), go.make(call, previous_of_go), "Go's {call:?}");
        assert_eq!(ours::make(store, call, previous), ours.make(call, previous), "ours {call:?}");
    }

    /// Both files hold the same pairs, indexes apart, and Go finds nothing wrong with either.
    fn end(mut self) {
        self.reopen(0);
        for bucket in 0..BUCKETS.len() {
            let blank = |model: &Model| match Outcome::Pairs(model.pairs()).into_gos() {
                Outcome::Pairs(pairs) => pairs,
                other => panic!("{other:?}"),
            };
            assert_eq!(blank(&self.of_go[bucket]), blank(&self.of_ours[bucket]));
        }
        self.store.take().into_iter().for_each(|store| Box::new(store).close().unwrap());
        self.peer.close(0);
        let check = |peer: &mut Peer, path: &Path| peer.check(path);
        check(&mut self.peer, &self.folder.path().join("go.db"));
        check(&mut self.peer, &self.folder.path().join("ours.db"));
    }
}

fn beside(whose: Whose) {
    sequences(|steps| {
        let Some(mut sides) = Sides::new(whose) else { return };
        for step in steps {
            match step {
                Step::Make(call) => sides.make(call),
                Step::Open(bucket) => sides.reopen(*bucket),
            }
        }
        sides.end();
    });
}

/// One after the other: a process that is started holds, for a moment, the locks of all files that are open here.
#[test]
fn every_call_ends_as_in_gos_stores() {
    beside(Whose::Moby);
    beside(Whose::Libkv);
}
