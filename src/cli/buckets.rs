//! Owns `buckets`: the names of the buckets.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::json;

use super::attempt::Spool;
use super::context::Context;
use super::failure::Failure;
use super::json;
use super::listing::Listing;
use super::nesting;
use super::status::Status;
use super::txid::TxidArg;
use crate::format::{BucketRoot, Bytes, PageId};
use crate::tree::{BucketAt, Entry, Place, Visitor, WalkError, walk};
use crate::{Corruption, Snapshot};

/// List the top-level buckets
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt buckets meta.db
  unbolt buckets --recursive --format json meta.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// List nested buckets too, as paths with `/` between the names
    #[arg(long, short)]
    pub recursive: bool,
    /// One name per line as it is, or one JSON object per bucket
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    context.read(&args.file, &args.state, |snapshot, spool| match args.recursive {
        true => list_nested(args, snapshot, spool),
        false => list_top(args, snapshot, spool),
    })
}

/// The entries of the root bucket. bbolt lists plain pairs among them; so does the table, and says so.
fn list_top(args: &Args, snapshot: &Snapshot, spool: &mut Spool) -> Result<Status, Failure> {
    let failed = |e| Failure::of(&args.file, e);
    let mut pairs = 0_u64;
    for entry in snapshot.root().map_err(failed)?.iter() {
        let (name, entry) = entry.map_err(failed)?;
        match (entry, args.format) {
            (Entry::Bucket(bucket), Listing::Json) => {
                write_object(spool.out(), &[&name], bucket.root_page(), bucket.sequence())?;
            }
            (Entry::Value(_), Listing::Json) => pairs += 1,
            (entry, Listing::Table) => {
                pairs += u64::from(matches!(entry, Entry::Value(_)));
                spool.out().write_all(&name)?;
                spool.out().write_all(b"\n")?;
            }
        }
    }
    if pairs > 0 {
        let place = if args.format == Listing::Table { "listed too" } else { "left out" };
        spool.note(format_args!(
            "{}: {pairs} of the top-level entries hold values and are not buckets; {place}",
            args.file.display()
        ));
    }
    Ok(Status::Done)
}

fn list_nested(args: &Args, snapshot: &Snapshot, spool: &mut Spool) -> Result<Status, Failure> {
    let mut lister = Lister { format: args.format, out: spool.out(), problem: None };
    walk(snapshot.pages(), &mut lister).map_err(|e| match e {
        WalkError::Storage(e) => Failure::of(&args.file, e),
        WalkError::Stopped(failure) => failure,
    })?;
    match lister.problem {
        Some(problem) => Err(Failure::of(&args.file, problem.into())),
        None => Ok(Status::Done),
    }
}

/// Lists each bucket that the walk enters, and keeps the first damage it meets.
struct Lister<'o> {
    format: Listing,
    out: &'o mut dyn Write,
    problem: Option<Corruption>,
}

impl<B: Bytes> Visitor<B> for Lister<'_> {
    type Stop = Failure;
    const VALUES: bool = false;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<(), Failure> {
        nesting::test(place.buckets.len())?;
        match self.format {
            Listing::Table => {
                for (index, name) in place.buckets.iter().enumerate() {
                    self.out.write_all(if index == 0 { b"" } else { b"/" })?;
                    self.out.write_all(name)?;
                }
                self.out.write_all(b"\n")?;
            }
            Listing::Json => {
                let names: Vec<&[u8]> = place.buckets.iter().map(|name| &**name).collect();
                let root = match bucket.header.root {
                    BucketRoot::Page(id) => Some(id),
                    BucketRoot::Inline(_) => None,
                };
                write_object(self.out, &names, root, bucket.header.sequence)?;
            }
        }
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Failure> {
        self.problem.get_or_insert(corruption);
        Ok(())
    }
}

fn write_object(out: &mut dyn Write, path: &[&[u8]], root: Option<PageId>, sequence: u64) -> io::Result<()> {
    let path = json::path(path.iter().copied());
    json::write_line(
        out,
        &json!({ "bucket": path, "sequence": sequence, "root": root.map(|page| page.0), "inline": root.is_none() }),
    )
}
