//! Reading commands, and dry runs of those that write, take no lock, write nothing, and leave even the time of the last
//! access alone: on a sound, a damaged and a locked file, as `strace` saw it.
#![cfg(target_os = "linux")]

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use unbolt::{Db, Snapshot};

/// Every reading command and every dry run, its arguments parted by blanks. FILE is the database, FOLDER the directory it
/// lies in, OUT a path elsewhere, OTHER another database, RECORDS and EXPORT files elsewhere that `kv import` and `net
/// import` take, ROOT the page on which its root bucket begins, KEY a key of Docker's bucket.
const COMMANDS: [&str; 92] = [
    "info FILE",
    "info --format json FILE",
    "check FILE",
    "check --format json FILE",
    "buckets FILE",
    "buckets --recursive FILE",
    "keys FILE libnetwork",
    "keys --txid previous FILE libnetwork",
    "get FILE libnetwork KEY",
    "get FILE libnetwork no-such-key",
    "pages FILE",
    "pages --format json FILE",
    "pages --map FILE",
    "page FILE 0 1 ROOT",
    "page --all FILE",
    "page-item FILE ROOT 0",
    "dump FILE ROOT",
    "stats FILE",
    "inspect FILE",
    "export FILE",
    "kv list FILE",
    "kv list FOLDER",
    "kv list --format json FILE",
    "kv get FILE KEY",
    "kv get --index FILE KEY",
    "kv exists FILE KEY",
    "kv exists FILE no-such-key",
    "kv export FILE",
    "net ls FILE",
    "net ls FOLDER",
    "net inspect --all FILE",
    "net endpoints FILE",
    "net sandboxes FILE",
    "net ports FILE",
    "net addresses FILE",
    "net diagram FILE",
    "net doctor FILE",
    "net doctor --format json --target 29.0 FOLDER",
    "net fix FILE",
    "net fix --rule wrong-count FOLDER",
    "net rm network --force FILE bridge",
    "net rm port FILE 8080",
    "net prune --no-containers FILE",
    "net recount FILE",
    "net reset-default-bridge FILE",
    "net set --label a=b FILE none",
    "net export FILE",
    "net script FILE",
    "net strip FILE -o OUT",
    "net migrate FILE OUT",
    "recover --plan FILE",
    "recover FILE -o OUT",
    "recover --deleted --format json FILE -o OUT",
    "carve FILE",
    "carve --from 512 --format json FILE",
    "carve FILE -o OUT",
    "snapshot FILE OUT",
    "snapshot --raw FILE OUT",
    "compact -o OUT FILE",
    "compact --no-sync -o OUT FILE",
    "diff FILE FILE",
    "diff --txid previous FILE",
    "diff --format json OTHER FILE",
    "surgery meta validate FILE",
    "surgery revert-meta-page --force FILE --output OUT",
    "surgery copy-page --force FILE --output OUT --from-page ROOT --to-page 3",
    "surgery clear-page --force FILE --output OUT --pageId ROOT",
    "surgery clear-page-elements --force FILE --output OUT --pageId ROOT --from-index 0 --to-index 1",
    "surgery freelist abandon FILE --output OUT",
    "surgery meta update FILE --output OUT",
    "history FILE",
    "history --all --format json FILE",
    "history --deleted FILE",
    "history FILE libnetwork KEY",
    "history --roots FILE",
    "audit FILE",
    "audit --format json FILE",
    "report FILE -o OUT",
    "report --format dfxml --output OUT FILE",
    "find FOLDER",
    "find --format json FOLDER",
    "put --dry-run FILE libnetwork KEY value",
    "delete --dry-run FILE libnetwork KEY",
    "create-bucket --dry-run FILE new",
    "delete-bucket --dry-run FILE libnetwork",
    "rename-bucket --dry-run FILE libnetwork new",
    "kv put --dry-run FILE KEY value",
    "kv put --dry-run --wait 600 FOLDER new-key value",
    "kv delete --dry-run FILE KEY",
    "kv import --dry-run FILE RECORDS",
    "net import --dry-run FILE EXPORT",
    "net migrate --dry-run OTHER FILE --network labelled",
];

