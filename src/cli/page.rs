//! Owns `page`: the contents of one page or more, read as they lie in the file.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::attempt::Spool;
use super::bytes::Format;
use super::context::Context;
use super::failure::Failure;
use super::number::{self, PageArg};
use super::raw_page::{RawPages, Stop, Unreadable};
use super::status::Status;
use super::txid::TxidArg;
use super::{json, page_json, page_text};

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
        let shown = match json {
            true => page_json::write(self.pages, id, out),
            false => page_text::write(self.pages, id, self.args.format_value, out),
        };
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
