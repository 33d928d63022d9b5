//! Promise: the commands that bbolt has end with the documented statuses, say data on standard output and words on
//! standard error, and keep their extensions' output, whatever the file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use unbolt::cli::{Context, Status, run};
use unbolt::format::{
    BranchElement, Endian, Layout, LeafElement, Meta, PageId, PageSize, TxId, encode_branch, encode_bucket, encode_inline,
    encode_leaf, encode_meta,
};
use unbolt::tree::reach;
use unbolt::{DEFAULT_ATTEMPTS, Result, Snapshot, TxSelector};

const CHURN: &str = "testdata/bbolt/churn-small.db";
const DOCKER: &str = "testdata/docker/live-25.0.13.db";
const CONTAINERD: &str = "testdata/containerd/dockerd-meta-running-1.6.20.db";

/// Every reading command on a file, with arguments that make sense for the bucket `churn`.
const COMMANDS: [&[&str]; 18] = [
    &["info", "FILE"],
    &["info", "--verbose", "FILE"],
    &["info", "--format", "json", "FILE"],
    &["check", "FILE"],
    &["check", "--format", "json", "FILE"],
    &["buckets", "FILE"],
    &["buckets", "--recursive", "FILE"],
    &["keys", "FILE", "churn"],
    &["keys", "--reverse", "--format", "json", "FILE", "churn"],
    &["get", "FILE", "churn", "key-0001"],
    &["pages", "FILE"],
    &["pages", "--map", "FILE"],
    &["page", "--all", "FILE"],
    &["page", "--all", "--format-value", "json", "FILE"],
    &["page-item", "FILE", "3", "0"],
    &["stats", "FILE"],
    &["inspect", "FILE"],
    &["search", "FILE", "0"],
];

