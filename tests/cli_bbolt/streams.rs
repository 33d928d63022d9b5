//! Data on standard output, words on standard error, and the statuses.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::running::{CHURN, COMMANDS, CONTAINERD, DOCKER, err, on, out, status, unbolt};

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
        &["pages", "--color", "sometimes", "/nowhere"],
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
