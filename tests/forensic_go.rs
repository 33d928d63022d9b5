//! The forensic corpus as Go's bbolt writes it: the same transactions, the same answer keys, the same score.

#![cfg(all(unix, feature = "forensic"))]

mod corpus;
mod go;
mod states;

use std::io::Write;
use std::path::Path;
use std::process::Command;

use corpus::answer::Answer;
use corpus::scenario::{Last, Later, Reader, SCENARIOS, Scenario};
use corpus::score::{Score, score};
use corpus::unfinished::Unfinished;
use go::Beside;
use serde_json::{Value, json};
use unbolt::FreelistMode;

/// Has Go do this to a new file, and gives back the file after so many of the last lines, the last first.
fn written_by_go(program: &Path, page_size: u32, no_list: bool, log: &[Value], files: usize) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("go.db");
    let mut go = Beside::start(&mut Command::new(program));
    let initial_map = if log.iter().any(|line| line["reader"] == true) { 8 << 20 } else { 0 };
    let first = json!({ "file": file, "page_size": page_size, "no_freelist_sync": no_list, "initial_map": initial_map });
    let mut written = Vec::new();
    for (n, line) in std::iter::once(&first).chain(log).enumerate() {
        writeln!(go.input(), "{line}").unwrap();
        go.wait_for("ok");
        if n + files > log.len() {
            written.insert(0, std::fs::read(&file).unwrap());
        }
    }
    assert!(go.end().success());
    written
}

#[test]
fn what_go_left_that_was_stopped_is_marked_all_of_it() {
    let Some(program) = go::program("deleted") else { return };
    let mut all = Score::default();
    let can_be_told = |scenario: &&Scenario| {
        // A reader beside keeps pages from it.
        scenario.reader == Reader::Never && scenario.later != Later::Rename
    };
    for (n, scenario) in SCENARIOS.iter().filter(can_be_told).enumerate() {
        for (seed, keys, page_size) in [(1, 60, 4096), (2, 200, 1024)] {
            let mut writer = scenario.make_logged(seed, keys, page_size);
            let mut log = writer.log();
            let steps = scenario.last(&mut writer, keys, Last::ALL[n % Last::ALL.len()]);
            log.push(writer.unfinished_line(&steps));
            let written = written_by_go(&program, page_size, scenario.freelist == FreelistMode::Never, &log, 2);
            let stopped = Unfinished::between(&written[1], &written[0], page_size as usize);
            stopped.prefixes(&mut |file| {
                let name = format!("{} by Go, stopped", scenario.title(seed, keys, page_size));
                all += score(&Answer { is_torn: true, ..writer.answer(name, file.to_vec()) }).unwrap();
            });
        }
    }
    println!("Go stopped: {all}");
    assert!(all.files >= 200 && all.uncommitted == all.uncommitted_marked, "{all}");
}

#[test]
fn all_that_go_leaves_is_found_and_nothing_else() {
    let Some(program) = go::program("deleted") else { return };
    let (mut all, mut equal) = (Score::default(), 0);
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.later != Later::Rename) {
        for (seed, keys, page_size) in [(1, 60, 4096), (2, 300, 1024)] {
            let writer = scenario.make_logged(seed, keys, page_size);
            let log = writer.log();
            let no_list = scenario.freelist == FreelistMode::Never;
            let bytes = written_by_go(&program, page_size, no_list, &log, 1).remove(0);
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
