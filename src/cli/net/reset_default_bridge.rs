//! Owns `net reset-default-bridge`: all of the network behind docker0, removed.

use std::path::PathBuf;

use super::change::{self, ChangeArgs};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::net::Key;

/// Remove the default bridge with its endpoints, for dockerd to make it anew
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The cure where dockerd does not start because of docker0. It makes the network again with every
start, under a new id; containers in it are known by its name. Prints the records that would change,
and with --apply changes them, after a copy of the file. Stop dockerd first.

Examples:
  unbolt net reset-default-bridge /var/lib/docker
  unbolt net reset-default-bridge --apply local-kv.db")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub change: ChangeArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    change::change(&args.file, &args.change, context, |_, draft, _| {
        let inventory = draft.inventory();
        let networks = inventory.networks.iter().filter(|network| network.is_default_bridge()).map(|network| network.key());
        let bridges = inventory.bridges.iter().filter(|bridge| bridge.default_bridge).map(|bridge| bridge.key());
        for id in networks.chain(bridges).filter_map(Key::network) {
            draft.remove_network(id);
        }
        Ok(Status::Done)
    })
}
