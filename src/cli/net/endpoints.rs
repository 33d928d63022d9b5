//! Owns `net endpoints`: the containers' places in networks.

use serde_json::{Value, json};

use super::list::{ListArgs, Row};
use super::records::{id, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::net::{Cidr, EndpointAt};

/// List the endpoints: which container has which place in a network
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
An endpoint without a container is in no sandbox, or in one that is not there.

Examples:
  unbolt net endpoints /var/lib/docker
  unbolt net endpoints --format json local-kv.db bridge | jq -r .ContainerID")]
pub struct Args {
    #[command(flatten)]
    pub list: ListArgs,
}

const HEADING: [&str; 7] = ["ENDPOINT ID", "NAME", "NETWORK", "CONTAINER ID", "IPV4 ADDRESS", "IPV6 ADDRESS", "MAC ADDRESS"];

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    args.list.list(context, &HEADING, |inventory, whole| inventory.places().iter().map(|at| row(at, whole)).collect())
}

fn address(at: &EndpointAt<'_>, ipv6: bool) -> String {
    at.endpoint.addresses().find(|address| address.is_ipv6() == ipv6).as_ref().map(Cidr::to_string).unwrap_or_default()
}

fn row(at: &EndpointAt<'_>, whole: bool) -> Row {
    let cells = vec![
        id(&at.endpoint.id, whole),
        text(&at.endpoint.name),
        at.network.map_or_else(|| id(at.network_id, whole), text),
        id(at.container.unwrap_or_default(), whole),
        address(at, false),
        address(at, true),
        text(at.endpoint.mac().unwrap_or_default()),
    ];
    Row { networks: vec![at.network_id.to_owned()], cells, object: object(at) }
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
