//! Owns `net inspect`: networks in full, as `docker network inspect` shows them.

use std::path::PathBuf;

use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;

/// Print networks in full, as a JSON array
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The shape is that of `docker network inspect`. Under `Libnetwork` stands what docker leaves out: the
records of the network, its driver, its endpoints and their sandboxes, with their keys and indexes,
and the versions of Docker that write such a record. JSON in strings is unpacked, base64 decoded.

The gateway is always shown; docker leaves out one that it chose itself for a given subnet, until it
is restarted. A network that is not there is named on standard error, and the exit status is 1.

Examples:
  unbolt net inspect /var/lib/docker bridge
  unbolt net inspect --all local-kv.db | jq -r '.[].Libnetwork.WrittenBy'")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A name, an id, or a begin of an id that no other network has
    #[arg(value_name = "NETWORK", required_unless_present = "all", conflicts_with = "all")]
    pub networks: Vec<String>,
    /// All networks
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |file, inventory, spool| {
        let (mut found, mut status) = (Vec::new(), Status::Done);
        for wanted in &args.networks {
            match records::find(file, inventory, wanted) {
                Ok(network) => found.push(network),
                Err(failure) => {
                    status = Status::No;
                    spool.fail(&failure);
                }
            }
        }
        if args.all {
            found.extend(&inventory.networks);
        }
        let shapes = inventory.inspect(found);
        serde_json::to_writer_pretty(&mut *spool.out(), &shapes).map_err(std::io::Error::from)?;
        writeln!(spool.out())?;
        Ok(status)
    })
}
