//! The database: what opening promises, and what a read transaction sees.

use std::sync::Arc;
use std::thread;

use unbolt::format::{
    Endian, Layout, LeafElement, Meta, MetaRefusal, PageId, PageKind, PageSize, TxId, encode_freelist, encode_leaf, encode_meta,
};
use unbolt::tree::PageType;
use unbolt::{Backing, CorruptionKind, Db, Entry, Error, FreelistSource, Snapshot, TxSelector, Verify};

const DOCKER: &str = "testdata/docker/live-20.10.24.db";
const LAYOUT: Layout = Layout { page_size: PageSize::MIN, endian: Endian::Little };

fn meta(txid: u64, root: u64) -> Meta {
    Meta {
        endian: LAYOUT.endian,
        page_size: LAYOUT.page_size.get(),
        flags: 0,
        root: PageId(root),
        root_sequence: 0,
        freelist: Some(PageId(2)),
        high_water: PageId(6),
        txid: TxId(txid),
    }
}

fn leaf(page: u64, value: &[u8]) -> Vec<u8> {
    encode_leaf(PageId(page), &[LeafElement { flags: 0, key: b"k", value }], LAYOUT).unwrap()
}

/// Six pages: two metas, a freelist, and three leaves with "old", "new" and nothing of interest.
fn two_states(first: &Meta, second: &Meta) -> Vec<u8> {
    let free = encode_freelist(PageId(2), &[PageId(3), PageId(5)], 1, LAYOUT).unwrap();
    let metas = [encode_meta(PageId(0), first, LAYOUT), encode_meta(PageId(1), second, LAYOUT)];
    [metas.concat(), free, leaf(3, b"old"), leaf(4, b"new"), leaf(5, b"never")].concat()
}

fn open_file(bytes: &[u8], options: &unbolt::OpenOptions) -> Result<Db, Error> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    options.open(file.path())
}

fn corruption(result: Result<Db, Error>) -> CorruptionKind {
    match result {
        Err(Error::Corrupt(corruption)) => corruption.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn mapped_and_in_memory_the_same_is_read() {
    let all = |backing| {
        let db = Db::options().read_only(true).backing(backing).verify(Verify::Tree).open(DOCKER).unwrap();
        let tx = db.begin_read().unwrap();
        let bucket = tx.bucket("libnetwork").unwrap().unwrap();
        bucket
            .iter()
            .map(|pair| pair.map(|(k, e)| (k.to_vec(), e.value().map(<[u8]>::to_vec))))
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
    };
    assert_eq!(all(Backing::Map), all(Backing::Heap));
    assert_eq!(all(Backing::Map).len(), 23);
}

#[test]
fn a_transaction_outlives_its_database_and_moves_between_threads() {
    let db = Db::options().read_only(true).open(DOCKER).unwrap();
    let tx = db.begin_read().unwrap();
    db.close().unwrap();
    let keys = thread::spawn(move || tx.bucket("libnetwork").unwrap().unwrap().iter().count()).join().unwrap();
    assert_eq!(keys, 23);
}

#[test]
fn threads_read_one_database_together() {
    let db = Arc::new(Db::options().read_only(true).open(DOCKER).unwrap());
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let db = Arc::clone(&db);
            thread::spawn(move || db.view(|tx| Ok::<_, Error>(tx.bucket("libnetwork")?.unwrap().stats()?.keys)).unwrap())
        })
        .collect();
    assert!(readers.into_iter().all(|reader| reader.join().unwrap() == 23));
}

