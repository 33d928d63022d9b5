//! Owns `net script`: what somebody would have to write to make the networks of a file.

use std::path::PathBuf;

use super::records::{self, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::net::Network;
use crate::net::transfer;

/// Print the commands, or the block of a compose file, that would make these networks again
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
What docker makes by itself (bridge, host, none) is passed over. A network that no command or compose \
file can make is named on standard error, and the exit status is 1.

Examples:
  unbolt net script /var/lib/docker > networks.sh
  unbolt net script local-kv.db --as compose blue")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only these: names, ids, or begins of ids
    #[arg(value_name = "NETWORK")]
    pub networks: Vec<String>,
    /// As a shell script, or as YAML
    #[arg(long = "as", value_enum, default_value_t)]
    pub form: Form,
    #[command(flatten)]
    pub state: TxidArg,
}

/// The ways to write it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Commands of docker for a POSIX shell
    #[default]
    Docker,
    /// The networks block of a compose file
    Compose,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |file, inventory, spool| {
        let mut networks: Vec<&Network> = Vec::new();
        for wanted in &args.networks {
            networks.push(records::find(file, inventory, wanted)?);
        }
        if args.networks.is_empty() {
            networks.extend(inventory.networks.iter().map(|network| &**network));
        }
        let script = match args.form {
            Form::Docker => transfer::docker(networks),
            Form::Compose => transfer::compose(networks),
        };
        spool.out().write_all(script.text.as_bytes())?;
        for (name, reason) in &script.left_out {
            spool.note(format_args!("{}: network {}: left out: {}", file.display(), text(name), text(reason)));
        }
        Ok(if script.left_out.is_empty() { Status::Done } else { Status::No })
    })
}
