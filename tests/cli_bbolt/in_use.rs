//! Files in use: holders are named, and reading leaves no trace.

use std::fs::{self, File};
use std::path::Path;
use std::process::Output;

use crate::running::{CHURN, COMMANDS, Scratch, in_process, on, out, status, unbolt};
use unbolt::DEFAULT_ATTEMPTS;
use unbolt::Snapshot;
use unbolt::cli::Status;
use unbolt::format::{Meta, PageId, TxId, encode_meta};

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
