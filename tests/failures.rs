//! Every call of a commit fails, once or from then on, in every way: what the commit says is what the disk holds, and
//! nobody who reads notices.

mod support;
mod twin;

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use support::faulty::{Call, Done, Failure, Fault, Faulty};
use twin::{Held, Twin, assert_same, assert_sound};
use unbolt::{Db, Error, FreelistMode, MemoryDisk, OpenOptions, WriteTx};

const PAGE: u64 = 1024;
const EIO: i32 = 5;
const EFBIG: i32 = 27;
const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;

/// What becomes of a transaction one call of whose commit fails, and of the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is not committed, and the next one can be.
    RolledBack,
    /// It is not committed, and nothing can be before the database is opened again.
    Poisoned,
    /// It is committed or is not, and nothing more can be before the database is opened again.
    Unknown,
}

/// The steps of a commit as far as they call the disk, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Grow,
    SyncGrowth,
    WritePages,
    /// Between writes, where there are many.
    BeginPages,
    SyncPages,
    /// Only of a disk that is kept in memory: what was written is read for those who begin to read.
    ReadBack,
    WriteMeta,
    SyncMeta,
}

/// The table.
fn outcome(step: Step, error: i32) -> Outcome {
    let no_space = [ENOSPC, EDQUOT, EFBIG].contains(&error);
    match step {
        Step::Grow | Step::WritePages if no_space => Outcome::RolledBack,
        Step::ReadBack => Outcome::RolledBack,
        Step::Grow | Step::SyncGrowth | Step::WritePages | Step::BeginPages | Step::SyncPages => Outcome::Poisoned,
        Step::WriteMeta | Step::SyncMeta => Outcome::Unknown,
    }
}

/// The step that each call of a commit belongs to.
fn steps(calls: &[Call]) -> Vec<Step> {
    let mut syncs = 0;
    let step = |call: &Call| match call {
        Call::SetLen(_) => Step::Grow,
        Call::SyncAll => Step::SyncGrowth,
        Call::Write { offset, .. } if *offset < 2 * PAGE => Step::WriteMeta,
        Call::Write { .. } => Step::WritePages,
        Call::StartWriteback { .. } => Step::BeginPages,
        Call::Read => Step::ReadBack,
        Call::SyncData => {
            syncs += 1;
            if syncs == 1 { Step::SyncPages } else { Step::SyncMeta }
        }
    };
    calls.iter().map(step).collect()
}

fn options(no_sync: bool, no_grow_sync: bool, freelist: FreelistMode) -> OpenOptions {
    let mut options = Db::options();
    options.page_size(PAGE as u32).growth_step(64 << 10).no_sync(no_sync).no_grow_sync(no_grow_sync).freelist(freelist);
    options
}

/// A database with a state that is read, and what is in it.
struct Scene {
    options: OpenOptions,
    disk: Arc<Faulty>,
    db: Db,
    before: Twin,
}

impl Scene {
    fn new(options: &OpenOptions) -> Scene {
        let disk = Arc::new(Faulty::default());
        let db = options.open_disk(Arc::clone(&disk) as _).unwrap();
        let mut before = Twin::default();
        for round in 0..3 {
            db.update(|tx| put(tx, &mut before, round * 20..round * 20 + 40, 60)).unwrap();
        }
        Scene { options: options.clone(), disk, db, before }
    }

    /// A transaction that takes free pages and grows the file by more than is written at once.
    fn change(&self, after: &mut Twin) -> Result<(), Error> {
        self.db.update(|tx| put(tx, after, 30..60, 9000))
    }

    /// What is on the disk is one of these states, sound to the last page, and can be gone on with.
    fn assert_disk_holds(&self, states: &[&Twin]) {
        let disk = Arc::new(MemoryDisk::from(self.disk.disk.to_bytes()));
        let db = self.options.open_disk(Arc::clone(&disk) as _).unwrap();
        let tx = db.begin_read().unwrap();
        let found = twin_of(&tx.root().unwrap());
        let state = states.iter().find(|state| ***state == found).expect("one of the states");
        assert_sound(&tx);
        let mut more = (*state).clone();
        db.update(|tx| put(tx, &mut more, 200..230, 50)).unwrap();
        assert_same(&db.begin_read().unwrap().root().unwrap(), &more, 3);
        assert_sound(&db.begin_read().unwrap());
    }
}

