//! What bbolt does wrong and is right here, one test for each of the defects that `docs/bbolt.md` numbers.

#[cfg(feature = "cli")]
mod command;
mod go;
mod scripts;
mod support;
mod twin;

use std::sync::Arc;

use scripts::peer::Peer;
use support::alloc::{Counting, spent_on};
use support::faulty::{Call, Done, Failure, Fault, Faulty};
use support::image::{Image, Numbers, with_isolated_free_pages};
use twin::assert_sound;
use unbolt::check::check_snapshot;
use unbolt::format::{BUCKET_FLAG, Endian, LeafElement, PageId, encode_bucket, encode_inline, encode_leaf};
use unbolt::tree::reach;
use unbolt::{
    Backing, Bucket, Db, Error, FreelistMode, FreelistSource, MemoryDisk, OpenOptions, ReadTx, Snapshot, Verify, WriteTx,
    lock_holders,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PAGE: u64 = 1024;

fn small_pages() -> OpenOptions {
    let mut options = Db::options();
    options.page_size(PAGE as u32);
    options
}

fn in_memory() -> (Arc<MemoryDisk>, Db) {
    let disk = Arc::new(MemoryDisk::new());
    let db = small_pages().open_disk(Arc::clone(&disk) as _).unwrap();
    (disk, db)
}

/// Fills a bucket that has pages, with buckets in it that have some too.
fn fill(tx: &mut WriteTx, name: &str, inner: u32) -> Result<(), Error> {
    let mut bucket = tx.create_bucket(name)?;
    (0..60).try_for_each(|n| bucket.put(format!("key-{n:03}"), [1; 50]))?;
    for n in 0..inner {
        let mut inner = bucket.create_bucket(format!("inner-{n:03}"))?;
        (0..30).try_for_each(|n| inner.put(format!("{n:03}"), [2; 60]))?;
    }
    Ok(())
}

fn at<'t>(tx: &'t ReadTx, path: &[&str]) -> Bucket<'t> {
    tx.bucket_at(path).unwrap()
}

fn keys(bucket: Bucket<'_>) -> Vec<String> {
    bucket.iter().map(|pair| String::from_utf8(pair.unwrap().0.to_vec()).unwrap()).collect()
}

/// Sound to the last page, as this library and Go say.
fn assert_file_is_sound(disk: &MemoryDisk) {
    let bytes = disk.to_bytes();
    check_snapshot(&Snapshot::from_bytes(bytes.clone()).unwrap(), &mut |finding| panic!("{finding}")).unwrap();
    let Some(program) = go::program("script") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.db");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(Peer::start(&program).report(&path).unwrap().check, [] as [&str; 0]);
}

/// N1
#[test]
fn a_bucket_moved_after_buckets_in_it_were_deleted_takes_what_is_left() {
    let (disk, db) = in_memory();
    db.update(|tx| fill(tx, "from", 20).and_then(|()| tx.create_bucket("to").map(drop))).unwrap();
    db.update(|tx| {
        let mut from = tx.bucket_mut("from")?;
        (0..20).step_by(2).try_for_each(|n| from.delete_bucket(format!("inner-{n:03}")))?;
        tx.move_bucket(&["from"], &["to"])
    })
    .unwrap();
    let tx = db.begin_read().unwrap();
    assert!(tx.bucket("from").unwrap().is_none());
    let moved = keys(at(&tx, &["to", "from"]));
    assert_eq!(moved.iter().filter(|key| key.starts_with("inner-")).count(), 10);
    assert!(!moved.contains(&"inner-000".into()) && moved.contains(&"inner-001".into()));
    assert_eq!(keys(at(&tx, &["to", "from", "inner-001"])).len(), 30);
    assert_file_is_sound(&disk);
}

