//! What the first bytes of a page say of it, and how far they can be believed.
//!
//! Every page of a tree and every list of free pages begins with its own number. Random bytes hardly ever look like such
//! a header, and never like one that is followed by an element that lies where writers put the first one.

use crate::format::{Endian, PAGE_HEADER_SIZE, PageHeader, PageId, PageKind, U32, U64};

/// The smallest unit that pages begin at.
pub(super) const SECTOR: usize = 512;

/// The largest number that a page is believed to have: with the smallest pages, files of 2 TiB.
const LARGEST_ID: u64 = 0xFFFF_FFFF;
/// The count of a list of free pages that says "the true count follows".
const LONG_COUNT: u16 = 0xFFFF;

/// How much speaks for a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// It could be one.
    Possible,
    /// It is one without elements, and nothing but zeros behind it, as writers leave it.
    Empty,
    /// Its first elements lie where writers put them.
    Packed,
}

/// The header of a page of a tree or of a list of free pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub header: PageHeader,
    pub kind: PageKind,
    pub endian: Endian,
    pub trust: Trust,
}

impl Head {
    /// The header that a sector begins with, in either byte order.
    #[inline]
    pub fn read(sector: &[u8; SECTOR]) -> Option<Head> {
        let endian = match (sector[8], sector[9]) {
            (0x01 | 0x02 | 0x10, 0) => Endian::Little,
            (0, 0x01 | 0x02 | 0x10) => Endian::Big,
            _ => return None,
        };
        Head::read_as(sector, endian)
    }

    fn read_as(sector: &[u8; SECTOR], endian: Endian) -> Option<Head> {
        let header = PageHeader::read(sector, endian)?;
        let kind = PageKind::from_flags(header.flags)?;
        let trust = match header.count {
            _ if !is_number(header.id.0) => return None,
            0 if header.overflow == 0 && sector.iter().skip(PAGE_HEADER_SIZE).all(|byte| *byte == 0) => Trust::Empty,
            0 => Trust::Possible,
            _ if is_packed(sector, &header, kind, endian) => Trust::Packed,
            _ => Trust::Possible,
        };
        Some(Head { header, kind, endian, trust })
    }

    pub fn id(&self) -> PageId {
        self.header.id
    }
}

fn is_number(id: u64) -> bool {
    (2..=LARGEST_ID).contains(&id)
}

/// Whether the first elements are where writers put them.
fn is_packed(sector: &[u8; SECTOR], header: &PageHeader, kind: PageKind, endian: Endian) -> bool {
    let word = |at: usize| -> Option<u32> {
        let bytes = sector.get(at..)?.first_chunk::<4>()?;
        Some(bytemuck::cast::<[u8; 4], U32>(*bytes).get(endian))
    };
    let headers = u32::from(header.count).saturating_mul(16);
    match kind {
        PageKind::Leaf => word(16).is_some_and(|flags| flags <= 1) && word(20) == Some(headers) && word(24) != Some(0),
        PageKind::Branch => word(16) == Some(headers) && number(sector, 24, endian).is_some_and(is_number),
        PageKind::Freelist => is_list(sector, header.count, endian),
        PageKind::Meta => false,
    }
}

fn number(sector: &[u8; SECTOR], at: usize, endian: Endian) -> Option<u64> {
    let bytes = sector.get(at..)?.first_chunk::<8>()?;
    Some(bytemuck::cast::<[u8; 8], U64>(*bytes).get(endian))
}

/// Whether what lies here of a list of free pages ascends.
fn is_list(sector: &[u8; SECTOR], count: u16, endian: Endian) -> bool {
    let (count, first) = match count {
        LONG_COUNT => (number(sector, 16, endian).unwrap_or(0), 24),
        count => (u64::from(count), 16),
    };
    let here = usize::try_from(count).unwrap_or(usize::MAX);
    let mut ids = (first..SECTOR).step_by(8).take(here).filter_map(|at| number(sector, at, endian));
    count > 0 && ids.try_fold(1, |previous, id| (id > previous && is_number(id)).then_some(id)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Layout, LeafElement, PageSize, encode_branch, encode_freelist, encode_leaf};

    fn sector(page: &[u8]) -> &[u8; SECTOR] {
        page.first_chunk().unwrap()
    }

    #[test]
    fn a_page_of_either_byte_order_is_known_by_its_first_bytes() {
        for endian in [Endian::Little, Endian::Big] {
            let layout = Layout { page_size: PageSize::MIN, endian };
            let leaf = encode_leaf(PageId(7), &[LeafElement { flags: 0, key: b"k", value: b"v" }], layout).unwrap();
            let branch =
                encode_branch(PageId(8), &[crate::format::BranchElement { key: &b"k"[..], child: PageId(7) }], layout).unwrap();
            let list = encode_freelist(PageId(9), &[PageId(3), PageId(5)], 1, layout).unwrap();
            for (id, page) in [(7, leaf), (8, branch), (9, list)] {
                let head = Head::read(sector(&page)).unwrap();
                assert_eq!((head.id(), head.endian, head.trust), (PageId(id), endian, Trust::Packed));
            }
            let empty = encode_leaf(PageId(10), &[], layout).unwrap();
            assert_eq!(Head::read(sector(&empty)).unwrap().trust, Trust::Empty);
        }
    }

    #[test]
    fn what_is_no_page_is_not_taken_for_one() {
        assert_eq!(Head::read(&[0; SECTOR]), None);
        assert_eq!(Head::read(&[1; SECTOR]), None);
        let layout = Layout { page_size: PageSize::MIN, endian: Endian::Little };
        let list = encode_freelist(PageId(9), &[PageId(5), PageId(3)], 1, layout).unwrap();
        assert_eq!(Head::read(sector(&list)).unwrap().trust, Trust::Possible, "it does not ascend");
        let huge = encode_leaf(PageId(1 << 40), &[], layout).unwrap();
        assert_eq!(Head::read(sector(&huge)), None);
    }
}
