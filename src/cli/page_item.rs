//! Owns `page-item`: the key and the value of one item of a leaf page.

use std::path::PathBuf;

use super::bytes::Format;
use super::context::Context;
use super::failure::Failure;
use super::number;
use super::raw_page::{Kind, RawPages, Unreadable};
use super::status::Status;
use super::txid::TxidArg;
use crate::format::{LeafElement, Page, PageKind, SharedBytes};

/// Print the key and the value of one item of a leaf page
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt page-item local-kv.db 4 0
  unbolt page-item --value-only --format bytes local-kv.db 4 0")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The number of the page
    #[arg(value_name = "PAGE", value_parser = number::decimal)]
    pub page: u64,
    /// The number of the item, from 0
    #[arg(value_name = "ITEM", value_parser = number::decimal)]
    pub item: u64,
    /// Print only the key
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub key_only: bool,
    /// Print only the value
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub value_only: bool,
    /// How key and value are written
    #[arg(long, value_enum, default_value = "auto")]
    pub format: Format,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    if args.key_only && args.value_only {
        return Err(Failure::usage("either --key-only or --value-only"));
    }
    context.read(&args.file, &args.state, |snapshot, spool| {
        let element = args.find(&RawPages::new(snapshot, &args.state))?;
        if !args.value_only {
            args.format.write_line(spool.out(), &element.key)?;
        }
        if !args.key_only {
            args.format.write_line(spool.out(), &element.value)?;
        }
        Ok(Status::Done)
    })
}

impl Args {
    fn find(&self, pages: &RawPages<'_>) -> Result<LeafElement<SharedBytes>, Failure> {
        let no = |words: String| Failure::at(Status::No, &self.file, format_args!("page {}: {words}", self.page));
        let raw = pages.load(self.page).map_err(|why| match why {
            Unreadable::Failed(e) => Failure::of(&self.file, e),
            why => no(why.to_string()),
        })?;
        // As bbolt has it: 16 bits of the number count.
        let item = self.item & u64::from(u16::MAX);
        if item >= u64::from(raw.header.count) {
            return Err(no(format!("has no item {item}, only {}", raw.header.count)));
        }
        if raw.header.flags != PageKind::Leaf.flags() {
            return Err(no(format!("is a page of type {}; only leaf pages have items with values", Kind(raw.header.flags))));
        }
        let leaf = raw.parse().and_then(Page::into_leaf);
        let element = leaf.and_then(|leaf| leaf.element(usize::try_from(item).unwrap_or(usize::MAX)));
        element.map_err(|e| Failure::of(&self.file, e.into()))
    }
}
