//! Pages on their way to the disk: neighbours are written together, and what is written does not wait for the rest.

use std::io;

use super::trust::Trust;
use crate::storage::{Disk, write_all_at};

/// How much is written at once where pages follow each other. Larger writes are no faster, and leave the page cache
/// with units that make every later write of one page in them slower.
const WRITTEN_AT_ONCE: u64 = 64 << 10;
/// How much is written before the system is told to begin with it. Where each page lies by itself, a commit of many
/// megabytes takes a quarter less time if the disk works while the rest is still being laid out. Nothing is won with more
/// at once than a disk's queue holds, nor with commits that are as small as this first part.
const BEGUN_AT_ONCE: u64 = WRITTEN_AT_ONCE;
const BEGUN_AT_FIRST: u64 = 256 << 10;

/// Pages in ascending order, to be written.
pub(super) struct Gather<'d> {
    disk: &'d dyn Disk,
    /// Whether the disk can be relied on; nothing where nobody will wait for it.
    trust: Option<&'d Trust>,
    staged: Vec<u8>,
    /// Where the staged bytes go.
    at: u64,
    writes: u64,
    bytes: u64,
    /// What was written since the system was told to begin: where it starts and how much it is.
    waiting: (u64, u64),
}

/// What was gathered, once all of it is written.
pub(super) struct Gathered {
    pub(super) writes: u64,
    pub(super) bytes: u64,
    /// Empty, to be used again.
    pub(super) staged: Vec<u8>,
}

impl<'d> Gather<'d> {
    pub(super) fn new(disk: &'d dyn Disk, trust: Option<&'d Trust>, staged: Vec<u8>) -> Gather<'d> {
        Gather { disk, trust, staged, at: 0, writes: 0, bytes: 0, waiting: (0, 0) }
    }

    /// Makes room for so many bytes at an offset, which the caller puts behind what is there.
    pub(super) fn add(&mut self, (offset, len): (u64, u64)) -> io::Result<&mut Vec<u8>> {
        if self.at + self.staged.len() as u64 != offset || self.staged.len() as u64 + len > WRITTEN_AT_ONCE {
            self.flush()?;
            self.at = offset;
        }
        Ok(&mut self.staged)
    }

    /// Writes what is left.
    pub(super) fn end(mut self) -> io::Result<Gathered> {
        self.flush()?;
        Ok(Gathered { writes: self.writes, bytes: self.bytes, staged: self.staged })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let len = self.staged.len() as u64;
        self.writes += 1;
        self.bytes += len;
        write_all_at(self.disk, &self.staged, self.at)?;
        self.staged.clear();
        self.begin(self.at + len, len)
    }

    /// Tells the system to begin once enough is written, up to `end`.
    fn begin(&mut self, end: u64, written: u64) -> io::Result<()> {
        self.waiting.1 += written;
        let Some(trust) = self.trust.filter(|_| self.bytes >= BEGUN_AT_FIRST && self.waiting.1 >= BEGUN_AT_ONCE) else {
            return Ok(());
        };
        let (start, _) = std::mem::replace(&mut self.waiting, (end, 0));
        // What fails here was written already, so it is the failure of a sync.
        trust.sync(|| self.disk.start_writeback(start, end - start))
    }
}
