//! Promise: `kv put`, `delete` and `import` change a store in one transaction or not at all, say which index a record
//! got, and with `--dry-run` change nothing and say the same.

#![cfg(feature = "cli")]

mod command;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use command::{Outcome, database, testdata, unbolt, value, with_bucket};
use tempfile::TempDir;
use unbolt::Db;
use unbolt::check::check_snapshot;
use unbolt::store::{BoltStore, DOCKER_BUCKET, KvPair, Store};

/// A store of a real dockerd.
const DOCKER: &str = "docker/live-20.10.24.db";
const NETWORKS: &str = "docker/network/v1.0/network/";

/// A directory with a store in it.
struct Desk {
    directory: TempDir,
    file: PathBuf,
}

impl Desk {
    fn holding(bytes: &[u8]) -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("local-kv.db");
        fs::write(&file, bytes).unwrap();
        Desk { directory, file }
    }

    fn docker() -> Desk {
        Desk::holding(&database(DOCKER))
    }

    /// A database without any bucket.
    fn empty() -> Desk {
        let desk = Desk::holding(b"");
        Db::open(&desk.file).unwrap().close().unwrap();
        desk
    }

    /// Runs `kv`, with `FILE` for the database.
    fn kv(&self, words: &[&str]) -> Outcome {
        self.kv_reading(words, b"")
    }

    fn kv_reading(&self, words: &[&str], input: &[u8]) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unbolt"));
        command.arg("kv").args(words.iter().map(|word| if *word == "FILE" { self.path() } else { word }));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program is there");
        // A command that does not read its input may have closed it.
        let _ = child.stdin.take().expect("it was piped").write_all(input);
        let output = child.wait_with_output().unwrap();
        Outcome { status: output.status.code().unwrap(), out: output.stdout, err: String::from_utf8(output.stderr).unwrap() }
    }

    fn path(&self) -> &str {
        self.file.to_str().unwrap()
    }

    fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.file).unwrap()
    }

    fn pairs(&self) -> Vec<KvPair> {
        let store = BoltStore::open_read_only(&self.file, DOCKER_BUCKET).unwrap();
        store.list("").unwrap()
    }

    fn get(&self, key: &str) -> Option<KvPair> {
        BoltStore::open_read_only(&self.file, DOCKER_BUCKET).unwrap().get(key).unwrap()
    }

    /// Runs a command that must end with this status and leave the file as it is.
    fn refused(&self, words: &[&str], status: i32) -> String {
        let before = self.bytes();
        let outcome = self.kv(words);
        assert_eq!((outcome.status, outcome.text()), (status, ""), "{words:?}: {}", outcome.err);
        assert!(self.bytes() == before, "{words:?} changed the file");
        outcome.err
    }
}

impl Drop for Desk {
    /// Whatever was done to the file, it is sound.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let snapshot = unbolt::Snapshot::open(&self.file).unwrap();
            let mut findings = Vec::new();
            let summary = check_snapshot(&snapshot, &mut |finding| findings.push(finding.to_string())).unwrap();
            assert!(summary.is_sound(), "{findings:?}");
        }
    }
}

fn printed(outcome: &Outcome) -> &str {
    assert_eq!((outcome.status, outcome.err.as_str()), (0, ""));
    outcome.text()
}

fn export(desk: &Desk) -> Vec<u8> {
    let exported = desk.kv(&["export", "FILE"]);
    assert_eq!((exported.status, exported.err.as_str()), (0, ""));
    exported.out
}

#[test]
fn put_prints_the_index_that_the_record_has_and_none_is_given_twice() {
    let desk = Desk::docker();
    let highest = desk.pairs().iter().map(|pair| pair.last_index).max().unwrap();
    assert_eq!(printed(&desk.kv(&["put", "FILE", "a/new/key/", "{}"])), format!("{}\n", highest + 1));
    assert_eq!(
        desk.get("a/new/key/").unwrap(),
        KvPair { key: "a/new/key/".into(), value: b"{}".into(), last_index: highest + 1 }
    );
    assert_eq!(printed(&desk.kv(&["put", "FILE", "a/new/key/", "[]"])), format!("{}\n", highest + 2));
    assert_eq!(printed(&desk.kv(&["delete", "FILE", "a/new/key/"])), "");
    assert_eq!(desk.get("a/new/key/"), None);
    assert_eq!(printed(&desk.kv(&["put", "FILE", "a/new/key/", "1"])), format!("{}\n", highest + 3));
    assert_eq!(desk.kv(&["get", "--index", "FILE", "a/new/key/"]).text(), format!("{}\n", highest + 3));
}

