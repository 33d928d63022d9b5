//! Transactions of many threads: each reads one committed state for as long as it lives, whatever is written beside it,
//! and none waits for what cannot come.

mod twin;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use twin::{Held, Twin, assert_same, assert_sound};
use unbolt::format::{PageId, TxId};
use unbolt::tree::{PageSet, reach};
use unbolt::{Db, Disk, Error, MemoryDisk, OpenOptions, ReadTx, TxSelector, WriteTx};

fn small_pages() -> OpenOptions {
    let mut options = Db::options();
    options.page_size(1024).growth_step(64 << 10).no_sync(true);
    options
}

/// What each transaction made of the database, by its id.
struct History(Mutex<BTreeMap<TxId, Arc<Twin>>>);

/// The key under which each transaction leaves its id: what it finds there says which state it began with.
const MARK: &[u8] = b"mark";

impl History {
    fn at(&self, id: TxId) -> Arc<Twin> {
        Arc::clone(&self.0.lock().unwrap()[&id])
    }

    /// Changes a few keys of the database and of its twin. Where the transaction is rolled back, the next one has the
    /// same id and begins again with the state before.
    fn change(&self, tx: &mut WriteTx, random: u64) -> Result<(), Error> {
        let mut root = tx.root_mut();
        let mark = root.get(MARK)?.map_or(0, |id| u64::from_be_bytes(id.try_into().unwrap()));
        let mut twin = Twin::clone(&self.at(TxId(mark)));
        for n in 0..random % 7 + 1 {
            let key = (random.rotate_left(n as u32 * 9) % 400).to_string().into_bytes();
            match random.rotate_left(n as u32 * 5) % 8 {
                0..3 => {
                    assert_eq!(root.delete(&key)?, twin.entries.remove(&key).is_some());
                }
                larger => {
                    let value = key.repeat(larger as usize * if random.is_multiple_of(64) { 300 } else { 9 });
                    root.put(&key, &value)?;
                    twin.entries.insert(key, Held::Value(value));
                }
            }
        }
        twin.sequence = root.next_sequence()?;
        let id = tx.id();
        tx.root_mut().put(MARK, id.0.to_be_bytes())?;
        twin.entries.insert(MARK.into(), Held::Value(id.0.to_be_bytes().into()));
        self.0.lock().unwrap().insert(id, Arc::new(twin));
        Ok(())
    }

    fn assert_holds(&self, tx: &ReadTx, salt: usize) {
        assert_same(&tx.root().unwrap(), &self.at(tx.id()), salt);
    }
}

/// Numbers without end.
fn numbers(seed: u64) -> impl FnMut() -> u64 + Clone + Send {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (state ^ state >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }
}

/// Reads states until all writers have ended, some of them again after others were committed; says how many of these.
fn read(db: &Db, history: &History, done: &AtomicBool, seed: u64) -> u64 {
    let (mut next, mut kept, mut again) = (numbers(seed), Vec::<ReadTx>::new(), 0);
    while !done.load(Ordering::Acquire) {
        let tx = db.begin_read().unwrap();
        history.assert_holds(&tx, next() as usize);
        if let Some(old) = kept.get(next() as usize % 4).filter(|old| old.id() < tx.id()) {
            history.assert_holds(old, next() as usize);
            again += 1;
        }
        match kept.len() {
            4 => drop(kept.swap_remove(next() as usize % 4)),
            _ => kept.push(tx),
        }
    }
    kept.iter().for_each(|old| history.assert_holds(old, 0));
    again
}

/// How many transactions the writer begins; `THREADS_TURNS` sets another number.
fn turns() -> u64 {
    std::env::var("THREADS_TURNS").map_or(1500, |turns| turns.parse().unwrap())
}

