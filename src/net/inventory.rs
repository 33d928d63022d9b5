//! Everything that a file holds of Docker's networks, by family, and how to find one's way in it.

use super::bridge::{Bridge, BridgeEndpoint};
use super::endpoint::{Count, Endpoint};
use super::fields::Fields;
use super::ipam::{IpamConfig, IpamData};
use super::key::Key;
use super::network::Network;
use super::overlay::{OverlayEndpoint, OverlayNetwork};
use super::problem::{Problem, ProblemKind};
use super::record::{BadRecord, Record};
use super::sandbox::Sandbox;
use super::vlan::{Vlan, VlanEndpoint};
use super::windows::{WindowsEndpoint, WindowsNetwork};
use crate::store::{KvPair, StoreError};

/// The records of one state of a file, each family in the order of keys.
///
/// ```
/// use unbolt::net::Inventory;
/// use unbolt::store::{DOCKER_BUCKET, records};
/// # let path = "testdata/docker/networks-running-20.10.24.db";
/// // Without the lock, so with dockerd at work too.
/// let (inventory, _) = unbolt::Snapshot::read(path, 50, |snapshot| {
///     let bucket = snapshot.root()?.descend(&[DOCKER_BUCKET])?;
///     Inventory::read(records(&bucket, b""))
/// })?;
/// let network = inventory.find_network("labelled")?;
/// for endpoint in inventory.endpoints_of(&network.id) {
///     println!("{} has {:?} in {}", endpoint.name, endpoint.addresses().next(), network.name);
/// }
/// for problem in inventory.problems() {
///     eprintln!("{problem}");
/// }
/// # assert_eq!(inventory.endpoints_of(&network.id).count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Inventory {
    /// Networks.
    pub networks: Vec<Record<Network>>,
    /// Endpoints.
    pub endpoints: Vec<Record<Endpoint>>,
    /// How many endpoints each network has.
    pub counts: Vec<Record<Count>>,
    /// Sandboxes.
    pub sandboxes: Vec<Record<Sandbox>>,
    /// The bridge driver's networks.
    pub bridges: Vec<Record<Bridge>>,
    /// The bridge driver's endpoints.
    pub bridge_endpoints: Vec<Record<BridgeEndpoint>>,
    /// The macvlan and ipvlan drivers' networks, those of 1.11 too: the key tells them apart.
    pub vlans: Vec<Record<Vlan>>,
    /// The macvlan and ipvlan drivers' endpoints.
    pub vlan_endpoints: Vec<Record<VlanEndpoint>>,
    /// The overlay driver's endpoints.
    pub overlay_endpoints: Vec<Record<OverlayEndpoint>>,
    /// The overlay driver's networks.
    pub overlay_networks: Vec<Record<OverlayNetwork>>,
    /// The networks of Windows' drivers.
    pub windows_networks: Vec<Record<WindowsNetwork>>,
    /// The endpoints of Windows' drivers.
    pub windows_endpoints: Vec<Record<WindowsEndpoint>>,
    /// The address pools of 1.9 to 1.11.
    pub ipam_configs: Vec<Record<IpamConfig>>,
    /// The bitmaps of 1.9 to 1.11.
    pub ipam_data: Vec<Record<IpamData>>,
    /// Records without a value behind their index, which dockerd passes over.
    pub empty: Vec<KvPair>,
    /// Records under keys that libnetwork does not make, which dockerd leaves alone.
    pub unknown: Vec<KvPair>,
    /// Records that nothing can be told of.
    pub bad: Vec<BadRecord>,
}

/// Why a network was not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// There is none of this id or name.
    #[error("network {wanted} not found")]
    NotFound {
        /// What was asked for.
        wanted: String,
    },
    /// There are several.
    #[error("network {wanted} is ambiguous ({} matches found on {by})", ids.len())]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// What they have in common: `name` or `ID prefix`.
        by: &'static str,
        /// Their ids.
        ids: Vec<String>,
    },
}

impl Inventory {
    /// Reads all records. A bad one hides no other: it is in [`bad`](Self::bad).
    ///
    /// # Errors
    ///
    /// Those of the database itself; what was read before is lost with it.
    pub fn read(entries: impl IntoIterator<Item = Result<KvPair, StoreError>>) -> Result<Inventory, StoreError> {
        let mut inventory = Inventory::default();
        for entry in entries {
            match entry {
                Ok(pair) => inventory.add(pair),
                Err(error) => {
                    let (key, kind) = ProblemKind::of(error)?;
                    inventory.bad.push(BadRecord::unread(key, kind));
                }
            }
        }
        Ok(inventory)
    }

    /// Sorts one record in.
    pub(super) fn add(&mut self, pair: KvPair) {
        if pair.value.is_empty() {
            return self.empty.push(pair);
        }
        let Ok(key) = pair.key.parse::<Key>() else { return self.unknown.push(pair) };
        let (index, value, bad) = (pair.last_index, &pair.value, &mut self.bad);
        match key {
            Key::Network(_) => sort(&mut self.networks, bad, key, index, value),
            Key::Endpoint { .. } => sort(&mut self.endpoints, bad, key, index, value),
            Key::EndpointCount(_) => sort(&mut self.counts, bad, key, index, value),
            Key::EndpointCounts => self.unknown.push(pair),
            Key::Sandbox(_) => sort(&mut self.sandboxes, bad, key, index, value),
            Key::Bridge(_) => sort(&mut self.bridges, bad, key, index, value),
            Key::BridgeEndpoint(_) => sort(&mut self.bridge_endpoints, bad, key, index, value),
            Key::Vlan(..) | Key::OldVlan(..) => sort(&mut self.vlans, bad, key, index, value),
            Key::VlanEndpoint(..) => sort(&mut self.vlan_endpoints, bad, key, index, value),
            Key::OverlayEndpoint(_) => sort(&mut self.overlay_endpoints, bad, key, index, value),
            Key::OverlayNetwork(_) => sort(&mut self.overlay_networks, bad, key, index, value),
            Key::Windows { .. } => sort(&mut self.windows_networks, bad, key, index, value),
            Key::WindowsEndpoint { .. } => sort(&mut self.windows_endpoints, bad, key, index, value),
            Key::IpamConfig(_) => sort(&mut self.ipam_configs, bad, key, index, value),
            Key::IpamData { .. } => sort(&mut self.ipam_data, bad, key, index, value),
        }
    }

