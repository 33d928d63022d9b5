//! What the rules look at, and where they put what they find.

use std::collections::{HashMap, HashSet};

use super::rule::Severity;
use crate::net::containers::Containers;
use crate::net::draft::Operation;
use crate::net::endpoint::Endpoint;
use crate::net::inventory::Inventory;
use crate::net::key::{Key, VlanKind};
use crate::net::network::Network;
use crate::net::record::{BadRecord, Record};
use crate::net::version::Version;

/// An inventory with what it takes to look around in it.
pub struct Case<'i> {
    pub inventory: &'i Inventory,
    pub containers: Option<&'i Containers>,
    /// The version that is to run on the file.
    pub target: Version,
    keys: HashSet<Key>,
    /// Ids of networks: those in keys, and those in the records.
    networks: HashSet<&'i str>,
    /// Which network an endpoint is in.
    endpoints: HashMap<&'i str, &'i str>,
}

impl<'i> Case<'i> {
    pub fn new(inventory: &'i Inventory, containers: Option<&'i Containers>, target: Version) -> Case<'i> {
        let keys: HashSet<Key> = keys(inventory).cloned().collect();
        let bad = || inventory.bad.iter().filter_map(|record| record.parsed_key.as_ref());
        let by_key = inventory.networks.iter().map(Record::key).chain(bad()).filter(|key| matches!(key, Key::Network(_)));
        let networks = by_key.filter_map(Key::network).chain(inventory.networks.iter().map(|network| network.id.as_str()));
        let endpoints = inventory.endpoints.iter().map(Record::key).chain(bad()).filter_map(|key| match key {
            Key::Endpoint { network, endpoint } => Some((endpoint.as_str(), network.as_str())),
            _ => None,
        });
        let by_id = inventory.endpoints.iter().filter_map(|endpoint| Some((endpoint.id.as_str(), endpoint.key().network()?)));
        Case { inventory, containers, target, networks: networks.collect(), endpoints: by_id.chain(endpoints).collect(), keys }
    }

    /// Whether there is a record under a key, readable or not.
    pub fn has(&self, key: &Key) -> bool {
        self.keys.contains(key)
    }

    /// Whether there is a network, under the id in its key or in its record.
    pub fn has_network(&self, id: &str) -> bool {
        self.networks.contains(id)
    }

    /// Whether one of the ids of a network has a record of some family.
    pub fn has_for(&self, network: &Record<Network>, key: impl Fn(String) -> Key) -> bool {
        self.has(&key(network.id.clone())) || self.has(&key(key_id(network).into()))
    }

    /// The network that an endpoint is in.
    pub fn network_of(&self, endpoint: &str) -> Option<&'i str> {
        self.endpoints.get(endpoint).copied()
    }

    /// Whether an endpoint's driver is one that keeps something of it, and where.
    pub fn driver_endpoint(&self, endpoint: &Record<Endpoint>) -> Option<Key> {
        let id = endpoint.key().endpoint()?.to_owned();
        let network = self.inventory.network(endpoint.key().network()?)?;
        match network.driver.as_str() {
            "bridge" => Some(Key::BridgeEndpoint(id)),
            "macvlan" => Some(Key::VlanEndpoint(VlanKind::Macvlan, id)),
            "ipvlan" => Some(Key::VlanEndpoint(VlanKind::Ipvlan, id)),
            _ => None,
        }
    }
}

/// The id of a network in its key.
pub fn key_id(network: &Record<Network>) -> &str {
    network.key().network().unwrap_or_default()
}

fn keys(inventory: &Inventory) -> impl Iterator<Item = &Key> {
    fn of<T>(records: &[Record<T>]) -> impl Iterator<Item = &Key> {
        records.iter().map(Record::key)
    }
    let bad = inventory.bad.iter().filter_map(|record: &BadRecord| record.parsed_key.as_ref());
    let core = of(&inventory.networks).chain(of(&inventory.endpoints)).chain(of(&inventory.counts));
    let drivers = of(&inventory.bridges).chain(of(&inventory.bridge_endpoints)).chain(of(&inventory.vlans));
    let more = of(&inventory.vlan_endpoints).chain(of(&inventory.overlay_endpoints)).chain(of(&inventory.overlay_networks));
    let windows = of(&inventory.windows_networks).chain(of(&inventory.windows_endpoints));
    let ipam = of(&inventory.ipam_configs).chain(of(&inventory.ipam_data));
    core.chain(of(&inventory.sandboxes)).chain(drivers).chain(more).chain(windows).chain(ipam).chain(bad)
}

/// What a rule has found.
#[derive(Debug, Default)]
pub struct Findings {
    pub list: Vec<Found>,
}

/// One thing that a rule has found.
#[derive(Debug)]
pub struct Found {
    pub key: Vec<u8>,
    pub field: String,
    pub message: String,
    pub mends: Vec<Operation>,
    /// The most that it can be, where the record is of less importance than others.
    pub most: Severity,
}

impl Findings {
    /// Notes something about a record, and how it is mended; without steps it takes somebody's choice.
    pub fn note(&mut self, key: &Key, message: impl Into<String>, mends: Vec<Operation>) {
        self.note_field(key, "", message, mends);
    }

    /// The same about a field of a record.
    pub fn note_field(&mut self, key: &Key, field: &str, message: impl Into<String>, mends: Vec<Operation>) {
        self.list.push(Found {
            key: key.to_string().into_bytes(),
            field: field.into(),
            message: message.into(),
            mends,
            most: Severity::Fatal,
        });
    }
}
