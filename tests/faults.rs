//! A call to the disk that fails loses nothing that was acknowledged, and the database says what it knows.
//!
//! Each call of a run fails once, and for good. No space before the pages are synced: rolled back, and the database goes
//! on. Any other failure of a write or a sync: it is not written to again. From the meta on: the outcome is unknown, and
//! called so. Whatever happened, readers keep their state, and what a crash then leaves is the state before or after.
//! `FAULT='WORKLOAD/CALL/KIND'` runs one.

mod states;

use std::collections::HashSet;

use states::enumerate::{Depth, states};
use states::fault::{Call, Fault, Faulty, Kind};
use states::oracle::{Judge, Model, digest, words};
use states::record::Recorder;
use states::workload::{Workload, workload};
use states::world::World;
use unbolt::{Db, Error, FreelistMode, OutputFile, ReadTx};

const KINDS: [(Kind, bool); 7] = [
    (Kind::Failed, false),
    (Kind::Failed, true),
    (Kind::Full, false),
    (Kind::Full, true),
    (Kind::Short, false),
    (Kind::Short, true),
    // One that comes for ever is no signal.
    (Kind::Interrupted, false),
];
/// How many commits a run has; only the last one is large, where any is.
const COMMITS: usize = 8;

fn commits(workload: &Workload) -> usize {
    if workload.name == LARGE { 3 } else { COMMITS }
}

/// A file as a crash has left it: of its last meta only a part is there.
fn torn() -> World {
    let (workload, recorder) = (workload("growth"), Recorder::new(None));
    let db = workload.options.open_in(&recorder, workload.path).unwrap();
    (0..3).for_each(|number| db.update(|tx| change(&workload, tx, number)).unwrap());
    let (newest, mut bytes) = (db.begin_read().unwrap().id().0 as usize % 2, recorder.bytes(workload.path));
    bytes[newest * 1024 + 72] ^= 1;
    World::of(workload.path, bytes)
}

fn named(name: &'static str, set: impl Fn(&mut unbolt::OpenOptions)) -> Workload {
    let mut workload = workload("growth");
    workload.name = name;
    set(&mut workload.options);
    workload
}

/// Workloads and what they begin with.
fn workloads() -> [(Workload, World); 6] {
    let new = World::default;
    [
        (named(LARGE, |_| {}), new()),
        (named("growth", |_| {}), new()),
        (named("no list", |options| _ = options.freelist(FreelistMode::Never)), new()),
        (named("grown by writing", |options| _ = options.no_grow_sync(true)), new()),
        (named("roomy", |options| _ = options.growth_step(16 << 20)), new()),
        (named("after a crash", |_| {}), torn()),
    ]
}

/// The workload whose commits are so large that the disk is told to begin before all is written.
const LARGE: &str = "large values";

fn change(workload: &Workload, tx: &mut unbolt::WriteTx, number: usize) -> unbolt::Result<()> {
    if workload.name == LARGE && number + 1 == commits(workload) {
        tx.create_bucket_if_missing("large")?.put("value", vec![number as u8; 280 << 10])?;
    }
    let mut bucket = tx.create_bucket_if_missing("bucket")?;
    let key = |key: usize| format!("{key:03}");
    if number % 3 == 2 {
        (0..number).try_for_each(|old| bucket.delete(key(old * 10)).map(drop))?;
    }
    (0..4).try_for_each(|more| bucket.put(key(number * 10 + more), vec![number as u8; 300]))
}

/// What a run came to.
#[derive(Debug, Default)]
struct Seen {
    fine: usize,
    went_on: usize,
    poisoned: usize,
    unknown: usize,
    not_made: usize,
    /// All states that were judged.
    states: HashSet<u64>,
}