/// What EXPORT holds.
const EXPORT: &str = r#"{"schema":1,"networks":[{"name":"new","id":"n","driver":"null","records":[
    {"key":"docker/network/v1.0/network/n/","last_index":1,
     "value":{"configOnly":true,"enableIPv6":false,"id":"n","name":"new","networkType":"null"}}]}]}"#;
/// Networks of another file.
const OTHER: &str = "testdata/docker/networks-stopped-20.10.24.db";
/// What RECORDS holds.
const RECORDS: &str = r#"[{"key":"new-key","last_index":1,"value":"value"}]"#;

/// A directory with one database in it, and how both were before anybody looked.
struct Scene {
    folder: TempDir,
    database: PathBuf,
    bytes: Vec<u8>,
    before: Before,
}

/// What reading must leave as it is.
#[derive(Debug, PartialEq, Eq)]
struct Before {
    file: Stamp,
    folder: Stamp,
    names: Vec<PathBuf>,
}

/// Identity, length, and the times of the last change of content and of anything else.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(u64, u64, (i64, i64), (i64, i64));

impl Stamp {
    fn of(meta: &Metadata) -> Stamp {
        Stamp(meta.ino(), meta.size(), (meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()))
    }
}

impl Before {
    fn of(folder: &Path, database: &Path) -> Before {
        Before {
            file: Stamp::of(&fs::metadata(database).unwrap()),
            folder: Stamp::of(&fs::metadata(folder).unwrap()),
            names: fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect(),
        }
    }
}

impl Scene {
    fn new(bytes: Vec<u8>) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("local-kv.db");
        fs::write(&database, &bytes).unwrap();
        let before = Before::of(folder.path(), &database);
        Scene { folder, database, bytes, before }
    }

    /// Runs a command under `strace` and requires that nothing was touched. The paths in its output, which differ
    /// from run to run, are replaced by their names in [`COMMANDS`].
    fn run(&self, command: &str) -> Ran {
        let elsewhere = tempfile::tempdir().unwrap();
        let (out, records) = (elsewhere.path().join("out.db"), elsewhere.path().join("records.json"));
        let export = elsewhere.path().join("export.json");
        fs::write(&records, RECORDS).unwrap();
        fs::write(&export, EXPORT).unwrap();
        let (root, key) = known_places();
        let arguments = command.split(' ').map(|word| match word {
            "FILE" => self.database.clone().into(),
            "FOLDER" => self.folder.path().into(),
            "OUT" => out.clone().into(),
            "RECORDS" => records.clone().into(),
            "EXPORT" => export.clone().into(),
            "OTHER" => OTHER.into(),
            "ROOT" => root.to_string().into(),
            "KEY" => key.clone().into(),
            word => word.into(),
        });
        let arguments: Vec<std::ffi::OsString> = arguments.collect();
        let (output, calls) = traced(Path::new(env!("CARGO_BIN_EXE_unbolt")), &arguments);
        assert_eq!(objections(&calls, self.folder.path()), Vec::<&str>::new(), "{command}");
        assert_eq!(accesses(&calls, &self.database), Vec::<&str>::new(), "{command}");
        assert!(calls.contains(self.folder.path().to_str().unwrap()), "{command}: did it look at all?\n{calls}");
        assert_eq!(Before::of(self.folder.path(), &self.database), self.before, "{command}");
        assert!(fs::read(&self.database).unwrap() == self.bytes, "{command} changed the bytes");
        let status = output.status.code().unwrap_or_else(|| panic!("{command}: {output:?}"));
        assert!((0..=6).contains(&status) && status != 2, "{command}: {output:?}");
        let named = |words: &[u8]| {
            let words = String::from_utf8_lossy(words).replace(self.folder.path().to_str().unwrap(), "FOLDER");
            words.replace(out.to_str().unwrap(), "OUT")
        };
        Ran { status, text: named(&output.stdout), errors: named(&output.stderr) }
    }
}

/// How a command ended, and what it printed.
#[derive(Debug)]
struct Ran {
    status: i32,
    text: String,
    errors: String,
}

/// The root page and the first key of the sound file.
fn known_places() -> (u64, String) {
    let snapshot = Snapshot::from_bytes(sound()).unwrap();
    let bucket = snapshot.root().unwrap().bucket(b"libnetwork").unwrap().unwrap();
    let (key, _) = bucket.iter().next().unwrap().unwrap();
    (snapshot.meta().root.0, String::from_utf8(key.to_vec()).unwrap())
}

