//! Promise: `kv` tells keys, indexes and values of libnetwork's store exactly, one bad record hides no other, and
//! whoever asks for what is not there is told what is.

#![cfg(feature = "cli")]

mod command;

use command::{Outcome, database, in_process, inline_bucket, on_bytes, testdata, unbolt, value, with_bucket};
use serde_json::Value;
use unbolt::format::{BUCKET_FLAG, LeafElement};
use unbolt::store::{BoltStore, DOCKER_BUCKET, Store};

const NETWORKS: &str = "docker/network/v1.0/network/";

fn docker() -> String {
    testdata().join("docker/live-28.5.2.db").to_str().unwrap().to_owned()
}

fn is_quiet(outcome: &Outcome) -> bool {
    outcome.out.is_empty() && outcome.err.is_empty()
}

/// A store with a good record, a bucket, a short value, a key that is no text, and an empty value.
fn odd_store() -> Vec<u8> {
    let good = [7, 0, 0, 0, 0, 0, 0, 0, b'x'];
    let nested = inline_bucket(&[]);
    with_bucket(
        "libnetwork",
        &[
            value(b"a", &good),
            LeafElement { flags: BUCKET_FLAG, key: &b"b"[..], value: &nested[..] },
            value(b"c", b"short"),
            value(b"d", b""),
            value(b"e\xff", &[1, 0, 0, 0, 0, 0, 0, 0, 0xfe]),
        ],
    )
}

#[test]
fn list_prints_every_pair_of_the_store_in_an_aligned_table() {
    let pairs = BoltStore::open_read_only(docker(), DOCKER_BUCKET).unwrap().list("").unwrap();
    let listed = unbolt(["kv", "list", &docker()]);
    assert_eq!((listed.status, listed.err.as_str()), (0, ""));
    let lines = listed.lines();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["KEY", "INDEX", "SIZE"]);
    assert_eq!(lines.len(), pairs.len() + 1);
    let column = lines[0].find("INDEX").unwrap();
    for (line, pair) in lines[1..].iter().zip(&pairs) {
        let expected = [pair.key.clone(), pair.last_index.to_string(), pair.value.len().to_string()];
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), expected);
        assert_eq!(&line[column - 1..column], " ");
        assert!(line[column..].starts_with(&expected[1]));
    }
}

#[test]
fn list_takes_a_prefix_and_has_a_short_name() {
    let listed = unbolt(["kv", "ls", &docker(), NETWORKS]);
    let lines = listed.lines();
    assert!(lines.len() > 3 && lines[1..].iter().all(|line| line.starts_with(NETWORKS)), "{lines:?}");
}

#[test]
fn list_as_json_parses_values_and_export_keeps_them_as_they_are() {
    let pairs = BoltStore::open_read_only(docker(), DOCKER_BUCKET).unwrap().list(NETWORKS).unwrap();
    let listed = unbolt(["kv", "list", "--format", "json", &docker(), NETWORKS]);
    let exported = unbolt(["kv", "export", &docker(), NETWORKS]);
    assert_eq!((listed.status, exported.status), (0, 0));
    let exported: Vec<Value> = serde_json::from_slice(&exported.out).unwrap();
    assert_eq!((listed.lines().len(), exported.len()), (pairs.len(), pairs.len()));
    for ((line, object), pair) in listed.lines().iter().zip(&exported).zip(&pairs) {
        let listed: Value = serde_json::from_str(line).unwrap();
        let members: Vec<&String> = listed.as_object().unwrap().keys().collect();
        assert_eq!(members, ["key", "last_index", "value"]);
        assert_eq!(listed["value"], serde_json::from_slice::<Value>(&pair.value).unwrap());
        assert_eq!(object["value"].as_str().unwrap().as_bytes(), pair.value);
        for object in [&listed, object] {
            assert_eq!(object["key"], pair.key.as_str());
            assert_eq!(object["last_index"], pair.last_index);
        }
    }
}

#[test]
fn get_writes_the_bytes_of_a_value_and_nothing_else() {
    for pair in BoltStore::open_read_only(docker(), DOCKER_BUCKET).unwrap().list(NETWORKS).unwrap() {
        let value = unbolt(["kv", "get", &docker(), &pair.key]);
        assert_eq!(value, Outcome { status: 0, out: pair.value, err: String::new() });
        let index = unbolt(["kv", "get", "--index", &docker(), &pair.key]);
        assert_eq!(index.text(), format!("{}\n", pair.last_index));
    }
    let binary = on_bytes(&odd_store(), &["kv", "get", "x.db", "a"]);
    assert_eq!(binary.out, b"x");
}

