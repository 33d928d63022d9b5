//! The records of a store in a file that is read without its lock.

use unbolt::store::{DOCKER_BUCKET, StoreError, decode, records};
use unbolt::{Error, Snapshot};

#[test]
fn a_snapshot_lists_the_records_of_a_docker_host() {
    let snapshot = Snapshot::open("testdata/docker/live-20.10.24.db").unwrap();
    let bucket = snapshot.root().unwrap().bucket(DOCKER_BUCKET.as_bytes()).unwrap().unwrap();
    let all = records(&bucket, b"docker/network/v1.0/network/");
    assert!(format!("{all:?}").starts_with("Records("));
    let pairs: Vec<_> = all.collect::<Result<_, _>>().unwrap();
    assert_eq!(pairs.len(), 5);
    for pair in &pairs {
        let stored = bucket.get(pair.key.as_bytes()).unwrap().unwrap();
        assert_eq!(decode(pair.key.as_bytes(), &stored).unwrap(), (pair.last_index, &pair.value[..]));
    }
}

#[test]
fn buckets_among_the_keys_and_short_values_are_named_and_the_others_follow() {
    let snapshot = Snapshot::open("testdata/docker/live-20.10.24.db").unwrap();
    // The root bucket is no store: what lies in it is a bucket.
    let found: Vec<_> = records(&snapshot.root().unwrap(), b"").collect();
    assert!(matches!(&found[..], [Err(e @ StoreError::NestedBucket { key })] if key == b"libnetwork" && e.is_one_record()));
    assert!(matches!(decode(b"k", b"1234567"), Err(StoreError::ShortValue { len: 7, .. })));
}

#[test]
fn the_errors_of_a_store_say_what_kind_they_are() {
    assert!(StoreError::KeyNotFound.is_not_found());
    assert!(StoreError::from(Error::BucketNotFound { path: vec![b"b".to_vec()] }).is_not_found());
    assert!(!StoreError::ReadOnly.is_not_found() && !StoreError::ReadOnly.is_one_record());
    assert_eq!(StoreError::KeyNotText { key: vec![0xff] }.to_string(), "key \\xff is not UTF-8");
    assert_eq!(StoreError::from(Error::Empty).to_string(), "the file is empty");
    assert_eq!(StoreError::ReadOnly.to_string(), "the store was opened read-only");
}
