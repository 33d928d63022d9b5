//! Owns `net export`: networks as one JSON document that people can read and edit.

use std::path::PathBuf;

use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::net::transfer::Export;

/// Print networks with all that their records know, as one JSON document
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Without NETWORK all of the file is there, sandboxes and all. For each network the document has its \
records, the network's own first; the documents that Docker keeps in strings are unpacked, so that a \
name, a label or a subnet can be edited in place. `net import` packs them again: what was not edited \
comes back byte for byte.

Examples:
  unbolt net export /var/lib/docker > networks.json
  unbolt net export local-kv.db blue | jq '.networks[].records[].key'")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only these: names, ids, or begins of ids
    #[arg(value_name = "NETWORK")]
    pub networks: Vec<String>,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |file, inventory, spool| {
        let mut ids = Vec::new();
        for wanted in &args.networks {
            ids.push(records::find(file, inventory, wanted)?.key().network().unwrap_or_default());
        }
        let export = match ids.is_empty() {
            true => Export::of(inventory),
            false => Export::of_networks(inventory, &ids),
        };
        spool.out().write_all(export.to_json().as_bytes())?;
        Ok(Status::Done)
    })
}
