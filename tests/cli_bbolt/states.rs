//! Older states, and files that change while they are read.

use std::fs;
use std::path::Path;

use crate::running::{CHURN, Scratch, err, in_process, json_lines, on, on_bytes, out, status, unbolt};
use serde_json::Value;
use unbolt::cli::Status;
use unbolt::format::{Meta, PageId, TxId, encode_meta};
use unbolt::tree::reach;
use unbolt::{Snapshot, TxSelector};

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
