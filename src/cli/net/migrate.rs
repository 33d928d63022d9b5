//! Owns `net migrate`: networks of one file, brought into another.

use std::path::PathBuf;

use super::inbound;
use super::moving::MovingArgs;
use super::new_id::new_id;
use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::status::Status;
use crate::cli::transaction::WriteArgs;
use crate::cli::txid::TxidArg;
use crate::net::Inventory;

/// Bring networks of one file into another, under other names and with other subnets where wanted
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Each network comes with its count and its driver's record. Endpoints and sandboxes stay behind: docker \
makes them anew with the next start of a container, and would remove any that it found. SRC is only read, and may be in use. DST gets all in one \
transaction and is kept as DST.bak-TXID before; where it is not there it is made.

Containers know networks by id, so those whose files came along start with --keep-id, which is the \
default, and not with --new-id. A network in another subnet keeps the place of every address: gateway, \
range, addresses that are taken. Containers with static addresses are looked for in the containers of \
DST's root, or else of SRC's.

Everything that stands in the way is named: ids, names, bridges, subnets, gateways, parents and static \
addresses that are taken or have no place, and what the target version could not live with. The exit \
status is 6 then, and nothing is written.

Examples:
  unbolt net migrate /old/docker /var/lib/docker --dry-run
  unbolt net migrate old.db new.db --network blue --rename blue=green --subnet 10.1.0.0/24=10.2.0.0/24")]
pub struct Args {
    /// The database to read, or a directory with a local-kv.db in it
    #[arg(value_name = "SRC")]
    pub source: PathBuf,
    /// The database to write, there or not yet, or a directory with a local-kv.db in it
    #[arg(value_name = "DST")]
    pub destination: PathBuf,
    #[command(flatten)]
    pub moving: MovingArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (file, source) = records::take(&args.source, &TxidArg::default(), context)?;
    let is_new = inbound::is_new(&args.destination, context.open)?;
    let migration = args.moving.migration(&[&args.destination, &file], context)?;
    let plan = |there: &Inventory| migration.plan(&source, there, &mut new_id);
    if is_new {
        let plan = plan(&Inventory::default());
        return inbound::make(&args.destination, &file, args.write.dry_run, plan, context);
    }
    if output::is_same(&args.destination, &file) {
        return Err(Failure::at(Status::Refused, &args.destination, "is the file that is read"));
    }
    inbound::put(&args.destination, &args.write, context, plan)
}
