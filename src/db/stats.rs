//! What a database counts.

use std::time::Duration;

use crate::format::TxId;
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
    /// Pages that are free, those included that nobody can have yet.
    pub free_pages: u64,
    /// Of these, the pages that wait: for the next write transaction to begin, or for those who read older states.
    pub pending_pages: u64,
    /// Pages that the list of free pages takes itself; 0 where none is stored.
    pub freelist_pages: u64,
    /// States older than the current one that are still read.
    pub older_readers: u64,
    /// The oldest of them. Where it stays the same for long, somebody has forgotten to end a transaction.
    pub oldest_reader: Option<TxId>,
    /// What was written since the database was opened.
    pub writes: WriteStats,
}

/// How a writer stands with its free pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    pub(super) free: u64,
    pub(super) pending: u64,
    /// The pages that their list takes.
    pub(super) list: u64,
    /// The length of the file.
    pub(super) file: u64,
}

/// What committed transactions did.
///
/// ```
/// # let db = unbolt::Db::options().open_disk(std::sync::Arc::new(unbolt::MemoryDisk::new()))?;
/// let before = db.stats()?.writes;
/// db.update(|tx| tx.create_bucket("b")?.put("k", "v"))?;
/// let one = db.stats()?.writes.since(&before);
/// assert_eq!((one.commits, one.syncs), (1, 3), "the file grew, so its length was synced too");
/// # Ok::<(), unbolt::Error>(())
/// ```
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
        self.change(other, u64::wrapping_add, Duration::saturating_add);
    }

    /// What was done since these counts were taken.
    pub fn since(&self, earlier: &WriteStats) -> WriteStats {
        let mut since = *self;
        since.change(earlier, u64::saturating_sub, Duration::saturating_sub);
        since
    }

    fn change(&mut self, by: &WriteStats, count: fn(u64, u64) -> u64, time: fn(Duration, Duration) -> Duration) {
        self.commits = count(self.commits, by.commits);
        self.pages_allocated = count(self.pages_allocated, by.pages_allocated);
        self.nodes = count(self.nodes, by.nodes);
        self.rebalanced = count(self.rebalanced, by.rebalanced);
        self.merged = count(self.merged, by.merged);
        self.roots_collapsed = count(self.roots_collapsed, by.roots_collapsed);
        self.split = count(self.split, by.split);
        self.spilled = count(self.spilled, by.spilled);
        self.writes = count(self.writes, by.writes);
        self.bytes_written = count(self.bytes_written, by.bytes_written);
        self.syncs = count(self.syncs, by.syncs);
        self.spill_time = time(self.spill_time, by.spill_time);
        self.write_time = time(self.write_time, by.write_time);
    }
}
