//! A network and all that it takes for dockerd to have it again: its own record, its count, and its driver's record.
//!
//! Endpoints and sandboxes are not among them: they are made anew with each start of a container.

use super::conflict::{ConflictKind, NotWhole};
use crate::net::address::Cidr;
use crate::net::bridge::Bridge;
use crate::net::endpoint::Count;
use crate::net::inventory::Inventory;
use crate::net::json::{Document, Step};
use crate::net::key::{Key, VlanKind};
use crate::net::network::Network;
use crate::net::record::{ChangeError, Record};
use crate::net::renumber::{Addressed, RenumberError};
use crate::net::vlan::Vlan;
use crate::net::windows::WindowsNetwork;

/// How much of a network's id is in the names of its interfaces.
const SHORT: usize = 12;

/// A network and what makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blueprint {
    /// The network.
    pub network: Record<Network>,
    /// How many endpoints it has: none, or as many networks as take their configuration from it.
    pub count: Record<Count>,
    /// What its driver keeps of it.
    pub driver: Driver,
}

/// What a driver keeps of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Driver {
    /// Nothing: `host`, `null`, plugins, configurations.
    Nothing,
    /// The bridge driver's record.
    Bridge(Record<Bridge>),
    /// The macvlan or ipvlan driver's record.
    Vlan(VlanKind, Record<Vlan>),
    /// The record of a driver of Windows.
    Windows(Record<WindowsNetwork>),
}

impl Blueprint {
    /// What makes a network of a file.
    pub fn of(inventory: &Inventory, network: &Record<Network>) -> Result<Blueprint, NotWhole> {
        if network.key().network() != Some(network.id.as_str()) {
            return Err(NotWhole::OtherId { key: network.key().clone(), id: network.id.clone() });
        }
        if network.in_delete {
            return Err(NotWhole::InDelete);
        }
        let driver = driver_of(inventory, network)?;
        let count = count(&network.id, 0)?;
        Ok(Blueprint { network: network.clone(), count, driver })
    }

    /// The records, as they are to be written.
    pub fn records(&self) -> Vec<(&Key, &[u8])> {
        let driver = match &self.driver {
            Driver::Nothing => None,
            Driver::Bridge(bridge) => Some((bridge.key(), bridge.bytes())),
            Driver::Vlan(_, vlan) => Some((vlan.key(), vlan.bytes())),
            Driver::Windows(network) => Some((network.key(), network.bytes())),
        };
        let own = [(self.network.key(), self.network.bytes()), (self.count.key(), self.count.bytes())];
        own.into_iter().chain(driver).collect()
    }

    /// Whether two are the same but for their counts and the indexes of their writes.
    pub fn is_like(&self, other: &Blueprint) -> bool {
        let told = |blueprint: &Blueprint| {
            let of_count = |key: &Key| matches!(key, Key::EndpointCount(_));
            let records = blueprint.records().into_iter().filter(|(key, _)| !of_count(key));
            records.map(|(key, value)| (key.clone(), value.to_vec())).collect::<Vec<_>>()
        };
        told(self) == told(other)
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: &str) -> Result<(), ConflictKind> {
        self.network.set(&[Step::Member("name")], name).map_err(unchanged)
    }

    /// Says how many networks take their configuration from it.
    pub fn set_count(&mut self, number: u64) -> Result<(), ConflictKind> {
        self.count.set(&[Step::Member("Count")], number).map_err(unchanged)
    }

    /// Gives it another id, and the interfaces that are named by its id the names that docker would give them.
    pub fn reid(&mut self, id: &str) -> Result<(), ConflictKind> {
        let old = self.network.id.clone();
        self.count = count(id, self.count.count).map_err(ConflictKind::NotWhole)?;
        let mut network = self.network.clone().with_key(Key::Network(id.into()));
        network.set(&[Step::Member("id")], id).map_err(unchanged)?;
        self.network = network;
        match &mut self.driver {
            Driver::Nothing => {}
            Driver::Bridge(bridge) => {
                let mut changed = bridge.clone().with_key(Key::Bridge(id.into()));
                changed.set(&[Step::Member("ID")], id).map_err(unchanged)?;
                if let Some(name) = by_id(&["br-"], &changed.bridge_name, &old, id) {
                    changed.set(&[Step::Member("BridgeName")], name).map_err(unchanged)?;
                }
                *bridge = changed;
            }
            Driver::Vlan(kind, vlan) => {
                let mut changed = vlan.clone().with_key(Key::Vlan(*kind, id.into()));
                changed.set(&[Step::Member("ID")], id).map_err(unchanged)?;
                if let Some(name) = by_id(&["dm-", "di-"], &changed.parent, &old, id) {
                    changed.set(&[Step::Member("Parent")], name).map_err(unchanged)?;
                }
                *vlan = changed;
            }
            Driver::Windows(windows) => {
                let Key::Windows { kind, .. } = windows.key().clone() else { return Ok(()) };
                let mut changed = windows.clone().with_key(Key::Windows { kind, network: id.into() });
                changed.set(&[Step::Member("ID")], id).map_err(unchanged)?;
                *windows = changed;
            }
        }
        Ok(())
    }

