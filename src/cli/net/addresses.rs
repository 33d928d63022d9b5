//! Owns `net addresses`: who has which address.

use serde_json::{Value, json};

use super::list::{ListArgs, Row};
use super::records::{id, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::net::{AddressKind, AddressUse};

/// List the addresses in use, and by whom
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
KIND is `gateway`, `auxiliary` (kept free by --aux-address), `endpoint`, or `taken`: noted in the
bitmaps of Docker 1.9 to 1.11, which do not say for whom. An address that something else in the same
network has too is marked `duplicate`.

Examples:
  unbolt net addresses /var/lib/docker
  unbolt net addresses --format json local-kv.db | jq 'select(.Duplicate)'")]
pub struct Args {
    #[command(flatten)]
    pub list: ListArgs,
}

const HEADING: [&str; 7] = ["ADDRESS", "KIND", "NETWORK", "NAME", "CONTAINER ID", "MAC ADDRESS", "NOTE"];

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    args.list.list(context, &HEADING, |inventory, whole| inventory.addresses().iter().map(|used| row(used, whole)).collect())
}

fn address(address: &AddressUse<'_>) -> String {
    match address.first == address.last {
        true => format!("{}/{}", address.first, address.prefix),
        false => format!("{}-{}/{}", address.first, address.last, address.prefix),
    }
}

fn row(used: &AddressUse<'_>, whole: bool) -> Row {
    let cells = vec![
        address(used),
        used.kind.as_str().to_owned(),
        used.network.map_or_else(|| id(used.network_id, whole), text),
        text(used.name.unwrap_or_default()),
        id(used.container.unwrap_or_default(), whole),
        text(used.mac.unwrap_or_default()),
        if used.is_duplicate { "duplicate" } else { "" }.to_owned(),
    ];
    Row { networks: vec![used.network_id.to_owned()], cells, object: object(used) }
}

fn object(used: &AddressUse<'_>) -> Value {
    json!({
        "Address": address(used),
        "Kind": used.kind.as_str(),
        "Network": used.network,
        "NetworkID": Some(used.network_id).filter(|_| used.kind != AddressKind::Taken),
        "Name": used.name,
        "EndpointID": used.endpoint,
        "ContainerID": used.container,
        "MacAddress": used.mac,
        "Duplicate": used.is_duplicate,
    })
}
