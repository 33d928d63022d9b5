//! Owns `audit`: what each byte of a file is, and what about the file is unusual.

use std::path::Path;

use serde_json::{Value, json};

use super::attempt::Spool;
use super::context::Context;
use super::evidence::EvidenceArgs;
use super::failure::Failure;
use super::item_json;
use super::json;
use super::listing::Listing;
use super::status::Status;
use super::table::Table;
use super::utc::utc;
use crate::forensic::{Class, Evidence, History, LayoutSource, Observation, audit};
use crate::format::Endian;
use crate::{Result as Read, Storage};

/// Account for every byte of a file, and tell what about it is unusual
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
What is unusual is told as what was seen and what that is consistent with; it proves nothing by itself.
Exits with status 1 where there is any such thing, 3 where the file changed meanwhile.

Examples:
  unbolt audit local-kv.db
  unbolt audit --format json meta.db | jq '.observations[].code'")]
pub struct Args {
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    /// Tables for people, or one JSON object for the whole
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    context.examine(&args.evidence, |evidence, spool| {
        let failed = |e| Failure::of(&args.evidence.file, e);
        let history = History::of(evidence).map_err(failed)?;
        let observations = observations(&history).map_err(failed)?;
        match args.format {
            Listing::Table => tables(&history, &observations, spool)?,
            Listing::Json => json::write_line(spool.out(), &object(&args.evidence.file, &history, &observations))?,
        }
        Ok(if observations.is_empty() { Status::Done } else { Status::No })
    })
}

fn observations(history: &History<'_>) -> Read<Vec<Observation>> {
    let mut observations = Vec::new();
    audit(history, &mut |observation| observations.push(observation))?;
    Ok(observations)
}

fn tables(history: &History<'_>, observations: &[Observation], spool: &mut Spool) -> Result<(), Failure> {
    let evidence = history.evidence();
    writeln!(spool.out(), "{} bytes, sha256 {}\n", evidence.size(), evidence.stamp().sha256)?;
    let mut account = Table::new(&["BYTES", "PAGES", "CLASS"]);
    for (class, pages, bytes) in history.census().account().rows().filter(|(_, pages, bytes)| *pages > 0 || *bytes > 0) {
        account.row([bytes.to_string(), pages.to_string(), class.to_string()]);
    }
    let total = history.census().account().total();
    account.row([total.to_string(), history.census().len().to_string(), "total".to_owned()]);
    account.write(spool.out())?;
    if !observations.is_empty() {
        let mut seen = Table::new(&["OBSERVATION", "PAGE", "OFFSET", "WHAT WAS SEEN"]);
        for it in observations {
            let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            seen.row([it.code.to_owned(), number(it.page.map(|page| page.0)), number(it.offset), it.text.clone()]);
        }
        writeln!(spool.out())?;
        seen.write(spool.out())?;
    }
    Ok(())
}

fn object(file: &Path, history: &History<'_>, observations: &[Observation]) -> Value {
    let (evidence, census) = (history.evidence(), history.census());
    let account = census.account().rows().map(|(class, pages, bytes)| self::class(class, pages, bytes));
    let seen = observations.iter().map(observation);
    json!({
        "schema": 1,
        "file": file.display().to_string(),
        "custody": custody(evidence),
        "layout": layout(evidence),
        "txid": evidence.current().map(|current| current.meta().txid.0),
        "account": account.collect::<Vec<_>>(),
        "roots": history.generations().roots().iter().map(item_json::root).collect::<Vec<_>>(),
        "observations": seen.collect::<Vec<_>>(),
    })
}

/// A row of the account.
pub fn class(class: Class, pages: u64, bytes: u64) -> Value {
    json!({ "class": class.as_str(), "pages": pages, "bytes": bytes })
}

/// Something that was seen.
pub fn observation(it: &Observation) -> Value {
    json!({ "code": it.code, "page": it.page.map(|page| page.0), "offset": it.offset, "length": it.length, "text": it.text })
}

/// Page size and byte order, and where they are from.
pub fn layout(evidence: &Evidence) -> Value {
    let source = match evidence.layout_source() {
        LayoutSource::Given => "given",
        LayoutSource::Meta => "meta",
        LayoutSource::Pages(_) => "pages",
        LayoutSource::MetaAlone => "meta-alone",
        LayoutSource::Nothing => "nothing",
    };
    let order = if evidence.layout().endian == Endian::Big { "big" } else { "little" };
    json!({ "page_size": evidence.layout().page_size.get(), "byte_order": order, "source": source })
}

fn custody(evidence: &Evidence) -> Value {
    let stamp = evidence.stamp();
    json!({
        "size": stamp.size,
        "sha256": stamp.sha256.to_string(),
        "modified": stamp.modified.and_then(utc),
        "device": stamp.inode.map(|(device, _)| device),
        "inode": stamp.inode.map(|(_, inode)| inode),
        "access_time_kept": evidence.access_time_kept(),
    })
}
