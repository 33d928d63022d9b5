//! At the ends of what the format can hold a change is refused, and whatever was there before stays.

mod support;
mod twin;

use std::sync::Arc;

use support::alloc::{Counting, peak_of};
use support::faulty::{Call, Faulty};
use support::image::{Image, Numbers};
use twin::assert_sound;
use unbolt::check::check_snapshot;
use unbolt::format::{EncodeError, Endian, LeafElement, Meta, PageId, TxId, encode_freelist, encode_leaf, encode_meta};
use unbolt::tree::BuildOptions;
use unbolt::{Db, Disk, Error, FreelistMode, FreelistSource, MemoryDisk, Snapshot, Verify};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A database whose two metas have these transaction ids and tell of the same state.
fn with_ids(first: u64, second: u64) -> Vec<u8> {
    let mut image = Image::new(1024, Endian::Little);
    let root = image.leaf(&[(0, b"k", b"v")]);
    let mut bytes = image.finish(root, None);
    for (page, id) in [(0, first), (1024, second)] {
        bytes.set_u64(page + 64, id);
        bytes.repair_meta(page);
    }
    bytes
}

#[test]
fn after_the_last_transaction_id_nothing_is_written() {
    let disk = Arc::new(MemoryDisk::from(with_ids(u64::MAX - 3, u64::MAX - 4)));
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    let put = || db.update(|tx| tx.root_mut().put("k", "w"));
    put().unwrap();
    assert_eq!(db.begin_read().unwrap().id(), TxId(u64::MAX - 2));
    put().unwrap();
    assert_eq!(db.begin_read().unwrap().id(), TxId(u64::MAX - 1));
    let bytes = disk.to_bytes();
    for _ in 0..2 {
        assert!(matches!(put(), Err(Error::TxIdExhausted)));
        assert!(matches!(db.begin_write().map(drop), Err(Error::TxIdExhausted)));
    }
    assert!(disk.to_bytes() == bytes);
    for last in [u64::MAX, u64::MAX - 1] {
        let db = Db::options().open_disk(Arc::new(MemoryDisk::from(with_ids(last, 4)))).unwrap();
        assert_eq!(db.begin_read().unwrap().root().unwrap().get("k").unwrap(), Some(&b"v"[..]));
        assert!(matches!(db.update(|tx| tx.root_mut().put("k", "w")), Err(Error::TxIdExhausted)));
    }
}

#[test]
fn the_only_good_meta_is_never_written_over() {
    // As a backup has them: the newest one on the page of the next one.
    for (first, second, next) in [(7, 6, 8), (6, 7, 8), (6, 9, 10), (9, 6, 10)] {
        for damaged in [None, Some(0), Some(1)] {
            let mut bytes = with_ids(first, second);
            damaged.into_iter().for_each(|page| bytes[page * 1024 + 30] ^= 1);
            let good = [first, second].into_iter().zip(0..).filter(|(_, page)| Some(*page) != damaged).max().unwrap();
            let disk = Arc::new(Faulty::of(bytes));
            let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
            disk.set(None);
            let mut tx = db.begin_write().unwrap();
            let promised = tx.id();
            tx.root_mut().put("k", "w").unwrap();
            tx.commit().unwrap();
            let id = db.begin_read().unwrap().id();
            assert_eq!(promised, id, "the id that the transaction said it would have");
            let writes = disk.calls().into_iter();
            let written = |call| if let Call::Write { offset, .. } = call { Some(offset / 1024) } else { None };
            let pages: Vec<u64> = writes.filter_map(written).filter(|page| *page < 2).collect();
            assert!(pages.iter().all(|page| *page == id.0 % 2), "{pages:?}");
            match damaged {
                None => assert_eq!(id.0, next, "both tell of one state, so either can go"),
                Some(_) => assert_ne!(id.0 % 2, good.1 as u64, "{first} {second} {damaged:?}"),
            }
            assert!(id.0 > good.0 && id.0 <= good.0 + 2);
        }
    }
}

