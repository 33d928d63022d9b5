//! Owns `net reid`: a network under the id that its containers know.

use std::path::PathBuf;

use super::change::{self, ChangeArgs};
use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;

/// Give a network the id that its containers know it by
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The cure for `network ... not found` when a container is started: its own file has the id of a
network that was removed and made again. The network must have no endpoints. Its bridge keeps its
name. Prints the records that would change, and with --apply changes them, after a copy of the file.
Stop dockerd first.

Examples:
  unbolt net reid /var/lib/docker front 1b128a9d9e30f2638f0ce3a83b7670ec336f142e923cbf609eaeccb0caa46d50
  unbolt net reid --apply local-kv.db front OLD-ID")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A name, an id, or the begin of an id
    #[arg(value_name = "NETWORK")]
    pub network: String,
    /// The id that it is to have: 64 hexadecimal digits
    #[arg(value_name = "OLD-ID")]
    pub id: String,
    #[command(flatten)]
    pub change: ChangeArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    change::change(&args.file, &args.change, context, |file, draft, _| {
        let inventory = draft.inventory();
        let network = records::find(file, &inventory, &args.network)?;
        draft.reid(network.key().network().unwrap_or_default(), &args.id).map_err(|e| change::refused(file, e))?;
        Ok(Status::Done)
    })
}