    /// Moves the addresses of one subnet into another one of the same family: pool, range, gateway, the addresses that
    /// are kept free, and the bridge's own. Says whether it has that subnet. Where something has no place there, nothing
    /// is changed.
    pub fn renumber(&mut self, from: Cidr, to: Cidr) -> Result<bool, Vec<ConflictKind>> {
        let mut changed = self.clone();
        let (bridge, vlan) = match &mut changed.driver {
            Driver::Bridge(bridge) => (Some(bridge), None),
            Driver::Vlan(_, vlan) => (None, Some(vlan)),
            Driver::Nothing | Driver::Windows(_) => (None, None),
        };
        let done = Addressed { network: &mut changed.network, bridge, vlan }.renumber(from, to);
        let has_it = done.map_err(|error| match error {
            RenumberError::NoPlace(missing) => missing.into_iter().map(ConflictKind::NoPlace).collect(),
            RenumberError::Change(error) => vec![unchanged(error)],
        })?;
        *self = changed;
        Ok(has_it)
    }

    /// Puts it on another interface of the host: `eth0` in place of `eth1`, and `eth0.7` in place of `eth1.7`. Says
    /// whether it stood there.
    pub fn reparent(&mut self, from: &str, to: &str) -> Result<bool, ConflictKind> {
        let Driver::Vlan(_, vlan) = &mut self.driver else { return Ok(false) };
        let Some(parent) = moved(&vlan.parent, from, to) else { return Ok(false) };
        vlan.set(&[Step::Member("Parent")], parent).map_err(unchanged)?;
        if let Some(parent) = self.network.option("parent").and_then(|parent| moved(parent, from, to)) {
            let option = ["generic", "com.docker.network.generic", "parent"].map(Step::Member);
            self.network.set(&option, parent).map_err(unchanged)?;
        }
        Ok(true)
    }

    /// Gives it another bridge on the host. Says whether it had the one that is to be replaced.
    pub fn rebridge(&mut self, from: &str, to: &str) -> Result<bool, ConflictKind> {
        let Driver::Bridge(bridge) = &mut self.driver else { return Ok(false) };
        if bridge.bridge_name != from {
            return Ok(false);
        }
        bridge.set(&[Step::Member("BridgeName")], to).map_err(unchanged)?;
        // Where it was asked for by name, docker shows that name.
        let option = "com.docker.network.bridge.name";
        if self.network.option(option).is_some() {
            let option = ["generic", "com.docker.network.generic", option].map(Step::Member);
            self.network.set(&option, to).map_err(unchanged)?;
        }
        Ok(true)
    }
}

/// A field that could not be set, for a reason in the records themselves.
pub(super) fn unchanged(error: ChangeError) -> ConflictKind {
    ConflictKind::NotWhole(NotWhole::Field(error.to_string()))
}

fn count(id: &str, number: u64) -> Result<Record<Count>, NotWhole> {
    let text = format!("{{\"Count\":{number}}}");
    let document = Document::parse(text.as_bytes()).map_err(|e| NotWhole::Field(e.to_string()))?;
    Record::of(Key::EndpointCount(id.into()), 0, document).map_err(|e| NotWhole::Field(e.to_string()))
}

fn driver_of(inventory: &Inventory, network: &Record<Network>) -> Result<Driver, NotWhole> {
    let missing = |key: Key| NotWhole::NoRecord { key };
    let id = network.id.as_str();
    let vlan = |kind: VlanKind| {
        let key = Key::Vlan(kind, id.into());
        let found = inventory.vlans.iter().find(|vlan| *vlan.key() == key).cloned();
        found.map(|vlan| Driver::Vlan(kind, vlan)).ok_or_else(|| missing(key))
    };
    match network.driver.as_str() {
        _ if network.config_only => Ok(Driver::Nothing),
        "bridge" => {
            let bridge = inventory.bridge_of(id).cloned();
            bridge.map(Driver::Bridge).ok_or_else(|| missing(Key::Bridge(id.into())))
        }
        "macvlan" => vlan(VlanKind::Macvlan),
        "ipvlan" => vlan(VlanKind::Ipvlan),
        _ => {
            let of_it = |windows: &&Record<WindowsNetwork>| windows.key().network() == Some(id);
            let windows = inventory.windows_networks.iter().find(of_it).cloned();
            Ok(windows.map_or(Driver::Nothing, Driver::Windows))
        }
    }
}

/// The new name of an interface that was named by the network's id.
fn by_id(prefixes: &[&str], name: &str, old: &str, new: &str) -> Option<String> {
    let short = |id: &str| id.chars().take(SHORT).collect::<String>();
    let prefix = prefixes.iter().find(|prefix| name == format!("{prefix}{}", short(old)))?;
    Some(format!("{prefix}{}", short(new)))
}

/// The new name of a parent, or of a VLAN of it.
fn moved(parent: &str, from: &str, to: &str) -> Option<String> {
    let rest = parent.strip_prefix(from)?;
    (rest.is_empty() || rest.starts_with('.')).then(|| format!("{to}{rest}"))
}
