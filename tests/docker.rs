//! A real dockerd at work: its database is read again and again, and it never notices.
#![cfg(target_os = "linux")]

mod dockerd;
mod go;

use std::io::BufRead;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dockerd::{complaints, missing};
use go::Beside;
use unbolt::format::TxId;
use unbolt::tree::verify;
use unbolt::{DEFAULT_ATTEMPTS, Error, Snapshot, lock_holders};

/// Reads by the library, and as many by the command line.
const READS: usize = 100;
/// Networks made and removed meanwhile.
const NETWORKS: usize = 30;
/// A bound, not an expectation.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs a dockerd with everything it writes in namespaces of its own, its data apart in the folder given; makes and
/// removes networks until standard input ends; stops it. Fails with the first docker command that fails.
const DAEMON: &str = r#"
set -eu
folder=$1
hostname demo
for place in /run /etc/docker /var/lib/docker /var/lib/containerd; do
    mkdir -p "$place"
    mount -t tmpfs demo "$place"
done
ip link set lo up
dockerd --iptables=false --ip6tables=false --storage-driver=vfs --userland-proxy=false \
    --exec-opt native.cgroupdriver=cgroupfs --data-root "$folder/root" >"$folder/dockerd.log" 2>&1 3<&- &
daemon=$!
until docker version >/dev/null 2>&1; do
    kill -0 "$daemon"
    sleep 0.2
done
echo ready
exec 3<&0
(cat <&3 >/dev/null; : >"$folder/stop") >/dev/null &
made=0
while [ ! -e "$folder/stop" ]; do
    docker network create --label "number=$made" "network-$made" >/dev/null
    [ "$made" -lt 3 ] || docker network rm "network-$((made - 3))" >/dev/null
    made=$((made + 1))
    echo "made $made"
done
docker network ls --quiet >/dev/null
kill -TERM "$daemon"
wait "$daemon"
echo stopped
"#;

#[test]
fn a_running_dockerd_is_read_while_it_makes_and_removes_networks_and_is_not_disturbed() {
    if let Some(missing) = missing() {
        return eprintln!("skipped: no {missing}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = start(folder.path());
    let database = folder.path().join("root/network/files/local-kv.db");

    let (made, output) = (Arc::new(AtomicUsize::new(0)), daemon.take_output());
    let counted = Arc::clone(&made);
    // Ends with the daemon, however this test ends.
    let follow = std::thread::spawn(move || {
        output.lines().map(Result::unwrap).inspect(|_| _ = counted.fetch_add(1, Ordering::Relaxed)).last()
    });
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
        assert!(!follow.is_finished() && start.elapsed() < PATIENCE, "{}", log(folder.path()));
    }
    let status = daemon.end();
    assert!(status.success(), "{status}\n{}", log(folder.path()));
    assert_eq!(follow.join().unwrap().as_deref(), Some("stopped"));

    let log = log(folder.path());
    assert_eq!(complaints(&log), Vec::<&str>::new());
    assert!(log.lines().count() > 10, "is this the daemon's log?\n{log}");
    eprintln!(
        "{} networks made in {:.1?}: {reads} reads of {} states, {rejected} attempts rejected; {listed} lists",
        made.load(Ordering::Relaxed) - 1,
        start.elapsed(),
        states.len(),
    );
    assert!(states.is_sorted(), "transactions went back: {states:?}");
    assert_eq!(listed, reads);
    assert_eq!(Snapshot::read(&database, 1, verified_state).unwrap().0.1, None);
}

fn start(folder: &Path) -> Beside {
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]);
    unshare.args(["sh", "-c", DAEMON, "daemon"]).arg(folder);
    let mut daemon = Beside::start(&mut unshare);
    match daemon.line() {
        Some(line) if line == "ready" => daemon,
        other => panic!("the daemon did not start: {other:?}\n{}", log(folder)),
    }
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

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("dockerd.log")).unwrap_or_default()
}

#[test]
fn a_daemons_complaint_about_its_store_is_found_in_its_log() {
    let log = "level=info msg=\"failed nothing\"\n\
               level=warning msg=\"Your kernel does not support cgroup blkio weight\"\n\
               level=error msg=\"getEndpointsFromStore for nid 4 failed while trying to build sandbox: timeout\"\n";
    assert_eq!(complaints(log).len(), 1);
}
