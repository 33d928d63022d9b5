//! Owns `net set`: name, labels, parent, subnets and gateways of a network.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::change::{self, ChangeArgs};
use super::doctor::read_containers;
use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::net::{Cidr, Clash, Resubnet};

/// Change the name, labels, parent, subnets or gateways of a network
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A network keeps its id, so its containers find it. Where its subnet changes, gateway, range and
reserved addresses move with it; it must have no endpoints, and no other network may have addresses
of the new one. Where a container was given an address by hand, --docker-root tells whether it still
fits. Prints the records that would change, and with --apply changes them, after a copy of the file.
Stop dockerd first.

Examples:
  unbolt net set /var/lib/docker front --subnet 172.18.0.0/16=10.20.0.0/16 --docker-root /var/lib/docker
  unbolt net set --name back --label team=storage --apply local-kv.db front")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// A name, an id, or the begin of an id
    #[arg(value_name = "NETWORK")]
    pub network: String,
    #[command(flatten)]
    pub settings: Settings,
    /// Compare with the addresses of the containers below Docker's data root
    #[arg(long, value_name = "DIR")]
    pub docker_root: Option<PathBuf>,
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// What can be set, at least one of it.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub struct Settings {
    /// The network's new name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Set a label
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// Remove a label
    #[arg(long = "remove-label", value_name = "KEY")]
    pub unlabels: Vec<String>,
    /// The host's interface that a macvlan or ipvlan network stands on
    #[arg(long, value_name = "INTERFACE")]
    pub parent: Option<String>,
    /// Another subnet; the old one may be left out where there is one of that family
    #[arg(long = "subnet", value_name = "[OLD=]NEW")]
    pub subnets: Vec<SubnetArg>,
    /// Another gateway, in whichever subnet it is
    #[arg(long = "gateway", value_name = "ADDRESS")]
    pub gateways: Vec<IpAddr>,
}

fn label(argument: &str) -> Result<(String, String), String> {
    let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
    if key.is_empty() { Err("a label needs a name".into()) } else { Ok((key.into(), value.into())) }
}

/// `OLD=NEW`, or `NEW`.
#[derive(Debug, Clone, Copy)]
pub struct SubnetArg(Resubnet);

impl FromStr for SubnetArg {
    type Err = String;

    fn from_str(argument: &str) -> Result<SubnetArg, String> {
        let subnet = |text: &str| text.parse::<Cidr>().map_err(|e| e.to_string());
        Ok(SubnetArg(match argument.split_once('=') {
            Some((old, new)) => Resubnet { old: Some(subnet(old)?), new: subnet(new)? },
            None => Resubnet { old: None, new: subnet(argument)? },
        }))
    }
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let containers = args.docker_root.as_deref().map(read_containers).transpose()?;
    change::change(&args.file, &args.change, context, |file, draft, _| {
        let inventory = draft.inventory();
        let network = records::find(file, &inventory, &args.network)?;
        let id = network.key().network().unwrap_or_default();
        let attached = containers.iter().flat_map(|containers| containers.attachments());
        let of_network = attached.filter(|(_, place)| place.network == network.id);
        let fixed = of_network
            .flat_map(|(container, place)| place.fixed().map(|address| Clash { container: container.name.clone(), address }));
        let fixed: Vec<Clash> = fixed.collect();
        let settings = &args.settings;
        let mut set = || {
            settings.subnets.iter().try_for_each(|subnet| draft.set_subnet(id, subnet.0, &fixed))?;
            settings.gateways.iter().try_for_each(|gateway| draft.set_gateway(id, *gateway, &fixed))?;
            settings.parent.iter().try_for_each(|parent| draft.set_parent(id, parent))?;
            settings.labels.iter().try_for_each(|(key, value)| draft.label(id, key, Some(value)))?;
            settings.unlabels.iter().try_for_each(|key| draft.label(id, key, None))?;
            settings.name.iter().try_for_each(|name| draft.rename(id, name))
        };
        set().map_err(|e| change::refused(file, e))?;
        Ok(Status::Done)
    })
}
