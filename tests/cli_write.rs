//! Promise: `put`, `delete`, `create-bucket`, `delete-bucket` and `rename-bucket` do what they say in one transaction, or
//! nothing at all, and with `--dry-run` say what it would be.

#![cfg(feature = "cli")]

mod command;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use command::{Outcome, database, unbolt};
use tempfile::TempDir;
use unbolt::Db;
use unbolt::check::check_snapshot;

/// Nested buckets of a real containerd.
const CONTAINERD: &str = "containerd/dockerd-meta-stopped-1.6.20.db";

/// A directory with a database in it.
struct Desk {
    _directory: TempDir,
    file: PathBuf,
}

impl Desk {
    fn new() -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("meta.db");
        fs::write(&file, database(CONTAINERD)).unwrap();
        Desk { _directory: directory, file }
    }

    fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }

    /// Runs a command with the database for `FILE`.
    fn run(&self, words: &[&str]) -> Outcome {
        unbolt(words.iter().map(|word| if *word == "FILE" { self.path() } else { word }))
    }

    /// Runs a command that must be done, and say nothing; its dry run before it, which must say this and do nothing.
    fn done(&self, words: &[&str], plan: &str) {
        let before = fs::read(&self.file).unwrap();
        let rehearsed = self.run(&[words, &["--dry-run"]].concat());
        assert_eq!((rehearsed.status, rehearsed.text()), (0, plan), "{words:?}: {}", rehearsed.err);
        assert!(rehearsed.err.ends_with(", nothing is changed\n") && rehearsed.err.lines().count() == 1, "{}", rehearsed.err);
        assert!(fs::read(&self.file).unwrap() == before, "{words:?}: the dry run changed the file");
        let done = self.run(words);
        assert_eq!((done.status, done.text(), done.err.as_str()), (0, "", ""), "{words:?}");
        assert!(fs::read(&self.file).unwrap() != before, "{words:?}: nothing was changed");
        let snapshot = unbolt::Snapshot::open(&self.file).unwrap();
        assert!(check_snapshot(&snapshot, &mut |_| {}).unwrap().is_sound(), "{words:?}");
    }

    /// Runs a command, and its dry run, that must end with this status and leave the file as it is.
    fn refused(&self, words: &[&str], status: i32, said: &str) {
        let before = fs::read(&self.file).unwrap();
        for more in [&[][..], &["--dry-run"]] {
            let outcome = self.run(&[words, more].concat());
            assert_eq!((outcome.status, outcome.text()), (status, ""), "{words:?}: {}", outcome.err);
            assert!(outcome.err.contains(said), "{words:?}: {}", outcome.err);
            assert!(fs::read(&self.file).unwrap() == before, "{words:?} changed the file");
        }
    }

    fn get(&self, path: &[&str]) -> Option<Vec<u8>> {
        let (key, buckets) = path.split_last().unwrap();
        let db = Db::options().read_only(true).open(&self.file).unwrap();
        let tx = db.begin_read().unwrap();
        tx.bucket_at(buckets).unwrap().get(key).unwrap().map(<[u8]>::to_vec)
    }
}

#[test]
fn put_sets_a_value_and_delete_takes_it_away() {
    let desk = Desk::new();
    desk.done(&["put", "FILE", "v1", "moby", "colour", "blue"], "put \"colour\" in v1/moby: 4 bytes, where there was none\n");
    assert_eq!(desk.get(&["v1", "moby", "colour"]).unwrap(), b"blue");
    desk.done(&["put", "FILE", "v1", "moby", "colour", "green"], "put \"colour\" in v1/moby: 5 bytes, in place of 4 bytes\n");
    let hex = ["put", "--parse-format", "hex", "FILE", "v1", "moby", "00ff", "01"];
    desk.done(&hex, "put \"\\x00\\xff\" in v1/moby: 1 byte, where there was none\n");
    desk.done(&["delete", "FILE", "v1", "moby", "colour"], "delete \"colour\" from v1/moby: 5 bytes\n");
    assert_eq!(desk.get(&["v1", "moby", "colour"]), None);
}

