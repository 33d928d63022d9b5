//! Owns `snapshot`: a consistent copy of a file that another process may be writing to.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use super::attempt::ATTEMPTS;
use super::context::Context;
use super::failure::Failure;
use super::output;
use super::status::Status;
use super::txid::TxidArg;
use crate::forensic::{Assumed, Evidence, Sha256Sum};
use crate::format::PageId;
use crate::tree::{Copied, copy_bytes, copy_state};
use crate::{Error, FileSystem, Result as Copying, Snapshot, Storage};

/// Copy a database that may be in use, without its lock
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The copy is one state of the file, verified; the process that writes to it is neither stopped nor \
asked. It is made beside OUT and takes that name when it is whole and synced. Standard error tells \
which transaction it is.

--raw takes the hash of FILE before and after, holds the copy against it, and tells both hashes. The \
copy is FILE byte for byte but for the meta pages, which both describe the one state. Where FILE \
changed meanwhile in what that state does not reach, the copy is there and the exit status 3.

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
    output::refuse_unsafe(&args.out, &args.file, args.force)?;
    refuse_shared(args)?;
    let target = output::begin(&args.out, &args.file, args.force)?;
    let open_evidence = context.open_evidence;
    let ((copied, raw), attempts) = output::fill(context, &args.file, &TxidArg::default(), &target, |snapshot, file| {
        let evidence = args.raw.then(|| open_evidence(&args.file, Assumed::default())).transpose()?;
        let copied = copy(snapshot, args.raw, file)?;
        Ok((copied, evidence.map(|evidence| Raw::of(&evidence, snapshot, file)).transpose()?))
    })?;
    output::finish(target)?;
    say(context.err, args, copied, attempts);
    match raw {
        Some(raw) => raw.verdict(args, context.err),
        None => Ok(Status::Done),
    }
}

/// A copy of all bytes, held against the file that they are of.
struct Raw {
    file: Sha256Sum,
    copy: Sha256Sum,
    /// Whether the file is what it was before, and the copy has all of it as it lies but for the metas.
    is_same: bool,
}

impl Raw {
    fn of(evidence: &Evidence, snapshot: &Snapshot, copy: &File) -> Copying<Raw> {
        let metas = snapshot.layout().offset(PageId(2));
        let (copy, is_equal) = evidence.compare(copy, metas)?;
        let custody = evidence.examine_again()?;
        Ok(Raw { file: custody.before.sha256, copy, is_same: is_equal && custody.is_unchanged() })
    }

    fn verdict(&self, args: &Args, err: &mut dyn Write) -> Result<Status, Failure> {
        if !self.is_same {
            return Err(Failure::at(
                Status::Io,
                &args.file,
                "changed while it was copied: what its state does not reach is of no one moment in the copy",
            )
            .hint("take it again, or stop the writer"));
        }
        let _ = writeln!(err, "unbolt: {}: sha256 {}, before and after", args.file.display(), self.file);
        let _ = writeln!(err, "unbolt: {}: sha256 {}, and differs in the meta pages alone", args.out.display(), self.copy);
        Ok(Status::Done)
    }
}

fn say(err: &mut dyn Write, args: &Args, copied: Copied, attempts: u32) {
    let tries = match attempts {
        1 => "at the first attempt".to_owned(),
        n => format!("at attempt {n} of at most {ATTEMPTS}, a writer committed during the others"),
    };
    let rest = if args.raw { "; all other pages as they lie, unverified" } else { "" };
    // The copy is there and whole; it is not lost because nobody hears of it.
    let Copied { txid, pages, bytes, .. } = copied;
    let _ = writeln!(err, "unbolt: {}: transaction {txid}, {pages} pages in {bytes} bytes, {tries}{rest}", args.out.display());
}

/// Refuses to give a copy that cannot be trusted.
fn refuse_shared(args: &Args) -> Result<(), Failure> {
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

/// Copies a state, and around it the bytes that it does not reach where those are wanted too.
fn copy(snapshot: &Snapshot, raw: bool, file: &File) -> Copying<Copied> {
    let length = |len| file.set_len(len).map_err(|source| Error::Io { op: "write", path: PathBuf::new(), source });
    length(0)?;
    let end = snapshot.layout().run_bytes(snapshot.meta().high_water.0);
    if raw {
        copy_bytes(snapshot, snapshot.layout().offset(PageId(2))..end.min(snapshot.size()), file)?;
    }
    let copied = copy_state(snapshot.pages(), file)?;
    if raw {
        length(snapshot.size())?;
        copy_bytes(snapshot, end..snapshot.size(), file)?;
    }
    Ok(copied)
}
