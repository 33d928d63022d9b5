//! Owns pages as they lie in the file, whether a state uses them or not, found the way bbolt finds them.
//!
//! bbolt looks at page 0 alone for the number of pages, so it may refuse a long run and end `page --all` too early
//! where page 1 is newer. So does this, where page 0 can be believed and no state was asked for; [`missed`] says
//! what that way does not show.
//!
//! [`missed`]: RawPages::missed

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use super::txid::TxidArg;
use crate::format::{
    BUCKET_HEADER_SIZE, Endian, Layout, Leaf, LeafElement, META_SIZE, Page, PageHeader, PageId, PageKind, RawMeta, SharedBytes,
    TxId, U32, U64,
};
use crate::{Corruption, CorruptionKind, Error, Snapshot, Storage};

/// All pages of a file.
pub struct RawPages<'s> {
    snapshot: &'s Snapshot,
    high_water: u64,
}

/// One page with its overflow pages. Its header says its number, and nothing else was tested.
pub struct RawPage {
    pub header: PageHeader,
    pub bytes: SharedBytes,
    pub layout: Layout,
}

/// Why a page cannot be shown.
#[derive(Debug)]
pub enum Unreadable {
    /// The file ends before it.
    End,
    /// Its offset is beyond what a file can have.
    Offset,
    /// The number in its header is another one.
    Id { found: u64, expected: u64 },
    /// Its header claims about as many pages as there are.
    TooLong { overflow: u32, high_water: u64 },
    /// The file could not be read.
    Failed(Error),
}

impl<'s> RawPages<'s> {
    pub fn new(snapshot: &'s Snapshot, state: &TxidArg) -> Self {
        let [first, _] = &snapshot.metas().slots;
        let by = first.meta.ok().filter(|_| state.txid.is_none()).unwrap_or(*snapshot.meta());
        RawPages { snapshot, high_water: by.high_water.0 }
    }

    pub fn layout(&self) -> Layout {
        self.snapshot.layout()
    }

    /// The first page number that is not looked at.
    pub fn end(&self) -> u64 {
        self.high_water
    }

    /// Pages of the state that is read that lie behind the end.
    pub fn missed(&self) -> Range<u64> {
        self.high_water..self.snapshot.meta().high_water.0
    }

    /// The transaction of the state that is read.
    pub fn txid(&self) -> TxId {
        self.snapshot.meta().txid
    }

    /// The bytes of one page, without overflow pages.
    pub fn first_page(&self, id: u64) -> Result<SharedBytes, Unreadable> {
        let size = self.layout().page_size.bytes();
        // Beyond the largest offset bbolt's arithmetic wraps around, and so does this.
        self.run(id.wrapping_mul(size), size)
    }

    pub fn load(&self, id: u64) -> Result<RawPage, Unreadable> {
        let bytes = self.first_page(id)?;
        let header = PageHeader::read(&bytes, self.layout().endian).ok_or(Unreadable::End)?;
        if header.id.0 != id {
            return Err(Unreadable::Id { found: header.id.0, expected: id });
        }
        if header.overflow == 0 {
            return Ok(RawPage { header, bytes, layout: self.layout() });
        }
        // Two metas and the page itself are left out. bbolt compares in 32 bits.
        let most = (self.high_water & u64::from(u32::MAX)) as u32;
        if header.overflow >= most.wrapping_sub(3) {
            return Err(Unreadable::TooLong { overflow: header.overflow, high_water: self.high_water });
        }
        let len = self.layout().run_bytes(header.pages());
        if len > self.layout().longest_run(self.high_water) {
            return Err(Unreadable::TooLong { overflow: header.overflow, high_water: self.high_water });
        }
        let offset = self.layout().offset(PageId(id));
        let bytes = self.run(offset, len)?;
        Ok(RawPage { header, bytes, layout: self.layout() })
    }

    fn run(&self, offset: u64, len: u64) -> Result<SharedBytes, Unreadable> {
        if i64::try_from(offset).is_err() {
            return Err(Unreadable::Offset);
        }
        self.snapshot.run(offset, len).map_err(|e| match e {
            Error::Corrupt(_) => Unreadable::End,
            e => Unreadable::Failed(e),
        })
    }
}

impl RawPage {
    pub fn parse(self) -> Result<Page<SharedBytes>, Corruption> {
        Page::parse(self.bytes, self.header.id, self.layout)
    }
}

/// Root page and sequence, where an element is a bucket. What is behind them may be of another time on a free page.
pub fn bucket_header(
    leaf: &Leaf<SharedBytes>,
    element: &LeafElement<SharedBytes>,
    index: usize,
) -> Result<Option<(u64, u64)>, Corruption> {
    if !element.is_bucket() {
        return Ok(None);
    }
    match element.value.first_chunk::<BUCKET_HEADER_SIZE>() {
        Some(header) => {
            let [root, sequence]: [U64; 2] = bytemuck::cast(*header);
            let endian = leaf.page().endian();
            Ok(Some((root.get(endian), sequence.get(endian))))
        }
        None => {
            let kind = CorruptionKind::BucketValue { index, len: element.value.len() as u64 };
            Err(Corruption { kind, page: Some(leaf.page().id()), offset: None })
        }
    }
}

/// The version of a meta, right or wrong.
pub fn version(meta: &RawMeta, endian: Endian) -> u32 {
    let [_, version, ..]: [U32; META_SIZE / 4] = bytemuck::cast(*meta.as_bytes());
    version.get(endian)
}

/// Why a page was not shown to its end.
#[derive(Debug)]
pub enum Stop {
    Output(io::Error),
    Unreadable(Unreadable),
    Damaged(Corruption),
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Stop::Output(e)
    }
}

impl From<Unreadable> for Stop {
    fn from(e: Unreadable) -> Self {
        Stop::Unreadable(e)
    }
}

impl From<Corruption> for Stop {
    fn from(e: Corruption) -> Self {
        Stop::Damaged(e)
    }
}

/// The type of a page by its header, in bbolt's words.
pub struct Kind(pub u16);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PageKind::from_flags(self.0) {
            Some(kind) => f.pad(kind.name()),
            None => f.pad(&format!("unknown<{:02x}>", self.0)),
        }
    }
}

impl Unreadable {
    /// What bbolt says of it.
    pub fn in_bbolts_words(&self, file: &Path) -> String {
        match self {
            Unreadable::End => "EOF".to_owned(),
            Unreadable::Offset => format!("readat {}: negative offset", file.display()),
            Unreadable::Id { found, expected } => {
                format!("error: invalid value due to unexpected Page id: {found} != {expected}")
            }
            Unreadable::TooLong { overflow, high_water } => format!(
                "error: invalid value, Page claims to have {overflow} overflow pages (>=hwm={high_water}). \
                 Interrupting to avoid risky OOM"
            ),
            Unreadable::Failed(e) => e.to_string(),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::End | Unreadable::Offset => f.write_str("the file ends before it"),
            Unreadable::Id { found, .. } => write!(f, "its header says page {found}: free, part of a longer run, or damaged"),
            Unreadable::TooLong { overflow, high_water } => {
                write!(f, "its header claims {overflow} overflow pages in a file of {high_water} pages")
            }
            Unreadable::Failed(e) => e.fmt(f),
        }
    }
}
