//! Promise: `import` builds the database that `export` printed, nothing lost and nothing guessed, or none at all.

#![cfg(feature = "cli")]

mod command;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use command::{Outcome, database, databases, on_bytes, unbolt};
use tempfile::TempDir;
use unbolt::check::check_snapshot;
use unbolt::tree::{BuildOptions, compact_state};
use unbolt::{MemoryDisk, Snapshot};

/// A directory with lines in it and room for a database.
struct Desk {
    directory: TempDir,
    lines: PathBuf,
    out: PathBuf,
}

impl Desk {
    fn with(lines: impl AsRef<[u8]>) -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let (file, out) = (directory.path().join("lines.jsonl"), directory.path().join("new.db"));
        fs::write(&file, lines).unwrap();
        Desk { directory, lines: file, out }
    }

    fn import(&self, options: &[&str]) -> Outcome {
        let line = ["import"].iter().chain(options).map(OsStr::new);
        unbolt(line.chain([self.lines.as_os_str(), "-o".as_ref(), self.out.as_os_str()]))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// What `export` prints of a database.
fn exported(bytes: &[u8]) -> Vec<u8> {
    let exported = on_bytes(bytes, &["export", "x.db"]);
    assert_eq!((exported.status, exported.err.as_str()), (0, ""));
    exported.out
}

/// A line of JSON lines.
fn bucket(path: &str, sequence: u64) -> String {
    format!("{{\"bucket\":[{path}],\"sequence\":{sequence}}}\n")
}

fn pair(path: &str, key: &str, value: &str) -> String {
    format!("{{\"bucket\":[{path}],\"key\":\"{key}\",\"value\":\"{value}\"}}\n")
}

#[test]
fn every_database_comes_back_from_its_export_and_is_compact() {
    for name in databases() {
        let original = database(&name);
        let lines = exported(&original);
        let desk = Desk::with(&lines);
        let done = desk.import(&[]);
        assert_eq!((done.status, done.out.len()), (0, 0), "{name}: {}", done.err);
        let built = fs::read(&desk.out).unwrap();
        assert!(exported(&built) == lines, "{name}");
        let compact = MemoryDisk::new();
        let snapshot = Snapshot::from_bytes(original).unwrap();
        compact_state(snapshot.pages(), &compact, &BuildOptions::default()).unwrap();
        assert!(built == compact.to_bytes(), "{name}: it is what compact makes");
        assert!(done.err.ends_with(&format!(" in {} bytes\n", built.len())), "{name}: {}", done.err);
        assert_eq!(desk.names(), ["lines.jsonl", "new.db"], "{name}");
    }
}

#[test]
fn lines_come_from_standard_input_too() {
    let lines = exported(&database("docker/live-28.5.2.db"));
    let desk = Desk::with("");
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbolt"));
    let mut child =
        command.args(["import", "-", "-o"]).arg(&desk.out).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&lines).unwrap();
    let done = child.wait_with_output().unwrap();
    let words = format!("unbolt: {}: 1 bucket and 39 pairs in 49152 bytes\n", desk.out.display());
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap()), (Some(0), words));
    assert!(exported(&fs::read(&desk.out).unwrap()) == lines);
}

#[test]
fn no_lines_make_an_empty_database_and_empty_ones_are_passed_over() {
    for lines in ["", "\n", " \r\n\n"] {
        let desk = Desk::with(lines);
        assert_eq!(desk.import(&["--page-size", "1024"]).status, 0);
        assert_eq!(fs::metadata(&desk.out).unwrap().len(), 4096);
        assert!(exported(&fs::read(&desk.out).unwrap()).is_empty());
    }
    let spaced = format!("\n{}\r\n\n  {}", bucket("\"a\"", 7), pair("\"a\"", "k", "v").trim_end());
    let desk = Desk::with(&spaced);
    assert_eq!(desk.import(&[]).status, 0);
    let both = bucket("\"a\"", 7) + &pair("\"a\"", "k", "v");
    assert_eq!(exported(&fs::read(&desk.out).unwrap()), both.as_bytes());
}

