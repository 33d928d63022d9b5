//! A copy of one state: a database file of its own, with everything that the state reaches and nothing else.
//!
//! Page numbers stay, so the file is as long as the state's high-water mark; pages that the state does not reach
//! are holes, and its list of free pages names them. Both metas describe the copied state, page 0 under its own
//! transaction id and page 1 under the one before, as a backup by Go does.

use std::io;
use std::ops::Range;

use super::walk::{Place, Visitor, WalkError, walk};
use super::{PageSet, Pages, read_freelist};
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::format::{Bytes, Meta, Page, PageId, TxId, encode_meta};
use crate::storage::{Disk, Storage, write_all_at};

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// The transaction whose state it is.
    pub txid: TxId,
    /// How many pages of the trees and the freelist were copied.
    pub pages: u64,
    /// The length of the copy.
    pub bytes: u64,
}

/// Copies a state that can be walked whole and whose freelist fits what it reaches. Anything else is an error.
///
/// The disk is made as long as the copy. What lies on it where the copy has no pages stays there. Nothing is synced.
pub fn copy_state<S: Storage>(pages: Pages<'_, S>, disk: &dyn Disk) -> Result<Copied> {
    let meta = *pages.meta();
    meta.validate()?;
    let bytes = pages.layout().run_bytes(meta.high_water.0);
    if pages.storage().size() < bytes {
        let kind = CorruptionKind::ShortFile { expected: bytes, found: pages.storage().size() };
        return Err(Corruption { kind, page: None, offset: None }.into());
    }
    disk.set_len(bytes).map_err(unwritable)?;
    let mut copier = Copier { disk, reached: PageSet::below(pages.end()) };
    walk(pages, &mut copier).map_err(|e| match e {
        WalkError::Storage(e) | WalkError::Stopped(e) => e,
    })?;
    if let Some(free) = read_freelist(pages)? {
        if let Some(id) = free.ids().iter().find(|id| copier.reached.contains(**id)) {
            return Err(CorruptionKind::ReachableFree.at(*id).into());
        }
        let Some(first) = meta.freelist else { return Err(Error::Empty) };
        copier.page(&pages.load(first)?)?;
    }
    let twin = Meta { txid: TxId(meta.txid.0.saturating_sub(1)), ..meta };
    for (page, meta) in [(PageId(0), meta), (PageId(1), twin)] {
        write(disk, &encode_meta(page, &meta, pages.layout()), pages.layout().offset(page))?;
    }
    Ok(Copied { txid: meta.txid, pages: copier.reached.len(), bytes })
}

/// Copies bytes of a file as they lie there, whether its state reaches them or not. Where they are zero the disk is left
/// as it is: on a new one zeros become holes.
pub fn copy_bytes<S: Storage>(storage: &S, range: Range<u64>, disk: &dyn Disk) -> Result<()> {
    const CHUNK: u64 = 1 << 20;
    let mut offset = range.start;
    while offset < range.end {
        let bytes = storage.run(offset, CHUNK.min(range.end - offset))?;
        if bytes.iter().any(|byte| *byte != 0) {
            write(disk, &bytes, offset)?;
        }
        offset = offset.saturating_add(CHUNK);
    }
    Ok(())
}

fn write(disk: &dyn Disk, bytes: &[u8], offset: u64) -> Result<()> {
    write_all_at(disk, bytes, offset).map_err(unwritable)
}

fn unwritable(error: io::Error) -> Error {
    Error::io("write", "", error)
}

struct Copier<'d> {
    disk: &'d dyn Disk,
    reached: PageSet,
}

impl Copier<'_> {
    fn page<B: Bytes>(&mut self, page: &Page<B>) -> Result<()> {
        for n in 0..=u64::from(page.overflow()) {
            if !self.reached.insert(PageId(page.id().0.saturating_add(n))) {
                return Err(CorruptionKind::SharedPage.at(page.id()).into());
            }
        }
        write(self.disk, page.bytes(), page.offset())
    }
}

impl<B: Bytes> Visitor<B> for Copier<'_> {
    type Stop = Error;
    const VALUES: bool = false;

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<()> {
        if place.inline { Ok(()) } else { Copier::page(self, page) }
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<()> {
        Err(corruption.into())
    }
}
