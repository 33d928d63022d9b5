//! Promise: no command that reads a file, and no dry run, leaves a trace on it: bytes, length and times are what they were,
//! on every database of `testdata`, cut, without metas, and damaged in every known way.
//!
//! The commands run in process on real files. `no_write` shows the same by the calls that a few files were asked for.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod support;

use std::ffi::OsString;
use std::fs::{self, File, FileTimes};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use support::commands::{Asked, lines};
use support::damage::Base;
use support::patient::Map;
use support::specimens::{self, Specimen};
use support::testdata::databases;
use tempfile::TempDir;
use unbolt::cli::{Context, Status, run};
use unbolt::forensic::Evidence;
use unbolt::{Db, Snapshot};

/// What is longer than this is looked at whole, not its parts, and by those commands alone that are for evidence.
const LARGE: u64 = 16 << 20;
/// The commands that are for evidence.
const FORENSIC: [&str; 8] = ["history", "audit", "report", "recover", "carve", "diff", "snapshot", "surgery"];

/// A file in a directory of its own, and how it was before anybody looked.
struct Exhibit {
    _folder: TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
    /// When it is said to have been written, and read a day before.
    modified: SystemTime,
    accessed: SystemTime,
}

impl Exhibit {
    fn new(bytes: Vec<u8>) -> Exhibit {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("local-kv.db");
        fs::write(&path, &bytes).unwrap();
        let days = |days: u64| SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        Exhibit { _folder: folder, path, bytes, modified: days(2), accessed: days(3) }
    }

    /// What somebody does to it that can be seen afterwards.
    fn traces(&self, look: impl FnOnce(&Path)) -> Vec<&'static str> {
        let times = FileTimes::new().set_modified(self.modified).set_accessed(self.accessed);
        File::open(&self.path).unwrap().set_times(times).unwrap();
        let before = fs::metadata(&self.path).unwrap();
        look(&self.path);
        let Ok(after) = fs::metadata(&self.path) else { return vec!["name"] };
        let time = |meta: &fs::Metadata| (meta.mtime(), meta.mtime_nsec());
        let access = |meta: &fs::Metadata| (meta.atime(), meta.atime_nsec());
        let changed = [
            ("inode", before.ino() != after.ino()),
            ("length", before.size() != after.size()),
            ("mode", before.mode() != after.mode()),
            ("time of change", time(&before) != time(&after)),
            ("time of access", access(&before) != access(&after)),
            // This reads it, so it comes last.
            ("bytes", !self.is_the_same()),
        ];
        changed.into_iter().filter(|(_, is)| *is).map(|(what, _)| what).collect()
    }

    /// Whether every byte is what it was, and so any hash of them.
    fn is_the_same(&self) -> bool {
        let (mut file, mut buffer) = (File::open(&self.path).unwrap(), vec![0; 1 << 16]);
        let mut rest = &self.bytes[..];
        loop {
            let read = file.read(&mut buffer).unwrap();
            match rest.split_at_checked(read) {
                Some((expected, after)) if read > 0 && expected == &buffer[..read] => rest = after,
                _ => return read == 0 && rest.is_empty(),
            }
        }
    }
}

/// Runs a command as the program does, but for what it prints.
fn in_process(line: &[OsString]) -> (Status, String) {
    let mut err = Vec::new();
    let mut context = Context {
        open: &|path| Snapshot::open(path),
        open_evidence: &|path, assumed| Evidence::open_as(path, assumed),
        open_to_write: &|path, options| options.open(path),
        input: &mut io::empty(),
        out: &mut io::sink(),
        err: &mut err,
        color: false,
        progress: false,
    };
    let status = run(["unbolt".into()].into_iter().chain(line.iter().cloned()), &mut context);
    (status, String::from_utf8_lossy(&err).into_owned())
}

/// Runs every command that leaves a file as it is: how many there were.
fn look_at((name, bytes): Specimen, asked: &Asked) -> usize {
    let exhibit = Exhibit::new(bytes);
    let mut lines = lines(&exhibit.path, asked);
    lines.retain(|line| exhibit.bytes.len() as u64 <= LARGE || FORENSIC.iter().any(|name| line[0] == *name));
    for line in &lines {
        let mut ended = None;
        let traces = exhibit.traces(|_| ended = Some(in_process(line)));
        assert_eq!(traces, Vec::<&str>::new(), "{name}: {line:?}: {ended:?}");
        // A command that does not start leaves no trace either.
        assert!(ended.is_some_and(|(status, _)| status != Status::Usage), "{name}: {line:?}");
    }
    lines.len()
}

/// Whether reading a file sets the time of its last access where it lies.
fn keeps_times_of_access(exhibit: &Exhibit) -> bool {
    exhibit.traces(|path| drop(fs::read(path).unwrap())) == ["time of access"]
}

#[test]
fn no_command_that_reads_leaves_a_trace_on_any_database() {
    let queue = Mutex::new(databases().into_iter());
    let next = || queue.lock().unwrap().next();
    let work = || {
        let (mut files, mut commands) = (0, 0);
        while let Some(database) = next() {
            let asked = Map::of(&database.bytes()).asked;
            let mut specimens = specimens::of(&database);
            // The parts of a large one show nothing that those of a small one do not.
            let large = database.size() > LARGE;
            for specimen in specimens.drain(if large { specimens.len() - 1.. } else { 0.. }) {
                (files, commands) = (files + 1, commands + look_at(specimen, &asked));
            }
        }
        (files, commands)
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let (files, commands) = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let done = running.into_iter().map(|thread| thread.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
        done.fold((0, 0), |sum, done| (sum.0 + done.0, sum.1 + done.1))
    });
    println!("{commands} commands on {files} files");
    assert!(files > 290 && commands > 90 * files, "{commands} commands on {files} files");
}