#[test]
fn an_element_that_go_could_not_read_is_refused_before_it_is_copied() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    // Pages of zeros that nobody touches.
    let zeros = vec![0; 1 << 31];
    let mut tx = db.begin_write().unwrap();
    let mut bucket = tx.create_bucket("b").unwrap();
    bucket.put("small", "stays").unwrap();
    let ((), peak) = peak_of(|| {
        for len in [1 << 31, (1 << 31) - 1] {
            assert!(matches!(bucket.put("k", &zeros[..len]), Err(Error::ValueTooLarge { len: found }) if found == len));
        }
        // Key, value and headers together are as long as a run can be.
        for (key, len) in [(1, (1 << 31) - 2), (100, (1 << 31) - 133), (32_768, (1 << 31) - 32_801)] {
            let refused = bucket.put("k".repeat(key), &zeros[..len]);
            assert!(matches!(refused, Err(Error::TooLarge(EncodeError::TooLong { .. }))), "{key} {len}: {refused:?}");
        }
        let name = &zeros[..(1 << 31) - 40];
        assert!(matches!(bucket.create_bucket(name).map(drop), Err(Error::TooLarge(_))));
    });
    assert!(peak < 1 << 20, "{peak} bytes");
    tx.commit().unwrap();
    let tx = db.begin_read().unwrap();
    assert_eq!(tx.bucket("b").unwrap().unwrap().get("small").unwrap(), Some(&b"stays"[..]));
    assert_eq!(tx.bucket("b").unwrap().unwrap().iter().count(), 1);
}

