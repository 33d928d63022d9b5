//! What a database counts.

use std::time::Duration;

use crate::tree::EditCounts;

/// Counts over a whole database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DbStats {
    /// The length of the file.
    pub file_bytes: u64,
    /// The size of a page.
    pub page_bytes: u64,
    /// The first page never allocated: as many pages were ever in use.
    pub high_water: u64,
    /// Pages that are free.
    pub free_pages: u64,
    /// Pages that the list of free pages takes itself; 0 where none is stored.
    pub freelist_pages: u64,
    /// States older than the current one that are still read.
    pub older_readers: u64,
    /// What was written since the database was opened.
    pub writes: WriteStats,
}

/// What committed transactions did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WriteStats {
    /// Transactions that were committed and changed something.
    pub commits: u64,
    /// Pages that were allocated.
    pub pages_allocated: u64,
    /// Pages that were taken apart to be edited.
    pub nodes: u64,
    /// Nodes that were looked at because something was taken away from them.
    pub rebalanced: u64,
    /// Nodes that were merged with a neighbour.
    pub merged: u64,
    /// Trees that lost a level.
    pub roots_collapsed: u64,
    /// Cuts of a node that was too large for a page.
    pub split: u64,
    /// Nodes that were written.
    pub spilled: u64,
    /// Writes to the file.
    pub writes: u64,
    /// Bytes in them.
    pub bytes_written: u64,
    /// Syncs of the file.
    pub syncs: u64,
    /// The time it took to merge, cut and place nodes.
    pub spill_time: Duration,
    /// The time it took to encode, write and sync them.
    pub write_time: Duration,
}

impl WriteStats {
    pub(super) fn add_counts(&mut self, counts: EditCounts) {
        self.nodes += counts.nodes;
        self.rebalanced += counts.rebalanced;
        self.merged += counts.merged;
        self.roots_collapsed += counts.roots_collapsed;
        self.split += counts.split;
        self.spilled += counts.spilled;
    }

    pub(super) fn add(&mut self, other: &WriteStats) {
        self.commits += other.commits;
        self.pages_allocated += other.pages_allocated;
        self.nodes += other.nodes;
        self.rebalanced += other.rebalanced;
        self.merged += other.merged;
        self.roots_collapsed += other.roots_collapsed;
        self.split += other.split;
        self.spilled += other.spilled;
        self.writes += other.writes;
        self.bytes_written += other.bytes_written;
        self.syncs += other.syncs;
        self.spill_time += other.spill_time;
        self.write_time += other.write_time;
    }
}