#[test]
fn every_reader_sees_the_state_of_its_transaction_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let db = small_pages().open(&path).unwrap();
    let history = History(Mutex::new([0, 1].map(|id| (TxId(id), Arc::default())).into()));
    let done = AtomicBool::new(false);
    let begun_with = db.stats().unwrap().file_bytes;
    let again: u64 = thread::scope(|scope| {
        let (db, history, done) = (&db, &history, &done);
        let readers: Vec<_> = (0..3).map(|seed| scope.spawn(move || read(db, history, done, seed))).collect();
        let writer = scope.spawn(move || {
            let mut next = numbers(77);
            for turn in 0..turns() {
                let mut tx = db.begin_write().unwrap();
                history.change(&mut tx, next()).unwrap();
                if turn % 5 > 0 {
                    tx.commit().unwrap();
                }
            }
        });
        let batches = (0..3).map(|seed| {
            scope.spawn(move || {
                let mut next = numbers(1000 + seed);
                for turn in 0..turns() / 3 {
                    let random = next();
                    let outcome = db.batch(|tx| match history.change(tx, random) {
                        Ok(()) if turn % 7 == 0 => Err(Error::Empty),
                        other => other,
                    });
                    assert_eq!(outcome.is_err(), turn % 7 == 0);
                }
            })
        });
        let writers: Vec<_> = batches.chain([writer]).collect();
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Release);
        ended.into_iter().for_each(|ended| ended.unwrap());
        readers.into_iter().map(|reader| reader.join().unwrap()).sum()
    });
    let last = db.begin_read().unwrap();
    history.assert_holds(&last, 0);
    assert_sound(&last);
    assert!(again > 0, "no state was ever read after a newer one");
    let grown = db.stats().unwrap().file_bytes;
    assert!(grown > begun_with * 4, "it never grew: {grown}");
    drop(last);
    drop(db);
    let db = small_pages().open(&path).unwrap();
    history.assert_holds(&db.begin_read().unwrap(), 1);
}

/// N7 of `docs/bbolt.md`, where bbolt ends up with 359 MB.
#[test]
fn a_reader_held_over_two_thousand_updates_does_not_blow_up_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("held.db");
    let db = Db::options().no_sync(true).open(&path).unwrap();
    let key = |n: u32| format!("{:08}", n.wrapping_mul(2_654_435_761) % 1000);
    db.update(|tx| {
        let mut bucket = tx.create_bucket("b")?;
        (0..1000).try_for_each(|n| bucket.put(format!("{n:08}"), [0; 100]))
    })
    .unwrap();
    let reader = db.begin_read().unwrap();
    for n in 0..2000 {
        db.update(|tx| tx.bucket_mut("b")?.put(key(n), [1; 100])).unwrap();
    }
    let old = reader.bucket("b").unwrap().unwrap();
    assert!(old.iter().all(|pair| pair.unwrap().1.value() == Some(&[0; 100])));
    let size = std::fs::metadata(&path).unwrap().len();
    eprintln!("SIZE {size}");
    assert!(size < 4 << 20, "{size} bytes");
    drop(reader);
    assert_sound(&db.begin_read().unwrap());
}

/// Runs what must end. How long it takes does not matter; that it goes on for ever would.
fn must_end(run: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    let runs = thread::spawn(move || {
        run();
        tell.send(()).unwrap();
    });
    match told.recv_timeout(Duration::from_secs(300)) {
        Ok(()) => runs.join().unwrap(),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(runs.join().unwrap_err()),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it waits for itself"),
    }
}

/// Grows the file by more than it is mapped.
fn grow(tx: &mut WriteTx) -> Result<(), Error> {
    let next = tx.root_mut().next_sequence()?;
    tx.root_mut().put(next.to_be_bytes(), vec![7; 300 << 10])
}

#[test]
fn no_two_transactions_of_one_thread_wait_for_each_other() {
    must_end(|| {
        let folder = tempfile::tempdir().unwrap();
        let db = small_pages().open(folder.path().join("alone.db")).unwrap();
        db.update(grow).unwrap();
        // Two that read, beside growth.
        let (first, second) = (db.begin_read().unwrap(), db.begin_read().unwrap());
        db.update(grow).unwrap();
        let third = db.begin_read().unwrap();
        db.batch(grow).unwrap();
        assert_eq!([&first, &second, &third].map(|tx| tx.root().unwrap().iter().count()), [1, 1, 2]);
        // One that writes, and every other that could begin.
        let mut tx = db.begin_write().unwrap();
        grow(&mut tx).unwrap();
        assert_eq!(db.view(|tx| Ok::<_, Error>(tx.root()?.iter().count())).unwrap(), 3);
        let active = |result: Result<(), Error>| assert!(matches!(result, Err(Error::WriterActive)), "{result:?}");
        active(db.begin_write().map(drop));
        active(db.begin_write_within(Duration::MAX).map(drop));
        active(db.update(grow));
        active(db.batch(grow));
        active(db.begin_read_at(TxSelector::Previous).map(drop));
        assert!(db.try_begin_write().unwrap().is_none());
        db.sync().unwrap();
        db.stats().unwrap();
        tx.commit().unwrap();
        drop((first, second, third));
        let tx = db.begin_write().unwrap();
        active(db.close());
        drop(tx);
    });
}

