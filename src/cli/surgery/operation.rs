//! Owns one operation: the copy, what is done to it, and what speaks against giving it its name.

use std::fs::File;
use std::path::PathBuf;

use crate::cli::context::Context;
use crate::cli::evidence::conditions;
use crate::cli::failure::{Failure, Told};
use crate::cli::output;
use crate::cli::status::Status;
use crate::forensic::surgery::{Objection, Surgery, SurgeryError, objections};
use crate::forensic::{Assumed, Evidence};
use crate::format::{Layout, MetaPair};
use crate::tree::copy_bytes;
use crate::{Error, OutputFile, Snapshot, Storage};

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

/// What a database was like before anything was done to its copy.
pub struct Original {
    /// Its metas, where one verified.
    pub metas: Option<MetaPair>,
    pub layout: Layout,
}

impl Patient {
    /// Copies the database, changes the copy, and gives it its name where nothing speaks against it and the database is
    /// still what was copied.
    pub fn operate<T>(
        &self,
        context: &mut Context<'_>,
        change: impl FnOnce(&File, &Original) -> Result<T, SurgeryError>,
    ) -> Result<T, Failure> {
        output::refuse_unsafe(&self.output, &self.file, false).map_err(without_hint)?;
        let copy = output::begin(&self.output, &self.file, false)?;
        let failed = |e: Error| self.failed(e.into());
        let evidence = (context.open_evidence)(&self.file, Assumed::default()).map_err(failed)?;
        let made = self.make(&copy, &evidence, context, change);
        if !evidence.examine_again().map_err(failed)?.is_unchanged() {
            return Err(Failure::at(Status::Io, &self.file, "changed while it was copied: no copy was made")
                .hint("make it of a copy, which `unbolt snapshot --raw` takes of a file in use"));
        }
        let done = made?;
        output::finish(copy)?;
        Ok(done)
    }

    fn make<T>(
        &self,
        copy: &OutputFile,
        evidence: &Evidence,
        context: &mut Context<'_>,
        change: impl FnOnce(&File, &Original) -> Result<T, SurgeryError>,
    ) -> Result<T, Failure> {
        let original = self.fill(copy, evidence, context)?;
        let done = change(copy.file(), &original).map_err(|e| self.failed(e))?;
        self.judge(copy, &original, context)?;
        Ok(done)
    }

    /// The same for a change to single pages.
    pub fn cut<T>(
        &self,
        context: &mut Context<'_>,
        change: impl FnOnce(&Surgery<'_>) -> Result<T, SurgeryError>,
    ) -> Result<T, Failure> {
        self.operate(context, |copy, original| {
            change(&match original.metas {
                Some(_) => Surgery::open(copy)?,
                None => Surgery::laid_out(copy, original.layout)?,
            })
        })
    }

    /// Fills the copy with the bytes of the database. Where none of its metas verifies, they may be what is to be mended.
    fn fill(&self, copy: &OutputFile, evidence: &Evidence, context: &mut Context<'_>) -> Result<Original, Failure> {
        copy_all(evidence, copy.file()).map_err(|e| self.failed(e.into()))?;
        for words in conditions(evidence) {
            // What is made is what counts, whether anybody hears of this or not.
            let _ = writeln!(context.err, "unbolt: {}: {words}", self.file.display());
        }
        match self.look_at(copy) {
            Ok(copied) => Ok(Original { metas: Some(*copied.metas()), layout: copied.layout() }),
            Err(Error::NotBolt { .. }) => Ok(Original { metas: None, layout: evidence.layout() }),
            Err(e) => Err(self.failed(e.into())),
        }
    }

    /// The copy as whoever opens it sees it.
    fn look_at(&self, copy: &OutputFile) -> crate::Result<Snapshot> {
        let file = copy.file().try_clone().map_err(|source| Error::Io { op: "read", path: self.output.clone(), source })?;
        Snapshot::of_file(file, &self.output)
    }

    /// Refuses a copy that something speaks against, or says so where that is what was wanted.
    fn judge(&self, copy: &OutputFile, original: &Original, context: &mut Context<'_>) -> Result<(), Failure> {
        let found = match self.look_at(copy) {
            Ok(after) => objections(original.metas.as_ref(), &after).map_err(|e| Failure::of(&self.output, e))?,
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

fn copy_all(from: &impl Storage, to: &File) -> crate::Result<()> {
    let unwritable = |source| Error::Io { op: "write", path: PathBuf::new(), source };
    to.set_len(0).and_then(|()| to.set_len(from.size())).map_err(unwritable)?;
    copy_bytes(from, 0..from.size(), to)
}

/// Nothing that is there is ever replaced, as in bbolt.
fn without_hint(failure: Failure) -> Failure {
    match failure {
        Failure::Told(told) => Failure::Told(Told { hint: None, ..told }),
        output => output,
    }
}
