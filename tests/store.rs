//! libnetwork's store, read: its calls, its errors, and what Go's store panics on.

use std::io::Write;

use unbolt::format::{
    BUCKET_FLAG, Endian, Layout, LeafElement, Meta, PageId, PageSize, TxId, encode_bucket, encode_freelist, encode_inline,
    encode_leaf, encode_meta,
};
use unbolt::store::{Backend, BoltStore, DOCKER_BUCKET, KvPair, Store, StoreError};
use unbolt::{CorruptionKind, Db, Error};

const LAYOUT: Layout = Layout { page_size: PageSize::MIN, endian: Endian::Little };

/// A database with one inline bucket "s" that has these elements.
fn store_with(elements: &[LeafElement<&[u8]>]) -> BoltStore {
    let bucket = [&encode_bucket(PageId(0), 0, LAYOUT.endian)[..], &encode_inline(elements, LAYOUT.endian).unwrap()].concat();
    let root = encode_leaf(PageId(3), &[LeafElement { flags: BUCKET_FLAG, key: b"s", value: &bucket }], LAYOUT).unwrap();
    let meta = Meta {
        endian: LAYOUT.endian,
        page_size: LAYOUT.page_size.get(),
        flags: 0,
        root: PageId(3),
        root_sequence: 0,
        freelist: Some(PageId(2)),
        high_water: PageId(3 + root.len() as u64 / 512),
        txid: TxId(2),
    };
    let metas = [encode_meta(PageId(0), &meta, LAYOUT), encode_meta(PageId(1), &meta, LAYOUT)].concat();
    let bytes = [metas, encode_freelist(PageId(2), &[], 1, LAYOUT).unwrap(), root].concat();
    BoltStore::on(Db::from_bytes(bytes).unwrap(), "s")
}

fn value<'a>(key: &'a str, value: &'a [u8]) -> LeafElement<&'a [u8]> {
    LeafElement { flags: 0, key: key.as_bytes(), value }
}

fn docker() -> BoltStore {
    BoltStore::open_read_only("testdata/docker/live-20.10.24.db", DOCKER_BUCKET).unwrap()
}

#[test]
fn a_docker_hosts_networks_are_listed_with_their_indexes() {
    let networks = docker().list("docker/network/v1.0/network/").unwrap();
    let names: Vec<String> = networks
        .iter()
        .map(|pair| serde_json::from_slice::<serde_json::Value>(&pair.value).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"bridge".to_owned()) && names.contains(&"host".to_owned()), "{names:?}");
    assert!(networks.iter().all(|pair| pair.last_index > 0));
    assert!(networks.windows(2).all(|two| two[0].key < two[1].key));
}

#[test]
fn get_gives_what_list_gives() {
    let store = docker();
    for pair in store.list("").unwrap() {
        assert!(store.exists(&pair.key).unwrap());
        assert_eq!(store.get(&pair.key).unwrap(), Some(pair));
    }
}

#[test]
fn a_missing_key_or_prefix_or_bucket_is_not_found() {
    let store = docker();
    assert!(!store.exists("no such key").unwrap());
    assert_eq!(store.get("no such key").unwrap(), None);
    assert!(matches!(store.list("no such prefix"), Err(StoreError::KeyNotFound)));
    let elsewhere = BoltStore::open_read_only("testdata/docker/live-20.10.24.db", "other").unwrap();
    assert!(!elsewhere.exists("docker").unwrap());
    assert!(matches!(elsewhere.list(""), Err(StoreError::KeyNotFound)));
}

#[test]
fn a_prefix_is_bytes_and_not_a_folder() {
    let index = 5_u64.to_le_bytes();
    let store =
        store_with(&[value("a", &index), value("a/", &index), value("a/b", &index), value("ab", &index), value("b", &index)]);
    let keys = |prefix| store.list(prefix).unwrap().into_iter().map(|pair| pair.key).collect::<Vec<_>>();
    assert_eq!(keys("a"), ["a", "a/", "a/b", "ab"]);
    assert_eq!(keys("a/"), ["a/", "a/b"]);
    assert_eq!(keys(""), ["a", "a/", "a/b", "ab", "b"]);
}

#[test]
fn a_value_of_nothing_is_absent_and_one_of_its_index_alone_is_not() {
    let store = store_with(&[value("index", &7_u64.to_le_bytes()), value("nothing", b"")]);
    assert!(!store.exists("nothing").unwrap());
    assert_eq!(store.get("nothing").unwrap(), None);
    assert!(store.exists("index").unwrap());
    assert_eq!(store.get("index").unwrap(), Some(KvPair { key: "index".into(), value: Vec::new(), last_index: 7 }));
}

