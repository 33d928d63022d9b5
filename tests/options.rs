//! Every option does what its documentation says.

mod support;
mod twin;

use std::cell::RefCell;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use support::faulty::{Call, Done, Failure, Fault, Faulty};
use support::image::Numbers;
use twin::assert_sound;
use unbolt::{Backing, Db, Error, FreelistMode, FreelistSource, MemoryDisk, OpenOptions, Snapshot, WriteTx};

fn in_memory(options: &OpenOptions) -> (Arc<MemoryDisk>, Db) {
    let disk = Arc::new(MemoryDisk::new());
    let db = options.open_disk(Arc::clone(&disk) as _).unwrap();
    (disk, db)
}

fn put(tx: &mut WriteTx, keys: std::ops::Range<u32>, len: usize) -> Result<(), Error> {
    let mut bucket = tx.create_bucket_if_missing("b")?;
    keys.into_iter().try_for_each(|key| bucket.put(key.to_be_bytes(), vec![key as u8; len]))
}

/// What the newest meta says of the list of free pages.
fn has_list(bytes: Vec<u8>) -> bool {
    Snapshot::from_bytes(bytes).unwrap().meta().freelist.is_some()
}

#[test]
fn a_new_file_has_the_page_size_asked_for_and_an_old_one_its_own() {
    for page_size in [1024, 2048, 4096, 8192, 16384, 32768, 65536] {
        let (disk, db) = in_memory(Db::options().page_size(page_size));
        assert_eq!(db.layout().page_size.get(), page_size);
        assert_eq!(disk.to_bytes().len(), 4 * page_size as usize);
        db.update(|tx| put(tx, 0..300, 50)).unwrap();
        drop(db);
        let db = Db::options().page_size(4096).open_disk(disk).unwrap();
        assert_eq!(db.layout().page_size.get(), page_size);
        db.update(|tx| put(tx, 300..400, 50)).unwrap();
        assert_sound(&db.begin_read().unwrap());
    }
    for page_size in [0, 1, 256, 512, 1000, 4097, 131_072, u32::MAX] {
        let disk = Arc::new(MemoryDisk::new());
        let refused = Db::options().page_size(page_size).open_disk(Arc::clone(&disk) as _);
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{page_size}");
        assert!(disk.to_bytes().is_empty(), "{page_size}");
        let folder = tempfile::tempdir().unwrap();
        assert!(Db::options().page_size(page_size).open(folder.path().join("new.db")).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn pages_are_filled_as_far_as_asked_for_whatever_the_number() {
    let leaves = |fill: Option<f64>| {
        let (_, db) = in_memory(Db::options().page_size(1024));
        db.update(|tx| {
            let mut bucket = tx.create_bucket("b")?;
            fill.into_iter().for_each(|fill| _ = bucket.fill_percent(fill));
            (0..2000_u32).try_for_each(|key| bucket.put(key.to_be_bytes(), [0; 30]))
        })
        .unwrap();
        // Deleting looks at the same number.
        db.update(|tx| {
            let mut bucket = tx.bucket_mut("b")?;
            fill.into_iter().for_each(|fill| _ = bucket.fill_percent(fill));
            (0..2000_u32).step_by(400).try_for_each(|key| bucket.delete(key.to_be_bytes()).map(drop))
        })
        .unwrap();
        let tx = db.begin_read().unwrap();
        assert_sound(&tx);
        tx.bucket("b").unwrap().unwrap().stats().unwrap().leaf_pages
    };
    let usual = leaves(None);
    assert_eq!(leaves(Some(0.5)), usual);
    assert_eq!(leaves(Some(f64::NAN)), usual, "a number that is none asks for nothing");
    let full = leaves(Some(1.0));
    assert!(full * 2 <= usual + 10, "{full} {usual}");
    assert!(leaves(Some(0.1)) > usual * 3);
    for odd in [f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 7.5, f64::MIN_POSITIVE] {
        assert!(leaves(Some(odd)) >= full / 2, "{odd}");
    }
}

#[test]
fn the_first_growth_is_as_large_as_the_map_asked_for() {
    for (initial, grown) in [(0, 64 << 10), (100_000, 128 << 10), (1 << 20, 1 << 20), (3 << 20, 4 << 20)] {
        let (disk, db) = in_memory(Db::options().initial_map_size(initial));
        assert_eq!(disk.to_bytes().len(), 4 * 4096, "opening extends nothing");
        db.update(|tx| put(tx, 0..3, 4000)).unwrap();
        assert_eq!(disk.to_bytes().len(), grown, "{initial}");
        assert_eq!(db.stats().unwrap().file_bytes, grown as u64);
    }
}

#[test]
fn a_file_beyond_the_growth_step_grows_by_it() {
    let (disk, db) = in_memory(Db::options().growth_step(64 << 10));
    let mut lengths = vec![];
    for key in 0..60 {
        db.update(|tx| put(tx, key..key + 1, 4000)).unwrap();
        lengths.push(disk.to_bytes().len());
    }
    lengths.dedup();
    assert_eq!(lengths[..2], [32 << 10, 64 << 10], "up to the step it doubles");
    let steps: Vec<_> = lengths[1..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.len() > 2 && steps.iter().all(|step| (60 << 10..=80 << 10).contains(step)), "{steps:?}");
    // None at all, and more than any file can have, are steps too.
    for step in [0, 1, 4096] {
        let (disk, db) = in_memory(Db::options().growth_step(step));
        db.update(|tx| put(tx, 0..50, 4000)).unwrap();
        let size = db.begin_read().unwrap().size();
        assert!(disk.to_bytes().len() as u64 <= size + 4096 + step, "{step}");
        assert_sound(&db.begin_read().unwrap());
    }
}

#[test]
fn the_largest_size_is_a_limit_for_new_pages_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.db");
    Db::open(&path).unwrap().update(|tx| put(tx, 0..500, 2000)).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    // A larger file is opened, and what is free in it is used.
    let db = Db::options().max_size(100_000).open(&path).unwrap();
    assert!(matches!(db.update(|tx| put(tx, 500..900, 2000)), Err(Error::MaxSize { limit: 100_000, .. })));
    db.update(|tx| tx.delete_bucket("b")).unwrap();
    db.update(|tx| put(tx, 0..200, 2000)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), size);
    assert_sound(&db.begin_read().unwrap());
}

/// The calls of one commit that grows the file.
fn calls(options: &OpenOptions) -> (Vec<Call>, Arc<Faulty>, Db) {
    let disk = Arc::new(Faulty::default());
    let db = options.open_disk(Arc::clone(&disk) as _).unwrap();
    disk.set(None);
    db.update(|tx| put(tx, 0..40, 4000)).unwrap();
    let calls = disk.calls().into_iter().filter(|call| *call != Call::Read).collect();
    (calls, disk, db)
}

#[test]
fn syncs_are_left_out_where_that_is_asked_for_and_nothing_else_is() {
    let count = |calls: &[Call], which: fn(&Call) -> bool| calls.iter().filter(|call| which(call)).count();
    let set_len: fn(&Call) -> bool = |call| matches!(call, Call::SetLen(_));
    let data: fn(&Call) -> bool = |call| *call == Call::SyncData;
    let all: fn(&Call) -> bool = |call| *call == Call::SyncAll;
    for (no_sync, no_grow_sync, lengths, growth_syncs, data_syncs) in
        [(false, false, 1, 1, 2), (true, false, 1, 1, 0), (false, true, 0, 0, 2), (true, true, 0, 0, 0)]
    {
        let (calls, disk, db) = calls(Db::options().no_sync(no_sync).no_grow_sync(no_grow_sync));
        let found = (count(&calls, set_len), count(&calls, all), count(&calls, data));
        assert_eq!(found, (lengths, growth_syncs, data_syncs), "{calls:?}");
        let writes = db.stats().unwrap().writes;
        assert_eq!(writes.syncs as usize, growth_syncs + data_syncs);
        if no_grow_sync {
            assert_eq!(disk.disk.to_bytes().len() as u64, db.begin_read().unwrap().size(), "not a byte more");
        }
        disk.set(None);
        db.sync().unwrap();
        assert_eq!(disk.calls(), [Call::SyncData]);
        assert_sound(&db.begin_read().unwrap());
    }
}

#[test]
fn neighbouring_pages_are_written_together_and_no_byte_twice() {
    let (calls, _, db) = calls(&Db::options());
    let writes: Vec<_> = calls
        .iter()
        .filter_map(|call| if let Call::Write { offset, len } = call { Some((*offset, *len as u64)) } else { None })
        .collect();
    let (meta, pages) = writes.split_last().unwrap();
    assert!(meta.0 < 2 * 4096);
    assert!(pages.is_sorted_by(|a, b| a.0 + a.1 <= b.0), "in the order of the file: {pages:?}");
    // A value takes a run of its own here; all runs but the last of a chunk fill 64 KiB.
    let bytes: u64 = pages.iter().map(|(_, len)| len).sum();
    assert!(pages.len() as u64 <= bytes / (48 << 10) + 2, "{pages:?}");
    let stats = db.stats().unwrap().writes;
    assert_eq!((stats.writes, stats.bytes_written), (writes.len() as u64, bytes + meta.1));
}

type Change = fn(&mut WriteTx) -> Result<(), Error>;

#[test]
fn an_unchanged_transaction_is_committed_only_where_that_is_asked_for() {
    let nothing: [Change; 4] = [
        |_| Ok(()),
        |tx| tx.bucket_mut("b")?.delete("no such key").map(drop),
        |tx| tx.create_bucket_if_missing("b").map(drop),
        |tx| tx.bucket_mut("b")?.retain(|_, _| true).map(drop),
    ];
    let something: [Change; 3] =
        [|tx| tx.bucket_mut("b")?.put("k", "v"), |tx| tx.bucket_mut("b")?.set_sequence(0), |tx| tx.root_mut().set_sequence(0)];
    for unchanged in [false, true] {
        let (disk, db) = in_memory(Db::options().commit_unchanged(unchanged));
        db.update(|tx| tx.create_bucket("b")?.put("k", "v")).unwrap();
        let called = Arc::new(AtomicU64::new(0));
        let mut expected = 0;
        let cases = nothing.iter().map(|change| (change, unchanged)).chain(something.iter().map(|change| (change, true)));
        for (change, commits) in cases {
            let (before, bytes) = (db.begin_read().unwrap().id().0, disk.to_bytes());
            let called_here = Arc::clone(&called);
            db.update(|tx| {
                tx.on_commit(move || _ = called_here.fetch_add(1, Ordering::Relaxed));
                change(tx)
            })
            .unwrap();
            expected += 1;
            assert_eq!(called.load(Ordering::Relaxed), expected);
            assert_eq!(db.begin_read().unwrap().id().0 - before, u64::from(commits));
            assert_eq!(disk.to_bytes() == bytes, !commits);
        }
        assert_sound(&db.begin_read().unwrap());
    }
}

#[test]
fn the_list_of_free_pages_is_stored_when_it_is_asked_for() {
    for mode in [FreelistMode::EachCommit, FreelistMode::OnClose, FreelistMode::Never] {
        let mut options = Db::options();
        options.page_size(1024).freelist(mode);
        let (disk, db) = in_memory(&options);
        for round in 0..3 {
            db.update(|tx| put(tx, round * 10..round * 10 + 60, 40)).unwrap();
            assert_eq!(has_list(disk.to_bytes()), mode == FreelistMode::EachCommit, "{mode:?}");
            assert_eq!(db.stats().unwrap().freelist_pages > 0, mode == FreelistMode::EachCommit);
        }
        let free = db.stats().unwrap().free_pages;
        db.close().unwrap();
        assert_eq!(has_list(disk.to_bytes()), mode != FreelistMode::Never, "{mode:?}, closed");
        // What was closed without a change is not written to.
        let closed = disk.to_bytes();
        options.open_disk(Arc::clone(&disk) as _).unwrap().close().unwrap();
        assert!(disk.to_bytes() == closed);

        let db = options.open_disk(Arc::clone(&disk) as _).unwrap();
        let stored = matches!(db.open_report().freelist, FreelistSource::Stored);
        assert_eq!(stored, mode != FreelistMode::Never);
        // The list itself, stored anew at the end, frees none and takes a page or two.
        assert!(db.stats().unwrap().free_pages.abs_diff(free) <= 2, "{mode:?}");
        db.update(|tx| put(tx, 0..60, 41)).unwrap();
        drop(db);
        assert_eq!(has_list(disk.to_bytes()), mode == FreelistMode::EachCommit, "{mode:?}, dropped");
        // And whoever comes next takes it as it is.
        let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
        let before = disk.to_bytes();
        db.update(|tx| put(tx, 0..60, 42)).unwrap();
        assert!(has_list(disk.to_bytes()) && disk.to_bytes() != before);
        assert_sound(&db.begin_read().unwrap());
    }
}

#[test]
fn opening_never_writes_to_a_database() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["golden/V2a.db", "golden/V5.db", "docker/live-20.10.24.db", "bbolt/no-freelist.db"] {
        let path = folder.path().join("copy.db");
        let bytes = support::testdata::database(name).bytes();
        let mut bad_list = bytes.clone();
        let list = Snapshot::from_bytes(bytes.clone()).unwrap().meta().freelist;
        if let Some(list) = list {
            bad_list.set_u16(list.0 as usize * 4096 + 8, 1);
        }
        for bytes in [bytes, bad_list] {
            fs::write(&path, &bytes).unwrap();
            for mode in [FreelistMode::EachCommit, FreelistMode::OnClose, FreelistMode::Never] {
                for backing in [Backing::Map, Backing::Heap] {
                    let db = Db::options().freelist(mode).initial_map_size(1 << 20).backing(backing).open(&path).unwrap();
                    assert!(db.begin_read().is_ok());
                    drop(db);
                    assert!(fs::read(&path).unwrap() == bytes, "{name}, {mode:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_opened_read_only_cannot_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    let read_only = || Db::options().read_only(true).open(&path);
    assert!(read_only().unwrap_err().is_not_found());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    Db::open(&path).unwrap().update(|tx| put(tx, 0..50, 100)).unwrap();
    let bytes = fs::read(&path).unwrap();
    let db = read_only().unwrap();
    assert!(db.is_read_only() && read_only().is_ok(), "others may read too");
    let refused = |result: Result<(), Error>| assert!(matches!(result, Err(Error::ReadOnly)), "{result:?}");
    refused(db.update(|tx| put(tx, 0..1, 1)));
    refused(db.batch(|tx| put(tx, 0..1, 1)));
    refused(db.begin_write().map(drop));
    refused(db.try_begin_write().map(drop));
    refused(db.normalize().map(drop));
    // What reads works, the pages' kinds and the counts too.
    let tx = db.begin_read().unwrap();
    assert_eq!(tx.bucket("b").unwrap().unwrap().iter().count(), 50);
    assert!(tx.page(unbolt::format::PageId(2)).unwrap().is_some());
    assert!(db.stats().unwrap().free_pages > 0);
    assert_sound(&tx);
    drop(tx);
    db.close().unwrap();
    assert!(fs::read(&path).unwrap() == bytes);
}

#[test]
fn pages_that_wait_for_readers_are_counted_and_the_oldest_reader_named() {
    let (_, db) = in_memory(Db::options().page_size(1024));
    db.update(|tx| put(tx, 0..100, 50)).unwrap();
    let reader = db.begin_read().unwrap();
    assert_eq!((db.stats().unwrap().older_readers, db.stats().unwrap().oldest_reader), (0, None));
    for round in 0..5 {
        db.update(|tx| put(tx, round * 20..round * 20 + 20, 51)).unwrap();
    }
    let held = db.stats().unwrap();
    assert_eq!((held.older_readers, held.oldest_reader), (1, Some(reader.id())));
    assert!(held.pending_pages >= 10 && held.pending_pages <= held.free_pages, "{held:?}");
    drop(reader);
    // They are free for the next transaction, which is when anybody looks.
    drop(db.begin_write().unwrap());
    let after = db.stats().unwrap();
    assert_eq!((after.pending_pages, after.free_pages), (0, held.free_pages));
    assert_eq!((after.older_readers, after.oldest_reader), (0, None));
}

thread_local! {
    static SAID: RefCell<Vec<(log::Level, String)>> = const { RefCell::new(Vec::new()) };
}

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().starts_with("unbolt") {
            SAID.with_borrow_mut(|said| said.push((record.level(), record.args().to_string())));
        }
    }

    fn flush(&self) {}
}

#[test]
fn what_happens_to_a_database_is_said_to_whoever_listens() {
    log::set_logger(&Listener).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let said = |level, words: &str| {
        let said = SAID.take();
        let found = said.iter().any(|(at, text)| *at == level && text.contains(words));
        assert!(found, "{level} {words}: {said:?}");
    };
    let disk = Arc::new(Faulty::default());
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    said(log::Level::Debug, "opened");
    db.update(|tx| put(tx, 0..40, 4000)).unwrap();
    said(log::Level::Debug, "committed transaction 2");
    db.update(|tx| tx.create_bucket("young").map(drop)).unwrap();
    said(log::Level::Trace, "creating bucket young");
    db.update(|tx| tx.rename_bucket("young", "old")).unwrap();
    said(log::Level::Trace, "renaming bucket young to old");
    db.update(|tx| tx.move_bucket(&["old"], &["b"])).unwrap();
    said(log::Level::Trace, "moving bucket old");
    db.update(|tx| tx.bucket_mut("b")?.delete_bucket("old")).unwrap();
    said(log::Level::Trace, "deleting bucket old");
    db.update(|_| Ok::<_, Error>(())).unwrap();
    said(log::Level::Debug, "changed nothing");
    db.sync().unwrap();
    said(log::Level::Debug, "syncing");
    let fail = |at| disk.set(Some(Fault { at, sticky: true, failure: Failure::Error(28, Done::Nothing) }));
    fail(0);
    db.update(|tx| put(tx, 0..400, 4000)).unwrap_err();
    said(log::Level::Error, "transaction 7 was not committed: cannot extend");
    disk.set(None);
    db.update(|tx| put(tx, 0..2, 4001)).unwrap();
    let last = disk.calls().len() - 1;
    fail(last);
    SAID.take();
    assert!(matches!(db.update(|tx| put(tx, 0..2, 4002)), Err(Error::CommitUnknown { .. })));
    said(log::Level::Error, "transaction 8: it is not known whether");
    drop(db);

    let mut bytes = disk.disk.to_bytes();
    let list = Snapshot::from_bytes(bytes.clone()).unwrap().meta().freelist.unwrap();
    bytes.set_u16(list.0 as usize * 4096 + 8, 1);
    drop(Db::options().open_disk(Arc::new(MemoryDisk::from(bytes))).unwrap());
    said(log::Level::Warn, "the list of free pages is not believed");
}