fn sound() -> Vec<u8> {
    fs::read("testdata/docker/live-20.10.24.db").unwrap()
}

/// Damaged files by what is wrong with them.
fn damaged() -> [(&'static str, Vec<u8>); 5] {
    let sound = sound();
    let spoil = |from: usize, to: usize| {
        let mut bytes = sound.clone();
        bytes[from..to].fill(0xa5);
        bytes
    };
    [
        ("neither meta verifies", spoil(0, 8192)),
        ("one meta does not verify", spoil(4096, 8192)),
        ("all pages are noise", spoil(8192, sound.len())),
        ("cut short", sound[..sound.len() / 3].to_vec()),
        ("empty", Vec::new()),
    ]
}

/// Runs a program under `strace`: how it ended, and every system call, with paths in full beside descriptors.
fn traced(program: &Path, arguments: &[impl AsRef<std::ffi::OsStr>]) -> (Output, String) {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    // A program built to measure coverage locks the file that it writes its counts to, and that is not ours to judge.
    strace.env("LLVM_PROFILE_FILE", "/dev/null");
    strace.args(["-f", "-y", "-s", "0", "-o"]).arg(trace.path()).arg("--").arg(program).args(arguments);
    let output = strace.stdin(Stdio::null()).output().unwrap();
    (output, fs::read_to_string(trace.path()).unwrap())
}

fn no_strace() -> bool {
    let missing = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err();
    if missing {
        eprintln!("skipped: no strace");
    }
    missing
}

/// The calls that take a lock on anything, and those that do more than read with what is in the folder.
fn objections<'t>(calls: &'t str, folder: &Path) -> Vec<&'t str> {
    let folder = folder.to_str().unwrap();
    calls.lines().filter(|call| locks(call) || (call.contains(folder) && !only_reads(call))).collect()
}

/// The calls that open the database so that reading it sets the time of its last access.
fn accesses<'t>(calls: &'t str, database: &Path) -> Vec<&'t str> {
    let quoted = format!("\"{}\"", database.display());
    let opens = |call: &&str| matches!(name(call), "open" | "openat") && call.contains(&quoted);
    calls.lines().filter(opens).filter(|call| !call.contains("O_NOATIME")).collect()
}

fn locks(call: &str) -> bool {
    match name(call) {
        "flock" => true,
        // Not the bare letters, which a path may have by chance.
        "fcntl" => [", F_SETLK", ", F_GETLK", ", F_OFD_", ", F_SETLEASE"].iter().any(|word| call.contains(word)),
        _ => false,
    }
}

/// Whether a call with a file is one that cannot change it. What is not known to be harmless is not. A map would
/// make a file that shrinks a signal.
fn only_reads(call: &str) -> bool {
    const HARMLESS: [&str; 18] = [
        "execve",
        "stat",
        "lstat",
        "fstat",
        "newfstatat",
        "statx",
        "statfs",
        "fstatfs",
        "access",
        "faccessat",
        "faccessat2",
        "readlink",
        "readlinkat",
        "lseek",
        "read",
        "pread64",
        "close",
        "getdents64",
    ];
    const WRITING: [&str; 6] = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"];
    match name(call) {
        "open" | "openat" => call.contains("O_RDONLY") && !WRITING.iter().any(|flag| call.contains(flag)),
        "fcntl" => ["F_GETFD", "F_SETFD", "F_GETFL", "F_DUPFD_CLOEXEC"].iter().any(|word| call.contains(word)),
        name => HARMLESS.contains(&name),
    }
}

/// The name of the call in a line such as `1234 openat(AT_FDCWD, "/x", O_RDONLY) = 3`.
fn name(call: &str) -> &str {
    let call = call.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    call.split('(').next().unwrap_or_default()
}

