//! A file becomes a database whole or not at all, where its name leads to, and whoever is quicker made it.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use unbolt::store::{BoltStore, DOCKER_BUCKET, Store};
use unbolt::{Db, Directory, Error, HostDirectory, Verify};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// It is a sound database that can be written to and opened again.
fn assert_is_database(path: &Path) {
    for round in 0..2_u8 {
        let db = Db::options().verify(Verify::Tree).open(path).unwrap();
        db.update(|tx| tx.create_bucket_if_missing("b")?.put([round], "v")).unwrap();
    }
    let db = Db::options().read_only(true).verify(Verify::Tree).open(path).unwrap();
    assert_eq!(db.begin_read().unwrap().bucket("b").unwrap().unwrap().iter().count(), 2);
}

#[test]
fn a_new_file_has_the_bytes_and_the_mode_that_go_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    for (page_size, golden) in [(4096, "V0"), (1024, "V0a"), (16384, "V0b")] {
        let path = folder.path().join(golden);
        drop(Db::options().page_size(page_size).open(&path).unwrap());
        assert!(fs::read(&path).unwrap() == fs::read(format!("testdata/golden/{golden}.db")).unwrap(), "{golden}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    }
    for mode in [0o600, 0o640, 0o400] {
        let path = folder.path().join(format!("{mode:o}"));
        let db = Db::options().mode(mode).open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        // An existing file keeps its own.
        drop(db);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        drop(Db::options().mode(0o600).open(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o604);
    }
    assert_eq!(names(folder.path()), ["400", "600", "640", "V0", "V0a", "V0b"], "nothing else is left");
}

#[test]
fn a_link_that_leads_nowhere_yet_stays_and_the_file_is_made_where_it_leads() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("inner")).unwrap();
    symlink("inner/target.db", at("relative")).unwrap();
    symlink(at("inner/other.db"), at("absolute")).unwrap();
    symlink("absolute", at("chain")).unwrap();
    symlink("../inner/third.db", at("inner/up")).unwrap();
    for (link, target) in [
        ("relative", "inner/target.db"),
        ("chain", "inner/other.db"),
        ("absolute", "inner/other.db"),
        ("inner/up", "inner/third.db"),
    ] {
        assert_is_database(&at(link));
        assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
        assert!(fs::symlink_metadata(at(target)).unwrap().is_file(), "{target}");
        fs::remove_file(at(target)).unwrap();
    }
    assert_eq!(names(&at("inner")), ["up"]);
    symlink("loop", at("loop")).unwrap();
    symlink("no such folder/file.db", at("nowhere")).unwrap();
    assert!(matches!(Db::open(at("loop")), Err(Error::Io { op: "open", .. })));
    assert!(Db::open(at("nowhere")).unwrap_err().is_not_found());
    assert!(Db::open(at("no such folder/file.db")).unwrap_err().is_not_found());
    assert!(matches!(Db::open(at("inner")), Err(Error::NotAFile { .. })));
    assert!(Db::options().create(false).open(at("relative")).unwrap_err().is_not_found());
}

#[test]
fn a_name_as_long_as_one_can_be_and_one_without_a_folder_are_names() {
    let folder = tempfile::tempdir().unwrap();
    assert_is_database(&folder.path().join("n".repeat(255)));
    assert!(matches!(Db::open(folder.path().join("n".repeat(256))), Err(Error::Io { .. })));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child_that_creates_what_it_is_told", "--nocapture"]);
    assert!(child.current_dir(folder.path()).env(CHILD, "plain.db").stdout(Stdio::null()).status().unwrap().success());
    assert_is_database(&folder.path().join("plain.db"));
}

