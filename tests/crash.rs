//! A crash at any moment of a commit leaves the state before it or after it, with nothing to repair.
//!
//! What is done to the disk is recorded, and everything that a crash could have left of it is made and looked at.
//! A state that is neither is named by its workload, epoch and units, and `CRASH='WORKLOAD'` runs that workload alone.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use support::crash::{State, states};
use support::record::{Op, Recorder};
use unbolt::check::check_snapshot;
use unbolt::{CorruptionKind, Db, Entry, Error, FreelistMode, MemoryDisk, OpenOptions, Result, Snapshot, WriteTx};

/// How many states there are at least, all workloads together.
const STATES: usize = 20_000;

/// All pairs, by the path that leads to them, and all buckets with their sequences.
type Content = BTreeMap<Vec<Vec<u8>>, Vec<u8>>;

type Change = Box<dyn Fn(&mut WriteTx) -> Result<()>>;

struct Workload {
    name: &'static str,
    options: OpenOptions,
    changes: Vec<Change>,
}

fn workload(name: &'static str, set: impl Fn(&mut OpenOptions), changes: Vec<Change>) -> Workload {
    let mut options = Db::options();
    options.page_size(1024);
    set(&mut options);
    Workload { name, options, changes }
}

fn change(make: impl Fn(&mut WriteTx) -> Result<()> + 'static) -> Change {
    Box::new(make)
}

fn put(keys: std::ops::Range<u32>, len: usize, byte: u8) -> Change {
    change(move |tx| {
        let mut bucket = tx.create_bucket_if_missing("bucket")?;
        keys.clone().try_for_each(|key| bucket.put(format!("{key:04}"), vec![byte; len]))
    })
}

fn delete(keys: std::ops::Range<u32>) -> Change {
    change(move |tx| {
        let mut bucket = tx.bucket_mut("bucket")?;
        keys.clone().try_for_each(|key| bucket.delete(format!("{key:04}")).map(|_| ()))
    })
}

fn churn(round: u64) -> Change {
    change(move |tx| {
        let mut outer = tx.create_bucket_if_missing("outer")?;
        outer.set_sequence(round)?;
        outer.create_bucket_if_missing(format!("inner {round}"))?.put("k", vec![round as u8; 40 * round as usize])?;
        if round >= 2 {
            outer.delete_bucket(format!("inner {}", round - 2))?;
        }
        Ok(())
    })
}

fn workloads() -> Vec<Workload> {
    let singles = || (0..60_u32).map(|n| put(n % 7..n % 7 + 1, 30, n as u8)).collect::<Vec<_>>();
    let bursts =
        || (0..12).flat_map(|n| [put(n * 30..n * 30 + 60, 20, n as u8), delete(n * 30..n * 30 + 40)]).collect::<Vec<_>>();
    let nothing = |_: &mut OpenOptions| {};
    vec![
        workload("singles", nothing, singles()),
        workload("bursts", nothing, bursts()),
        workload("buckets", nothing, (0..40).map(churn).collect()),
        workload("large values", nothing, (0..9).map(|n| put(n..n + 2, 9000, n as u8)).collect()),
        workload("growth", nothing, (0..6).map(|n| put(n * 40..n * 40 + 40, 100, n as u8)).collect()),
        workload("no list", |o| _ = o.freelist(FreelistMode::Never), singles()),
        workload("no list, bursts", |o| _ = o.freelist(FreelistMode::OnClose), bursts()),
        workload("grown by writing", |o| _ = o.no_grow_sync(true), bursts()),
        workload("4096", |o| _ = o.page_size(4096), bursts()),
    ]
}

fn content(db: &Db) -> Result<Content> {
    fn add(bucket: unbolt::Bucket<'_>, path: &[Vec<u8>], content: &mut Content) -> Result<()> {
        for pair in bucket.iter() {
            let (key, entry) = pair?;
            let path = [path, &[key.to_vec()]].concat();
            match entry {
                Entry::Value(value) => _ = content.insert(path, value.to_vec()),
                Entry::Bucket(inner) => {
                    content.insert(path.clone(), inner.sequence().to_le_bytes().to_vec());
                    add(inner, &path, content)?;
                }
                other => panic!("{other:?}"),
            }
        }
        Ok(())
    }
    let mut all = Content::new();
    add(db.begin_read()?.root()?, &[], &mut all)?;
    Ok(all)
}

/// Runs a workload on a recorder, and gives back what was done and what was there after each transaction.
fn record(workload: &Workload) -> (Vec<Op>, Vec<Content>) {
    let disk = Arc::new(Recorder::default());
    let db = workload.options.open_disk(Arc::clone(&disk) as _).unwrap();
    disk.mark(1);
    // Before the creation has ended there may be nothing at all.
    let mut contents = vec![Content::new(), content(&db).unwrap()];
    for (number, change) in workload.changes.iter().enumerate() {
        db.update(change).unwrap();
        disk.mark(number + 2);
        contents.push(content(&db).unwrap());
    }
    (disk.ops(), contents)
}

