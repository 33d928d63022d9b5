//! The lock, held by this process and by others: Go's bbolt, and this library in a child of this very binary.

mod go;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use unbolt::{Backing, Db, Error, Verify, lock_holders};

use go::Beside;

const CHILD_FILE: &str = "UNBOLT_TEST_LOCK_FILE";
const CHILD_SHARED: &str = "UNBOLT_TEST_LOCK_SHARED";
const CHILD_CREATES: &str = "UNBOLT_TEST_LOCK_CREATES";
/// Long enough on any machine, and never waited for where all is well.
const LONG: Duration = Duration::from_secs(120);

/// Not a test by itself: the children of the others run it. It opens a database, says so, and holds it until its
/// standard input ends.
#[test]
fn child_that_holds_a_lock() {
    let Some(path) = std::env::var_os(CHILD_FILE) else { return };
    let db = Db::options().read_only(std::env::var_os(CHILD_SHARED).is_some()).open(path);
    match &db {
        Ok(_) => println!("\nheld"),
        Err(e) => println!("\nrefused: {e}"),
    }
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

/// Not a test by itself either: as `interop/create`, it opens a database at each path that it reads, and puts a key there.
#[test]
fn child_that_creates() {
    if std::env::var_os(CHILD_CREATES).is_none() {
        return;
    }
    println!("\nready");
    for path in std::io::stdin().lines() {
        let put = || {
            let db = Db::options().lock_timeout(LONG).open(path.unwrap())?;
            db.update(|tx| tx.create_bucket_if_missing("b")?.put("unbolt", "was here"))?;
            db.close()
        };
        match put() {
            Ok(()) => println!("done"),
            Err(e) => println!("{e}"),
        }
    }
}

fn child(path: &Path, shared: bool) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_that_holds_a_lock", "--nocapture"]).env(CHILD_FILE, path);
    if shared {
        command.env(CHILD_SHARED, "1");
    }
    command
}

fn go_holder(program: &Path, path: &Path, shared: bool) -> Command {
    let mut command = Command::new(program);
    command.args(shared.then_some("-shared")).arg(path);
    command
}

/// Every other process that can hold a lock, by name, and how it is started.
fn others(path: &Path, shared: bool) -> Vec<(&'static str, Command)> {
    let go = go::program("lock").map(|program| ("go", go_holder(&program, path, shared)));
    [Some(("unbolt", child(path, shared))), go].into_iter().flatten().collect()
}

fn holding(mut command: Command) -> Beside {
    let mut process = Beside::start(&mut command);
    process.wait_for("held");
    process
}

/// Whether Go gets the lock now.
fn go_gets_it(program: &Path, path: &Path, shared: bool) -> bool {
    go_holder(program, path, shared)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// One test at a time. A process that is just being started shares every open file, locks included, until it has
/// become its own program: what one test starts would hold what another has let go.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn database(folder: &Path) -> PathBuf {
    let path = folder.join("test.db");
    std::fs::copy("testdata/docker/live-20.10.24.db", &path).unwrap();
    path
}

fn open(path: &Path, shared: bool) -> unbolt::Result<Db> {
    Db::options().read_only(shared).open(path)
}

#[test]
fn only_shared_locks_go_together_whoever_holds_the_other() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    for theirs_shared in [false, true] {
        for (who, command) in others(&path, theirs_shared) {
            let mut other = holding(command);
            for ours_shared in [false, true] {
                let together = theirs_shared && ours_shared;
                let case = format!("{who} shared {theirs_shared}, ours shared {ours_shared}");
                match open(&path, ours_shared) {
                    Ok(_) => assert!(together, "{case}"),
                    Err(e) => assert!(e.is_locked() && !together, "{case}: {e}"),
                }
            }
            assert!(other.end().success());
            open(&path, false).unwrap();
        }
    }
}