#[test]
fn an_empty_or_unfinished_file_becomes_a_database_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let whole = |page_size| {
        let new = folder.path().join("new.db");
        drop(Db::options().page_size(page_size).open(&new).unwrap());
        let bytes = fs::read(&new).unwrap();
        fs::remove_file(&new).unwrap();
        bytes
    };
    for page_size in [1024_u32, 4096, 65536] {
        let image = whole(page_size);
        let metas = 2 * page_size as usize;
        let pages_only = [vec![0; metas], image[metas..].to_vec()].concat();
        let torn = [&image[..40], &vec![0; image.len() - 40]].concat();
        for (unfinished, says) in
            [(Vec::new(), "empty"), (vec![0; image.len()], "creation"), (pages_only, "creation"), (torn, "creation")]
        {
            fs::write(&path, &unfinished).unwrap();
            let inode = fs::metadata(&path).unwrap().ino();
            for read in [Db::options().read_only(true).open(&path), Db::options().create(false).open(&path)] {
                let error = read.unwrap_err();
                assert!(error.to_string().contains(says), "{error}");
            }
            assert!(fs::read(&path).unwrap() == unfinished, "reading finishes nothing");
            // Its length says what its pages are; an empty file has those that are asked for.
            drop(Db::options().page_size(if unfinished.is_empty() { page_size } else { 2048 }).open(&path).unwrap());
            assert!(fs::read(&path).unwrap() == image);
            assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
            assert_is_database(&path);
        }
        // One byte that no new file has there, and it was something else.
        for (at, byte) in [(image.len() - 1, 1), (metas + 100, 7), (300, 9)] {
            let mut other = vec![0; image.len()];
            other[at] = byte;
            fs::write(&path, &other).unwrap();
            assert!(matches!(Db::open(&path), Err(Error::NotBolt { .. })), "{page_size}, byte {at}");
            assert!(fs::read(&path).unwrap() == other);
        }
    }
}

/// The directories of the system, but for what fails.
#[derive(Debug)]
struct Without {
    link: Option<i32>,
    sync: bool,
    /// Somebody else makes the file first.
    quicker: Option<PathBuf>,
}

impl Directory for Without {
    type File = File;

    fn vacant(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        HostDirectory.vacant(path)
    }

    fn open(&self, path: &Path) -> unbolt::Result<File> {
        HostDirectory.open(path)
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<File> {
        HostDirectory.create_new(path, mode)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if let Some(theirs) = &self.quicker {
            fs::copy(theirs, to)?;
        }
        self.link.map_or_else(|| HostDirectory.link(from, to), |error| Err(io::Error::from_raw_os_error(error)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        HostDirectory.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        HostDirectory.remove(path)
    }

    fn make(&self, directory: &Path, mode: u32) -> io::Result<()> {
        HostDirectory.make(directory, mode)
    }

    fn sync(&self, directory: &Path) -> io::Result<()> {
        if self.sync { Err(ErrorKind::Other.into()) } else { HostDirectory.sync(directory) }
    }
}

#[test]
fn where_files_have_no_second_name_the_file_is_made_in_place() {
    // EPERM, EOPNOTSUPP.
    for error in [1, 95] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let directory = Without { link: Some(error), sync: false, quicker: None };
        let db = Db::options().mode(0o600).open_in(&directory, &path).unwrap();
        db.update(|tx| tx.create_bucket("b").map(drop)).unwrap();
        drop(db);
        assert_eq!(names(folder.path()), ["new.db"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Db::open(&path).unwrap().begin_read().unwrap().bucket("b").unwrap().is_some());
    }
}

#[test]
fn whoever_made_the_file_in_the_meantime_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("theirs.db");
    Db::open(&theirs).unwrap().update(|tx| tx.create_bucket("theirs").map(drop)).unwrap();
    for link in [None, Some(1)] {
        let path = folder.path().join("new.db");
        let directory = Without { link, sync: false, quicker: Some(theirs.clone()) };
        let db = Db::options().page_size(1024).open_in(&directory, &path).unwrap();
        assert!(db.begin_read().unwrap().bucket("theirs").unwrap().is_some());
        assert_eq!(db.layout().page_size.get(), 4096);
        drop(db);
        fs::remove_file(&path).unwrap();
        assert_eq!(names(folder.path()), ["theirs.db"]);
    }
}

#[test]
fn a_name_that_may_not_be_durable_is_an_error_and_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let directory = Without { link: None, sync: true, quicker: None };
    assert!(matches!(Db::options().open_in(&directory, &path), Err(Error::Io { op: "create", .. })));
    assert_eq!(names(folder.path()), ["new.db"]);
    assert_is_database(&path);
}

const CHILD: &str = "UNBOLT_TEST_CREATE_FILE";
const CHILD_STORE: &str = "UNBOLT_TEST_CREATE_STORE";

/// Not a test by itself: the others run it under strace, or elsewhere.
#[test]
fn child_that_creates_what_it_is_told() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    if std::env::var_os(CHILD_STORE).is_some() {
        BoltStore::open(path, DOCKER_BUCKET).unwrap().put("a", b"{}").unwrap();
    } else {
        drop(Db::open(path).unwrap());
    }
}

