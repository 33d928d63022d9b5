//! Owns `pages`: a table of the pages of a file.

use std::io::{self, Write};
use std::path::PathBuf;

use super::listing::Listing;
use super::txid::TxidArg;

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

/// One row: a page that begins a run, or a free page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: u64,
    pub kind: String,
    /// Items and overflow pages; none where the page is free.
    pub run: Option<(u64, u64)>,
}

pub fn write_heading(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"ID       TYPE       ITEMS  OVRFLW\n======== ========== ====== ======\n")
}

pub fn write_row(out: &mut dyn Write, row: &Row) -> io::Result<()> {
    let (items, overflow) = match row.run {
        Some((items, 0)) => (items.to_string(), String::new()),
        Some((items, overflow)) => (items.to_string(), overflow.to_string()),
        None => (String::new(), String::new()),
    };
    writeln!(out, "{:<8} {:<10} {items:<6} {overflow:<6}", row.id, row.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_padded_to_their_end_as_bbolt_pads_them() {
        let mut out = Vec::new();
        write_row(&mut out, &Row { id: 4, kind: "leaf".into(), run: Some((12, 0)) }).unwrap();
        write_row(&mut out, &Row { id: 5, kind: "leaf".into(), run: Some((1, 7)) }).unwrap();
        write_row(&mut out, &Row { id: 11, kind: "free".into(), run: None }).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "4        leaf       12           \n5        leaf       1      7     \n11       free                    \n"
        );
    }
}
