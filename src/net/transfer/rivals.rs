//! Who has already what a network that comes wants to have.

use std::collections::BTreeSet;

use super::blueprint::Driver;
use super::conflict::{Conflict, ConflictKind, Rival};
use super::migration::Coming;
use crate::net::address::Cidr;
use crate::net::inventory::Inventory;
use crate::net::key::{Key, VlanKind};
use crate::net::network::{Network, Pool};

/// What a network, or what is left of one, has for itself.
struct Holding {
    rival: Rival,
    id: String,
    name: Option<String>,
    bridge: Option<String>,
    parent: Option<(VlanKind, String)>,
    /// Subnets, and the address spaces that they are in.
    subnets: Vec<(String, Cidr)>,
}

/// Finds everything that stands in the way of networks, in a file and among themselves.
pub(super) fn of(coming: &[Coming], there: &Inventory, conflicts: &mut Vec<Conflict>) {
    let mut holdings = of_file(there);
    for one in coming {
        let network = &one.blueprint.network;
        let own = of_coming(one);
        let mut add = |kind| conflicts.push(Conflict { network: network.name.clone(), kind });
        holdings.iter().for_each(|other| own.compare(other, &mut add));
        own.compare_own_subnets(&mut add);
        holdings.push(own);
        if let Some(config) = &network.config_from {
            let is_it = |other: &Network| other.config_only && other.name == *config;
            let comes = coming.iter().any(|other| is_it(&other.blueprint.network));
            if !comes && !there.networks.iter().any(|other| is_it(other)) {
                add(ConflictKind::NoConfig { config: config.clone() });
            }
        }
    }
}

/// The default address space, in which the bridge driver's records are whose network is gone.
const LOCAL: &str = "LocalDefault";

fn spaced(pools: impl Iterator<Item = impl std::borrow::Borrow<Pool>>) -> Vec<(String, Cidr)> {
    pools.filter_map(|pool| Some((pool.borrow().address_space.clone(), pool.borrow().subnet?))).collect()
}

fn of_coming(one: &Coming) -> Holding {
    let network = &one.blueprint.network;
    let rival = Rival { name: network.name.clone(), id: network.id.clone(), is_there: false };
    let (bridge, parent) = match &one.blueprint.driver {
        Driver::Bridge(bridge) => (Some(bridge.bridge_name.clone()), None),
        Driver::Vlan(kind, vlan) => (None, Some((*kind, vlan.parent.clone()))),
        Driver::Nothing | Driver::Windows(_) => (None, None),
    };
    let subnets = spaced(network.pools());
    Holding { rival, id: network.id.clone(), name: Some(network.name.clone()), bridge, parent, subnets }
}

/// What each network of a file has, and each record that is left of one.
fn of_file(there: &Inventory) -> Vec<Holding> {
    let networks = there.networks.iter().map(|network| {
        let id = network.key().network().unwrap_or(&network.id).to_owned();
        let rival = Rival { name: network.name.clone(), id: id.clone(), is_there: true };
        let bridge = there.bridge_of(&id).map(|bridge| bridge.bridge_name.clone());
        let parent = there.vlan_of(&id).and_then(|vlan| Some((kind(vlan.key())?, vlan.parent.clone())));
        Holding { rival, id, name: Some(network.name.clone()), bridge, parent, subnets: spaced(network.pools()) }
    });
    let mut holdings: Vec<Holding> = networks.collect();
    let bridges = there.bridges.iter().map(|bridge| {
        let addresses = [bridge.address, bridge.address_v6].into_iter().flatten();
        let subnets = addresses.map(|address| (LOCAL.to_owned(), address.subnet())).collect();
        Holding { bridge: Some(bridge.bridge_name.clone()), subnets, ..left(bridge.key()) }
    });
    let vlans = there.vlans.iter().filter_map(|vlan| {
        let parent = Some((kind(vlan.key())?, vlan.parent.clone()));
        Some(Holding { parent, ..left(vlan.key()) })
    });
    let counts = there.counts.iter().map(|count| left(count.key()));
    let windows = there.windows_networks.iter().map(|windows| left(windows.key()));
    let endpoints = there.endpoints.iter().map(|endpoint| left(endpoint.key()));
    let bad = there.bad.iter().filter_map(|bad| bad.parsed_key.as_ref()).map(left);
    let all: Vec<Holding> = bridges.chain(vlans).chain(counts).chain(windows).chain(endpoints).chain(bad).collect();
    let known: BTreeSet<String> = holdings.iter().map(|network| network.id.clone()).collect();
    holdings.extend(all.into_iter().filter(|left| !left.id.is_empty() && !known.contains(&left.id)));
    holdings
}

fn kind(key: &Key) -> Option<VlanKind> {
    match key {
        Key::Vlan(kind, _) => Some(*kind),
        _ => None,
    }
}

/// A record without a network.
fn left(key: &Key) -> Holding {
    let rival = Rival { name: key.to_string(), id: String::new(), is_there: true };
    let id = key.network().unwrap_or_default().to_owned();
    Holding { rival, id, name: None, bridge: None, parent: None, subnets: Vec::new() }
}

impl Holding {
    /// Says what both want to have.
    fn compare(&self, other: &Holding, add: &mut impl FnMut(ConflictKind)) {
        let rival = || other.rival.clone();
        if self.id == other.id {
            // That it has all else of itself is no news then.
            return add(ConflictKind::Id { id: self.id.clone(), rival: rival() });
        }
        if self.name.is_some() && self.name == other.name {
            add(ConflictKind::Name { rival: rival() });
        }
        if let Some(bridge) = self.bridge.as_ref().filter(|bridge| other.bridge.as_ref() == Some(bridge)) {
            add(ConflictKind::BridgeName { bridge: bridge.clone(), rival: rival() });
        }
        if let Some((_, parent)) = self.parent.as_ref().filter(|parent| other.parent.as_ref() == Some(parent)) {
            add(ConflictKind::Parent { parent: parent.clone(), rival: rival() });
        }
        for (space, subnet) in &self.subnets {
            for (_, other) in other.subnets.iter().filter(|(theirs, other)| theirs == space && other.overlaps(*subnet)) {
                add(ConflictKind::Subnet { subnet: *subnet, other: *other, rival: rival() });
            }
        }
    }

    /// Two subnets of one network may come to lie over each other.
    fn compare_own_subnets(&self, add: &mut impl FnMut(ConflictKind)) {
        for (i, (space, subnet)) in self.subnets.iter().enumerate() {
            for (_, other) in
                self.subnets.iter().skip(i + 1).filter(|(theirs, other)| theirs == space && other.overlaps(*subnet))
            {
                add(ConflictKind::Subnet { subnet: *subnet, other: *other, rival: self.rival.clone() });
            }
        }
    }
}