#[test]
fn put_takes_a_value_from_a_file_or_standard_input() {
    let desk = Desk::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let value = format!("@{}", file.path().display());
    assert_eq!(desk.run(&["put", "FILE", "v1", "k", &value]).status, 0);
    assert!(desk.get(&["v1", "k"]).unwrap() == bytes);
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbolt"));
    let mut child = command.args(["put", desk.path(), "v1", "k", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"@piped").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(desk.get(&["v1", "k"]).unwrap(), b"@piped");
}

#[test]
fn buckets_are_created_renamed_and_deleted_with_everything_in_them() {
    let desk = Desk::new();
    desk.done(&["create-bucket", "FILE", "settings"], "create bucket settings\n");
    desk.done(
        &["create-bucket", "--parents", "FILE", "settings", "a", "b"],
        "create bucket settings/a\ncreate bucket settings/a/b\n",
    );
    assert_eq!(desk.run(&["put", "FILE", "settings", "a", "b", "k", "v"]).status, 0);
    desk.done(&["rename-bucket", "FILE", "settings", "a", "c"], "rename bucket settings/a to settings/c\n");
    assert_eq!(desk.get(&["settings", "c", "b", "k"]).unwrap(), b"v");
    desk.done(&["delete-bucket", "FILE", "settings"], "delete bucket settings: 1 key, 2 nested buckets\n");
    desk.refused(&["delete-bucket", "FILE", "settings"], 1, "bucket not found: settings\nhint: ");
}

#[test]
fn what_is_there_already_or_is_the_other_of_bucket_and_value_is_refused() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["put", "FILE", "v1", "key", "value"]).status, 0);
    desk.refused(&["create-bucket", "FILE", "v1"], 6, "bucket exists already: v1");
    desk.refused(&["create-bucket", "FILE", "v1", "key"], 6, "\"key\" is a value, not a bucket");
    desk.refused(&["rename-bucket", "FILE", "v1", "moby", "key"], 6, "\"key\" is a value, not a bucket");
    desk.refused(&["put", "FILE", "v1", "moby", "value"], 6, "\"moby\" is a bucket, not a value");
    desk.refused(&["delete", "FILE", "v1", "moby"], 1, "\"moby\" is a bucket, not a value\nhint: `unbolt delete-bucket`");
    desk.refused(&["delete-bucket", "FILE", "v1", "key"], 1, "\"key\" is a value, not a bucket\nhint: `unbolt delete`");
    desk.refused(&["delete", "FILE", "v1", "no"], 1, "key not found: \"no\" (hex 6e6f)");
    desk.refused(&["put", "FILE", "v2", "k", "v"], 1, "bucket not found: v2\nhint: ");
    desk.refused(&["put", "FILE", "v1", "", "v"], 2, "the key is empty");
    desk.refused(&["put", "--parse-format", "hex", "FILE", "v1", "0", "v"], 2, "an odd number");
}

#[test]
fn a_lock_is_tried_once_or_waited_for_and_its_holder_is_named() {
    let desk = Desk::new();
    let lock = Db::open(&desk.file).unwrap();
    let held = format!("(pid {})", std::process::id());
    for words in [
        &["put", "FILE", "v1", "k", "v"][..],
        &["delete", "FILE", "v1", "k"],
        &["create-bucket", "FILE", "new"],
        &["delete-bucket", "FILE", "v1"],
        &["rename-bucket", "FILE", "v1", "v2"],
    ] {
        let outcome = desk.run(words);
        assert_eq!(outcome.status, 4, "{words:?}: {}", outcome.err);
        assert!(outcome.err.contains(&held) && outcome.err.contains("\nhint: --wait"), "{}", outcome.err);
    }
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| desk.run(&["put", "--wait", "600", "FILE", "v1", "k", "v"]));
        drop(lock);
        assert_eq!(waiting.join().unwrap().status, 0);
    });
    assert_eq!(desk.get(&["v1", "k"]).unwrap(), b"v");
    for wrong in ["-1", "x", "1e400"] {
        assert_eq!(desk.run(&["put", &format!("--wait={wrong}"), "FILE", "v1", "k", "v"]).status, 2, "{wrong}");
    }
}
