//! Owns `bench`: bbolt's benchmark, with bbolt's arguments and bbolt's lines.
//!
//! The database it makes is its own: what was there before is neither written to nor removed.

mod load;
mod measured;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use super::context::Context;
use super::failure::Failure;
use super::number;
use super::progress::{Course, Progress};
use super::status::Status;
use crate::format::MAX_KEY_SIZE;
use crate::{Db, Error};
use load::Load;
use measured::Measured;

/// How long is read at least, as in bbolt.
const READING: Duration = Duration::from_secs(1);

/// Measure how fast this machine writes and reads a database
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A new database is filled, then read for at least a second, and removed. Keys are numbers of four bytes, \
filled up with zeros as the values are. The result is one line for writing and one for reading, as bbolt \
has them; the operations per second are those of the whole time, where bbolt divides by the rounded time \
of one.

bbolt's --cpuprofile, --memprofile, --blockprofile and --profile-mode are for Go's own profiler and are \
refused. `perf record unbolt bench` does what they do.

Examples:
  unbolt bench --count 100000 --batch-size 1000
  unbolt bench --write-mode rnd --read-mode rnd --no-sync --gobench-output")]
pub struct Args {
    /// The order of the keys that are written, all in one bucket or each batch in a nested one
    #[arg(long, value_enum, default_value = "seq", value_name = "MODE")]
    pub write_mode: WriteMode,
    /// The order in which they are read
    #[arg(long, value_enum, default_value = "seq", value_name = "MODE")]
    pub read_mode: ReadMode,
    /// How many keys are written
    #[arg(long, value_name = "N", value_parser = count, default_value_t = 1000)]
    pub count: u32,
    /// How many of them in one transaction: a divisor of --count; 0 is all
    #[arg(long, value_name = "N", value_parser = small, default_value_t = 0)]
    pub batch_size: u32,
    /// The length of a key: 4 to 32768
    #[arg(long, value_name = "BYTES", value_parser = key_size, default_value_t = 8)]
    pub key_size: u32,
    /// The length of a value
    #[arg(long, value_name = "BYTES", value_parser = value_size, default_value_t = 32)]
    pub value_size: u32,
    /// How full pages are made, between 0.1 and 1.0
    #[arg(long, value_name = "FRACTION", value_parser = fill_percent, default_value_t = 0.5)]
    pub fill_percent: f64,
    /// Leave it to the system when a commit becomes durable
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub no_sync: bool,
    /// Leave the database where it is, and say where
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub work: bool,
    /// The database, which must not be there yet; a temporary file where nothing is said
    #[arg(long, value_name = "FILE")]
    pub path: Option<PathBuf>,
    /// Print the result as Go's benchmarks do, for tools that compare those
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub gobench_output: bool,
    /// The page size: a power of two from 1024 to 65536
    #[arg(long, value_name = "BYTES", value_parser = number::page_size, default_value_t = 4096)]
    pub page_size: u32,
    /// How large the database is taken to be at first, which decides how far the file grows at once
    #[arg(long, value_name = "BYTES", value_parser = number::flag, default_value_t = 0)]
    pub initial_mmap_size: u64,
    #[command(flatten)]
    pub profile: Profile,
}

/// What there is only in a program of Go's.
#[derive(Debug, clap::Args)]
pub struct Profile {
    #[arg(long, hide = true)]
    profile_mode: Option<String>,
    #[arg(long, hide = true)]
    cpuprofile: Option<PathBuf>,
    #[arg(long, hide = true)]
    memprofile: Option<PathBuf>,
    #[arg(long, hide = true)]
    blockprofile: Option<PathBuf>,
}

/// `--write-mode`, in bbolt's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WriteMode {
    /// Ascending
    Seq,
    /// Random
    Rnd,
    /// Ascending, each batch in a bucket of its own
    SeqNest,
    /// Random, each batch in a bucket of its own
    RndNest,
}

/// `--read-mode`, in bbolt's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReadMode {
    /// All in their order, by a cursor
    Seq,
    /// Each by its key, in random order
    Rnd,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    args.profile.refuse()?;
    if args.batch_size > 0 && !args.count.is_multiple_of(args.batch_size) {
        return Err(Failure::usage("--count is not a multiple of --batch-size"));
    }
    let path = match &args.path {
        Some(path) => path.clone(),
        None => temporary()?,
    };
    // A temporary file is nobody else's.
    let mut work = Work { path: &path, goes: args.path.is_none() };
    let db = open(args, &path, context)?;
    work.goes = !args.work;
    if args.work {
        let _ = writeln!(context.err, "work: {}", path.display());
    }
    let (written, read) = measure(args, &path, &db, context)?;
    db.close().map_err(|e| Failure::of(&path, e))?;
    print(args, &written, &read, context)?;
    Ok(Status::Done)
}

