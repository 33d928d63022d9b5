//! Promise: `surgery` makes the copies that bbolt's makes, byte for byte and in the same words, never touches what it is
//! made of, and refuses the copies that Go's next write would damage or that bring up what may never have been committed.

#![cfg(feature = "cli")]

mod command;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use command::{Outcome, changed_meanwhile, database, databases, unbolt};
use tempfile::TempDir;
use unbolt::format::{Meta, Page, PageId, PageKind, SharedBytes, TxId, encode_meta};
use unbolt::tree::{Place, Visitor, walk};
use unbolt::{Db, FreelistMode, Snapshot};

/// A directory with a database in it and room for copies.
struct Desk {
    directory: TempDir,
    file: PathBuf,
    before: Vec<u8>,
}

impl Desk {
    fn of(bytes: Vec<u8>) -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("source.db");
        fs::write(&file, &bytes).unwrap();
        Desk { directory, file, before: bytes }
    }

    fn with(name: &str) -> Desk {
        Desk::of(database(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `surgery COMMAND... FILE --output OUT OPTIONS`
    fn line(&self, operation: &Operation, out: &Path) -> Vec<OsString> {
        let words = ["surgery"].iter().chain(operation.command).map(|word| OsString::from(*word));
        let output = ["--output".into(), out.into()];
        words.chain([self.file.clone().into()]).chain(output).chain(operation.options.iter().map(OsString::from)).collect()
    }

    /// Runs it and gives back the copy, where there is one.
    fn run(&self, operation: &Operation, force: bool) -> (Outcome, Option<Vec<u8>>) {
        let out = self.path("ours.db");
        let mut line = self.line(operation, &out);
        line.extend(force.then(|| "--force".into()));
        let ended = unbolt(line);
        let copy = fs::read(&out).ok();
        let _ = fs::remove_file(&out);
        assert_eq!(ended.status == 0, copy.is_some(), "{operation:?}: {}", ended.err);
        assert!(fs::read(&self.file).unwrap() == self.before, "{operation:?}: the database is as it was");
        assert_eq!(fs::read_dir(self.directory.path()).unwrap().count(), 1, "{operation:?}: nothing is left behind");
        (ended, copy)
    }

    fn bbolt(&self, bbolt: &OsStr, operation: &Operation) -> Option<(Vec<u8>, Vec<u8>)> {
        let out = self.path("theirs.db");
        let ended = Command::new(bbolt).args(self.line(operation, &out)).output().unwrap();
        let copy = fs::read(&out);
        let _ = fs::remove_file(&out);
        ended.status.success().then(|| (ended.stdout, copy.unwrap()))
    }
}

/// A command of surgery's and what it is told to do.
#[derive(Debug, Clone)]
struct Operation {
    command: &'static [&'static str],
    options: Vec<String>,
}

fn operation(command: &'static [&'static str], options: &[&str]) -> Operation {
    Operation { command, options: options.iter().map(ToString::to_string).collect() }
}

fn on_elements(page: PageId, from: usize, to: i64) -> Operation {
    let options = [format!("--pageId={page}"), format!("--from-index={from}"), format!("--to-index={to}")];
    Operation { command: &["clear-page-elements"], options: options.to_vec() }
}

/// The pages of all trees: kind, elements, overflow, and whether it is the root of one.
#[derive(Default)]
struct Pages(BTreeMap<PageId, (PageKind, usize, u32, bool)>);

impl Visitor<SharedBytes> for Pages {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn page(&mut self, page: &Page<SharedBytes>, place: &Place<'_, SharedBytes>) -> Result<(), Infallible> {
        if !place.inline {
            let seen = (page.kind(), usize::from(page.count()), page.overflow(), place.depth == 0);
            self.0.insert(page.id(), seen);
        }
        Ok(())
    }
}