#[test]
fn a_line_that_cannot_be_placed_is_an_error_with_its_number_and_there_is_no_database() {
    let a = bucket("\"a\"", 1);
    let inner = bucket("\"a\",\"b\"", 2);
    for (lines, number, words) in [
        (format!("{a}{}{}", pair("\"a\"", "l", ""), pair("\"a\"", "k", "")), 3, "the key k does not follow l"),
        (format!("{a}{}{}", pair("\"a\"", "k", ""), pair("\"a\"", "k", "")), 3, "the key k does not follow k"),
        (format!("{a}\n{a}"), 3, "the key a does not follow a"),
        (format!("{}{a}", bucket("\"b\"", 1)), 2, "the key a does not follow b"),
        (format!("{a}{inner}{}", pair("\"a\"", "a", "")), 3, "the key a does not follow b"),
        (format!("{a}{inner}{}{inner}", pair("\"a\"", "c", "")), 4, "the key b does not follow c"),
        (pair("\"a\"", "k", ""), 1, "the bucket [\"a\"] has no line before this one, or ended already"),
        (format!("{a}{}{}", bucket("\"b\"", 1), pair("\"a\"", "k", "")), 3, "the bucket [\"a\"] has no line"),
        (format!("{a}{}", bucket("\"a\",{\"hex\":\"ff\"},\"c\"", 1)), 2, "the bucket [\"a\",{\"hex\":\"ff\"}] has no line"),
        (bucket("", 1), 1, "a bucket without a name"),
        (bucket("\"\"", 1), 1, "a key must not be empty"),
        (pair("", "", "v"), 1, "a key must not be empty"),
        (format!("{a}{{\"bucket\":[\"a\"],\"key\":\"k\"}}"), 2, "missing field `value` (column 26)"),
        (format!("{a}{{\"bucket\":[\"a\"],\"ke"), 2, "EOF while parsing a string"),
        (format!("{a}\u{feff}{a}"), 2, "expected value"),
    ] {
        let desk = Desk::with(&lines);
        let refused = desk.import(&[]);
        assert_eq!((refused.status, refused.out.len()), (5, 0), "{lines}: {}", refused.err);
        let start = format!("unbolt: {}: line {number}: {words}", desk.lines.display());
        assert!(refused.err.starts_with(&start), "{lines}: {}", refused.err);
        assert_eq!(desk.names(), ["lines.jsonl"], "{lines}");
    }
}

#[test]
fn a_long_key_in_an_error_is_cut_short() {
    let keys = ["b".repeat(32_000), "a".repeat(32_000)];
    let desk = Desk::with(format!("{}{}", pair("", &keys[0], ""), pair("", &keys[1], "")));
    let refused = desk.import(&[]);
    assert!(refused.err.len() < 500 && refused.err.contains("(32000 bytes)"), "{}", refused.err);
}

#[test]
fn bytes_that_are_no_text_and_plain_pairs_of_the_root_are_kept() {
    let lines = [
        r#"{"bucket":[],"key":"\u0000","value":""}"#,
        r#"{"bucket":[{"hex":"80"}],"sequence":18446744073709551615}"#,
        r#"{"bucket":[{"hex":"80"}],"key":"ü\n","value":{"hex":"00ff"}}"#,
        r#"{"bucket":[],"key":{"hex":"ff"},"value":"v"}"#,
        "",
    ]
    .join("\n");
    let desk = Desk::with(&lines);
    assert_eq!(desk.import(&[]).status, 0);
    let built = fs::read(&desk.out).unwrap();
    assert_eq!(String::from_utf8(exported(&built)).unwrap(), lines);
    check_snapshot(&Snapshot::from_bytes(built).unwrap(), &mut |finding| panic!("{finding}")).unwrap();
}

#[test]
fn what_is_there_stays_unless_it_is_told_to_go() {
    let desk = Desk::with(bucket("\"a\"", 1));
    fs::write(&desk.out, "precious").unwrap();
    let refused = desk.import(&[]);
    assert_eq!(refused.status, 6);
    assert!(refused.err.ends_with("new.db: is there already\nhint: --force replaces it\n"), "{}", refused.err);
    assert_eq!(fs::read(&desk.out).unwrap(), b"precious");
    assert_eq!(desk.import(&["--force"]).status, 0);
    assert!(Snapshot::open(&desk.out).is_ok());
    let into_itself = Desk { out: desk.lines.clone(), ..desk };
    assert_eq!(into_itself.import(&["--force"]).status, 6);
}

#[test]
fn what_cannot_be_read_is_named() {
    let desk = Desk::with("");
    for (lines, words) in [
        (desk.directory.path().join("missing.jsonl"), "missing.jsonl: cannot open: "),
        (desk.directory.path().to_path_buf(), ": cannot read: "),
    ] {
        let failed = unbolt([OsStr::new("import"), lines.as_os_str(), "-o".as_ref(), desk.out.as_os_str()]);
        assert_eq!(failed.status, 3);
        assert!(failed.err.contains(words), "{}", failed.err);
    }
    assert_eq!(unbolt([OsStr::new("import"), Path::new("x").as_os_str()]).status, 2, "there is no default for -o");
    assert_eq!(desk.names(), ["lines.jsonl"]);
}
