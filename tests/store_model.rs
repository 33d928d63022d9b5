//! The store against a model: random calls, alone and many in one transaction, on two stores of one file that is
//! closed and opened in between.

mod calls;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use calls::model::{Model, Whose};
use calls::{BUCKETS, Call, ours};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use tempfile::TempDir;
use unbolt::Snapshot;
use unbolt::check::check_snapshot;
use unbolt::store::{BoltStore, KvPair, Store, StoreError};

const CASES: u64 = 300;

/// What is done to the store that is open.
#[derive(Debug, Clone)]
enum Step {
    Alone(Call),
    /// Many calls in one transaction, which is committed, fails, or panics.
    Together(Vec<Call>, End),
    /// The file is closed, and one of its stores opened.
    Open(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Committed,
    Failed,
    Panicked,
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Step {
        match u8::arbitrary(g) % 20 {
            0 => Step::Open(usize::from(bool::arbitrary(g))),
            1..=4 => {
                let end = *g.choose(&[End::Committed, End::Committed, End::Failed, End::Panicked]).expect("some");
                Step::Together(Vec::arbitrary(&mut Gen::new(12)), end)
            }
            _ => Step::Alone(Call::arbitrary(g)),
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Step>> {
        match self {
            Step::Together(calls, end) => {
                let end = *end;
                Box::new(calls.shrink().map(move |fewer| Step::Together(fewer, end)))
            }
            _ => quickcheck::empty_shrinker(),
        }
    }
}

#[test]
fn a_store_is_as_its_model_call_by_call() {
    fn holds(steps: Vec<Step>) -> Result<(), String> {
        Run::new().steps(&steps)
    }
    QuickCheck::new().rng(Gen::new(80)).tests(CASES).quickcheck(holds as fn(Vec<Step>) -> Result<(), String>);
}

/// A file with two stores, one of which is open, and a model of each.
struct Run {
    folder: TempDir,
    models: [Model; 2],
    open: usize,
    store: Option<BoltStore>,
}

impl Run {
    fn new() -> Run {
        let mut run = Run {
            folder: tempfile::tempdir().unwrap(),
            models: BUCKETS.map(|_| Model::new(Whose::Unbolt)),
            open: 0,
            store: None,
        };
        run.reopen(0);
        run
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("network/files/local-kv.db")
    }

    fn reopen(&mut self, open: usize) {
        if let Some(store) = self.store.take() {
            Box::new(store).close().unwrap();
        }
        self.open = open;
        self.models[open].reopen(Whose::Unbolt);
        self.store = Some(BoltStore::open(self.path(), BUCKETS[open]).unwrap());
    }

    fn steps(mut self, steps: &[Step]) -> Result<(), String> {
        for (number, step) in steps.iter().enumerate() {
            self.step(step).map_err(|differs| format!("step {number}, {step:?}: {differs}"))?;
        }
        for open in [0, 1] {
            self.reopen(open);
            same(&self.entries(), &self.models[open].pairs())?;
        }
        drop(self.store.take());
        let mut findings = Vec::new();
        check_snapshot(&Snapshot::open(self.path()).unwrap(), &mut |finding| findings.push(finding.to_string())).unwrap();
        same(&findings, &Vec::new())
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let (store, model) = (self.store.as_ref().unwrap(), &mut self.models[self.open]);
        match step {
            Step::Open(open) => self.reopen(*open),
            Step::Alone(call) => {
                let previous = call.previous().and_then(|(key, previous)| model.previous(key, previous));
                same(&ours::make(store, call, previous), &model.make(call, previous))?;
            }
            Step::Together(calls, end) => {
                let before = model.clone();
                together(store, model, calls, *end)?;
                if *end != End::Committed {
                    *model = before;
                }
            }
        }
        same(&self.entries(), &self.models[self.open].pairs())
    }

    fn entries(&self) -> Vec<KvPair> {
        self.store.as_ref().unwrap().entries("").unwrap().map(Result::unwrap).collect()
    }
}

fn together(store: &BoltStore, model: &mut Model, calls: &[Call], end: End) -> Result<(), String> {
    let mut differs = Ok(());
    let made = catch_unwind(AssertUnwindSafe(|| {
        store.update(|store| {
            for call in calls {
                let previous = call.previous().and_then(|(key, previous)| model.previous(key, previous));
                let outcome = ours::make_in(store, call, previous);
                differs = differs.clone().and(same(&outcome, &model.make(call, previous)));
                let entries: Vec<_> = store.entries("")?.map(Result::unwrap).collect();
                differs = differs.clone().and(same(&entries, &model.pairs()));
            }
            match end {
                End::Committed => Ok(()),
                End::Failed => Err(StoreError::KeyNotFound),
                // Without the words that a panic otherwise says.
                End::Panicked => resume_unwind(Box::new(())),
            }
        })
    }));
    let as_meant = match (end, made) {
        (End::Committed, Ok(Ok(()))) | (End::Failed, Ok(Err(StoreError::KeyNotFound))) | (End::Panicked, Err(_)) => Ok(()),
        (_, made) => Err(format!("a transaction that is to be {end:?} ended as {made:?}")),
    };
    differs.and(as_meant)
}

fn same<T: PartialEq + std::fmt::Debug>(ours: &T, expected: &T) -> Result<(), String> {
    if ours == expected { Ok(()) } else { Err(format!("{ours:?} instead of {expected:?}")) }
}
