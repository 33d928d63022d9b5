//! Reading without the lock: while Go writes, and while the file is replaced or cut.

mod go;
mod support;

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use support::digest::digest;
use unbolt::check::check_snapshot;
use unbolt::format::{
    Endian, Layout, LeafElement, Meta, PageHeader, PageId, PageSize, TxId, encode_freelist, encode_leaf, encode_meta,
};
use unbolt::tree::{copy_state, verify};
use unbolt::{CorruptionKind, Db, Error, MemoryDisk, Result, Snapshot, Storage};

/// How many reads must succeed while Go writes.
const READS: usize = 200;
/// Commits a second: asked of the writer, and the fewest that it must have made.
const RATE: (u32, f64) = (600, 500.0);
/// Bounds, not expectations: the machine may be busy with other things.
const ATTEMPTS: u32 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn what_is_read_while_go_commits_steadily_is_what_go_committed() {
    read_while_go_writes(1);
}

#[test]
fn what_is_read_while_go_commits_in_bursts_is_what_go_committed() {
    read_while_go_writes(60);
}

/// The second look at the metas is what makes it so: without it, copies are broken or mixed.
fn read_while_go_writes(burst: u32) {
    // One writer at a time, so that each has a processor.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(writer) = go::program("writer") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let writer = Writer::start(&writer, &path, burst);

    let mut accepted: Vec<Content> = Vec::new();
    let (mut rejected, mut states, start) = (0_u64, 0, Instant::now());
    while accepted.len() < READS || states < READS / 2 || rejected == 0 {
        let (copy, thrown_away) = Snapshot::read(&path, ATTEMPTS, copy_of).unwrap();
        let content = content(&copy).unwrap_or_else(|why| panic!("an accepted copy is not sound: {why}"));
        states += usize::from(accepted.last() != Some(&content));
        accepted.push(content);
        rejected += u64::from(thrown_away);
        assert!(start.elapsed() < PATIENCE, "{} reads of {states} states, {rejected} attempts rejected", accepted.len());
    }
    let reading = start.elapsed();
    let single_looks = single_looks(&path);

    let (committed, figures) = writer.end();
    for Content { id, digest } in &accepted {
        assert_eq!(committed.get(id), Some(digest), "an accepted copy of {id} is not what was committed");
    }
    let mut broken = 0;
    for (content, current) in &single_looks {
        if !content.as_ref().is_ok_and(|Content { id, digest }| committed.get(id) == Some(digest)) {
            assert!(!current, "the second look would have accepted {content:?}");
            broken += 1;
        }
    }
    eprintln!(
        "bursts of {burst}, {:.0} commits a second to {} bytes: {} reads of {states} states in {reading:.1?}, \
         {rejected} attempts rejected; without the second look {broken} of {} copies broken or mixed",
        figures.rate,
        figures.bytes,
        accepted.len(),
        single_looks.len(),
    );
    assert!(figures.rate >= RATE.1 && figures.bytes >= 1 << 20, "{figures:?}");
    assert!(broken > 0, "the first look alone was enough every time: the test shows nothing");
}

/// Everything that a snapshot reaches, in memory.
fn copy_of(snapshot: &Snapshot) -> Result<Vec<u8>> {
    let copy = MemoryDisk::new();
    copy_state(snapshot.pages(), &copy)?;
    Ok(copy.to_bytes())
}

/// What copies hold that were made with the first look alone, and whether the second would have accepted them: as
/// many as were made with both, and more until one is not sound.
fn single_looks(path: &Path) -> Vec<(Result<Content, String>, bool)> {
    let start = Instant::now();
    let mut looks: Vec<(Result<Content, String>, bool)> = Vec::new();
    while looks.len() < READS || (looks.iter().all(|(content, _)| content.is_ok()) && start.elapsed() < PATIENCE) {
        let snapshot = Snapshot::open(path).unwrap();
        let copy = copy_of(&snapshot);
        let current = snapshot.is_current().unwrap();
        looks.push((copy.map_err(|e| e.to_string()).and_then(|copy| content(&copy)), current));
    }
    looks
}

/// What a copy holds, and under which transaction's id.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    id: TxId,
    digest: u64,
}

