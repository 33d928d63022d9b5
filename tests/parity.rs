//! Promise: for every sound file in testdata, standard output and success are those of bbolt 1.5.0's own command.
//!
//! The environment variable `BBOLT` names that command; without it there is nothing to compare with and the test says so.
//! What to ask of a file (pages, buckets, keys) is learned from bbolt itself, never from this crate.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

const FORMATS: [&str; 5] = ["auto", "ascii-encoded", "hex", "bytes", "redacted"];

/// Comparisons that one file must at least bring about: an empty database has this many.
const FLOOR_PER_FILE: usize = 30;

/// A file beyond this many pages is sampled, where bbolt opens it anew for each page.
const SMALL: u64 = 2000;

/// bbolt does not end on some damaged files.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn standard_output_is_bbolts_for_every_sound_file_in_testdata() {
    let Some(bbolt) = std::env::var_os("BBOLT").filter(|path| !path.is_empty()) else {
        println!("skipped: BBOLT not set");
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let files = databases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"), scratch.path());
    assert!(!files.is_empty(), "testdata holds no database");

    let queue = Mutex::new(files.into_iter());
    let comparisons = AtomicUsize::new(0);
    let differences = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(file) = take(&queue) {
                    let mut pair = Pair { bbolt: &bbolt, file: &file.path, compared: 0, differences: Vec::new() };
                    if !pair.is_sound() {
                        println!("{}: bbolt does not call it sound, passed over", file.name);
                        continue;
                    }
                    pair.compare_everything();
                    println!("{}: {} comparisons", file.name, pair.compared);
                    comparisons.fetch_add(pair.compared, Ordering::Relaxed);
                    let mut all = differences.lock().unwrap();
                    if pair.compared < FLOOR_PER_FILE {
                        all.push(format!("{}: only {} comparisons", file.name, pair.compared));
                    }
                    all.extend(pair.differences);
                }
            });
        }
    });

    let differences = differences.into_inner().unwrap();
    let comparisons = comparisons.into_inner();
    println!("{comparisons} comparisons with bbolt, {} differences", differences.len());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(comparisons >= FLOOR_PER_FILE, "no sound file was compared");
}

fn take<T>(queue: &Mutex<std::vec::IntoIter<T>>) -> Option<T> {
    queue.lock().unwrap().next()
}

/// A database, and what it is called in testdata.
struct Database {
    name: String,
    path: PathBuf,
}

/// Every `*.db` below `root`, and every `*.db.sparse` expanded into `scratch`.
fn databases(root: &Path, scratch: &Path) -> Vec<Database> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if path.is_dir() {
                directories.push(path);
            } else if name.ends_with(".db") {
                found.push(Database { name, path });
            } else if name.ends_with(".db.sparse") {
                let expanded = scratch.join(format!("{}.db", found.len()));
                expand(&path, &expanded).unwrap();
                found.push(Database { name, path: expanded });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Expands records of offset (u64), length (u32) and bytes; one of length zero at the whole length ends them.
fn expand(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = io::BufReader::new(File::open(from)?);
    let mut to = File::create(to)?;
    loop {
        let (mut offset, mut length) = ([0; 8], [0; 4]);
        from.read_exact(&mut offset)?;
        from.read_exact(&mut length)?;
        let (offset, length) = (u64::from_le_bytes(offset), u32::from_le_bytes(length));
        if length == 0 {
            return to.set_len(offset);
        }
        let mut bytes = vec![0; length as usize];
        from.read_exact(&mut bytes)?;
        to.seek(SeekFrom::Start(offset))?;
        to.write_all(&bytes)?;
    }
}

/// How one command ended.
struct Outcome {
    success: bool,
    /// By a panic of Go's or Rust's run time, or by a signal.
    crashed: bool,
    stdout: Vec<u8>,
}

/// Both commands on one file.
struct Pair<'a> {
    bbolt: &'a OsStr,
    file: &'a Path,
    compared: usize,
    differences: Vec<String>,
}

