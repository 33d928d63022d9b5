//! Owns `recover`: what can still be read of a damaged file, in a new one that is sound.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::context::Context;
use super::failure::Failure;
use super::json;
use super::listing::Listing;
use super::naming::count;
use super::number;
use super::output;
use super::status::Status;
use crate::forensic::{Assumed, Evidence, LayoutSource, ListState, RecoverOptions, Recovery, RecoveryReport, StateSource};
use crate::format::{Endian, PageSize};
use crate::{Error, Storage};

/// Bring what can still be read of a damaged file into a new one
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The state that the newest meta leads to is brought in its place; where that leads nowhere, that of the \
other meta, of a meta that does not verify, or of a root that the pages themselves tell. What nothing \
leads to and is not free goes to the bucket `lost+found`, one bucket for each page it was found on; \
`provenance` in there tells where that lies, why it is there, and what an older page calls it. What is there may be older, wrong, or never \
committed; what was damaged in its own bytes is brought as it is, since Bolt keeps no checksum of a page.

FILE is only read, and its hash is taken before and after. NEW is made beside its name and takes that \
when it is whole and synced; `unbolt check` and bbolt's own find nothing wrong with it.

The exit status is 0 where the newest state was brought whole, 1 where anything was lost, has no home, or \
is of another state, 5 where there is nothing to recover, 6 where NEW is there.

Examples:
  unbolt recover broken.db -o saved.db
  unbolt recover --plan --deleted --format json broken.db")]
pub struct Args {
    /// The damaged file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The new file
    #[arg(long, short, value_name = "NEW", required_unless_present = "plan")]
    pub output: Option<PathBuf>,
    /// Only say what would be brought, and write nothing
    #[arg(long, conflicts_with = "output")]
    pub plan: bool,
    /// Bring what lies on free pages too, in a bucket `deleted`
    ///
    /// What is there as well in the state is left out. Nothing tells when it was deleted, or whether it was ever committed.
    #[arg(long)]
    pub deleted: bool,
    /// The page size of FILE, against what it says itself
    #[arg(long, value_name = "BYTES", value_parser = number::any_page_size)]
    pub page_size: Option<PageSize>,
    /// The report for people, or as one JSON object
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    /// Replace NEW
    #[arg(long)]
    pub force: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    if let Some(output) = &args.output {
        output::refuse_unsafe(output, &args.file, args.force)?;
    }
    let assumed = Assumed { page_size: args.page_size, ..Assumed::default() };
    let evidence = (context.open_evidence)(&args.file, assumed).map_err(|e| Failure::of(&args.file, e))?;
    let mut options = RecoverOptions::default();
    options.deleted(args.deleted);
    let recovery = Recovery::plan(&evidence, &options).map_err(|e| Failure::of(&args.file, e))?;
    let report = recovery.report();
    if report.is_empty() {
        let failure =
            Failure::at(Status::Corrupt, &args.file, "nothing to recover: no tree, and no page of one with anything on it");
        return Err(failure.hint("`unbolt carve` finds files that begin anywhere in another one"));
    }
    if let Some(output) = &args.output {
        write(args, output, &recovery)?;
    }
    say(args, report, &evidence, context.out)?;
    unchanged(args, &evidence)?;
    Ok(if report.is_whole() { Status::Done } else { Status::No })
}

fn write(args: &Args, path: &Path, recovery: &Recovery<'_>) -> Result<(), Failure> {
    let new = output::begin(path, &args.file, args.force)?;
    recovery.write(new.file()).map_err(|e| match e {
        Error::Io { path: on, source, .. } if on.as_os_str().is_empty() => {
            Failure::at(Status::Io, path, format_args!("cannot write: {source}"))
        }
        e => Failure::of(&args.file, e),
    })?;
    output::finish(new)
}

/// A file that changed meanwhile is no evidence of anything.
fn unchanged(args: &Args, evidence: &Evidence) -> Result<(), Failure> {
    let custody = evidence.examine_again().map_err(|e| Failure::of(&args.file, e))?;
    match custody.is_unchanged() {
        true => Ok(()),
        false => {
            Err(Failure::at(Status::Io, &args.file, "changed while it was read: what was recovered may be of no one state")
                .hint("`unbolt snapshot --raw` makes a copy that stays as it is"))
        }
    }
}

fn say(args: &Args, report: &RecoveryReport, evidence: &Evidence, out: &mut dyn Write) -> Result<(), Failure> {
    match args.format {
        Listing::Table => text(args, report, evidence, out)?,
        Listing::Json => json::write_line(out, &object(args, report, evidence))?,
    }
    Ok(())
}