/// The content of a copy that is sound and says the same of itself in its bucket `state`.
fn content(copy: &[u8]) -> Result<Content, String> {
    let mut findings = Vec::new();
    let mut read = || -> Result<(Content, Content, bool)> {
        let snapshot = Snapshot::from_bytes(copy)?;
        verify(snapshot.pages())?;
        let sound = check_snapshot(&snapshot, &mut |finding| findings.push(finding))?.is_sound();
        let root = snapshot.root()?;
        let state = root.descend(&["state"])?;
        let word = |key: &str, radix| -> Result<u64> {
            let value = state.get(key.as_bytes())?.map(|value| value.to_vec()).unwrap_or_default();
            Ok(u64::from_str_radix(&String::from_utf8_lossy(&value), radix).unwrap_or(0))
        };
        let told = Content { id: TxId(word("txid", 10)?), digest: word("digest", 16)? };
        Ok((Content { id: snapshot.meta().txid, digest: digest(&root, Some(b"state"))? }, told, sound))
    };
    let (found, told, sound) = read().map_err(|e| e.to_string())?;
    match sound && found == told {
        true => Ok(found),
        false => Err(format!("{found:?} says of itself {told:?}; the check: {findings:?}")),
    }
}

/// A Go process that holds the exclusive lock and commits.
struct Writer {
    process: go::Beside,
    committed: JoinHandle<HashMap<TxId, u64>>,
}

#[derive(Debug)]
struct Figures {
    rate: f64,
    bytes: u64,
}

impl Writer {
    /// Starts it, and returns once the first state is there. It does not sync: few disks do that 500 times a second.
    fn start(program: &Path, path: &Path, burst: u32) -> Writer {
        let mut command = Command::new(program);
        command.args(["-rate", &RATE.0.to_string(), "-burst", &burst.to_string()]).arg(path).stderr(Stdio::piped());
        let mut process = go::Beside::start(&mut command);
        let first = process.line().unwrap();
        let output = process.take_output();
        let committed = std::thread::spawn(move || {
            let told = |line: &str| {
                let (id, digest) = line.split_once(' ').unwrap();
                (TxId(id.parse().unwrap()), u64::from_str_radix(digest, 16).unwrap())
            };
            std::iter::once(told(&first)).chain(output.lines().map(|line| told(&line.unwrap()))).collect()
        });
        Writer { process, committed }
    }

    /// Ends it; everything that it committed, by transaction, and how fast that was.
    fn end(mut self) -> (HashMap<TxId, u64>, Figures) {
        assert!(self.process.end().success());
        let mut errors = String::new();
        self.process.take_errors().unwrap().read_to_string(&mut errors).unwrap();
        let number = |name: &str| -> f64 {
            let mut words = errors.split_whitespace().skip_while(|word| *word != name);
            words.nth(1).unwrap_or_else(|| panic!("{errors}")).parse().unwrap()
        };
        let figures = Figures { rate: number("commits") / number("seconds"), bytes: number("bytes") as u64 };
        (self.committed.join().unwrap(), figures)
    }
}

/// A database of a real Docker host, in a file of its own.
fn docker_database(folder: &Path) -> PathBuf {
    let path = folder.join("local-kv.db");
    std::fs::copy("testdata/docker/live-20.10.24.db", &path).unwrap();
    path
}

/// Puts an equal file in a file's place.
fn replace(path: &Path) {
    let other = path.with_extension("new");
    std::fs::copy(path, &other).unwrap();
    std::fs::rename(&other, path).unwrap();
}

#[test]
fn a_file_that_was_replaced_is_not_current_though_its_bytes_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    let path = docker_database(folder.path());
    let by_position = Snapshot::open(&path).unwrap();
    let held = Snapshot::open(&path).unwrap().hold().unwrap();
    assert!(by_position.is_current().unwrap());
    replace(&path);
    assert!(!by_position.is_current().unwrap());
    assert!(held.is_current().unwrap(), "it was whole before that");
    std::fs::remove_file(&path).unwrap();
    assert!(!by_position.is_current().unwrap());
}

#[test]
fn a_read_during_which_the_file_was_replaced_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = docker_database(folder.path());
    let mut calls = 0;
    let (second, rejected) = Snapshot::read(&path, 10, |snapshot| {
        calls += 1;
        if calls == 1 {
            replace(&path);
            // What an attempt found that does not count is not told.
            return Err(Error::Empty);
        }
        copy_of(snapshot)
    })
    .unwrap();
    assert_eq!((calls, rejected), (2, 1));
    assert_eq!(second, copy_of(&Snapshot::open(&path).unwrap()).unwrap());
}

#[test]
fn a_file_that_never_stops_changing_is_an_error_after_the_attempts_there_are() {
    // Too large to be taken into memory at once, so that every attempt leaves time for a change.
    let folder = tempfile::tempdir().unwrap();
    let path = docker_database(folder.path());
    raise_high_water(&path, 65 << 20);
    let mut calls = 0;
    let error = Snapshot::read(&path, 5, |_| {
        calls += 1;
        replace(&path);
        Ok::<_, Error>(())
    });
    assert!(matches!(error, Err(Error::Changing { attempts: 5 })), "{error:?}");
    assert_eq!(calls, 5);
}

