//! Owns how a command looks at a file as evidence: opened without a trace, and held against itself in the end.

use std::path::{Path, PathBuf};

use super::attempt::Spool;
use super::context::{Context, OpenEvidence};
use super::failure::Failure;
use super::number;
use super::output;
use super::status::Status;
use crate::FileSystem;
use crate::forensic::{Assumed, Custody, Evidence, LayoutSource};
use crate::format::{Endian, PageSize};

/// A file, and what is known of it that it may not say itself.
#[derive(Debug, clap::Args)]
pub struct EvidenceArgs {
    /// The file, in whatever condition
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The size of a page, where the file does not say it or says another
    #[arg(long, value_name = "BYTES", value_parser = page_size)]
    pub page_size: Option<PageSize>,
    /// The byte order, where the file does not say it
    #[arg(long, value_enum, value_name = "little|big", hide_possible_values = true)]
    pub byte_order: Option<ByteOrder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ByteOrder {
    /// Least significant byte first
    Little,
    /// Most significant byte first
    Big,
}

fn page_size(text: &str) -> Result<PageSize, String> {
    let bytes = number::decimal(text).map_err(|_| "not a number".to_owned())?;
    let size = u32::try_from(bytes).ok().and_then(PageSize::new);
    size.ok_or_else(|| format!("not from {} to {}", PageSize::MIN, PageSize::MAX))
}

impl EvidenceArgs {
    fn assumed(&self) -> Assumed {
        let endian = self.byte_order.map(|order| if order == ByteOrder::Big { Endian::Big } else { Endian::Little });
        Assumed { page_size: self.page_size, endian }
    }
}

impl Context<'_> {
    /// Runs a command on a piece of evidence. What it prints is shown when the file was looked at again; where it is
    /// another one by then, that is said, and the command failed.
    pub fn examine(
        &mut self,
        args: &EvidenceArgs,
        look: impl FnOnce(&Evidence, &mut Spool) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        self.spooled(|open, spool| {
            let evidence = take(open, &args.file, args.assumed(), spool)?;
            let ended = look(&evidence, spool);
            look_again(&args.file, &evidence, ended, spool)
        })
    }

    /// The same for a command that compares two. Where both are one file, it is opened and hashed once.
    pub fn examine_both(
        &mut self,
        before: &Path,
        after: &Path,
        look: impl FnOnce(&Evidence, &Evidence, &mut Spool) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        self.spooled(|open, spool| {
            let first = take(open, before, Assumed::default(), spool)?;
            if output::is_same(before, after) {
                let ended = look(&first, &first, spool);
                return look_again(before, &first, ended, spool);
            }
            let second = take(open, after, Assumed::default(), spool)?;
            let ended = look(&first, &second, spool);
            let ended = look_again(before, &first, ended, spool);
            look_again(after, &second, ended, spool)
        })
    }

    /// The same for a command that looks at the file again itself, since it tells what came of that.
    pub fn examine_and_tell(
        &mut self,
        args: &EvidenceArgs,
        look: impl FnOnce(&Evidence, &mut Spool) -> Result<(Status, Custody), Failure>,
    ) -> Result<Status, Failure> {
        self.spooled(|open, spool| {
            let evidence = take(open, &args.file, args.assumed(), spool)?;
            let (status, custody) = look(&evidence, spool)?;
            if custody.is_unchanged() { Ok(status) } else { Err(changed(&args.file)) }
        })
    }

    fn spooled(
        &mut self,
        look: impl FnOnce(OpenEvidence<'_>, &mut Spool) -> Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        let mut spool = Spool::new();
        let ended = look(self.open_evidence, &mut spool);
        spool.release(self.out, self.err)?;
        ended
    }
}

/// Opens a file as evidence, and notes under which conditions.
fn take(open: OpenEvidence<'_>, file: &Path, assumed: Assumed, spool: &mut Spool) -> Result<Evidence, Failure> {
    let evidence = open(file, assumed).map_err(|e| Failure::of(file, e))?;
    for words in conditions(&evidence) {
        spool.note(format_args!("{}: {words}", file.display()));
    }
    match evidence.is_bolt() {
        true => Ok(evidence),
        false => Err(Failure::at(Status::Corrupt, file, "no meta verifies and no page says its number: not a Bolt file")
            .hint(format_args!("`unbolt carve {}` looks for Bolt files inside of it", file.display()))),
    }
}

/// Holds a file against itself, whatever became of the look at it. A failure may be of the change alone, so it is told
/// and decides nothing where there was one.
fn look_again(file: &Path, evidence: &Evidence, ended: Result<Status, Failure>, spool: &mut Spool) -> Result<Status, Failure> {
    if evidence.examine_again().map_err(|e| Failure::of(file, e))?.is_unchanged() {
        return ended;
    }
    if let Err(failure) = &ended {
        spool.fail(failure);
    }
    Err(changed(file))
}

fn changed(file: &Path) -> Failure {
    Failure::at(Status::Io, file, "changed while it was looked at: what was printed is of no one moment")
        .hint("look at a copy, which `unbolt snapshot --raw` takes of a file in use")
}

/// What whoever relies on the output should know of how the file was read.
pub fn conditions(evidence: &Evidence) -> Vec<String> {
    let mut conditions = Vec::new();
    let layout = evidence.layout();
    match evidence.layout_source() {
        LayoutSource::Pages(count) => {
            conditions.push(format!("pages of {} bytes, as {count} of them say; the metas do not agree", layout.page_size));
        }
        LayoutSource::MetaAlone => {
            conditions.push(format!("pages of {} bytes, as a meta says and no page does", layout.page_size));
        }
        LayoutSource::Given | LayoutSource::Meta | LayoutSource::Nothing => {}
    }
    for slot in &evidence.metas().slots {
        if let Err(refusal) = slot.meta {
            conditions.push(format!("the meta on page {} is refused ({refusal})", slot.page));
        }
    }
    if evidence.current().is_none() {
        conditions.push("there is no current state to hold anything against".to_owned());
    }
    if !evidence.access_time_kept() {
        conditions.push("reading it may set the time of its last access, which only its owner can avoid".to_owned());
    }
    if let Some(system) = evidence.path().and_then(FileSystem::of).filter(FileSystem::is_shared) {
        conditions.push(format!("is on {}, where another machine may write to it unnoticed", system.name()));
    }
    conditions
}