#[test]
fn whoever_holds_the_lock_is_named() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    assert_eq!(lock_holders(&path), []);
    for shared in [false, true] {
        for (who, command) in others(&path, shared) {
            let other = holding(command);
            let error = open(&path, false).unwrap_err();
            let Error::Locked { holders, .. } = &error else { panic!("{who}: {error}") };
            assert_eq!(holders.len(), 1, "{who}: {holders:?}");
            assert_eq!((holders[0].pid, holders[0].exclusive), (other.pid(), !shared), "{who}");
            let command = std::fs::read_to_string(format!("/proc/{}/comm", other.pid())).unwrap();
            assert_eq!(holders[0].command.as_deref(), Some(command.trim_end()), "{who}");
            assert!(error.to_string().contains(&format!("{} (pid {})", command.trim_end(), other.pid())), "{error}");
            assert_eq!(lock_holders(&path), *holders, "{who}");
        }
    }
    assert_eq!(lock_holders(&path), []);
}

#[test]
fn two_holders_of_a_shared_lock_are_both_named() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let two = [holding(child(&path, true)), holding(child(&path, true))];
    let mut named: Vec<u32> = lock_holders(&path).iter().map(|holder| holder.pid).collect();
    let mut expected = two.each_ref().map(Beside::pid);
    named.sort();
    expected.sort();
    assert_eq!(named, expected);
}

#[test]
fn the_lock_is_waited_for_as_long_as_asked_and_no_longer() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    for (who, command) in others(&path, false) {
        let _other = holding(command);
        let timeout = Duration::from_millis(120);
        let error = Db::options().lock_timeout(timeout).open(&path).unwrap_err();
        let Error::Locked { waited, .. } = error else { panic!("{who}: {error}") };
        assert!(waited >= timeout, "{who}: {waited:?}");
    }
}

#[test]
fn whoever_waits_gets_the_lock_when_it_is_released() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    for (who, command) in others(&path, false) {
        let mut other = holding(command);
        std::thread::scope(|scope| {
            let patient = scope.spawn(|| Db::options().lock_timeout(LONG).open(&path).map(drop));
            let stubborn = scope.spawn(|| Db::options().lock_forever().open(&path).map(drop));
            assert!(other.end().success());
            assert!(patient.join().unwrap().is_ok(), "{who}");
            assert!(stubborn.join().unwrap().is_ok(), "{who}");
        });
    }
}

#[test]
fn without_a_timeout_the_lock_is_tried_once() {
    let _alone = alone();
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        return eprintln!("skipped: no strace");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let trace = folder.path().join("trace");
    let _holder = open(&path, false).unwrap();
    let own = child(&path, false);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-e", "trace=flock", "-o"]).arg(&trace).arg(own.get_program()).args(own.get_args());
    traced.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    let output = traced.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("\nrefused: locked by "), "{output:?}");
    let calls = std::fs::read_to_string(&trace).unwrap();
    let flocks: Vec<&str> = calls.lines().filter(|line| line.contains("flock(")).collect();
    assert_eq!(flocks.len(), 1, "{flocks:?}");
    assert!(flocks[0].contains("LOCK_EX|LOCK_NB") && flocks[0].contains("EAGAIN"), "{flocks:?}");
}

#[test]
fn the_lock_ends_with_the_last_of_database_and_transactions() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    for backing in [Backing::Map, Backing::Heap] {
        let db = Db::options().backing(backing).open(&path).unwrap();
        let (first, second) = (db.begin_read().unwrap(), db.begin_read().unwrap());
        let still = || open(&path, true).unwrap_err().is_locked();
        drop(first);
        assert!(still());
        db.close().unwrap();
        assert!(still(), "a transaction is still open");
        assert_eq!(lock_holders(&path).len(), 1);
        drop(second);
        assert_eq!(lock_holders(&path), []);
        open(&path, false).unwrap();
    }
}

#[test]
fn go_gets_the_lock_when_the_last_transaction_is_gone_and_not_before() {
    let _alone = alone();
    let Some(go) = go::program("lock") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    for shared in [false, true] {
        let db = open(&path, shared).unwrap();
        let tx = db.begin_read().unwrap();
        assert!(!go_gets_it(&go, &path, false));
        assert_eq!(go_gets_it(&go, &path, true), shared);
        drop(db);
        assert!(!go_gets_it(&go, &path, false));
        drop(tx);
        assert!(go_gets_it(&go, &path, false));
    }
}