/// N2
#[test]
fn a_bucket_moved_after_it_was_changed_takes_the_changes_along() {
    let (disk, db) = in_memory();
    db.update(|tx| fill(tx, "from", 3).and_then(|()| tx.create_bucket("to").map(drop))).unwrap();
    db.update(|tx| {
        let mut from = tx.bucket_mut("from")?;
        from.put("key-000", "changed")?;
        from.delete("key-001")?;
        from.set_sequence(42)?;
        from.bucket_mut("inner-001")?.put("new", "too")?;
        tx.move_bucket(&["from"], &["to"])?;
        tx.bucket_mut_at(&["to", "from"])?.put("after", "the move")
    })
    .unwrap();
    let tx = db.begin_read().unwrap();
    let moved = at(&tx, &["to", "from"]);
    assert_eq!(moved.get("key-000").unwrap(), Some(&b"changed"[..]));
    assert_eq!(moved.get("key-001").unwrap(), None);
    assert_eq!(moved.get("after").unwrap(), Some(&b"the move"[..]));
    assert_eq!(moved.sequence(), 42);
    assert_eq!(moved.bucket("inner-001").unwrap().unwrap().get("new").unwrap(), Some(&b"too"[..]));
    assert_file_is_sound(&disk);
}

/// N3
#[test]
fn a_bucket_cannot_be_moved_into_itself_at_any_depth() {
    let (disk, db) = in_memory();
    db.update(|tx| {
        fill(tx, "outer", 2)?;
        tx.bucket_mut_at(&["outer", "inner-000"])?.create_bucket("innermost").map(drop)
    })
    .unwrap();
    let before = disk.to_bytes();
    db.update(|tx| {
        for to in [&["outer"][..], &["outer", "inner-000"], &["outer", "inner-000", "innermost"]] {
            match tx.move_bucket(&["outer"], to) {
                Err(Error::MoveIntoItself { path }) => assert_eq!(path, [b"outer"]),
                other => panic!("{other:?}"),
            }
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    assert!(disk.to_bytes() == before);
    assert_eq!(keys(at(&db.begin_read().unwrap(), &["outer"])).len(), 62);
}

/// N4
#[test]
fn a_bucket_deleted_after_it_was_changed_leaves_no_page_behind() {
    let (disk, db) = in_memory();
    db.update(|tx| tx.create_bucket("other")?.put("k", "v")).unwrap();
    for touch_inner in [false, true] {
        db.update(|tx| fill(tx, "victim", 20)).unwrap();
        let before = db.stats().unwrap();
        db.update(|tx| {
            let mut victim = tx.bucket_mut("victim")?;
            victim.put("key-000", [3; 400])?;
            victim.delete("key-030")?;
            if touch_inner {
                victim.bucket_mut("inner-007")?.put("new", [4; 2000])?;
                victim.create_bucket("young")?.create_bucket("younger")?.put("k", [5; 3000])?;
            }
            tx.delete_bucket("victim")
        })
        .unwrap();
        let after = db.stats().unwrap();
        assert!(after.free_pages > before.free_pages + 70, "{before:?} {after:?}");
        assert_eq!(keys(db.begin_read().unwrap().root().unwrap()), ["other"]);
        assert_file_is_sound(&disk);
    }
}

/// A database in memory whose commit failed at its last sync, and a reader of the state before.
fn after_a_last_sync_that_failed() -> (Arc<Faulty>, Db, ReadTx) {
    let put = |value: &'static str| move |tx: &mut WriteTx| tx.create_bucket_if_missing("b")?.put("k", value.repeat(200));
    let before = || {
        let disk = Arc::new(Faulty::default());
        let db = small_pages().open_disk(Arc::clone(&disk) as _).unwrap();
        db.update(put("AAA")).unwrap();
        let reader = db.begin_read().unwrap();
        db.update(put("BBB")).unwrap();
        disk.set(None);
        (disk, db, reader)
    };
    let (disk, db, _reader) = before();
    db.update(put("CCC")).unwrap();
    let last = disk.calls().len() - 1;
    assert_eq!(disk.calls()[last], Call::SyncData);

    let (disk, db, reader) = before();
    disk.set(Some(Fault { at: last, sticky: false, failure: Failure::Error(5, Done::Nothing) }));
    match db.update(put("CCC")) {
        Err(Error::CommitUnknown { source }) => assert_eq!(source.raw_os_error(), Some(5)),
        other => panic!("{other:?}"),
    }
    disk.set(None);
    (disk, db, reader)
}

fn value_of(tx: &ReadTx) -> &[u8] {
    &at(tx, &["b"]).get("k").unwrap().unwrap()[..3]
}

/// N5
#[test]
fn a_commit_whose_last_sync_fails_is_unknown_and_never_becomes_visible_by_the_back_door() {
    let (disk, db, _) = after_a_last_sync_that_failed();
    // Whoever begins now sees the state before, and no later commit makes the lost one durable.
    assert_eq!(value_of(&db.begin_read().unwrap()), b"BBB");
    for _ in 0..3 {
        let next = db.update(|tx| tx.bucket_mut("b")?.put("other", "1"));
        assert!(matches!(next, Err(Error::Poisoned)), "{next:?}");
        assert!(matches!(db.sync(), Err(Error::Poisoned)));
    }
    assert_eq!(value_of(&db.begin_read().unwrap()), b"BBB");
    drop(db);
    // The disk was told to write it, so the next one to open it finds it.
    let db = small_pages().open_disk(Arc::clone(&disk) as _).unwrap();
    assert_eq!(value_of(&db.begin_read().unwrap()), b"CCC");
    db.update(|tx| tx.bucket_mut("b")?.put("other", "1")).unwrap();
    assert_sound(&db.begin_read().unwrap());
}

/// N6
#[test]
fn a_reader_keeps_its_pages_after_a_commit_whose_last_sync_failed() {
    let (disk, db, reader) = after_a_last_sync_that_failed();
    let before = disk.disk.to_bytes();
    // What it reads is still on the disk as it was, after the commit that failed too.
    let pages = reach(reader.pages()).unwrap().pages;
    let reads = (2..before.len() as u64 / PAGE).filter(|page| pages.contains(PageId(*page)));
    let mut image = Vec::new();
    reader.write_to(&mut image).unwrap();
    let of = |bytes: &[u8], page: u64| bytes[(page * PAGE) as usize..][..PAGE as usize].to_vec();
    reads.for_each(|page| assert_eq!(of(&before, page), of(&image, page)));
    for _ in 0..3 {
        assert!(db.update(|tx| tx.bucket_mut("b")?.put("k", "DDD".repeat(200))).is_err());
        assert!(db.batch(|tx| tx.bucket_mut("b")?.put("k", "DDD".repeat(200))).is_err());
    }
    assert_eq!(disk.calls(), [], "nothing is done to the disk");
    assert!(disk.disk.to_bytes() == before);
    assert_eq!(value_of(&reader), b"AAA");
}

/// N7
#[test]
fn pages_that_came_from_growth_are_used_again_beside_a_reader_that_does_not_need_them() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().no_sync(true).open_disk(Arc::clone(&disk) as _).unwrap();
    let put = |n: u32, byte: u8| {
        move |tx: &mut WriteTx| {
            let key = format!("{:08}", n.wrapping_mul(2_654_435_761) % 1000);
            tx.create_bucket_if_missing("b")?.put(key, [byte; 100])
        }
    };
    db.update(|tx| (0..1000).try_for_each(|n| put(n, 0)(tx))).unwrap();
    let before = db.stats().unwrap().high_water;
    let reader = db.begin_read().unwrap();
    (0..200).for_each(|n| db.update(put(n, 1)).unwrap());
    let held = db.stats().unwrap();
    // Every page that the reader needs a second time, and a few transactions' worth.
    assert!(held.high_water < before * 2 + 60, "{before} pages grew to {}", held.high_water);
    assert_eq!(held.older_readers, 1);
    assert!(at(&reader, &["b"]).iter().all(|pair| pair.unwrap().1.value() == Some(&[0; 100])));
    drop(reader);
    assert_file_is_sound(&disk);
}

/// N8. `tests/foreign.rs` has trees of many levels.
#[test]
fn one_put_beside_an_inexact_separator_or_into_an_empty_leaf_harms_nothing() {
    for key in ["a", "b0", "b5", "c", "e", "m", "n5", "zz"] {
        let mut image = Image::new(PAGE as u32, Endian::Little);
        let list = image.freelist(&[]);
        let leaves =
            [image.leaf(&[(0, b"b1", b""), (0, b"b9", b"")]), image.leaf(&[]), image.leaf(&[(0, b"n1", b""), (0, b"n9", b"")])];
        let root = image.branch(&[(b"b", leaves[0]), (b"c", leaves[1]), (b"m", leaves[2])]);
        let disk = Arc::new(MemoryDisk::from(image.finish(root, Some(list))));
        let db = Db::options().verify(Verify::Tree).open_disk(Arc::clone(&disk) as _).unwrap();
        db.update(|tx| tx.root_mut().put(key, "new")).unwrap();
        let tx = db.begin_read().unwrap();
        let mut expected = vec!["b1", "b9", "n1", "n9", key];
        expected.sort();
        assert_eq!(keys(tx.root().unwrap()), expected);
        assert!(expected.iter().all(|key| tx.root().unwrap().get(key).unwrap().is_some()));
        unbolt::tree::verify(tx.pages()).unwrap();
        drop(tx);
        db.normalize().unwrap();
        assert_file_is_sound(&disk);
    }
}

/// N9
#[test]
fn an_open_that_fails_on_a_bad_list_of_free_pages_gives_the_lock_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.db");
    let db = small_pages().open(&path).unwrap();
    db.update(|tx| fill(tx, "b", 2)).unwrap();
    let (tree, list) = {
        let tx = db.begin_read().unwrap();
        let meta = *Snapshot::open(&path).unwrap().meta();
        (at(&tx, &["b"]).root_page().unwrap(), meta.freelist.unwrap())
    };
    drop(db);
    let sound = std::fs::read(&path).unwrap();
    let flags = |page: PageId| (page.0 * PAGE) as usize + 8;
    for backing in [Backing::Map, Backing::Heap] {
        // The list is no list: all pages in use are found, and nothing is lost.
        let mut bytes = sound.clone();
        bytes.set_u16(flags(list), 2);
        std::fs::write(&path, &bytes).unwrap();
        let db = small_pages().backing(backing).open(&path).unwrap();
        assert!(matches!(db.open_report().freelist, FreelistSource::Rebuilt { .. }));
        db.update(|tx| tx.bucket_mut("b")?.put("one", "more")).unwrap();
        assert_sound(&db.begin_read().unwrap());
        drop(db);

        // Nor can the tree be walked that would tell: an error that says where, and the next open is not kept waiting.
        bytes.set_u16(flags(tree), 0x10);
        std::fs::write(&path, &bytes).unwrap();
        for _ in 0..2 {
            match small_pages().backing(backing).open(&path).map(drop) {
                Err(Error::Corrupt(found)) => assert_eq!(found.page, Some(tree)),
                other => panic!("{other:?}"),
            }
            assert_eq!(lock_holders(&path), []);
        }
        std::fs::write(&path, &sound).unwrap();
        drop(Db::open(&path).unwrap());
    }
}

/// What one small commit asks for beside this many free pages no two of which are neighbours, and what it writes.
fn cost_beside(free: u64, freelist: FreelistMode) -> (support::alloc::Spent, u64) {
    // A file: where a disk is kept in memory, each commit reads it anew.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("isolated.db");
    std::fs::write(&path, with_isolated_free_pages(free)).unwrap();
    let db = Db::options().no_sync(true).freelist(freelist).open(&path).unwrap();
    let put = |byte: u8| db.update(|tx| tx.root_mut().put(7_u64.to_be_bytes(), [byte])).unwrap();
    (0..4).for_each(put);
    let before = db.stats().unwrap();
    assert!(before.free_pages + 20 > free, "{before:?}");
    let ((), spent) = spent_on(|| put(9));
    (spent, db.stats().unwrap().writes.bytes_written - before.writes.bytes_written)
}

/// N10
#[test]
fn a_small_commit_costs_the_same_however_many_isolated_pages_are_free() {
    let (few, few_written) = cost_beside(340, FreelistMode::Never);
    let (many, many_written) = cost_beside(34_000, FreelistMode::Never);
    println!("beside 340 free pages: {few:?}, {few_written} bytes written; beside 34000: {many:?}, {many_written}");
    // One level more, and a bit for each page.
    assert!(many_written <= few_written + PAGE);
    assert!(many.allocations <= few.allocations + 20);
    assert!(many.bytes <= few.bytes + 68_000 / 8 + 8 * PAGE);
    // With the list in the file, that is written too, and in one pass.
    let (listed, written) = cost_beside(34_000, FreelistMode::EachCommit);
    println!("with its list: {listed:?}, {written} bytes written");
    assert!(written <= many_written + 34_000 * 8 + 8 * PAGE);
    assert!(listed.allocations <= many.allocations + 20);
    assert!(listed.bytes <= many.bytes + 3 * 34_000 * 8);
}

/// What committing many keys at once asks for.
fn cost_of_a_load(initial_map: u64) -> (support::alloc::Spent, u64) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::options().no_sync(true).initial_map_size(initial_map).open(folder.path().join("load.db")).unwrap();
    let mut tx = db.begin_write().unwrap();
    let mut bucket = tx.create_bucket("b").unwrap();
    (0..60_000_u32).for_each(|n| bucket.put(n.to_be_bytes(), [7; 100]).unwrap());
    let (committed, spent) = spent_on(|| tx.commit());
    committed.unwrap();
    (spent, db.stats().unwrap().file_bytes)
}