fn text(args: &Args, report: &RecoveryReport, evidence: &Evidence, out: &mut dyn Write) -> io::Result<()> {
    for (number, step) in (1..).zip(steps(args, report)) {
        writeln!(out, "{number}. {step}")?;
    }
    let (pairs, pages) = (&report.pairs, &report.pages);
    writeln!(out)?;
    writeln!(
        out,
        "pairs:   {} found = {} kept + {} lost + {} duplicate",
        pairs.found, pairs.kept, pairs.lost, pairs.duplicate
    )?;
    writeln!(out, "kept:    {} in place, {} in lost+found, {} deleted", pairs.in_place, pairs.lost_and_found, pairs.deleted)?;
    writeln!(out, "buckets: {} found, {} kept", pairs.buckets_found, pairs.buckets_kept)?;
    writeln!(
        out,
        "pages:   {} of {} bytes: {} reached, {} without a home, {} free with something on them, {} unreadable",
        pages.all,
        report.layout.page_size,
        pages.reached,
        pages.homeless,
        pages.deleted + pages.not_brought,
        pages.unreadable
    )?;
    writeln!(out, "file:    {} bytes, sha256 {}", evidence.size(), evidence.stamp().sha256)?;
    if report.problems.count > 0 {
        writeln!(out, "\nnot readable:")?;
        for problem in report.problems.first.iter().take(SHOWN) {
            writeln!(out, "  {problem}")?;
        }
        let more = report.problems.count.saturating_sub(report.problems.first.len().min(SHOWN) as u64);
        if more > 0 {
            writeln!(out, "  and {more} more; --format json has the first thousand")?;
        }
    }
    let unknown = unknown(report);
    writeln!(out, "\nnot to be known:")?;
    unknown.iter().try_for_each(|words| writeln!(out, "  {words}"))
}

/// How many problems are shown to people.
const SHOWN: usize = 20;

/// What is done, in order.
fn steps(args: &Args, report: &RecoveryReport) -> Vec<String> {
    let mut steps = vec![layout(report), state(report), list(report)];
    let pairs = &report.pairs;
    if let Some(name) = &report.lost_and_found {
        let pairs = count(pairs.lost_and_found, "pair");
        steps.push(format!("put {pairs} without a home into {name}, none of them provably committed"));
    }
    match (&report.deleted, args.deleted) {
        (Some(name), _) => {
            let pairs = count(pairs.deleted, "pair");
            steps.push(format!("put {pairs} from free pages into {name}, none of them provably committed"));
        }
        (None, true) => steps.push("free pages have nothing that the state does not have".to_owned()),
        (None, false) if report.pages.not_brought > 0 => {
            let pages = count(report.pages.not_brought, "free page");
            steps.push(format!("leave {pages} with pairs, none of them provably committed; --deleted brings these"));
        }
        (None, false) => {}
    }
    match &args.output {
        Some(path) => steps.push(format!("write {}", path.display())),
        None => steps.push("write nothing, as this is the plan".to_owned()),
    }
    steps
}

fn layout(report: &RecoveryReport) -> String {
    let source = match report.layout_source {
        LayoutSource::Given => "as given".to_owned(),
        LayoutSource::Meta => "as a meta says".to_owned(),
        LayoutSource::Pages(pages) => format!("as {} say by their own numbers", count(pages, "page")),
        LayoutSource::MetaAlone => "as a meta says, which nothing else confirms".to_owned(),
        LayoutSource::Nothing => "for want of anything that tells".to_owned(),
    };
    format!("take pages of {} bytes, {}-endian, {source}", report.layout.page_size, order(report))
}

fn order(report: &RecoveryReport) -> &'static str {
    match report.layout.endian {
        Endian::Little => "little",
        Endian::Big => "big",
    }
}

fn state(report: &RecoveryReport) -> String {
    let root = report.root.map_or_else(String::new, |page| format!(", root {page}"));
    let transaction = report.txid.map_or_else(String::new, |txid| format!("transaction {txid}, "));
    let from = match report.source {
        None => return "there is no root to be found: everything has lost its home".to_owned(),
        Some(StateSource::Current { meta }) => format!("{transaction}by the newest meta, on page {meta}"),
        Some(StateSource::Older { meta }) => {
            format!("{transaction}by the other meta, on page {meta}: the newest leads nowhere")
        }
        Some(StateSource::Unverified { meta }) => format!("{transaction}by a meta that does not verify, on page {meta}"),
        Some(StateSource::Complement { list }) => {
            format!("by its pages: with the list of free pages on page {list} they are the whole file")
        }
        Some(StateSource::Largest) => "by its pages: the most hang on this root".to_owned(),
    };
    let rivals = match report.rivals {
        0 => String::new(),
        rivals => {
            format!("; {} as well", if rivals == 1 { "another root fits".into() } else { format!("{rivals} other roots fit") })
        }
    };
    let pairs = count(report.pairs.in_place, "pair");
    format!(
        "bring {pairs} in place: {from}{root}{rivals}{}",
        if report.is_state_whole { "" } else { "; not all of it can be read" }
    )
}

