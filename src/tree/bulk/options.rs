//! The choices there are when a database is built.

use crate::error::{Error, Result};
use crate::format::PageSize;

/// The page size of a new database, on every machine.
const PAGE_SIZE: u32 = 4096;
/// Page sizes that a new database can have.
const PAGE_SIZES: std::ops::RangeInclusive<u32> = 1024..=65536;
/// The most that is written at once. The kernel keeps what was written in larger pieces in larger units, and every
/// later write of one page into such a unit takes many times as long.
const CHUNK: u64 = 64 << 10;

/// The choices there are when a database is built.
///
/// ```
/// let mut options = unbolt::tree::BuildOptions::default();
/// options.page_size(16384).fill_percent(0.8);
/// ```
#[derive(Debug, Clone)]
pub struct BuildOptions {
    page_size: u32,
    fill_percent: f64,
    gather: u64,
    no_sync: bool,
}

impl Default for BuildOptions {
    fn default() -> Self {
        BuildOptions { page_size: PAGE_SIZE, fill_percent: 1.0, gather: CHUNK, no_sync: false }
    }
}

impl BuildOptions {
    /// The page size: a power of two from 1 KiB to 64 KiB. Default: 4096.
    pub fn page_size(&mut self, bytes: u32) -> &mut Self {
        self.page_size = bytes;
        self
    }

    /// How much of each page is filled, from 0.1 to 1.0. Default: 1.0. Pages that are to be written to at random take
    /// fewer splits where there is room left.
    pub fn fill_percent(&mut self, fill: f64) -> &mut Self {
        self.fill_percent = fill;
        self
    }

    /// How many bytes are gathered before they are written. Default, and at most: 64 KiB.
    pub fn gather(&mut self, bytes: u64) -> &mut Self {
        self.gather = bytes;
        self
    }

    /// Leaves it to the system when what was written becomes durable. A crash of the system may leave a database whose
    /// pages never reached the disk.
    pub fn no_sync(&mut self, no_sync: bool) -> &mut Self {
        self.no_sync = no_sync;
        self
    }

    pub(super) fn chosen_page_size(&self) -> Result<PageSize> {
        let what = "the page size of a new database is a power of two from 1024 to 65536";
        let possible = PAGE_SIZES.contains(&self.page_size) && self.page_size.is_power_of_two();
        PageSize::new(self.page_size).filter(|_| possible).ok_or(Error::Unsupported { what })
    }

    /// The bytes up to which a page of this size is filled.
    pub(super) fn filled(&self, page_size: PageSize) -> u64 {
        // Go's bounds and Go's rounding.
        (f64::from(page_size.get()) * self.fill_percent.clamp(0.1, 1.0)) as u64
    }

    /// The bytes that are written at once: a whole number of pages.
    pub(super) fn chunk(&self, page_size: PageSize) -> u64 {
        let pages = self.gather.min(CHUNK) / page_size.bytes();
        pages.max(1) * page_size.bytes()
    }

    pub(super) fn syncs(&self) -> bool {
        !self.no_sync
    }
}