#[test]
fn create_puts_only_what_is_not_there() {
    let desk = Desk::docker();
    assert_eq!(desk.kv(&["put", "--create", "FILE", "k", "first"]).status, 0);
    assert_eq!(
        desk.refused(&["put", "--create", "FILE", "k", "second"], 1),
        format!("unbolt: {}: key k is there already\n", desk.path())
    );
    assert_eq!(desk.get("k").unwrap().value, b"first");
}

#[test]
fn previous_puts_and_deletes_only_what_was_not_written_since() {
    let desk = Desk::docker();
    let pair = desk.pairs().into_iter().find(|pair| pair.key.starts_with(NETWORKS)).unwrap();
    let (key, index) = (pair.key.as_str(), pair.last_index.to_string());
    let put = desk.kv(&["put", "--previous", &index, "FILE", key, "{}"]);
    let next = printed(&put).trim_end().to_owned();
    let words = format!("unbolt: {}: key {key} was written since: its index is {next}, not {index}\n", desk.path());
    assert_eq!(desk.refused(&["put", "--previous", &index, "FILE", key, "[]"], 1), words);
    assert_eq!(desk.refused(&["delete", "--previous", &index, "FILE", key], 1), words);
    assert_eq!(printed(&desk.kv(&["delete", "--previous", &next, "FILE", key])), "");
    let words = format!("unbolt: {}: key {key} is not there\n", desk.path());
    assert_eq!(desk.refused(&["put", "--previous", &next, "FILE", key, "[]"], 1), words);
    assert_eq!(desk.refused(&["delete", "--previous", &next, "FILE", key], 1), words);
    assert_eq!(desk.refused(&["put", "--previous", "1", "--create", "FILE", key, "[]"], 2).lines().count(), 5);
}

#[test]
fn who_deletes_what_is_not_there_is_told_what_is() {
    let desk = Desk::docker();
    let key = &desk.pairs()[0].key;
    let cut = key.strip_suffix('/').unwrap();
    let err = desk.refused(&["delete", "FILE", cut], 1);
    assert_eq!(
        err,
        format!("unbolt: {}: key {cut} is not there\nhint: the first key that begins with it is {key}\n", desk.path())
    );
    assert_eq!(desk.refused(&["delete", "FILE", "zzz"], 1).lines().count(), 1);
}

#[test]
fn a_value_comes_from_a_file_or_standard_input_byte_for_byte() {
    let desk = Desk::docker();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let file = format!("@{}", desk.write("value", &bytes));
    assert_eq!(desk.kv(&["put", "FILE", "k", &file]).status, 0);
    assert!(desk.get("k").unwrap().value == bytes);
    assert_eq!(desk.kv_reading(&["put", "FILE", "k", "-"], &bytes[1..]).status, 0);
    assert!(desk.get("k").unwrap().value == bytes[1..]);
    assert_eq!(desk.kv(&["put", "FILE", "k", ""]).status, 0);
    assert_eq!(desk.get("k").unwrap().value, b"");
    assert!(desk.refused(&["put", "FILE", "k", "@/no/such/file"], 3).contains("/no/such/file: cannot read"));
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_then_happens() {
    let desk = Desk::docker();
    let pair = desk.pairs().remove(3);
    let (path, before) = (desk.path(), desk.bytes());
    let dry_run = |words: &[&str]| {
        let outcome = desk.kv(words);
        assert_eq!(outcome.status, 0, "{}", outcome.err);
        let said = format!("unbolt: {path}: dry run on the state of transaction 35, nothing is changed\n");
        assert_eq!(outcome.err, said);
        assert!(desk.bytes() == before, "{words:?} changed the file");
        outcome.text().to_owned()
    };
    let size = |len: usize| format!("{len} byte{}", if len == 1 { "" } else { "s" });
    let held = format!("{} with index {}", size(pair.value.len()), pair.last_index);
    assert_eq!(dry_run(&["delete", "--dry-run", "FILE", &pair.key]), format!("delete {} from libnetwork: {held}\n", pair.key));
    assert_eq!(
        dry_run(&["put", "--dry-run", "FILE", "k", "v"]),
        "put k in libnetwork: 1 byte with index 27, where there was none\n"
    );
    assert_eq!(
        dry_run(&["put", "--dry-run", "FILE", &pair.key, "{}"]),
        format!("put {} in libnetwork: 2 bytes with index 27, in place of {held}\n", pair.key)
    );
    assert_eq!(
        dry_run(&["put", "--dry-run", "--bucket", "other", "FILE", "k", "v"]),
        "create bucket other\nput k in other: 1 byte with index 1, where there was none\n"
    );
    let records = desk.write("records.json", br#"[{"key":"k","last_index":40,"value":"v"}]"#);
    assert_eq!(
        dry_run(&["import", "--dry-run", "--keep-index", "FILE", &records]),
        "put k in libnetwork: 1 byte with index 40, where there was none\n"
    );
    // It ends as the command would.
    assert!(desk.refused(&["delete", "--dry-run", "FILE", "zzz"], 1).contains("key zzz is not there"));
    assert_eq!(printed(&desk.kv(&["put", "FILE", "k", "v"])), "27\n");
}

#[test]
fn a_locked_file_is_status_four_after_the_wait_and_the_holder_is_named() {
    let desk = Desk::docker();
    let holder = Db::open(&desk.file).unwrap();
    let held = format!("(pid {})", std::process::id());
    for words in [&["put", "FILE", "k", "v"][..], &["delete", "FILE", "k"], &["put", "--wait", "0.1", "FILE", "k", "v"]] {
        let err = desk.refused(words, 4);
        assert!(err.contains("locked by ") && err.contains(&held) && err.contains("\nhint: "), "{err}");
    }
    let dry_run = desk.kv(&["put", "--dry-run", "FILE", "k", "v"]);
    assert_eq!(dry_run.status, 0);
    assert!(dry_run.err.contains("could not be changed now: locked by ") && dry_run.err.contains(&held), "{}", dry_run.err);

    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| desk.kv(&["put", "--wait", "600", "FILE", "k", "v"]));
        drop(holder);
        assert_eq!(waiting.join().unwrap().status, 0);
    });
    assert!(desk.get("k").is_some());
}

