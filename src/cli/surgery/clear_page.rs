//! Owns `surgery clear-page`: all elements of a page.

use super::clear_page_elements::{page, warn_of_lost_pages};
use super::operation::Patient;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::number;
use crate::cli::status::Status;

/// Clear all elements of a branch or leaf page
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Only the root of a bucket's tree can be without elements: Go's next write would damage a file in which \
another page is. So of others this is refused without --force.

Examples:
  unbolt surgery clear-page meta.db --output copy.db --pageId 7
  unbolt surgery clear-page meta.db --output copy.db --pageId 7 --force")]
pub struct Args {
    #[command(flatten)]
    pub patient: Patient,
    /// The page
    #[arg(long = "pageId", value_name = "PAGE", value_parser = number::flag)]
    pub page: u64,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let page = page(args.page)?;
    let loses_pages = args.patient.cut(context, |surgery| surgery.clear_elements(page, 0, None))?;
    warn_of_lost_pages(loses_pages, context)?;
    writeln!(context.out, "The page ({page}) was cleared")?;
    Ok(Status::Done)
}
