//! Promise: `bench` takes bbolt's arguments, prints bbolt's lines, does what each option says, and touches nothing but
//! the database that it makes.

#![cfg(feature = "cli")]

mod command;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use command::{Outcome, database, unbolt};
use tempfile::TempDir;
use unbolt::check::check_snapshot;
use unbolt::{Db, Entry, Snapshot, Storage};

/// A folder for the database of a benchmark, which is told to leave it there.
struct Bench {
    folder: TempDir,
    outcome: Outcome,
}

impl Bench {
    fn run(options: &[&str]) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.db");
        let words = ["bench", "--work", "--path", path.to_str().unwrap()];
        let outcome = unbolt(words.iter().chain(options).copied());
        assert_eq!(outcome.status, 0, "{options:?}: {}", outcome.err);
        let snapshot = Snapshot::open(&path).unwrap();
        check_snapshot(&snapshot, &mut |finding| panic!("{finding}")).unwrap();
        Bench { folder, outcome }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("bench.db")
    }

    /// The pairs, each with the name of the nested bucket that it is in.
    fn pairs(&self) -> Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> {
        let db = Db::options().read_only(true).open(self.path()).unwrap();
        let tx = db.begin_read().unwrap();
        let mut pairs = Vec::new();
        for entry in tx.bucket("bench").unwrap().expect("bbolt's name").iter() {
            let (name, entry) = entry.unwrap();
            let Entry::Bucket(nested) = entry else {
                pairs.push((Vec::new(), name.to_vec(), entry.value().unwrap().to_vec()));
                continue;
            };
            for entry in nested.iter() {
                let (key, entry) = entry.unwrap();
                pairs.push((name.to_vec(), key.to_vec(), entry.value().unwrap().to_vec()));
            }
        }
        pairs
    }
}

fn number(key: &[u8]) -> u32 {
    u32::from_be_bytes(*key.first_chunk().unwrap())
}

#[test]
fn keys_and_values_are_bbolts() {
    let bench = Bench::run(&["--count", "50", "--key-size", "6", "--value-size", "3"]);
    let expected: Vec<_> = (1..=50_u8).map(|number| (Vec::new(), vec![0, 0, 0, number, 0, 0], vec![0; 3])).collect();
    assert_eq!(bench.pairs(), expected);

    let nested = Bench::run(&["--write-mode", "seq-nest", "--count", "50", "--batch-size", "25", "--read-mode", "rnd"]);
    let names: Vec<u32> = nested.pairs().iter().map(|(name, ..)| number(name)).collect();
    let keys: Vec<u32> = nested.pairs().iter().map(|(_, key, _)| number(key)).collect();
    assert_eq!(names, [[1; 25], [27; 25]].concat());
    assert_eq!(keys, (2..=26).chain(28..=52).collect::<Vec<_>>());
    let (_, key, value) = &nested.pairs()[0];
    assert_eq!((key.len(), value.len()), (8, 32));
}

#[test]
fn random_keys_are_random() {
    let runs = ["rnd", "rnd-nest"].map(|mode| Bench::run(&["--write-mode", mode, "--count", "500", "--batch-size", "100"]));
    for bench in &runs {
        let keys: Vec<u32> = bench.pairs().iter().map(|(_, key, _)| number(key)).collect();
        assert!((490..=500).contains(&keys.len()), "{}", keys.len());
        // By chance once in 2^490 runs.
        assert!(keys.iter().any(|key| *key > u32::MAX / 2) && keys.iter().any(|key| *key < u32::MAX / 2));
    }
    assert_ne!(runs[0].pairs(), runs[1].pairs());
    let names: std::collections::BTreeSet<u32> = runs[1].pairs().iter().map(|(name, ..)| number(name)).collect();
    assert_eq!(names.len(), 5);
}

/// The numbers in a line of bbolt's: operations, nanoseconds in all, nanoseconds for each, operations per second.
fn parsed(line: &str, what: &str) -> Option<[u128; 4]> {
    let [name, operations, time, each, rate] = line.split('\t').collect::<Vec<_>>()[..] else { return None };
    let each = nanoseconds(each.strip_prefix('(')?.strip_suffix("/op)")?)?;
    let rate = rate.strip_prefix('(')?.strip_suffix(" op/sec)")?.parse().ok()?;
    let operations = operations.strip_suffix("(ops)")?.parse().ok()?;
    (name == format!("# {what}")).then_some([operations, nanoseconds(time)?, each, rate])
}

