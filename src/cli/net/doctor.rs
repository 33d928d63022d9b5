//! Owns `net doctor`: what is wrong with Docker's networks, what dockerd does there, and how it is mended.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::change;
use super::records::text;
use crate::cli::attempt::Spool;
use crate::cli::context::Context;
use crate::cli::docker_path;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::naming;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::net::doctor::{Doctor, Finding, Report, Severity};
use crate::net::{Containers, ROOT, Version};

/// Tell what is wrong with the networks, what dockerd does there, and how to mend it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Prints `OK`, or all that was found, the worst first: fatal is what keeps dockerd from starting. How
bad a thing is depends on the version of Docker; where --target names none it is the one that wrote
the file, or any later one. The exit status is 1 where anything was found. `unbolt net fix` mends it.

Examples:
  unbolt net doctor /var/lib/docker --docker-root /var/lib/docker
  unbolt net doctor --target 29.0 --format json local-kv.db | jq -r .findings[].code")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub mind: MindArgs,
    /// For people, or as one JSON object: schema, file, target, and_later, written_by, findings
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    pub state: TxidArg,
}

/// What the doctor has in mind.
#[derive(Debug, Default, clap::Args)]
pub struct MindArgs {
    /// Compare with the containers below Docker's data root too
    #[arg(long, value_name = "DIR")]
    pub docker_root: Option<PathBuf>,
    /// The version of Docker that is to run on the file
    #[arg(long, value_name = "VERSION")]
    pub target: Option<Version>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object
    Json,
}

impl MindArgs {
    /// The containers, if they are to be looked at.
    pub fn containers(&self) -> Result<Option<Containers>, Failure> {
        let Some(root) = &self.docker_root else { return Ok(None) };
        read_containers(root).map(Some)
    }

    pub fn doctor<'c>(&self, containers: &'c Option<Containers>) -> Doctor<'c> {
        let doctor = match containers {
            Some(containers) => Doctor::new().containers(containers),
            None => Doctor::new(),
        };
        match self.target {
            Some(version) => doctor.target(version),
            None => doctor,
        }
    }
}

/// The containers below a data root.
pub fn read_containers(root: &Path) -> Result<Containers, Failure> {
    Containers::read(root).map_err(|error| {
        let failure = Failure::at(Status::Io, root, format_args!("cannot read its containers: {error}"));
        failure.hint("Docker's data root is the directory with `containers` in it, such as /var/lib/docker")
    })
}

/// Says which containers could not be read.
pub fn note_unreadable(containers: &Containers, spool: &mut Spool) {
    for (file, why) in &containers.unreadable {
        spool.note(format_args!("{}: {}", file.display(), text(why)));
    }
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let containers = args.mind.containers()?;
    let file = docker_path::database(&args.file, "reading", context)?;
    context.read(&file, &args.state, |snapshot, spool| {
        containers.iter().for_each(|containers| note_unreadable(containers, spool));
        let inventory = change::draft(&file, snapshot)?.inventory();
        let report = args.mind.doctor(&containers).examine(&inventory);
        match args.format {
            Format::Json => json::write_line(spool.out(), &object(&file, &report))?,
            Format::Text => print(&report, spool)?,
        }
        Ok(if report.findings.is_empty() { Status::Done } else { Status::No })
    })
}

fn print(report: &Report, spool: &mut Spool) -> Result<(), Failure> {
    if report.findings.is_empty() {
        return Ok(writeln!(spool.out(), "OK")?);
    }
    for finding in &report.findings {
        print_finding(finding, spool)?;
    }
    let number = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let counted = [Severity::Fatal, Severity::Error, Severity::Warning, Severity::Note];
    let counted = counted.into_iter().map(|severity| (number(severity), severity)).filter(|(number, _)| *number > 0);
    let counted: Vec<String> = counted.map(|(number, severity)| format!("{number} {severity}")).collect();
    let found = naming::count(report.findings.len() as u64, "finding");
    let (target, by) = (report.target, report.written_by);
    let later = if report.and_later { " or later" } else { "" };
    writeln!(spool.out(), "{found} for Docker {target}{later}: {} (the file was written by {by})", counted.join(", "))?;
    Ok(())
}

/// A finding in a few lines.
pub fn print_finding(finding: &Finding, spool: &mut Spool) -> Result<(), Failure> {
    let field = if finding.field.is_empty() { String::new() } else { format!(" {}", text(&finding.field)) };
    let out = spool.out();
    writeln!(out, "{:<8} {}", finding.severity, finding.rule.code())?;
    writeln!(out, "  record   {}{field}", short_key(&finding.key))?;
    writeln!(out, "  found    {}", text(&finding.message))?;
    writeln!(out, "  dockerd  {}", finding.rule.effect())?;
    writeln!(out, "  mend     {}", finding.rule.remedy())?;
    if finding.severities().nth(1).is_some() {
        writeln!(out, "  versions {}", versions(finding))?;
    }
    Ok(writeln!(out)?)
}

/// A key without what all of them begin with.
fn short_key(key: &[u8]) -> String {
    let rest = key.strip_prefix(ROOT.as_bytes()).unwrap_or(key);
    crate::cli::quote::on_one_line(rest)
}

fn versions(finding: &Finding) -> String {
    let since = |(since, severity): (Version, Option<Severity>)| match severity {
        Some(severity) => format!("{severity} from {since}"),
        None => format!("harmless from {since}"),
    };
    finding.severities().map(since).collect::<Vec<_>>().join(", ")
}

fn object(file: &Path, report: &Report) -> Value {
    json!({
        "schema": 1,
        "file": file.to_string_lossy(),
        "target": report.target.to_string(),
        "and_later": report.and_later,
        "written_by": report.written_by.to_string(),
        "findings": report.findings.iter().map(finding_object).collect::<Value>(),
    })
}

fn finding_object(finding: &Finding) -> Value {
    let severities = finding
        .severities()
        .map(|(since, severity)| json!({ "since": since.to_string(), "severity": severity.map(Severity::as_str) }));
    json!({
        "code": finding.rule.code(),
        "severity": finding.severity.as_str(),
        "severities": severities.collect::<Value>(),
        "key": json::bytes(&finding.key),
        "field": (!finding.field.is_empty()).then_some(&finding.field),
        "message": finding.message,
        "effect": finding.rule.effect(),
        "remedy": finding.rule.remedy(),
        "mends": finding.mends.iter().map(ToString::to_string).collect::<Value>(),
    })
}
