//! What surgery does to the two metas: their free lists given up, the newer one replaced by the older, single fields set.

use super::{Surgery, SurgeryError};
use crate::error::{Error, Result};
use crate::format::{Meta, MetaRefusal, MetaSlot, NO_FREELIST, PAGE_HEADER_SIZE, PageHeader, PageId, RawMeta};

/// What bbolt's tool writes as the flags of a meta that it mends. No reader looks at them.
const MENDED: u32 = 4;

/// New values of fields of a meta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetaFields {
    /// The page size.
    pub page_size: Option<u32>,
    /// The page of the root bucket's tree. The root bucket's sequence becomes 0 with it.
    pub root: Option<PageId>,
    /// The page of the list of free pages; 2^64−1 is none.
    pub freelist: Option<PageId>,
    /// The first page never allocated.
    pub high_water: Option<PageId>,
}

/// What an update of a meta came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetaUpdate {
    /// Whether anything was to be written.
    pub changed: bool,
    /// The page size by which the meta of page 1 was found.
    pub located_by: u32,
    /// The page size that the meta names now.
    pub page_size: u32,
}

impl MetaFields {
    fn any(&self) -> bool {
        *self != MetaFields::default()
    }

    fn apply(&self, meta: Meta) -> Meta {
        let freelist = match self.freelist {
            Some(page) => Some(page).filter(|page| page.0 != NO_FREELIST),
            None => meta.freelist,
        };
        Meta {
            flags: MENDED,
            page_size: self.page_size.unwrap_or(meta.page_size),
            root: self.root.unwrap_or(meta.root),
            root_sequence: self.root.map_or(meta.root_sequence, |_| 0),
            freelist,
            high_water: self.high_water.unwrap_or(meta.high_water),
            ..meta
        }
    }
}

impl Surgery<'_> {
    /// Takes the list of free pages out of both metas: whoever opens the file for writing looks for free pages anew. The
    /// meta is sealed, also where its checksum was wrong before; one with another magic or version stays as it is.
    pub fn abandon_freelist(&self) -> Result<()> {
        for page in [PageId(0), PageId(1)] {
            let raw = self.raw_meta(page)?;
            let meta = raw.fields(self.layout.endian);
            match raw.verify() {
                Err(MetaRefusal::Magic { .. } | MetaRefusal::Version { .. }) => {}
                _ => self.write_meta(page, &Meta { freelist: None, ..meta }.encode())?,
            }
        }
        Ok(())
    }

    /// Writes the older meta over the newer one, or over one that does not verify.
    pub fn revert_meta(&self) -> Result<(), SurgeryError> {
        let [first, second] = self.metas.ok_or(SurgeryError::NoMeta)?.slots;
        let txid = |slot: &MetaSlot| slot.meta.ok().map(|meta| meta.txid);
        let (kept, gone) = match (txid(&first), txid(&second)) {
            (None, None) => return Err(SurgeryError::NoMeta),
            (Some(_), None) => (first.page, second.page),
            (None, Some(_)) => (second.page, first.page),
            // Of two with one id, page 0 is the newer.
            (Some(a), Some(b)) if b > a => (first.page, second.page),
            (Some(_), Some(_)) => (second.page, first.page),
        };
        let offset = self.layout.offset(kept);
        let mut page = self.read(offset, self.layout.page_size.bytes(), kept)?;
        if let Some(header) = PageHeader::read(&page, self.layout.endian) {
            super::set_header(&mut page, PageHeader { id: gone, ..header }, self.layout.endian);
        }
        Ok(self.write(&page, self.layout.offset(gone))?)
    }

    /// Sets fields of the meta on page 0 or 1, and mends its magic, version, flags and checksum.
    pub fn update_meta(&self, page: PageId, fields: &MetaFields) -> Result<MetaUpdate> {
        let raw = self.raw_meta(page)?;
        let updated = fields.apply(raw.fields(self.layout.endian));
        let sealed = updated.encode();
        let changed = fields.any() || sealed != raw;
        if changed {
            self.write_meta(page, &sealed)?;
        }
        Ok(MetaUpdate { changed, located_by: self.layout.page_size.get(), page_size: updated.page_size })
    }

    /// The bytes of a meta, sealed or not.
    fn raw_meta(&self, page: PageId) -> Result<RawMeta> {
        let offset = self.layout.offset(page);
        let start = self.read(offset, META_END, page)?;
        RawMeta::on_page(&start).ok_or_else(|| self.short(offset, META_END, page))
    }

    fn write_meta(&self, page: PageId, meta: &RawMeta) -> Result<(), Error> {
        let header = u64::try_from(PAGE_HEADER_SIZE).unwrap_or(u64::MAX);
        self.write(meta.as_bytes(), self.layout.offset(page).saturating_add(header))
    }
}

/// Where a meta ends on its page.
const META_END: u64 = 80;
