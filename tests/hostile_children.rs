//! The program itself on damaged files, with little address space: it ends by itself, with a documented status, and
//! leaves bytes and times of the file alone.
#![cfg(all(unix, feature = "cli"))]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use support::commands::{UNWRITABLE, lines};
use support::patient::File;
use support::testdata::databases_up_to;

/// How many times the program is started.
const SAMPLE: usize = 3000;
/// The address space that it gets, in KiB.
const ADDRESSES: u32 = 256 << 10;

/// Numbers that look random and can be had again.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }
}

/// The seed: that of an earlier run in `SEED`, or a new one.
fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64 | 1);
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(now)
}

#[test]
fn the_program_ends_with_a_status_on_every_damaged_file_and_changes_nothing() {
    let files: Vec<_> = databases_up_to(65536).iter().map(File::of).collect();
    let seed = seed();
    println!("SEED={seed}");
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let files = &files;
            scope.spawn(move || sample(files, seed.wrapping_add((thread as u64) << 32), SAMPLE.div_ceil(threads)));
        }
    });
}

fn sample(files: &[File], seed: u64, times: usize) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("local-kv.db");
    let mut random = Random(seed.max(1));
    for _ in 0..20 {
        random.below(1);
    }
    for _ in 0..times {
        let file = &files[random.below(files.len())];
        let damage = file.damages[random.below(file.damages.len())];
        let image = damage.done_to(&file.sound);
        std::fs::write(&path, &image).unwrap();
        let lines = lines(&path, &file.map.asked);
        let line = &lines[random.below(lines.len())];
        let before = state(&path);
        let (status, err) = start(line);
        let what = format!("seed {seed}: {}: {damage:?}: {line:?}: {status:?}: {err}", file.name);
        let unwritable = UNWRITABLE.iter().any(|words| err.contains(words));
        let rehearsed = line.last().is_some_and(|word| word == "--dry-run");
        assert!(
            matches!(status, Some(0 | 1 | 5)) || rehearsed && (status == Some(6) || status == Some(3) && unwritable),
            "{what}"
        );
        assert!(!err.contains("panicked"), "{what}");
        assert!(status == Some(0) || status == Some(1) || err.starts_with("unbolt: "), "{what}");
        assert_eq!(state(&path), before, "{what}");
        assert!(std::fs::read(&path).unwrap() == image, "{what}: the bytes were changed");
    }
}

/// What a writer could not leave as it is.
fn state(path: &Path) -> (u64, SystemTime) {
    let meta = std::fs::metadata(path).unwrap();
    (meta.len(), meta.modified().unwrap())
}

/// Runs the program in little address space.
fn start(line: &[std::ffi::OsString]) -> (Option<i32>, String) {
    let limited = format!("ulimit -v {ADDRESSES} && exec \"$0\" \"$@\"");
    let output = Command::new("sh").arg("-c").arg(limited).arg(env!("CARGO_BIN_EXE_unbolt")).args(line).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