/// What is done to one file: to both metas, its lists, and one page of each sort.
fn operations(bytes: &[u8]) -> Vec<Operation> {
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    let mut pages = Pages::default();
    walk(snapshot.pages(), &mut pages).unwrap();
    let meta = snapshot.meta();
    let mut all = vec![
        operation(&["revert-meta-page"], &[]),
        operation(&["freelist", "abandon"], &[]),
        operation(&["freelist", "rebuild"], &[]),
        operation(&["meta", "update"], &[]),
        operation(&["meta", "update"], &["--meta-page", "1", "--fields", &format!("pgid:{}", meta.high_water.0 + 5)]),
        operation(&["meta", "update"], &["--fields", &format!("root:{},freelist:{}", meta.root, u64::MAX)]),
        operation(&["meta", "update"], &["--meta-page=1", "--fields", "pageSize:8192", "--fields", "root:2"]),
        operation(&["copy-page"], &["--from-page", "0", "--to-page", "1"]),
        operation(&["copy-page"], &["--from-page", &meta.root.to_string(), "--to-page", &meta.high_water.to_string()]),
    ];
    let mut sorts = BTreeMap::new();
    for (id, seen @ (kind, count, overflow, root)) in &pages.0 {
        sorts.entry((*kind == PageKind::Leaf, *count > 1, *overflow > 0, *root)).or_insert((*id, *seen));
    }
    for (page, (_, count, ..)) in sorts.into_values() {
        all.push(Operation { command: &["clear-page"], options: vec![format!("--pageId={page}")] });
        let middle = count / 2;
        all.extend(
            [(middle, -1), (0, middle as i64), (middle, middle as i64 + 1), (count - count.min(1), count as i64)]
                .map(|(from, to)| on_elements(page, from, to)),
        );
        let other = pages.0.keys().find(|id| **id != page).copied().unwrap_or(PageId(2));
        all.push(operation(&["copy-page"], &["--from-page", &page.to_string(), "--to-page", &other.to_string()]));
    }
    all
}

#[test]
fn every_copy_is_bbolts_byte_for_byte_and_is_told_in_its_words() {
    let Some(bbolt) = std::env::var_os("BBOLT").filter(|path| !path.is_empty()) else {
        println!("skipped: BBOLT not set");
        return;
    };
    let queue = Mutex::new(databases().into_iter());
    let next = || queue.lock().unwrap().next();
    let sum = thread::scope(|scope| {
        let work = || std::iter::from_fn(next).map(|name| compare(&bbolt, &name)).fold([0; 3], add);
        let threads = thread::available_parallelism().map_or(2, usize::from);
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).fold([0; 3], add)
    });
    let [same, refused, theirs_failed] = sum;
    println!(
        "{same} copies are bbolt's, {refused} of them refused without --force; bbolt itself refuses {theirs_failed} others"
    );
    assert!(same > 700 && refused > 200 && same - refused > 200, "{same} {refused}");
}

fn add(a: [u32; 3], b: [u32; 3]) -> [u32; 3] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// Does everything to one file, with and without force: how many copies are bbolt's, how many of them are refused
/// without force, and how many bbolt does not make.
fn compare(bbolt: &OsStr, name: &str) -> [u32; 3] {
    let mut sum = [0; 3];
    let bytes = database(name);
    if bytes.len() > 1 << 20 {
        return sum;
    }
    let desk = Desk::of(bytes);
    for operation in operations(&desk.before) {
        let (forced, ours) = desk.run(&operation, true);
        let Some((out, copy)) = desk.bbolt(bbolt, &operation) else {
            sum[2] += 1;
            continue;
        };
        let words = format!("{name}: {operation:?}: {}", forced.err);
        assert_eq!(forced.status, 0, "{words}");
        assert_eq!(String::from_utf8_lossy(&forced.out), String::from_utf8_lossy(&out), "{words}");
        assert!(ours.as_ref() == Some(&copy), "{words}: the bytes differ");
        let (unforced, ours) = desk.run(&operation, false);
        match unforced.status {
            0 => assert!(ours == Some(copy) && unforced.out == out, "{words}"),
            6 => sum[1] += 1,
            status => panic!("{words}: {status}"),
        }
        // What is refused is what is said when it is forced, and nothing else is.
        let said = ["provable", "Go's writer", "open it"].iter().any(|word| forced.err.contains(word));
        assert_eq!(unforced.status == 6, said, "{words}");
        sum[0] += 1;
    }
    sum
}

