//! Owns `net`: Docker's networks, as docker shows them, from the file alone.

mod claims;
pub mod export;
pub mod import;
mod inbound;
mod keep;
pub mod migrate;
mod new_file;
mod new_id;
mod records;
pub mod script;
pub mod strip;

use super::context::Context;
use super::failure::Failure;
use super::status::Status;

/// Read Docker's networks, with dockerd running or not
///
/// FILE may be a directory with a local-kv.db in it, such as /var/lib/docker. NETWORK is a name, an id, or a begin of
/// an id that no other network has.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt net export /var/lib/docker > networks.json
  unbolt net script local-kv.db --as compose")]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Export(export::Args),
    Import(import::Args),
    Migrate(migrate::Args),
    Strip(strip::Args),
    Script(script::Args),
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    match &args.command {
        Command::Export(export) => export::run(export, context),
        Command::Import(import) => import::run(import, context),
        Command::Migrate(migrate) => migrate::run(migrate, context),
        Command::Strip(strip) => strip::run(strip, context),
        Command::Script(script) => script::run(script, context),
    }
}
