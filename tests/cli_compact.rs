//! Promise: `compact` copies what a database holds into one that is never larger than bbolt's, says so in bbolt's words,
//! and harms nothing that it was not told to replace.

#![cfg(feature = "cli")]

mod command;

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use command::{Outcome, database, databases, in_process, testdata, unbolt};
use tempfile::TempDir;
use unbolt::check::check_snapshot;
use unbolt::tree::verify;
use unbolt::{DEFAULT_ATTEMPTS, Snapshot};

/// A directory with a database in it and room for copies.
struct Desk {
    directory: TempDir,
    file: PathBuf,
    out: PathBuf,
}

impl Desk {
    fn with(name: &str) -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let (file, out) = (directory.path().join("source.db"), directory.path().join("small.db"));
        fs::write(&file, database(name)).unwrap();
        Desk { directory, file, out }
    }

    fn line(&self, options: &[&str]) -> Vec<OsString> {
        let words = ["compact"].iter().chain(options).map(|word| OsString::from(*word));
        words.chain(["-o".into(), self.out.clone().into(), self.file.clone().into()]).collect()
    }

    fn compact(&self, options: &[&str]) -> Outcome {
        unbolt(self.line(options))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn exported(file: &Path) -> Vec<u8> {
    let exported = in_process(&|path| Snapshot::open(path), [OsStr::new("export"), file.as_os_str()]);
    assert_eq!((exported.status, exported.err.as_str()), (0, ""), "{}", file.display());
    exported.out
}

fn len(file: &Path) -> u64 {
    fs::metadata(file).unwrap().len()
}

/// bbolt's command, where the environment names it.
fn bbolt() -> Option<OsString> {
    let bbolt = std::env::var_os("BBOLT").filter(|path| !path.is_empty());
    if bbolt.is_none() {
        println!("skipped: BBOLT not set");
    }
    bbolt
}

#[test]
fn every_database_is_compact_sound_and_says_the_same_afterwards() {
    let bbolt = bbolt();
    for name in databases() {
        let desk = Desk::with(&name);
        let before = fs::read(&desk.file).unwrap();
        let done = desk.compact(&[]);
        assert_eq!((done.status, done.err.as_str()), (0, ""), "{name}");
        let (from, to) = (len(&desk.file), len(&desk.out));
        assert_eq!(done.text(), format!("{from} -> {to} bytes (gain={:.2}x)\n", from as f64 / to as f64), "{name}");
        let copy = Snapshot::open(&desk.out).unwrap();
        verify(copy.pages()).unwrap_or_else(|e| panic!("{name}: {e}"));
        check_snapshot(&copy, &mut |finding| panic!("{name}: {finding}")).unwrap();
        assert!(exported(&desk.out) == exported(&desk.file), "{name}");
        assert!(fs::read(&desk.file).unwrap() == before, "{name}: the file is as it was");
        assert_eq!(desk.names(), ["small.db", "source.db"], "{name}");
        if let Some(bbolt) = &bbolt {
            compare_with_bbolt(bbolt, &desk, &name);
        }
    }
}

/// bbolt calls the copy sound, and its own is no smaller.
fn compare_with_bbolt(bbolt: &OsStr, desk: &Desk, name: &str) {
    let checked = Command::new(bbolt).arg("check").arg(&desk.out).output().unwrap();
    assert!(checked.status.success() && checked.stdout == b"OK\n", "{name}: {checked:?}");
    if name == "bbolt/root-pairs.db" {
        return; // bbolt crashes on pairs outside of any bucket.
    }
    let theirs = desk.directory.path().join("theirs.db");
    let done = Command::new(bbolt).args(["compact", "-o"]).args([&theirs, &desk.file]).output().unwrap();
    assert!(done.status.success(), "{name}: {done:?}");
    let (from, to) = (len(&desk.file), len(&theirs));
    let line = format!("{from} -> {to} bytes (gain={:.2}x)\n", from as f64 / to as f64);
    assert_eq!(String::from_utf8(done.stdout).unwrap(), line, "{name}: the line is bbolt's");
    assert!(len(&desk.out) <= to, "{name}: {} bytes, bbolt's has {to}", len(&desk.out));
}

#[test]
fn options_of_bbolts_change_nothing_but_what_they_are_for() {
    let desk = Desk::with("bbolt/churn-small.db");
    assert_eq!(desk.compact(&[]).status, 0);
    let expected = fs::read(&desk.out).unwrap();
    for options in [
        &["--force", "--tx-max-size", "0"][..],
        &["--force", "--tx-max-size=-1"],
        &["--force", "--tx-max-size", "1"],
        &["--force", "--tx-max-size", "9223372036854775807"],
        &["--force", "--no-sync"],
        &["--force", "--no-sync=false"],
    ] {
        let done = desk.compact(options);
        assert_eq!(done.status, 0, "{options:?}: {}", done.err);
        assert!(fs::read(&desk.out).unwrap() == expected, "{options:?}");
    }
    for (page_size, pages) in [("1024", 1024), ("65536", 65536)] {
        assert_eq!(desk.compact(&["--force", "--page-size", page_size]).status, 0);
        assert_eq!(Snapshot::open(&desk.out).unwrap().layout().page_size.bytes(), pages);
        assert!(exported(&desk.out) == exported(&desk.file));
    }
    for wrong in ["0", "512", "4097", "131072"] {
        assert_eq!(desk.compact(&["--force", "--page-size", wrong]).status, 2, "{wrong}");
    }
}

#[test]
fn what_is_there_stays_unless_it_is_told_to_go() {
    let desk = Desk::with("docker/live-28.5.2.db");
    fs::write(&desk.out, "precious").unwrap();
    let refused = desk.compact(&[]);
    assert_eq!((refused.status, refused.out.len()), (6, 0));
    assert!(refused.err.ends_with("small.db: is there already\nhint: --force replaces it\n"), "{}", refused.err);
    assert_eq!(fs::read(&desk.out).unwrap(), b"precious");
    assert_eq!(desk.compact(&["--force"]).status, 0);
    assert!(exported(&desk.out) == exported(&desk.file));
    assert_eq!(desk.names(), ["small.db", "source.db"]);
}

#[test]
fn the_database_itself_is_never_the_target() {
    let mut desk = Desk::with("docker/live-28.5.2.db");
    let before = fs::read(&desk.file).unwrap();
    let link = desk.directory.path().join("hard-link.db");
    fs::hard_link(&desk.file, &link).unwrap();
    for out in [desk.file.clone(), link] {
        desk.out = out;
        let refused = desk.compact(&["--force"]);
        assert_eq!(refused.status, 6);
        assert!(refused.err.contains("is the file that is read"), "{}", refused.err);
    }
    assert!(fs::read(&desk.file).unwrap() == before);
}

#[cfg(unix)]
#[test]
fn the_copy_has_the_mode_of_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with("docker/live-28.5.2.db");
    fs::set_permissions(&desk.file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(desk.compact(&[]).status, 0);
    assert_eq!(fs::metadata(&desk.out).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn of_a_damaged_file_there_is_no_copy() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let sound = fs::read(&desk.file).unwrap();
    let root = Snapshot::open(&desk.file).unwrap().meta().root.0 as usize;
    let mut damaged = sound.clone();
    damaged[root * 4096 + 8] ^= 0xff;
    for bytes in [&damaged[..], &sound[..sound.len() / 4], b"no database", b""] {
        fs::write(&desk.file, bytes).unwrap();
        let refused = desk.compact(&[]);
        assert_eq!((refused.status, refused.out.len()), (5, 0), "{}", refused.err);
        assert!(refused.err.starts_with(&format!("unbolt: {}: ", desk.file.display())), "{}", refused.err);
        assert_eq!(desk.names(), ["source.db"]);
    }
}

#[test]
fn what_cannot_be_opened_or_written_is_named() {
    let mut desk = Desk::with("docker/live-28.5.2.db");
    desk.out = desk.directory.path().join("missing/small.db");
    let failed = desk.compact(&[]);
    assert_eq!(failed.status, 3);
    assert!(failed.err.ends_with("missing/small.db: cannot create: its directory is not there\n"), "{}", failed.err);
    desk.out = desk.directory.path().join("small.db");
    desk.file = desk.directory.path().join("missing.db");
    let failed = desk.compact(&[]);
    assert_eq!(failed.status, 3);
    assert!(failed.err.contains("missing.db: cannot open: "), "{}", failed.err);
    assert_eq!(desk.names(), ["source.db"]);
    assert_eq!(unbolt([OsStr::new("compact"), desk.file.as_os_str()]).status, 2, "there is no default for -o");
}

#[test]
fn the_state_before_can_be_copied_and_is_not_called_provable() {
    let desk = Desk::with("docker/networks-stopped-20.10.24.db");
    let done = desk.compact(&["--txid", "previous"]);
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.err.contains("is not provable"), "{}", done.err);
    let older = unbolt([OsStr::new("export"), "--txid".as_ref(), "previous".as_ref(), desk.file.as_os_str()]);
    assert!(exported(&desk.out) == older.out);
    assert_eq!(desk.compact(&["--force", "--txid", "1"]).status, 1);
}

/// Opens the file, and replaces it by another database behind the reader's back the first `times` times. Gives back
/// how the command ended, and how often it was overtaken.
fn overtaken(times: u32, desk: &Desk) -> (Outcome, u32) {
    let (older, newer) = (database("docker/networks-running-20.10.24.db"), database("docker/networks-stopped-20.10.24.db"));
    let opened = Cell::new(0);
    let open = |path: &Path| {
        let snapshot = Snapshot::open(path);
        if opened.get() < times {
            opened.set(opened.get() + 1);
            fs::write(path, if opened.get() % 2 == 1 { &newer } else { &older }).unwrap();
        }
        snapshot
    };
    fs::write(&desk.file, &older).unwrap();
    let ended = in_process(&open, desk.line(&[]));
    (ended, opened.get())
}

#[test]
fn a_state_that_is_overtaken_while_it_is_read_is_thrown_away() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let (done, _) = overtaken(3, &desk);
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(exported(&desk.out) == exported(&testdata().join("docker/networks-stopped-20.10.24.db")));
    assert_eq!(done.text().lines().count(), 1);
}

#[test]
fn where_every_attempt_is_overtaken_the_end_is_status_4_and_no_copy() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let (given_up, times) = overtaken(u32::MAX, &desk);
    assert_eq!((given_up.status, times), (4, DEFAULT_ATTEMPTS));
    assert!(given_up.out.is_empty() && given_up.err.contains("attempts"), "{}", given_up.err);
    assert_eq!(desk.names(), ["source.db"]);
}
