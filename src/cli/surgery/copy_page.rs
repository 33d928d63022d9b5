//! Owns `surgery copy-page`: one page in the place of another.

use super::operation::Patient;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::number;
use crate::cli::status::Status;
use crate::forensic::surgery::Surgery;
use crate::format::PageId;

/// Copy a page over another
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Overflow pages are copied with it. What lay in the place of the copy is gone.

Examples:
  unbolt surgery copy-page meta.db --output copy.db --from-page 12 --to-page 7
  unbolt surgery copy-page meta.db --output copy.db --from-page 12 --to-page 7 --force")]
pub struct Args {
    #[command(flatten)]
    pub patient: Patient,
    /// The page that is copied
    #[arg(long, value_name = "PAGE", value_parser = number::flag)]
    pub from_page: u64,
    /// The page that it is copied to
    #[arg(long, value_name = "PAGE", value_parser = number::flag)]
    pub to_page: u64,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    if args.from_page == args.to_page {
        return Err(Failure::usage(format_args!("'--from-page' and '--to-page' have the same value: {}", args.from_page)));
    }
    let (from, to) = (PageId(args.from_page), PageId(args.to_page));
    let has_list = args.patient.operate(context, |copy, original| {
        Surgery::open(copy)?.copy_page(from, to)?;
        Ok(original.metas.and_then(|metas| metas.current()).is_some_and(|meta| meta.freelist.is_some()))
    })?;
    if has_list {
        writeln!(context.out, "WARNING: the free list might have changed.")?;
        writeln!(context.out, "Please consider executing `./bbolt surgery freelist abandon ...`")?;
    }
    writeln!(context.out, "The page {from} was successfully copied to page {to}")?;
    Ok(Status::Done)
}
