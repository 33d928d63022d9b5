//! A real dockerd at work: its database is read again and again, and it never notices.
#![cfg(target_os = "linux")]

mod dockerd;
mod go;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dockerd::{Host, complaints, database, log};
use unbolt::format::TxId;
use unbolt::tree::verify;
use unbolt::{DEFAULT_ATTEMPTS, Error, Snapshot, lock_holders};

/// Reads by the library, and as many by the command line.
const READS: usize = 100;
/// Networks made and removed meanwhile.
const NETWORKS: usize = 30;
/// A bound, not an expectation.
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
fn a_running_dockerd_is_read_while_it_makes_and_removes_networks_and_is_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(host) = Host::started(folder.path()) else { return };
    let database = database(folder.path());

    let (made, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (counted, stop) = (Arc::clone(&made), Arc::clone(&enough));
    // Ends with the daemon, however this test ends.
    let work = std::thread::spawn(move || make_and_remove_networks(host, &counted, &stop));
    let (mut states, mut reads, start) = (Vec::new(), 0, Instant::now());
    let (mut rejected, mut listed) = (0, 0);
    while reads < READS || states.len() <= NETWORKS || made.load(Ordering::Relaxed) < NETWORKS {
        let ((state, no_record), thrown_away) = Snapshot::read(&database, DEFAULT_ATTEMPTS, verified_state).unwrap();
        assert_eq!(no_record, None, "in transaction {state}");
        reads += 1;
        if states.last() != Some(&state) {
            states.push(state);
        }
        rejected += thrown_away;
        listed += usize::from(list(&database) > 0);
        // This daemon takes the lock for each transaction and gives it back.
        let holders = lock_holders(&database);
        assert!(holders.iter().all(|holder| holder.command.as_deref() != Some("unbolt")), "{holders:?}");
        assert!(!work.is_finished() && start.elapsed() < PATIENCE, "{}", log(folder.path()));
    }
    enough.store(true, Ordering::Relaxed);
    let log = work.join().unwrap().stop();
    assert_eq!(complaints(&log), Vec::<&str>::new());
    eprintln!(
        "{} networks made in {:.1?}: {reads} reads of {} states, {rejected} attempts rejected; {listed} lists",
        made.load(Ordering::Relaxed),
        start.elapsed(),
        states.len(),
    );
    assert!(states.is_sorted(), "transactions went back: {states:?}");
    assert_eq!(listed, reads);
    assert_eq!(Snapshot::read(&database, 1, verified_state).unwrap().0.1, None);
}

/// Keeps the daemon at work until that is enough, three networks at a time.
fn make_and_remove_networks(mut host: Host, made: &AtomicUsize, enough: &AtomicBool) -> Host {
    while !enough.load(Ordering::Relaxed) {
        let number = made.load(Ordering::Relaxed);
        host.run(&format!("docker network create --label number={number} network-{number}"));
        if number >= 3 {
            host.run(&format!("docker network rm network-{}", number - 3));
        }
        made.fetch_add(1, Ordering::Relaxed);
    }
    host
}

/// The state's transaction, after its trees were verified, and the first of libnetwork's values that is none. Only
/// once the attempt is accepted does that mean anything.
fn verified_state(snapshot: &Snapshot) -> Result<(TxId, Option<String>), Error> {
    verify(snapshot.pages())?;
    let bucket = snapshot.root()?.descend(&["libnetwork"])?;
    for pair in bucket.iter() {
        let (key, entry) = pair?;
        if !entry.value().is_some_and(|value| is_record(&value)) {
            return Ok((snapshot.meta().txid, Some(key.escape_ascii().to_string())));
        }
    }
    Ok((snapshot.meta().txid, None))
}

/// An index, and JSON; directories are keys without the latter.
fn is_record(value: &[u8]) -> bool {
    value.get(8..).is_some_and(|json| json.is_empty() || serde_json::from_slice::<serde_json::Value>(json).is_ok())
}

/// How many lines the command line lists.
fn list(database: &Path) -> usize {
    let output = Command::new(env!("CARGO_BIN_EXE_unbolt")).args(["kv", "list"]).arg(database).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout.split(|byte| *byte == b'\n').count() - 1
}

#[test]
fn a_daemons_complaint_about_its_store_is_found_in_its_log() {
    let log = "level=info msg=\"failed nothing\"\n\
               level=warning msg=\"Your kernel does not support cgroup blkio weight\"\n\
               level=error msg=\"getEndpointsFromStore for nid 4 failed while trying to build sandbox: timeout\"\n";
    assert_eq!(complaints(log).len(), 1);
}
