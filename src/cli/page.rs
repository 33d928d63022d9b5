//! Owns `page`: the contents of one page or more, read as they lie in the file.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::attempt::Spool;
use super::bytes::{self, Format};
use super::context::Context;
use super::failure::Failure;
use super::json;
use super::number::{self, PageArg};
use super::quote;
use super::raw_page::{Kind, RawPage, RawPages, Unreadable};
use super::status::Status;
use super::txid::TxidArg;
use crate::format::{
    BUCKET_HEADER_SIZE, Endian, LeafElement, META_SIZE, NO_FREELIST, Page, PageId, PageKind, RawMeta, SharedBytes, U32, U64,
};
use crate::{Corruption, CorruptionKind};

/// Print pages in a readable form
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Pages are read as they lie in the file, free ones too.

Examples:
  unbolt page local-kv.db 0 1
  unbolt page --all --format-value redacted local-kv.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The numbers of the pages
    #[arg(value_name = "PAGE")]
    pub pages: Vec<PageArg>,
    /// Print all pages
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub all: bool,
    /// How the values on leaf pages are written; `json` prints one object per page
    #[arg(long, value_enum, default_value = "auto")]
    pub format_value: Format,
    #[command(flatten)]
    pub state: TxidArg,
}

/// The pages to print.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Selection {
    All,
    Ids(Vec<u64>),
}

impl Args {
    fn selection(&self) -> Result<Selection, Failure> {
        let ids: Vec<u64> = self.pages.iter().filter_map(|page| page.0).collect();
        match (self.all, ids.is_empty()) {
            (true, true) => Ok(Selection::All),
            (false, false) => Ok(Selection::Ids(ids)),
            (true, false) => Err(Failure::usage("either page numbers or --all")),
            (false, true) => Err(Failure::usage("a page number is required")),
        }
    }
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let selection = args.selection()?;
    context.read(&args.file, &args.state, |snapshot, spool| {
        let pages = RawPages::new(snapshot, &args.state);
        let mut printer = Printer { args, pages: &pages, first: true };
        match &selection {
            Selection::Ids(ids) => {
                for id in ids {
                    printer.print(*id, spool.out())?;
                }
                Ok(Status::Done)
            }
            Selection::All => printer.print_all(snapshot.pages().stored(), spool),
        }
    })
}

/// What stands between two pages.
pub const SEPARATOR: &str = "===============================================";

/// Why a page was not shown to its end.
enum Stop {
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

struct Printer<'a> {
    args: &'a Args,
    pages: &'a RawPages<'a>,
    first: bool,
}