fn unbolt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unbolt")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The command with `FILE` replaced.
fn on<'a>(file: &'a str, command: &[&'a str]) -> Vec<&'a str> {
    command.iter().map(|word| if *word == "FILE" { file } else { *word }).collect()
}

fn status(output: &Output) -> i32 {
    output.status.code().expect("no signal")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json_lines(output: &Output) -> Vec<Value> {
    out(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs a command in this process, with files opened by `open`.
fn in_process(open: &dyn Fn(&Path) -> Result<Snapshot>, arguments: &[&str]) -> (Status, Vec<u8>, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut context = Context {
        open,
        open_to_write: &|path, options| options.open(path),
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        color: false,
        progress: false,
    };
    let line = std::iter::once("unbolt").chain(arguments.iter().copied()).map(Into::into);
    let status = run(line, &mut context);
    (status, out, String::from_utf8(err).unwrap())
}

/// Runs a command in this process on a file held in memory.
fn on_bytes(bytes: &[u8], command: &[&str]) -> (Status, Vec<u8>, String) {
    in_process(&|_| Snapshot::from_bytes(bytes), &on("memory.db", command))
}

struct Scratch {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Scratch {
    fn holding(bytes: &[u8]) -> Scratch {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(&path, bytes).unwrap();
        Scratch { _folder: folder, path }
    }

    fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

const SMALL: Layout = Layout { page_size: PageSize::new(512).unwrap(), endian: Endian::Little };

/// A file of these runs from page 2 on, the root bucket's tree first, without a freelist.
fn file_of(runs: &[Vec<u8>]) -> Vec<u8> {
    let data = runs.concat();
    let high_water = PageId(2 + data.len() as u64 / 512);
    let meta = |txid| Meta {
        endian: Endian::Little,
        page_size: 512,
        flags: 0,
        root: PageId(2),
        root_sequence: 0,
        freelist: None,
        high_water,
        txid: TxId(txid),
    };
    [encode_meta(PageId(0), &meta(2), SMALL), encode_meta(PageId(1), &meta(1), SMALL), data].concat()
}

fn leaf(page: u64, elements: &[(&[u8], &[u8], bool)]) -> Vec<u8> {
    encode_leaf(PageId(page), &elements_of(elements), SMALL).unwrap()
}

fn elements_of<'a>(elements: &[(&'a [u8], &'a [u8], bool)]) -> Vec<LeafElement<&'a [u8]>> {
    elements.iter().map(|&(key, value, bucket)| LeafElement { flags: u32::from(bucket), key, value }).collect()
}

#[test]
fn data_go_to_standard_output_and_words_to_standard_error() {
    let listed = unbolt(&["buckets", "testdata/bbolt/root-pairs.db"]);
    assert_eq!(status(&listed), 0);
    assert!(out(&listed).lines().all(|line| !line.contains("unbolt")));
    assert_eq!(
        err(&listed),
        "unbolt: testdata/bbolt/root-pairs.db: 10 of the top-level entries hold values and are not buckets; listed too\n"
    );
    for command in COMMANDS {
        let output = unbolt(&on(DOCKER, command));
        assert!(output.stdout.is_empty() || output.stderr.is_empty(), "{command:?}: {}", err(&output));
    }
}

#[test]
fn what_is_not_there_is_a_no() {
    let key = unbolt(&["get", CONTAINERD, "v1", "moby", "absent"]);
    assert_eq!((status(&key), out(&key).as_str()), (1, ""));
    assert_eq!(err(&key), format!("unbolt: {CONTAINERD}: key not found: \"absent\" (hex 616273656e74)\n"));

    let bucket = unbolt(&["keys", CONTAINERD, "v1", "absent", "further"]);
    assert_eq!(status(&bucket), 1);
    assert_eq!(
        err(&bucket),
        format!(
            "unbolt: {CONTAINERD}: bucket not found: v1/absent\nhint: `unbolt buckets --recursive {CONTAINERD}` lists all buckets\n"
        )
    );

    let a_bucket = unbolt(&["get", CONTAINERD, "v1", "moby"]);
    assert_eq!(status(&a_bucket), 1);
    assert!(err(&a_bucket).contains("\"moby\" is a bucket, not a value\nhint: "), "{}", err(&a_bucket));

    for (arguments, words) in [
        (["page-item", CHURN, "3", "500"], "page 3: has no item 500, only 8"),
        (["page-item", CHURN, "0", "0"], "page 0: has no item 0, only 0"),
        (["dump", CHURN, "5", "900"], "page 900: the file ends before it"),
    ] {
        let output = unbolt(&arguments);
        assert_eq!(status(&output), 1);
        assert_eq!(err(&output), format!("unbolt: {CHURN}: {words}\n"));
    }
}

#[test]
fn wrong_usage_is_status_two_before_any_file_is_looked_at() {
    for arguments in [
        &["info"][..],
        &["nonsense"],
        &["page", "/nowhere"],
        &["page", "--all", "/nowhere", "1"],
        &["page-item", "--key-only", "--value-only", "/nowhere", "3", "0"],
        &["get", "/nowhere", "bucket", ""],
        &["get", "--parse-format", "hex", "/nowhere", "bucket", "xyz"],
        &["keys", "--prefix", "a", "--from", "b", "/nowhere", "bucket"],
        &["keys", "--parse-format", "hex", "--from", "0", "/nowhere", "bucket"],
        &["pages", "--map", "--format", "json", "/nowhere"],
        &["pages", "--color", "always", "/nowhere"],
        &["check", "--txid", "last", "/nowhere"],
        &["dump", "/nowhere", ""],
    ] {
        let output = unbolt(arguments);
        assert_eq!(status(&output), 2, "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_status_three() {
    let missing = unbolt(&["info", "/nowhere/at.db"]);
    assert_eq!(status(&missing), 3);
    assert_eq!(err(&missing), "unbolt: /nowhere/at.db: cannot open: No such file or directory (os error 2)\n");

    let directory = unbolt(&["buckets", "testdata"]);
    assert_eq!(status(&directory), 3);
    assert_eq!(
        err(&directory),
        "unbolt: testdata: not a regular file\nhint: `unbolt find testdata` lists the Bolt files in it\n"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_behind_standard_output_is_status_three_for_every_command() {
    for command in COMMANDS.iter().filter(|command| command[0] != "get") {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_unbolt"));
        let output = child.args(on(CHURN, command)).stdout(full).stderr(Stdio::piped()).output().unwrap();
        // A sound file without notes leaves `check --format json` nothing to write.
        let expected = if *command == ["check", "--format", "json", "FILE"] { 0 } else { 3 };
        assert_eq!(status(&output), expected, "{command:?}: {}", err(&output));
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for command in COMMANDS.iter().filter(|command| command[0] != "get") {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = Command::new(env!("CARGO_BIN_EXE_unbolt"));
        let output = child.args(on(CHURN, command)).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((status(&output), err(&output)), (0, String::new()), "{command:?}");
    }
}

#[test]
fn a_damaged_file_is_status_five_and_what_could_be_read_is_shown() {
    let mut bytes = fs::read(CHURN).unwrap();
    // The last leaf of the bucket loses its type.
    let leaf = 5 * 1024;
    bytes[leaf + 8] = 0;
    let file = Scratch::holding(&bytes);
    for command in [&["keys", "FILE", "churn"][..], &["inspect", "FILE"], &["buckets", "--recursive", "FILE"]] {
        let output = unbolt(&on(file.name(), command));
        assert_eq!(status(&output), 5, "{command:?}");
        assert!(!output.stdout.is_empty(), "{command:?}");
        let expected = format!(
            "unbolt: {0}: page 5: flags 0x0000 name no page type (offset 5128)\nhint: `unbolt check {0}` lists all that is wrong\n",
            file.name()
        );
        assert_eq!(err(&output), expected, "{command:?}");
    }

    let output = unbolt(&["check", file.name()]);
    assert_eq!(status(&output), 1);
    assert_eq!(
        out(&output),
        "page 5: flags 0x0000 name no page type (offset 5128) in bucket churn\n1 errors found\n",
        "{}",
        err(&output)
    );
    assert_eq!(err(&output), "");

    let listed = unbolt(&["pages", file.name()]);
    assert_eq!(status(&listed), 0);
    assert!(out(&listed).contains("5        unknown<00>"), "{}", out(&listed));
}

#[test]
fn a_file_that_is_no_database_or_cut_short_is_status_five() {
    let text = unbolt(&["info", "Cargo.toml"]);
    assert_eq!(status(&text), 5);
    assert!(err(&text).starts_with("unbolt: Cargo.toml: no valid meta page (page 0: magic "), "{}", err(&text));

    let bytes = fs::read(CHURN).unwrap();
    let short = Scratch::holding(&bytes[..30 * 1024]);
    for command in [&["pages", "FILE"][..], &["pages", "--map", "FILE"], &["page", "--all", "FILE"]] {
        let output = unbolt(&on(short.name(), command));
        assert_eq!(status(&output), 5, "{command:?}");
        assert!(err(&output).contains("the file ends after 30 of "), "{}", err(&output));
        assert!(!output.stdout.is_empty());
    }
    let empty = Scratch::holding(b"");
    assert_eq!(status(&unbolt(&["check", empty.name()])), 5);
}

#[test]
fn a_page_is_shown_where_meta_page_zero_is_torn() {
    let mut bytes = fs::read(CHURN).unwrap();
    bytes[16..80].fill(0xff);
    let file = Scratch::holding(&bytes);
    for command in [&["page", "FILE", "3"][..], &["dump", "FILE", "3"], &["page-item", "FILE", "3", "0"]] {
        let (torn, whole) = (unbolt(&on(file.name(), command)), unbolt(&on(CHURN, command)));
        assert_eq!(status(&torn), 0, "{command:?}: {}", err(&torn));
        assert_eq!(out(&torn), out(&whole), "{command:?}");
        let note = format!(
            "unbolt: {}: the meta on page 0 is refused (magic 0xffffffff is not 0xed0cdaed): \
             transaction 61 is read, which may not be the newest\n",
            file.name()
        );
        assert_eq!((err(&torn), err(&whole)), (note, String::new()), "{command:?}");
    }
    for shows_it in [&["info", "FILE"][..], &["check", "FILE"]] {
        assert_eq!(err(&unbolt(&on(file.name(), shows_it))), "", "{shows_it:?}");
    }
    let part = unbolt(&["check", "--from-page", "3", file.name()]);
    assert!(err(&part).contains("the meta on page 0 is refused"), "{}", err(&part));
    let previous = unbolt(&["buckets", "--txid", "previous", file.name()]);
    assert!(status(&previous) == 1 && err(&previous).contains("the meta on page 0 is refused"), "{}", err(&previous));
    let info = unbolt(&["info", "--verbose", file.name()]);
    assert!(out(&info).contains("Meta 0: refused: magic 0xffffffff is not 0xed0cdaed\n"), "{}", out(&info));
}

#[test]
fn pages_that_bbolts_way_does_not_show_are_named() {
    let mut bytes = fs::read(CHURN).unwrap();
    let snapshot = Snapshot::from_bytes(bytes.clone()).unwrap();
    let current = *snapshot.meta();
    let older = Meta { txid: TxId(current.txid.0 - 1), high_water: PageId(current.high_water.0 - 5), ..current };
    let layout = snapshot.layout();
    bytes[..1024].copy_from_slice(&encode_meta(PageId(0), &older, layout));
    bytes[1024..2048].copy_from_slice(&encode_meta(PageId(1), &current, layout));
    let file = Scratch::holding(&bytes);

    let output = unbolt(&["page", "--all", file.name()]);
    let (missed, end) = (older.high_water.0, current.high_water.0);
    assert_eq!(status(&output), 0);
    assert!(err(&output).contains(&format!("pages {missed} to {} are not shown", end - 1)), "{}", err(&output));
    let ids = |output: &Output| {
        out(output).lines().filter(|line| line.starts_with("Page ID: ") || line.starts_with("Prining")).count()
    };
    let asked = unbolt(&["page", "--all", "--txid", &current.txid.to_string(), file.name()]);
    assert_eq!(ids(&asked), ids(&output) + 5);
    assert_eq!(err(&asked), "");
}

#[test]
fn an_older_state_is_called_not_provable_and_one_that_is_gone_is_a_no() {
    let output = unbolt(&["buckets", "--txid", "previous", CHURN]);
    assert_eq!((status(&output), out(&output).as_str()), (0, "churn\n"));
    assert!(err(&output).contains("the state of transaction 60 is not provable"), "{}", err(&output));

    let current = unbolt(&["buckets", "--txid", "61", CHURN]);
    assert_eq!((status(&current), err(&current)), (0, String::new()));

    let gone = unbolt(&["buckets", "--txid", "7", CHURN]);
    assert_eq!(status(&gone), 1);
    assert_eq!(err(&gone), format!("unbolt: {CHURN}: transaction 7 is in neither meta page (available: 61 60)\n"));
}

#[test]
fn an_older_state_whose_pages_were_written_again_is_status_five() {
    let mut bytes = fs::read(CHURN).unwrap();
    let snapshot = Snapshot::from_bytes(bytes.clone()).unwrap();
    let older = snapshot.metas().previous().unwrap();
    let page = PageId(older.txid.0 % 2);
    // As if the page of the older root had been taken for the freelist since.
    let elsewhere = Meta { root: snapshot.meta().freelist.unwrap(), ..older };
    let at = page.0 as usize * 1024;
    bytes[at..at + 1024].copy_from_slice(&encode_meta(page, &elsewhere, snapshot.layout()));
    let (status, out, err) = on_bytes(&bytes, &["buckets", "--txid", "previous", "FILE"]);
    assert_eq!((status, out.as_slice()), (Status::Corrupt, &b""[..]));
    assert!(err.starts_with("unbolt: memory.db: the state of transaction 60 can no longer be read: page "), "{err}");
    assert!(!err.contains("hint"), "the file is sound: {err}");
    assert_eq!(on_bytes(&bytes, &["buckets", "FILE"]).0, Status::Done);
}

/// Runs a command on a file that somebody writes to once, right after it was first opened.
fn overtaken_once(before: &[u8], after: &[u8], command: &[&str]) -> (Status, Vec<u8>, String) {
    let file = Scratch::holding(before);
    let opened = std::cell::Cell::new(false);
    let open = |path: &Path| {
        let snapshot = Snapshot::open(path);
        if !opened.replace(true) {
            fs::write(path, after).unwrap();
        }
        snapshot
    };
    in_process(&open, &on(file.name(), command))
}

/// CHURN, and what it is after a commit that changed nothing but its meta.
fn churn_and_one_commit_more() -> (Vec<u8>, Vec<u8>) {
    let bytes = fs::read(CHURN).unwrap();
    let snapshot = Snapshot::from_bytes(bytes.clone()).unwrap();
    let newer = Meta { txid: TxId(snapshot.meta().txid.0 + 1), ..*snapshot.meta() };
    let at = (newer.txid.0 % 2) as usize;
    let mut after = bytes.clone();
    after[at * 1024..][..1024].copy_from_slice(&encode_meta(PageId(at as u64), &newer, snapshot.layout()));
    (bytes, after)
}

#[test]
fn a_state_that_was_not_there_before_a_commit_came_in_between_is_looked_for_again() {
    let (before, after) = churn_and_one_commit_more();
    let (status, out, err) = overtaken_once(&before, &after, &["buckets", "--txid", "62", "FILE"]);
    assert_eq!((status, out.as_slice(), err.as_str()), (Status::Done, &b"churn\n"[..], ""));
    let (status, _, err) = overtaken_once(&before, &after, &["buckets", "--txid", "60", "FILE"]);
    assert_eq!(status, Status::No);
    assert!(err.ends_with("(available: 62 61)\n"), "{err}");
}

#[test]
fn an_older_state_that_was_written_again_by_a_commit_in_between_is_looked_for_again() {
    let (before, after) = churn_and_one_commit_more();
    // The commit takes a page of the older state, which it may: all but the newest one's are its to take.
    let snapshot = Snapshot::from_bytes(before.clone()).unwrap();
    let older = Snapshot::from_bytes(before.clone()).unwrap().at(TxSelector::Previous).unwrap();
    let (now, then) = (reach(snapshot.pages()).unwrap().pages, reach(older.pages()).unwrap().pages);
    let taken = (2..older.meta().high_water.0).find(|id| then.contains(PageId(*id)) && !now.contains(PageId(*id))).unwrap();
    let mut after = after;
    after[taken as usize * 1024..][..1024].fill(0xa5);
    let (status, out, err) = overtaken_once(&before, &after, &["buckets", "--txid", "previous", "FILE"]);
    assert_eq!((status, out.as_slice(), err.as_str()), (Status::Done, &b"churn\n"[..], ""));
}

#[test]
fn what_json_shows_of_an_older_state_is_marked_as_not_provable() {
    let [object] = &json_lines(&unbolt(&["info", "--format", "json", CHURN]))[..] else { panic!("one object") };
    let metas = object["metas"].as_array().unwrap();
    for meta in metas {
        assert_eq!((&meta["valid"], &meta["provable"]), (&Value::from(true), &meta["current"]), "{meta}");
    }
    assert_eq!(metas.iter().filter(|meta| meta["provable"] == false).count(), 1);

    for (txid, provable) in [("60", Some(false)), ("61", None)] {
        let mut bytes = fs::read(CHURN).unwrap();
        let snapshot = Snapshot::from_bytes(bytes.clone()).unwrap();
        // Nothing of a list of free pages is needed to read either state, and each finds fault with its own.
        for meta in [snapshot.metas().current().unwrap(), snapshot.metas().previous().unwrap()] {
            bytes[meta.freelist.unwrap().0 as usize * 1024 + 8] ^= 0xff;
        }
        let (status, out, _) = on_bytes(&bytes, &["check", "--format", "json", "--txid", txid, "FILE"]);
        let findings: Vec<Value> =
            String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(status == Status::No && !findings.is_empty(), "{txid}");
        for finding in findings {
            assert_eq!(finding.get("provable").and_then(Value::as_bool), provable, "{finding}");
        }
    }
}

#[test]
fn info_tells_both_metas_and_the_freelist() {
    let output = unbolt(&["info", "--verbose", DOCKER]);
    assert_eq!(
        out(&output),
        "Page Size: 4096\n\
         File Size: 131072 (32 pages)\n\
         Byte Order: little-endian\n\
         Meta 0: transaction 64, root 16, freelist 18, high-water mark 20, current\n\
         Meta 1: transaction 63, root 17, freelist 19, high-water mark 20\n\
         Freelist: 4 free pages, listed on page 18\n\
         Lock: no holder known\n"
    );
    let [object] = &json_lines(&unbolt(&["info", "--format", "json", "testdata/bbolt/no-freelist.db"]))[..] else {
        panic!("one object")
    };
    assert_eq!((&object["schema"], &object["freelist"]), (&Value::from(1), &Value::Null));
    assert_eq!(object["metas"][0]["txid"], 6);
}

#[test]
fn the_holder_of_a_lock_is_named_and_nothing_waits_for_it() {
    let file = Scratch::holding(&fs::read(CHURN).unwrap());
    let free: Vec<Output> = COMMANDS.iter().map(|command| unbolt(&on(file.name(), command))).collect();
    let held = File::open(&file.path).unwrap();
    fs2::FileExt::lock_exclusive(&held).unwrap();
    for (command, free) in COMMANDS.iter().zip(free) {
        let locked = unbolt(&on(file.name(), command));
        assert_eq!(status(&locked), status(&free), "{command:?}");
        if command[0] != "info" {
            assert_eq!(locked.stdout, free.stdout, "{command:?}");
        }
    }
    if cfg!(target_os = "linux") {
        let info = out(&unbolt(&["info", "--verbose", file.name()]));
        assert!(info.contains(&format!("(pid {}), exclusive\n", std::process::id())), "{info}");
    }
}

#[test]
fn a_file_that_changes_under_every_attempt_is_status_four() {
    let bytes = fs::read(CHURN).unwrap();
    let mut newer = bytes.clone();
    let snapshot = Snapshot::from_bytes(bytes.clone()).unwrap();
    let meta = Meta { txid: TxId(snapshot.meta().txid.0 + 1), ..*snapshot.meta() };
    newer[..1024].copy_from_slice(&encode_meta(PageId(0), &meta, snapshot.layout()));
    let file = Scratch::holding(&bytes);
    let opened = std::cell::Cell::new(0);
    let open = |path: &Path| {
        let snapshot = Snapshot::open(path);
        opened.set(opened.get() + 1);
        fs::write(path, if opened.get() % 2 == 1 { &newer } else { &bytes }).unwrap();
        snapshot
    };
    let (status, out, err) = in_process(&open, &["buckets", file.name()]);
    assert_eq!((status, out.as_slice()), (Status::Locked, &b""[..]));
    assert!(err.contains(&format!("during every one of {DEFAULT_ATTEMPTS} attempts")), "{err}");
    assert!(err.contains("\nhint: "), "{err}");
}

#[test]
fn reading_leaves_bytes_and_modification_time_alone() {
    let bytes = fs::read(CHURN).unwrap();
    let file = Scratch::holding(&bytes);
    let before = fs::metadata(&file.path).unwrap().modified().unwrap();
    for command in COMMANDS {
        unbolt(&on(file.name(), command));
    }
    assert_eq!(fs::read(&file.path).unwrap(), bytes);
    assert_eq!(fs::metadata(&file.path).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read_dir(file.path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn keys_can_be_cut_to_a_range_from_either_end() {
    let keys = |options: &[&str]| {
        let arguments: Vec<&str> = ["keys"].into_iter().chain(options.iter().copied()).chain([CHURN, "churn"]).collect();
        let output = unbolt(&arguments);
        assert_eq!(status(&output), 0, "{}", err(&output));
        out(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = keys(&[]);
    assert!(all.len() > 20 && all.is_sorted());
    let (from, to) = (all[5].as_str(), all[9].as_str());
    assert_eq!(keys(&["--from", from, "--to", to]), all[5..9]);
    assert_eq!(keys(&["--from", from, "--limit", "3"]), all[5..8]);
    assert_eq!(keys(&["--to", to, "--reverse", "--limit", "2"]), [all[8].clone(), all[7].clone()]);
    assert_eq!(keys(&["--prefix", from]), all.iter().filter(|key| key.starts_with(from)).cloned().collect::<Vec<_>>());
    assert_eq!(keys(&["--limit", "0"]), [""; 0]);
    let reversed: Vec<String> = all.iter().rev().cloned().collect();
    assert_eq!(keys(&["--reverse"]), reversed);
    let hex: String = from.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(keys(&["--from", &hex, "--to", &hex, "--parse-format", "hex"]), [""; 0]);
}

#[test]
fn nested_buckets_are_listed_as_paths() {
    let text = out(&unbolt(&["buckets", "-r", CONTAINERD]));
    let objects = json_lines(&unbolt(&["buckets", "-r", "--format", "json", CONTAINERD]));
    assert_eq!(text.lines().count(), objects.len());
    for (line, object) in text.lines().zip(&objects) {
        let path: Vec<&str> = object["bucket"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(line, path.join("/"));
        assert_eq!(object["inline"], object["root"].is_null());
    }
    assert!(text.contains("v1/moby/containers/"), "{text}");
    let top = json_lines(&unbolt(&["buckets", "--format", "json", CONTAINERD]));
    assert_eq!(top[0]["bucket"], serde_json::json!(["v1"]));
}

#[test]
fn the_map_shows_every_page_once_and_the_same_in_colour() {
    let plain = unbolt(&["pages", "--map", CHURN]);
    let picture = out(&plain);
    let rows = picture.lines().take_while(|line| !line.is_empty());
    let tiles: usize = rows.map(|row| row.trim_start().split_once("  ").unwrap().1.len()).sum();
    assert_eq!(tiles as u64, fs::metadata(CHURN).unwrap().len() / 1024);
    let coloured = out(&unbolt(&["pages", "--map", "--color", "always", CHURN]));
    assert!(!picture.contains('\x1b') && coloured.contains("\x1b[35mMM"));
}

#[test]
fn pages_and_their_contents_come_as_json_too() {
    let table = out(&unbolt(&["pages", DOCKER]));
    let objects = json_lines(&unbolt(&["pages", "--format", "json", DOCKER]));
    assert_eq!(table.lines().count() - 2, objects.len());
    assert_eq!(objects[6], serde_json::json!({ "page": 6, "type": "leaf", "items": 2, "overflow": 0 }));

    let pages = json_lines(&unbolt(&["page", "--format-value", "json", DOCKER, "0", "14", "3", "18", "90"]));
    assert_eq!(pages[0]["meta"]["txid"], 64);
    assert_eq!(pages[1]["items"].as_array().unwrap().len(), 10);
    assert!(pages[2]["items"][0]["value"].as_str().unwrap().contains("\"name\":\"ipv\""));
    assert_eq!(pages[3]["free"].as_array().unwrap().len(), 4);
    assert_eq!(pages[4], serde_json::json!({ "page": 90, "error": "EOF" }));
}

#[test]
fn findings_come_as_json_with_code_path_and_offset() {
    let mut bytes = fs::read(CHURN).unwrap();
    bytes[5 * 1024] = 99;
    let (status, out, err) = on_bytes(&bytes, &["check", "--format", "json", "FILE"]);
    assert_eq!((status, err.as_str()), (Status::No, ""));
    let finding: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(finding["code"], "page-id");
    assert_eq!((&finding["severity"], &finding["page"]), (&Value::from("error"), &Value::from(5)));
    assert_eq!(finding["offset"], 5120);
    assert_eq!(finding["path"].as_array().unwrap().last(), Some(&Value::from(5)));
    assert_eq!(finding["bucket"], serde_json::json!(["churn"]));
}

#[test]
fn a_search_finds_keys_values_and_names_and_says_where() {
    let by_text = json_lines(&unbolt(&["search", "--format", "json", DOCKER, "10.89.0.1"]));
    assert_eq!(by_text[0]["bucket"], serde_json::json!(["libnetwork"]));
    assert_eq!(by_text[0]["match"], "value");
    assert!(by_text[0]["excerpt"].as_str().unwrap().contains("10.89.0.1"), "{by_text:?}");
    for found in &by_text {
        let key = found["key"].as_str().unwrap();
        let value = unbolt(&["get", "--format", "bytes", DOCKER, "libnetwork", key]).stdout;
        let at = found["offset"].as_u64().unwrap() as usize;
        assert_eq!(&value[at..at + 9], b"10.89.0.1");
        assert_eq!(found["value_size"], value.len() - 1);
    }

    let by_pattern = unbolt(&["search", "-e", "--keys-only", DOCKER, "^docker/network/v1.0/network/8[24]"]);
    assert_eq!(out(&by_pattern).lines().count(), 2);
    assert!(out(&by_pattern).starts_with("libnetwork\tdocker/network/v1.0/network/8"));
    assert_eq!(out(&unbolt(&["search", "--limit", "3", DOCKER, "docker"])).lines().count(), 3);
    assert_eq!(status(&unbolt(&["search", "--ignore-case", CONTAINERD, "MOBY"])), 0);

    let bucket = json_lines(&unbolt(&["search", "--format", "json", CONTAINERD, "moby"]));
    assert_eq!(bucket[0], serde_json::json!({ "bucket": ["v1"], "key": "moby", "match": "bucket" }));

    let nothing = unbolt(&["search", CONTAINERD, "MOBY"]);
    assert_eq!((status(&nothing), out(&nothing), err(&nothing)), (1, String::new(), String::new()));
    let by_hex = unbolt(&["search", "--parse-format", "hex", CHURN, "636875726e"]);
    assert_eq!(out(&by_hex), "\tchurn\n");
    assert_eq!(status(&unbolt(&["search", "--parse-format", "hex", CHURN, "ffff"])), 1);
    assert_eq!(status(&unbolt(&["search", "-e", CHURN, "("])), 2);
}

#[test]
fn thousands_of_nested_buckets_are_gone_through() {
    let mut page = encode_inline(&[], Endian::Little).unwrap();
    for _ in 0..3000 {
        let value = [&encode_bucket(PageId(0), 0, Endian::Little)[..], &page].concat();
        page = encode_inline(&elements_of(&[(b"n", &value, true)]), Endian::Little).unwrap();
    }
    let value = [&encode_bucket(PageId(0), 0, Endian::Little)[..], &page].concat();
    let bytes = file_of(&[leaf(2, &[(b"n", &value, true)])]);
    let (status, out, err) = on_bytes(&bytes, &["buckets", "--recursive", "FILE"]);
    assert_eq!((status, err.as_str()), (Status::Done, ""));
    assert_eq!(out.split(|byte| *byte == b'\n').count() - 1, 3001);
    let (status, out, _) = on_bytes(&bytes, &["inspect", "FILE"]);
    assert_eq!(status, Status::Done);
    assert!(out.ends_with(b"    ]\n}\n"));
    assert_eq!(on_bytes(&bytes, &["stats", "FILE"]).0, Status::Done);
}

#[test]
fn a_bucket_that_holds_itself_ends() {
    let inside = encode_bucket(PageId(3), 0, Endian::Little);
    let bytes = file_of(&[leaf(2, &[(b"a", &inside, true)]), leaf(3, &[(b"b", &inside, true), (b"k", b"v", false)])]);
    for command in COMMANDS {
        let command: Vec<&str> = command.iter().map(|word| if *word == "churn" { "a" } else { *word }).collect();
        let (status, _, _) = on_bytes(&bytes, &command);
        let expected = match command[0] {
            "inspect" | "stats" | "search" => Status::Corrupt,
            "buckets" if command[1] == "--recursive" => Status::Corrupt,
            // Without a freelist the free pages are what the trees do not reach.
            "pages" => Status::Corrupt,
            "check" | "get" => Status::No,
            _ => Status::Done,
        };
        assert_eq!(status, expected, "{command:?}");
    }
}

#[test]
fn branches_that_share_their_children_do_not_multiply() {
    let levels = 40;
    let mut runs = vec![leaf(2, &[(b"a", &encode_bucket(PageId(3), 0, Endian::Little), true)])];
    for page in 3..3 + levels {
        let child = PageId(page + 1);
        let twice = [BranchElement { key: &b"a"[..], child }, BranchElement { key: &b"b"[..], child }];
        runs.push(encode_branch(PageId(page), &twice, SMALL).unwrap());
    }
    runs.push(leaf(3 + levels, &[(b"a", b"v", false)]));
    let bytes = file_of(&runs);
    for command in COMMANDS {
        let command: Vec<&str> = command.iter().map(|word| if *word == "churn" { "a" } else { *word }).collect();
        let (status, _, err) = on_bytes(&bytes, &command);
        let ends = [Status::Done, Status::No, Status::Corrupt];
        assert!(ends.contains(&status), "{command:?}: {status:?} {err}");
    }
    assert_eq!(on_bytes(&bytes, &["inspect", "FILE"]).0, Status::Corrupt);
}

#[test]
fn every_command_ends_with_a_documented_status_on_damaged_headers() {
    let sound = fs::read("testdata/bbolt/page-512.db").unwrap();
    let mut runs = 0;
    for page in (0..sound.len() / 512).step_by(2) {
        for (byte, value) in (0..48).step_by(7).flat_map(|byte| [(byte, 0), (byte, 1), (byte, 0x7f), (byte, 0xff)]) {
            let mut bytes = sound.clone();
            bytes[page * 512 + byte] = value;
            for command in COMMANDS {
                let (status, _, err) = on_bytes(&bytes, command);
                let ends = [Status::Done, Status::No, Status::Corrupt];
                assert!(ends.contains(&status), "page {page} byte {byte} {command:?}: {status:?} {err}");
                runs += 1;
            }
        }
    }
    assert!(runs > 3_000, "{runs}");
}
