//! `Db::batch`: callers share commits, each gets what is its own, and none waits for callers that never come.

use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use unbolt::{Db, Disk, Error, MemoryDisk, WriteTx};

const CALLERS: u64 = 8;

fn database() -> Db {
    let db = Db::options().page_size(1024).open_disk(Arc::new(MemoryDisk::new())).unwrap();
    db.update(|tx| tx.create_bucket("b").map(drop)).unwrap();
    db
}

fn put(tx: &mut WriteTx, key: u64) -> Result<(), Error> {
    tx.bucket_mut("b")?.put(key.to_be_bytes(), "")
}

fn keys(db: &Db) -> BTreeSet<u64> {
    let tx = db.begin_read().unwrap();
    let keys = tx.bucket("b").unwrap().unwrap().iter().map(|pair| u64::from_be_bytes(pair.unwrap().0.try_into().unwrap()));
    keys.collect()
}

/// Lets all callers come while another transaction writes, until at least two of them have shared a commit: when they
/// come to stand in line is the system's affair. `call` is told who it is, over all rounds.
fn until_shared<T: Send>(db: &Db, call: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let mut all = Vec::new();
    for round in 0..10_000 {
        let before = db.stats().unwrap().writes.commits;
        let (barrier, tx) = (Barrier::new(CALLERS as usize + 1), db.begin_write().unwrap());
        thread::scope(|scope| {
            let (barrier, call) = (&barrier, &call);
            let caller = |n| {
                scope.spawn(move || {
                    barrier.wait();
                    call(round * CALLERS + n)
                })
            };
            let callers: Vec<_> = (0..CALLERS).map(caller).collect();
            barrier.wait();
            (0..100).for_each(|_| thread::yield_now());
            drop(tx);
            all.extend(callers.into_iter().map(|caller| caller.join().unwrap()));
        });
        if db.stats().unwrap().writes.commits - before < CALLERS {
            return all;
        }
    }
    panic!("no two callers ever shared a commit");
}

#[test]
fn callers_share_a_commit_and_all_of_them_are_in_it() {
    let db = database();
    let callers = until_shared(&db, |n| db.batch(|tx| put(tx, n).map(|()| n)).unwrap());
    assert_eq!(keys(&db), callers.into_iter().collect());
}

#[test]
fn a_lone_caller_commits_once_and_what_it_gives_back_is_its_own() {
    let db = database();
    let before = db.stats().unwrap().writes;
    // Nothing of it has to outlive the call or go to another thread.
    let (name, runs) = (String::from("b"), Rc::new(AtomicU64::new(0)));
    let runs_inside = Rc::clone(&runs);
    let given = db.batch(|tx| {
        runs_inside.fetch_add(1, Ordering::Relaxed);
        tx.bucket_mut(&name)?.next_sequence().map(Rc::new)
    });
    assert_eq!(*given.unwrap(), 1);
    let after = db.stats().unwrap().writes;
    assert_eq!((after.commits - before.commits, after.syncs - before.syncs), (1, 2));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[test]
fn a_function_that_fails_is_taken_out_and_the_others_are_committed() {
    #[derive(Debug, PartialEq)]
    enum Own {
        Refused(u64),
        Library,
    }
    impl From<Error> for Own {
        fn from(_: Error) -> Own {
            Own::Library
        }
    }
    let db = database();
    let runs = Mutex::new(vec![0; 100_000]);
    let outcomes = until_shared(&db, |n| {
        let call = || {
            db.batch(|tx| {
                runs.lock().unwrap()[n as usize] += 1;
                put(tx, n)?;
                match n % 4 {
                    1 => Err(Own::Refused(n)),
                    2 => panic!("{n}"),
                    _ => Ok(n),
                }
            })
        };
        let outcome = catch_unwind(AssertUnwindSafe(call));
        match n % 4 {
            1 => assert_eq!(outcome.unwrap(), Err(Own::Refused(n))),
            2 => assert_eq!(*outcome.unwrap_err().downcast::<String>().unwrap(), n.to_string()),
            _ => assert_eq!(outcome.unwrap(), Ok(n)),
        }
        n
    });
    assert_eq!(keys(&db), outcomes.iter().copied().filter(|n| !matches!(n % 4, 1 | 2)).collect());
    assert!(outcomes.iter().all(|n| runs.lock().unwrap()[*n as usize] >= 1));
}

#[test]
fn a_function_that_fails_alone_ran_once() {
    let db = database();
    let runs = AtomicU64::new(0);
    let failed = db.batch(|tx| {
        runs.fetch_add(1, Ordering::Relaxed);
        tx.bucket_mut("missing").map(drop)
    });
    assert!(failed.unwrap_err().is_not_found());
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| db.batch(|_| -> Result<(), Error> { panic!("on purpose") }))).is_err());
    db.batch(|tx| put(tx, 1)).unwrap();
}

