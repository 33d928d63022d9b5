//! Owns `net sandboxes`: the containers' network stacks.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::records::{self, id, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::listing::Listing;
use crate::cli::status::Status;
use crate::cli::table::Table;
use crate::cli::txid::TxidArg;
use crate::net::SandboxAt;

/// List the sandboxes: which container is in which networks
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A sandbox is a container's network stack. NAME is that of its endpoints.

Examples:
  unbolt net sandboxes /var/lib/docker
  unbolt net sandboxes --format json local-kv.db | jq -r .ContainerID")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only those in this network
    #[arg(value_name = "NETWORK")]
    pub network: Option<String>,
    /// Whole ids
    #[arg(long)]
    pub no_trunc: bool,
    /// As a table, or one JSON object per sandbox
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |file, inventory, spool| {
        let network = records::find_if_named(file, inventory, &args.network)?;
        let mut all = inventory.stacks();
        all.retain(|at| network.is_none_or(|network| at.endpoints.iter().any(|at| at.place.network == network.id)));
        match args.format {
            Listing::Table => table(&all, args.no_trunc).write(spool.out())?,
            Listing::Json => all.iter().try_for_each(|at| json::write_line(spool.out(), &object(at)))?,
        }
        Ok(Status::Done)
    })
}

fn table(all: &[SandboxAt<'_>], whole: bool) -> Table {
    let mut table = Table::new(&["SANDBOX ID", "NAME", "CONTAINER ID", "NETWORKS", "DNS"]);
    for at in all {
        let networks = at.endpoints.iter().map(|at| at.network.map_or_else(|| id(&at.place.network, whole), text));
        table.row([
            id(&at.sandbox.id, whole),
            text(at.name().unwrap_or_default()),
            id(&at.sandbox.container, whole),
            networks.collect::<Vec<_>>().join(", "),
            text(&at.sandbox.dns.join(", ")),
        ]);
    }
    table
}

fn object(at: &SandboxAt<'_>) -> Value {
    let endpoints = at.endpoints.iter().map(|at| {
        json!({
            "EndpointID": at.place.endpoint,
            "Name": at.endpoint.map(|endpoint| &endpoint.name),
            "Network": at.network,
            "NetworkID": at.place.network,
        })
    });
    json!({
        "SandboxID": at.sandbox.id,
        "Name": at.name(),
        "ContainerID": at.sandbox.container,
        "Endpoints": endpoints.collect::<Vec<_>>(),
        "DNS": at.sandbox.dns,
        "Index": at.sandbox.last_index(),
    })
}