#[test]
fn exists_answers_by_its_status_alone() {
    let pairs = BoltStore::open_read_only(docker(), DOCKER_BUCKET).unwrap().list(NETWORKS).unwrap();
    let there = unbolt(["kv", "exists", &docker(), &pairs[0].key]);
    assert!(there.status == 0 && is_quiet(&there), "{there:?}");
    let absent = unbolt(["kv", "exists", &docker(), "nothing"]);
    assert!(absent.status == 1 && is_quiet(&absent), "{absent:?}");
    // Go's store: no bytes at all is not there; a value too short to be read is.
    for (key, status) in [("a", 0), ("b", 1), ("c", 0), ("d", 1)] {
        assert_eq!(on_bytes(&odd_store(), &["kv", "exists", "x.db", key]).status, status, "{key}");
    }
}

#[test]
fn a_key_that_is_not_there_is_status_1_and_a_longer_one_is_named() {
    let absent = unbolt(["kv", "get", &docker(), "docker/network/v1.0/netw"]);
    assert_eq!((absent.status, absent.out.len()), (1, 0));
    assert!(absent.err.contains("key docker/network/v1.0/netw is not there\nhint: "), "{}", absent.err);
    assert!(absent.err.contains(NETWORKS), "{}", absent.err);
    let absent = unbolt(["kv", "get", &docker(), "zzz"]);
    assert!(absent.status == 1 && !absent.err.contains("hint"), "{}", absent.err);
}

#[test]
fn a_prefix_without_keys_is_status_1() {
    for (command, out) in [("list", ""), ("export", "[]\n")] {
        let none = unbolt(["kv", command, &docker(), "network/"]);
        assert_eq!((none.status, none.text()), (1, out));
        assert!(none.err.contains("no key begins with network/\nhint: the first key there is docker/"), "{}", none.err);
        let empty = on_bytes(&with_bucket("libnetwork", &[]), &["kv", command, "x.db"]);
        assert_eq!((empty.status, empty.text(), empty.err.as_str()), (1, out, "unbolt: x.db: the bucket has no keys\n"));
    }
}

#[test]
fn bad_records_are_named_and_hide_no_other() {
    let expected = "unbolt: x.db: key b is a bucket, not a value\n\
                    unbolt: x.db: the value of key c has 5 bytes, too few for its index\n\
                    unbolt: x.db: the value of key d has 0 bytes, too few for its index\n";
    let table = on_bytes(&odd_store(), &["kv", "list", "x.db"]);
    assert_eq!((table.status, table.err.as_str()), (1, expected));
    assert_eq!(table.text(), "KEY    INDEX   SIZE\na      7       1\n65ff   1       1\n");
    let lines = on_bytes(&odd_store(), &["kv", "list", "--format", "json", "x.db"]);
    assert_eq!((lines.status, lines.err.as_str()), (1, expected));
    assert_eq!(
        lines.text(),
        "{\"key\":\"a\",\"last_index\":7,\"value\":\"x\"}\n\
         {\"key\":{\"hex\":\"65ff\"},\"last_index\":1,\"value\":{\"hex\":\"fe\"}}\n"
    );
    let array = on_bytes(&odd_store(), &["kv", "export", "x.db"]);
    assert_eq!((array.status, array.err.as_str()), (1, expected));
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&array.out).unwrap().len(), 2);
}

#[test]
fn get_says_why_a_record_cannot_be_read() {
    for (key, status, words) in [
        ("b", 1, "x.db: key b is a bucket, not a value"),
        ("c", 5, "x.db: the value of key c has 5 bytes, too few for its index"),
        ("d", 1, "x.db: key d has no value at all, not even an index"),
    ] {
        let outcome = on_bytes(&odd_store(), &["kv", "get", "x.db", key]);
        assert_eq!((outcome.status, outcome.out.len(), outcome.err), (status, 0, format!("unbolt: {words}\n")));
    }
}

#[test]
fn a_missing_bucket_is_status_1_and_the_buckets_that_are_there_are_named() {
    let volumes = testdata().join("docker/volumes-20.10.24.db");
    let outcome = unbolt(["kv".as_ref(), "list".as_ref(), volumes.as_os_str()]);
    assert_eq!((outcome.status, outcome.out.len()), (1, 0));
    assert!(
        outcome.err.ends_with("bucket not found: libnetwork\nhint: --bucket takes one of these: volumes\n"),
        "{}",
        outcome.err
    );
    let outcome = unbolt(["kv".as_ref(), "list".as_ref(), "--bucket".as_ref(), "volumes".as_ref(), volumes.as_os_str()]);
    assert_eq!(outcome.status, 0);
    let many = on_bytes(&database("bbolt/many-buckets.db"), &["kv", "get", "x.db", "k"]);
    assert!(many.status == 1 && many.err.ends_with(", …\n") && many.err.len() < 300, "{}", many.err);
}