#[test]
fn a_directory_means_the_store_that_docker_keeps_in_it() {
    let desk = Desk::docker();
    let put = unbolt(["kv".as_ref(), "put".as_ref(), desk.directory.path().as_os_str(), "k".as_ref(), "v".as_ref()]);
    assert_eq!((put.status, put.text()), (0, "27\n"));
    assert_eq!(put.err, format!("unbolt: changing {}\n", desk.path()));
}

#[test]
fn the_first_record_makes_the_bucket_and_nothing_makes_a_file() {
    let desk = Desk::empty();
    for words in [&["delete", "FILE", "k"][..], &["put", "--previous", "1", "FILE", "k", "v"]] {
        assert!(desk.refused(words, 1).contains(": bucket not found: libnetwork\nhint: "));
    }
    let put = desk.kv(&["put", "FILE", "k", "v"]);
    assert_eq!((put.status, put.text()), (0, "1\n"));
    assert_eq!(put.err, format!("unbolt: {}: bucket libnetwork was not there and is made\n", desk.path()));
    for words in [&["put", "--bucket", "other", "FILE", "k", "v"][..], &["put", "FILE", "", "v"], &["put", "FILE", "k"]] {
        let outcome = desk.kv(words);
        assert_eq!(outcome.status, if words.contains(&"other") { 0 } else { 2 }, "{words:?}: {}", outcome.err);
    }
    let nowhere = desk.directory.path().join("nowhere.db");
    assert_eq!(unbolt(["kv", "put", nowhere.to_str().unwrap(), "k", "v"]).status, 3);
    assert!(!nowhere.exists());
}

#[test]
fn what_is_exported_is_imported_into_the_same_store() {
    for name in [DOCKER, "docker/live-25.0.13.db", "docker/live-28.5.2.db", "docker/ipam-only-1.11.0.db"] {
        let (from, to) = (Desk::holding(&database(name)), Desk::empty());
        let exported = export(&from);
        let pairs = from.pairs();
        let done = to.kv_reading(&["import", "--keep-index", "FILE", "-"], &exported);
        let records = if pairs.len() == 1 { "record" } else { "records" };
        assert_eq!((done.status, done.text()), (0, ""), "{name}: {}", done.err);
        assert!(done.err.contains(&format!(": {} {records} put, 0 there already\n", pairs.len())), "{name}: {}", done.err);
        assert!(export(&to) == exported, "{name}");
        // The next index is above all of them.
        let highest = pairs.iter().map(|pair| pair.last_index).max().unwrap();
        assert_eq!(to.kv(&["put", "FILE", "k", "v"]).text(), format!("{}\n", highest + 1), "{name}");

        let renumbered = Desk::empty();
        assert_eq!(renumbered.kv_reading(&["import", "FILE", "-"], &exported).status, 0, "{name}");
        for (number, (new, old)) in renumbered.pairs().iter().zip(&pairs).enumerate() {
            assert_eq!((&new.key, &new.value, new.last_index), (&old.key, &old.value, number as u64 + 1), "{name}");
        }
        // A second time there is nothing to be done, and nothing is written.
        let before = to.bytes();
        assert_eq!(to.kv_reading(&["import", "--keep-index", "FILE", "-"], &exported).status, 0, "{name}");
        assert!(to.bytes() == before, "{name}");
    }
}

