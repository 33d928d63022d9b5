//! Owns `net migrate`: networks of one file, brought into another.

use std::path::PathBuf;

use super::claims;
use super::inbound;
use super::new_id::new_id;
use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::status::Status;
use crate::cli::transaction::WriteArgs;
use crate::cli::txid::TxidArg;
use crate::net::transfer::Migration;
use crate::net::{Cidr, Containers, Inventory, Version};

/// Bring networks of one file into another, under other names and with other subnets where wanted
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Each network comes with its count and its driver's record; endpoints and sandboxes do not, docker makes \
them with the next start of a container. SRC is only read, and may be in use. DST gets all in one \
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
    /// Only this network, and others named so; else all but those that docker makes by itself
    #[arg(long, short, value_name = "NETWORK")]
    pub network: Vec<String>,
    /// Keep the ids by which containers know the networks
    #[arg(long, conflicts_with = "new_id")]
    pub keep_id: bool,
    /// Give the networks new ids
    #[arg(long)]
    pub new_id: bool,
    /// Rename network A to B
    #[arg(long, value_name = "A=B", value_parser = pair)]
    pub rename: Vec<(String, String)>,
    /// Put subnet B in the place of A
    #[arg(long, value_name = "A=B", value_parser = subnets)]
    pub subnet: Vec<(Cidr, Cidr)>,
    /// Put macvlan and ipvlan networks that stand on the host's interface A on B
    #[arg(long, value_name = "A=B", value_parser = pair)]
    pub parent: Vec<(String, String)>,
    /// The version of Docker that is to read DST: what it needs is changed, what it cannot live with is a conflict
    #[arg(long, value_name = "VERSION")]
    pub target: Option<Version>,
    /// Docker's root whose containers will start with DST
    #[arg(long, value_name = "DIR")]
    pub docker_root: Option<PathBuf>,
    #[command(flatten)]
    pub write: WriteArgs,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.into(), to.into())),
        _ => Err("should be A=B".to_owned()),
    }
}

fn subnets(text: &str) -> Result<(Cidr, Cidr), String> {
    let (from, to) = pair(text)?;
    let subnet = |text: &str| match text.parse::<Cidr>() {
        Ok(cidr) if cidr.subnet() == cidr => Ok(cidr),
        Ok(cidr) => Err(format!("{cidr} is an address in {}", cidr.subnet())),
        Err(_) => Err(format!("{text} is no subnet, such as 10.77.0.0/24")),
    };
    Ok((subnet(&from)?, subnet(&to)?))
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (file, source) = records::take(&args.source, &TxidArg::default(), context)?;
    let is_new = inbound::is_new(&args.destination, context.open)?;
    let mut migration = args.migration();
    if !args.subnet.is_empty() || args.target.is_some() {
        let root = args.docker_root.clone().or_else(|| claims::root_of(&args.destination)).or_else(|| claims::root_of(&file));
        migration.containers = root.map(|root| claims::read(&root, context)).transpose()?.unwrap_or_default();
    }
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

impl Args {
    fn migration(&self) -> Migration {
        Migration {
            networks: self.network.clone(),
            rename: self.rename.clone(),
            subnets: self.subnet.clone(),
            parents: self.parent.clone(),
            new_ids: self.new_id,
            target: self.target,
            containers: Containers::default(),
        }
    }
}
