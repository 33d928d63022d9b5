//! Owns `pages`: a table of the pages of a file.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::context::Context;
use super::failure::Failure;
use super::json;
use super::listing::Listing;
use super::page_map::PageMap;
use super::page_rows::{self, Row};
use super::status::Status;
use super::txid::TxidArg;
use crate::Snapshot;

/// List the pages with their kind, items and overflow
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt pages local-kv.db
  unbolt pages --map local-kv.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A table, or one JSON object per page
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    /// Draw a picture of the file, one character per page
    #[arg(long, conflicts_with = "format")]
    pub map: bool,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let color = context.color;
    context.read(&args.file, &args.state, |snapshot, spool| {
        let out = spool.out();
        match args.format {
            _ if args.map => draw_map(args, color, snapshot, out),
            Listing::Table => {
                write_heading(out)?;
                page_rows::each(snapshot, &args.file, |row| write_row(out, row))
            }
            Listing::Json => page_rows::each(snapshot, &args.file, |row| json::write_line(out, &object(row))),
        }
    })
}

/// Draws what there is, whatever the end.
fn draw_map(args: &Args, color: bool, snapshot: &Snapshot, out: &mut dyn Write) -> Result<Status, Failure> {
    let stored = snapshot.pages().stored();
    let mut map = PageMap::new(out, color, stored);
    let ended = page_rows::each(snapshot, &args.file, |row| map.row(row));
    map.finish(stored)?;
    ended
}

fn write_heading(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"ID       TYPE       ITEMS  OVRFLW\n======== ========== ====== ======\n")
}

fn write_row(out: &mut dyn Write, row: &Row) -> io::Result<()> {
    let (items, overflow) = match row.run {
        Some(run) if run.overflow == 0 => (run.count.to_string(), String::new()),
        Some(run) => (run.count.to_string(), run.overflow.to_string()),
        None => (String::new(), String::new()),
    };
    writeln!(out, "{:<8} {:<10} {items:<6} {overflow:<6}", row.id, row.kind())
}

fn object(row: &Row) -> Value {
    match row.run {
        Some(run) => json!({ "page": row.id, "type": row.kind(), "items": row.items, "overflow": run.overflow }),
        None => json!({ "page": row.id, "type": row.kind() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{PageHeader, PageId, PageKind};

    #[test]
    fn rows_are_padded_to_their_end_as_bbolt_pads_them() {
        let mut out = Vec::new();
        let leaf = |id, count, overflow| {
            let run = PageHeader { id: PageId(id), flags: PageKind::Leaf.flags(), count, overflow };
            Row { id, run: Some(run), items: u64::from(count), pages: run.pages() }
        };
        write_row(&mut out, &leaf(4, 12, 0)).unwrap();
        write_row(&mut out, &leaf(5, 1, 7)).unwrap();
        write_row(&mut out, &Row { id: 11, run: None, items: 0, pages: 1 }).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "4        leaf       12           \n5        leaf       1      7     \n11       free                    \n"
        );
    }
}
