//! Owns the readable form of a page, as bbolt's `page` writes it.

use std::io::Write;

use super::bytes::{self, Format};
use super::quote;
use super::raw_page::{Kind, RawPage, RawPages, Stop, bucket_header, version};
use crate::format::{NO_FREELIST, PageKind, RawMeta};

/// Writes a page and says how many pages its run has.
pub fn write(pages: &RawPages<'_>, id: u64, format: Format, out: &mut dyn Write) -> Result<u64, Stop> {
    let raw = pages.load(id)?;
    writeln!(out, "Page ID:    {id}")?;
    writeln!(out, "Page Type:  {}", Kind(raw.header.flags))?;
    writeln!(out, "Total Size: {} bytes", raw.bytes.len())?;
    writeln!(out, "Overflow pages: {}", raw.header.overflow)?;
    let taken = raw.header.pages();
    match PageKind::from_flags(raw.header.flags) {
        Some(PageKind::Meta) => write_meta(&raw, out)?,
        Some(PageKind::Leaf) => write_leaf(raw, format, out)?,
        Some(PageKind::Branch) => write_branch(raw, out)?,
        Some(PageKind::Freelist) => write_freelist(raw, out)?,
        None => {}
    }
    Ok(taken)
}

fn write_meta(raw: &RawPage, out: &mut dyn Write) -> Result<(), Stop> {
    let Some(meta) = RawMeta::on_page(&raw.bytes) else { return Ok(()) };
    let endian = raw.layout.endian;
    let fields = meta.fields(endian);
    writeln!(out, "Version:    {}", version(&meta, endian))?;
    writeln!(out, "Page Size:  {} bytes", fields.page_size)?;
    writeln!(out, "Flags:      {:08x}", fields.flags)?;
    writeln!(out, "Root:       <pgid={}>", fields.root)?;
    writeln!(out, "Freelist:   <pgid={}>", fields.freelist.map_or(NO_FREELIST, |page| page.0))?;
    writeln!(out, "HWM:        <pgid={}>", fields.high_water)?;
    writeln!(out, "Txn ID:     {}", fields.txid)?;
    writeln!(out, "Checksum:   {:016x}\n", meta.stored_checksum(endian))?;
    Ok(())
}

fn write_leaf(raw: RawPage, format: Format, out: &mut dyn Write) -> Result<(), Stop> {
    writeln!(out, "Item Count: {}\n", raw.header.count)?;
    let leaf = raw.parse()?.into_leaf()?;
    leaf.disjoint()?;
    for index in 0..leaf.len() {
        let element = leaf.element(index)?;
        write!(out, "{}: ", key_text(&element.key))?;
        match bucket_header(&leaf, &element, index)? {
            Some((root, sequence)) => writeln!(out, "<pgid={root},seq={sequence}>")?,
            None => format.write_line(out, &element.value)?,
        }
    }
    Ok(writeln!(out)?)
}

fn write_branch(raw: RawPage, out: &mut dyn Write) -> Result<(), Stop> {
    writeln!(out, "Item Count: {}\n", raw.header.count)?;
    let page = raw.parse()?;
    if page.count() > 0 {
        let branch = page.into_branch()?;
        branch.disjoint()?;
        for index in 0..branch.len() {
            let element = branch.element(index)?;
            writeln!(out, "{}: <pgid={}>", key_text(&element.key), element.child)?;
        }
    }
    Ok(writeln!(out)?)
}

fn write_freelist(raw: RawPage, out: &mut dyn Write) -> Result<(), Stop> {
    let overflow = raw.header.overflow;
    let list = raw.parse()?.into_freelist()?;
    writeln!(out, "Item Count: {}", list.len())?;
    writeln!(out, "Overflow: {overflow}\n")?;
    list.ids().try_for_each(|free| writeln!(out, "{free}"))?;
    Ok(writeln!(out)?)
}

/// A key as bbolt's `page` writes it: quoted where it can be printed, else as digits.
fn key_text(key: &[u8]) -> String {
    if quote::printable(key).is_some() { quote::quote(key) } else { bytes::hex(key) }
}
