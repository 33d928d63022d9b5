//! Owns `dump`: pages as hexadecimal digits.

use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use super::hexdump;
use super::number::PageArg;
use super::page::SEPARATOR;
use super::raw_page::{RawPages, Unreadable};
use super::status::Status;
use super::txid::TxidArg;

/// Print pages as hexadecimal digits
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Each number stands for one page of the file, without the overflow pages behind it.

Examples:
  unbolt dump local-kv.db 0
  unbolt dump local-kv.db 0 1")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The numbers of the pages
    #[arg(value_name = "PAGE", required = true)]
    pub pages: Vec<PageArg>,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let ids: Vec<u64> = args.pages.iter().filter_map(|page| page.0).collect();
    if ids.is_empty() {
        return Err(Failure::usage("a page number is required"));
    }
    context.read(&args.file, &args.state, |snapshot, spool| {
        let pages = RawPages::new(snapshot, &args.state);
        for (index, id) in ids.iter().enumerate() {
            if index > 0 {
                writeln!(spool.out(), "{SEPARATOR}")?;
            }
            let page = pages.first_page(*id).map_err(|why| match why {
                Unreadable::Failed(e) => Failure::of(&args.file, e),
                why => Failure::at(Status::No, &args.file, format_args!("page {id}: {why}")),
            })?;
            hexdump::write(spool.out(), id.wrapping_mul(pages.layout().page_size.bytes()), &page)?;
        }
        Ok(Status::Done)
    })
}