#[test]
fn whoever_waits_for_the_writer_gets_it_or_is_told() {
    let db = Db::options().open_disk(Arc::new(MemoryDisk::new())).unwrap();
    let tx = db.begin_write().unwrap();
    thread::scope(|scope| {
        let told = scope.spawn(|| {
            assert!(db.try_begin_write().unwrap().is_none());
            let time = Duration::from_millis(2);
            match db.begin_write_within(time) {
                Err(Error::WriterBusy { waited }) => assert!(waited >= time),
                other => panic!("{other:?}"),
            }
        });
        told.join().unwrap();
        let patient = [None, Some(Duration::from_secs(3000)), Some(Duration::MAX)].map(|time| {
            let db = &db;
            scope.spawn(move || {
                let mut tx = match time {
                    None => db.begin_write().unwrap(),
                    Some(time) => db.begin_write_within(time).unwrap(),
                };
                tx.root_mut().next_sequence().unwrap();
                tx.commit().unwrap();
            })
        });
        // It may end on another thread than it began on.
        scope.spawn(move || tx.commit().unwrap());
        patient.into_iter().for_each(|waits| waits.join().unwrap());
    });
    assert_eq!(db.begin_read().unwrap().root().unwrap().sequence(), 3);
    assert!(db.try_begin_write().unwrap().is_some());
}

#[test]
fn what_is_dropped_or_panics_leaves_nothing() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().page_size(1024).open_disk(Arc::clone(&disk) as _).unwrap();
    db.update(grow).unwrap();
    let before = disk.to_bytes();
    let mut tx = db.begin_write().unwrap();
    grow(&mut tx).unwrap();
    drop(tx);
    let mut tx = db.begin_write().unwrap();
    grow(&mut tx).unwrap();
    tx.rollback();
    assert!(db.update(|tx| grow(tx).and(Err::<(), _>(Error::Empty))).is_err());
    let panics = |tx: &mut WriteTx| -> Result<(), Error> {
        grow(tx)?;
        panic!("on purpose")
    };
    let message = catch_unwind(AssertUnwindSafe(|| db.update(panics))).unwrap_err();
    assert_eq!(*message.downcast::<&str>().unwrap(), "on purpose");
    let elsewhere = thread::scope(|scope| scope.spawn(|| db.update(panics)).join());
    assert!(elsewhere.is_err());
    assert_eq!(disk.to_bytes(), before);
    db.update(grow).unwrap();
    let tx = db.begin_read().unwrap();
    assert_eq!(tx.root().unwrap().sequence(), 2);
    assert_sound(&tx);
}

#[test]
fn callbacks_run_in_order_after_the_commit_and_may_write_themselves() {
    let db = Arc::new(Db::options().open_disk(Arc::new(MemoryDisk::new())).unwrap());
    let ran = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let ran = Arc::clone(&ran);
        move || ran.lock().unwrap().push(what)
    };
    let mut tx = db.begin_write().unwrap();
    tx.root_mut().next_sequence().unwrap();
    tx.on_commit(note("first"));
    let inner = Arc::clone(&db);
    tx.on_commit(move || {
        assert_eq!(inner.begin_read().unwrap().root().unwrap().sequence(), 1);
        inner.update(|tx| tx.root_mut().next_sequence()).unwrap();
        inner.batch(|tx| tx.root_mut().next_sequence()).unwrap();
    });
    tx.on_commit(note("last"));
    assert!(ran.lock().unwrap().is_empty());
    tx.commit().unwrap();
    assert_eq!(*ran.lock().unwrap(), ["first", "last"]);
    assert_eq!(db.begin_read().unwrap().root().unwrap().sequence(), 3);
}

