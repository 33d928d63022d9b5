//! Owns `net ports`: the ports of the host that containers hold.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Value, json};

use super::list::{ListArgs, Row};
use super::records::{id, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
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
    #[command(flatten)]
    pub list: ListArgs,
}

const HEADING: [&str; 6] = ["HOST", "CONTAINER", "PROTOCOL", "NAME", "NETWORK", "CONTAINER ID"];

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    args.list.list(context, &HEADING, |inventory, whole| inventory.published().iter().map(|port| row(port, whole)).collect())
}

/// `0.0.0.0:8080`, `[::]:8080`, or the port alone.
fn socket(address: Option<IpAddr>, port: u16) -> String {
    address.map_or_else(|| port.to_string(), |address| SocketAddr::new(address, port).to_string())
}

fn row(published: &Published<'_>, whole: bool) -> Row {
    let Published { port, network_id, network, name, container, .. } = published;
    let cells = vec![
        socket(port.host_address, port.host_port),
        socket(port.address, port.port),
        port.protocol.to_string(),
        text(name.unwrap_or_default()),
        network.map_or_else(|| id(network_id, whole), text),
        id(container.unwrap_or_default(), whole),
    ];
    Row { networks: vec![network_id.to_string()], cells, object: object(published) }
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