#[test]
fn a_value_is_no_bucket_and_a_bucket_no_value() {
    let db = Db::options().read_only(true).open(DOCKER).unwrap();
    let tx = db.begin_read().unwrap();
    assert!(tx.root().unwrap().get("libnetwork").unwrap().is_none());
    let bucket = tx.bucket("libnetwork").unwrap().unwrap();
    let (key, Entry::Value(value)) = bucket.iter().next().unwrap().unwrap() else { panic!("all of Docker's are values") };
    assert!(bucket.bucket(key).unwrap().is_none());
    assert_eq!(bucket.get(key).unwrap(), Some(value));
    assert!(tx.bucket("no such bucket").unwrap().is_none());
    let Err(Error::BucketNotFound { path }) = tx.bucket_at(&["libnetwork", "deeper", "still"]) else {
        panic!("it is not there")
    };
    assert_eq!(path, [b"libnetwork".to_vec(), b"deeper".to_vec()]);
}

#[test]
fn the_newest_meta_is_read_and_the_older_one_on_request() {
    let db = Db::from_bytes(two_states(&meta(8, 3), &meta(9, 4))).unwrap();
    let value = |selector| {
        let tx = db.begin_read_at(selector)?;
        let value = tx.root()?.get("k")?.map(<[u8]>::to_vec);
        Ok::<_, Error>((value.unwrap(), tx.id(), tx.is_provable()))
    };
    assert_eq!(value(TxSelector::Current).unwrap(), (b"new".to_vec(), TxId(9), true));
    assert_eq!(value(TxSelector::Previous).unwrap(), (b"old".to_vec(), TxId(8), false));
    assert_eq!(value(TxSelector::Id(TxId(8))).unwrap(), (b"old".to_vec(), TxId(8), false));
    let Err(Error::NoSuchTx { available, .. }) = value(TxSelector::Id(TxId(7))) else { panic!("it is gone") };
    assert_eq!(available, [TxId(9), TxId(8)]);
}

#[test]
fn an_older_state_whose_pages_were_written_again_is_an_error() {
    let mut bytes = two_states(&meta(8, 3), &meta(9, 4));
    let freed = 3 * 512;
    bytes[freed + 8] = 0x10;
    let db = Db::from_bytes(bytes).unwrap();
    assert!(db.begin_read_at(TxSelector::Previous).unwrap_err().is_corrupt());
    assert!(db.begin_read().is_ok());
}

#[test]
fn a_twin_of_the_current_meta_is_provable() {
    let db = Db::from_bytes(two_states(&meta(9, 4), &meta(8, 4))).unwrap();
    let tx = db.begin_read_at(TxSelector::Previous).unwrap();
    assert!(tx.is_provable());
    assert_eq!(tx.root().unwrap().get("k").unwrap(), Some(&b"new"[..]));
}

#[test]
fn a_torn_meta_gives_way_to_the_other_and_is_reported() {
    let mut bytes = two_states(&meta(8, 3), &meta(9, 4));
    bytes[512 + 16 + 40] ^= 1;
    let db = Db::from_bytes(bytes).unwrap();
    assert_eq!(db.begin_read().unwrap().id(), TxId(8));
    let refusal = db.begin_read().unwrap().metas().slots[1].meta.unwrap_err();
    assert!(refusal.to_string().starts_with("checksum"), "{refusal}");
}

#[test]
fn a_verified_meta_that_makes_no_sense_is_an_error_and_no_step_back() {
    let good = meta(8, 3);
    let open = |bad: Meta| corruption(open_file(&two_states(&good, &bad), Db::options().read_only(true)));
    assert!(matches!(open(meta(9, 6)), CorruptionKind::Root { .. }));
    assert!(matches!(open(meta(9, 1)), CorruptionKind::Root { .. }));
    assert!(matches!(open(Meta { freelist: Some(PageId(6)), ..meta(9, 4) }), CorruptionKind::FreelistPage { .. }));
    assert!(matches!(open(Meta { high_water: PageId(7), ..meta(9, 4) }), CorruptionKind::ShortFile { .. }));
    assert!(matches!(open(Meta { page_size: 0, ..meta(9, 4) }), CorruptionKind::PageSize { found: 0 }));
}

