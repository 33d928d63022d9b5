//! Owns `check`: every rule of the format, and where a file breaks one.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::context::Context;
use super::failure::Failure;
use super::json;
use super::listing::Listing;
use super::number;
use super::status::Status;
use super::txid::TxidArg;
use crate::Snapshot;
use crate::check::{Code, Finding, Severity, check_from, check_snapshot};
use crate::format::PageId;

/// Verify the integrity of a database
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Prints `OK`, or one line for each finding and their number; the exit status is then 1.

Examples:
  unbolt check local-kv.db
  unbolt check --format json local-kv.db | jq -r .code | sort | uniq -c")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Check only the tree below this page
    #[arg(long, value_name = "PAGE", value_parser = number::flag, default_value = "0", hide_default_value = true)]
    pub from_page: u64,
    /// Lines for people, or one JSON object per finding: code, severity, page, offset, path, bucket, key, message
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    match args.from_page {
        0 => context.read_showing_metas(&args.file, &args.state, |snapshot, spool| check(args, snapshot, spool.out())),
        _ => context.read(&args.file, &args.state, |snapshot, spool| check(args, snapshot, spool.out())),
    }
}

fn check(args: &Args, snapshot: &Snapshot, out: &mut dyn Write) -> Result<Status, Failure> {
    let mut printer = Printer { format: args.format, provable: snapshot.is_provable(), out, ended: Ok(()) };
    let checked = match args.from_page {
        0 => check_snapshot(snapshot, &mut |finding| printer.print(&finding)),
        id if id < 2 || id >= snapshot.meta().high_water.0 => return out_of_range(args, snapshot, out),
        id => check_from(snapshot.pages(), PageId(id), &mut |finding| printer.print(&finding)),
    };
    printer.ended?;
    let summary = checked.map_err(|e| Failure::of(&args.file, e))?;
    verdict(args, summary.errors.saturating_add(summary.hazards), out)
}

/// Says how much was found. JSON has its findings and nothing else.
fn verdict(args: &Args, found: u64, out: &mut dyn Write) -> Result<Status, Failure> {
    match (args.format, found) {
        (Listing::Json, _) => {}
        (Listing::Table, 0) => writeln!(out, "OK")?,
        (Listing::Table, _) => writeln!(out, "{found} errors found")?,
    }
    Ok(if found == 0 { Status::Done } else { Status::No })
}

fn out_of_range(args: &Args, snapshot: &Snapshot, out: &mut dyn Write) -> Result<Status, Failure> {
    let message = format!("page ID ({}) out of range [2, {})", args.from_page, snapshot.meta().high_water);
    match args.format {
        Listing::Table => writeln!(out, "{message}")?,
        Listing::Json => {
            let (code, severity) = (Code::PageRange, Code::PageRange.severity());
            json::write_line(
                out,
                &json!({ "code": code.as_str(), "severity": severity.as_str(), "page": args.from_page, "message": message }),
            )?;
        }
    }
    verdict(args, 1, out)
}

/// Prints findings as they come, and keeps the first failure to do so.
struct Printer<'o> {
    format: Listing,
    /// Whether the state that is checked is sure to have been one.
    provable: bool,
    out: &'o mut dyn Write,
    ended: io::Result<()>,
}

impl Printer<'_> {
    fn print(&mut self, finding: &Finding) {
        if self.ended.is_ok() {
            self.ended = match self.format {
                Listing::Json => json::write_line(self.out, &object(finding, self.provable)),
                Listing::Table if finding.severity == Severity::Note => Ok(()),
                Listing::Table => writeln!(self.out, "{finding}"),
            };
        }
    }
}

/// A finding; that it is one of an older state, which may hold data that was never committed, is said in each.
pub fn object(finding: &Finding, provable: bool) -> Value {
    let mut object = json!({
        "code": finding.code.as_str(),
        "severity": finding.severity.as_str(),
        "page": finding.corruption.page.map(|page| page.0),
        "offset": finding.corruption.offset,
        "path": finding.path.iter().map(|page| page.0).collect::<Value>(),
        "bucket": json::path(finding.bucket.iter().map(Vec::as_slice)),
        "key": finding.key.as_deref().map(json::bytes),
        "message": finding.to_string(),
    });
    if let Some(fields) = object.as_object_mut().filter(|_| !provable) {
        fields.insert("provable".into(), false.into());
    }
    object
}
