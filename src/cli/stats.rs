//! Owns `stats`: how many pages, keys and buckets a file has, and how well they fill their space.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use super::txid::TxidArg;

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

/// Figures of one bucket and of the buckets in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub branch_pages: u64,
    pub branch_overflow: u64,
    pub leaf_pages: u64,
    pub leaf_overflow: u64,
    pub keys: u64,
    pub depth: u64,
    pub branch_alloc: u64,
    pub branch_in_use: u64,
    pub leaf_alloc: u64,
    pub leaf_in_use: u64,
    pub buckets: u64,
    pub inline_buckets: u64,
    pub inline_in_use: u64,
}

impl Stats {
    /// Adds the figures of another bucket beside this one; depth is the deeper one's.
    pub fn add(&mut self, other: &Stats) {
        self.branch_pages += other.branch_pages;
        self.branch_overflow += other.branch_overflow;
        self.leaf_pages += other.leaf_pages;
        self.leaf_overflow += other.leaf_overflow;
        self.keys += other.keys;
        self.depth = self.depth.max(other.depth);
        self.branch_alloc += other.branch_alloc;
        self.branch_in_use += other.branch_in_use;
        self.leaf_alloc += other.leaf_alloc;
        self.leaf_in_use += other.leaf_in_use;
        self.buckets += other.buckets;
        self.inline_buckets += other.inline_buckets;
        self.inline_in_use += other.inline_in_use;
    }

    /// The report on `count` top-level buckets.
    pub fn write(&self, out: &mut dyn Write, count: u64) -> io::Result<()> {
        writeln!(out, "Aggregate statistics for {count} buckets\n")?;
        writeln!(out, "Page count statistics")?;
        writeln!(out, "\tNumber of logical branch pages: {}", self.branch_pages)?;
        writeln!(out, "\tNumber of physical branch overflow pages: {}", self.branch_overflow)?;
        writeln!(out, "\tNumber of logical leaf pages: {}", self.leaf_pages)?;
        writeln!(out, "\tNumber of physical leaf overflow pages: {}", self.leaf_overflow)?;
        writeln!(out, "Tree statistics")?;
        writeln!(out, "\tNumber of keys/value pairs: {}", self.keys)?;
        writeln!(out, "\tNumber of levels in B+tree: {}", self.depth)?;
        writeln!(out, "Page size utilization")?;
        writeln!(out, "\tBytes allocated for physical branch pages: {}", self.branch_alloc)?;
        let share = percentage(self.branch_in_use, self.branch_alloc);
        writeln!(out, "\tBytes actually used for branch data: {} ({share}%)", self.branch_in_use)?;
        writeln!(out, "\tBytes allocated for physical leaf pages: {}", self.leaf_alloc)?;
        let share = percentage(self.leaf_in_use, self.leaf_alloc);
        writeln!(out, "\tBytes actually used for leaf data: {} ({share}%)", self.leaf_in_use)?;
        writeln!(out, "Bucket statistics")?;
        writeln!(out, "\tTotal number of buckets: {}", self.buckets)?;
        let share = percentage(self.inline_buckets, self.buckets);
        writeln!(out, "\tTotal number on inlined buckets: {} ({share}%)", self.inline_buckets)?;
        let share = percentage(self.inline_in_use, self.leaf_in_use);
        writeln!(out, "\tBytes used for inlined buckets: {} ({share}%)", self.inline_in_use)
    }
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

    #[test]
    fn depth_is_the_deepest_and_the_rest_adds_up() {
        let mut sum = Stats { keys: 1, depth: 4, ..Stats::default() };
        sum.add(&Stats { keys: 2, depth: 3, buckets: 1, ..Stats::default() });
        assert_eq!(sum, Stats { keys: 3, depth: 4, buckets: 1, ..Stats::default() });
    }
}
