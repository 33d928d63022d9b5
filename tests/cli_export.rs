//! Promise: `export` prints every bucket and pair of every database exactly and in order, and of a damaged one
//! everything that can be reached.

#![cfg(feature = "cli")]

mod command;

use std::fmt::Write as _;
use std::fs;

use command::{database, databases, inline_bucket, on_bytes, testdata, unbolt, with_bucket};
use serde_json::Value;
use sha2::{Digest, Sha256};
use unbolt::format::{BUCKET_FLAG, LeafElement};

#[test]
fn every_database_is_exported_as_go_reads_it() {
    for name in databases() {
        let exported = on_bytes(&database(&name), &["export", "x.db"]);
        assert_eq!((exported.status, exported.err.as_str()), (0, ""), "{name}");
        let lines: Vec<Value> = exported.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let dump: String = lines.iter().map(as_dump_line).collect();
        match fs::read_to_string(testdata().join(format!("{name}.dump").replace(".db.dump", ".dump"))) {
            Ok(expected) => assert!(dump == expected, "{name}: {}", first_difference(&dump, &expected)),
            Err(_) => {
                let expected = fs::read_to_string(testdata().join(name.replace(".db", ".digest"))).unwrap();
                let buckets = lines.iter().filter(|line| line.get("sequence").is_some()).count();
                let sha256 = hex(&Sha256::digest(&dump));
                let digest = format!("{{\"buckets\":{buckets},\"pairs\":{},\"sha256\":\"{sha256}\"}}\n", lines.len() - buckets);
                assert_eq!(digest, expected, "{name}");
            }
        }
    }
}

/// A line as Go's dumps have it: all bytes in hex, long values by length and hash.
fn as_dump_line(line: &Value) -> String {
    let path: Vec<String> =
        line["bucket"].as_array().unwrap().iter().map(|name| format!("\"{}\"", hex(&bytes(name)))).collect();
    let path = path.join(",");
    if let Some(sequence) = line.get("sequence") {
        return format!("{{\"bucket\":[{path}],\"sequence\":{sequence}}}\n");
    }
    let value = bytes(&line["value"]);
    let value = match value.len() {
        0..=64 => format!("\"{}\"", hex(&value)),
        len => format!("{{\"len\":{len},\"sha256\":\"{}\"}}", hex(&Sha256::digest(&value))),
    };
    format!("{{\"bucket\":[{path}],\"key\":\"{}\",\"value\":{value}}}\n", hex(&bytes(&line["key"])))
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        object => {
            let digits = object["hex"].as_str().unwrap();
            let bytes: Vec<u8> =
                (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
            assert!(std::str::from_utf8(&bytes).is_err(), "text is written as text: {digits}");
            bytes
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

fn first_difference(ours: &str, theirs: &str) -> String {
    let different = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
    format!("{} and {} lines, first difference {different:?}", ours.lines().count(), theirs.lines().count())
}

#[test]
fn lines_have_their_members_in_order_and_no_spaces() {
    let file = testdata().join("bbolt/root-pairs.db");
    let exported = unbolt(["export".as_ref(), file.as_os_str()]);
    assert_eq!((exported.status, exported.err.as_str()), (0, ""));
    assert_eq!(
        exported.lines()[..3],
        [
            r#"{"bucket":["a-bucket"],"sequence":0}"#,
            r#"{"bucket":["a-bucket"],"key":"k","value":"vvv"}"#,
            r#"{"bucket":[],"key":"pair-0","value":"value"}"#,
        ]
    );
}

#[test]
fn of_a_damaged_file_everything_else_is_printed_and_the_damage_named() {
    for name in ["docker/live-28.5.2.db", "bbolt/churn-small.db", "podman/bolt_state-4.3.1.db"] {
        let sound = database(name);
        let whole = on_bytes(&sound, &["export", "x.db"]);
        let (page, page_size) = first_leaf_below_a_branch(&sound);
        let mut damaged = sound.clone();
        damaged[(page * page_size) as usize + 8] ^= 0xff;
        let part = on_bytes(&damaged, &["export", "x.db"]);
        assert_eq!(part.status, 5, "{name}");
        assert!(part.err.starts_with(&format!("unbolt: x.db: page {page}: ")), "{name}: {}", part.err);
        assert!(part.err.contains("\nhint: everything else was printed; `unbolt check x.db`"), "{name}: {}", part.err);
        // What is printed is the whole without one stretch.
        let (whole, part) = (whole.lines(), part.lines());
        let before = whole.iter().zip(&part).take_while(|(whole, part)| whole == part).count();
        let after = part.len() - before;
        assert!(part.len() < whole.len() && after > 0, "{name}");
        assert_eq!(whole[whole.len() - after..], part[before..], "{name}");
    }
}

fn first_leaf_below_a_branch(bytes: &[u8]) -> (u64, u64) {
    let snapshot = unbolt::Snapshot::from_bytes(bytes).unwrap();
    let pages = snapshot.pages();
    let branches = (2..pages.end()).filter_map(|id| snapshot.page(unbolt::format::PageId(id)).ok()?.into_branch().ok());
    let reached = unbolt::tree::reach(pages).unwrap().pages;
    let branch = branches.into_iter().find(|branch| reached.contains(branch.page().id())).unwrap();
    (branch.child(0).unwrap().0, snapshot.layout().page_size.bytes())
}

#[test]
fn files_that_are_no_databases_are_status_5_and_print_nothing() {
    let text = unbolt(["export", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    assert_eq!((text.status, text.out.len()), (5, 0));
    assert!(text.err.contains("no valid meta page"), "{}", text.err);
    let mut cut = database("docker/live-28.5.2.db");
    cut.truncate(cut.len() / 4);
    let cut = on_bytes(&cut, &["export", "x.db"]);
    assert_eq!(cut.status, 5);
}

#[test]
fn buckets_nested_without_end_are_not_followed_without_end() {
    let depth = 10_001;
    let mut bucket = inline_bucket(&[]);
    for _ in 1..depth {
        bucket = inline_bucket(&[LeafElement { flags: BUCKET_FLAG, key: b"n", value: &bucket }]);
    }
    let nested = LeafElement { flags: BUCKET_FLAG, key: &b"n"[..], value: &bucket };
    let exported = on_bytes(&with_bucket("n", &[nested]), &["export", "x.db"]);
    assert_eq!((exported.status, exported.err.as_str()), (5, "unbolt: buckets are nested more than 10000 deep\n"));
    assert_eq!(exported.lines().len(), 10_000);
}
