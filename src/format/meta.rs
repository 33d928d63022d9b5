//! The two roots of a file, and which of them is the current one.
//!
//! ```text
//! meta offset  size   (the meta begins 16 bytes into its page)
//!           0     4  magic        0xED0CDAED
//!           4     4  version      2
//!           8     4  page size
//!          12     4  flags        0, ignored
//!          16     8  root         page of the root bucket
//!          24     8  sequence     of the root bucket, never used
//!          32     8  freelist     page, or 2^64-1 = none stored
//!          40     8  high water   the first page never allocated
//!          48     8  txid
//!          56     8  checksum     FNV-1a 64 over the 56 bytes before it
//! ```
//!
//! [`RawMeta`] is bytes; [`Meta`] is a meta whose magic, version and checksum hold. That its fields make sense
//! for this file is a further question, [`Meta::validate`]: a meta that verifies and makes no sense is damage to
//! report, never a reason to fall back silently to the older one.

use std::fmt;

use bytemuck::{Pod, Zeroable};

use super::{Endian, Layout, MAGIC, NO_FREELIST, PAGE_HEADER_SIZE, PageHeader, PageId, PageSize, TxId, U32, U64, VERSION};
use crate::error::{Corruption, CorruptionKind, Error, TxSelector};

/// The size of a meta, without the page header before it.
pub const META_SIZE: usize = 64;

/// Sixty-four bytes that may be a meta. Nothing in them has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RawMeta {
    magic: U32,
    version: U32,
    page_size: U32,
    flags: U32,
    root: U64,
    root_sequence: U64,
    freelist: U64,
    high_water: U64,
    txid: U64,
    checksum: U64,
}

const _: () = assert!(size_of::<RawMeta>() == META_SIZE && align_of::<RawMeta>() == 1);

impl RawMeta {
    /// The meta on a page, whose first bytes these are; `None` where there are fewer than 80.
    pub fn on_page(page: &[u8]) -> Option<RawMeta> {
        page.get(PAGE_HEADER_SIZE..)?.first_chunk::<META_SIZE>().map(|bytes| bytemuck::cast(*bytes))
    }

    /// The bytes as they lie in the file.
    pub fn as_bytes(&self) -> &[u8; META_SIZE] {
        bytemuck::cast_ref(self)
    }

    /// The checksum that these bytes should carry.
    pub fn checksum(&self) -> u64 {
        fnv1a(self.as_bytes().split_last_chunk::<8>().map_or(&[][..], |(covered, _)| covered))
    }

    /// Tests magic, version and checksum, in Go's order.
    pub fn verify(&self) -> Result<Meta, MetaRefusal> {
        let endian = match (self.magic.get(Endian::Little), self.magic.get(Endian::Big)) {
            (MAGIC, _) => Endian::Little,
            (_, MAGIC) => Endian::Big,
            (found, _) => return Err(MetaRefusal::Magic { found }),
        };
        let version = self.version.get(endian);
        if version != VERSION {
            return Err(MetaRefusal::Version { found: version });
        }
        let (expected, found) = (self.checksum(), self.checksum.get(endian));
        if expected != found {
            return Err(MetaRefusal::Checksum { expected, found });
        }
        Ok(self.fields(endian))
    }

    /// The checksum that is stored, right or wrong.
    pub fn stored_checksum(&self, endian: Endian) -> u64 {
        self.checksum.get(endian)
    }

    /// The fields as they stand, for tools that show what was refused. [`verify`](Self::verify) is the way to a
    /// meta that can be used.
    pub fn fields(&self, endian: Endian) -> Meta {
        let freelist = self.freelist.get(endian);
        Meta {
            endian,
            page_size: self.page_size.get(endian),
            flags: self.flags.get(endian),
            root: PageId(self.root.get(endian)),
            root_sequence: self.root_sequence.get(endian),
            freelist: (freelist != NO_FREELIST).then_some(PageId(freelist)),
            high_water: PageId(self.high_water.get(endian)),
            txid: TxId(self.txid.get(endian)),
        }
    }
}

/// Why a meta page was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetaRefusal {
    /// The file ends before it.
    #[error("the file ends before it")]
    Missing,
    /// It does not begin as a Bolt meta does, in either byte order.
    #[error("magic {found:#010x} is not {MAGIC:#010x}")]
    Magic {
        /// The number found, read as little-endian.
        found: u32,
    },
    /// It is of another version of the format.
    #[error("version {found} is not {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// Its checksum does not match its fields: it was torn or changed.
    #[error("checksum {found:#018x} is not {expected:#018x}")]
    Checksum {
        /// The checksum of the fields.
        expected: u64,
        /// The checksum stored.
        found: u64,
    },
    /// It verifies, but its page size is not that of the newer meta.
    #[error("page size {found} is not that of the newer meta, {expected}")]
    PageSize {
        /// The size it names.
        found: u32,
        /// The size that the newer one names.
        expected: u32,
    },
    /// It verifies, but in the byte order that the newer meta does not have.
    #[error("its byte order is not that of the newer meta")]
    ByteOrder,
}

