//! Every command of the command line on a database in memory.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use clap::Parser;
use unbolt::cli::{Cli, Context, Status};
use unbolt::forensic::Evidence;
use unbolt::{MemoryDisk, Snapshot, Storage};

/// What of a file its commands ask for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The names on the way to a bucket.
    pub bucket: Vec<Vec<u8>>,
    /// A key in it.
    pub key: Vec<u8>,
    /// The page of the root bucket's tree.
    pub root: u64,
}

/// A command line, ready to run.
pub struct Command {
    pub line: String,
    cli: Cli,
    /// Whether it changes the file.
    pub writes: bool,
}

/// The commands that read one file, each with every way to write its output.
const LINES: [&str; 74] = [
    "info FILE",
    "info FILE --verbose",
    "info FILE --format json",
    "check FILE",
    "check FILE --format json",
    "check FILE --from-page ROOT",
    "check FILE --txid previous",
    "buckets FILE",
    "buckets FILE --recursive",
    "buckets FILE --recursive --format json",
    "keys FILE BUCKET",
    "keys FILE BUCKET --format hex --reverse",
    "keys FILE BUCKET --prefix a --limit 3",
    "get FILE BUCKET KEY",
    "get FILE BUCKET KEY --txid previous",
    "pages FILE",
    "pages FILE --format json",
    "pages FILE --map",
    "pages FILE --txid previous",
    "page FILE 0 1 2 3 ROOT",
    "page FILE --all",
    "page FILE --all --format-value json",
    "page-item FILE ROOT 0",
    "dump FILE 0 1 ROOT",
    "stats FILE",
    "stats FILE b",
    "inspect FILE",
    "inspect FILE --txid previous",
    "search FILE a",
    "search FILE [a-f]+0 --format json",
    "export FILE",
    "export FILE --txid previous",
    "history FILE",
    "history FILE --all --format json",
    "history FILE BUCKET KEY --deleted",
    "history FILE --roots",
    "history FILE --page-size 1024 --byte-order big",
    "audit FILE",
    "audit FILE --format json",
    "recover FILE --plan",
    "recover FILE --plan --deleted --format json",
    "kv list FILE --bucket TOP",
    "kv list FILE --bucket TOP --format json",
    "kv get FILE KEY --bucket TOP",
    "kv exists FILE KEY --bucket TOP",
    "kv export FILE --bucket TOP",
    "net ls FILE",
    "net ls FILE --format json --filter name=b",
    "net inspect FILE --all",
    "net endpoints FILE --no-trunc",
    "net sandboxes FILE --format json",
    "net ports FILE",
    "net addresses FILE",
    "net diagram FILE",
    "net diagram FILE --as mermaid",
    "net doctor FILE",
    "net doctor FILE --format json --target 29.0",
    "net fix FILE --target 20.10",
    "net prune FILE --no-containers",
    "net recount FILE",
    "net reset-default-bridge FILE",
    "net export FILE",
    "net script FILE",
    "net script FILE --as compose",
    "diff FILE FILE",
    "diff FILE --txid previous",
    "diff FILE FILE --format json",
    "diff FILE --txid previous --format json",
    "surgery meta validate FILE",
    "report FILE",
    "report FILE --format json",
    "report FILE --format jsonl",
    "report FILE --format csv",
    "report FILE --format dfxml",
];

/// The commands that change a file, where it is sound enough for that.
const WRITING: [&str; 10] = [
    "put FILE BUCKET KEY value",
    "put FILE BUCKET new-key value",
    "delete FILE BUCKET KEY",
    "create-bucket FILE new-bucket",
    "delete-bucket FILE TOP",
    "rename-bucket FILE TOP new-name",
    "kv put FILE a-key value --bucket TOP",
    "kv put FILE a-key value --create",
    "kv delete FILE a-key --bucket TOP",
    "kv import FILE - --bucket TOP",
];

/// The commands that keep a copy before they change a file, so only as dry runs.
const KEEPING: [&str; 2] = ["net migrate FILE FILE", "net migrate FILE FILE --new-id --target 20.10"];

/// What is said of a file that cannot be written: its byte order or page size is another, its transactions are at their end.
pub const UNWRITABLE: [&str; 2] = ["can only be read", "have run out"];

/// How often each page of a piece of evidence may be looked at: the trees of as many other states as are walked, and what
/// tells which those are.
const EVIDENCE: u64 = 48;

/// What a command reads from its standard input.
const INPUT: &str = r#"[{"key":"a-key","last_index":7,"value":"a value"}]"#;

/// How many names were made for files that must not be there yet.
static MADE: AtomicU64 = AtomicU64::new(0);

/// The words of a command line, the program's name left out.
fn words(line: &str, file: &Path, asked: &Asked) -> Vec<OsString> {
    let top = || asked.bucket.first().map_or_else(|| "none".into(), |name| OsString::from_vec(name.clone()));
    let one = |word: &str| match word {
        "FILE" => vec![file.into()],
        "OUT" => vec![file.with_extension("out").into()],
        "NEW" => vec![file.with_extension(format!("new-{}", MADE.fetch_add(1, Ordering::Relaxed))).into()],
        "DIR" => vec![file.parent().map_or_else(|| ".".into(), OsString::from)],
        "BUCKET" => asked.bucket.iter().map(|name| OsString::from_vec(name.clone())).collect(),
        "TOP" => vec![top()],
        "KEY" => vec![OsString::from_vec(asked.key.clone())],
        "ROOT" => vec![asked.root.to_string().into()],
        word => vec![word.into()],
    };
    line.split(' ').flat_map(one).collect()
}