#[test]
fn callbacks_of_what_is_rolled_back_never_run_and_a_panic_in_one_undoes_nothing() {
    let db = Db::options().open_disk(Arc::new(MemoryDisk::new())).unwrap();
    let ran = Arc::new(AtomicU64::new(0));
    let count = || {
        let ran = Arc::clone(&ran);
        move || {
            ran.fetch_add(1, Ordering::Relaxed);
        }
    };
    let mut tx = db.begin_write().unwrap();
    tx.on_commit(count());
    tx.rollback();
    let failed: Result<(), Error> = db.update(|tx| {
        tx.on_commit(count());
        Err(Error::Empty)
    });
    assert!(failed.is_err());
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    // A transaction that changed nothing is committed too.
    db.update(|tx| {
        tx.on_commit(count());
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(ran.load(Ordering::Relaxed), 1);

    let panics = || {
        db.update(|tx| {
            tx.on_commit(|| panic!("on purpose"));
            tx.root_mut().next_sequence()
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(db.begin_read().unwrap().root().unwrap().sequence(), 1);
    assert!(db.try_begin_write().unwrap().is_some());
}

/// A disk on which somebody begins to read at every moment of a commit, and which refuses to write over what any reader
/// still reads.
#[derive(Debug, Default)]
struct Watched {
    inner: MemoryDisk,
    /// The pages of all readers, and their numbers.
    read: Mutex<Vec<(TxId, PageSet)>>,
    hook: Mutex<Hook>,
    page: u64,
}

#[derive(Default)]
struct Hook(Option<Box<dyn FnMut() + Send>>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl Watched {
    fn call(&self) {
        if let Some(hook) = &mut self.hook.lock().unwrap().0 {
            hook();
        }
    }
}

impl Disk for Watched {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.call();
        let pages = offset / self.page..(offset + bytes.len() as u64).div_ceil(self.page);
        for (reader, read) in self.read.lock().unwrap().iter() {
            let hit = pages.clone().find(|page| read.contains(PageId(*page)));
            assert!(hit.is_none(), "page {hit:?} is written, and the reader of {reader} needs it");
        }
        self.inner.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.call();
        Ok(())
    }
}

#[test]
fn a_reader_that_begins_at_any_moment_of_a_commit_keeps_its_pages() {
    let disk = Arc::new(Watched { page: 1024, ..Watched::default() });
    let db = Arc::new(Db::options().page_size(1024).open_disk(Arc::clone(&disk) as _).unwrap());
    let history = Arc::new(History(Mutex::new([0, 1].map(|id| (TxId(id), Arc::default())).into())));
    let kept: Arc<Mutex<Vec<ReadTx>>> = Arc::default();
    let begin = {
        let (db, disk, kept) = (Arc::clone(&db), Arc::clone(&disk), Arc::clone(&kept));
        let mut next = numbers(5);
        move || {
            let (mut kept, mut read) = (kept.lock().unwrap(), disk.read.lock().unwrap());
            if kept.len() == 20 {
                let ended = next() as usize % 20;
                drop((kept.swap_remove(ended), read.swap_remove(ended)));
            }
            let tx = db.begin_read().unwrap();
            let reach = reach(tx.pages()).unwrap();
            assert!(reach.problems.is_empty());
            read.push((tx.id(), reach.pages));
            kept.push(tx);
        }
    };
    disk.hook.lock().unwrap().0 = Some(Box::new(begin.clone()));
    let mut next = numbers(3);
    let mut behind = 0;
    for _ in 0..600 {
        let random = next();
        db.update(|tx| {
            // Between the change of the meta and this transaction, too.
            tx.on_commit(begin.clone());
            history.change(tx, random)
        })
        .unwrap();
        let kept = kept.lock().unwrap();
        let newest = db.begin_read().unwrap().id();
        behind += kept.iter().filter(|tx| tx.id() < newest).count();
        kept.get(random as usize % 40).into_iter().for_each(|tx| history.assert_holds(tx, random as usize));
    }
    assert!(behind > 600, "readers were hardly ever behind: {behind}");
    disk.hook.lock().unwrap().0 = None;
    kept.lock().unwrap().drain(..).for_each(|tx| history.assert_holds(&tx, 0));
    let last = db.begin_read().unwrap();
    history.assert_holds(&last, 0);
    assert_sound(&last);
}
