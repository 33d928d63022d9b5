//! Owns a page as one JSON object.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::json;
use super::raw_page::{Kind, RawPage, RawPages, Stop, bucket_header, version};
use crate::Corruption;
use crate::format::{Endian, PageKind, RawMeta};

/// Writes one object and says how many pages the run has. Items go out one by one: a page may hold more than should
/// be kept twice.
pub fn write(pages: &RawPages<'_>, id: u64, out: &mut dyn Write) -> Result<u64, Stop> {
    let raw = pages.load(id)?;
    let RawPage { header, bytes, .. } = &raw;
    let (taken, kind) = (header.pages(), PageKind::from_flags(header.flags));
    let start = json!({ "page": id, "type": Kind(header.flags).to_string(), "size": bytes.len(), "overflow": header.overflow });
    let start = start.to_string();
    let open = start.trim_end_matches('}');
    let endian = raw.layout.endian;
    match kind {
        Some(PageKind::Meta) => {
            let meta = RawMeta::on_page(bytes).map(|meta| meta_object(&meta, endian));
            writeln!(out, "{open},\"meta\":{}}}", meta.unwrap_or_default())?;
        }
        Some(PageKind::Leaf) => {
            let leaf = raw.parse()?.into_leaf()?;
            leaf.disjoint()?;
            let items = (0..leaf.len()).map(|index| {
                let element = leaf.element(index)?;
                let key = json::bytes(&element.key);
                Ok(match bucket_header(&leaf, &element, index)? {
                    Some((root, sequence)) => json!({ "key": key, "bucket": { "root": root, "sequence": sequence } }),
                    None => json!({ "key": key, "value": json::bytes(&element.value) }),
                })
            });
            write_items(out, open, "items", items)?;
        }
        Some(PageKind::Branch) => {
            let branch = raw.parse()?.into_branch()?;
            branch.disjoint()?;
            let items = (0..branch.len()).map(|index| {
                let element = branch.element(index)?;
                Ok(json!({ "key": json::bytes(&element.key), "page": element.child.0 }))
            });
            write_items(out, open, "items", items)?;
        }
        Some(PageKind::Freelist) => {
            let list = raw.parse()?.into_freelist()?;
            write_items(out, open, "free", list.ids().map(|free| Ok(free.0.into())))?;
        }
        None => writeln!(out, "{start}")?,
    }
    Ok(taken)
}

fn meta_object(meta: &RawMeta, endian: Endian) -> Value {
    let fields = meta.fields(endian);
    json!({
        "version": version(meta, endian),
        "page_size": fields.page_size,
        "root": fields.root.0,
        "freelist": fields.freelist.map(|page| page.0),
        "high_water": fields.high_water.0,
        "txid": fields.txid.0,
        "checksum": format!("{:016x}", meta.stored_checksum(endian)),
    })
}

/// Ends an object with a list. Where an item cannot be read the list ends too, and `error` says why.
fn write_items(
    out: &mut dyn Write,
    open: &str,
    name: &str,
    items: impl Iterator<Item = Result<Value, Corruption>>,
) -> io::Result<()> {
    write!(out, "{open},\"{name}\":[")?;
    let mut error = None;
    for (index, item) in items.enumerate() {
        match item {
            Ok(item) => write!(out, "{}{item}", if index == 0 { "" } else { "," })?,
            Err(e) => {
                error = Some(e);
                break;
            }
        }
    }
    match error {
        Some(e) => writeln!(out, "],\"error\":{}}}", Value::from(e.to_string())),
        None => writeln!(out, "]}}"),
    }
}
