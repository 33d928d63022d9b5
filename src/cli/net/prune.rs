//! Owns `net prune`: networks that nobody is in.

use std::collections::HashSet;
use std::path::PathBuf;

use super::change::{self, ChangeArgs};
use super::doctor::read_containers;
use super::records::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;

/// Remove the networks that no endpoint, no container and no other network needs
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A container that is not running has no endpoint, so its networks look as if nobody needed them: only
its own file below Docker's data root tells. Docker's own networks stay. Prints the records that
would change, and with --apply changes them, after a copy of the file. Stop dockerd first.

Examples:
  unbolt net prune /var/lib/docker --docker-root /var/lib/docker
  unbolt net prune --no-containers --apply local-kv.db")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Docker's data root, with the containers whose networks stay
    #[arg(long, value_name = "DIR", required_unless_present = "no_containers")]
    pub docker_root: Option<PathBuf>,
    /// There are no containers whose networks should stay
    #[arg(long, conflicts_with = "docker_root")]
    pub no_containers: bool,
    #[command(flatten)]
    pub change: ChangeArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let containers = args.docker_root.as_deref().map(read_containers).transpose()?;
    if let Some((file, why)) = containers.iter().flat_map(|containers| &containers.unreadable).next() {
        let failure = Failure::at(Status::Refused, file, format_args!("cannot be read: {}", text(why)));
        return Err(failure.hint("its container's networks would be removed"));
    }
    change::change(&args.file, &args.change, context, |file, draft, spool| {
        let attached = containers.iter().flat_map(|containers| containers.attachments());
        let needed: HashSet<&str> = attached.map(|(_, place)| place.network.as_str()).collect();
        // A configuration is needed until the last network that was made from it is gone.
        loop {
            let inventory = draft.inventory();
            let unneeded = inventory.networks.iter().find(|network| {
                let id = network.key().network().unwrap_or_default();
                !network.is_predefined() && !needed.contains(network.id.as_str()) && draft.endpoints_of(id) == 0
            });
            let Some(network) = unneeded else { break };
            spool.note(format_args!("{}: nobody needs network {}", file.display(), text(&network.name)));
            draft.remove_network(network.key().network().unwrap_or_default());
        }
        Ok(Status::Done)
    })
}
