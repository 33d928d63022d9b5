//! Where the store differs from Go's two, on purpose: each difference by itself. That there are no others is shown beside
//! Go, in `store_go`.

use std::path::PathBuf;

use tempfile::TempDir;
use unbolt::store::{BoltStore, DOCKER_BUCKET, KvPair, Store, StoreError};
use unbolt::{Db, Error};

/// A file with a store in it, made by whoever likes.
struct File(TempDir);

impl File {
    fn new() -> File {
        File(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("local-kv.db")
    }

    fn store(&self) -> BoltStore {
        BoltStore::open(self.path(), DOCKER_BUCKET).unwrap()
    }

    /// A store among whose values are some that no store has written.
    fn odd(values: &[(&[u8], &[u8])], bucket: Option<&str>) -> File {
        let file = File::new();
        let db = Db::open(file.path()).unwrap();
        let made = db.update(|tx| {
            let mut store = tx.create_bucket(DOCKER_BUCKET)?;
            bucket.map_or(Ok(()), |name| store.create_bucket(name).map(drop))?;
            values.iter().try_for_each(|(key, value)| store.put(key, value))
        });
        made.unwrap();
        db.close().unwrap();
        file
    }

    fn sequence(&self) -> u64 {
        let db = Db::options().read_only(true).open(self.path()).unwrap();
        let tx = db.begin_read().unwrap();
        tx.bucket(DOCKER_BUCKET).unwrap().unwrap().sequence()
    }
}

fn put(store: &BoltStore, key: &str) -> u64 {
    let previous = store.get(key).unwrap();
    store.atomic_put(key, b"{}", previous.as_ref()).unwrap().last_index
}

fn close(store: BoltStore) {
    Box::new(store).close().unwrap();
}

#[test]
fn the_index_continues_where_the_last_store_ended_also_after_its_record_was_deleted() {
    let file = File::new();
    let store = file.store();
    assert_eq!([put(&store, "a"), put(&store, "b"), put(&store, "a")], [1, 2, 3]);
    store.delete("a").unwrap();
    close(store);
    assert_eq!(file.sequence(), 3);
    let store = file.store();
    assert_eq!(put(&store, "c"), 4, "Go's begins at 1 again");
    close(store);
    // As a dockerd leaves a file: indexes and no sequence. What cannot be one is passed over.
    let file = File::odd(&[(b"a", &[9, 0, 0, 0, 0, 0, 0, 0]), (b"b", b"short"), (b"c", &[0xff; 8])], None);
    let store = file.store();
    store.delete("a").unwrap();
    assert_eq!(put(&store, "d"), 10);
}

#[test]
fn a_write_that_fails_uses_no_index() {
    let file = File::new();
    let store = file.store();
    assert_eq!(put(&store, "a"), 1);
    assert!(matches!(store.put("", b"{}"), Err(StoreError::Db(Error::KeyRequired))));
    assert!(matches!(store.atomic_put("a", b"{}", None), Err(StoreError::KeyExists)));
    let rolled_back = store.update(|store| store.put("b", b"{}").and(Err::<(), _>(StoreError::KeyNotFound)));
    assert!(rolled_back.is_err());
    assert_eq!(put(&store, "a"), 2, "Go's counts those too");
}

#[test]
fn a_missing_key_is_no_error_of_exists_and_none_of_get() {
    let file = File::new();
    let store = file.store();
    for _ in 0..2 {
        assert!(!store.exists("a").unwrap());
        assert_eq!(store.get("a").unwrap(), None);
        // The second time there is a bucket to look into.
        store.put("b", b"{}").unwrap();
    }
}

#[test]
fn delete_says_that_a_key_is_not_there_as_moby_does_and_libkv_does_not() {
    let file = File::new();
    let store = file.store();
    store.put("b", b"{}").unwrap();
    assert!(matches!(store.delete("a"), Err(StoreError::KeyNotFound)));
}

#[test]
fn a_value_too_short_for_its_index_is_an_error_that_names_its_key() {
    let file = File::odd(&[(b"a", &[1, 0, 0, 0, 0, 0, 0, 0]), (b"s", b"short"), (b"nothing", b"")], None);
    let store = file.store();
    let previous = KvPair { key: "s".into(), value: Vec::new(), last_index: 1 };
    let named = |error: StoreError| match error {
        StoreError::ShortValue { key, len } => (key, len),
        other => panic!("{other}"),
    };
    assert_eq!(named(store.list("s").unwrap_err()), (b"s".to_vec(), 5), "dockerd panics");
    assert_eq!(named(store.get("s").unwrap_err()), (b"s".to_vec(), 5));
    assert_eq!(named(store.atomic_put("s", b"{}", Some(&previous)).unwrap_err()), (b"s".to_vec(), 5));
    assert_eq!(named(store.atomic_delete("s", Some(&previous)).unwrap_err()), (b"s".to_vec(), 5));
    assert_eq!(named(store.list("").unwrap_err()), (b"nothing".to_vec(), 0), "the first of them");
    // What looks at no index does not mind.
    assert!(store.exists("s").unwrap() && !store.exists("nothing").unwrap());
    assert!(matches!(store.atomic_put("s", b"{}", None), Err(StoreError::KeyExists)));
    store.put("s", b"{}").unwrap();
    store.atomic_put("nothing", b"{}", None).unwrap();
    assert_eq!(store.list("").unwrap().len(), 3);
}

#[test]
fn a_bucket_among_the_keys_is_an_error_that_names_it() {
    let file = File::odd(&[(b"a", &[1, 0, 0, 0, 0, 0, 0, 0])], Some("b"));
    let store = file.store();
    let named = |error: StoreError| match error {
        StoreError::NestedBucket { key } => key,
        other => panic!("{other}"),
    };
    assert_eq!(named(store.list("").unwrap_err()), b"b", "dockerd panics");
    assert_eq!(named(store.put("b", b"{}").unwrap_err()), b"b");
    assert_eq!(named(store.atomic_put("b", b"{}", None).unwrap_err()), b"b");
    assert!(!store.exists("b").unwrap());
    assert!(matches!(store.delete("b"), Err(StoreError::KeyNotFound)));
    assert_eq!(store.list("a").unwrap().len(), 1);
    let entries: Vec<_> = store.entries("").unwrap().collect();
    assert!(entries[0].is_ok() && entries[1].is_err() && entries.len() == 2);
}

#[test]
fn a_key_that_is_no_text_is_named_and_hides_no_other() {
    let value = [1, 0, 0, 0, 0, 0, 0, 0];
    let file = File::odd(&[(b"a", &value), (b"b\xff", &value), (b"c", &value)], None);
    let entries: Vec<_> = file.store().entries("").unwrap().collect();
    assert!(matches!(&entries[1], Err(StoreError::KeyNotText { key }) if key == b"b\xff"));
    assert!(entries[0].is_ok() && entries[2].is_ok() && entries.len() == 3);
}

#[test]
fn delete_tree_counts_what_it_deletes_and_leaves_buckets() {
    let file = File::odd(&[(b"a/1", b"short"), (b"a/2", &[1, 0, 0, 0, 0, 0, 0, 0]), (b"b", b"")], Some("a/bucket"));
    let store = file.store();
    assert_eq!(store.delete_tree("a/").unwrap(), 2, "Go's does not say");
    assert_eq!(store.delete_tree("a/").unwrap(), 0);
    assert!(matches!(store.list("a/"), Err(StoreError::NestedBucket { .. })));
    assert!(matches!(BoltStore::open(File::new().path(), "other").unwrap().delete_tree(""), Err(StoreError::KeyNotFound)));
}

#[test]
fn the_empty_prefix_is_everything() {
    let file = File::new();
    let store = file.store();
    assert!(matches!(store.list(""), Err(StoreError::KeyNotFound)));
    store.put("a", b"{}").unwrap();
    store.put("b", b"{}").unwrap();
    assert_eq!(store.list("").unwrap().len(), 2, "Go's panic");
    assert_eq!(store.delete_tree("").unwrap(), 2, "libkv's does not return");
}

#[test]
fn a_store_opened_read_only_makes_nothing_and_refuses_to_write() {
    let file = File::new();
    assert!(BoltStore::open_read_only(file.path(), DOCKER_BUCKET).unwrap_err().is_not_found());
    assert!(!file.path().exists());
    close(file.store());
    let store = BoltStore::open_read_only(file.path(), DOCKER_BUCKET).unwrap();
    assert!(matches!(store.put("a", b"{}"), Err(StoreError::ReadOnly)));
    assert!(matches!(store.delete("a"), Err(StoreError::ReadOnly)));
    assert!(matches!(store.delete_tree(""), Err(StoreError::ReadOnly)));
    assert!(matches!(store.update(|store| store.put("a", b"{}")), Err(StoreError::ReadOnly)));
}

#[test]
fn a_record_is_put_back_with_the_index_that_it_had() {
    let file = File::new();
    let store = file.store();
    let record = |key: &str, last_index| KvPair { key: key.into(), value: b"{}".to_vec(), last_index };
    let kept = [record("a", 40), record("b", 0), record("c", u64::MAX)];
    let restored = store.update(|store| {
        store.put("a", b"another")?;
        kept.iter().try_for_each(|record| store.restore(record))
    });
    restored.unwrap();
    assert_eq!(store.list("").unwrap(), kept);
    // What nobody can have counted to is no index to go on from.
    assert_eq!(put(&store, "d"), 41);
    store.delete("d").unwrap();
    close(store);
    assert_eq!(put(&file.store(), "d"), 42);
}
