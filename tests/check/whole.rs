//! Beyond single rules.

use crate::planted::{PAGE, sound};
use unbolt::Snapshot;
use unbolt::check::{Code, check_from, check_snapshot};
use unbolt::format::PageId;

/// Where the tests are that plant damage.
const SOURCES: [&str; 6] = [
    include_str!("metas.rs"),
    include_str!("file.rs"),
    include_str!("freelist.rs"),
    include_str!("pages.rs"),
    include_str!("elements.rs"),
    include_str!("buckets.rs"),
];

#[test]
fn a_part_is_checked_without_asking_what_is_lost() {
    let mut it = sound();
    it.free(&[9]);
    it.leaf(6, &["m", "n", "n"]);
    let codes = |root: u64| {
        let mut codes = Vec::new();
        let snapshot = it.snapshot();
        check_from(snapshot.pages(), PageId(root), &mut |finding| codes.push(finding.code)).unwrap();
        codes
    };
    assert_eq!(codes(5), []);
    assert_eq!(codes(6), [Code::KeyOrder]);
    assert_eq!(codes(4), [Code::KeyOrder]);
    assert_eq!(codes(1), [Code::PageRange]);
    assert_eq!(codes(99), [Code::PageRange]);
}

#[test]
fn many_findings_of_one_file_come_one_by_one_and_are_counted() {
    let mut it = sound();
    it.leaf(5, &["a", "c", "b"]);
    it.leaf(6, &[]);
    it.put(7 * PAGE, &[77]);
    it.free(&[9, 10]);
    let (found, summary) = it.check();
    let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes[..3], [Code::KeyOrder, Code::EmptyLeaf, Code::PageId]);
    assert_eq!((summary.errors, summary.hazards, summary.notes), (found.len() as u64 - 1, 1, 0));
}

#[test]
fn whatever_one_byte_is_the_check_ends_within_few_reads() {
    let whole = sound();
    for at in 0..whole.bytes.len() {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.bytes.clone();
            bytes[at] = byte;
            let Ok(snapshot) = Snapshot::from_bytes(bytes) else { continue };
            let mut count = 0;
            check_snapshot(&snapshot, &mut |_| count += 1).unwrap();
            assert!(snapshot.runs_read() <= 24 && count <= 24, "byte {at} = {byte}: {count} findings");
        }
    }
}

#[test]
fn every_code_has_a_name_of_its_own_and_a_test_here() {
    let names: std::collections::BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        assert!(SOURCES.iter().any(|source| source.contains(&format!("Code::{code:?}"))), "no test plants {code}");
    }
}
