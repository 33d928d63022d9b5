//! Owns `import`: a new database from the JSON lines of `export`.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::context::Context;
use super::failure::Failure;
use super::json_in::without_line;
use super::json_line::Line;
use super::progress::{Counted, Course, Progress};
use super::status::Status;
use super::{json, number, output};
use crate::format::SharedBytes;
use crate::tree::{BuildOptions, Builder, Built};
use crate::{Error, OutputFile};

/// Build a database from the JSON lines that export prints
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
For each bucket one line {\"bucket\": [names], \"sequence\": N}, before everything in it; for each pair \
one line {\"bucket\": [names], \"key\": KEY, \"value\": VALUE}. Within a bucket, keys and the names of \
buckets come in ascending order of their bytes, as export prints them; a line that is not in order, or \
is there twice, or cannot be understood whole is an error, and there is no database then. Bytes are a \
string or {\"hex\": \"...\"}.

The database is made beside NEW and takes that name when it is whole and synced.

Examples:
  unbolt import local-kv.jsonl -o local-kv.db
  unbolt export old.db | grep -v secret | unbolt import - -o new.db")]
pub struct Args {
    /// The lines; - is standard input
    #[arg(value_name = "FILE.jsonl")]
    pub file: PathBuf,
    /// The database
    #[arg(long, short, value_name = "NEW")]
    pub output: PathBuf,
    /// The page size of the database: a power of two from 1024 to 65536
    #[arg(long, value_name = "BYTES", value_parser = number::page_size, default_value_t = 4096)]
    pub page_size: u32,
    /// Replace NEW
    #[arg(long)]
    pub force: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    output::refuse_unsafe(&args.output, &args.file, args.force)?;
    let count = Arc::default();
    let (lines, end) = open(&args.file, context.input, &count)?;
    let database = output::begin(&args.output, &args.file, args.force)?;
    let course = || Course { what: args.file.display().to_string(), count: Arc::clone(&count), end, unit: "bytes" };
    let progress = Progress::follow(context.progress, course);
    let Built { buckets, pairs, bytes, .. } = Import::begin(args, &database)?.all(lines)?;
    drop(progress);
    output::finish(database)?;
    let (buckets, pairs) = (counted(buckets, "bucket"), counted(pairs, "pair"));
    // The database is there and whole; it is not lost because nobody hears of it.
    let _ = writeln!(context.err, "unbolt: {}: {buckets} and {pairs} in {bytes} bytes", args.output.display());
    Ok(Status::Done)
}

fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The lines, which are counted by their bytes, and how many bytes there are where that is known.
fn open<'i>(
    file: &Path,
    input: &'i mut dyn Read,
    count: &Arc<AtomicU64>,
) -> Result<(impl BufRead + use<'i>, Option<u64>), Failure> {
    let (lines, end): (Box<dyn Read + 'i>, _) = match file == Path::new("-") {
        true => (Box::new(input), None),
        false => {
            let opened = File::open(file).map_err(|e| Failure::at(Status::Io, file, format_args!("cannot open: {e}")))?;
            let end = opened.metadata().ok().filter(Metadata::is_file).map(|metadata| metadata.len());
            (Box::new(opened), end)
        }
    };
    Ok((BufReader::with_capacity(1 << 16, Counted::new(lines, count)), end))
}

/// A database on its way from lines.
struct Import<'a> {
    args: &'a Args,
    builder: Builder<'a, SharedBytes>,
    /// The names of the buckets that are open, from the root to the innermost.
    open: Vec<Vec<u8>>,
    /// The number of the line at hand.
    line: u64,
}

impl<'a> Import<'a> {
    fn begin(args: &'a Args, database: &'a OutputFile) -> Result<Self, Failure> {
        let mut options = BuildOptions::default();
        // The database is synced before it gets its name.
        options.page_size(args.page_size).no_sync(true);
        let builder = Builder::new(database.file(), &options).map_err(|e| unwritable(args, e))?;
        Ok(Import { args, builder, open: Vec::new(), line: 0 })
    }

    fn all(mut self, mut lines: impl BufRead) -> Result<Built, Failure> {
        let mut line = Vec::new();
        loop {
            line.clear();
            self.line += 1;
            let read = lines.read_until(b'\n', &mut line);
            match read.map_err(|e| Failure::at(Status::Io, &self.args.file, format_args!("cannot read: {e}")))? {
                0 => break,
                _ if line.trim_ascii().is_empty() => {}
                _ => self.add(&line)?,
            }
        }
        self.builder.finish().map_err(|e| unwritable(self.args, e))
    }

    fn add(&mut self, line: &[u8]) -> Result<(), Failure> {
        match Line::parse(line).map_err(|e| self.wrong(without_line(&e)))? {
            Line::Bucket { mut path, sequence } => {
                let name = path.pop().ok_or_else(|| self.wrong("a bucket without a name"))?;
                self.go_to(&path)?;
                self.builder.begin_bucket(name.clone().into()).map_err(|e| self.refused(e))?;
                self.builder.set_sequence(sequence);
                self.open.push(name);
                Ok(())
            }
            Line::Pair { path, key, value } => {
                self.go_to(&path)?;
                self.builder.put(key.into(), value.into()).map_err(|e| self.refused(e))
            }
        }
    }

    /// Ends buckets until the one at this path is the innermost.
    fn go_to(&mut self, path: &[Vec<u8>]) -> Result<(), Failure> {
        while self.open.len() > path.len() {
            self.builder.end_bucket().map_err(|e| self.refused(e))?;
            self.open.pop();
        }
        match self.open == path {
            true => Ok(()),
            false => {
                let path = json::path(path.iter().map(Vec::as_slice));
                Err(self.wrong(format_args!("the bucket {path} has no line before this one, or ended already")))
            }
        }
    }

    fn refused(&self, error: Error) -> Failure {
        match error {
            Error::Io { .. } => unwritable(self.args, error),
            error => self.wrong(error),
        }
    }

    /// What is wrong with the line at hand.
    fn wrong(&self, words: impl fmt::Display) -> Failure {
        Failure::at(Status::Corrupt, &self.args.file, format_args!("line {}: {words}", self.line))
    }
}

fn unwritable(args: &Args, error: Error) -> Failure {
    match error {
        Error::Io { source, .. } => Failure::at(Status::Io, &args.output, format_args!("cannot write: {source}")),
        error => Failure::of(&args.output, error),
    }
}