#[test]
fn an_older_meta_of_another_layout_is_refused_and_the_newest_state_read() {
    let newest = meta(9, 4);
    let larger = Meta { page_size: 8192, ..meta(8, 3) };
    let swapped = Meta { endian: Endian::Big, ..meta(8, 3) };
    let cases = [(larger, MetaRefusal::PageSize { found: 8192, expected: 512 }), (swapped, MetaRefusal::ByteOrder)];
    for (older, refusal) in cases {
        let mut bytes = two_states(&newest, &newest);
        bytes[512 + 16..512 + 80].copy_from_slice(older.encode().as_bytes());
        let db = Db::from_bytes(bytes.clone()).unwrap();
        assert_eq!(db.begin_read().unwrap().metas().slots[1].meta, Err(refusal));
        assert_eq!(db.begin_read().unwrap().root().unwrap().get("k").unwrap(), Some(&b"new"[..]));
        assert!(db.begin_read_at(TxSelector::Previous).unwrap_err().is_not_found());
        let mut codes = Vec::new();
        let snapshot = Snapshot::from_bytes(bytes).unwrap();
        unbolt::check::check_snapshot(&snapshot, &mut |finding| codes.push(finding.code)).unwrap();
        assert_eq!(codes, [unbolt::check::Code::MetaRefused]);
    }
}

#[test]
fn a_newest_meta_of_a_page_size_that_is_not_the_files_never_leads_to_wrong_data() {
    let (sound, wrong) =
        (meta(8, 3), Meta { page_size: 1024, high_water: PageId(3), root: PageId(2), freelist: None, ..meta(9, 4) });
    let sides = [[sound, wrong], [wrong, sound]];
    for (page, metas) in sides.iter().enumerate() {
        let mut bytes = two_states(&sound, &sound);
        for (slot, meta) in metas.iter().enumerate() {
            bytes[slot * 512 + 16..slot * 512 + 80].copy_from_slice(meta.encode().as_bytes());
        }
        let read = |db: Db| Ok::<_, Error>(db.begin_read()?.root()?.get("k")?.map(<[u8]>::to_vec));
        let found = Db::from_bytes(bytes).and_then(read).unwrap_err();
        assert!(found.is_corrupt(), "{found}");
        // At the place of page 1 the meta betrays itself.
        let told = matches!(&found, Error::Corrupt(c) if c.kind == CorruptionKind::MetaPlace { found: 1024, at: 512 });
        assert_eq!(told, page == 0 && metas[1] == wrong, "{found}");
    }
}

#[test]
fn a_page_inside_a_run_is_of_no_known_type() {
    let value = [b'v'; 1200];
    let root = encode_leaf(PageId(3), &[LeafElement { flags: 0, key: &b"k"[..], value: &value[..] }], LAYOUT).unwrap();
    let free = encode_freelist(PageId(2), &[], 1, LAYOUT).unwrap();
    let metas = [encode_meta(PageId(0), &meta(9, 3), LAYOUT), encode_meta(PageId(1), &meta(8, 3), LAYOUT)];
    let bytes = [metas.concat(), free, root].concat();
    assert_eq!(bytes.len(), 6 * 512);
    let db = Db::from_bytes(bytes.clone()).unwrap();
    let tx = db.begin_read().unwrap();
    let pages: Vec<_> = (3..6).map(|id| tx.page(PageId(id)).unwrap().unwrap()).collect();
    assert_eq!(
        pages.iter().map(|page| page.kind).collect::<Vec<_>>(),
        [PageType::Used(PageKind::Leaf), PageType::Unknown, PageType::Unknown]
    );
    assert_eq!(pages.iter().map(|page| page.overflow).collect::<Vec<_>>(), [2, 0, 0]);

    let mut damaged = bytes;
    damaged[3 * 512 + 12] = 9;
    let db = Db::from_bytes(damaged).unwrap();
    assert!(db.begin_read().unwrap().page(PageId(3)).unwrap_err().is_corrupt(), "its own number and a run that cannot be");
}