/// Runs a workload with a fault, and judges everything that a crash at the end can leave.
fn run(
    (workload, start): &(Workload, World),
    models: &[Option<Model>],
    fault: Option<Fault>,
    seen: &mut Seen,
) -> Result<usize, String> {
    let faulty = Faulty::new(Recorder::over(start, None), fault.clone());
    let outcome = Run { workload, models, faulty: &faulty, fault: fault.as_ref() }.commits(seen);
    let (judge, mut wrong) = (Judge { workload, models, whole: true }, outcome.err());
    let depth = Depth { all_of: 5, samples: 4 };
    let ops = faulty.recorder.ops();
    // States before the fault are those of other runs too.
    states(start, &ops, 1024, depth, &mut |hash| seen.states.insert(hash), &mut |state| {
        wrong = wrong.take().or_else(|| judge.judge(state).err().map(|wrong| format!("state {}: {wrong}", state.name)));
        wrong.is_none()
    });
    wrong.map_or(Ok(faulty.calls()), Err)
}

struct Run<'r> {
    workload: &'r Workload,
    models: &'r [Option<Model>],
    faulty: &'r Faulty,
    fault: Option<&'r Fault>,
}

impl Run<'_> {
    fn commits(&self, seen: &mut Seen) -> Result<(), String> {
        let db = match self.workload.options.open_in(self.faulty, self.workload.path) {
            Ok(db) => db,
            Err(e) if self.faulty.take_failed().is_some() => {
                seen.not_made += 1;
                return if matches!(e, Error::Io { .. }) { Ok(()) } else { Err(format!("opening it: {e}")) };
            }
            Err(e) => return Err(words(e)),
        };
        self.acknowledged(1);
        // What failed here made no difference.
        self.faulty.take_failed();
        for number in 0..commits(self.workload) {
            let reader = db.begin_read().map_err(words)?;
            let committed = db.update(|tx| change(self.workload, tx, number));
            let failed = self.faulty.take_failed();
            if committed.is_ok() {
                seen.fine += usize::from(failed.is_some());
                self.acknowledged(number + 2);
                continue;
            }
            if !self.goes_on(&db, &reader, number, committed, failed, seen)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What was acknowledged must be there from now on.
    fn acknowledged(&self, mark: usize) {
        self.faulty.recorder.mark(mark);
    }

    /// Judges a commit that failed; whether another one succeeded after it.
    fn goes_on(
        &self,
        db: &Db,
        reader: &ReadTx,
        number: usize,
        committed: Result<(), Error>,
        failed: Option<Call>,
        seen: &mut Seen,
    ) -> Result<bool, String> {
        let (Err(error), Some(call), Some(fault)) = (&committed, failed, self.fault) else {
            return Err(format!("commit {number}: {committed:?} after {failed:?}"));
        };
        let wrong = |what: &str| Err(format!("{call:?} at commit {number}: {what}: {error:?}"));
        let before = self.models[number + 1].as_ref().map(|model| model.digest);
        if Some(digest(db)?) != before {
            return wrong("readers see something else");
        }
        if reader.id() != db.begin_read().map_err(words)?.id() {
            return wrong("a reader's state is no longer the current one");
        }
        let unknown = matches!(error, Error::CommitUnknown { .. });
        let poisoned = matches!(db.begin_write(), Err(Error::Poisoned));
        let full = fault.kind == Kind::Full;
        match call {
            Call::WriteMeta | Call::SyncMeta if unknown && poisoned => seen.unknown += 1,
            Call::WriteMeta | Call::SyncMeta => return wrong("not unknown and poisoned"),
            _ if unknown => return wrong("unknown before the meta"),
            Call::WriteData | Call::Length if full && poisoned => return wrong("poisoned by a full disk"),
            Call::WriteData | Call::Length if !full && !poisoned => return wrong("not poisoned"),
            Call::SyncData if !poisoned => return wrong("not poisoned"),
            _ if poisoned => seen.poisoned += 1,
            _ => seen.went_on += 1,
        }
        if poisoned || fault.lasts {
            return Ok(false);
        }
        match db.update(|tx| change(self.workload, tx, number)) {
            Ok(()) => self.acknowledged(number + 2),
            Err(again) => return wrong(&format!("and the next commit fails too: {again}")),
        }
        Ok(true)
    }
}

/// The states of a run in which nothing fails.
fn models((workload, start): &(Workload, World)) -> Vec<Option<Model>> {
    let recorder = Recorder::over(start, None);
    let db = workload.options.open_in(&recorder, workload.path).unwrap();
    let model = || Some(Model::of(recorder.bytes(workload.path), &workload.options).unwrap());
    let mut models = vec![None, model()];
    for number in 0..commits(workload) {
        db.update(|tx| change(workload, tx, number)).unwrap();
        models.push(model());
    }
    models
}

/// Runs all workloads with every fault, and says after how many which one shows something wrong.
fn sweep() -> (usize, Option<String>) {
    let (only, mut all) = (std::env::var("FAULT").ok(), 0);
    for workload in workloads() {
        let (models, mut seen) = (models(&workload), Seen::default());
        let calls = run(&workload, &models, None, &mut seen).expect("nothing fails");
        for at in 1..=calls {
            for (kind, lasts) in KINDS {
                let name = format!("{}/{at}/{kind:?}{}", workload.0.name, if lasts { " for good" } else { "" });
                if only.as_ref().is_some_and(|only| *only != name) {
                    continue;
                }
                all += 1;
                if let Err(wrong) = run(&workload, &models, Some(Fault { at, kind, lasts }), &mut seen) {
                    return (all, Some(format!("{name}: {wrong}\nagain: FAULT='{name}' cargo test --test faults")));
                }
            }
        }
        let Seen { fine, went_on, poisoned, unknown, not_made, states } = seen;
        println!(
            "{}: {calls} calls; {not_made} faults kept it from being made, {fine} did not matter, {went_on} were rolled back, \
             {poisoned} poisoned it, {unknown} were unknown; {} states",
            workload.0.name,
            states.len()
        );
        assert!(only.is_some() || [fine, went_on, poisoned, unknown, not_made].iter().all(|count| *count > 0));
    }
    (all, None)
}

#[test]
fn whichever_call_fails_nothing_acknowledged_is_lost_and_the_outcome_is_said() {
    let (faults, wrong) = sweep();
    println!("{faults} faults");
    assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
}

/// What `tests/mutants/run` plants in a copy of the engine.
#[test]
#[ignore = "fails where there is no defect"]
fn a_defect_in_the_engine_is_found() {
    let (faults, wrong) = sweep();
    println!("found after {faults} faults: {}", wrong.as_deref().expect("not found"));
}

#[test]
fn an_output_whose_making_fails_has_no_name_and_leaves_nothing() {
    let workload = workload("compaction");
    let source = Recorder::new(None);
    let db = workload.options.open_in(&source, "db").unwrap();
    (0..COMMITS).for_each(|number| db.update(|tx| change(&workload, tx, number)).unwrap());
    let make = |faulty: &Faulty| -> unbolt::Result<()> {
        let output = OutputFile::beside_in(faulty.clone(), "db", 0o644)?;
        db.begin_read()?.compact_to(output.file(), &Default::default())?;
        output.persist()
    };
    let whole = Faulty::new(Recorder::new(None), None);
    make(&whole).unwrap();
    let model = Model::of(whole.recorder.bytes("db"), &workload.options).unwrap();
    let models = [None, Some(model)];
    let (mut made, mut not_made) = (0, 0);
    for at in 1..=whole.calls() {
        for (kind, lasts) in KINDS {
            let faulty = Faulty::new(Recorder::new(None), Some(Fault { at, kind, lasts }));
            match make(&faulty) {
                Ok(()) => {
                    faulty.recorder.mark(1);
                    made += 1;
                }
                Err(e) => {
                    assert!(matches!(e, Error::Io { .. }), "{e:?}");
                    not_made += 1;
                }
            }
            faulty.heal();
            let judge = Judge { workload: &workload, models: &models, whole: true };
            let depth = Depth { all_of: 5, samples: 10 };
            states(&Default::default(), &faulty.recorder.ops(), 4096, depth, &mut |_| true, &mut |state| {
                judge.judge(state).unwrap_or_else(|wrong| panic!("{at}/{kind:?}: {}: {wrong}", state.name));
                true
            });
        }
    }
    assert!(made > 0 && not_made > 0);
}
