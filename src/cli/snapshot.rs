//! Owns `snapshot`: a consistent copy of a file that another process may be writing to.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::attempt::ATTEMPTS;
use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::txid::TxidArg;
use crate::format::PageId;
use crate::tree::{Copied, CopyTarget, copy_state};
use crate::{Error, FileSystem, Result as Copying, Snapshot, Storage};

/// Copy a database that may be in use, without its lock
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The copy is one state of the file, verified; the process that writes to it is neither stopped nor \
asked. It is made beside OUT and takes that name when it is whole and synced. Standard error tells \
which transaction it is.

Examples:
  unbolt snapshot /var/lib/docker/network/files/local-kv.db copy.db
  unbolt snapshot --raw meta.db evidence.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The copy
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Copy the pages that the state does not reach too, as they lie in the file
    ///
    /// That is where deleted data are. They are not verified: a writer may have changed them meanwhile.
    #[arg(long)]
    pub raw: bool,
    /// Replace OUT, and read from a network or shared file system
    #[arg(long)]
    pub force: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    refuse_unsafe(args)?;
    let mut target = Target::beside(&args.out, &args.file)?;
    let (mut attempts, mut copied, mut unwritable) = (0, None, None);
    let end = context.read(&args.file, &TxidArg::default(), |snapshot, _| {
        attempts += 1;
        match copy(snapshot, args.raw, &mut target) {
            Ok(done) => copied = Some(done),
            Err(Error::Io { path, source, .. }) if path == args.out => {
                unwritable = Some(Failure::at(Status::Io, &path, format_args!("cannot write: {source}")));
                // A target that cannot be written ends all attempts, as output that cannot be written does.
                return Err(Failure::Output(source));
            }
            Err(e) => return Err(Failure::of(&args.file, e)),
        }
        Ok(Status::Done)
    });
    if let Some(failure) = unwritable {
        return Err(failure);
    }
    end?;
    target.persist(args.force)?;
    if let Some(copied) = copied {
        say(context.err, args, copied, attempts);
    }
    Ok(Status::Done)
}

fn say(err: &mut dyn Write, args: &Args, copied: Copied, attempts: usize) {
    let tries = match attempts {
        1 => "at the first attempt".to_owned(),
        n => format!("at attempt {n} of at most {ATTEMPTS}, a writer committed during the others"),
    };
    let rest = if args.raw { "; all other pages as they lie, unverified" } else { "" };
    // The copy is there and whole; it is not lost because nobody hears of it.
    let Copied { txid, pages, bytes, .. } = copied;
    let _ = writeln!(err, "unbolt: {}: transaction {txid}, {pages} pages in {bytes} bytes, {tries}{rest}", args.out.display());
}

/// Whatever would overwrite something, or give a copy that cannot be trusted.
fn refuse_unsafe(args: &Args) -> Result<(), Failure> {
    let refused = |words: &str| Failure::at(Status::Refused, &args.out, words);
    match fs::metadata(&args.out) {
        Ok(there) if is_same_file(&there, &args.out, &args.file) => return Err(refused("is the database itself")),
        Ok(there) if !there.is_file() => return Err(refused("is there and not a regular file")),
        _ => {}
    }
    if !args.force && fs::symlink_metadata(&args.out).is_ok() {
        return Err(refused("is there already").hint("--force replaces it"));
    }
    match FileSystem::of(&args.file).filter(|system| system.is_shared() && !args.force) {
        None => Ok(()),
        Some(system) => Err(Failure::at(
            Status::Io,
            &args.file,
            format_args!("lies on {}: a commit by another machine may go unnoticed, and the copy be torn", system.name()),
        )
        .hint("copy it on the machine that writes to it, or say --force where nobody writes")),
    }
}

#[cfg(unix)]
fn is_same_file(there: &Metadata, _: &Path, file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).is_ok_and(|file| (file.dev(), file.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_same_file(_: &Metadata, out: &Path, file: &Path) -> bool {
    fs::canonicalize(out).is_ok_and(|out| fs::canonicalize(file).is_ok_and(|file| out == file))
}

/// Copies a state, after the bytes that it does not reach where those are wanted too.
fn copy(snapshot: &Snapshot, raw: bool, target: &mut Target) -> Copying<Copied> {
    target.restart()?;
    if raw {
        residue(snapshot, target)?;
    }
    copy_state(snapshot.pages(), target)
}

/// Everything behind the metas, as it lies; zeros stay holes.
fn residue(snapshot: &Snapshot, target: &mut Target) -> Copying<()> {
    const CHUNK: u64 = 1 << 20;
    let size = snapshot.size();
    target.keep(size)?;
    let mut offset = snapshot.layout().offset(PageId(2));
    while offset < size {
        let bytes = snapshot.run(offset, CHUNK.min(size - offset))?;
        if bytes.iter().any(|byte| *byte != 0) {
            target.write_at(offset, &bytes)?;
        }
        offset += CHUNK;
    }
    Ok(())
}

/// The copy while it is made: a file without a name that anybody looks for, in the directory of its target.
struct Target {
    file: NamedTempFile,
    out: PathBuf,
    /// A length below which the copy is not cut.
    kept: u64,
}

impl Target {
    fn beside(out: &Path, source: &Path) -> Result<Target, Failure> {
        let file = builder(source).tempfile_in(directory(out)).map_err(|e| {
            // The name in the error's own text is one that nobody knows.
            let words = match e.kind() {
                ErrorKind::NotFound => "its directory is not there".to_owned(),
                kind => kind.to_string(),
            };
            Failure::at(Status::Io, out, format_args!("cannot create: {words}"))
        })?;
        Ok(Target { file, out: out.into(), kept: 0 })
    }

    fn restart(&mut self) -> Copying<()> {
        self.kept = 0;
        self.file.as_file().set_len(0).map_err(|e| self.failed(e))
    }

    fn keep(&mut self, len: u64) -> Copying<()> {
        self.kept = len;
        self.set_len(len)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io { op: "write", path: self.out.clone(), source }
    }

    /// Gives the copy its name once it is safe on the disk.
    fn persist(self, replace: bool) -> Result<(), Failure> {
        let Target { file, out, .. } = self;
        let failed = |e: io::Error| Failure::at(Status::Io, &out, format_args!("cannot write: {e}"));
        file.as_file().sync_all().map_err(failed)?;
        let named = if replace { file.persist(&out) } else { file.persist_noclobber(&out) };
        named.map_err(|e| match e.error.kind() {
            ErrorKind::AlreadyExists => Failure::at(Status::Refused, &out, "is there by now").hint("--force replaces it"),
            _ => failed(e.error),
        })?;
        sync_directory(directory(&out)).map_err(failed)
    }
}

impl CopyTarget for Target {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Copying<()> {
        let file = self.file.as_file_mut();
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes)).map_err(|e| self.failed(e))
    }

    fn set_len(&mut self, len: u64) -> Copying<()> {
        self.file.as_file().set_len(len.max(self.kept)).map_err(|e| self.failed(e))
    }
}

/// Who may read the database may read the copy.
#[cfg(unix)]
fn builder(source: &Path) -> Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = named();
    if let Ok(source) = fs::metadata(source) {
        builder.permissions(fs::Permissions::from_mode(source.permissions().mode() & 0o666));
    }
    builder
}

#[cfg(not(unix))]
fn builder(_: &Path) -> Builder<'static, 'static> {
    named()
}

fn named() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".unbolt-").suffix(".tmp");
    builder
}

fn directory(out: &Path) -> &Path {
    match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
