//! Owns `net endpoints`: the containers' places in networks.

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
use crate::net::{Cidr, EndpointAt};

/// List the endpoints: which container has which place in a network
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
An endpoint without a container is in no sandbox, or in one that is not there.

Examples:
  unbolt net endpoints /var/lib/docker
  unbolt net endpoints --format json local-kv.db bridge | jq -r .ContainerID")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only those of this network
    #[arg(value_name = "NETWORK")]
    pub network: Option<String>,
    /// Whole ids
    #[arg(long)]
    pub no_trunc: bool,
    /// As a table, or one JSON object per endpoint
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |file, inventory, spool| {
        let network = records::find_if_named(file, inventory, &args.network)?;
        let mut all = inventory.places();
        all.retain(|at| network.is_none_or(|network| network.id == at.network_id));
        match args.format {
            Listing::Table => table(&all, args.no_trunc).write(spool.out())?,
            Listing::Json => all.iter().try_for_each(|at| json::write_line(spool.out(), &object(at)))?,
        }
        Ok(Status::Done)
    })
}

fn address(at: &EndpointAt<'_>, ipv6: bool) -> String {
    at.endpoint.addresses().find(|address| address.is_ipv6() == ipv6).as_ref().map(Cidr::to_string).unwrap_or_default()
}

fn table(all: &[EndpointAt<'_>], whole: bool) -> Table {
    let mut table =
        Table::new(&["ENDPOINT ID", "NAME", "NETWORK", "CONTAINER ID", "IPV4 ADDRESS", "IPV6 ADDRESS", "MAC ADDRESS"]);
    for at in all {
        table.row([
            id(&at.endpoint.id, whole),
            text(&at.endpoint.name),
            at.network.map_or_else(|| id(at.network_id, whole), text),
            id(at.container.unwrap_or_default(), whole),
            address(at, false),
            address(at, true),
            text(at.endpoint.mac().unwrap_or_default()),
        ]);
    }
    table
}

fn object(at: &EndpointAt<'_>) -> Value {
    let endpoint = at.endpoint;
    json!({
        "EndpointID": endpoint.id,
        "Name": endpoint.name,
        "Network": at.network,
        "NetworkID": at.network_id,
        "ContainerID": at.container,
        "SandboxID": Some(&endpoint.sandbox).filter(|id| !id.is_empty()),
        "IPv4Address": address(at, false),
        "IPv6Address": address(at, true),
        "MacAddress": endpoint.mac().unwrap_or_default(),
        "Gateway": endpoint.gateway,
        "IPv6Gateway": endpoint.gateway_v6,
        "DNSNames": endpoint.names,
        "ExposedPorts": endpoint.exposed_ports.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "Index": endpoint.last_index(),
    })
}
