//! The pages of a new database on their way to the disk: front to back, gathered, the metas last.

use std::fmt;
use std::io;

use super::BuildOptions;
use super::node::Limits;
use crate::error::{Error, Result};
use crate::format::{Endian, Layout, Meta, PageId, PageKind, RunEncoder, TxId, encode_freelist, encode_meta};
use crate::storage::{Disk, write_all_at};

/// The page of the freelist, which is empty: nothing in a new database was ever freed.
const FREELIST: PageId = PageId(2);

/// A disk that pages are written to one after the other.
pub(super) struct Output<'d> {
    disk: &'d dyn Disk,
    layout: Layout,
    limits: Limits,
    sync: bool,
    /// What is not on the disk yet, and where it begins there.
    gathered: Vec<u8>,
    offset: u64,
    /// The disk is written in pieces that end at multiples of this.
    chunk: u64,
}

impl<'d> Output<'d> {
    /// Empties the disk, and writes what comes before the first page of a tree.
    pub fn begin(disk: &'d dyn Disk, options: &BuildOptions) -> Result<Output<'d>> {
        let page_size = options.chosen_page_size()?;
        let layout = Layout { page_size, endian: Endian::NATIVE };
        let limits = Limits::new(page_size.bytes(), options.filled(page_size));
        let (chunk, sync) = (options.chunk(page_size), options.syncs());
        let (gathered, offset) = (Vec::with_capacity(chunk as usize), layout.offset(FREELIST));
        let mut out = Output { disk, layout, limits, sync, gathered, offset, chunk };
        out.disk.set_len(0).map_err(unwritable)?;
        out.gathered.extend_from_slice(&encode_freelist(FREELIST, &[], 1, layout)?);
        Ok(out)
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    #[cfg(test)]
    pub fn limit_runs(&mut self, longest: u64) {
        self.limits.run = longest;
    }

    /// The number of the page that is put next. Only whole runs are put.
    pub fn next_page(&self) -> PageId {
        PageId(self.end() / self.layout.page_size.bytes())
    }

    /// Puts a page run as long as its elements need, which are laid out by `fill`.
    pub fn run(&mut self, kind: PageKind, elements: usize, used: u64, fill: impl FnOnce(&mut RunEncoder<'_>)) -> Result<()> {
        let (page, pages) = (self.next_page(), used.div_ceil(self.layout.page_size.bytes()));
        let mut run = RunEncoder::new(&mut self.gathered, page, kind, elements, pages, self.layout)?;
        fill(&mut run);
        run.finish();
        let whole = self.end() / self.chunk * self.chunk;
        if whole > self.offset { self.write_up_to(whole) } else { Ok(()) }
    }

    fn write_up_to(&mut self, end: u64) -> Result<()> {
        let len = (end - self.offset) as usize;
        for piece in self.gathered[..len].chunks(self.chunk as usize) {
            write_all_at(self.disk, piece, self.offset).map_err(unwritable)?;
            self.offset += piece.len() as u64;
        }
        self.gathered.drain(..len);
        Ok(())
    }

    fn end(&self) -> u64 {
        self.offset + self.gathered.len() as u64
    }

    /// Writes what is left and then, behind a sync, both metas, as those of a new database: of transactions 0 and 1.
    /// Gives back the length of the database.
    pub fn finish(mut self, root: PageId, root_sequence: u64) -> Result<u64> {
        self.write_up_to(self.end())?;
        self.sync(Disk::sync_data)?;
        let meta = |txid| Meta {
            endian: self.layout.endian,
            page_size: self.layout.page_size.get(),
            flags: 0,
            root,
            root_sequence,
            freelist: Some(FREELIST),
            high_water: self.next_page(),
            txid: TxId(txid),
        };
        for page in [0, 1] {
            let bytes = encode_meta(PageId(page), &meta(page), self.layout);
            write_all_at(self.disk, &bytes, self.layout.offset(PageId(page))).map_err(unwritable)?;
        }
        self.sync(Disk::sync_all)?;
        Ok(self.end())
    }

    fn sync(&self, sync: impl FnOnce(&'d dyn Disk) -> io::Result<()>) -> Result<()> {
        match self.sync {
            true => sync(self.disk).map_err(|e| Error::io("sync", "", e)),
            false => Ok(()),
        }
    }
}

fn unwritable(error: io::Error) -> Error {
    Error::io("write", "", error)
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes on {:?}", self.end(), self.disk)
    }
}