#[test]
fn no_command_that_reads_leaves_a_trace_on_a_damaged_file() {
    let asked = Map::of(&Base::new().bytes).asked;
    let commands: Vec<usize> = specimens::damaged().into_iter().map(|specimen| look_at(specimen, &asked)).collect();
    println!("{} commands on {} files", commands.iter().sum::<usize>(), commands.len());
    assert!(commands.len() > 73 && commands.iter().all(|count| *count > 90), "{commands:?}");
}

#[test]
fn whatever_is_done_to_a_file_is_noticed() {
    let exhibit = Exhibit::new(fs::read("testdata/golden/V1.db").unwrap());
    let later = |path: &Path| File::open(path).unwrap().set_modified(exhibit.modified).unwrap();
    assert_eq!(exhibit.traces(|_| {}), Vec::<&str>::new());
    assert_eq!(exhibit.traces(|path| fs::write(path, &exhibit.bytes).unwrap()), ["time of change"]);
    let one = |path: &Path| {
        let mut bytes = exhibit.bytes.clone();
        bytes[9000] ^= 1;
        fs::write(path, bytes).unwrap();
        later(path);
    };
    assert_eq!(exhibit.traces(one), ["bytes"]);
    fs::write(&exhibit.path, &exhibit.bytes).unwrap();
    let another = |path: &Path| {
        fs::copy(path, path.with_extension("new")).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    };
    assert!(exhibit.traces(another).contains(&"inode"));
    let database = |path: &Path| {
        Db::open(path).unwrap().update(|tx| tx.create_bucket("new").map(drop)).unwrap();
        later(path);
    };
    assert!(exhibit.traces(database).contains(&"bytes"));
    assert_eq!(exhibit.traces(|path| fs::remove_file(path).unwrap()), ["name"]);
    let exhibit = Exhibit::new(exhibit.bytes);
    if !keeps_times_of_access(&exhibit) {
        println!("times of access are not kept here, so nothing is known of them");
    }
}

/// Starts the program for one who is prepared so by these words of a shell; `$0` is the program, FILE the file.
fn start(prepared: &str, file: &Path, line: &[OsString]) -> Output {
    let script = format!("{} exec \"$0\" \"$@\"", prepared.replace("FILE", file.to_str().unwrap()));
    Command::new("unshare").args(["--mount", "sh", "-ec", &script, env!("CARGO_BIN_EXE_unbolt")]).args(line).output().unwrap()
}

/// Whether that can be done here.
fn can_start(prepared: &str, file: &Path) -> bool {
    let started = Command::new("unshare").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    let can = started && start(prepared, file, &["version".into()]).status.success();
    if !can {
        println!("skipped: {prepared}: not possible here");
    }
    can
}

#[test]
fn every_command_that_reads_works_on_a_mount_that_cannot_be_written_to() {
    let bytes = fs::read("testdata/docker/networks-stopped-20.10.24.db").unwrap();
    let (exhibit, elsewhere) = (Exhibit::new(bytes), tempfile::tempdir().unwrap());
    let read_only = format!("mount --bind {0} {0}; mount -o remount,ro,bind {0};", exhibit.path.parent().unwrap().display());
    if !can_start(&read_only, &exhibit.path) {
        return;
    }
    let touched = start(&format!("{read_only} ! touch FILE 2>/dev/null;"), &exhibit.path, &["version".into()]);
    assert!(touched.status.success(), "it cannot be written to: {touched:?}");
    // What is made is made beside the link.
    let link = elsewhere.path().join("local-kv.db");
    std::os::unix::fs::symlink(&exhibit.path, &link).unwrap();
    for line in lines(&link, &Map::of(&exhibit.bytes).asked) {
        let ended = start(&read_only, &exhibit.path, &line);
        // A dry run says what the change would be refused for; an import is given nothing.
        let is_import = line.iter().any(|word| word == "import");
        assert!(matches!(ended.status.code(), Some(0 | 1 | 6)) || is_import, "{line:?}: {ended:?}");
    }
}

#[test]
fn of_a_file_of_somebody_elses_it_is_said_that_reading_it_may_set_the_time_of_access() {
    let exhibit = Exhibit::new(fs::read("testdata/docker/live-20.10.24.db").unwrap());
    let another = "chown 65534 FILE; exec setpriv --bounding-set=-fowner --inh-caps=-fowner";
    let another = format!("{another} -- \"$0\" \"$@\";");
    if !can_start(&another, &exhibit.path) {
        return;
    }
    for command in ["history", "audit", "diff"] {
        let mut line: Vec<OsString> = vec![command.into(), exhibit.path.clone().into()];
        line.extend((command == "diff").then(|| exhibit.path.clone().into()));
        let ended = start(&another, &exhibit.path, &line);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(matches!(ended.status.code(), Some(0 | 1)) && said.contains("may set the time of its last access"), "{said}");
    }
}