/// What is wrong with a state, if anything is.
fn judge(state: &State, workload: &Workload, contents: &[Content]) -> Result<(), String> {
    let words = |e: Error| e.to_string();
    if state.mark == 0 {
        return unfinished_or_usable(state, workload);
    }
    // As it lies, before anybody could have mended anything.
    let snapshot = Snapshot::from_bytes(state.bytes.clone()).map_err(words)?;
    let mut findings = Vec::new();
    check_snapshot(&snapshot, &mut |finding| findings.push(finding)).map_err(words)?;
    // The one page that may be torn is the meta that was being written.
    findings.retain(|finding| !matches!(finding.corruption.kind, CorruptionKind::MetaRefused { .. }));
    if !findings.is_empty() {
        return Err(format!("the check finds {findings:?}"));
    }
    let disk = Arc::new(MemoryDisk::from(state.bytes.clone()));
    let db = workload.options.open_disk(Arc::clone(&disk) as _).map_err(words)?;
    let found = content(&db).map_err(words)?;
    let allowed = &contents[state.mark..contents.len().min(state.mark + 2)];
    if !allowed.contains(&found) {
        return Err("it is neither the state before nor the one after".into());
    }
    one_more(&db, &disk, found)
}

fn one_more(db: &Db, disk: &MemoryDisk, mut expected: Content) -> Result<(), String> {
    let words = |e: Error| e.to_string();
    db.update(|tx| tx.root_mut().create_bucket_if_missing("after")?.put("the", "crash")).map_err(words)?;
    expected.insert(vec![b"after".to_vec()], 0_u64.to_le_bytes().to_vec());
    expected.insert(vec![b"after".to_vec(), b"the".to_vec()], b"crash".to_vec());
    if content(db).map_err(words)? != expected {
        return Err("one more commit does not leave what it should".into());
    }
    let snapshot = Snapshot::from_bytes(disk.to_bytes()).map_err(words)?;
    let mut findings = Vec::new();
    check_snapshot(&snapshot, &mut |finding| findings.push(finding)).map_err(words)?;
    findings.retain(|finding| !matches!(finding.corruption.kind, CorruptionKind::MetaRefused { .. }));
    if findings.is_empty() { Ok(()) } else { Err(format!("one more commit leaves {findings:?}")) }
}

/// In the middle of a creation.
fn unfinished_or_usable(state: &State, workload: &Workload) -> Result<(), String> {
    match Db::from_bytes(state.bytes.clone()) {
        Ok(_) => {
            let disk = Arc::new(MemoryDisk::from(state.bytes.clone()));
            let db = workload.options.open_disk(Arc::clone(&disk) as _).map_err(|e| e.to_string())?;
            one_more(&db, &disk, Content::new())
        }
        Err(Error::Empty | Error::Unfinished) => Ok(()),
        Err(e) => Err(e.to_string()),
    }
}

fn page_size(ops: &[Op]) -> u64 {
    // The first thing that is done is to give the disk the length of four pages.
    ops.iter().find_map(|op| if let Op::SetLen(len) = op { Some(len / 4) } else { None }).unwrap()
}

/// How many states there are, and how the first bad one is called and what is wrong with it.
fn run(workload: &Workload, ops: &[Op], contents: &[Content]) -> (usize, Option<(String, String)>) {
    let (mut count, mut bad) = (0, None);
    states(ops, page_size(ops), &mut |state| {
        count += 1;
        if bad.is_none()
            && let Err(wrong) = judge(&state, workload, contents)
        {
            bad = Some((state.name, wrong));
        }
    });
    (count, bad)
}

#[test]
fn every_crash_leaves_the_state_before_or_after_and_nothing_to_repair() {
    let only = std::env::var("CRASH").ok();
    let mut all = 0;
    for workload in workloads().iter().filter(|workload| only.as_deref().is_none_or(|only| only == workload.name)) {
        let (ops, contents) = record(workload);
        let (count, bad) = run(workload, &ops, &contents);
        println!("{}: {count} states of {} operations", workload.name, ops.len());
        if let Some((name, wrong)) = bad {
            panic!("{name}: {wrong}\nagain: CRASH='{}' cargo test --test crash", workload.name);
        }
        all += count;
    }
    assert!(only.is_some() || all >= STATES, "only {all} states");
}

/// Without the sync before the meta, or with the meta not synced, the same test must find states that are neither.
#[test]
fn a_commit_that_leaves_out_its_first_sync_is_found_out() {
    let workload = &workloads()[1];
    let (ops, contents) = record(workload);
    let (mut syncs, mut without) = (0, Vec::new());
    for op in ops {
        // After the three of the creation each commit syncs its pages, then its meta; growth syncs too.
        syncs += usize::from(matches!(op, Op::Sync));
        if !(matches!(op, Op::Sync) && syncs > 6 && is_before_meta(&without)) {
            without.push(op);
        }
    }
    let (_, bad) = run(workload, &without, &contents);
    println!("found: {bad:?}");
    assert!(bad.is_some(), "nothing was found");
}

/// Whether the last write was one of pages, not of a meta.
fn is_before_meta(ops: &[Op]) -> bool {
    let last = ops.iter().rev().find_map(|op| if let Op::Write(offset, _) = op { Some(*offset) } else { None });
    last.is_some_and(|offset| offset >= 2048)
}