/// N11
#[test]
fn a_commit_that_outgrows_the_map_copies_no_key_for_it() {
    let (growing, grown) = cost_of_a_load(0);
    let (roomy, _) = cost_of_a_load(64 << 20);
    println!("grows to {grown} bytes: {growing:?}; has the room: {roomy:?}");
    assert!(grown > 12 << 20);
    // Keys and values together are 6.2 MB, and Go copies them each time that the map doubles.
    assert!(growing.bytes.abs_diff(roomy.bytes) < 100_000);
    assert!(growing.allocations.abs_diff(roomy.allocations) < 50);
}

/// N12
#[test]
fn all_of_the_largest_size_can_be_used() {
    let load = |limit: Option<u64>, pages: u32| {
        let mut options = Db::options();
        limit.into_iter().for_each(|limit| _ = options.max_size(limit));
        let disk = Arc::new(MemoryDisk::new());
        let db = options.no_sync(true).open_disk(Arc::clone(&disk) as _).unwrap();
        let done = db.update(|tx| {
            let mut bucket = tx.create_bucket("b")?;
            (0..pages).try_for_each(|n| bucket.put(n.to_be_bytes(), [7; 4000]))
        });
        let size = db.begin_read().unwrap().size();
        (done, size, db.stats().unwrap().file_bytes)
    };
    // To the byte.
    let (done, needed, _) = load(None, 500);
    done.unwrap();
    let (done, size, file) = load(Some(needed), 500);
    done.unwrap();
    assert_eq!((size, file), (needed, needed));
    match load(Some(needed - 1), 500) {
        (Err(Error::MaxSize { needed: found, limit }), 16384, _) => assert!(found <= needed && limit == needed - 1),
        other => panic!("{other:?}"),
    }
    // Where bbolt stops at 4, 16 and 24 MiB.
    for mib in [5, 20, 40] {
        let limit = mib << 20;
        let folder = tempfile::tempdir().unwrap();
        let db = Db::options().no_sync(true).max_size(limit).open(folder.path().join("full.db")).unwrap();
        let mut next = 0_u64;
        let mut put = |count: u64| {
            let done = db.update(|tx| {
                let mut bucket = tx.create_bucket_if_missing("b")?;
                (next..next + count).try_for_each(|n| bucket.put(n.to_be_bytes(), [7; 3000]))
            });
            next += count;
            done
        };
        for count in [200, 1] {
            let error = std::iter::repeat_with(|| put(count)).find_map(Result::err).unwrap();
            assert!(matches!(error, Error::MaxSize { limit: found, .. } if found == limit), "{error:?}");
        }
        // One more value and the pages above it would have been too many.
        let size = db.begin_read().unwrap().size();
        assert!(size <= limit && size + 10 * 4096 > limit, "{mib} MiB: {size}");
        assert!(db.stats().unwrap().file_bytes <= limit);
        // What is free can still be used.
        db.update(|tx| tx.bucket_mut("b")?.delete_range(0_u64.to_be_bytes()..9_u64.to_be_bytes())).unwrap();
        put(1).unwrap();
        assert_sound(&db.begin_read().unwrap());
    }
}

