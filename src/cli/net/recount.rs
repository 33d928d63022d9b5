//! Owns `net recount`: the number of endpoints that a network is said to have.

use std::path::PathBuf;

use super::change::{self, ChangeArgs};
use super::records::{self, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;

/// Count the endpoints of networks again
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The cure for `network ... has active endpoints` where there are none. Docker 28.1 and later count no
more, and keep a record that says 0. Prints the records that would change, and with --apply changes
them, after a copy of the file. Stop dockerd first.

Examples:
  unbolt net recount /var/lib/docker
  unbolt net recount --apply local-kv.db front")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only of these; else of all
    #[arg(value_name = "NETWORK")]
    pub networks: Vec<String>,
    #[command(flatten)]
    pub change: ChangeArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    change::change(&args.file, &args.change, context, |file, draft, spool| {
        let inventory = draft.inventory();
        let mut networks = Vec::new();
        for wanted in &args.networks {
            networks.push(records::find(file, &inventory, wanted)?);
        }
        if args.networks.is_empty() {
            networks.extend(&inventory.networks);
        }
        for network in networks {
            let id = network.key().network().unwrap_or_default();
            let (before, real) = (draft.recount(id), draft.endpoints_of(id));
            if before != Some(real) {
                let before = before.map_or_else(|| "none".to_owned(), |before| before.to_string());
                spool.note(format_args!("{}: network {}: {before} counted, {real} there", file.display(), text(&network.name)));
            }
        }
        Ok(Status::Done)
    })
}