fn put(tx: &mut WriteTx, twin: &mut Twin, keys: std::ops::Range<u32>, len: usize) -> Result<(), Error> {
    for key in keys {
        let (key, value) = (format!("{key:04}").into_bytes(), vec![key as u8; len]);
        tx.root_mut().put(&key, &value)?;
        twin.entries.insert(key, Held::Value(value));
    }
    Ok(())
}

fn twin_of(bucket: &unbolt::Bucket<'_>) -> Twin {
    let pair = |pair: unbolt::Result<(&[u8], unbolt::Entry<'_>)>| {
        let (key, entry) = pair.unwrap();
        (key.to_vec(), Held::Value(entry.value().unwrap().to_vec()))
    };
    Twin { sequence: bucket.sequence(), entries: bucket.iter().map(pair).collect() }
}

/// The steps of the commit, one for each call.
fn steps_of(options: &OpenOptions) -> Vec<Step> {
    let scene = Scene::new(options);
    scene.disk.set(None);
    scene.change(&mut scene.before.clone()).unwrap();
    let found = steps(&scene.disk.calls());
    assert!(found.iter().filter(|step| **step != Step::BeginPages).is_sorted(), "{found:?}");
    found
}

fn fail(options: &OpenOptions, step: Step, fault: Fault) {
    let case = format!("{step:?}, {fault:?}, {options:?}");
    let Failure::Error(error, _) = fault.failure else { panic!("{case}") };
    let scene = Scene::new(options);
    let (mut after, db) = (scene.before.clone(), &scene.db);
    let reader = db.begin_read().unwrap();
    scene.disk.set(Some(fault));
    let failed = scene.change(&mut after).unwrap_err();

    let outcome = outcome(step, error);
    match (&failed, outcome) {
        (Error::CommitUnknown { source }, Outcome::Unknown) => assert_eq!(source.raw_os_error(), Some(error), "{case}"),
        (Error::Io { source, .. }, Outcome::RolledBack | Outcome::Poisoned) => {
            assert_eq!(source.raw_os_error(), Some(error), "{case}");
        }
        _ => panic!("{case}: {failed:?}"),
    }
    // Nobody in this process sees anything of it.
    assert_same(&reader.root().unwrap(), &scene.before, 1);
    assert_same(&db.begin_read().unwrap().root().unwrap(), &scene.before, 2);
    match outcome {
        Outcome::Unknown => scene.assert_disk_holds(&[&scene.before, &after]),
        _ => scene.assert_disk_holds(&[&scene.before]),
    }

    match outcome {
        Outcome::RolledBack => {
            scene.disk.set(None);
            let mut again = scene.before.clone();
            scene.change(&mut again).unwrap_or_else(|e| panic!("{case}: {e}"));
            assert_same(&db.begin_read().unwrap().root().unwrap(), &again, 4);
            assert_sound(&db.begin_read().unwrap());
            scene.assert_disk_holds(&[&again]);
        }
        Outcome::Poisoned | Outcome::Unknown => {
            scene.disk.set(None);
            for _ in 0..2 {
                assert!(matches!(scene.change(&mut Twin::default()), Err(Error::Poisoned)), "{case}");
                assert!(matches!(db.batch(|tx| put(tx, &mut Twin::default(), 0..1, 1)), Err(Error::Poisoned)), "{case}");
                assert!(matches!(db.sync(), Err(Error::Poisoned)), "{case}");
                assert!(matches!(db.begin_write().map(drop), Err(Error::Poisoned)), "{case}");
            }
            assert_eq!(scene.disk.calls(), [], "{case}: the disk is left alone");
        }
    }
    assert_same(&reader.root().unwrap(), &scene.before, 5);
}