#[test]
fn keys_are_as_long_as_gos_and_names_of_buckets_longer() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().page_size(1024).open_disk(Arc::clone(&disk) as _).unwrap();
    db.update(|tx| {
        let mut bucket = tx.create_bucket("b")?;
        assert!(matches!(bucket.put("", "v"), Err(Error::KeyRequired)));
        assert!(matches!(bucket.put([0; 32_769], "v"), Err(Error::KeyTooLarge { len: 32_769 })));
        for first in 0..20_u8 {
            bucket.put([first; 32_768], "v")?;
        }
        // A key with every other beginning of it.
        (1..600).try_for_each(|len| bucket.put(vec![7; len], "prefix"))?;
        for first in 0..9_u8 {
            bucket.create_bucket(vec![100 + first; 100_000])?.put("k", "v")?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db.update(|tx| {
        let mut bucket = tx.bucket_mut("b")?;
        assert!(bucket.delete([3; 32_768])?);
        bucket.delete_bucket(vec![102; 100_000])?;
        bucket.rename_bucket(vec![103; 100_000], vec![99; 200_000])
    })
    .unwrap();
    let db = Db::options().verify(Verify::Tree).open_disk(disk).unwrap();
    let tx = db.begin_read().unwrap();
    let bucket = tx.bucket("b").unwrap().unwrap();
    assert_eq!(bucket.iter().count(), 19 + 599 + 8);
    assert_eq!(bucket.buckets().count(), 8);
    assert!(bucket.bucket([99; 200_000]).unwrap().is_some());
    assert_eq!(bucket.get([19; 32_768]).unwrap(), Some(&b"v"[..]));
    assert_sound(&tx);
}

#[test]
fn a_page_never_has_more_elements_than_it_can_count() {
    let mut image = Image::new(4 << 20, Endian::Little);
    let root = image.leaf(&[]);
    let disk = Arc::new(MemoryDisk::from(image.finish(root, None)));
    let db = Db::options().no_sync(true).open_disk(Arc::clone(&disk) as _).unwrap();
    let fill = |count: u32| {
        db.update(|tx| {
            let mut root = tx.root_mut();
            root.fill_percent(1.0);
            (0..count).try_for_each(|key| root.put(&key.to_be_bytes()[1..], ""))
        })
    };
    let bytes = disk.to_bytes();
    for _ in 0..2 {
        match fill(65_535) {
            Err(Error::TooLarge(EncodeError::TooManyElements { count })) => assert_eq!(count, 65_535),
            other => panic!("{other:?}"),
        }
        assert!(disk.to_bytes() == bytes, "nothing of it was written");
    }
    fill(65_534).unwrap();
    assert_eq!(db.begin_read().unwrap().iter().unwrap().count(), 65_534);
    assert_sound(&db.begin_read().unwrap());
    // More of them than that are on two pages, and so cannot be put there one by one.
    assert!(matches!(db.update(|tx| tx.root_mut().put("zzz", "")), Err(Error::TooLarge(_))));
}

/// Runs something where there is little room for calls in calls.
fn with_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(160 << 10).spawn(run).unwrap().join().unwrap();
}

#[test]
fn buckets_nest_as_deep_as_the_file_is_long() {
    const DEPTH: usize = 20_000;
    with_a_small_stack(|| {
        let path = vec!["n"; DEPTH];
        let disk = Arc::new(MemoryDisk::new());
        let db = Db::options().page_size(1024).freelist(FreelistMode::Never).open_disk(Arc::clone(&disk) as _).unwrap();
        db.update(|tx| {
            tx.create_bucket("beside")?.put("k", "v")?;
            tx.create_bucket_at_if_missing(&path)?.put("k", "innermost")
        })
        .unwrap();
        drop(db);
        // Found again by going through all of it.
        let db = Db::options().verify(Verify::Tree).open_disk(Arc::clone(&disk) as _).unwrap();
        assert_eq!(db.open_report().freelist, FreelistSource::Scanned);
        db.update(|tx| {
            let mut bucket = tx.bucket_mut_at(&path)?;
            bucket.put("k2", vec![1; 2000])?;
            bucket.next_sequence().map(drop)
        })
        .unwrap();
        assert!(db.normalize().unwrap().is_nothing());
        let tx = db.begin_read().unwrap();
        assert_eq!(tx.bucket_at(&path).unwrap().sequence(), 1);
        assert_sound(&tx);
        assert_eq!(tx.root().unwrap().stats().unwrap().buckets, DEPTH as u64 + 2);
        let compact = MemoryDisk::new();
        tx.compact_to(&compact, &BuildOptions::default()).unwrap();
        let compact = Db::from_bytes(compact.into_bytes()).unwrap();
        assert_eq!(compact.begin_read().unwrap().bucket_at(&path).unwrap().get("k").unwrap(), Some(&b"innermost"[..]));
        drop(tx);
        // Moved from the middle to the top, then gone with all that is in it.
        db.update(|tx| {
            tx.move_bucket(&path[..DEPTH / 2], &["beside"])?;
            assert!(matches!(tx.move_bucket(&["beside"], &["beside", "n", "n"]), Err(Error::MoveIntoItself { .. })));
            tx.delete_bucket("n")
        })
        .unwrap();
        let under = [&["beside"][..], &path[DEPTH / 2 - 1..]].concat();
        assert_eq!(db.begin_read().unwrap().bucket_at(&under).unwrap().get("k").unwrap(), Some(&b"innermost"[..]));
        db.update(|tx| tx.delete_bucket("beside")).unwrap();
        assert_sound(&db.begin_read().unwrap());
        let stats = db.stats().unwrap();
        assert!(stats.high_water - stats.free_pages - stats.freelist_pages < 9, "{stats:?}");
    });
}

/// Keys that lead in a circle whoever looks for the next one after each.
fn circle() -> Vec<u8> {
    let mut image = Image::new(1024, Endian::Little);
    let leaves = [image.leaf(&[(0, b"m", b"")]), image.leaf(&[(0, b"c", b""), (0, b"n", b""), (0, b"b", b"")])];
    let root = image.branch(&[(b"a", leaves[0]), (b"c", leaves[1])]);
    let inner = image.leaf(&[(1, b"inner", &support::damage::paged(root))]);
    image.finish(inner, None)
}

#[test]
fn keys_that_do_not_ascend_keep_no_write_transaction_busy_for_ever() {
    let bytes = circle();
    let open = || Db::options().open_disk(Arc::new(MemoryDisk::from(bytes.clone()))).unwrap();
    let db = open();
    let mut tx = db.begin_write().unwrap();
    let bucket = tx.bucket_mut("inner").unwrap();
    for back in [false, true] {
        let mut iter = bucket.iter();
        let pairs = std::iter::from_fn(|| if back { iter.next_back() } else { iter.next() });
        let found: Vec<_> = pairs.take(100).collect();
        assert!(found.len() < 100, "it goes on for ever");
    }
    assert!(bucket.iter().take(100).last().unwrap().unwrap_err().is_corrupt());
    drop(tx);
    for change in [
        |tx: &mut unbolt::WriteTx| tx.bucket_mut("inner")?.retain(|_, _| true).map(drop),
        |tx: &mut unbolt::WriteTx| tx.bucket_mut("inner")?.delete_range::<&[u8]>(..).map(drop),
        |tx: &mut unbolt::WriteTx| tx.delete_bucket("inner"),
    ] {
        // That it ends is what counts; a change that cannot be made whole is not committed.
        match open().update(change) {
            Ok(()) => {}
            Err(e) => assert!(e.is_corrupt() || matches!(e, Error::TxBroken), "{e:?}"),
        }
    }
}

#[test]
fn a_list_of_free_pages_that_lies_on_more_pages_than_it_needs_is_not_believed() {
    let mut image = Image::new(1024, Endian::Little);
    let root = image.leaf(&[(0, b"k", b"v")]);
    let list = image.freelist(&[]);
    let values = [image.leaf(&[(0, b"a", b"v")]), image.leaf(&[(0, b"b", b"v")])];
    let branch = image.branch(&[(b"a", values[0]), (b"b", values[1])]);
    let paged = support::damage::paged(branch);
    let top = image.leaf(&[(1, b"bucket", &paged), (0, b"k", b"v")]);
    let mut bytes = image.finish(top, Some(list));
    // Root is not used; the list claims the two leaves behind it.
    bytes.set_u32(list.0 as usize * 1024 + 12, 2);
    let disk = Arc::new(MemoryDisk::from(bytes));
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    assert!(matches!(db.open_report().freelist, FreelistSource::Rebuilt { .. }), "{:?}", db.open_report());
    for round in 0..5_u8 {
        db.update(|tx| tx.root_mut().put("k", [round; 700])).unwrap();
    }
    let tx = db.begin_read().unwrap();
    let bucket = tx.bucket("bucket").unwrap().unwrap();
    assert_eq!((bucket.get("a").unwrap(), bucket.get("b").unwrap()), (Some(&b"v"[..]), Some(&b"v"[..])));
    assert_sound(&tx);
    assert!(root.0 > 0);
}

#[test]
fn a_change_far_behind_in_a_large_file_asks_for_little_memory() {
    // 128 GiB of pages, nearly all of them in one free run, and none of them there.
    const PAGES: u64 = 1 << 27;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.db");
    let layout = support::layout::layout(1024, Endian::Little);
    let meta = |txid| Meta {
        endian: Endian::Little,
        page_size: 1024,
        flags: 0,
        root: PageId(3),
        root_sequence: 0,
        freelist: Some(PageId(2)),
        high_water: PageId(PAGES),
        txid: TxId(txid),
    };
    let file = std::fs::File::create(&path).unwrap();
    let elements = [LeafElement { flags: 0, key: &b"k"[..], value: &b"v"[..] }];
    let parts = [
        encode_meta(PageId(0), &meta(2), layout),
        encode_meta(PageId(1), &meta(1), layout),
        encode_freelist(PageId(2), &[PageId(PAGES - 1)], 1, layout).unwrap(),
        encode_leaf(PageId(3), &elements, layout).unwrap(),
    ];
    file.write_at(&parts.concat(), 0).unwrap();
    file.set_len(PAGES * 1024).unwrap();
    let db = Db::options().no_sync(true).freelist(FreelistMode::Never).open(&path).unwrap();
    let put = |byte: u8| db.update(|tx| tx.root_mut().put("k", [byte; 2000])).unwrap();
    let ((), peak) = peak_of(|| (0..5).for_each(put));
    // Bits for each page, to notice what is freed twice and to find what is free, and nothing larger.
    assert!(peak < (PAGES + PAGES / 8) as usize + (8 << 20), "{peak} bytes");
    assert!(db.begin_read().unwrap().root().unwrap().get("k").unwrap() == Some(&[4; 2000]));
}

#[test]
fn the_check_agrees_that_the_circle_is_damage() {
    let mut errors = 0;
    check_snapshot(&Snapshot::from_bytes(circle()).unwrap(), &mut |_| errors += 1).unwrap();
    assert!(errors > 0);
}
