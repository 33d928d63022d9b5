//! A list of free pages too long to go out with the pages beside it: only what changed in it is written, and what the
//! file then holds is the whole list.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use unbolt::check::check_snapshot;
use unbolt::{Db, Disk, MemoryDisk, Result, Snapshot};

const FREED: u32 = 12_000;
const KEYS: u32 = 400;

/// Memory that is full after so many writes.
#[derive(Debug)]
struct Filling {
    memory: MemoryDisk,
    left: AtomicU64,
}

impl Filling {
    fn new() -> Arc<Filling> {
        Arc::new(Filling { memory: MemoryDisk::new(), left: AtomicU64::new(u64::MAX) })
    }
}

impl Disk for Filling {
    fn size(&self) -> io::Result<u64> {
        self.memory.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.memory.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => self.memory.write_at(bytes, offset),
            Err(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.memory.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.memory.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.memory.sync_all()
    }
}

fn fill(db: &Db, bucket: &str, keys: u32, len: usize) -> Result<()> {
    db.update(|tx| {
        let mut bucket = tx.create_bucket_if_missing(bucket)?;
        (0..keys).try_for_each(|key| bucket.put(key.to_be_bytes(), vec![key as u8; len]))
    })
}

/// A database with a few hundred keys and many free pages before and behind them.
fn mostly_free(disk: &Arc<Filling>) -> Result<Db> {
    let db = Db::options().page_size(1024).open_disk(Arc::clone(disk) as _)?;
    fill(&db, "before", FREED / 2, 900)?;
    fill(&db, "kept", KEYS, 100)?;
    fill(&db, "behind", FREED / 2, 900)?;
    db.update(|tx| tx.delete_bucket("before"))?;
    db.update(|tx| tx.delete_bucket("behind"))?;
    Ok(db)
}

/// Changes some keys, as a number says.
fn change(db: &Db, number: u32) -> Result<()> {
    db.update(|tx| {
        let mut kept = tx.bucket_mut("kept")?;
        for n in 0..number % 5 + 1 {
            let key = number.wrapping_mul(2_654_435_761).wrapping_add(n * 97) % KEYS;
            // At times the value takes another number of pages.
            let len = if number % 8 == 7 { 3000 } else { 100 };
            kept.put(key.to_be_bytes(), vec![number as u8; len])?;
        }
        Ok(())
    })
}

fn assert_sound(disk: &Filling, what: impl std::fmt::Display) {
    let snapshot = Snapshot::from_bytes(disk.memory.to_bytes()).unwrap();
    let summary = check_snapshot(&snapshot, &mut |finding| println!("{finding}")).unwrap();
    assert!(summary.is_sound(), "{what}");
    assert!(summary.free * 8 > 8 << 10, "{what}: the list is not long");
}

#[test]
fn a_long_list_is_whole_after_each_commit_and_mostly_not_written() {
    let disk = Filling::new();
    let db = mostly_free(&disk).unwrap();
    let mut saved = 0;
    for number in 0..120 {
        let before = db.stats().unwrap().writes.bytes_written;
        change(&db, number).unwrap();
        saved += u32::from(db.stats().unwrap().writes.bytes_written - before < 64 << 10);
        assert_sound(&disk, number);
    }
    assert!(saved > 40, "{saved} of 120 commits did without a whole list");
}

#[test]
fn what_a_failed_commit_has_written_over_is_not_taken_for_a_list() {
    for writes in [0, 1, 3, 40, 150] {
        let disk = Filling::new();
        let db = mostly_free(&disk).unwrap();
        (0..6).for_each(|number| change(&db, number).unwrap());
        disk.left.store(writes, Ordering::Relaxed);
        // It takes most free pages, those of the list before the last one too.
        fill(&db, "too much", FREED - 1000, 900).unwrap_err();
        disk.left.store(u64::MAX, Ordering::Relaxed);
        for number in 0..3 {
            change(&db, number).unwrap();
            assert_sound(&disk, format_args!("{writes} writes, commit {number}"));
        }
    }
}

#[test]
fn a_list_is_whole_however_long_a_reader_keeps_its_pages() {
    let disk = Filling::new();
    let db = mostly_free(&disk).unwrap();
    for number in 0..40 {
        let reader = (number % 4 == 0).then(|| db.begin_read().unwrap());
        (0..number % 5).for_each(|n| change(&db, number * 7 + n).unwrap());
        drop(reader);
        change(&db, number).unwrap();
        assert_sound(&disk, number);
    }
}