#[test]
fn a_directory_means_the_store_that_docker_keeps_in_it() {
    let root = tempfile::tempdir().unwrap();
    let files = root.path().join("network/files");
    std::fs::create_dir_all(&files).unwrap();
    let nothing = unbolt(["kv".as_ref(), "list".as_ref(), root.path().as_os_str()]);
    assert_eq!((nothing.status, nothing.out.len()), (3, 0));
    assert!(nothing.err.contains("a directory without a local-kv.db"), "{}", nothing.err);

    let file = files.join("local-kv.db");
    std::fs::copy(docker(), &file).unwrap();
    let expected = unbolt(["kv", "list", &docker()]);
    for directory in [root.path(), &root.path().join("network"), &files] {
        let listed = unbolt(["kv".as_ref(), "list".as_ref(), directory.as_os_str()]);
        assert_eq!((listed.status, &listed.out), (0, &expected.out));
        assert_eq!(
            listed.err.trim_end().split("reading ").nth(1).map(std::path::Path::new).unwrap().canonicalize().unwrap(),
            file.canonicalize().unwrap()
        );
    }
}

#[test]
fn what_cannot_be_read_is_told_by_the_status() {
    let missing = unbolt(["kv", "list", "/no/such/file"]);
    assert_eq!((missing.status, missing.out.len()), (3, 0));
    let text = unbolt(["kv", "list", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    assert_eq!((text.status, text.out.len()), (5, 0));
    assert_eq!(unbolt(["kv", "list"]).status, 2);
    assert_eq!(unbolt(["kv", "list", &docker(), "--txid", "1"]).status, 1);
}

#[test]
fn what_was_good_before_the_damage_is_printed() {
    let mut bytes = database("docker/live-28.5.2.db");
    let whole = on_bytes(&bytes, &["kv", "list", "x.db"]);
    let leaves = leaves_in_key_order(&bytes);
    let at = leaves[leaves.len() / 2] as usize * 4096;
    bytes[at + 8] = 0;
    for command in [&["kv", "list", "x.db"][..], &["kv", "list", "--format", "json", "x.db"], &["kv", "export", "x.db"]] {
        let outcome = on_bytes(&bytes, command);
        assert_eq!(outcome.status, 5, "{command:?}");
        assert!(outcome.err.starts_with("unbolt: x.db: page ") && outcome.err.contains("\nhint: "), "{}", outcome.err);
        assert!(!outcome.out.is_empty(), "{command:?}");
    }
    let part = on_bytes(&bytes, &["kv", "list", "x.db"]);
    let good = part.lines().len();
    assert!(good > 1 && good < whole.lines().len());
    assert_eq!(part.lines()[1..good].len(), good - 1);
    let array = on_bytes(&bytes, &["kv", "export", "x.db"]);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&array.out).unwrap().len(), good - 1);
}

/// The leaf pages of Docker's bucket.
fn leaves_in_key_order(bytes: &[u8]) -> Vec<u64> {
    let snapshot = unbolt::Snapshot::from_bytes(bytes).unwrap();
    let bucket = snapshot.root().unwrap().bucket(b"libnetwork").unwrap().unwrap();
    let root = snapshot.page(bucket.root_page().unwrap()).unwrap().into_branch().unwrap();
    (0..root.len()).map(|i| root.child(i).unwrap().0).collect()
}

#[test]
fn the_previous_state_is_read_where_it_is_asked_for_and_said_to_be_unproved() {
    let bytes = database("docker/live-20.10.24.db");
    let current = in_process(&|_| unbolt::Snapshot::from_bytes(&bytes[..]), ["kv", "list", "x.db"]);
    let previous = in_process(&|_| unbolt::Snapshot::from_bytes(&bytes[..]), ["kv", "list", "x.db", "--txid", "previous"]);
    assert_eq!(current.err, "");
    assert_eq!(previous.status, 0);
    assert!(previous.err.starts_with("unbolt: x.db: the state of transaction 34 is not provable"), "{}", previous.err);
    assert!(previous.out != current.out);
}
