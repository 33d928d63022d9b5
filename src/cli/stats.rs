//! Owns `stats`: how many pages, keys and buckets a file has, and how well they fill their space.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::txid::TxidArg;
use crate::tree::{BucketStats, Entry, bucket_stats};
use crate::{Corruption, CorruptionKind, Error, Snapshot};

/// Print statistics of all buckets, or of those whose names begin with PREFIX
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt stats meta.db
  unbolt stats meta.db v1")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only top-level buckets whose names begin with this
    #[arg(value_name = "PREFIX")]
    pub prefix: Option<OsString>,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let prefix = args.prefix.as_ref().map_or(&[][..], |prefix| prefix.as_encoded_bytes());
    context.read(&args.file, &args.state, |snapshot, spool| {
        let failed = |e| Failure::of(&args.file, e);
        let most = snapshot.runs_read().saturating_add(most_runs(snapshot));
        let (mut total, mut count) = (BucketStats::default(), 0);
        for entry in snapshot.root().map_err(failed)?.prefix(prefix) {
            let (_, Entry::Bucket(bucket)) = entry.map_err(failed)? else { continue };
            total.add(&bucket_stats(&bucket).map_err(failed)?);
            count += 1;
            if snapshot.runs_read() > most {
                return Err(failed(shared_pages()));
            }
        }
        write(&total, spool.out(), count)?;
        Ok(Status::Done)
    })
}

/// Reading every page of a sound file takes at most two looks at each. More means that buckets share pages, and a
/// small file in which many buckets share many could be counted for ever.
fn most_runs(snapshot: &Snapshot) -> u64 {
    snapshot.pages().stored().saturating_mul(4).saturating_add(100)
}

fn shared_pages() -> Error {
    let kind = CorruptionKind::Tree { what: "buckets share pages" };
    Corruption { kind, page: None, offset: None }.into()
}

/// The report on `count` top-level buckets.
fn write(stats: &BucketStats, out: &mut dyn Write, count: u64) -> io::Result<()> {
    writeln!(out, "Aggregate statistics for {count} buckets\n")?;
    writeln!(out, "Page count statistics")?;
    writeln!(out, "\tNumber of logical branch pages: {}", stats.branch_pages)?;
    writeln!(out, "\tNumber of physical branch overflow pages: {}", stats.branch_overflow)?;
    writeln!(out, "\tNumber of logical leaf pages: {}", stats.leaf_pages)?;
    writeln!(out, "\tNumber of physical leaf overflow pages: {}", stats.leaf_overflow)?;
    writeln!(out, "Tree statistics")?;
    writeln!(out, "\tNumber of keys/value pairs: {}", stats.keys)?;
    writeln!(out, "\tNumber of levels in B+tree: {}", stats.depth)?;
    writeln!(out, "Page size utilization")?;
    writeln!(out, "\tBytes allocated for physical branch pages: {}", stats.branch_alloc)?;
    let share = percentage(stats.branch_inuse, stats.branch_alloc);
    writeln!(out, "\tBytes actually used for branch data: {} ({share}%)", stats.branch_inuse)?;
    writeln!(out, "\tBytes allocated for physical leaf pages: {}", stats.leaf_alloc)?;
    let share = percentage(stats.leaf_inuse, stats.leaf_alloc);
    writeln!(out, "\tBytes actually used for leaf data: {} ({share}%)", stats.leaf_inuse)?;
    writeln!(out, "Bucket statistics")?;
    writeln!(out, "\tTotal number of buckets: {}", stats.buckets)?;
    let share = percentage(stats.inline_buckets, stats.buckets);
    writeln!(out, "\tTotal number on inlined buckets: {} ({share}%)", stats.inline_buckets)?;
    let share = percentage(stats.inline_inuse, stats.leaf_inuse);
    writeln!(out, "\tBytes used for inlined buckets: {} ({share}%)", stats.inline_inuse)
}

/// A share in whole per cent, cut off, in the single precision that bbolt computes it with.
fn percentage(part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return 0;
    }
    (part as f32 * 100.0 / whole as f32) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_cut_off_and_nothing_of_nothing_is_nothing() {
        assert_eq!(percentage(1185, 4096), 28);
        assert_eq!(percentage(4095, 4096), 99);
        assert_eq!(percentage(3, 0), 0);
        // Single precision rounds this one up to the whole.
        assert_eq!(percentage(999_999_999, 1_000_000_000), 100);
    }
}
