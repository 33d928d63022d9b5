//! Owns `page`: the contents of one page or more, read as they lie in the file.

use std::path::PathBuf;

use super::bytes::Format;
use super::failure::Failure;
use super::number::{self, PageArg};
use super::txid::TxidArg;

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
