//! Promise: a snapshot is one state of a file, whole and sound, or it is not there; it never harms what lay there
//! before, nor the file that it was taken of.

#![cfg(feature = "cli")]

mod command;

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use command::{Outcome, changed_meanwhile, database, databases, in_process, testdata, unbolt};
use tempfile::TempDir;
use unbolt::tree::verify;
use unbolt::{DEFAULT_ATTEMPTS, Snapshot};

/// A directory with a database in it and room for copies.
struct Desk {
    directory: TempDir,
    file: PathBuf,
    out: PathBuf,
}

impl Desk {
    fn with(name: &str) -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let (file, out) = (directory.path().join("source.db"), directory.path().join("copy.db"));
        fs::write(&file, database(name)).unwrap();
        Desk { directory, file, out }
    }

    fn snapshot(&self, options: &[&str]) -> Outcome {
        let arguments = ["snapshot"].iter().chain(options).map(OsStr::new);
        unbolt(arguments.chain([self.file.as_os_str(), self.out.as_os_str()]))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn exported(file: &Path) -> Vec<u8> {
    let exported = in_process(&|path| Snapshot::open(path), [OsStr::new("export"), file.as_os_str()]);
    assert_eq!((exported.status, exported.err.as_str()), (0, ""), "{}", file.display());
    exported.out
}

#[test]
fn the_copy_of_every_database_is_sound_and_says_the_same() {
    let bbolt = std::env::var_os("BBOLT").filter(|path| !path.is_empty());
    if bbolt.is_none() {
        println!("without bbolt's own check: BBOLT not set");
    }
    for name in databases() {
        let desk = Desk::with(&name);
        let before = fs::read(&desk.file).unwrap();
        for options in [&[][..], &["--raw", "--force"]] {
            let taken = desk.snapshot(options);
            assert_eq!((taken.status, taken.out.len()), (0, 0), "{name}: {}", taken.err);
            let (source, copy) = (Snapshot::open(&desk.file).unwrap(), Snapshot::open(&desk.out).unwrap());
            verify(copy.pages()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(copy.meta().txid, source.meta().txid, "{name}");
            assert!(taken.err.contains(&format!("transaction {}, ", source.meta().txid)), "{name}: {}", taken.err);
            assert_eq!(copy.metas().previous().unwrap().root, copy.meta().root, "{name}: both metas tell one state");
            assert_eq!(exported(&desk.out), exported(&desk.file), "{name}");
            if let Some(bbolt) = &bbolt {
                let checked = Command::new(bbolt).arg("check").arg(&desk.out).output().unwrap();
                assert!(checked.status.success(), "{name}: {checked:?}");
            }
        }
        // The last one was raw: all behind the metas is as it lies in the file.
        let raw = fs::read(&desk.out).unwrap();
        let pages = 2 * Snapshot::open(&desk.file).unwrap().layout().page_size.bytes() as usize;
        assert!(raw.len() == before.len() && raw[pages..] == before[pages..], "{name}");
        assert!(fs::read(&desk.file).unwrap() == before, "{name}: the file is as it was");
        assert_eq!(desk.names(), ["copy.db", "source.db"], "{name}");
    }
}

#[test]
fn only_a_raw_copy_holds_what_was_deleted() {
    // The containers are gone, and the record of a sandbox lies in a free page still.
    let desk = Desk::with("docker/networks-stopped-20.10.24.db");
    let deleted = b"docker/network/v1.0/sandbox/";
    let holds = |file: &Path| fs::read(file).unwrap().windows(deleted.len()).any(|window| window == deleted);
    assert!(holds(&desk.file));
    let plain = desk.snapshot(&[]);
    assert!(!holds(&desk.out) && !plain.err.contains("unverified"), "{}", plain.err);
    let raw = desk.snapshot(&["--raw", "--force"]);
    assert!(holds(&desk.out) && raw.err.contains("unverified"), "{}", raw.err);
}

#[test]
fn a_raw_copy_is_held_against_the_file_and_both_hashes_are_told() {
    let desk = Desk::with("docker/networks-stopped-20.10.24.db");
    let taken = desk.snapshot(&["--raw"]);
    let sum = |file: &Path| unbolt::forensic::Sha256Sum::of(&fs::read(file).unwrap());
    let said = format!("{}: sha256 {}, before and after\n", desk.file.display(), sum(&desk.file));
    assert!(taken.err.contains(&said), "{}", taken.err);
    let said = format!("{}: sha256 {}, and differs in the meta pages alone\n", desk.out.display(), sum(&desk.out));
    assert!(taken.err.ends_with(&said), "{}", taken.err);

    let line = || [OsStr::new("snapshot"), "--raw".as_ref(), "--force".as_ref(), desk.file.as_os_str(), desk.out.as_os_str()];
    // A commit is followed by another attempt, which nothing changes under.
    let commit = |path: &Path, times| {
        if times == 1 {
            unbolt::Db::open(path).unwrap().update(|tx| tx.create_bucket("new").map(drop)).unwrap();
        }
    };
    let taken = changed_meanwhile(commit, line());
    assert_eq!(taken.status, 0, "{}", taken.err);
    assert!(taken.err.contains("at attempt 2") && taken.err.contains("before and after"), "{}", taken.err);
    // What no state reaches changes without a commit.
    let before = fs::read(&desk.file).unwrap();
    let used = unbolt::tree::reach(Snapshot::from_bytes(&before[..]).unwrap().pages()).unwrap().pages;
    let list = Snapshot::from_bytes(&before[..]).unwrap().meta().freelist.unwrap();
    let free = (2..).find(|id| !used.contains(unbolt::format::PageId(*id)) && *id != list.0).unwrap() as usize;
    let scribble = |path: &Path, _| {
        let mut bytes = fs::read(path).unwrap();
        bytes[free * 4096 + 4000] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let taken = changed_meanwhile(scribble, line());
    assert_eq!(taken.status, 3, "{}", taken.err);
    assert!(taken.err.contains("changed while it was copied") && !taken.err.contains("sha256"), "{}", taken.err);
    verify(Snapshot::open(&desk.out).unwrap().pages()).unwrap();
}

#[test]
fn what_is_there_stays_unless_it_is_told_to_go() {
    let desk = Desk::with("docker/live-28.5.2.db");
    fs::write(&desk.out, "precious").unwrap();
    let refused = desk.snapshot(&[]);
    assert_eq!((refused.status, refused.out.len()), (6, 0));
    assert!(refused.err.ends_with("copy.db: is there already\nhint: --force replaces it\n"), "{}", refused.err);
    assert_eq!(fs::read(&desk.out).unwrap(), b"precious");
    assert_eq!(desk.snapshot(&["--force"]).status, 0);
    assert_eq!(exported(&desk.out), exported(&desk.file));
    assert_eq!(desk.names(), ["copy.db", "source.db"]);
}

#[test]
fn the_database_itself_is_never_the_target() {
    let mut desk = Desk::with("docker/live-28.5.2.db");
    let before = fs::read(&desk.file).unwrap();
    let link = desk.directory.path().join("hard-link.db");
    fs::hard_link(&desk.file, &link).unwrap();
    for out in [desk.file.clone(), link] {
        desk.out = out;
        let refused = desk.snapshot(&["--force"]);
        assert_eq!(refused.status, 6);
        assert!(refused.err.contains("is the file that is read"), "{}", refused.err);
    }
    assert!(fs::read(&desk.file).unwrap() == before);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_never_replaced() {
    let mut desk = Desk::with("docker/live-28.5.2.db");
    let link = desk.directory.path().join("link.db");
    std::os::unix::fs::symlink(&desk.file, &link).unwrap();
    for (out, words) in [
        (desk.directory.path().to_path_buf(), "not a regular file"),
        (PathBuf::from("/dev/null"), "not a regular file"),
        (link, "is the file that is read"),
    ] {
        desk.out = out;
        let refused = desk.snapshot(&["--force"]);
        assert_eq!(refused.status, 6);
        assert!(refused.err.contains(words), "{}", refused.err);
    }
}

#[cfg(unix)]
#[test]
fn whoever_may_not_read_the_database_may_not_read_the_copy() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with("docker/live-28.5.2.db");
    fs::set_permissions(&desk.file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(desk.snapshot(&[]).status, 0);
    assert_eq!(fs::metadata(&desk.out).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn of_a_damaged_file_there_is_no_copy() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let sound = fs::read(&desk.file).unwrap();
    let reached = unbolt::tree::reach(Snapshot::from_bytes(&sound[..]).unwrap().pages()).unwrap().pages;
    let page = (2..).find(|page| reached.contains(unbolt::format::PageId(*page))).unwrap() as usize;
    let mut damaged = sound.clone();
    damaged[page * 4096 + 8] ^= 0xff;
    for bytes in [&damaged[..], &sound[..sound.len() / 4], b"no database"] {
        fs::write(&desk.file, bytes).unwrap();
        for options in [&[][..], &["--raw"], &["--force"]] {
            let refused = desk.snapshot(options);
            assert_eq!((refused.status, refused.out.len()), (5, 0), "{}", refused.err);
            assert!(refused.err.starts_with(&format!("unbolt: {}: ", desk.file.display())), "{}", refused.err);
            assert_eq!(desk.names(), ["source.db"]);
        }
    }
}

#[test]
fn what_cannot_be_opened_or_written_is_named() {
    let mut desk = Desk::with("docker/live-28.5.2.db");
    desk.out = desk.directory.path().join("missing/copy.db");
    let failed = desk.snapshot(&[]);
    assert_eq!(failed.status, 3);
    assert!(failed.err.ends_with("missing/copy.db: cannot create: its directory is not there\n"), "{}", failed.err);
    desk.out = desk.directory.path().join("copy.db");
    desk.file = desk.directory.path().join("missing.db");
    let failed = desk.snapshot(&[]);
    assert_eq!(failed.status, 3);
    assert!(failed.err.contains("missing.db: cannot open: "), "{}", failed.err);
    assert_eq!(desk.names(), ["source.db"]);
}

/// A file of 10 GiB that holds 1 MiB: leaves far from each other, and a list of all the pages between them.
#[cfg(unix)]
fn large(path: &Path) -> u64 {
    use std::os::unix::fs::FileExt;
    use unbolt::format::{
        BUCKET_FLAG, BranchElement, Endian, Layout, LeafElement, Meta, PageId, PageSize, TxId, encode_branch, encode_bucket,
        encode_freelist, encode_leaf, encode_meta,
    };
    const PAGES: u64 = 10 << 18;
    const LIST: std::ops::Range<u64> = 100..5300;
    let layout = Layout { page_size: PageSize::new(4096).unwrap(), endian: Endian::Little };
    let (root, branch) = (PageId(PAGES - 1), PageId(PAGES / 2));
    let leaves: Vec<PageId> = (1..=256).map(|n| PageId(n * 10_000 + 7)).collect();
    let used: std::collections::BTreeSet<u64> =
        leaves.iter().chain([&root, &branch, &PageId(branch.0 + 1)]).map(|id| id.0).collect();
    let free: Vec<PageId> = (2..PAGES).filter(|id| !used.contains(id) && !LIST.contains(id)).map(PageId).collect();
    let file = fs::File::create(path).unwrap();
    file.set_len(PAGES * 4096).unwrap();
    let put = |page: PageId, run: &[u8]| file.write_all_at(run, layout.offset(page)).unwrap();
    let keys: Vec<String> = leaves.iter().map(|id| format!("key-{:08}", id.0)).collect();
    for (id, key) in leaves.iter().zip(&keys) {
        put(*id, &encode_leaf(*id, &[LeafElement { flags: 0, key: key.as_bytes(), value: &[b'v'; 4000] }], layout).unwrap());
    }
    let children: Vec<_> =
        keys.iter().zip(&leaves).map(|(key, id)| BranchElement { key: key.as_bytes(), child: *id }).collect();
    put(branch, &encode_branch(branch, &children, layout).unwrap());
    let bucket = encode_bucket(branch, 0, Endian::Little);
    put(root, &encode_leaf(root, &[LeafElement { flags: BUCKET_FLAG, key: b"bucket", value: &bucket }], layout).unwrap());
    put(PageId(LIST.start), &encode_freelist(PageId(LIST.start), &free, LIST.end - LIST.start, layout).unwrap());
    let meta = |txid| Meta {
        endian: Endian::Little,
        page_size: 4096,
        flags: 0,
        root,
        root_sequence: 0,
        freelist: Some(PageId(LIST.start)),
        high_water: PageId(PAGES),
        txid: TxId(txid),
    };
    for txid in [4, 5] {
        put(PageId(txid % 2), &encode_meta(PageId(txid % 2), &meta(txid), layout));
    }
    used.len() as u64 + LIST.end - LIST.start
}

#[cfg(unix)]
#[test]
fn of_a_large_file_only_what_the_state_reaches_is_read_and_written() {
    use std::os::unix::fs::MetadataExt;
    let desk = Desk::with("golden/V0.db");
    let used = large(&desk.file);
    let runs = Cell::new(None);
    let open = |path: &Path| {
        let snapshot = Snapshot::open(path)?;
        runs.set(Some(snapshot.runs_counter()));
        Ok(snapshot)
    };
    let begun = std::time::Instant::now();
    let taken = in_process(&open, [OsStr::new("snapshot"), desk.file.as_os_str(), desk.out.as_os_str()]);
    println!("10 GiB with {used} pages in use were copied in {:?}", begun.elapsed());
    assert_eq!(taken.status, 0, "{}", taken.err);
    assert!(taken.err.contains(&format!("transaction 5, {used} pages in {} bytes", 10_u64 << 30)), "{}", taken.err);
    let read = runs.take().unwrap().load(std::sync::atomic::Ordering::Relaxed);
    assert!(read < 600, "{read} runs of pages were read for 258 pages of trees and a list");
    let (source, copy) = (fs::metadata(&desk.file).unwrap(), fs::metadata(&desk.out).unwrap());
    assert_eq!(copy.len(), source.len());
    // Blocks of 512 bytes, and as much again for a file system that takes more for small writes.
    assert!(copy.blocks() * 512 < 2 * used * 4096, "{} blocks", copy.blocks());
    verify(Snapshot::open(&desk.out).unwrap().pages()).unwrap();
    assert_eq!(exported(&desk.out), exported(&desk.file));
}

/// Opens the file, and replaces it by another database behind the reader's back the first `times` times. Gives back
/// how the command ended, and how often it was overtaken.
fn overtaken(times: u32, desk: &Desk) -> (Outcome, u32) {
    let (older, newer) = (database("docker/networks-running-20.10.24.db"), database("docker/networks-stopped-20.10.24.db"));
    let opened = Cell::new(0);
    let open = |path: &Path| {
        let snapshot = Snapshot::open(path);
        if opened.get() < times {
            opened.set(opened.get() + 1);
            fs::write(path, if opened.get() % 2 == 1 { &newer } else { &older }).unwrap();
        }
        snapshot
    };
    fs::write(&desk.file, &older).unwrap();
    let ended = in_process(&open, [OsStr::new("snapshot"), desk.file.as_os_str(), desk.out.as_os_str()]);
    (ended, opened.get())
}

#[test]
fn a_state_that_is_overtaken_while_it_is_copied_is_thrown_away() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let (taken, _) = overtaken(3, &desk);
    assert_eq!(taken.status, 0, "{}", taken.err);
    assert!(taken.err.contains("transaction 97, ") && taken.err.contains("at attempt 4"), "{}", taken.err);
    assert_eq!(exported(&desk.out), exported(&testdata().join("docker/networks-stopped-20.10.24.db")));
    verify(Snapshot::open(&desk.out).unwrap().pages()).unwrap();
}

#[test]
fn where_every_attempt_is_overtaken_the_end_is_status_4_and_no_copy() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let (given_up, times) = overtaken(u32::MAX, &desk);
    assert_eq!((given_up.status, times), (4, DEFAULT_ATTEMPTS));
    assert!(given_up.err.contains(&format!("during every one of {DEFAULT_ATTEMPTS} attempts")), "{}", given_up.err);
    assert_eq!(desk.names(), ["source.db"]);
}