#[test]
fn an_open_that_fails_under_the_lock_gives_it_back() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let sound = std::fs::read(&path).unwrap();
    let no_meta: Vec<u8> = std::iter::repeat_n(0xa5, 8192).chain(sound[8192..].iter().copied()).collect();
    let cut = sound[..8192].to_vec();
    let pages_gone: Vec<u8> = sound[..8192].iter().copied().chain(std::iter::repeat_n(0, sound.len() - 8192)).collect();
    for (damage, bytes) in [("no meta", no_meta), ("cut", cut), ("pages gone", pages_gone), ("empty", Vec::new())] {
        for backing in [Backing::Map, Backing::Heap] {
            // In place: the same file, so that a lock left behind would show.
            std::fs::write(&path, &bytes).unwrap();
            for shared in [false, true] {
                let mut options = Db::options();
                let error =
                    options.create(false).read_only(shared).backing(backing).verify(Verify::Tree).open(&path).unwrap_err();
                assert!(error.is_corrupt(), "{damage}: {error}");
            }
            assert_eq!(lock_holders(&path), [], "{damage}");
            std::fs::write(&path, &sound).unwrap();
            open(&path, false).unwrap();
        }
    }
}

#[test]
fn whoever_creates_a_file_beside_others_loses_nothing() {
    let own = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child_that_creates", "--nocapture"]).env(CHILD_CREATES, "1");
        ("unbolt", command)
    };
    let Some(program) = go::program("create") else { return };
    let _alone = alone();
    for (rounds, others) in [(200, ("go", Command::new(program))), (50, own())] {
        let folder = tempfile::tempdir().unwrap();
        let mut both = [own(), others].map(|(name, mut command)| {
            let mut process = Beside::start(&mut command);
            process.wait_for("ready");
            (name, process)
        });
        for round in 0..rounds {
            let path = folder.path().join(format!("{round}.db"));
            // Whoever is told first has a moment's start.
            both.reverse();
            for (_, process) in &mut both {
                writeln!(process.input(), "{}", path.display()).unwrap();
            }
            for (name, process) in &mut both {
                assert_eq!(process.line().as_deref(), Some("done"), "{name}, round {round}");
            }
            let db = Db::options().read_only(true).verify(Verify::Tree).open(&path).unwrap();
            let tx = db.begin_read().unwrap();
            let bucket = tx.bucket("b").unwrap().unwrap();
            for (name, _) in &both {
                assert_eq!(bucket.get(name).unwrap(), Some(&b"was here"[..]), "{name}, round {round}");
            }
        }
        for (_, process) in &mut both {
            assert!(process.end().success());
        }
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, rounds, "no other file is left behind");
    }
}

/// Where a file that somebody waits for is replaced, the new one is what is waited for.
#[cfg(target_os = "linux")]
#[test]
fn whoever_waited_for_a_file_that_was_replaced_opens_the_one_that_is_there() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let descriptors = || {
        let all = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        all.filter(|target| *target == path).count()
    };
    for shared in [false, true] {
        let holder = open(&path, false).unwrap();
        let new = folder.path().join("new.db");
        Db::open(&new).unwrap().update(|tx| tx.create_bucket("new").map(drop)).unwrap();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| Db::options().read_only(shared).lock_timeout(LONG).open(&path));
            while descriptors() < 2 {
                std::thread::yield_now();
            }
            std::fs::rename(&new, &path).unwrap();
            drop(holder);
            let db = waits.join().unwrap().unwrap();
            assert!(db.begin_read().unwrap().bucket("new").unwrap().is_some(), "shared {shared}");
        });
    }
}

#[test]
fn a_snapshot_neither_takes_nor_minds_a_lock() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    let snapshot = unbolt::Snapshot::open(&path).unwrap();
    assert_eq!(lock_holders(&path), []);
    let _db = open(&path, false).unwrap();
    assert!(snapshot.root().unwrap().bucket(b"libnetwork").unwrap().is_some());
    let beside = unbolt::Snapshot::open(&path).unwrap().hold().unwrap();
    assert!(beside.root().unwrap().bucket(b"libnetwork").unwrap().is_some());
    assert!(snapshot.is_current().unwrap() && beside.is_current().unwrap());
}
