//! Owns `net sandboxes`: the containers' network stacks.

use serde_json::{Value, json};

use super::list::{ListArgs, Row};
use super::records::{id, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::net::SandboxAt;

/// List the sandboxes: which container is in which networks
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A sandbox is a container's network stack. NAME is that of its endpoints.

Examples:
  unbolt net sandboxes /var/lib/docker
  unbolt net sandboxes --format json local-kv.db | jq -r .ContainerID")]
pub struct Args {
    #[command(flatten)]
    pub list: ListArgs,
}

const HEADING: [&str; 5] = ["SANDBOX ID", "NAME", "CONTAINER ID", "NETWORKS", "DNS"];

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    args.list.list(context, &HEADING, |inventory, whole| inventory.stacks().iter().map(|at| row(at, whole)).collect())
}

fn row(at: &SandboxAt<'_>, whole: bool) -> Row {
    let networks = at.endpoints.iter().map(|at| at.network.map_or_else(|| id(&at.place.network, whole), text));
    let cells = vec![
        id(&at.sandbox.id, whole),
        text(at.name().unwrap_or_default()),
        id(&at.sandbox.container, whole),
        networks.collect::<Vec<_>>().join(", "),
        text(&at.sandbox.dns.join(", ")),
    ];
    Row { networks: at.endpoints.iter().map(|at| at.place.network.clone()).collect(), cells, object: object(at) }
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