impl Pair<'_> {
    fn is_sound(&self) -> bool {
        run(self.bbolt, &self.arguments::<&str>(&["check"], &[])).is_some_and(|outcome| outcome.success)
    }

    /// `before FILE after`.
    fn arguments<T: AsRef<OsStr>>(&self, before: &[&str], after: &[T]) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = before.iter().map(OsString::from).collect();
        arguments.push(self.file.into());
        arguments.extend(after.iter().map(|argument| argument.as_ref().to_os_string()));
        arguments
    }

    /// Runs both commands, notes a difference, and hands out what bbolt said.
    fn compare<T: AsRef<OsStr>>(&mut self, before: &[&str], after: &[T]) -> Outcome {
        let arguments = self.arguments(before, after);
        let theirs = run(self.bbolt, &arguments).expect("bbolt ends");
        let ours = run(env!("CARGO_BIN_EXE_unbolt").as_ref(), &arguments).expect("unbolt ends");
        self.compared += 1;
        if theirs.crashed {
            // Status 2 is a wrong use of unbolt; here the use was right.
            if ours.crashed {
                self.differences.push(format!("{arguments:?}\n  both crash"));
            }
        } else if ours.success != theirs.success || ours.stdout != theirs.stdout {
            let at = ours.stdout.iter().zip(&theirs.stdout).take_while(|(ours, theirs)| ours == theirs).count();
            self.differences.push(format!(
                "{arguments:?}\n  success: bbolt {} unbolt {}\n  from byte {at} on: bbolt {:?}\n                  unbolt {:?}",
                theirs.success,
                ours.success,
                excerpt(&theirs.stdout, at),
                excerpt(&ours.stdout, at),
            ));
        }
        theirs
    }

    fn compare_everything(&mut self) {
        for command in ["info", "check", "buckets", "stats"] {
            self.compare::<&str>(&[command], &[]);
        }
        let pages = self.compare::<&str>(&["pages"], &[]);
        let structure = self.compare::<&str>(&["inspect"], &[]);
        self.compare_pages(&Layout::of(&pages.stdout));
        self.compare_buckets(&bucket_paths(&structure.stdout));
    }

    fn compare_pages(&mut self, layout: &Layout) {
        let every_id: Vec<u64> = sample((0..layout.end).collect(), if layout.end <= SMALL { usize::MAX } else { 200 });
        for format in FORMATS {
            for ids in every_id.chunks(100) {
                self.compare(&["page", "--format-value", format], &texts(ids));
            }
            if layout.end <= SMALL {
                self.compare::<&str>(&["page", "--all", "--format-value", format], &[]);
            }
        }
        let beyond = [layout.end.to_string(), "1000000000".to_string(), u64::MAX.to_string()];
        self.compare(&["page"], &beyond);
        for ids in [&every_id[..every_id.len().min(2)], &sample(every_id.clone(), 12)[..]] {
            self.compare(&["dump"], &texts(ids));
        }
        self.compare(&["dump"], &["1", "1000000000"]);
        self.compare_items(layout);
        for id in sample(layout.trees.clone(), 10) {
            self.compare::<&str>(&["check", "--from-page", &id.to_string()], &[]);
        }
        for id in [1, layout.end, u64::MAX] {
            self.compare::<&str>(&["check", &format!("--from-page={id}")], &[]);
        }
    }

    fn compare_items(&mut self, layout: &Layout) {
        for (page, items) in sample(layout.leaves.clone(), 6) {
            for item in sample((0..items).collect(), 3) {
                let place = texts(&[page, item]);
                for format in FORMATS {
                    self.compare(&["page-item", "--format", format], &place);
                }
                self.compare(&["page-item", "--key-only"], &place);
                self.compare(&["page-item", "--value-only=true"], &place);
            }
            self.compare(&["page-item"], &texts(&[page, items]));
            self.compare(&["page-item"], &texts(&[page, items + 65536]));
        }
        self.compare(&["page-item", "--key-only", "--value-only"], &["3", "0"]);
        self.compare(&["page-item"], &["0", "0"]);
        for page in sample(layout.trees.clone(), 3) {
            self.compare(&["page-item"], &texts(&[page, 0]));
        }
    }

    fn compare_buckets(&mut self, paths: &[Vec<String>]) {
        for path in sample(paths.to_vec(), 20) {
            for format in FORMATS {
                self.compare(&["keys", "-f", format], &path);
            }
            let keys = run(self.bbolt, &self.arguments(&["keys", "--format", "hex"], &path)).expect("bbolt ends").stdout;
            let keys = String::from_utf8(keys).unwrap().lines().map(str::to_string).collect();
            for key in sample(keys, 3) {
                self.compare_get(&path, &key);
            }
            let mut absent = path.clone();
            absent.push("no such key".to_string());
            self.compare(&["get"], &absent);
            self.compare(&["keys"], &absent);
        }
        for prefix in paths.iter().filter(|path| path.len() == 1).map(|path| &path[0]).take(5) {
            self.compare(&["stats"], &[prefix]);
            self.compare(&["stats"], &[prefix.chars().take(1).collect::<String>()]);
        }
        self.compare(&["stats"], &["no such bucket"]);
        self.compare(&["keys"], &["no such bucket"]);
        self.compare(&["get"], &["no such bucket", "key"]);
    }

    fn compare_get(&mut self, path: &[String], key: &str) {
        let mut words = path.to_vec();
        words.push(key.to_string());
        for format in FORMATS {
            self.compare(&["get", "--parse-format", "hex", "--format", format], &words);
        }
        let decoded = decode(key).and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(text) = decoded.filter(|text| can_be_an_argument(text)) {
            *words.last_mut().unwrap() = text;
            self.compare(&["get"], &words);
            self.compare(&["get", "--parse-format", "ascii-encoded"], &words);
        }
    }
}