/// The calls of a child that creates a file, as strace writes them, from the first that names the folder on.
fn calls(folder: &Path, path: &Path, store: bool) -> Option<Vec<String>> {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: no strace");
        return None;
    }
    let trace = folder.join("trace");
    let mut traced = Command::new("strace");
    traced.args([
        "-f",
        "-y",
        "-e",
        "trace=openat,flock,ftruncate,pwrite64,fsync,fdatasync,link,linkat,unlink,rename,mkdir",
        "-o",
    ]);
    traced.arg(&trace).arg(std::env::current_exe().unwrap()).args(["--exact", "child_that_creates_what_it_is_told"]);
    traced.env(CHILD, path).stdout(Stdio::null());
    if store {
        traced.env(CHILD_STORE, "1");
    }
    assert!(traced.status().unwrap().success());
    let text = fs::read_to_string(&trace).unwrap();
    let of_folder = |line: &&str| line.contains(folder.to_str().unwrap()) && !line.contains("ENOENT");
    let call = |line: &str| {
        let (_, call) = line.split_once(' ').unwrap();
        call.trim_start().replace(folder.to_str().unwrap(), "")
    };
    Some(text.lines().filter(of_folder).map(call).collect())
}

/// The place of the first call from `from` on that begins like this and names this.
fn place(calls: &[String], from: usize, call: &str, names: &str) -> usize {
    let found = calls[from..].iter().position(|line| line.starts_with(call) && line.contains(names));
    from + found.unwrap_or_else(|| panic!("no {call} of {names} from {from} on in {calls:#?}"))
}

#[test]
fn a_file_is_locked_filled_and_durable_before_it_has_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let Some(calls) = calls(folder.path(), &folder.path().join("new.db"), false) else { return };
    let mut at = 0;
    for (call, names) in [
        ("openat(", "O_EXCL"),
        ("flock(", "/.unbolt-"),
        ("pwrite64(", "/.unbolt-"),
        ("fsync(", "/.unbolt-"),
        ("pwrite64(", "/.unbolt-"),
        ("fsync(", "/.unbolt-"),
        ("linkat(", "/new.db"),
        ("unlink(", "/.unbolt-"),
        ("openat(", "\"\""),
        ("fsync(", "<>"),
    ] {
        at = place(&calls, at, call, names) + 1;
    }
    let locks = calls.iter().filter(|call| call.starts_with("flock(") && !call.contains("LOCK_UN")).count();
    assert_eq!(locks, 1, "the lock goes with the file: {calls:#?}");
    assert!(!calls.iter().any(|call| call.starts_with("rename")), "{calls:#?}");
}

#[test]
fn directories_that_a_store_makes_are_durable_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network/files/local-kv.db");
    let Some(calls) = calls(folder.path(), &path, true) else { return };
    let mut at = 0;
    for (call, names) in [
        ("mkdir(", "\"/network\", 0750"),
        ("fsync(", "<>"),
        ("mkdir(", "\"/network/files\", 0750"),
        ("fsync(", "</network>"),
        ("linkat(", "/network/files/local-kv.db"),
        ("fsync(", "</network/files>"),
    ] {
        at = place(&calls, at, call, names) + 1;
    }
    assert_eq!(fs::metadata(folder.path().join("network")).unwrap().permissions().mode() & 0o777, 0o750);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
}
