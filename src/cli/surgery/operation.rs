//! Owns one operation: the copy, what is done to it, and what speaks against giving it its name.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::forensic::surgery::{Objection, Surgery, SurgeryError, objections};
use crate::format::MetaPair;
use crate::tree::copy_bytes;
use crate::{Disk, Error, OutputFile, Snapshot, Storage};

/// The database, and where the copy goes.
#[derive(Debug, clap::Args)]
pub struct Patient {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The copy, which must not be there yet
    #[arg(long, short, value_name = "NEW")]
    pub output: PathBuf,
    /// Make the copy also where Go's next write would damage it, or where it brings up what may never have been committed
    #[arg(long)]
    pub force: bool,
}

impl Patient {
    /// Copies the database, changes the copy, and gives it its name where nothing speaks against it. `change` is also
    /// given what the metas of the database were, where one verified.
    pub fn operate<T>(
        &self,
        context: &mut Context<'_>,
        change: impl FnOnce(&File, Option<&MetaPair>) -> Result<T, SurgeryError>,
    ) -> Result<T, Failure> {
        output::refuse_unsafe(&self.output, &self.file, false).map_err(without_hint)?;
        let copy = output::begin(&self.output, &self.file, false)?;
        let before = self.fill(&copy, context)?;
        let done = change(copy.file(), before.as_ref()).map_err(|e| self.failed(e))?;
        self.judge(&copy, before.as_ref(), context)?;
        output::finish(copy)?;
        Ok(done)
    }

    /// The same for a change to single pages.
    pub fn cut<T>(
        &self,
        context: &mut Context<'_>,
        change: impl FnOnce(&Surgery<'_>) -> Result<T, SurgeryError>,
    ) -> Result<T, Failure> {
        self.operate(context, |copy, _| change(&Surgery::open(copy)?))
    }

    /// Fills the copy with the bytes of the database, and gives back its metas. A file without one that verifies may be
    /// what is to be mended.
    fn fill(&self, copy: &OutputFile, context: &mut Context<'_>) -> Result<Option<MetaPair>, Failure> {
        if let Err(Error::NotBolt { .. }) = (context.open)(&self.file) {
            copy_raw(&self.file, copy.file()).map_err(|e| self.failed(e.into()))?;
            return Ok(None);
        }
        let all = |snapshot: &Snapshot, copy: &File| {
            let unwritable = |source| Error::Io { op: "write", path: PathBuf::new(), source };
            copy.set_len(0).and_then(|()| copy.set_len(snapshot.size())).map_err(unwritable)?;
            copy_bytes(snapshot.pages(), 0..snapshot.size(), copy)?;
            Ok(*snapshot.metas())
        };
        output::fill(context, &self.file, &TxidArg::default(), copy, all).map(|(metas, _)| Some(metas))
    }

    /// Refuses a copy that something speaks against, or says so where that is what was wanted.
    fn judge(&self, copy: &OutputFile, before: Option<&MetaPair>, context: &mut Context<'_>) -> Result<(), Failure> {
        let opened = copy.file().try_clone().map_err(|source| Error::Io { op: "read", path: self.output.clone(), source });
        let found = match opened.and_then(|file| Snapshot::of_file(file, &self.output)) {
            Ok(after) => objections(before, &after).map_err(|e| Failure::of(&self.output, e))?,
            Err(e) if e.is_corrupt() => return self.object(format_args!("nobody can open it: {e}"), context),
            Err(e) => return Err(Failure::of(&self.output, e)),
        };
        let words: Vec<String> = found.iter().map(Objection::to_string).collect();
        match words.is_empty() {
            true => Ok(()),
            false => self.object(format_args!("{}", words.join("; ")), context),
        }
    }

    fn object(&self, words: std::fmt::Arguments<'_>, context: &mut Context<'_>) -> Result<(), Failure> {
        if self.force {
            let _ = writeln!(context.err, "unbolt: {}: {words}", self.output.display());
            return Ok(());
        }
        let refused = Failure::at(Status::Refused, &self.output, format_args!("not made: {words}"));
        Err(refused.hint("--force makes it all the same; `unbolt compact` makes a sound file of what can be read"))
    }

    fn failed(&self, error: SurgeryError) -> Failure {
        match error {
            SurgeryError::Failed(Error::Io { path, op: "write", source }) if path.as_os_str().is_empty() => {
                Failure::at(Status::Io, &self.output, format_args!("cannot write: {source}"))
            }
            SurgeryError::Failed(e) => Failure::of(&self.file, e),
            SurgeryError::Range { start, end, .. } if start >= end => {
                Failure::usage(format_args!("elements {start} to {end}, that one not among them, are none"))
            }
            SurgeryError::NoMeta => Failure::at(Status::Corrupt, &self.file, error),
            error => Failure::at(Status::No, &self.file, error),
        }
    }
}

/// Nothing that is there is ever replaced, as in bbolt.
fn without_hint(failure: Failure) -> Failure {
    match failure {
        Failure::Told(told) => Failure::Told(crate::cli::failure::Told { hint: None, ..told }),
        output => output,
    }
}

/// Copies a file whose metas tell nothing.
fn copy_raw(from: &Path, to: &File) -> crate::Result<()> {
    const CHUNK: usize = 1 << 20;
    let failed = |op, source| Error::Io { op, path: if op == "write" { PathBuf::new() } else { from.into() }, source };
    let source = File::open(from).map_err(|e| failed("open", e))?;
    let size = Disk::size(&source).map_err(|e| failed("read", e))?;
    to.set_len(size).map_err(|e| failed("write", e))?;
    let (mut buffer, mut offset) = (vec![0; CHUNK], 0);
    loop {
        let n = match source.read_at(&mut buffer, offset) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(failed("read", e)),
        };
        let mut bytes = &buffer[..n];
        while !bytes.is_empty() {
            let written = to.write_at(bytes, offset).map_err(|e| failed("write", e))?;
            bytes = &bytes[written..];
            offset += written as u64;
        }
    }
}