/// What bbolt's table of pages says.
struct Layout {
    /// The first page number that is not in use.
    end: u64,
    /// Branch and leaf pages.
    trees: Vec<u64>,
    /// Leaf pages and the number of their items.
    leaves: Vec<(u64, u64)>,
}

impl Layout {
    fn of(table: &[u8]) -> Self {
        let mut layout = Layout { end: 0, trees: Vec::new(), leaves: Vec::new() };
        for line in String::from_utf8_lossy(table).lines().skip(2) {
            let mut words = line.split_whitespace();
            let id: u64 = words.next().unwrap().parse().unwrap();
            let kind = words.next().unwrap();
            let items: u64 = words.next().map_or(0, |items| items.parse().unwrap());
            let overflow: u64 = words.next().map_or(0, |overflow| overflow.parse().unwrap());
            layout.end = id + overflow + 1;
            if kind == "branch" || kind == "leaf" {
                layout.trees.push(id);
            }
            if kind == "leaf" {
                layout.leaves.push((id, items));
            }
        }
        layout
    }
}

/// The paths of all buckets whose names can be given as arguments, from the lines of the indented tree: JSON parsers
/// stop at the depths that buckets reach.
fn bucket_paths(inspected: &[u8]) -> Vec<Vec<String>> {
    let inspected = std::str::from_utf8(inspected).unwrap();
    let mut found = Vec::new();
    let mut path = Vec::new();
    for line in inspected.lines() {
        let Some(name) = line.trim_start().strip_prefix("\"name\": ") else { continue };
        // The root's name stands four spaces in, each level eight more.
        let level = (line.len() - line.trim_start().len()) / 8;
        path.truncate(level);
        path.push(serde_json::from_str::<String>(name.trim_end_matches(',')).unwrap());
        if level > 0 && path.iter().all(|name| can_be_an_argument(name)) {
            found.push(path[1..].to_vec());
        }
    }
    found
}

fn can_be_an_argument(name: &str) -> bool {
    !name.contains(['\0', '\u{fffd}']) && !name.starts_with('-')
}

/// At most `most` of `all`, the same ones each time: spread evenly, the first and the last among them.
fn sample<T: Clone>(all: Vec<T>, most: usize) -> Vec<T> {
    if all.len() <= most {
        return all;
    }
    let last = all.len() - 1;
    let places: BTreeSet<usize> = (0..most).map(|n| n * last / (most - 1)).collect();
    places.into_iter().map(|place| all[place].clone()).collect()
}

fn texts(ids: &[u64]) -> Vec<String> {
    ids.iter().map(u64::to_string).collect()
}

fn decode(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

fn excerpt(bytes: &[u8], from: usize) -> String {
    String::from_utf8_lossy(&bytes[from..bytes.len().min(from + 120)]).into_owned()
}

/// Runs a command to its end; `None` where it had to be stopped.
fn run(program: &OsStr, arguments: &[OsString]) -> Option<Outcome> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let mut output = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stdout = Vec::new();
        output.read_to_end(&mut stdout).expect("a pipe can be read");
        let _ = sender.send(stdout);
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(stdout) => {
            let status = end(&mut child);
            Some(Outcome { success: status.success(), crashed: crashed(status), stdout })
        }
        Err(_) => {
            child.kill().expect("a child can be stopped");
            end(&mut child);
            None
        }
    }
}

fn crashed(status: ExitStatus) -> bool {
    const GO_PANIC: i32 = 2;
    const RUST_PANIC: i32 = 101;
    status.code().is_none_or(|code| code == GO_PANIC || code == RUST_PANIC)
}

fn end(child: &mut Child) -> ExitStatus {
    child.wait().expect("a child ends")
}