/// A span of time below a minute as Go writes it.
fn nanoseconds(text: &str) -> Option<u128> {
    let (number, digits) = match text {
        "0s" => return Some(0),
        _ if text.ends_with("ns") => (text.strip_suffix("ns")?, 0),
        _ if text.ends_with("µs") => (text.strip_suffix("µs")?, 3),
        _ if text.ends_with("ms") => (text.strip_suffix("ms")?, 6),
        _ => (text.strip_suffix('s')?, 9),
    };
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    let well_formed = rest.len() <= digits && !rest.ends_with('0') && !number.ends_with('.') && !whole.starts_with('0');
    well_formed.then(|| format!("{whole}{rest:0<digits$}").parse().ok())?
}

/// The numbers in a line of Go's benchmarks: operations, and nanoseconds for each.
fn parsed_as_gos(line: &str, what: &str) -> Option<(u64, f64)> {
    let [name, operations, each] = line.split('\t').collect::<Vec<_>>()[..] else { return None };
    let value = each.strip_suffix(" ns/op")?;
    let point = value.find('.').unwrap_or(value.len());
    let aligned = name == what && operations.len() >= 8 && point == 10;
    aligned.then_some((operations.trim_start().parse().ok()?, value.trim_start().parse().ok()?))
}

/// That an output is one of bbolt's, whoever wrote it.
fn judge(out: &str, options: &[&str], count: u128) {
    let lines: Vec<&str> = out.split('\n').collect();
    let [write, read, "", ""] = lines[..] else { panic!("{options:?}: {out}") };
    if options.iter().any(|option| option.starts_with("--gobench-output")) {
        let (operations, each) = parsed_as_gos(write, "BenchmarkWrite").unwrap_or_else(|| panic!("{write:?}"));
        assert!(u128::from(operations) == count && each > 0.0, "{write:?}");
        let (operations, _) = parsed_as_gos(read, "BenchmarkRead ").unwrap_or_else(|| panic!("{read:?}"));
        assert!(u128::from(operations) >= count, "{read:?}");
    } else {
        let [operations, time, each, _] = parsed(write, "Write").unwrap_or_else(|| panic!("{write:?}"));
        assert!(operations == count && each == time / count, "{write:?}");
        let [operations, time, each, _] = parsed(read, "Read").unwrap_or_else(|| panic!("{read:?}"));
        assert!(operations >= count && time >= 1_000_000_000 && each == time / operations, "{read:?}");
    }
}

const OPTIONS: [&[&str]; 5] = [
    &[],
    &["--count=3000", "--batch-size=1000", "--write-mode=rnd", "--read-mode=rnd", "--no-sync"],
    &["--count", "0x800", "--write-mode", "seq-nest", "--gobench-output", "--page-size", "16384", "--key-size=16"],
    &["--count", "2000", "--batch-size", "500", "--write-mode", "seq-nest", "--read-mode", "rnd", "--fill-percent", "0.9"],
    &["--count", "500", "--gobench-output=true", "--initial-mmap-size", "1048576", "--value-size", "100"],
];

#[test]
fn the_lines_are_bbolts() {
    let bbolt = std::env::var_os("BBOLT").filter(|path| !path.is_empty());
    if bbolt.is_none() {
        println!("skipped: BBOLT not set");
    }
    for (options, count) in OPTIONS.iter().zip([1000, 3000, 2048, 2000, 500]) {
        let ours = unbolt(["bench"].iter().chain(*options).copied());
        assert_eq!(ours.status, 0, "{options:?}: {}", ours.err);
        judge(ours.text(), options, count);
        assert_eq!(ours.err, "starting write benchmark.\nstarting read benchmark.\n", "{options:?}");
        if let Some(bbolt) = &bbolt {
            let theirs = Command::new(bbolt).arg("bench").args(*options).output().unwrap();
            assert!(theirs.status.success(), "{options:?}: {theirs:?}");
            judge(std::str::from_utf8(&theirs.stdout).unwrap(), options, count);
        }
    }
}