    /// All that is wrong with single records: the bad ones, and the flaws of those that are good enough.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        let bad = self.bad.iter().flat_map(|record| &record.problems);
        let cores =
            flaws(&self.networks).chain(flaws(&self.endpoints)).chain(flaws(&self.counts)).chain(flaws(&self.sandboxes));
        let bridges = flaws(&self.bridges).chain(flaws(&self.bridge_endpoints));
        let vlans = flaws(&self.vlans).chain(flaws(&self.vlan_endpoints));
        let overlays = flaws(&self.overlay_endpoints).chain(flaws(&self.overlay_networks));
        let windows = flaws(&self.windows_networks).chain(flaws(&self.windows_endpoints));
        let ipam = flaws(&self.ipam_configs).chain(flaws(&self.ipam_data));
        bad.chain(cores).chain(bridges).chain(vlans).chain(overlays).chain(windows).chain(ipam)
    }

    /// The network that somebody means: by its id, its name, or the begin of its id, as docker finds it.
    pub fn find_network(&self, wanted: &str) -> Result<&Record<Network>, FindError> {
        let by_id = |network: &&Record<Network>| network.id == wanted;
        let by_name = |network: &&Record<Network>| network.name == wanted;
        let by_prefix = |network: &&Record<Network>| !wanted.is_empty() && network.id.starts_with(wanted);
        if let Some(network) = self.networks.iter().find(by_id) {
            return Ok(network);
        }
        let named: Vec<_> = self.networks.iter().filter(by_name).collect();
        let (found, by) = match named.is_empty() {
            false => (named, "name"),
            true => (self.networks.iter().filter(by_prefix).collect(), "ID prefix"),
        };
        match *found {
            [] => Err(FindError::NotFound { wanted: wanted.into() }),
            [network] => Ok(network),
            _ => {
                let ids = found.iter().map(|network| network.id.clone()).collect();
                Err(FindError::Ambiguous { wanted: wanted.into(), by, ids })
            }
        }
    }

    /// The network with this id.
    pub fn network(&self, id: &str) -> Option<&Record<Network>> {
        self.networks.iter().find(|network| network.id == id)
    }

    /// The endpoints of a network, by the network's id in their keys.
    pub fn endpoints_of(&self, network: &str) -> impl Iterator<Item = &Record<Endpoint>> {
        self.endpoints.iter().filter(move |endpoint| endpoint.key().network() == Some(network))
    }

    /// The endpoint with this id.
    pub fn endpoint(&self, id: &str) -> Option<&Record<Endpoint>> {
        self.endpoints.iter().find(|endpoint| endpoint.key().endpoint() == Some(id))
    }

    /// How many endpoints docker has counted in a network.
    pub fn count_of(&self, network: &str) -> Option<&Record<Count>> {
        self.counts.iter().find(|count| count.key().network() == Some(network))
    }

    /// The sandbox with this id.
    pub fn sandbox(&self, id: &str) -> Option<&Record<Sandbox>> {
        self.sandboxes.iter().find(|sandbox| sandbox.key().sandbox() == Some(id))
    }

    /// The id of the container that an endpoint is of, as its sandbox has it.
    pub fn container_of(&self, endpoint: &Endpoint) -> Option<&str> {
        Some(self.sandbox(&endpoint.sandbox)?.container.as_str())
    }

    /// What the bridge driver keeps of a network.
    pub fn bridge_of(&self, network: &str) -> Option<&Record<Bridge>> {
        self.bridges.iter().find(|bridge| bridge.key().network() == Some(network))
    }

    /// What the macvlan or ipvlan driver keeps of a network.
    pub fn vlan_of(&self, network: &str) -> Option<&Record<Vlan>> {
        let is_it = |vlan: &&Record<Vlan>| matches!(vlan.key(), Key::Vlan(_, id) if id == network);
        self.vlans.iter().find(is_it)
    }

    /// What the bridge driver keeps of an endpoint.
    pub fn bridge_endpoint_of(&self, endpoint: &str) -> Option<&Record<BridgeEndpoint>> {
        self.bridge_endpoints.iter().find(|found| found.key().endpoint() == Some(endpoint))
    }

    /// What the macvlan or ipvlan driver keeps of an endpoint.
    pub fn vlan_endpoint_of(&self, endpoint: &str) -> Option<&Record<VlanEndpoint>> {
        self.vlan_endpoints.iter().find(|found| found.key().endpoint() == Some(endpoint))
    }
}

/// Puts a record where it belongs.
fn sort<T: Fields>(good: &mut Vec<Record<T>>, bad: &mut Vec<BadRecord>, key: Key, index: u64, value: &[u8]) {
    match Record::parse(key, index, value) {
        Ok(record) => good.push(record),
        Err(record) => bad.push(*record),
    }
}

fn flaws<T>(records: &[Record<T>]) -> impl Iterator<Item = &Problem> {
    records.iter().flat_map(|record| record.flaws())
}