#[test]
fn one_bad_record_is_named_and_hides_no_other() {
    let inner = [&encode_bucket(PageId(0), 0, LAYOUT.endian)[..], &encode_inline(&[], LAYOUT.endian).unwrap()].concat();
    let nested = LeafElement { flags: BUCKET_FLAG, key: &b"b"[..], value: &inner[..] };
    let good = [1, 0, 0, 0, 0, 0, 0, 0, b'x'];
    let store = store_with(&[
        value("a", &good),
        nested,
        value("c", b"short"),
        LeafElement { flags: 0, key: &b"\xff"[..], value: &good[..] },
    ]);
    let mut entries = store.entries("").unwrap();
    assert_eq!(entries.next().unwrap().unwrap().value, b"x");
    assert!(matches!(entries.next(), Some(Err(StoreError::NestedBucket { key })) if key == b"b"));
    assert!(matches!(entries.next(), Some(Err(StoreError::ShortValue { key, len: 5 })) if key == b"c"));
    assert!(matches!(entries.next(), Some(Err(StoreError::KeyNotText { key })) if key == b"\xff"));
    assert!(entries.next().is_none());
    assert!(entries.next().is_none());

    let error = store.list("").unwrap_err();
    assert_eq!(error.to_string(), "key b is a bucket, not a value");
    assert_eq!(store.get("c").unwrap_err().to_string(), "the value of key c has 5 bytes, too few for its index");
    assert!(store.exists("c").unwrap(), "exists looks at no index");
}

#[test]
fn keys_that_do_not_ascend_end_a_list_with_an_error() {
    let good = [1, 0, 0, 0, 0, 0, 0, 0, b'x'];
    let store = store_with(&[value("k", &good), value("k", &good), value("k", &good)]);
    let found: Vec<_> = store.entries("").unwrap().take(10).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].as_ref().unwrap().key, "k");
    let Err(StoreError::Db(Error::Corrupt(corruption))) = &found[1] else { panic!("{found:?}") };
    assert!(matches!(corruption.kind, CorruptionKind::PageOrder), "{corruption}");
    assert_eq!(corruption.page, Some(PageId(3)));
    assert!(matches!(store.list(""), Err(StoreError::Db(Error::Corrupt(_)))));
}

#[test]
fn a_store_in_a_file_with_a_lost_page_is_not_opened() {
    let leaf = encode_leaf(PageId(3), &[value("k", b"v")], LAYOUT).unwrap();
    let file = |high_water: u64| {
        let meta = Meta {
            endian: LAYOUT.endian,
            page_size: LAYOUT.page_size.get(),
            flags: 0,
            root: PageId(3),
            root_sequence: 0,
            freelist: Some(PageId(2)),
            high_water: PageId(high_water),
            txid: TxId(2),
        };
        let metas = [encode_meta(PageId(0), &meta, LAYOUT), encode_meta(PageId(1), &meta, LAYOUT)].concat();
        let mut bytes = [metas, encode_freelist(PageId(2), &[], 1, LAYOUT).unwrap(), leaf.clone()].concat();
        bytes.resize(high_water as usize * 512, 0);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        file
    };
    BoltStore::open_read_only(file(4).path(), "s").unwrap();
    let lost = BoltStore::open_read_only(file(5).path(), "s").unwrap_err();
    let StoreError::Db(Error::Corrupt(corruption)) = &lost else { panic!("{lost}") };
    assert!(matches!(corruption.kind, CorruptionKind::Unreachable), "{corruption}");
    assert_eq!(corruption.page, Some(PageId(4)));
}

#[test]
fn a_store_goes_from_thread_to_thread() {
    let store: Box<dyn Store> = Box::new(docker());
    let there = || store.exists("no such key").unwrap();
    assert!(!std::thread::scope(|scope| scope.spawn(there).join().unwrap()));
}

#[test]
fn a_store_opened_read_only_refuses_every_write() {
    let store: Box<dyn Store> = Box::new(docker());
    let pair = KvPair { key: "k".into(), value: Vec::new(), last_index: 1 };
    assert!(matches!(store.put("k", b"v"), Err(StoreError::ReadOnly)));
    assert!(matches!(store.atomic_put("k", b"v", None), Err(StoreError::ReadOnly)));
    assert!(matches!(store.atomic_delete("k", Some(&pair)), Err(StoreError::ReadOnly)));
    assert!(matches!(store.delete("k"), Err(StoreError::ReadOnly)));
    store.close().unwrap();
}

#[test]
fn the_five_errors_have_gos_texts() {
    let texts = [
        (StoreError::BackendNotSupported { name: "etcd".into() }, "Backend storage not supported yet, please choose one of"),
        (StoreError::KeyModified { expected: 1, found: 2 }, "Unable to complete atomic operation, key modified"),
        (StoreError::KeyNotFound, "Key not found in store"),
        (StoreError::PreviousNotSpecified, "Previous K/V pair should be provided for the Atomic operation"),
        (StoreError::KeyExists, "Previous K/V pair exists, cannot complete Atomic operation"),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(Backend::BoltDb.to_string().parse::<Backend>().unwrap(), Backend::BoltDb);
}
