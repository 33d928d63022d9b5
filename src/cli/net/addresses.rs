//! Owns `net addresses`: who has which address.

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
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only those of this network
    #[arg(value_name = "NETWORK")]
    pub network: Option<String>,
    /// Whole ids
    #[arg(long)]
    pub no_trunc: bool,
    /// As a table, or one JSON object per address
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |file, inventory, spool| {
        let network = records::find_if_named(file, inventory, &args.network)?;
        let mut all = inventory.addresses();
        all.retain(|address| network.is_none_or(|network| network.id == address.network_id));
        match args.format {
            Listing::Table => table(&all, args.no_trunc).write(spool.out())?,
            Listing::Json => all.iter().try_for_each(|address| json::write_line(spool.out(), &object(address)))?,
        }
        Ok(Status::Done)
    })
}

fn address(address: &AddressUse<'_>) -> String {
    match address.first == address.last {
        true => format!("{}/{}", address.first, address.prefix),
        false => format!("{}-{}/{}", address.first, address.last, address.prefix),
    }
}

fn table(all: &[AddressUse<'_>], whole: bool) -> Table {
    let mut table = Table::new(&["ADDRESS", "KIND", "NETWORK", "NAME", "CONTAINER ID", "MAC ADDRESS", "NOTE"]);
    for used in all {
        table.row([
            address(used),
            used.kind.as_str().to_owned(),
            used.network.map_or_else(|| id(used.network_id, whole), text),
            text(used.name.unwrap_or_default()),
            id(used.container.unwrap_or_default(), whole),
            text(used.mac.unwrap_or_default()),
            if used.is_duplicate { "duplicate" } else { "" }.to_owned(),
        ]);
    }
    table
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