fn list(report: &RecoveryReport) -> String {
    match report.list {
        ListState::Read { page, count: pages } => {
            format!("the list of free pages, on page {page}, names {}", count(pages, "page"))
        }
        ListState::Unreadable { page } => format!("the list of free pages, on page {page}, cannot be read"),
        ListState::None => "there is no list of free pages".to_owned(),
    }
}

/// What nobody can tell about what was recovered.
fn unknown(report: &RecoveryReport) -> Vec<&'static str> {
    let mut words = vec!["whether a key or value was damaged in its own bytes: Bolt keeps no checksum of a page"];
    match report.source {
        Some(StateSource::Current { .. }) => {}
        Some(StateSource::Older { .. }) => {
            words.push("whether the older state was ever committed as it is: its pages may have been written since");
        }
        Some(_) => words.push("whether this is the newest state, or was ever committed: no meta that verifies leads to it"),
        None => words.push("which buckets the pairs were in"),
    }
    if report.lost_and_found.is_some() {
        words.push(match report.is_doubtful {
            true => "whether what is in lost+found is older, deleted, or was never committed",
            false => "which bucket what is in lost+found was in, and whether it was ever committed",
        });
    }
    if report.deleted.is_some() {
        words.push("when what is in deleted was deleted, and whether it was ever committed");
    }
    if report.pairs.lost > 0 || report.problems.count > 0 || report.pages.unreadable > 0 {
        words.push("how many pairs were on pages that cannot be read");
    }
    words
}

fn object(args: &Args, report: &RecoveryReport, evidence: &Evidence) -> Value {
    let (pairs, pages) = (&report.pairs, &report.pages);
    json!({
        "schema": 1,
        "file": json::bytes(args.file.as_os_str().as_encoded_bytes()),
        "size": evidence.size(),
        "sha256": evidence.stamp().sha256.to_string(),
        "output": args.output.as_ref().map(|path| json::bytes(path.as_os_str().as_encoded_bytes())),
        "page_size": report.layout.page_size.get(),
        "byte_order": order(report),
        "state": report.source.map(|source| json!({
            "from": source_name(source),
            "root": report.root.map(|page| page.0),
            "txid": report.txid.map(|txid| txid.0),
            "provable": matches!(source, StateSource::Current { .. }),
            "whole": report.is_state_whole,
            "rivals": report.rivals,
        })),
        "whole": report.is_whole(),
        "pairs": {
            "found": pairs.found,
            "kept": pairs.kept,
            "lost": pairs.lost,
            "duplicate": pairs.duplicate,
            "in_place": pairs.in_place,
            "lost_and_found": pairs.lost_and_found,
            "deleted": pairs.deleted,
        },
        "buckets": { "found": pairs.buckets_found, "kept": pairs.buckets_kept },
        "pages": {
            "all": pages.all,
            "reached": pages.reached,
            "homeless": pages.homeless,
            "free": pages.deleted + pages.not_brought,
            "unreadable": pages.unreadable,
        },
        "lost_and_found": report.lost_and_found,
        "deleted": report.deleted,
        // Of what is in those two.
        "outside_provable": (report.lost_and_found.is_some() || report.deleted.is_some()).then_some(false),
        "steps": steps(args, report),
        "problems": report.problems.first.iter().map(|problem| json!({
            "page": problem.page.map(|page| page.0),
            "offset": problem.offset,
            "message": problem.kind.to_string(),
        })).collect::<Vec<_>>(),
        "problem_count": report.problems.count,
        "unknown": unknown(report),
    })
}

fn source_name(source: StateSource) -> &'static str {
    match source {
        StateSource::Current { .. } => "current-meta",
        StateSource::Older { .. } => "older-meta",
        StateSource::Unverified { .. } => "unverified-meta",
        StateSource::Complement { .. } => "pages-and-freelist",
        StateSource::Largest => "pages",
    }
}