#[test]
fn records_that_would_replace_others_are_all_named_and_nothing_is_written() {
    let desk = Desk::docker();
    let exported = desk.write("records.json", &export(&desk));
    let keys: Vec<String> = desk.pairs().into_iter().map(|pair| pair.key).collect();
    for key in &keys[1..3] {
        assert_eq!(desk.kv(&["put", "FILE", key, "changed"]).status, 0);
    }
    assert_eq!(desk.kv(&["delete", "FILE", &keys[5]]).status, 0);
    let path = desk.path();
    for dry_run in [&[][..], &["--dry-run"]] {
        let err = desk.refused(&[&["import", "FILE", &exported], dry_run].concat(), 6);
        let expected = format!(
            "unbolt: {path}: key {} is there already: 7 bytes with index 27\n\
             unbolt: {path}: key {} is there already: 7 bytes with index 28\n\
             unbolt: {path}: 2 of {} records are there already, and differ\n\
             hint: --force replaces them\n",
            keys[1],
            keys[2],
            keys.len()
        );
        assert_eq!(err, expected);
    }
    let done = desk.kv(&["import", "--force", "FILE", &exported]);
    assert_eq!((done.status, done.err), (0, format!("unbolt: {path}: 3 records put, {} there already\n", keys.len() - 3)));
    let indexes: Vec<u64> = [1, 2, 5].iter().map(|at: &usize| desk.get(&keys[*at]).unwrap().last_index).collect();
    assert_eq!(indexes, [29, 30, 31]);
    // With its index, a record is another one where only that differs.
    assert!(desk.refused(&["import", "--keep-index", "FILE", &exported], 6).contains(": 3 of "));
    assert_eq!(desk.kv(&["import", "--keep-index", "--force", "FILE", &exported]).status, 0);
    assert!(export(&desk) == fs::read(&exported).unwrap());
}

#[test]
fn a_record_that_cannot_be_understood_is_named_by_its_line() {
    let desk = Desk::docker();
    let good = r#"{"key":"a","last_index":1,"value":"v"}"#;
    for (records, words) in [
        (format!("[\n{good},\n{{\"key\":\"b\",\"value\":\"v\"}}\n]\n"), "line 3: missing field `last_index`"),
        (format!("[\n{good},\n{good}\n]\n"), "line 3: the key a is there twice"),
        (format!("[\n{good},\n\n{good}x\n]\n"), "line 4: the key a is there twice"),
        (format!("[\n{good}\n"), "line 3: EOF"),
        (format!("{good}\n"), "line 1: invalid type: map, expected an array of records"),
        ("[{\"key\":{\"hex\":\"ff\"},\"last_index\":1,\"value\":\"\"}]".into(), "line 1: the key is not UTF-8"),
    ] {
        let file = desk.write("records.json", records.as_bytes());
        let err = desk.refused(&["import", "FILE", &file], 5);
        assert!(err.starts_with(&format!("unbolt: {file}: {words}")), "{err}");
    }
    assert!(desk.refused(&["import", "FILE", "/no/such/file"], 3).contains("/no/such/file: cannot open"));
    let none = desk.write("records.json", b"[]\n");
    assert!(desk.refused(&["import", "FILE", &none], 1).contains("holds no records"));
}