/// Makes a file longer, and its metas say so.
fn raise_high_water(path: &Path, bytes: u64) {
    let snapshot = Snapshot::open(path).unwrap();
    let layout = snapshot.layout();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
    for slot in [0, 1] {
        let page = PageId(slot);
        let raised = Meta { high_water: PageId(bytes / layout.page_size.bytes()), ..*snapshot.meta() };
        std::os::unix::fs::FileExt::write_all_at(&file, &encode_meta(page, &raised, layout), layout.offset(page)).unwrap();
    }
}

#[test]
fn a_file_cut_while_it_is_read_is_an_error_or_was_read_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = docker_database(folder.path());
    let bytes = std::fs::read(&path).unwrap();
    let whole = copy_of(&Snapshot::open(&path).unwrap()).unwrap();
    let (mut errors, mut equal) = (0, 0);
    for len in (0..bytes.len()).step_by(512) {
        std::fs::write(&path, &bytes).unwrap();
        let by_position = Snapshot::open(&path).unwrap();
        let to_be_held = Snapshot::open(&path).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(len as u64).unwrap();
        for copy in [copy_of(&by_position), to_be_held.hold().and_then(|held| copy_of(&held))] {
            match copy {
                Ok(copy) => {
                    assert_eq!(copy, whole, "cut to {len}");
                    equal += 1;
                }
                Err(e) => {
                    assert!(e.is_corrupt(), "cut to {len}: {e}");
                    errors += 1;
                }
            }
        }
        let current = by_position.is_current().unwrap();
        assert!(current || len < 8192, "cut to {len}: the metas are as they were");
        assert!(!current || len > 80, "cut to {len}: no meta is left");
    }
    assert!(errors > 0, "no cut was noticed ({equal} copies were equal)");
}

/// A file of 64 GiB, nearly all of it a hole, whose root is one leaf that claims the whole.
fn file_of_one_run(folder: &Path) -> PathBuf {
    const PAGES: u64 = 1 << 24;
    let layout = Layout { page_size: PageSize::new(4096).unwrap(), endian: Endian::Little };
    let meta = Meta {
        endian: layout.endian,
        page_size: 4096,
        flags: 0,
        root: PageId(3),
        root_sequence: 0,
        freelist: Some(PageId(2)),
        high_water: PageId(PAGES),
        txid: TxId(1),
    };
    let mut leaf = encode_leaf(PageId(3), &[LeafElement { flags: 0, key: &b"k"[..], value: &b"v"[..] }], layout).unwrap();
    let header = PageHeader::read(&leaf, layout.endian).unwrap();
    leaf[..16].copy_from_slice(&PageHeader { overflow: (PAGES - 4) as u32, ..header }.encode(layout.endian));
    let metas = [encode_meta(PageId(0), &meta, layout), encode_meta(PageId(1), &Meta { txid: TxId(0), ..meta }, layout)];
    let path = folder.join("sparse.db");
    std::fs::write(&path, [metas.concat(), encode_freelist(PageId(2), &[], 1, layout).unwrap(), leaf].concat()).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(PAGES * 4096).unwrap();
    path
}

#[test]
fn a_run_longer_than_any_that_is_written_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = file_of_one_run(folder.path());
    let refused = |error: Error| match error {
        Error::Corrupt(corruption) => {
            assert_eq!(corruption.page, Some(PageId(3)));
            assert!(matches!(corruption.kind, CorruptionKind::RunTooLong { .. }), "{corruption}");
        }
        other => panic!("{other}"),
    };
    let snapshot = Snapshot::open(&path).unwrap();
    refused(snapshot.root().unwrap().get(b"k").unwrap_err());
    refused(snapshot.root().unwrap().iter().next().unwrap().unwrap_err());
    let mut codes = Vec::new();
    check_snapshot(&snapshot, &mut |finding| codes.push(finding.code)).unwrap();
    assert!(codes.contains(&unbolt::check::Code::PageRun), "{codes:?}");
    let db = Db::options().read_only(true).open(&path).unwrap();
    refused(db.begin_read().unwrap().root().unwrap().get("k").unwrap_err());
}

#[test]
fn a_page_and_the_run_that_begins_with_it_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = docker_database(folder.path());
    let snapshot = Snapshot::open(&path).unwrap();
    let (page, run) = (snapshot.run(8192, 4096).unwrap(), snapshot.run(8192, 8192).unwrap());
    assert_eq!(page[..], run[..4096]);
    std::fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    for _ in 0..2 {
        assert_eq!(snapshot.run(8192, 4096).unwrap(), page);
        assert_eq!(snapshot.run(8192, 8192).unwrap(), run);
    }
}