/// Fills the database, and reads it.
fn measure(args: &Args, path: &Path, db: &Db, context: &mut Context<'_>) -> Result<(Measured, Measured), Failure> {
    let failed = |e| Failure::of(path, e);
    let mut load = Load::new(args);
    let progress = begin("write", Some(args.count), &load, context);
    let written = load.write(db).map_err(failed)?;
    drop(progress);
    load.shuffle();
    let progress = begin("read", None, &load, context);
    let read = load.read(db, READING).map_err(failed)?;
    drop(progress);
    match load.expected(read.rounds) {
        Some(expected) if expected != read.measured.operations => {
            let words = format!("{} pairs were read where {expected} were written", read.measured.operations);
            Err(Failure::at(Status::Corrupt, path, words))
        }
        _ => Ok((written, read.measured)),
    }
}

/// Says, as bbolt does, what is measured now.
fn begin(what: &str, end: Option<u32>, load: &Load<'_>, context: &mut Context<'_>) -> Progress {
    let _ = writeln!(context.err, "starting {what} benchmark.");
    let course = || Course { what: what.to_owned(), count: Arc::clone(&load.done), end: end.map(u64::from), unit: "keys" };
    Progress::follow(context.progress, course)
}

fn print(args: &Args, written: &Measured, read: &Measured, context: &mut Context<'_>) -> std::io::Result<()> {
    match args.gobench_output {
        true => writeln!(context.out, "{}\n{}\n", written.as_gobench("BenchmarkWrite"), read.as_gobench("BenchmarkRead ")),
        false => writeln!(context.out, "{}\n{}\n", written.as_line("Write"), read.as_line("Read")),
    }
}

impl Profile {
    fn refuse(&self) -> Result<(), Failure> {
        let given = [
            ("--profile-mode", self.profile_mode.is_some()),
            ("--cpuprofile", self.cpuprofile.is_some()),
            ("--memprofile", self.memprofile.is_some()),
            ("--blockprofile", self.blockprofile.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => {
                let failure = Failure::usage(format_args!("{name} is for Go's own profiler, which is not in this program"));
                Err(failure.hint("`perf record unbolt bench` does what it does"))
            }
            None => Ok(()),
        }
    }
}

/// Makes the database. One that holds anything, or is not as it would be made, is somebody else's.
fn open(args: &Args, path: &Path, context: &mut Context<'_>) -> Result<Db, Failure> {
    let failed = |e: Error| Failure::of(path, e);
    let mut options = Db::options();
    options.mode(0o600).page_size(args.page_size).no_sync(args.no_sync).initial_map_size(args.initial_mmap_size);
    let db = (context.open_to_write)(path, &options).map_err(failed)?;
    let tx = db.begin_read().map_err(failed)?;
    let is_new = tx.root().map_err(failed)?.iter().next().is_none() && db.layout().page_size.get() == args.page_size;
    drop(tx);
    match is_new {
        true => Ok(db),
        false => {
            let failure = Failure::at(Status::Refused, path, "is there already, and would be written to and removed");
            Err(failure.hint("give a --path that is not there"))
        }
    }
}

/// A file that nobody else has.
fn temporary() -> Result<PathBuf, Failure> {
    let made = tempfile::Builder::new().prefix("unbolt-bench-").tempfile();
    let kept = made.and_then(|file| file.into_temp_path().keep().map_err(|e| e.error));
    kept.map_err(|e| Failure::new(Status::Io, format_args!("cannot make a temporary file: {e}")))
}

/// The file, which goes when the benchmark ends, however it ends, unless it is to stay.
struct Work<'p> {
    path: &'p Path,
    goes: bool,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        if self.goes {
            let _ = fs::remove_file(self.path);
        }
    }
}

fn small(text: &str) -> Result<u32, String> {
    u32::try_from(number::flag(text)?).map_err(|error| error.to_string())
}

/// As many as there are keys of four bytes.
fn count(text: &str) -> Result<u32, String> {
    small(text).and_then(|count| if count == 0 { Err("not above 0".to_owned()) } else { Ok(count) })
}

fn key_size(text: &str) -> Result<u32, String> {
    let size = small(text)?;
    let possible = (4..=MAX_KEY_SIZE).contains(&(size as usize));
    if possible { Ok(size) } else { Err(format!("not from 4 to {MAX_KEY_SIZE}")) }
}

fn value_size(text: &str) -> Result<u32, String> {
    const MOST: u32 = (1 << 31) - 2;
    let size = small(text)?;
    if size <= MOST { Ok(size) } else { Err(format!("more than {MOST}")) }
}

fn fill_percent(text: &str) -> Result<f64, String> {
    let fill = text.parse::<f64>().map_err(|error| error.to_string())?;
    if fill.is_finite() { Ok(fill) } else { Err("not a finite number".to_owned()) }
}