#[test]
fn odd_records_are_replaced_deleted_or_refused_as_gos_store_has_it() {
    let desk = || {
        let desk = Desk::empty();
        let db = Db::open(&desk.file).unwrap();
        let made = db.update(|tx| {
            let mut store = tx.create_bucket(DOCKER_BUCKET)?;
            store.create_bucket("bucket")?;
            store.put("nothing", "")?;
            store.put("short", "12345")
        });
        made.and_then(|()| db.close()).unwrap();
        desk
    };
    let desk_1 = desk();
    assert_eq!(
        desk_1.refused(&["put", "FILE", "bucket", "v"], 6),
        format!("unbolt: {}: key bucket is a bucket, not a value\n", desk_1.path())
    );
    assert_eq!(
        desk_1.refused(&["delete", "FILE", "bucket"], 1),
        format!("unbolt: {}: key bucket is a bucket, not a value\n", desk_1.path())
    );
    // An index is to be compared, and there is none.
    for words in [&["put", "--previous", "1", "FILE", "short", "v"][..], &["delete", "--previous", "1", "FILE", "short"]] {
        assert!(desk_1.refused(words, 5).contains("the value of key short has 5 bytes, too few for its index"));
    }
    let plan = desk_1.kv(&["put", "--dry-run", "FILE", "short", "v"]);
    assert_eq!(plan.text(), "put short in libnetwork: 1 byte with index 1, in place of 5 bytes, too few for an index\n");
    assert_eq!(printed(&desk_1.kv(&["put", "FILE", "short", "v"])), "1\n");
    // A value without any bytes is not there, but can be deleted.
    assert_eq!(desk_1.kv(&["delete", "--dry-run", "FILE", "nothing"]).text(), "delete nothing from libnetwork: 0 bytes\n");
    assert_eq!(printed(&desk_1.kv(&["delete", "FILE", "nothing"])), "");
    let desk_2 = desk();
    assert_eq!(printed(&desk_2.kv(&["put", "--create", "FILE", "nothing", "v"])), "1\n");
    assert_eq!(printed(&desk_2.kv(&["delete", "FILE", "short"])), "");

    let records = desk_2.write("records.json", br#"[{"key":"bucket","last_index":1,"value":"v"}]"#);
    assert!(desk_2.refused(&["import", "--force", "FILE", &records], 6).contains("key bucket is a bucket"));
    let desk_3 = desk();
    let records = desk_3.write("records.json", br#"[{"key":"short","last_index":9,"value":"v"}]"#);
    assert!(
        desk_3.refused(&["import", "FILE", &records], 6).contains("key short is there already: 5 bytes, too few for an index")
    );
    assert_eq!(desk_3.kv(&["import", "--force", "--keep-index", "FILE", &records]).status, 0);
    assert_eq!(desk_3.kv(&["get", "--index", "FILE", "short"]).text(), "9\n");
}

#[test]
fn a_file_that_is_only_read_is_not_changed() {
    // Pages of 512 bytes.
    let desk = Desk::holding(&with_bucket(DOCKER_BUCKET, &[value(b"k", &[1, 0, 0, 0, 0, 0, 0, 0])]));
    for words in [&["put", "FILE", "k", "v"][..], &["delete", "FILE", "k"], &["delete", "--dry-run", "FILE", "k"]] {
        assert!(desk.refused(words, 3).contains("can only be read"));
    }
}

#[test]
fn a_damaged_file_is_not_changed() {
    let mut bytes = database(DOCKER);
    let noise = bytes.len();
    bytes[8192..noise].fill(0xa5);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("local-kv.db");
    fs::write(&file, &bytes).unwrap();
    let path = file.to_str().unwrap();
    for words in [&["put", path, "k", "v"][..], &["delete", path, "k"], &["put", "--dry-run", path, "k", "v"]] {
        let outcome = unbolt(["kv"].iter().chain(words).copied());
        assert_eq!((outcome.status, outcome.text()), (5, ""), "{words:?}: {}", outcome.err);
        assert!(fs::read(&file).unwrap() == bytes, "{words:?} changed the file");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_index_that_cannot_be_printed_is_status_three_and_the_record_is_there() {
    let desk = Desk::docker();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbolt"));
    let output = command.args(["kv", "put", desk.path(), "k", "v"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(desk.get("k").unwrap().last_index, 27);
}

#[test]
fn the_store_of_a_file_that_nobody_closed_properly_goes_on_as_before() {
    // As every file of a dockerd that was killed.
    let live = testdata().join("docker/networks-running-20.10.24.db");
    let desk = Desk::holding(&fs::read(Path::new(&live)).unwrap());
    let before = desk.pairs();
    assert_eq!(desk.kv(&["put", "--create", "FILE", "k", "v"]).status, 0);
    assert_eq!(desk.kv(&["delete", "FILE", "k"]).status, 0);
    assert_eq!(desk.pairs(), before);
}
