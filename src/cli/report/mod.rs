//! Owns `report`: all that can be told of a file, in one document.
//!
//! Every form is made of the same facts, as they come. None keeps more of them than it shows.

mod csv;
mod dfxml;
mod escape;
mod facts;
mod html;
mod lines;
mod scene;
mod text;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::context::Context;
use super::evidence::{EvidenceArgs, conditions};
use super::failure::Failure;
use super::naming;
use super::output;
use super::status::Status;
use crate::forensic::{Custody, Doubt, Evidence, History};
use facts::Case;
use scene::Scene;

/// Report on a file: who looked at it and how, every page and byte, what is wrong, what was deleted
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The page is one file: it loads nothing, needs no script, and can be printed. Where there is too much
to show, it says how much more there is; the other forms have all of it. Cells of the CSV that a
spreadsheet would take for a formula begin with an apostrophe.

Exits with status 3 where the file changed meanwhile; the report is written all the same, and says so.

Examples:
  unbolt report /var/lib/docker/network/files/local-kv.db -o report.html
  unbolt report --format jsonl meta.db | jq -c 'select(.type == \"item\")'")]
pub struct Args {
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    /// Where to write it; standard output, where this is not given
    #[arg(short, long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Replace the output where there is one
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// `--format` of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A page for people
    #[default]
    Html,
    /// One JSON object
    Json,
    /// A JSON object per line, for each page range, bucket, finding, item
    Jsonl,
    /// The same as rows
    Csv,
    /// Digital Forensics XML: byte runs with hashes
    Dfxml,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (file, scene) = (args.evidence.file.as_path(), Scene::begin());
    if let Some(out) = &args.output {
        output::refuse_unsafe(out, file, args.force)?;
    }
    context.examine_and_tell(&args.evidence, |evidence, spool| {
        let custody = match &args.output {
            None => report(args, evidence, &scene, spool.out())?,
            Some(out) => {
                let target = output::begin(out, file, args.force)?;
                let custody = write(args, evidence, &scene, target.file()).map_err(|failure| match failure {
                    Failure::Output(e) => Failure::at(Status::Io, out, format_args!("cannot write: {e}")),
                    failure => failure,
                })?;
                output::finish(target)?;
                custody
            }
        };
        Ok((Status::Done, custody))
    })
}

fn write(args: &Args, evidence: &Evidence, scene: &Scene, file: &File) -> Result<Custody, Failure> {
    let mut out = BufWriter::new(file);
    let custody = report(args, evidence, scene, &mut out)?;
    out.flush()?;
    Ok(custody)
}

fn report(args: &Args, evidence: &Evidence, scene: &Scene, out: &mut dyn Write) -> Result<Custody, Failure> {
    let file: &Path = &args.evidence.file;
    let history = History::of(evidence).map_err(|e| Failure::of(file, e))?;
    let case = Case { file, scene, history: &history, warnings: warnings(&history) };
    match args.format {
        Format::Html => case.tell(&mut html::Page::begin(out, &history)),
        Format::Json => case.tell(&mut lines::Object::new(out)),
        Format::Jsonl => case.tell(&mut lines::Lines(out)),
        Format::Csv => case.tell(&mut csv::Csv::begin(out)?),
        Format::Dfxml => case.tell(&mut dfxml::Dfxml::begin(out)?),
    }
}

/// What whoever relies on the report should know of the file and of what can be told of it.
fn warnings(history: &History<'_>) -> Vec<String> {
    let evidence = history.evidence();
    let mut warnings = conditions(evidence);
    let (problems, count) = history.census().problems();
    if let Some(problem) = problems.first() {
        let places = naming::count(count, "place");
        warnings.push(format!("the current state is damaged in {places} ({problem}): what it lost is not called deleted"));
    }
    let doubt = history.generations().doubt().filter(|doubt| *doubt != Doubt::NoState);
    warnings.extend(doubt.map(|doubt| doubt.to_string()));
    warnings
}
