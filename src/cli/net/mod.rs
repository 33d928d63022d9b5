//! Owns `net`: Docker's networks, as docker shows them, from the file alone.

pub mod addresses;
mod claims;
pub mod diagram;
pub mod endpoints;
pub mod export;
pub mod import;
mod inbound;
pub mod inspect;
mod keep;
pub mod ls;
pub mod migrate;
mod new_file;
mod new_id;
pub mod ports;
mod records;
pub mod sandboxes;
pub mod script;
pub mod strip;
mod time;

use super::context::Context;
use super::failure::Failure;
use super::status::Status;

/// Read Docker's networks, with dockerd running or not
///
/// FILE may be a directory with a local-kv.db in it, such as /var/lib/docker. NETWORK is a name, an id, or a begin of
/// an id that no other network has.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A record that cannot be read is named on standard error, the others are shown, and the exit status
is 1.

Examples:
  unbolt net ls /var/lib/docker
  unbolt net inspect local-kv.db bridge")]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Ls(ls::Args),
    Inspect(inspect::Args),
    Endpoints(endpoints::Args),
    Sandboxes(sandboxes::Args),
    Ports(ports::Args),
    Addresses(addresses::Args),
    Diagram(diagram::Args),
    Export(export::Args),
    Import(import::Args),
    Migrate(migrate::Args),
    Strip(strip::Args),
    Script(script::Args),
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    match &args.command {
        Command::Ls(ls) => ls::run(ls, context),
        Command::Inspect(inspect) => inspect::run(inspect, context),
        Command::Endpoints(endpoints) => endpoints::run(endpoints, context),
        Command::Sandboxes(sandboxes) => sandboxes::run(sandboxes, context),
        Command::Ports(ports) => ports::run(ports, context),
        Command::Addresses(addresses) => addresses::run(addresses, context),
        Command::Diagram(diagram) => diagram::run(diagram, context),
        Command::Export(export) => export::run(export, context),
        Command::Import(import) => import::run(import, context),
        Command::Migrate(migrate) => migrate::run(migrate, context),
        Command::Strip(strip) => strip::run(strip, context),
        Command::Script(script) => script::run(script, context),
    }
}