#[test]
fn metas_are_judged_as_bbolt_judges_them() {
    let bbolt = std::env::var_os("BBOLT").filter(|path| !path.is_empty());
    let sound = database("docker/live-28.5.2.db");
    let spoil = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        bytes
    };
    for (bytes, status, expected) in [
        (sound.clone(), 0, "The meta page 0 is valid!\nThe meta page 1 is valid!\n"),
        (spoil(16), 1, "WARNING: The meta page 0 isn't valid: invalid database!\nThe meta page 1 is valid!\n"),
        (spoil(4096 + 20), 1, "The meta page 0 is valid!\nWARNING: The meta page 1 isn't valid: version mismatch!\n"),
        (spoil(4096 + 72), 1, "The meta page 0 is valid!\nWARNING: The meta page 1 isn't valid: checksum error!\n"),
    ] {
        let desk = Desk::of(bytes);
        let line = [OsStr::new("surgery"), "meta".as_ref(), "validate".as_ref(), desk.file.as_os_str()];
        let ours = unbolt(line);
        assert_eq!((ours.status, ours.text(), ours.err.as_str()), (status, expected, ""));
        if let Some(bbolt) = &bbolt {
            let theirs = Command::new(bbolt).args(line).output().unwrap();
            assert_eq!(String::from_utf8(theirs.stdout).unwrap(), expected);
        }
    }
    let both = Desk::of([&spoil(72)[..4096], &spoil(4096 + 72)[4096..]].concat());
    let ours = unbolt([OsStr::new("surgery"), "meta".as_ref(), "validate".as_ref(), both.file.as_os_str()]);
    let expected =
        "WARNING: The meta page 0 isn't valid: checksum error!\nWARNING: The meta page 1 isn't valid: checksum error!\n";
    assert_eq!((ours.status, ours.text(), ours.err.as_str()), (1, expected, ""));
}

#[test]
fn going_back_to_what_may_never_have_been_committed_is_refused() {
    let desk = Desk::with("docker/networks-stopped-20.10.24.db");
    let revert = operation(&["revert-meta-page"], &[]);
    let (refused, _) = desk.run(&revert, false);
    assert_eq!((refused.status, refused.text()), (6, ""));
    assert!(refused.err.contains("not provable") && refused.err.contains("\nhint: --force"), "{}", refused.err);
    let (forced, copy) = desk.run(&revert, true);
    assert_eq!((forced.status, forced.text()), (0, "The meta page is reverted.\n"));
    assert!(forced.err.contains("not provable"), "{}", forced.err);
    let (before, after) = (Snapshot::from_bytes(desk.before.clone()).unwrap(), Snapshot::from_bytes(copy.unwrap()).unwrap());
    assert_eq!(after.meta(), &before.metas().previous().unwrap());

    // Of two metas for the same pages, as in a backup, either is as good as the other.
    let (done, _) = Desk::with("bbolt/backup-odd.db").run(&revert, false);
    assert_eq!((done.status, done.err.as_str()), (0, ""));
}

#[test]
fn a_torn_meta_is_replaced_by_the_good_one_and_never_sealed_unasked() {
    let desk = Desk::with("docker/networks-stopped-20.10.24.db");
    let snapshot = Snapshot::from_bytes(desk.before.clone()).unwrap();
    let (current, older) = (*snapshot.meta(), snapshot.metas().previous().unwrap());
    let newer = snapshot.metas().slots.iter().position(|slot| slot.meta == Ok(current)).unwrap();
    let mut torn = desk.before.clone();
    torn[newer * 4096 + 72] ^= 0xff;
    let desk = Desk::of(torn.clone());
    let (done, copy) = desk.run(&operation(&["revert-meta-page"], &[]), false);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(Snapshot::from_bytes(copy.unwrap()).unwrap().metas().slots.map(|slot| slot.meta.unwrap().root), [older.root; 2]);

    // The good one is on the other page than bbolt thinks, for the torn one has the smaller number.
    let mut lower = torn;
    let fake = encode_meta(PageId(newer as u64), &Meta { txid: TxId(1), ..current }, snapshot.layout());
    lower[newer * 4096..][..80].copy_from_slice(&fake[..80]);
    lower[newer * 4096 + 72] ^= 0xff;
    let (done, copy) = Desk::of(lower).run(&operation(&["revert-meta-page"], &[]), false);
    assert_eq!(done.status, 0, "{}", done.err);
    assert_eq!(Snapshot::from_bytes(copy.unwrap()).unwrap().meta().root, older.root);

    for seals in
        [operation(&["freelist", "abandon"], &[]), operation(&["meta", "update"], &["--meta-page", &newer.to_string()])]
    {
        let (refused, _) = desk.run(&seals, false);
        assert_eq!(refused.status, 6, "{seals:?}");
        assert!(refused.err.contains("not provable"), "{}", refused.err);
        let (forced, copy) = desk.run(&seals, true);
        assert_eq!(forced.status, 0, "{}", forced.err);
        assert_eq!(Snapshot::from_bytes(copy.unwrap()).unwrap().meta().root, current.root);
    }
}

