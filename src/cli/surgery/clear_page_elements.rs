//! Owns `surgery clear-page-elements`: some elements of a page.

use std::io;

use super::operation::Patient;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::number;
use crate::cli::status::Status;
use crate::format::PageId;

/// Clear elements of a branch or leaf page
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A page below another must keep its first element, and one: Go's next write would damage the file \
otherwise, so that is refused without --force. What an element led to is lost with it, as pages that \
neither a tree nor the list of free pages names.

Examples:
  unbolt surgery clear-page-elements meta.db --output copy.db --pageId 7 --from-index 3 --to-index 5
  unbolt surgery clear-page-elements meta.db --output copy.db --pageId 7 --from-index 3 --to-index -1")]
pub struct Args {
    #[command(flatten)]
    pub patient: Patient,
    /// The page
    #[arg(long = "pageId", value_name = "PAGE", value_parser = number::flag)]
    pub page: u64,
    /// The first element to clear, from 0 on
    #[arg(long, value_name = "N", value_parser = number::signed_flag, allow_hyphen_values = true)]
    pub from_index: i64,
    /// The first element after it to keep; -1 is none
    #[arg(long, value_name = "N", value_parser = number::signed_flag, allow_hyphen_values = true)]
    pub to_index: i64,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let page = page(args.page)?;
    let (from, to) = (args.from_index, args.to_index);
    let start = index(from)?;
    let end = if to == -1 { None } else { Some(index(to)?) };
    let loses_pages = args.patient.cut(context, |surgery| surgery.clear_elements(page, start, end))?;
    warn_of_lost_pages(loses_pages, context)?;
    writeln!(context.out, "All elements in [{from}, {to}) in page {page} were cleared")?;
    Ok(Status::Done)
}

fn index(number: i64) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::usage(format_args!("{number} is no element")))
}

/// A page that has elements.
pub fn page(id: u64) -> Result<PageId, Failure> {
    match id {
        0 | 1 => Err(Failure::usage(format_args!("the pageId must be at least 2, but got {id}"))),
        id => Ok(PageId(id)),
    }
}

pub fn warn_of_lost_pages(loses_pages: bool, context: &mut Context<'_>) -> io::Result<()> {
    if loses_pages {
        writeln!(context.out, "WARNING: The clearing has abandoned some pages that are not yet referenced from free list.")?;
        writeln!(context.out, "Please consider executing `./bbolt surgery freelist abandon ...`")?;
    }
    Ok(())
}