/// A meta whose magic, version and checksum hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The byte order of the file.
    pub endian: Endian,
    /// The page size as stored; [`Meta::validate`] says whether it can be one.
    pub page_size: u32,
    /// Flags, written as 0 and ignored by every reader.
    pub flags: u32,
    /// The page where the root bucket's tree begins.
    pub root: PageId,
    /// The root bucket's sequence, which no writer keeps.
    pub root_sequence: u64,
    /// The page where the freelist begins, or `None` where none is stored.
    pub freelist: Option<PageId>,
    /// The first page never allocated.
    pub high_water: PageId,
    /// The transaction that produced this state.
    pub txid: TxId,
}

impl Meta {
    /// The layout of the file this is the root of, if its page size can be one.
    pub fn layout(&self) -> Result<Layout, Corruption> {
        match PageSize::new(self.page_size) {
            Some(page_size) => Ok(Layout { page_size, endian: self.endian }),
            None => Err(Corruption { kind: CorruptionKind::PageSize { found: self.page_size }, page: None, offset: None }),
        }
    }

    /// Tests that the fields make sense together: page size, root and freelist.
    pub fn validate(&self) -> Result<(), Corruption> {
        self.layout()?;
        let Meta { root, high_water, .. } = *self;
        let within = |page: PageId| page.0 >= 2 && page < high_water;
        if !within(root) {
            return Err(Corruption { kind: CorruptionKind::Root { root, high_water }, page: None, offset: None });
        }
        match self.freelist {
            Some(freelist) if !within(freelist) => {
                Err(Corruption { kind: CorruptionKind::FreelistPage { freelist, high_water }, page: None, offset: None })
            }
            _ => Ok(()),
        }
    }

    /// The meta's bytes, checksum included.
    pub fn encode(&self) -> RawMeta {
        let e = self.endian;
        let mut raw = RawMeta {
            magic: U32::new(MAGIC, e),
            version: U32::new(VERSION, e),
            page_size: U32::new(self.page_size, e),
            flags: U32::new(self.flags, e),
            root: U64::new(self.root.0, e),
            root_sequence: U64::new(self.root_sequence, e),
            freelist: U64::new(self.freelist.map_or(NO_FREELIST, |page| page.0), e),
            high_water: U64::new(self.high_water.0, e),
            txid: U64::new(self.txid.0, e),
            checksum: U64::new(0, e),
        };
        raw.checksum = U64::new(raw.checksum(), e);
        raw
    }
}

/// One of the two places where a meta can be: what lies there, and what it was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetaSlot {
    /// The page, 0 or 1.
    pub page: PageId,
    /// The page's header, where the file reaches that far. No reader depends on it.
    pub header: Option<PageHeader>,
    /// The meta's bytes, where the file reaches that far.
    pub raw: Option<RawMeta>,
    /// The meta, or why it was refused.
    pub meta: Result<Meta, MetaRefusal>,
}

impl MetaSlot {
    /// Verifies what lies in a slot, given the first bytes of its page.
    pub fn new(page: PageId, start: &[u8]) -> MetaSlot {
        let raw = RawMeta::on_page(start);
        let meta = raw.ok_or(MetaRefusal::Missing).and_then(|raw| raw.verify());
        let endian = meta.map_or(Endian::Little, |meta| meta.endian);
        MetaSlot { page, header: PageHeader::read(start, endian), raw, meta }
    }
}

/// Both metas of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetaPair {
    /// The slots of page 0 and page 1.
    pub slots: [MetaSlot; 2],
}

impl MetaPair {
    /// The state to read: the valid meta with the larger transaction id, that of page 0 on a tie.
    pub fn current(&self) -> Option<Meta> {
        self.newest_first()[0]
    }

    /// The other state, where both metas are valid.
    pub fn previous(&self) -> Option<Meta> {
        self.newest_first()[1]
    }

    /// The state that is asked for, where one of the metas describes it.
    pub fn select(&self, selector: TxSelector) -> Result<Meta, Error> {
        let available = self.newest_first().into_iter().flatten();
        let found = match selector {
            TxSelector::Current => self.current(),
            TxSelector::Previous => self.previous(),
            TxSelector::Id(id) => available.clone().find(|meta| meta.txid == id),
        };
        found.ok_or_else(|| Error::NoSuchTx { wanted: selector, available: available.map(|meta| meta.txid).collect() })
    }

    /// Whether a state is the newest one, or describes the very same pages. Any older state may name pages that were
    /// written since, and may hold data that was never committed.
    pub fn is_provable(&self, state: &Meta) -> bool {
        let pages = |meta: &Meta| (meta.root, meta.freelist, meta.high_water);
        self.current().is_some_and(|current| pages(&current) == pages(state))
    }

    /// The bytes of the current meta.
    pub fn current_raw(&self) -> Option<RawMeta> {
        let current = self.current()?;
        self.slots.iter().find(|slot| slot.meta == Ok(current)).and_then(|slot| slot.raw)
    }

    fn newest_first(&self) -> [Option<Meta>; 2] {
        let [first, second] = self.slots.map(|slot| slot.meta.ok());
        match (first, second) {
            (Some(a), Some(b)) if b.txid > a.txid => [second, first],
            (None, _) => [second, None],
            _ => [first, second],
        }
    }
}

impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transaction {}, root {}, high-water mark {}", self.txid, self.root, self.high_water)
    }
}

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