/// The commands with what is asked for in this file, those that write also as dry runs.
pub fn commands(asked: &Asked) -> Vec<Command> {
    let command = |line: String, writes: bool| {
        let words = words(&line, "memory.db".as_ref(), asked);
        let cli = Cli::try_parse_from(std::iter::once("unbolt".into()).chain(words));
        Command { cli: cli.unwrap_or_else(|e| panic!("{line}: {e}")), line, writes }
    };
    let reading = LINES.iter().map(|line| command((*line).to_owned(), false));
    let writing = WRITING.iter().map(|line| command((*line).to_owned(), true));
    let rehearsing = WRITING.iter().chain(&KEEPING).map(|line| command(rehearsal(line), true));
    reading.chain(writing).chain(rehearsing).collect()
}

fn rehearsal(line: &str) -> String {
    format!("{line} --dry-run")
}

/// All command lines on a file that leave it as it is, those that reach for other files too, for programs to be started
/// with.
pub fn lines(file: &Path, asked: &Asked) -> Vec<Vec<OsString>> {
    let others = [
        "snapshot FILE OUT --force",
        "snapshot FILE OUT --raw --force",
        "compact FILE -o OUT --force",
        "recover FILE --deleted -o OUT --force",
        "carve FILE",
        "carve FILE -o NEW",
        "find DIR",
        "kv list DIR",
        "net ls DIR",
        "net strip FILE -o OUT --force",
        "surgery revert-meta-page FILE --output NEW --force",
        "surgery copy-page FILE --output NEW --from-page ROOT --to-page 2 --force",
        "surgery clear-page FILE --output NEW --pageId ROOT --force",
        "surgery clear-page-elements FILE --output NEW --pageId ROOT --from-index 0 --to-index 1 --force",
        "surgery freelist abandon FILE --output NEW --force",
        "surgery meta update FILE --output NEW --meta-page 1 --force",
    ];
    let rehearsals = WRITING.iter().chain(&KEEPING).map(|line| rehearsal(line));
    let lines = LINES.iter().chain(&others).map(|line| (*line).to_owned()).chain(rehearsals);
    // A word that is given to a program cannot have a zero in it.
    let words = lines.map(|line| words(&line, file, asked));
    words.filter(|words| words.iter().all(|word| !word.as_encoded_bytes().contains(&0))).collect()
}

/// The output of a command.
#[derive(Debug)]
pub struct Ended {
    pub status: Status,
    /// How many bytes went to standard output.
    pub written: u64,
    pub err: Vec<u8>,
}

/// Takes output and keeps none of it.
struct Count(u64);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a command on these bytes. It must end as documented and within the budget of page visits.
pub fn run(command: &Command, bytes: &Arc<[u8]>) -> Ended {
    let opened: Mutex<Vec<(Arc<AtomicU64>, u64)>> = Mutex::default();
    let open = |_: &Path| {
        let snapshot = Snapshot::from_bytes(Arc::clone(bytes))?;
        let pages = snapshot.size() / snapshot.layout().page_size.bytes();
        opened.lock().expect("no panic while it is held").push((snapshot.runs_counter(), 8 * pages + 1000));
        Ok(snapshot)
    };
    let open_evidence = |_: &Path, assumed| {
        let evidence = Evidence::from_bytes_as(Arc::clone(bytes), assumed)?;
        let most = EVIDENCE * evidence.whole_pages() + 1000;
        opened.lock().expect("no panic while it is held").push((evidence.runs_counter(), most));
        Ok(evidence)
    };
    let (mut out, mut err) = (Count(0), Vec::new());
    let mut context = Context {
        open: &open,
        open_evidence: &open_evidence,
        open_to_write: &|_, options| options.open_disk(Arc::new(MemoryDisk::from(bytes.to_vec()))),
        input: &mut INPUT.as_bytes(),
        out: &mut out,
        err: &mut err,
        color: false,
        progress: false,
    };
    let status = command.cli.run(&mut context);
    for (runs, most) in opened.into_inner().expect("no panic while it was held") {
        let runs = runs.load(Ordering::Relaxed);
        assert!(runs <= most, "{}: {runs} runs, the most is {most}", command.line);
    }
    let said = || String::from_utf8_lossy(&err).into_owned();
    let ended = match status {
        Status::Done | Status::No | Status::Corrupt => true,
        // A key that holds the other of value and bucket, a name that is taken; a file that cannot be written at all.
        Status::Refused => command.writes,
        Status::Io => command.writes && UNWRITABLE.iter().any(|words| said().contains(words)),
        _ => false,
    };
    assert!(ended, "{}: {status:?}: {}", command.line, said());
    if status == Status::Corrupt {
        assert!(said().contains("unbolt: memory.db: "), "{}: {}", command.line, said());
    }
    Ended { status, written: out.0, err }
}
