//! A process that is killed at any of its calls leaves the state before or after the commit it was in.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use unbolt::check::check_snapshot;
use unbolt::{Db, Directory, Disk, Error, HostDirectory, OpenOptions, Snapshot};

const COMMITS: u64 = 20;

/// The directories of the system, until so many calls that change something were made.
#[derive(Debug, Clone)]
struct Mortal {
    left: Arc<AtomicU64>,
}

impl Mortal {
    /// Counts a call; the last one is not made.
    fn call(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
            std::process::abort();
        }
    }
}

#[derive(Debug)]
struct MortalFile {
    mortal: Mortal,
    file: std::fs::File,
}

impl Disk for MortalFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Disk::read_at(&self.file, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.mortal.call();
        // In two parts, so that it can end between them.
        let part = if bytes.len() > 512 { bytes.len().div_ceil(2) } else { bytes.len() };
        Disk::write_at(&self.file, &bytes[..part], offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.mortal.call();
        Disk::set_len(&self.file, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.mortal.call();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.mortal.call();
        Ok(())
    }
}

impl Directory for Mortal {
    type File = MortalFile;

    fn vacant(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        HostDirectory.vacant(path)
    }

    fn open(&self, path: &Path) -> unbolt::Result<MortalFile> {
        HostDirectory.open(path).map(|file| MortalFile { mortal: self.clone(), file })
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<MortalFile> {
        self.call();
        HostDirectory.create_new(path, mode).map(|file| MortalFile { mortal: self.clone(), file })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call();
        HostDirectory.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call();
        HostDirectory.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call();
        HostDirectory.remove(path)
    }

    fn make(&self, directory: &Path, mode: u32) -> io::Result<()> {
        HostDirectory.make(directory, mode)
    }

    fn sync(&self, directory: &Path) -> io::Result<()> {
        self.call();
        HostDirectory.sync(directory)
    }
}

fn options() -> OpenOptions {
    let mut options = Db::options();
    options.page_size(1024).growth_step(4096);
    options
}

fn commit(db: &Db) -> unbolt::Result<u64> {
    db.update(|tx| {
        let mut bucket = tx.create_bucket_if_missing("numbers")?;
        let number = bucket.next_sequence()?;
        bucket.delete(number.saturating_sub(8).to_be_bytes())?;
        bucket.put(number.to_be_bytes(), vec![number as u8; 500])?;
        Ok(number)
    })
}

/// The process that is killed: run by the tests below. It counts its calls itself, or leaves that to whoever runs it.
#[test]
#[ignore = "runs as a process of its own"]
fn child() {
    let Ok(path) = std::env::var("KILL_CHILD") else { return };
    let db = match std::env::var("KILL_CALLS") {
        Ok(calls) => options().open_in(&Mortal { left: Arc::new(AtomicU64::new(calls.parse().unwrap())) }, path),
        Err(_) => options().open(path),
    };
    let db = db.unwrap();
    println!("\nacknowledged 0");
    for _ in 0..COMMITS {
        println!("\nacknowledged {}", commit(&db).unwrap());
    }
}

/// Runs the process, and says what it acknowledged and whether it came to its end.
fn run(path: &Path, calls: u64, who: Who) -> (Option<u64>, bool) {
    let program = std::env::current_exe().unwrap();
    let mut child = match who {
        Who::Itself => Command::new(program),
        Who::System(call) => {
            let inject = format!("inject={call}:signal=KILL:when={calls}");
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &inject, "--"]).arg(program);
            strace
        }
    };
    if let Who::Itself = who {
        child.env("KILL_CALLS", calls.to_string());
    }
    // A profile that is half written spoils the others.
    child.env("LLVM_PROFILE_FILE", "/dev/null").env("KILL_CHILD", path);
    let output = child.args(["child", "--exact", "--ignored", "--nocapture"]).stderr(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let mut numbers = said.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
    (numbers.next_back(), output.status.success())
}

/// Who ends the process.
#[derive(Debug, Clone, Copy)]
enum Who {
    /// It counts its calls, and ends instead of one or in the middle of it.
    Itself,
    /// The system, at such a call on the file as it is opened and mapped by everybody.
    System(&'static str),
}

/// The number of the last commit; nothing where there is no database yet.
fn last(path: &Path) -> Option<u64> {
    let snapshot = match std::fs::read(path).map(Snapshot::from_bytes) {
        Err(_) | Ok(Err(Error::Empty | Error::Unfinished)) => return None,
        Ok(snapshot) => snapshot.unwrap(),
    };
    let mut findings = Vec::new();
    check_snapshot(&snapshot, &mut |finding| findings.push(finding)).unwrap();
    findings.retain(|finding| !matches!(finding.corruption.kind, unbolt::CorruptionKind::MetaRefused { .. }));
    assert!(findings.is_empty(), "{findings:?}");
    // It can be written to as it is.
    let db = options().open(path).unwrap();
    let last = db.begin_read().unwrap().bucket("numbers").unwrap().map_or(0, |bucket| bucket.sequence());
    assert_eq!(commit(&db).unwrap(), last + 1);
    Some(last)
}

#[test]
fn a_process_killed_at_any_call_leaves_the_state_before_or_after() {
    let kills = kills(Who::Itself);
    assert!(kills > COMMITS * 4);
}

#[test]
fn a_process_killed_by_the_system_at_any_call_leaves_the_state_before_or_after() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        return eprintln!("skipped: no strace");
    }
    let calls = ["pwrite64", "fdatasync", "fsync", "ftruncate", "linkat", "unlink"];
    let kills: u64 = calls.map(Who::System).map(kills).iter().sum();
    assert!(kills > COMMITS * 4);
}

/// Kills the process at each call, and says at how many.
fn kills(who: Who) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicU64::new(1);
    let seen = Mutex::new((0, 0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let calls = next.fetch_add(1, Ordering::Relaxed);
                    let path = folder.path().join(format!("{calls}.db"));
                    let (acknowledged, ended) = run(&path, calls, who);
                    let found = last(&path);
                    match (acknowledged, found) {
                        (Some(number), Some(found)) => assert!((number..=number + 1).contains(&found), "call {calls}"),
                        (Some(number), None) => panic!("call {calls}: {number} was acknowledged, and nothing is there"),
                        (None, found) => assert!(found.is_none_or(|found| found == 0), "call {calls}"),
                    }
                    let mut seen = seen.lock().unwrap();
                    if ended {
                        return;
                    }
                    seen.0 += 1;
                    seen.1 += u64::from(found > acknowledged);
                }
            });
        }
    });
    let (kills, ahead) = seen.into_inner().unwrap();
    println!("{who:?}: {kills} calls, killed at each; {ahead} times one ahead of what was acknowledged");
    kills
}