#[test]
fn reading_a_sound_file_takes_no_lock_and_writes_nothing() {
    if no_strace() {
        return;
    }
    let scene = Scene::new(sound());
    for command in COMMANDS {
        let ran = scene.run(command);
        match command {
            // What is asked for is not there, or the two differ.
            "diff --format json OTHER FILE"
            | "get FILE libnetwork no-such-key"
            | "history --deleted FILE"
            | "kv exists FILE no-such-key"
            | "net rm port FILE 8080" => {
                assert_eq!(ran.status, 1, "{command}: {ran:?}");
            }
            // The older state may have been written over.
            _ if command.contains("--txid") => {}
            _ => assert_eq!(ran.status, 0, "{command}: {ran:?}"),
        }
    }
}

#[test]
fn reading_a_damaged_file_takes_no_lock_and_writes_nothing() {
    if no_strace() {
        return;
    }
    for (damage, bytes) in damaged() {
        let scene = Scene::new(bytes);
        let statuses: Vec<i32> = COMMANDS.iter().map(|command| scene.run(command).status).collect();
        assert!(statuses.iter().any(|status| *status != 0), "{damage}: no command minded");
    }
}

#[test]
fn reading_a_locked_file_is_like_reading_one_that_is_not() {
    if no_strace() {
        return;
    }
    let scene = Scene::new(sound());
    for command in COMMANDS {
        let free = scene.run(command);
        let lock = Db::open(&scene.database).unwrap();
        let locked = scene.run(command);
        drop(lock);
        // A dry run says what would stand in its way.
        let (obstacles, others): (Vec<&str>, Vec<&str>) =
            locked.errors.lines().partition(|line| line.contains(": could not be changed now: locked by "));
        assert_eq!(obstacles.len(), usize::from(command.contains("--dry-run")), "{command}: {}", locked.errors);
        assert_eq!((free.status, free.errors.lines().collect()), (locked.status, others), "{command}");
        // Who holds the lock is part of what `info` tells.
        if command != "info --format json FILE" {
            assert_eq!(free.text, locked.text, "{command}");
        }
    }
}

#[test]
fn below_a_directory_on_one_device_the_table_of_mounts_is_not_read() {
    if no_strace() {
        return;
    }
    let scene = Scene::new(sound());
    fs::create_dir_all(scene.folder.path().join("a/b/c")).unwrap();
    let find = |path: &Path| traced(Path::new(env!("CARGO_BIN_EXE_unbolt")), &["find".as_ref(), path.as_os_str()]);
    let (output, calls) = find(scene.folder.path());
    assert!(output.status.success() && calls.contains("/a/b/c"), "{output:?}\n{calls}");
    assert!(!calls.contains("mountinfo"), "{calls}");
}

#[test]
fn what_would_be_a_lock_or_a_change_is_found() {
    if no_strace() {
        return;
    }
    let scene = Scene::new(sound());
    let file = scene.database.to_str().unwrap();
    let moved = format!("{file}.moved");
    for line in [
        vec!["touch", file],
        vec!["flock", "--shared", file, "true"],
        vec!["truncate", "--size", "0", file],
        vec!["dd", "if=/dev/null", &format!("of={file}")],
        vec!["mkdir", &moved],
        vec!["rmdir", &moved],
        vec!["mv", file, &moved],
        vec!["rm", &moved],
    ] {
        let (output, calls) = traced(Path::new(line[0]), &line[1..]);
        assert!(output.status.success(), "{output:?}");
        assert!(!objections(&calls, scene.folder.path()).is_empty(), "{line:?} passed for reading\n{calls}");
    }
    assert!(locks("12 fcntl(3</tmp/a>, F_SETLKW, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=0}) = 0"));
    assert!(locks("12 fcntl(3</tmp/a>, F_OFD_SETLK, {l_type=F_RDLCK}) = 0") && locks("12 fcntl(3</tmp/a>, F_SETLEASE, 1) = 0"));
    assert!(!locks("12 fcntl(3</tmp/.unbolt-LKFrih.tmp>(deleted), F_GETFD) = 0x1 (flags FD_CLOEXEC)"));
    let (_, calls) = traced(Path::new("cat"), &[&scene.database]);
    assert!(!accesses(&calls, &scene.database).is_empty(), "{calls}");
    let (output, calls) = traced(Path::new("ls"), &[scene.folder.path()]);
    assert!(output.status.success() && calls.contains("getdents64"), "{calls}");
    assert_eq!(objections(&calls, scene.folder.path()), Vec::<&str>::new());
}