#[test]
fn whatever_call_of_a_commit_fails_it_says_what_the_disk_holds() {
    let mut cases = 0;
    for (no_sync, no_grow_sync, freelist) in
        [(false, false, FreelistMode::EachCommit), (false, true, FreelistMode::Never), (true, false, FreelistMode::EachCommit)]
    {
        let options = options(no_sync, no_grow_sync, freelist);
        let steps = steps_of(&options);
        let has = |step| steps.contains(&step);
        assert!(has(Step::WritePages) && has(Step::ReadBack) && has(Step::WriteMeta), "{steps:?}");
        assert_eq!((has(Step::Grow), has(Step::SyncGrowth)), (!no_grow_sync, !no_grow_sync), "{steps:?}");
        assert_eq!((has(Step::SyncPages), has(Step::SyncMeta)), (!no_sync, !no_sync), "{steps:?}");
        assert_eq!(has(Step::BeginPages), !no_sync, "{steps:?}");
        for (at, step) in steps.iter().enumerate() {
            for error in [EIO, ENOSPC, EDQUOT, EFBIG] {
                for done in [Done::Nothing, Done::Half, Done::All] {
                    for sticky in [false, true] {
                        fail(&options, *step, Fault { at, sticky, failure: Failure::Error(error, done) });
                        cases += 1;
                    }
                }
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 400);
}

#[test]
fn a_disk_that_panics_leaves_a_handle_that_writes_no_more() {
    let options = options(false, false, FreelistMode::EachCommit);
    for (at, step) in steps_of(&options).into_iter().enumerate() {
        let scene = Scene::new(&options);
        let mut after = scene.before.clone();
        let reader = scene.db.begin_read().unwrap();
        scene.disk.set(Some(Fault { at, sticky: false, failure: Failure::Panic }));
        assert!(catch_unwind(AssertUnwindSafe(|| scene.change(&mut after))).is_err());
        scene.disk.set(None);
        assert!(matches!(scene.change(&mut Twin::default()), Err(Error::Poisoned)), "{step:?}");
        assert_eq!(scene.disk.calls(), []);
        assert_same(&reader.root().unwrap(), &scene.before, 1);
        scene.assert_disk_holds(&[&scene.before, &after]);
    }
}

#[test]
fn a_batch_whose_disk_panics_keeps_nobody_waiting() {
    let options = options(false, false, FreelistMode::EachCommit);
    let scene = Scene::new(&options);
    scene.disk.set(Some(Fault { at: 0, sticky: true, failure: Failure::Panic }));
    let callers = 6;
    let tx = scene.db.begin_write().unwrap();
    std::thread::scope(|scope| {
        let caller = |n| {
            let db = &scene.db;
            let call = move || db.batch(|tx| put(tx, &mut Twin::default(), n..n + 1, 5));
            scope.spawn(move || catch_unwind(AssertUnwindSafe(call)))
        };
        let callers: Vec<_> = (0..callers).map(caller).collect();
        drop(tx);
        let told: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
        assert_eq!(told.iter().filter(|told| told.is_err()).count(), 1, "one of them wrote");
        for told in told.into_iter().flatten() {
            assert!(matches!(told, Err(Error::CommitUnknown { .. } | Error::Poisoned)), "{told:?}");
        }
    });
}

#[test]
fn a_sync_that_fails_is_never_followed_by_one_that_is_believed() {
    let scene = Scene::new(&options(true, false, FreelistMode::EachCommit));
    let mut after = scene.before.clone();
    scene.change(&mut after).unwrap();
    scene.disk.set(Some(Fault { at: 0, sticky: false, failure: Failure::Error(EIO, Done::Nothing) }));
    assert!(matches!(scene.db.sync(), Err(Error::Io { op: "sync", .. })));
    assert!(matches!(scene.db.sync(), Err(Error::Poisoned)));
    assert!(matches!(scene.change(&mut Twin::default()), Err(Error::Poisoned)));
    // What was committed before is seen all the same.
    assert_same(&scene.db.begin_read().unwrap().root().unwrap(), &after, 7);
}

#[test]
fn a_list_that_cannot_be_stored_at_the_end_is_an_error() {
    let options = options(false, false, FreelistMode::OnClose);
    for (at, poisoned) in [(None, false), (Some(0), false), (Some(0), true)] {
        let scene = Scene::new(&options);
        let fault = at.map(|at| Fault { at, sticky: true, failure: Failure::Error(EIO, Done::Nothing) });
        scene.disk.set(fault);
        if poisoned {
            scene.change(&mut Twin::default()).unwrap_err();
        }
        let Scene { db, disk, .. } = scene;
        match (db.close(), at, poisoned) {
            (Ok(()), None, _) | (Err(Error::Poisoned), _, true) | (Err(Error::Io { .. }), _, false) => {}
            (other, ..) => panic!("{at:?} {poisoned}: {other:?}"),
        }
        let listed = |bytes| unbolt::Snapshot::from_bytes(bytes).unwrap().meta().freelist.is_some();
        assert_eq!(listed(disk.disk.to_bytes()), at.is_none());
    }
}

#[test]
fn a_strict_database_commits_no_state_that_does_not_verify() {
    let mut options = options(false, false, FreelistMode::EachCommit);
    let scene = Scene::new(&options);
    let Scene { db, disk, .. } = scene;
    db.close().unwrap();
    // A page in use becomes one of no type; nothing that is changed below is on it.
    let mut bytes = disk.disk.to_bytes();
    let leaf = (2..).find(|page| bytes[page * 1024 + 8] == 2 && bytes[page * 1024 + 10] > 2 && in_use(&bytes, *page as u64));
    let leaf = leaf.unwrap();
    bytes[leaf * 1024 + 8] = 0;
    for strict in [false, true] {
        let disk = Arc::new(MemoryDisk::from(bytes.clone()));
        let db = options.strict(strict).open_disk(Arc::clone(&disk) as _).unwrap();
        let done = db.update(|tx| tx.root_mut().create_bucket("zz").map(drop));
        match done {
            Ok(()) => assert!(!strict),
            Err(Error::Corrupt(found)) => {
                assert!(strict);
                assert_eq!(found.page.map(|page| page.0), Some(leaf as u64));
                assert!(matches!(db.begin_write().map(drop), Err(Error::Poisoned)));
                assert!(db.begin_read().unwrap().bucket("zz").unwrap().is_none());
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn in_use(bytes: &[u8], page: u64) -> bool {
    let snapshot = unbolt::Snapshot::from_bytes(bytes).unwrap();
    unbolt::tree::reach(snapshot.pages()).unwrap().pages.contains(unbolt::format::PageId(page))
}

const CHILD: &str = "UNBOLT_TEST_FAILURES_FILE";

/// Not a test by itself: the next one runs it where no file may become longer than a limit.
#[test]
fn child_that_meets_a_limit() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let path = Path::new(&path);
    let db = Db::options().open(path).unwrap();
    let mut twin = Twin::default();
    db.update(|tx| put(tx, &mut twin, 0..50, 100)).unwrap();
    let reader = db.begin_read().unwrap();
    for _ in 0..2 {
        let mut never = twin.clone();
        match db.update(|tx| put(tx, &mut never, 10..60, 20_000)) {
            Err(Error::Io { source, .. }) => assert_eq!(source.kind(), ErrorKind::FileTooLarge),
            other => panic!("{other:?}"),
        }
        assert_same(&reader.root().unwrap(), &twin, 1);
        // What fits can still be written.
        let mut more = twin.clone();
        db.update(|tx| put(tx, &mut more, 40..60, 200)).unwrap();
        assert_same(&reader.root().unwrap(), &twin, 2);
        assert_same(&db.begin_read().unwrap().root().unwrap(), &more, 3);
        db.update(|tx| tx.root_mut().retain(|key, _| twin.entries.contains_key(key))).unwrap();
        db.update(|tx| put(tx, &mut twin.clone(), 0..50, 100)).unwrap();
    }
    drop(reader);
    drop(db);
    let db = Db::options().open(path).unwrap();
    assert_same(&db.begin_read().unwrap().root().unwrap(), &twin, 4);
    assert_sound(&db.begin_read().unwrap());
    println!("\nmet it");
}

/// A real file, mapped, on which growth really fails.
#[test]
fn a_file_that_may_not_grow_any_further_can_still_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    for (grow, extra) in [("the length fails", "128"), ("a later growth fails", "300")] {
        let path = folder.path().join(format!("{extra}.db"));
        let mut shell = Command::new("bash");
        let limited = format!("trap '' XFSZ; ulimit -f {extra}; exec \"$0\" --exact child_that_meets_a_limit --nocapture");
        shell.args(["-c", &limited]).arg(std::env::current_exe().unwrap()).env(CHILD, &path);
        match shell.output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success() && text.contains("met it"), "{grow}: {text}{output:?}");
            }
            Err(e) if e.kind() == ErrorKind::NotFound => return eprintln!("skipped: no bash"),
            Err(e) => panic!("{e}"),
        }
        assert!(path.exists());
    }
}