impl Printer<'_> {
    /// Prints all pages below the high-water mark, as far as the file has them.
    fn print_all(&mut self, stored: u64, spool: &mut Spool) -> Result<Status, Failure> {
        let end = self.pages.end();
        let mut id = 0;
        while id < end.min(stored) {
            id = id.saturating_add(self.print(id, spool.out())?);
        }
        let missed = self.pages.missed();
        if !missed.is_empty() {
            spool.note(format_args!(
                "{0}: pages {1} to {2} are not shown: bbolt's way to list all pages goes by page 0, which is older; \
                 `unbolt page --all --txid {3} {0}` shows them",
                self.args.file.display(),
                missed.start,
                missed.end.saturating_sub(1),
                self.pages.txid(),
            ));
        }
        match end > stored {
            true => Err(Failure::cut_short(&self.args.file, stored, end)),
            false => Ok(Status::Done),
        }
    }

    /// Prints a page, or why it cannot be shown, and says how many pages that took.
    fn print(&mut self, id: u64, out: &mut dyn Write) -> Result<u64, Failure> {
        let json = self.args.format_value == Format::Json;
        if !json && !std::mem::take(&mut self.first) {
            writeln!(out, "{SEPARATOR}")?;
        }
        let shown = if json { self.write_json(id, out) } else { self.write_text(id, out) };
        let words = match shown {
            Ok(pages) => return Ok(pages),
            Err(Stop::Output(e)) => return Err(e.into()),
            Err(Stop::Unreadable(Unreadable::Failed(e))) => return Err(Failure::of(&self.args.file, e)),
            Err(Stop::Unreadable(why)) => why.in_bbolts_words(&self.args.file),
            Err(Stop::Damaged(why)) => why.to_string(),
        };
        match json {
            true => json::write_line(out, &json!({ "page": id, "error": words }))?,
            // The spelling is bbolt's.
            false => writeln!(out, "Prining page {id} failed: {words}. Continuing...")?,
        }
        Ok(1)
    }

    fn write_text(&self, id: u64, out: &mut dyn Write) -> Result<u64, Stop> {
        let raw = self.pages.load(id)?;
        writeln!(out, "Page ID:    {id}")?;
        writeln!(out, "Page Type:  {}", Kind(raw.header.flags))?;
        writeln!(out, "Total Size: {} bytes", raw.bytes.len())?;
        writeln!(out, "Overflow pages: {}", raw.header.overflow)?;
        let pages = raw.header.pages();
        match PageKind::from_flags(raw.header.flags) {
            Some(PageKind::Meta) => self.write_meta(&raw, out)?,
            Some(PageKind::Leaf) => self.write_leaf(raw, id, out)?,
            Some(PageKind::Branch) => self.write_branch(raw, id, out)?,
            Some(PageKind::Freelist) => self.write_freelist(raw, id, out)?,
            None => {}
        }
        Ok(pages)
    }

    fn write_meta(&self, raw: &RawPage, out: &mut dyn Write) -> Result<(), Stop> {
        let Some(meta) = RawMeta::on_page(&raw.bytes) else { return Ok(()) };
        let endian = self.pages.layout().endian;
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

    fn write_leaf(&self, raw: RawPage, id: u64, out: &mut dyn Write) -> Result<(), Stop> {
        writeln!(out, "Item Count: {}\n", raw.header.count)?;
        let leaf = self.parse(raw, id)?.into_leaf()?;
        for index in 0..leaf.len() {
            let element = leaf.element(index)?;
            write!(out, "{}: ", key_text(&element.key))?;
            match self.bucket(&element, index, id)? {
                Some((root, sequence)) => writeln!(out, "<pgid={root},seq={sequence}>")?,
                None => self.args.format_value.write_line(out, &element.value)?,
            }
        }
        Ok(writeln!(out)?)
    }

    fn write_branch(&self, raw: RawPage, id: u64, out: &mut dyn Write) -> Result<(), Stop> {
        writeln!(out, "Item Count: {}\n", raw.header.count)?;
        let page = self.parse(raw, id)?;
        if page.count() > 0 {
            let branch = page.into_branch()?;
            for index in 0..branch.len() {
                let element = branch.element(index)?;
                writeln!(out, "{}: <pgid={}>", key_text(&element.key), element.child)?;
            }
        }
        Ok(writeln!(out)?)
    }

    fn write_freelist(&self, raw: RawPage, id: u64, out: &mut dyn Write) -> Result<(), Stop> {
        let overflow = raw.header.overflow;
        let list = self.parse(raw, id)?.into_freelist()?;
        writeln!(out, "Item Count: {}", list.len())?;
        writeln!(out, "Overflow: {overflow}\n")?;
        list.ids().try_for_each(|free| writeln!(out, "{free}"))?;
        Ok(writeln!(out)?)
    }

    /// Writes one object, its items one by one: a page may hold more than should be kept twice.
    fn write_json(&self, id: u64, out: &mut dyn Write) -> Result<u64, Stop> {
        let raw = self.pages.load(id)?;
        let RawPage { header, bytes } = &raw;
        let (pages, kind) = (header.pages(), PageKind::from_flags(header.flags));
        let start =
            json!({ "page": id, "type": Kind(header.flags).to_string(), "size": bytes.len(), "overflow": header.overflow });
        let start = start.to_string();
        let open = start.trim_end_matches('}');
        let endian = self.pages.layout().endian;
        match kind {
            Some(PageKind::Meta) => {
                let meta = RawMeta::on_page(bytes).map(|meta| meta_object(&meta, endian));
                writeln!(out, "{open},\"meta\":{}}}", meta.unwrap_or_default())?;
            }
            Some(PageKind::Leaf) => {
                let leaf = self.parse(raw, id)?.into_leaf()?;
                let items = (0..leaf.len()).map(|index| {
                    let element = leaf.element(index)?;
                    let key = json::bytes(&element.key);
                    Ok(match self.bucket(&element, index, id)? {
                        Some((root, sequence)) => json!({ "key": key, "bucket": { "root": root, "sequence": sequence } }),
                        None => json!({ "key": key, "value": json::bytes(&element.value) }),
                    })
                });
                write_items(out, open, "items", items)?;
            }
            Some(PageKind::Branch) => {
                let branch = self.parse(raw, id)?.into_branch()?;
                let items = (0..branch.len()).map(|index| {
                    let element = branch.element(index)?;
                    Ok(json!({ "key": json::bytes(&element.key), "page": element.child.0 }))
                });
                write_items(out, open, "items", items)?;
            }
            Some(PageKind::Freelist) => {
                let list = self.parse(raw, id)?.into_freelist()?;
                write_items(out, open, "free", list.ids().map(|free| Ok(free.0.into())))?;
            }
            None => writeln!(out, "{start}")?,
        }
        Ok(pages)
    }

    fn parse(&self, raw: RawPage, id: u64) -> Result<Page<SharedBytes>, Corruption> {
        Page::parse(raw.bytes, PageId(id), self.pages.layout())
    }

    /// Root page and sequence, where an element is a bucket. What is behind them may be of another time here.
    fn bucket(&self, element: &LeafElement<SharedBytes>, index: usize, id: u64) -> Result<Option<(u64, u64)>, Corruption> {
        if !element.is_bucket() {
            return Ok(None);
        }
        let endian = self.pages.layout().endian;
        match element.value.first_chunk::<BUCKET_HEADER_SIZE>() {
            Some(header) => {
                let [root, sequence]: [U64; 2] = bytemuck::cast(*header);
                Ok(Some((root.get(endian), sequence.get(endian))))
            }
            None => {
                let kind = CorruptionKind::BucketValue { index, len: element.value.len() as u64 };
                Err(Corruption { kind, page: Some(PageId(id)), offset: None })
            }
        }
    }
}