#[test]
fn metas_that_both_fail_are_mended_where_that_is_forced() {
    let sound = database("docker/live-28.5.2.db");
    let mut bytes = sound.clone();
    for meta in [0, 4096] {
        bytes[meta + 16..meta + 24].fill(0);
    }
    let desk = Desk::of(bytes);
    for page in ["0", "1"] {
        let update = operation(&["meta", "update"], &["--meta-page", page]);
        let (refused, _) = desk.run(&update, false);
        assert_eq!(refused.status, 6, "{}", refused.err);
        let (forced, copy) = desk.run(&update, true);
        assert_eq!(
            (forced.status, forced.text()),
            (0, &*format!("The meta page {page} has been updated!\n")),
            "{}",
            forced.err
        );
        let slot = Snapshot::from_bytes(copy.unwrap()).unwrap().metas().slots[usize::from(page == "1")];
        let expected = Snapshot::from_bytes(sound.clone()).unwrap().metas().slots[usize::from(page == "1")];
        assert_eq!(slot.meta.unwrap().root, expected.meta.unwrap().root);
    }
    for other in [operation(&["revert-meta-page"], &[]), operation(&["freelist", "rebuild"], &[])] {
        let (refused, _) = desk.run(&other, true);
        assert_eq!(refused.status, 5, "{other:?}: {}", refused.err);
    }
}

#[test]
fn a_list_is_made_anew_only_where_there_is_none() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let rebuild = operation(&["freelist", "rebuild"], &[]);
    let (refused, _) = desk.run(&rebuild, false);
    assert_eq!(refused.status, 6);
    assert!(
        refused.err.contains("has a list of free pages already\nhint: `unbolt surgery freelist abandon`"),
        "{}",
        refused.err
    );
    let (done, copy) = desk.run(&operation(&["freelist", "abandon"], &[]), false);
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    let desk = Desk::of(copy.unwrap());
    let (done, copy) = desk.run(&rebuild, false);
    assert_eq!((done.status, done.err.as_str(), done.text()), (0, "", "The freelist was successfully rebuilt.\n"));
    unbolt::tree::verify(Snapshot::from_bytes(copy.unwrap()).unwrap().pages()).unwrap();
}

#[test]
fn nothing_that_is_there_is_replaced_and_usage_is_tested_before_any_file() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let there = desk.path("there.db");
    fs::write(&there, "precious").unwrap();
    for out in [&there, &desk.file] {
        for force in [&[][..], &["--force".into()]] {
            let mut line = desk.line(&operation(&["freelist", "abandon"], &[]), out);
            line.extend_from_slice(force);
            let refused = unbolt(line);
            assert_eq!((refused.status, refused.out.len()), (6, 0), "{}", refused.err);
            assert!(!refused.err.contains("hint"), "{}", refused.err);
        }
    }
    assert_eq!(fs::read(&there).unwrap(), b"precious");
    assert!(fs::read(&desk.file).unwrap() == desk.before);
    for (command, options) in [
        (&["copy-page"][..], &["--from-page", "3", "--to-page", "3"][..]),
        (&["clear-page"], &["--pageId", "1"]),
        (&["clear-page-elements"], &["--pageId", "0", "--from-index", "0", "--to-index", "-1"]),
        (&["clear-page-elements"], &["--pageId", "3", "--from-index", "-1", "--to-index", "2"]),
    ] {
        let words = ["surgery"].iter().chain(command).chain(&["/nowhere", "--output", "/nowhere/else"]).chain(options);
        assert_eq!(unbolt(words).status, 2, "{command:?} {options:?}");
    }
}

