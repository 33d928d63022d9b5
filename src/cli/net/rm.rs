//! Owns `net rm`: a network, an endpoint, a sandbox or a port, removed with all that belongs to it.

use std::path::{Path, PathBuf};

use super::change::{self, ChangeArgs};
use super::records::{self, text};
use crate::cli::attempt::Spool;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::naming;
use crate::cli::status::Status;
use crate::net::{Draft, Inventory, Key, Protocol};

/// Remove a network, an endpoint, a sandbox or a port with all that belongs to it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Prints the records that would change, and with --apply changes them: in place, in one transaction,
after a copy of the file. Stop dockerd first.

Examples:
  unbolt net rm endpoint /var/lib/docker web
  unbolt net rm network --force --apply local-kv.db old-network")]
pub struct Args {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    Network(NetworkArgs),
    Endpoint(EndpointArgs),
    Sandbox(SandboxArgs),
    Port(PortArgs),
}

/// Remove a network with its endpoints, its count and what its driver keeps of it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt net rm network /var/lib/docker old-network
  unbolt net rm network --force --apply local-kv.db 4e47945502fc")]
pub struct NetworkArgs {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A name, an id, or the begin of an id
    #[arg(value_name = "NETWORK", required = true)]
    pub networks: Vec<String>,
    /// Remove a network with endpoints too
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// Remove an endpoint with what its driver keeps of it and its place in its sandbox
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt net rm endpoint /var/lib/docker web
  unbolt net rm endpoint --network front --apply local-kv.db web")]
pub struct EndpointArgs {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A name, an id, or the begin of an id
    #[arg(value_name = "ENDPOINT", required = true)]
    pub endpoints: Vec<String>,
    /// Only in this network
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// Remove a sandbox and the endpoints in it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt net rm sandbox /var/lib/docker 932a59cb2806
  unbolt net rm sandbox --apply local-kv.db CONTAINER-ID")]
pub struct SandboxArgs {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The id of the sandbox or of its container, or the begin of one
    #[arg(value_name = "SANDBOX", required = true)]
    pub sandboxes: Vec<String>,
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// Free a port of the host, whoever has it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt net rm port /var/lib/docker 8080
  unbolt net rm port --apply local-kv.db 53/udp")]
pub struct PortArgs {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The port, of one protocol where one is named
    #[arg(value_name = "PORT[/tcp|udp|sctp]", value_parser = port)]
    pub port: (u16, Option<Protocol>),
    #[command(flatten)]
    pub change: ChangeArgs,
}

fn port(argument: &str) -> Result<(u16, Option<Protocol>), String> {
    let (number, protocol) = argument.split_once('/').map_or((argument, None), |(number, name)| (number, Some(name)));
    let protocol = match protocol {
        None => None,
        Some("tcp") => Some(Protocol(6)),
        Some("udp") => Some(Protocol(17)),
        Some("sctp") => Some(Protocol(132)),
        Some(_) => return Err("the protocol is none of tcp, udp, sctp".into()),
    };
    let number = number.parse().map_err(|_| "not a number from 1 to 65535".to_owned())?;
    Ok((number, protocol))
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    match &args.what {
        What::Network(args) => change::change(&args.file, &args.change, context, |file, draft, _| networks(args, file, draft)),
        What::Endpoint(args) => {
            change::change(&args.file, &args.change, context, |file, draft, _| endpoints(args, file, draft))
        }
        What::Sandbox(args) => change::change(&args.file, &args.change, context, |file, draft, _| sandboxes(args, file, draft)),
        What::Port(args) => {
            change::change(&args.file, &args.change, context, |file, draft, spool| free(args, file, draft, spool))
        }
    }
}

fn networks(args: &NetworkArgs, file: &Path, draft: &mut Draft) -> Result<Status, Failure> {
    for wanted in &args.networks {
        let inventory = draft.inventory();
        let network = records::find(file, &inventory, wanted)?;
        let id = network.key().network().unwrap_or_default();
        let (name, endpoints) = (text(&network.name), draft.endpoints_of(id));
        if endpoints > 0 && !args.force {
            let what = if network.config_only { "network made from it" } else { "endpoint" };
            let words = format!("network {name} has {}", naming::count(endpoints, what));
            return Err(Failure::at(Status::Refused, file, words).hint("--force removes it with them"));
        }
        draft.remove_network(id);
    }
    Ok(Status::Done)
}

fn endpoints(args: &EndpointArgs, file: &Path, draft: &mut Draft) -> Result<Status, Failure> {
    for wanted in &args.endpoints {
        let inventory = draft.inventory();
        let network = records::find_if_named(file, &inventory, &args.network)?;
        let inside = |key: &Key| network.is_none_or(|network| network.key().network() == key.network());
        let all = inventory.endpoints.iter().filter(|endpoint| inside(endpoint.key()));
        let all = all.map(|endpoint| (endpoint.key(), endpoint.name.as_str()));
        let id = |key: &Key| key.endpoint().unwrap_or_default().to_owned();
        match only(file, "endpoint", wanted, all, id)? {
            Key::Endpoint { network, endpoint } => draft.remove_endpoint(&network, &endpoint),
            _ => return Err(missing(file, "endpoint", wanted)),
        }
    }
    Ok(Status::Done)
}

fn sandboxes(args: &SandboxArgs, file: &Path, draft: &mut Draft) -> Result<Status, Failure> {
    for wanted in &args.sandboxes {
        let inventory: Inventory = draft.inventory();
        let id = |key: &Key| match key {
            Key::Sandbox(id) => id.clone(),
            _ => String::new(),
        };
        let by_container = inventory.sandboxes.iter().find(|sandbox| sandbox.container.starts_with(wanted.as_str()));
        let all = || inventory.sandboxes.iter().map(|sandbox| (sandbox.key(), sandbox.container.as_str()));
        let found = match by_container {
            Some(sandbox) if !all().any(|(key, _)| id(key).starts_with(wanted.as_str())) => sandbox.key().clone(),
            _ => only(file, "sandbox", wanted, all(), id)?,
        };
        draft.remove_sandbox(&id(&found));
    }
    Ok(Status::Done)
}

fn free(args: &PortArgs, file: &Path, draft: &mut Draft, spool: &mut Spool) -> Result<Status, Failure> {
    let (port, protocol) = args.port;
    match draft.remove_port(port, protocol) {
        0 => Err(Failure::at(Status::No, file, format_args!("nobody has port {port} of the host"))),
        places => {
            spool.note(format_args!(
                "{}: port {port} is given up in {}",
                file.display(),
                naming::count(places as u64, "place")
            ));
            Ok(Status::Done)
        }
    }
}

/// The one that is meant: by its id, its name, or the begin of its id.
fn only<'k>(
    file: &Path,
    what: &str,
    wanted: &str,
    all: impl Iterator<Item = (&'k Key, &'k str)> + Clone,
    id: impl Fn(&Key) -> String,
) -> Result<Key, Failure> {
    let by_id = all.clone().find(|(key, _)| id(key) == wanted);
    if let Some((key, _)) = by_id {
        return Ok(key.clone());
    }
    let mut found: Vec<&Key> = all.clone().filter(|(_, name)| *name == wanted).map(|(key, _)| key).collect();
    if found.is_empty() && !wanted.is_empty() {
        found = all.filter(|(key, _)| id(key).starts_with(wanted)).map(|(key, _)| key).collect();
    }
    match *found {
        [] => Err(missing(file, what, wanted)),
        [key] => Ok(key.clone()),
        _ => {
            let ids: Vec<String> = found.iter().map(|key| id(key)).collect();
            let words = format!("{what} {} is ambiguous ({} matches found)", text(wanted), ids.len());
            Err(Failure::at(Status::No, file, words).hint(format_args!("their ids are {}", text(&ids.join(", ")))))
        }
    }
}

fn missing(file: &Path, what: &str, wanted: &str) -> Failure {
    let plural = if what == "sandbox" { "sandboxes" } else { "endpoints" };
    let failure = Failure::at(Status::No, file, format_args!("{what} {} not found", text(wanted)));
    failure.hint(format_args!("`unbolt net {plural} {}` lists those that are there", file.display()))
}
