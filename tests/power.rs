//! What the kernel itself does to a database: the power is cut, the disk is full, what was written cannot be written back.
//!
//! Needs root, loop devices and mkfs; each test says what it skips. `POWER_CUTS` sets how often the power is cut on each
//! file system.

mod go;
mod mounts;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use go::Beside;
use mounts::{Loop, Memory};
use unbolt::check::check_snapshot;
use unbolt::{Db, Error, OpenOptions, Snapshot};

const CUTS: u64 = 4;
/// After so many cuts a database that does not sync must have lost something.
const PATIENCE: u64 = 20;

/// What commit `number` puts under its key.
fn value(number: u64) -> Vec<u8> {
    let len = 20 + number.wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize % 900;
    number.to_be_bytes().into_iter().cycle().take(len).collect()
}

const BUCKET: &str = "numbers";

/// Each commit has the number after the last one, and leaves it as the bucket's sequence.
fn commit(db: &Db) -> unbolt::Result<u64> {
    db.update(|tx| {
        let mut bucket = tx.create_bucket_if_missing(BUCKET)?;
        let number = bucket.next_sequence()?;
        // A window of keys, so that pages are freed and taken again.
        bucket.delete((number.saturating_sub(300)).to_be_bytes())?;
        bucket.put(number.to_be_bytes(), value(number))?;
        Ok(number)
    })
}

/// The number of the last commit, if everything is there that it left.
fn last(path: &Path) -> Result<u64, String> {
    let words = |e: Error| e.to_string();
    let bytes = fs::read(path).map_err(|e| e.to_string())?;
    let (snapshot, mut findings) = (Snapshot::from_bytes(bytes.clone()).map_err(words)?, Vec::new());
    check_snapshot(&snapshot, &mut |finding| findings.push(finding)).map_err(words)?;
    findings.retain(|finding| !matches!(finding.corruption.kind, unbolt::CorruptionKind::MetaRefused { .. }));
    if !findings.is_empty() {
        return Err(format!("{findings:?}"));
    }
    let db = Db::from_bytes(bytes).map_err(words)?;
    let tx = db.begin_read().map_err(words)?;
    let Some(bucket) = tx.bucket(BUCKET).map_err(words)? else { return Ok(0) };
    let last = bucket.sequence();
    let wanted = last.saturating_sub(300) + 1..=last;
    let found = bucket.iter().collect::<unbolt::Result<Vec<_>>>().map_err(words)?;
    let same = found.len() as u64 == last.min(300)
        && wanted
            .zip(&found)
            .all(|(number, (key, entry))| *key == number.to_be_bytes() && entry.value() == Some(&value(number)[..]));
    if same { Ok(last) } else { Err(format!("commit {last} left something else")) }
}

fn options(sync: bool) -> OpenOptions {
    let mut options = Db::options();
    options.no_sync(!sync).page_size(1024);
    options
}

/// The process that commits and says so: run by the tests below, in an environment that names the file.
#[test]
#[ignore = "runs as a process of its own"]
fn child() {
    let Ok(path) = std::env::var("POWER_CHILD") else { return };
    let Ok(db) = options(std::env::var("POWER_NO_SYNC").is_err()).open(path) else { return };
    println!("open");
    while let Ok(number) = commit(&db) {
        println!("{number}");
    }
}

fn start(path: &Path, sync: bool) -> Beside {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["child", "--exact", "--ignored", "--nocapture"]).env("POWER_CHILD", path).stderr(Stdio::null());
    if !sync {
        child.env("POWER_NO_SYNC", "1");
    }
    Beside::start(&mut child)
}

/// What a process has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acknowledged {
    Nothing,
    Commit(u64),
}

/// Runs the process until it has made so many commits, cuts the power, and says what it had acknowledged by then.
fn cut(disk: &Loop, path: &Path, sync: bool, commits: u64) -> Acknowledged {
    let mut child = start(path, sync);
    let (mut acknowledged, mut seen, mut off) = (Acknowledged::Nothing, 0, false);
    // All that it says is read, up to its end: it ends because it can no longer write.
    while let Some(line) = child.line() {
        // The frame of the test runner says other things on the same line.
        let word = line.rsplit(' ').next().unwrap_or_default();
        match word.parse() {
            Ok(number) => acknowledged = Acknowledged::Commit(number),
            Err(_) if word == "open" && acknowledged == Acknowledged::Nothing => acknowledged = Acknowledged::Commit(0),
            Err(_) => continue,
        }
        seen += 1;
        if seen > commits && !off {
            off = true;
            disk.cut_power();
        }
    }
    child.end();
    if !off {
        disk.cut_power();
    }
    acknowledged
}