#[test]
fn what_cannot_be_done_is_a_no_or_says_what_is_damaged() {
    let desk = Desk::with("docker/live-28.5.2.db");
    let snapshot = Snapshot::from_bytes(desk.before.clone()).unwrap();
    let list = snapshot.meta().freelist.unwrap();
    let root = snapshot.meta().root;
    let count = snapshot.page(root).unwrap().count();
    for (operation, status, words) in [
        (on_elements(list, 0, -1), 1, "is neither a branch nor a leaf".to_owned()),
        (on_elements(root, 0, 0), 2, "elements 0 to 0, that one not among them, are none".to_owned()),
        (on_elements(root, usize::from(count), -1), 2, format!("elements {count} to {count}, that one")),
        (on_elements(root, 0, i64::from(count) + 1), 1, format!("has no elements 0 to {}, only {count}", count + 1)),
        (on_elements(PageId(1 << 40), 0, -1), 5, "the file ends at".to_owned()),
        (on_elements(PageId(u64::MAX), 0, -1), 5, "the file ends at".to_owned()),
    ] {
        let (ended, _) = desk.run(&operation, true);
        assert_eq!(ended.status, status, "{operation:?}: {}", ended.err);
        assert!(ended.err.contains(&words), "{operation:?}: {}", ended.err);
    }
    let (failed, _) = desk.run(&operation(&["copy-page"], &["--from-page", "0", "--to-page", &u64::MAX.to_string()]), true);
    assert_eq!(failed.status, 3, "{}", failed.err);
}

#[test]
fn of_a_database_that_changes_meanwhile_no_copy_is_made() {
    let desk = Desk::with("docker/networks-stopped-20.10.24.db");
    let out = desk.path("ours.db");
    for operation in [operation(&["freelist", "abandon"], &[]), on_elements(PageId(1 << 40), 0, -1)] {
        let scribble = |path: &Path, _| {
            let mut bytes = fs::read(path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(path, bytes).unwrap();
        };
        let ended = changed_meanwhile(scribble, desk.line(&operation, &out));
        assert_eq!((ended.status, ended.text()), (3, ""), "{operation:?}: {}", ended.err);
        assert!(ended.err.contains("source.db: changed while it was copied: no copy was made"), "{}", ended.err);
        assert_eq!(fs::read_dir(desk.directory.path()).unwrap().count(), 1, "{operation:?}: nothing is left behind");
    }
}

#[test]
fn the_copy_of_a_database_without_a_list_gets_the_list_that_bbolt_gives_it() {
    let Some(bbolt) = std::env::var_os("BBOLT").filter(|path| !path.is_empty()) else {
        println!("skipped: BBOLT not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for pages in [1_u64, 40, 3000] {
        let path = folder.path().join(format!("{pages}.db"));
        let db = Db::options().freelist(FreelistMode::Never).open(&path).unwrap();
        for round in 0..4_u64 {
            db.update(|tx| {
                let mut bucket = tx.create_bucket_if_missing("b")?;
                (0..pages).try_for_each(|key| bucket.put((key ^ round).to_be_bytes(), [7; 600]))
            })
            .unwrap();
        }
        drop(db);
        let desk = Desk::of(fs::read(&path).unwrap());
        let rebuild = operation(&["freelist", "rebuild"], &[]);
        let (out, copy) = desk.bbolt(&bbolt, &rebuild).unwrap();
        let (done, ours) = desk.run(&rebuild, false);
        assert_eq!((done.status, &done.out), (0, &out), "{}", done.err);
        assert!(ours == Some(copy), "{pages}");
    }
}

#[test]
fn every_test_that_the_page_on_forensics_names_is_there() {
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let tests = fs::read_dir("tests").unwrap().map(|entry| entry.unwrap().path());
    let tests: String = tests.filter(|path| path.extension().is_some_and(|rs| rs == "rs")).map(|path| read(&path)).collect();
    let page = read("docs/forensics.md".as_ref());
    let names: Vec<&str> = page.split('`').skip(1).step_by(2).filter(|word| word.matches('_').count() >= 4).collect();
    assert!(names.len() > 12, "{names:?}");
    names.iter().for_each(|name| assert!(tests.contains(&format!("fn {name}()")), "{name}"));
}
