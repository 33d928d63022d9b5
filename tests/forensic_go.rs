//! The forensic corpus as Go's bbolt writes it: the same transactions, the same answer keys, the same score.

#![cfg(all(unix, feature = "forensic"))]

mod corpus;
mod go;
mod states;

use std::io::Write;
use std::path::Path;
use std::process::Command;

use corpus::scenario::{Later, SCENARIOS};
use corpus::score::{Score, score};
use go::Beside;
use serde_json::{Value, json};
use unbolt::FreelistMode;

/// Has Go do this to a new file.
fn written_by_go(program: &Path, page_size: u32, no_list: bool, log: &[Value]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("go.db");
    let mut go = Beside::start(&mut Command::new(program));
    let initial_map = if log.iter().any(|line| line["reader"] == true) { 8 << 20 } else { 0 };
    let first = json!({ "file": file, "page_size": page_size, "no_freelist_sync": no_list, "initial_map": initial_map });
    for line in std::iter::once(&first).chain(log) {
        writeln!(go.input(), "{line}").unwrap();
        go.wait_for("ok");
    }
    assert!(go.end().success());
    std::fs::read(&file).unwrap()
}

#[test]
fn all_that_go_leaves_is_found_and_nothing_else() {
    let Some(program) = go::program("deleted") else { return };
    let (mut all, mut equal) = (Score::default(), 0);
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.later != Later::Rename) {
        for (seed, keys, page_size) in [(1, 60, 4096), (2, 300, 1024)] {
            let writer = scenario.make_logged(seed, keys, page_size);
            let log = writer.log();
            let bytes = written_by_go(&program, page_size, scenario.freelist == FreelistMode::Never, &log);
            let ours = scenario.make(seed, keys, page_size);
            equal += usize::from(ours.bytes == bytes);
            let answer = writer.finish_with(format!("{} by Go", scenario.title(seed, keys, page_size)), bytes);
            all += score(&answer).unwrap();
        }
    }
    println!("{all}; {equal} files are ours byte for byte");
    assert!(all.files >= 50 && all.present > 1_000, "{all}");
    assert_eq!(all.as_pairs + all.in_fragments, all.present);
}