#[test]
fn every_option_makes_a_difference_to_the_file() {
    let plain = Bench::run(&["--count", "2000"]);
    let layout = |bench: &Bench| {
        let snapshot = Snapshot::open(bench.path()).unwrap();
        (snapshot.layout().page_size.get(), snapshot.size(), snapshot.meta().txid.0, snapshot.meta().high_water.0)
    };
    let (page_size, size, transactions, pages) = layout(&plain);
    assert_eq!(page_size, 4096);
    assert_eq!(layout(&Bench::run(&["--count", "2000", "--page-size", "1024"])).0, 1024);
    assert!(layout(&Bench::run(&["--count", "2000", "--fill-percent", "1.0"])).3 < pages);
    assert!(layout(&Bench::run(&["--count", "2000", "--initial-mmap-size", "4194304", "--value-size", "4000"])).1 > size);
    assert_eq!(layout(&Bench::run(&["--count", "2000", "--batch-size", "200"])).2, transactions + 9);
    let words = format!("work: {}\n", plain.path().display());
    assert!(plain.outcome.err.starts_with(&words), "{}", plain.outcome.err);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(plain.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_sync_leaves_out_the_syncs() {
    if Command::new("strace").arg("-V").stdout(std::process::Stdio::null()).status().is_err() {
        return eprintln!("skipped: no strace");
    }
    let syncs = |options: &[&str]| {
        let trace = tempfile::NamedTempFile::new().unwrap();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-e", "trace=fsync,fdatasync", "-o"]).arg(trace.path());
        strace.arg(env!("CARGO_BIN_EXE_unbolt")).args(["bench", "--count", "200", "--batch-size", "10"]).args(options);
        assert!(strace.output().unwrap().status.success());
        fs::read_to_string(trace.path()).unwrap().lines().filter(|line| line.contains("sync(")).count()
    };
    let (with, without) = (syncs(&[]), syncs(&["--no-sync"]));
    // Two for each transaction, and those of the creation.
    assert!(with >= 40 && without <= with - 40, "{with} with, {without} without");
}

#[test]
fn the_database_goes_unless_it_is_to_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbolt"));
    let output = command.arg("bench").env("TMPDIR", folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(unbolt(["bench", "--path", path.to_str().unwrap()]).status, 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let output = Command::new(env!("CARGO_BIN_EXE_unbolt")).args(["bench", "--work"]).env("TMPDIR", folder.path()).output();
    let err = String::from_utf8(output.unwrap().stderr).unwrap();
    let kept = Path::new(err.lines().next().unwrap().strip_prefix("work: ").unwrap());
    assert!(
        kept.starts_with(folder.path()) && Snapshot::open(kept).unwrap().root().unwrap().bucket(b"bench").unwrap().is_some()
    );
}

#[test]
fn a_file_that_holds_anything_is_neither_written_to_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("precious.db");
    let bench = |options: &[&str]| {
        let words = ["bench".into(), "--path".into(), path.clone().into_os_string()];
        unbolt(words.into_iter().chain(options.iter().map(OsString::from)))
    };
    for (bytes, status) in [(database("docker/live-20.10.24.db"), 6), (b"my notes".to_vec(), 5)] {
        fs::write(&path, &bytes).unwrap();
        for options in [&[][..], &["--work"]] {
            let outcome = bench(options);
            assert_eq!((outcome.status, outcome.text()), (status, ""), "{}", outcome.err);
            assert!(fs::read(&path).unwrap() == bytes);
        }
    }
    // An empty file, as `mktemp` makes one, holds nothing.
    fs::write(&path, b"").unwrap();
    assert_eq!(bench(&["--work"]).status, 0);
    let err = bench(&[]).err;
    assert!(err.contains(": is there already, and would be written to and removed\nhint: "), "{err}");

    let lock = Db::open(&path).unwrap();
    assert_eq!(bench(&[]).status, 4);
    drop(lock);
    assert!(path.exists());
    assert_eq!(unbolt(["bench", "--path", "/no/such/folder/bench.db"]).status, 3);
}

#[test]
fn what_cannot_be_done_is_refused_as_wrong_usage() {
    for options in [
        &["--count", "10", "--batch-size", "3"][..],
        &["--count", "0"],
        &["--count", "4294967296"],
        &["--write-mode", "seq-del"],
        &["--read-mode", "all"],
        &["--key-size", "3"],
        &["--key-size", "32769"],
        &["--value-size", "2147483647"],
        &["--page-size", "4097"],
        &["--fill-percent", "NaN"],
        &["a.db"],
    ] {
        let outcome = unbolt(["bench"].iter().chain(options).copied());
        assert_eq!((outcome.status, outcome.text()), (2, ""), "{options:?}: {}", outcome.err);
    }
    for option in ["--profile-mode", "--cpuprofile", "--memprofile", "--blockprofile"] {
        let outcome = unbolt(["bench", option, "rw"]);
        let words = format!("unbolt: {option} is for Go's own profiler, which is not in this program\nhint: ");
        assert!(outcome.status == 2 && outcome.err.starts_with(&words), "{}", outcome.err);
    }
}