fn cuts() -> u64 {
    std::env::var("POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap())
}

fn power_cuts(kind: &'static str) {
    let Some(disk) = Loop::new(kind) else { return };
    let (mut path, mut commits, mut ahead, mut files) = (disk.path().join("0.db"), 0, 0, 0);
    for turn in 0..cuts() {
        // Every eighth turn begins with the creation of a file.
        if turn % 8 == 0 {
            files += 1;
            path = disk.path().join(format!("{turn}.db"));
        }
        let before = last(&path).unwrap_or(0);
        let acknowledged = cut(&disk, &path, true, turn * 7 % 40);
        disk.restart();
        let found = if path.exists() { last(&path).unwrap_or_else(|wrong| panic!("turn {turn}: {wrong}")) } else { 0 };
        match acknowledged {
            Acknowledged::Nothing => assert!(path.exists() || before == 0, "turn {turn}: the file is gone"),
            Acknowledged::Commit(number) => {
                let number = number.max(before);
                assert!(path.exists() && (number..=number + 1).contains(&found), "turn {turn}: {number}, then {found}");
                ahead += u64::from(found > number);
                commits += number - before;
            }
        }
    }
    println!("{kind}: {} power cuts, {files} files, {commits} commits, {ahead} one ahead, none lost", cuts());
}

#[test]
fn no_acknowledged_commit_is_lost_when_the_power_is_cut_on_ext4() {
    power_cuts("ext4");
}

#[test]
fn no_acknowledged_commit_is_lost_when_the_power_is_cut_on_xfs() {
    power_cuts("xfs");
}

/// Without syncs the same test loses commits: it would see if they were lost.
#[test]
fn commits_without_a_sync_are_lost_when_the_power_is_cut() {
    let Some(disk) = Loop::new("ext4") else { return };
    for turn in 0..PATIENCE {
        let path = disk.path().join(format!("{turn}.db"));
        let acknowledged = cut(&disk, &path, false, 30);
        disk.restart();
        let Acknowledged::Commit(number) = acknowledged else { continue };
        match last(&path) {
            Ok(found) if found >= number => {}
            lost => return println!("lost in turn {turn}: {number} was acknowledged, then {lost:?}"),
        }
    }
    panic!("nothing is lost");
}

/// A device that cannot write back what the kernel took: the sync says so, once.
#[test]
fn nothing_is_acknowledged_after_the_device_has_failed() {
    let Some(memory) = Memory::new(24 << 20) else { return };
    let disk = match mounts::missing("ext4").map_or_else(|| Loop::make("ext4", memory.path(), 128 << 20), Err) {
        Ok(disk) => disk,
        Err(why) => return eprintln!("skipped: ext4: {why}"),
    };
    let path = disk.path().join("fails.db");
    let db = options(true).open(&path).unwrap();
    let mut acknowledged = 0;
    let failed = loop {
        match db.update(|tx| {
            let mut bucket = tx.create_bucket_if_missing("ballast")?;
            let number = bucket.next_sequence()?;
            bucket.put(number.to_be_bytes(), vec![number as u8; 300_000])
        }) {
            Ok(()) => acknowledged += 1,
            Err(e) => break e,
        }
        assert!(acknowledged < 1000, "the device never fails");
    };
    assert!(matches!(failed, Error::Io { .. } | Error::CommitUnknown { .. }), "{failed:?}");
    let poisoned = matches!(db.begin_write(), Err(Error::Poisoned));
    assert!(poisoned || matches!(&failed, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull));
    drop(db);
    // What the kernel still holds in memory is no proof.
    memory.resize(256 << 20);
    disk.restart();
    let db = Db::open(&path).unwrap();
    let tx = db.begin_read().unwrap();
    let bucket = tx.bucket("ballast").unwrap().unwrap();
    let found = bucket.sequence();
    assert!((acknowledged..=acknowledged + 1).contains(&found), "{acknowledged}, then {found}: {failed}");
    for number in 1..=found {
        let value = bucket.get(number.to_be_bytes()).unwrap();
        assert!(value.is_some_and(|value| *value == vec![number as u8; 300_000]), "value {number} is damaged");
    }
    println!("{acknowledged} commits, then {failed}; {found} there");
}

#[test]
fn a_full_disk_rolls_back_and_the_database_goes_on() {
    let Some(memory) = Memory::new(1 << 20) else { return };
    let path = memory.path().join("full.db");
    let db = options(true).open(&path).unwrap();
    (0..20).for_each(|_| _ = commit(&db).unwrap());
    let (mut fill, mut refused) = (600_000, 0);
    // Less and less room, down to none.
    for turn in 0..40 {
        fs::write(memory.path().join(format!("ballast {turn}")), vec![1; fill]).unwrap_or_default();
        fill /= 2;
        let before = last(&path).unwrap();
        for _ in 0..20 {
            match commit(&db) {
                Ok(_) => {}
                Err(Error::Io { source, .. }) => {
                    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
                    refused += 1;
                    break;
                }
                Err(e) => panic!("{e:?}"),
            }
        }
        assert!(last(&path).unwrap() >= before);
    }
    assert!(refused > 0, "the disk never was full");
    let before = last(&path).unwrap();
    (0..40).for_each(|turn| fs::remove_file(memory.path().join(format!("ballast {turn}"))).unwrap_or_default());
    assert_eq!(commit(&db).unwrap(), before + 1, "it does not go on");
    drop(db);
    assert_eq!(last(&path), Ok(before + 1));
}