#[test]
fn a_limit_is_an_error_only_for_those_who_need_too_much() {
    let db = Db::options().page_size(1024).max_size(64 << 10).open_disk(Arc::new(MemoryDisk::new())).unwrap();
    db.update(|tx| tx.create_bucket("b").map(drop)).unwrap();
    let small = until_shared(&db, |n| {
        // Two of them want more than there can ever be.
        let len = if n % CALLERS < 2 { 70 << 10 } else { 10 };
        let outcome = db.batch(|tx| tx.bucket_mut("b")?.put(n.to_be_bytes(), vec![0; len]));
        match outcome {
            Err(Error::MaxSize { .. }) => assert!(len > 10),
            outcome => assert!(outcome.is_ok() && len == 10, "{outcome:?}"),
        }
        (len == 10).then_some(n)
    });
    assert_eq!(keys(&db), small.into_iter().flatten().collect());
}

#[test]
fn whoever_already_writes_is_told_instead_of_waiting_for_itself() {
    let db = database();
    let again = |tx: &mut WriteTx| {
        assert!(matches!(db.batch(|tx| put(tx, 2)), Err(Error::WriterActive)));
        assert!(matches!(db.update(|tx| put(tx, 2)), Err(Error::WriterActive)));
        assert!(db.try_begin_write().unwrap().is_none());
        put(tx, 1)
    };
    until_shared(&db, |_| db.batch(again).unwrap());
    db.update(again).unwrap();
    assert_eq!(keys(&db), BTreeSet::from([1]));
}

#[test]
fn callbacks_run_once_on_the_thread_that_asked_for_them() {
    let db = database();
    let ran = Arc::new(Mutex::new(Vec::new()));
    let callers = until_shared(&db, |n| {
        let me = thread::current().id();
        let call = |tx: &mut WriteTx| {
            let ran = Arc::clone(&ran);
            tx.on_commit(move || ran.lock().unwrap().push((n, thread::current().id())));
            // Some run twice.
            if n % 3 == 0 { Err(Error::Empty) } else { put(tx, n) }
        };
        db.batch(call).ok().map(|()| (n, me))
    });
    let ran = Arc::into_inner(ran).unwrap().into_inner().unwrap();
    assert_eq!(BTreeSet::from_iter(ran.iter().map(|(n, _)| *n)), callers.iter().flatten().map(|(n, _)| *n).collect());
    assert_eq!(ran.len(), callers.iter().flatten().count());
    assert!(callers.iter().flatten().all(|call| ran.contains(call)));
}

#[test]
fn a_read_only_database_takes_no_batch() {
    let db = Db::options().read_only(true).open("testdata/golden/V5.db").unwrap();
    for _ in 0..2 {
        assert!(matches!(db.batch(|tx| tx.delete_bucket("b")), Err(Error::ReadOnly)));
    }
}

/// A disk whose syncs fail from a certain moment on.
#[derive(Debug, Default)]
struct Failing {
    inner: MemoryDisk,
    /// Fail the sync of pages, or only that of the meta.
    pages: AtomicBool,
    meta: AtomicBool,
    syncs: AtomicU64,
}

impl Disk for Failing {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.inner.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        // A commit syncs its pages, then its meta.
        let fails = if self.syncs.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { &self.pages } else { &self.meta };
        if fails.load(Ordering::Relaxed) { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }
}

/// What all callers are told where the disk fails, once that is enough to tell that they shared a commit.
fn told_when(fail: impl Fn(&Failing), enough: impl Fn(&[Error]) -> bool) -> Vec<Error> {
    for _ in 0..10_000 {
        let disk = Arc::new(Failing::default());
        let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
        db.update(|tx| tx.create_bucket("b").map(drop)).unwrap();
        fail(&disk);
        let (barrier, tx) = (Barrier::new(CALLERS as usize + 1), db.begin_write().unwrap());
        let told = thread::scope(|scope| {
            let (barrier, db) = (&barrier, &db);
            let caller = |n| {
                scope.spawn(move || {
                    barrier.wait();
                    db.batch(|tx| put(tx, n)).unwrap_err()
                })
            };
            let callers: Vec<_> = (0..CALLERS).map(caller).collect();
            barrier.wait();
            (0..100).for_each(|_| thread::yield_now());
            drop(tx);
            callers.into_iter().map(|caller| caller.join().unwrap()).collect::<Vec<_>>()
        });
        if enough(&told) {
            return told;
        }
    }
    panic!("no two callers ever shared a commit");
}

#[test]
fn all_who_shared_a_commit_of_unknown_outcome_are_told_so() {
    let unknown = |e: &Error| matches!(e, Error::CommitUnknown { source } if source.raw_os_error() == Some(5));
    let shared = |told: &[Error]| told.iter().filter(|e| unknown(e)).count() > 1;
    let told = told_when(|disk| disk.meta.store(true, Ordering::Relaxed), shared);
    // Who came after that commit was told that the handle is no good.
    assert!(told.iter().all(|e| unknown(e) || matches!(e, Error::Poisoned)), "{told:?}");
}

#[test]
fn a_sync_of_pages_that_fails_is_told_by_its_reason_once_and_then_nothing_is_written_any_more() {
    let told = told_when(|disk| disk.pages.store(true, Ordering::Relaxed), |_| true);
    let reasons = told.iter().filter(|e| matches!(e, Error::Io { op: "sync", .. })).count();
    assert_eq!((reasons, told.iter().filter(|e| matches!(e, Error::Poisoned)).count()), (1, CALLERS as usize - 1));
}
