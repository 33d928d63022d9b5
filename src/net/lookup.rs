//! Who belongs to whom, looked up in a table: for whatever goes through all records.

use std::collections::HashMap;

use super::bridge::{Bridge, BridgeEndpoint};
use super::endpoint::{Count, Endpoint};
use super::inventory::Inventory;
use super::key::Key;
use super::network::Network;
use super::record::Record;
use super::sandbox::Sandbox;
use super::vlan::{Vlan, VlanEndpoint};

/// The records of an inventory by the ids in their keys; networks by their own.
#[derive(Debug)]
pub(super) struct Lookup<'i> {
    networks: HashMap<&'i str, &'i Record<Network>>,
    members: HashMap<&'i str, Vec<&'i Record<Endpoint>>>,
    endpoints: ById<'i, Endpoint>,
    sandboxes: ById<'i, Sandbox>,
    counts: ById<'i, Count>,
    bridges: ById<'i, Bridge>,
    bridge_endpoints: ById<'i, BridgeEndpoint>,
    vlans: ById<'i, Vlan>,
    vlan_endpoints: ById<'i, VlanEndpoint>,
}

type ById<'i, T> = HashMap<&'i str, &'i Record<T>>;

fn by_id<'i, T>(records: &'i [Record<T>], id: impl Fn(&'i Key) -> Option<&'i str>) -> ById<'i, T> {
    records.iter().filter_map(|record| Some((id(record.key())?, record))).collect()
}

/// Those of 1.11 are no networks any more.
fn of_vlan(key: &Key) -> Option<&str> {
    match key {
        Key::Vlan(_, id) => Some(id),
        _ => None,
    }
}

impl<'i> Lookup<'i> {
    pub(super) fn of(inventory: &'i Inventory) -> Lookup<'i> {
        let mut members: HashMap<_, Vec<_>> = HashMap::new();
        for endpoint in &inventory.endpoints {
            if let Some(network) = endpoint.key().network() {
                members.entry(network).or_default().push(endpoint);
            }
        }
        Lookup {
            networks: inventory.networks.iter().map(|network| (network.id.as_str(), network)).collect(),
            members,
            endpoints: by_id(&inventory.endpoints, Key::endpoint),
            sandboxes: by_id(&inventory.sandboxes, Key::sandbox),
            counts: by_id(&inventory.counts, Key::network),
            bridges: by_id(&inventory.bridges, Key::network),
            bridge_endpoints: by_id(&inventory.bridge_endpoints, Key::endpoint),
            vlans: by_id(&inventory.vlans, of_vlan),
            vlan_endpoints: by_id(&inventory.vlan_endpoints, Key::endpoint),
        }
    }

    pub(super) fn network(&self, id: &str) -> Option<&'i Record<Network>> {
        self.networks.get(id).copied()
    }

    pub(super) fn endpoint(&self, id: &str) -> Option<&'i Record<Endpoint>> {
        self.endpoints.get(id).copied()
    }

    /// The endpoints of a network.
    pub(super) fn members(&self, network: &str) -> &[&'i Record<Endpoint>] {
        self.members.get(network).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn sandbox(&self, id: &str) -> Option<&'i Record<Sandbox>> {
        self.sandboxes.get(id).copied()
    }

    pub(super) fn container_of(&self, endpoint: &Endpoint) -> Option<&'i str> {
        Some(self.sandbox(&endpoint.sandbox)?.container.as_str()).filter(|id| !id.is_empty())
    }

    pub(super) fn count(&self, network: &str) -> Option<&'i Record<Count>> {
        self.counts.get(network).copied()
    }

    pub(super) fn bridge(&self, network: &str) -> Option<&'i Record<Bridge>> {
        self.bridges.get(network).copied()
    }

    pub(super) fn vlan(&self, network: &str) -> Option<&'i Record<Vlan>> {
        self.vlans.get(network).copied()
    }

    pub(super) fn vlan_endpoint(&self, id: &str) -> Option<&'i Record<VlanEndpoint>> {
        self.vlan_endpoints.get(id).copied()
    }

    pub(super) fn bridge_endpoint(&self, id: &str) -> Option<&'i Record<BridgeEndpoint>> {
        self.bridge_endpoints.get(id).copied()
    }
}
