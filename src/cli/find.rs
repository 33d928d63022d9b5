//! Owns `find`: the Bolt files under a directory, and what wrote them.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::attempt::ATTEMPTS;
use super::context::{Context, Open};
use super::failure::Failure;
use super::json;
use super::listing::Listing;
use super::progress::{Course, Progress};
use super::quote;
use super::status::Status;
use super::table::Table;
use super::writers::written_by;
use crate::format::{MetaRefusal, PageSize, TxId};
use crate::{Error, FileSystem, Storage};

/// List the Bolt files under a directory and what wrote them
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Regular files alone are looked at, and of each no more than it takes to tell what it is. WRITTEN BY \
is a guess by the buckets in it. What cannot be read is named on standard error and passed over, and \
so are damaged files. The kernel's own file systems, such as /proc, are not entered.

The exit status is 1 where no Bolt file was found, 3 where a DIR could not be read.

Examples:
  unbolt find /var/lib
  unbolt find --format json /var/lib/docker /var/lib/containerd")]
pub struct Args {
    /// Where to look; symbolic links below are not followed
    #[arg(value_name = "DIR", required = true)]
    pub directories: Vec<PathBuf>,
    /// As a table, or one JSON object per file
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let mut search = Search::new(context.open);
    let progress = Progress::follow(context.progress, || search.course());
    args.directories.iter().for_each(|directory| search.start(directory));
    drop(progress);
    let Search { found, passed_over, unreadable, .. } = search;
    // Nothing is left to say where standard error is closed.
    passed_over.iter().for_each(|words| _ = writeln!(context.err, "unbolt: {words}"));
    match args.format {
        Listing::Table if !found.is_empty() => table(&found).write(context.out)?,
        Listing::Table => {}
        Listing::Json => found.iter().try_for_each(|file| json::write_line(context.out, &object(file)))?,
    }
    match (found.is_empty(), unreadable) {
        (_, true) => Ok(Status::Io),
        (true, false) => Err(Failure::no("no Bolt file found")),
        (false, false) => Ok(Status::Done),
    }
}

/// A Bolt file.
struct Found {
    path: PathBuf,
    size: u64,
    page_size: PageSize,
    txid: TxId,
    written_by: Option<&'static str>,
}

/// A search under way.
struct Search<'c> {
    open: Open<'c>,
    found: Vec<Found>,
    /// What cannot be read, and why.
    passed_over: Vec<String>,
    /// How many files were looked at.
    looked_at: Arc<AtomicU64>,
    /// Whether one of the directories that were asked for could not be read.
    unreadable: bool,
}

impl<'c> Search<'c> {
    fn new(open: Open<'c>) -> Search<'c> {
        Search { open, found: Vec::new(), passed_over: Vec::new(), looked_at: Arc::default(), unreadable: false }
    }

    fn course(&self) -> Course {
        let what = "looking for Bolt files".to_owned();
        Course { what, count: Arc::clone(&self.looked_at), end: None, unit: "files" }
    }

    /// What was asked for by name may be a symbolic link, or a file.
    fn start(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => self.below(path),
            Ok(_) => self.file(path),
            Err(error) => {
                self.unreadable = true;
                self.pass_over(path, &error);
            }
        }
    }

    /// Every directory below, in the order of names.
    fn below(&mut self, top: &Path) {
        let mut directories = vec![top.to_path_buf()];
        while let Some(directory) = directories.pop() {
            let mut entries = match fs::read_dir(&directory).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unreadable |= directory == top;
                    self.pass_over(&directory, &error);
                    continue;
                }
            };
            entries.sort_by_key(DirEntry::file_name);
            let mut inner = Vec::new();
            for entry in entries {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => inner.push(entry.path()),
                    Ok(kind) if kind.is_file() => self.file(&entry.path()),
                    Ok(_) => {}
                    Err(error) => self.pass_over(&entry.path(), &error),
                }
            }
            directories.extend(inner.into_iter().rev().filter(|inner| !is_kernels_own(inner, &directory)));
        }
    }

    fn file(&mut self, path: &Path) {
        self.looked_at.fetch_add(1, Ordering::Relaxed);
        match look(self.open, path) {
            Ok(found) => self.found.push(found),
            // Most files are not Bolt files, which is no news. One that begins as a Bolt file does, is.
            Err(Error::Empty | Error::Unfinished | Error::NotAFile { .. }) => {}
            Err(Error::NotBolt {
                first: MetaRefusal::Magic { .. },
                second: MetaRefusal::Magic { .. } | MetaRefusal::Missing,
            }) => {}
            Err(Error::NotBolt { first: MetaRefusal::Missing, .. }) => {}
            Err(Error::Io { source, .. }) => self.pass_over(path, &source),
            Err(error) => self.pass_over(path, &error),
        }
    }

    fn pass_over(&mut self, path: &Path, error: &dyn std::error::Error) {
        self.passed_over.push(format!("{}: {error}", path.display()));
    }
}

/// Whether a directory is where a file system of the kernel begins: `/proc`, `/sys` and what is mounted there. The
/// table of mounts is long, so it is looked at only where the device is another one.
fn is_kernels_own(directory: &Path, parent: &Path) -> bool {
    if on_one_device(directory, parent) {
        return false;
    }
    let own = FileSystem::of(directory);
    own.as_ref().is_some_and(FileSystem::is_virtual) && own != FileSystem::of(parent)
}

#[cfg(unix)]
fn on_one_device(directory: &Path, parent: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path| fs::metadata(path).map(|meta| meta.dev());
    matches!((device(directory), device(parent)), (Ok(one), Ok(other)) if one == other)
}

/// This system has no table of mounts either.
#[cfg(not(unix))]
fn on_one_device(_: &Path, _: &Path) -> bool {
    true
}

/// Looks at a file, again while a writer commits in between; the last look counts.
fn look(open: Open<'_>, path: &Path) -> Result<Found, Error> {
    let mut attempts = 1..=ATTEMPTS;
    loop {
        let last = attempts.next().is_none();
        let snapshot = open(path)?;
        let found = Found {
            path: path.into(),
            size: snapshot.size(),
            page_size: snapshot.layout().page_size,
            txid: snapshot.meta().txid,
            written_by: written_by(path, &snapshot),
        };
        if last || snapshot.is_current()? {
            return Ok(found);
        }
    }
}

fn table(found: &[Found]) -> Table {
    let mut table = Table::new(&["PATH", "SIZE", "PAGE SIZE", "TXID", "WRITTEN BY"]);
    for file in found {
        table.row([
            shown(&file.path),
            file.size.to_string(),
            file.page_size.to_string(),
            file.txid.to_string(),
            file.written_by.unwrap_or("unknown").to_owned(),
        ]);
    }
    table
}

/// A path for people: as it is, or quoted where it holds what a terminal would act on.
fn shown(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    quote::printable(bytes).map_or_else(|| quote::quote(bytes), str::to_owned)
}

fn object(file: &Found) -> Value {
    json!({
        "path": json::bytes(file.path.as_os_str().as_encoded_bytes()),
        "size": file.size,
        "page_size": file.page_size.get(),
        "txid": file.txid.0,
        "written_by": file.written_by,
    })
}