/// N13. That nothing of a read transaction can be changed is for the compiler to say: see the docs of `Bucket`.
#[test]
fn a_sequence_is_read_wherever_its_bytes_lie() {
    let layout = support::layout::layout(PAGE as u32, Endian::Little);
    for len in 1..24 {
        let name = "n".repeat(len);
        let page = encode_inline(&[LeafElement { flags: 0, key: b"k", value: b"v" }], Endian::Little).unwrap();
        let value = [&encode_bucket(PageId(0), 0x0102_0304_0506_0708, Endian::Little)[..], &page].concat();
        let element = LeafElement { flags: BUCKET_FLAG, key: name.as_bytes(), value: &value[..] };
        let mut image = Image::new(PAGE as u32, Endian::Little);
        image.bytes.extend(encode_leaf(PageId(2), &[element], layout).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd.db");
        std::fs::write(&path, image.finish(PageId(2), None)).unwrap();
        for read_only in [false, true] {
            let db = Db::options().read_only(read_only).open(&path).unwrap();
            assert_eq!(at(&db.begin_read().unwrap(), &[&name]).sequence(), 0x0102_0304_0506_0708);
        }
        let db = Db::open(&path).unwrap();
        assert_eq!(db.update(|tx| tx.bucket_mut(&name)?.next_sequence()).unwrap(), 0x0102_0304_0506_0709);
        assert_eq!(at(&db.begin_read().unwrap(), &[&name]).sequence(), 0x0102_0304_0506_0709);
    }
}

/// N14
#[cfg(feature = "cli")]
#[test]
fn commands_on_raw_pages_go_by_the_newest_good_meta_and_not_by_the_first() {
    let (disk, db) = in_memory();
    db.update(|tx| fill(tx, "b", 1)).unwrap();
    // The newest meta is the one on page 1, and names more pages than the other.
    while db.begin_read().unwrap().id().0 % 2 == 0 || db.stats().unwrap().high_water < 60 {
        db.update(|tx| tx.bucket_mut("b")?.put("large", vec![1; 40_000])).unwrap();
    }
    let pages = db.stats().unwrap().high_water;
    let sound = disk.to_bytes();
    let mut lost = sound.clone();
    lost[..PAGE as usize].fill(0xA5);
    let mut other_size = sound.clone();
    other_size.set_u32(24, 4096);
    let newest = db.begin_read().unwrap().id().to_string();
    for (what, bytes) in [("sound", &sound), ("page 0 lost", &lost), ("page 0 of another page size", &other_size)] {
        let run = |arguments: &[&str]| {
            let done = command::on_bytes(bytes, arguments);
            assert_eq!(done.status, 0, "{what}: {arguments:?}: {}", done.err);
            done
        };
        let listed = run(&["pages", "FILE"]);
        let numbers = |line: &&str| line.starts_with(|first: char| first.is_ascii_digit());
        let last: Vec<u64> = listed
            .lines()
            .into_iter()
            .rfind(numbers)
            .unwrap()
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let (last, overflow) = (last[0], last.get(2).copied().unwrap_or(0));
        assert_eq!(last + overflow + 1, pages, "{what}: {}", listed.text());
        assert_eq!(run(&["info", "FILE"]).text(), "Page Size: 1024\n", "{what}");
        let one = run(&["page", "FILE", &last.to_string()]);
        assert!(one.text().starts_with(&format!("Page ID:    {last}\n")), "{what}: {}", one.text());
        // Where bbolt ends too early, the words beside its output say so.
        let all = run(&["page", "--all", "FILE"]);
        let shown = |text: &str| text.contains(&format!("\nPage ID:    {last}\n"));
        assert!(shown(all.text()) || all.err.contains(&format!("to {} ", pages - 1)), "{what}: {}", all.err);
        assert!(shown(run(&["page", "--all", "--txid", &newest, "FILE"]).text()), "{what}");
        let dump = run(&["dump", "FILE", &last.to_string()]);
        assert!(dump.lines().len() > 1, "{what}: {}", dump.text());
    }
}
