//! Finding Bolt files, and pages of such, in an image of whatever: a disk, a partition, a file of another kind.
//!
//! The image is read once, front to back. At every multiple of 512 bytes there may be a meta, known by its magic number,
//! or a page that says its own number. Pages that agree on where page 0 would lie, for one page size and byte order,
//! are of one file, whether its metas are there or not.
//!
//! Invariants: memory does not grow with the image; what is found does not depend on how the image is read.

mod extract;
mod groups;
mod hit;
mod image;

use std::io::{self, ErrorKind, Read};

pub use extract::ExtractError;
pub use hit::{FoundMeta, Hit, HitKind};
pub use image::Image;

use self::groups::Groups;
use super::head::{Head, SECTOR};
use crate::format::{Endian, MAGIC, MetaRefusal, PageHeader, PageId, PageKind, RawMeta, VERSION};

/// How much of an image is read at once.
const BLOCK: usize = 1 << 20;

/// What was found in an image.
#[derive(Debug)]
#[non_exhaustive]
pub struct Carved {
    /// What was found, by its place.
    pub hits: Vec<Hit>,
    /// How many more there are: there is a limit to what is kept in memory.
    pub left_out: u64,
    /// The length of the image, which is where reading it ended.
    pub bytes: u64,
}

/// Looks for Bolt files and pages in an image that begins at this offset of its own, which is a multiple of 512.
///
/// ```
/// use unbolt::forensic::{HitKind, carve};
/// let mut image = vec![0; 512 * 3];
/// image.extend(std::fs::read("testdata/golden/V1.db")?);
/// let carved = carve(&mut &image[..], 0)?;
/// let [file] = &carved.hits[..] else { panic!("one file") };
/// assert_eq!((file.kind, file.offset(), file.page_size.get()), (HitKind::File, 1536, 4096));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn carve(image: &mut dyn Read, from: u64) -> io::Result<Carved> {
    let mut groups = Groups::default();
    let mut block = vec![0; BLOCK];
    let mut offset = from;
    loop {
        let filled = fill(image, &mut block)?;
        let whole = block.get(..filled).unwrap_or_default();
        let (sectors, _) = whole.as_chunks::<SECTOR>();
        for sector in sectors {
            look(sector, offset, &mut groups);
            offset = offset.saturating_add(512);
        }
        if filled < BLOCK {
            let tail = u64::try_from(filled.checked_rem(SECTOR).unwrap_or(0)).unwrap_or(0);
            let bytes = offset.saturating_add(tail);
            let (hits, left_out) = groups.finish(from, bytes);
            return Ok(Carved { hits, left_out, bytes });
        }
    }
}

/// Reads until the block is full or the image ends.
fn fill(image: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled: usize = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match image.read(rest) {
            Ok(0) => break,
            Ok(n) => filled = filled.saturating_add(n),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

#[inline]
fn look(sector: &[u8; SECTOR], offset: u64, groups: &mut Groups) {
    const LITTLE: [u8; 4] = MAGIC.to_le_bytes();
    const BIG: [u8; 4] = MAGIC.to_be_bytes();
    match [sector[16], sector[17], sector[18], sector[19]] {
        LITTLE => meta(sector, offset, Endian::Little, groups),
        BIG => meta(sector, offset, Endian::Big, groups),
        _ => {
            if let Some(head) = Head::read(sector) {
                groups.page(offset, &head);
            }
        }
    }
}

#[cold]
fn meta(sector: &[u8; SECTOR], offset: u64, endian: Endian, groups: &mut Groups) {
    let Some(raw) = RawMeta::on_page(sector) else { return };
    let refusal = raw.verify().err();
    let meta = raw.fields(endian);
    if matches!(refusal, Some(MetaRefusal::Version { found }) if found != VERSION) {
        return;
    }
    let header = PageHeader::read(sector, endian).filter(|header| header.flags == PageKind::Meta.flags());
    // Each transaction writes the page of its own parity, should the page not say which it is.
    let page = header.map(|header| header.id.0).filter(|id| *id < 2).unwrap_or(meta.txid.0 & 1);
    groups.meta(offset, FoundMeta { page: PageId(page), meta, refusal });
}
