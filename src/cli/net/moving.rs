//! Owns what `net migrate` and `net import` can change about networks on their way into another file.

use std::path::{Path, PathBuf};

use super::claims;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::net::transfer::Migration;
use crate::net::{Cidr, Containers, Version};

/// Which networks come, and what is otherwise about them.
#[derive(Debug, Default, clap::Args)]
pub struct MovingArgs {
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
    /// Give the network whose bridge on the host is A the bridge B
    #[arg(long, value_name = "A=B", value_parser = pair)]
    pub bridge_name: Vec<(String, String)>,
    /// The version of Docker that is to read the file: what it needs is changed, what it cannot live with is a conflict
    #[arg(long, value_name = "VERSION")]
    pub target: Option<Version>,
    /// Docker's root whose containers will start with the file
    #[arg(long, value_name = "DIR")]
    pub docker_root: Option<PathBuf>,
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

impl MovingArgs {
    /// Whether not all networks come, or any of them otherwise than it is.
    pub fn change_anything(&self) -> bool {
        let changes = [&self.rename, &self.parent, &self.bridge_name];
        let chosen = !self.network.is_empty() || self.new_id || !self.subnet.is_empty() || self.target.is_some();
        chosen || changes.iter().any(|pairs| !pairs.is_empty())
    }

    /// The migration, with the containers that will start with the file where addresses may be others: those of the root
    /// that was named, or else of the first of these places that lies in one.
    pub fn migration(&self, places: &[&Path], context: &mut Context<'_>) -> Result<Migration, Failure> {
        let may_clash = !self.subnet.is_empty() || self.target.is_some();
        let found = || places.iter().find_map(|place| claims::root_of(place));
        let root = may_clash.then(|| self.docker_root.clone().or_else(found)).flatten();
        let containers = root.map(|root| claims::read(&root, context)).transpose()?;
        Ok(Migration {
            networks: self.network.clone(),
            rename: self.rename.clone(),
            subnets: self.subnet.clone(),
            parents: self.parent.clone(),
            bridges: self.bridge_name.clone(),
            new_ids: self.new_id,
            target: self.target,
            containers: containers.unwrap_or_else(Containers::default),
        })
    }
}
