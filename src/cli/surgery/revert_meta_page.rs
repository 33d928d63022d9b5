//! Owns `surgery revert-meta-page`: the older meta over the newer one.

use super::operation::Patient;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;

/// Go back one transaction: write the older meta page over the newer one
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The state that this brings up can be one that was never committed, after a crash it even is: the \
pages of a transaction are written before its meta, some of them over pages that only the older meta \
still leads to. A check finds nothing wrong with such a file. So this is refused without --force, \
unless both metas describe the same pages, or the newer one does not verify. `unbolt diff --txid \
previous FILE` shows what would change.

Examples:
  unbolt surgery revert-meta-page meta.db --output older.db --force
  unbolt surgery revert-meta-page torn.db --output mended.db")]
pub struct Args {
    #[command(flatten)]
    pub patient: Patient,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    args.patient.cut(context, |surgery| surgery.revert_meta())?;
    writeln!(context.out, "The meta page is reverted.")?;
    Ok(Status::Done)
}
