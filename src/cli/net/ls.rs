//! Owns `net ls`: the networks, as `docker network ls` lists them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::records::{self, id, text};
use super::time;
use crate::cli::attempt::Spool;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::listing::Listing;
use crate::cli::status::Status;
use crate::cli::table::Table;
use crate::cli::txid::TxidArg;
use crate::net::{Inventory, Network, Record, natural_order};

/// List the networks
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "list",
    after_long_help = "\
JSON has docker's own keys and values, and besides Subnets and Endpoints; its ids are whole.

Filters of one key are alternatives, but for labels, which must all be there; filters of different
keys must all hold. A name or an id is found by any part of it, or by a regular expression.

Examples:
  unbolt net ls /var/lib/docker
  unbolt net ls --filter driver=bridge --filter label=team --format json local-kv.db"
)]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only networks for which this holds: name=, driver=, id=, label=KEY[=VALUE] or scope=
    #[arg(short, long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<Filter>,
    /// Whole ids
    #[arg(long)]
    pub no_trunc: bool,
    /// Ids alone
    #[arg(short, long)]
    pub quiet: bool,
    /// As a table, or one JSON object per network
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

/// What has to hold of a network.
#[derive(Debug, Clone)]
pub enum Filter {
    Name(Regex),
    Id(Regex),
    Driver(String),
    Scope(String),
    Label(String, Option<String>),
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(argument: &str) -> Result<Filter, String> {
        let (key, value) = argument.split_once('=').ok_or("not of the form KEY=VALUE")?;
        let pattern = || Regex::new(value).map_err(|e| e.to_string());
        match key.trim().to_lowercase().as_str() {
            "name" => Ok(Filter::Name(pattern()?)),
            "id" => Ok(Filter::Id(pattern()?)),
            "driver" => Ok(Filter::Driver(value.into())),
            "scope" => Ok(Filter::Scope(value.into())),
            "label" => Ok(match value.split_once('=') {
                Some((name, value)) => Filter::Label(name.into(), Some(value.into())),
                None => Filter::Label(value.into(), None),
            }),
            _ => Err("the key is none of name, driver, id, label, scope".into()),
        }
    }
}

impl Filter {
    fn holds(&self, network: &Network) -> bool {
        match self {
            Filter::Name(pattern) => pattern.is_match(&network.name),
            Filter::Id(pattern) => pattern.is_match(&network.id),
            Filter::Driver(driver) => network.driver == *driver,
            Filter::Scope(scope) => network.scope == *scope,
            Filter::Label(name, value) => {
                let same = |(found, has): &(String, String)| found == name && value.as_ref().is_none_or(|value| value == has);
                network.labels.iter().any(same)
            }
        }
    }

    /// Filters of the same key are alternatives; each label stands alone.
    fn is_alternative_to(&self, other: &Filter) -> bool {
        !matches!(self, Filter::Label(..)) && std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

fn is_wanted(network: &Network, filters: &[Filter]) -> bool {
    filters.iter().all(|filter| {
        let alternative = |other: &&Filter| filter.is_alternative_to(other);
        filter.holds(network) || filters.iter().filter(alternative).any(|other| other.holds(network))
    })
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |_, inventory, spool| {
        let mut networks: Vec<_> = inventory.networks.iter().filter(|network| is_wanted(network, &args.filters)).collect();
        networks.sort_by(|a, b| natural_order(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
        list(args, inventory, &networks, spool)?;
        Ok(Status::Done)
    })
}

fn list(args: &Args, inventory: &Inventory, networks: &[&Record<Network>], spool: &mut Spool) -> Result<(), Failure> {
    let mut members: HashMap<_, u64> = HashMap::new();
    for network in inventory.endpoints.iter().filter_map(|endpoint| endpoint.key().network()) {
        *members.entry(network).or_default() += 1;
    }
    let endpoints = |network: &Network| members.get(network.id.as_str()).copied().unwrap_or_default();
    match args.format {
        _ if args.quiet => {
            for network in networks {
                writeln!(spool.out(), "{}", id(&network.id, args.no_trunc))?;
            }
        }
        Listing::Json => {
            for network in networks {
                json::write_line(spool.out(), &object(network, endpoints(network)))?;
            }
        }
        Listing::Table => {
            let mut table = Table::new(&["NETWORK ID", "NAME", "DRIVER", "SCOPE", "SUBNETS", "ENDPOINTS"]);
            for network in networks {
                table.row([
                    id(&network.id, args.no_trunc),
                    text(&network.name),
                    text(&network.driver),
                    text(&network.scope),
                    subnets(network).join(", "),
                    endpoints(network).to_string(),
                ]);
            }
            table.write(spool.out())?;
        }
    }
    Ok(())
}

fn subnets(network: &Network) -> Vec<String> {
    network.subnets().map(|subnet| subnet.to_string()).collect()
}

/// Docker's keys in docker's order, whose values are all strings, and ours.
fn object(network: &Network, endpoints: u64) -> Value {
    let labels: Vec<String> = network.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut object = Map::new();
    object.insert("CreatedAt".into(), time::printed(network.created.as_deref()).into());
    object.insert("Driver".into(), json!(network.driver));
    object.insert("ID".into(), json!(network.id));
    if let Some(enabled) = network.enable_ipv4 {
        object.insert("IPv4".into(), enabled.to_string().into());
    }
    object.insert("IPv6".into(), network.enable_ipv6.to_string().into());
    object.insert("Internal".into(), network.internal.to_string().into());
    object.insert("Labels".into(), labels.join(",").into());
    object.insert("Name".into(), json!(network.name));
    object.insert("Scope".into(), json!(network.scope));
    object.insert("Subnets".into(), subnets(network).into());
    object.insert("Endpoints".into(), endpoints.into());
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_nobody_knows_or_that_are_no_patterns_are_refused() {
        for argument in ["name", "nam=e", "type=custom", "name=(", "id=[", "=x", ""] {
            assert!(argument.parse::<Filter>().is_err(), "{argument}");
        }
        assert!(matches!("label=a=b=c".parse(), Ok(Filter::Label(name, Some(value))) if name == "a" && value == "b=c"));
    }
}