#[test]
fn verifying_the_tree_finds_what_opening_alone_does_not() {
    let mut bytes = two_states(&meta(8, 3), &meta(9, 4));
    bytes[4 * 512] = 77;
    assert!(open_file(&bytes, Db::options().read_only(true)).is_ok());
    let found = corruption(open_file(&bytes, Db::options().read_only(true).verify(Verify::Tree)));
    assert_eq!(found, CorruptionKind::PageId { found: PageId(77) });

    let leaky = Meta { high_water: PageId(6), ..meta(9, 4) };
    let mut bytes = two_states(&meta(8, 3), &leaky);
    bytes.splice(2 * 512..3 * 512, encode_freelist(PageId(2), &[PageId(5)], 1, LAYOUT).unwrap());
    let leak = corruption(open_file(&bytes, Db::options().read_only(true).verify(Verify::Tree)));
    assert_eq!(leak, CorruptionKind::Unreachable);
}

#[test]
fn a_writer_goes_by_the_free_pages_it_finds_where_the_list_is_wrong() {
    let layout = Layout { page_size: PageSize::new(1024).unwrap(), endian: Endian::Little };
    let metas = [8, 9].map(|txid| Meta { page_size: 1024, high_water: PageId(6), ..meta(txid, 4) });
    let element = LeafElement { flags: 0, key: &b"k"[..], value: &b"v"[..] };
    let pages = |free: &[PageId]| {
        let mut bytes = [encode_meta(PageId(0), &metas[0], layout), encode_meta(PageId(1), &metas[1], layout)].concat();
        bytes.extend(encode_freelist(PageId(2), free, 1, layout).unwrap());
        (3..6).for_each(|page| bytes.extend(encode_leaf(PageId(page), &[element], layout).unwrap()));
        bytes
    };
    let open = |free: &[PageId]| open_file(&pages(free), Db::options().verify(Verify::Tree)).unwrap();
    assert_eq!(open(&[PageId(3), PageId(5)]).open_report().freelist, FreelistSource::Stored);
    // One page is missing; one page is in use.
    for (free, wrong) in [(&[5][..], CorruptionKind::Unreachable), (&[3, 4, 5], CorruptionKind::ReachableFree)] {
        let free: Vec<PageId> = free.iter().copied().map(PageId).collect();
        match &open(&free).open_report().freelist {
            FreelistSource::Rebuilt { refused } => assert_eq!(refused.kind, wrong),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn pages_say_what_they_are() {
    let db = Db::from_bytes(two_states(&meta(8, 3), &meta(9, 4))).unwrap();
    let tx = db.begin_read().unwrap();
    let kinds: Vec<_> = (0..6).map(|id| tx.page(PageId(id)).unwrap().unwrap().kind).collect();
    use PageType::{Free, Used};
    assert_eq!(kinds, [Used(PageKind::Meta), Used(PageKind::Meta), Used(PageKind::Freelist), Free, Used(PageKind::Leaf), Free]);
    assert_eq!(tx.page(PageId(6)).unwrap(), None);
    let stats = db.stats().unwrap();
    assert_eq!((stats.free_pages, stats.freelist_pages, stats.high_water, tx.size()), (2, 1, 6, 6 * 512));
}

#[test]
fn what_is_no_database_is_refused_by_name() {
    let options = Db::options();
    assert!(matches!(open_file(b"", options.clone().read_only(true)), Err(Error::Empty)));
    assert!(matches!(open_file(&[7; 9000], options.clone().read_only(true)), Err(Error::NotBolt { .. })));
    assert!(matches!(open_file(&[0; 16384], options.clone().read_only(true)), Err(Error::Unfinished)));
    assert!(matches!(options.open("testdata"), Err(Error::NotAFile { .. })));
    assert!(Db::options().create(false).open("testdata/no such file").unwrap_err().is_not_found());
}

#[test]
fn a_creation_that_stopped_before_its_metas_is_unfinished() {
    let fresh = std::fs::read("testdata/golden/V0.db").unwrap();
    let mut half = fresh.clone();
    half[..8192].fill(0);
    assert!(matches!(Db::from_bytes(half.clone()), Err(Error::Unfinished)));
    half[4096 * 3 + 10] = 1;
    assert!(matches!(Db::from_bytes(half), Err(Error::NotBolt { .. })), "it holds a key, so it once was a database");
    assert!(Db::from_bytes(fresh).is_ok());
}

#[test]
fn a_file_without_its_first_meta_is_found_by_the_second_at_any_page_size() {
    for page_size in (9..=24).map(|shift| 1_u32 << shift) {
        let layout = Layout { page_size: PageSize::new(page_size).unwrap(), endian: Endian::Big };
        let meta = Meta { endian: Endian::Big, page_size, high_water: PageId(5), ..meta(9, 4) };
        let mut bytes = vec![0; page_size as usize];
        bytes.extend(encode_meta(PageId(1), &meta, layout));
        bytes.extend(encode_freelist(PageId(2), &[PageId(3)], 1, layout).unwrap());
        bytes.resize(page_size as usize * 4, 0);
        bytes.extend(encode_leaf(PageId(4), &[LeafElement { flags: 0, key: b"k", value: b"v" }], layout).unwrap());
        let db = Db::from_bytes(bytes).unwrap();
        assert_eq!(db.layout(), layout);
        assert_eq!(db.begin_read().unwrap().root().unwrap().get("k").unwrap(), Some(&b"v"[..]));
    }
}

/// A database with one bucket whose middle key was changed in place, so that the keys do not ascend.
fn out_of_order(keys: usize) -> Vec<u8> {
    let disk = Arc::new(unbolt::MemoryDisk::new());
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    let key = |number: usize| format!("key-{number:04}");
    let made = db.update(|tx| {
        let mut bucket = tx.create_bucket("b")?;
        (0..keys).try_for_each(|number| bucket.put(key(number), "v"))
    });
    made.unwrap();
    let mut bytes = disk.to_bytes();
    let (wrong, right) = (key(9999), key(keys / 2));
    for at in 0..bytes.len() - right.len() {
        if bytes[at..].starts_with(right.as_bytes()) {
            bytes[at..at + right.len()].copy_from_slice(wrong.as_bytes());
        }
    }
    bytes
}

#[test]
fn keys_that_do_not_ascend_are_an_error_of_a_transaction_that_writes_and_not_a_circle() {
    // On the page of the root, on one of its own, and on many.
    for keys in [3, 100, 2000] {
        let bytes = out_of_order(keys);
        let open = || Db::options().open_disk(Arc::new(unbolt::MemoryDisk::from(bytes.clone()))).unwrap();
        type Change = fn(&mut unbolt::WriteTx) -> Result<(), Error>;
        let changes: [Change; 4] = [
            |tx| tx.delete_bucket("b"),
            |tx| tx.bucket_mut("b")?.retain(|_, _| false).map(drop),
            |tx| tx.bucket_mut("b")?.iter().try_for_each(|entry| entry.map(drop)),
            |tx| {
                let mut bucket = tx.bucket_mut("b")?;
                let mut cursor = bucket.cursor_mut();
                let mut found = cursor.first()?.is_some();
                while found {
                    found = cursor.next()?.is_some();
                }
                Ok(())
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let ended = open().update(change);
            // A search among many keys may pass by those that are out of order; but it ends.
            let as_meant = ended.as_ref().map_or_else(Error::is_corrupt, |()| keys > 3);
            assert!(as_meant, "{keys} keys, change {number}: {ended:?}");
        }
        // So it does backwards, and where the page was edited.
        let walked = open().update(|tx| {
            let mut bucket = tx.bucket_mut("b")?;
            let backwards = bucket.iter().rev().try_for_each(|entry| entry.map(drop));
            bucket.put(format!("key-{:04}", keys / 2), "new")?;
            backwards.and(bucket.iter().try_for_each(|entry| entry.map(drop)))
        });
        assert!(walked.as_ref().err().is_none_or(Error::is_corrupt), "{keys} keys: {walked:?}");
    }
}
