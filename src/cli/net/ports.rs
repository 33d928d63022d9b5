//! Owns `net ports`: the ports of the host that containers hold.

use std::net::{IpAddr, SocketAddr};
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
use crate::net::Published;

/// List the ports of the host that are taken, and by whom
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A port whose NAME is empty is held by an endpoint that is not there any more; dockerd frees it with
its next start.

Examples:
  unbolt net ports /var/lib/docker
  unbolt net ports --format json local-kv.db | jq 'select(.HostPort == 8080)'")]
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
    /// As a table, or one JSON object per port
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |file, inventory, spool| {
        let network = records::find_if_named(file, inventory, &args.network)?;
        let mut all = inventory.published();
        all.retain(|published| network.is_none_or(|network| network.id == published.network_id));
        match args.format {
            Listing::Table => table(&all, args.no_trunc).write(spool.out())?,
            Listing::Json => all.iter().try_for_each(|published| json::write_line(spool.out(), &object(published)))?,
        }
        Ok(Status::Done)
    })
}

/// `0.0.0.0:8080`, `[::]:8080`, or the port alone.
fn socket(address: Option<IpAddr>, port: u16) -> String {
    address.map_or_else(|| port.to_string(), |address| SocketAddr::new(address, port).to_string())
}

fn table(all: &[Published<'_>], whole: bool) -> Table {
    let mut table = Table::new(&["HOST", "CONTAINER", "PROTOCOL", "NAME", "NETWORK", "CONTAINER ID"]);
    for Published { port, network_id, network, name, container, .. } in all {
        table.row([
            socket(port.host_address, port.host_port),
            socket(port.address, port.port),
            port.protocol.to_string(),
            text(name.unwrap_or_default()),
            network.map_or_else(|| id(network_id, whole), text),
            id(container.unwrap_or_default(), whole),
        ]);
    }
    table
}

fn object(published: &Published<'_>) -> Value {
    let port = published.port;
    json!({
        "HostIP": port.host_address,
        "HostPort": port.host_port,
        "IP": port.address,
        "Port": port.port,
        "Protocol": port.protocol.to_string(),
        "Name": published.name,
        "Network": published.network,
        "NetworkID": published.network_id,
        "EndpointID": published.endpoint,
        "ContainerID": published.container,
    })
}