/// A key as bbolt's `page` writes it: quoted where it can be printed, else as digits.
fn key_text(key: &[u8]) -> String {
    if quote::printable(key).is_some() { quote::quote(key) } else { bytes::hex(key) }
}

/// The version of a meta, right or wrong.
fn version(meta: &RawMeta, endian: Endian) -> u32 {
    let [_, version, ..]: [U32; META_SIZE / 4] = bytemuck::cast(*meta.as_bytes());
    version.get(endian)
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

#[cfg(test)]
mod tests {
    use super::super::status::Status;
    use super::*;

    fn selection(pages: &[&str], all: bool) -> Result<Selection, Failure> {
        let pages = pages.iter().map(|page| page.parse().unwrap()).collect();
        let (file, state) = (PathBuf::from("a.db"), TxidArg::default());
        Args { file, pages, all, format_value: Format::Auto, state }.selection()
    }

    #[test]
    fn page_numbers_and_all_exclude_each_other_and_one_is_required() {
        assert_eq!(selection(&["4", "", "2"], false).unwrap(), Selection::Ids(vec![4, 2]));
        assert_eq!(selection(&[""], true).unwrap(), Selection::All);
        assert_eq!(selection(&["1"], true).unwrap_err().status(), Status::Usage);
        assert_eq!(selection(&[""], false).unwrap_err().status(), Status::Usage);
    }
}
