//! Owns `net`: Docker's networks, as docker shows them, from the file alone.

pub mod addresses;
mod change;
mod claims;
pub mod diagram;
pub mod doctor;
pub mod endpoints;
pub mod export;
pub mod fix;
pub mod import;
mod inbound;
pub mod inspect;
mod list;
pub mod ls;
pub mod migrate;
mod moving;
mod new_file;
mod new_id;
pub mod ports;
pub mod prune;
pub mod rebuild;
mod records;
pub mod recount;
pub mod reid;
pub mod reset_default_bridge;
pub mod rm;
pub mod sandboxes;
mod saved;
pub mod script;
pub mod set;
pub mod strip;
mod time;

use super::context::Context;
use super::failure::Failure;
use super::status::Status;

/// Read Docker's networks, diagnose and mend them
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
    Doctor(doctor::Args),
    Fix(fix::Args),
    Rm(rm::Args),
    Prune(prune::Args),
    Recount(recount::Args),
    ResetDefaultBridge(reset_default_bridge::Args),
    Reid(reid::Args),
    Set(set::Args),
    Rebuild(rebuild::Args),
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
        Command::Doctor(doctor) => doctor::run(doctor, context),
        Command::Fix(fix) => fix::run(fix, context),
        Command::Rm(rm) => rm::run(rm, context),
        Command::Prune(prune) => prune::run(prune, context),
        Command::Recount(recount) => recount::run(recount, context),
        Command::ResetDefaultBridge(reset) => reset_default_bridge::run(reset, context),
        Command::Reid(reid) => reid::run(reid, context),
        Command::Set(set) => set::run(set, context),
        Command::Rebuild(rebuild) => rebuild::run(rebuild, context),
    }
}
