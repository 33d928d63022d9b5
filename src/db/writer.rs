//! What only a writer needs to know: the free pages, and how the file grows.

use super::list::Lists;
use super::options::WriteOptions;
use super::stats::Space;
use crate::error::{Error, Result};
use crate::format::{Layout, Meta, PageId};
use crate::tree::{Allocator, Run, Taken};

/// What passes from one write transaction to the next.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) options: WriteOptions,
    pub(super) allocator: Allocator,
    /// The run of the list that the current state names, unless its pages are known to be free already.
    pub(super) list: Option<Run>,
    pub(super) lists: Lists,
    pub(super) growth: Growth,
    /// Pages on their way to the file. Kept, so that not every commit asks for memory.
    pub(super) staged: Vec<u8>,
}

impl Writer {
    pub(super) fn space(&self) -> Space {
        let (free, pending) = self.allocator.counts();
        Space { free: free + pending, pending, list: self.list.map_or(0, |run| run.pages), file: self.growth.file }
    }
}

/// How the file grows: as Go's does, by the size of a map that is there in name only.
#[derive(Debug)]
pub(super) struct Growth {
    layout: Layout,
    /// The length of the file.
    pub(super) file: u64,
    /// The size that Go would have mapped.
    map: u64,
}

/// Maps double up to here, then grow by it.
const LARGEST_STEP: u64 = 1 << 30;
const SMALLEST_MAP: u64 = 32 << 10;

impl Growth {
    pub(super) fn new(layout: Layout, file: u64, initial_map: u64) -> Growth {
        Growth { layout, file, map: map_size(file.max(initial_map), layout) }
    }

    /// Notes that pages up to this one, it excluded, were taken from beyond the high-water mark.
    fn reach(&mut self, end: PageId) {
        let needed = self.layout.run_bytes(end.0.saturating_add(1));
        if needed >= self.map {
            self.map = map_size(needed, self.layout);
        }
    }

    /// The length that the file is to have for this high-water mark; `None` where it is long enough.
    pub(super) fn target(&self, high_water: PageId, options: &WriteOptions) -> Option<u64> {
        let needed = self.layout.run_bytes(high_water.0.saturating_add(1));
        if needed <= self.file {
            return None;
        }
        let target = if self.map <= options.growth_step { self.map } else { needed.saturating_add(options.growth_step) };
        let limited = options.max_size.map_or(target, |limit| target.min(limit));
        let target = limited.max(self.layout.run_bytes(high_water.0));
        (target > self.file).then_some(target)
    }
}

/// The size that Go maps for this many bytes.
fn map_size(bytes: u64, layout: Layout) -> u64 {
    let size = match bytes <= LARGEST_STEP {
        true => bytes.next_power_of_two().max(SMALLEST_MAP),
        false => bytes.div_ceil(LARGEST_STEP).saturating_mul(LARGEST_STEP),
    };
    size.div_ceil(layout.page_size.bytes()).saturating_mul(layout.page_size.bytes())
}

/// The pages that one transaction takes. Unless it is [kept](Self::keep), everything goes back.
#[derive(Debug)]
pub(super) struct Claim<'w> {
    writer: &'w mut Writer,
    pub(super) high_water: PageId,
    taken: Vec<Taken>,
    /// How the file would have grown without it.
    map: u64,
}

impl<'w> Claim<'w> {
    pub(super) fn new(writer: &'w mut Writer, base: &Meta) -> Claim<'w> {
        let map = writer.growth.map;
        Claim { writer, high_water: base.high_water, taken: Vec::new(), map }
    }

    pub(super) fn writer(&mut self) -> &mut Writer {
        self.writer
    }

    /// Takes a run of pages.
    pub(super) fn take(&mut self, pages: u64) -> Result<PageId> {
        let before = self.high_water;
        let taken = self.writer.allocator.take(pages, &mut self.high_water);
        self.taken.push(taken);
        if self.high_water > before {
            self.writer.growth.reach(self.high_water);
            let needed = self.writer.growth.layout.run_bytes(self.high_water.0);
            if let Some(limit) = self.writer.options.max_size.filter(|limit| needed > *limit) {
                return Err(Error::MaxSize { needed, limit });
            }
        }
        Ok(taken.run().first)
    }

    /// The transaction is committed: what it took is in use, what it freed is free once no reader needs it.
    pub(super) fn keep(mut self, txid: crate::format::TxId, freed: &[Run]) -> u64 {
        let taken = std::mem::take(&mut self.taken);
        self.map = self.writer.growth.map;
        self.writer.allocator.committed(txid, &taken, freed);
        taken.iter().map(|taken| taken.run().pages).sum()
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.writer.allocator.undo(&self.taken);
        self.writer.growth.map = self.map;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Endian, PageSize};

    #[test]
    fn maps_have_the_sizes_that_go_gives_them() {
        let layout = Layout { page_size: PageSize::new(4096).unwrap(), endian: Endian::Little };
        let sizes = [(1, 32 << 10), (32 << 10, 32 << 10), ((32 << 10) + 1, 64 << 10), (1 << 30, 1 << 30)];
        for (bytes, size) in sizes {
            assert_eq!(map_size(bytes, layout), size, "{bytes}");
        }
        assert_eq!(map_size((1 << 30) + 1, layout), 2 << 30);
    }
}
