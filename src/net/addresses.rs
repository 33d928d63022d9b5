//! Who has which address: gateways, auxiliary addresses, endpoints, and what 1.9 to 1.11 noted as taken.

use std::collections::HashMap;
use std::net::IpAddr;

use super::address::Cidr;
use super::inventory::Inventory;
use super::key::Key;
use super::lookup::Lookup;
use super::natural::natural_order;
use super::network::Network;
use super::record::Record;

/// As many ranges of one bitmap as are told of.
const RANGES: usize = 1000;

/// An address in use, or several in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressUse<'i> {
    /// The address.
    pub first: IpAddr,
    /// The last of several; else the same.
    pub last: IpAddr,
    /// The bits of its network's prefix.
    pub prefix: u8,
    /// What it is used for.
    pub kind: AddressKind,
    /// The network's name, where it is known.
    pub network: Option<&'i str>,
    /// The network's id; empty for what a bitmap says, which names none.
    pub network_id: &'i str,
    /// The name of the endpoint or of the auxiliary address.
    pub name: Option<&'i str>,
    /// The endpoint's id.
    pub endpoint: Option<&'i str>,
    /// The container's id.
    pub container: Option<&'i str>,
    /// The endpoint's link address.
    pub mac: Option<&'i str>,
    /// Whether something else in the network has it too.
    pub is_duplicate: bool,
}

/// What an address is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressKind {
    /// The network's gateway.
    Gateway,
    /// Kept free for something that is no container.
    Auxiliary,
    /// A container's.
    Endpoint,
    /// Noted as taken by the address management of Docker 1.9 to 1.11.
    Taken,
}

impl AddressKind {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            AddressKind::Gateway => "gateway",
            AddressKind::Auxiliary => "auxiliary",
            AddressKind::Endpoint => "endpoint",
            AddressKind::Taken => "taken",
        }
    }
}

impl Inventory {
    /// Every address in use, by network and in order.
    pub fn addresses(&self) -> Vec<AddressUse<'_>> {
        let lookup = Lookup::of(self);
        let mut all: Vec<_> = self.networks.iter().flat_map(of_network).collect();
        for endpoint in &self.endpoints {
            let network_id = endpoint.key().network().unwrap_or_default();
            all.extend(endpoint.addresses().map(|address| AddressUse {
                network: lookup.network(network_id).map(|network| network.name.as_str()),
                network_id,
                name: Some(&endpoint.name),
                endpoint: endpoint.key().endpoint(),
                container: lookup.container_of(endpoint),
                mac: endpoint.mac(),
                ..plain(address, AddressKind::Endpoint)
            }));
        }
        mark_duplicates(&mut all);
        all.extend(self.taken());
        all.sort_by(|a, b| {
            let names = natural_order(a.network.unwrap_or_default(), b.network.unwrap_or_default());
            names.then(a.network_id.cmp(b.network_id)).then(a.first.cmp(&b.first)).then(a.kind.cmp(&b.kind))
        });
        all
    }

    /// What the bitmaps of 1.9 to 1.11 say.
    fn taken(&self) -> impl Iterator<Item = AddressUse<'_>> {
        self.ipam_data.iter().flat_map(|data| {
            let pool = match data.key() {
                Key::IpamData { pool, .. } => pool.parse::<Cidr>().ok(),
                _ => None,
            };
            let ranges = data.bitmap.iter().flat_map(|bitmap| bitmap.ranges().take(RANGES));
            ranges.filter_map(move |(first, last)| {
                let pool = pool?;
                Some(AddressUse { first: pool.nth(first)?, last: pool.nth(last)?, ..plain(pool, AddressKind::Taken) })
            })
        })
    }
}

fn of_network(network: &Record<Network>) -> impl Iterator<Item = AddressUse<'_>> {
    let named = |kind, address, name| AddressUse {
        network: Some(&network.name),
        network_id: &network.id,
        name,
        ..plain(address, kind)
    };
    network.pools().flat_map(move |pool| {
        let gateway = pool.gateway.map(|address| named(AddressKind::Gateway, address, None));
        let others = pool.auxiliary.iter().map(move |(name, address)| named(AddressKind::Auxiliary, *address, Some(name)));
        gateway.into_iter().chain(others)
    })
}

fn plain<'i>(address: Cidr, kind: AddressKind) -> AddressUse<'i> {
    AddressUse {
        first: address.address(),
        last: address.address(),
        prefix: address.prefix(),
        kind,
        network: None,
        network_id: "",
        name: None,
        endpoint: None,
        container: None,
        mac: None,
        is_duplicate: false,
    }
}

fn mark_duplicates(all: &mut [AddressUse<'_>]) {
    let mut counts: HashMap<_, u32> = HashMap::new();
    for address in all.iter() {
        let count = counts.entry((address.network_id, address.first)).or_default();
        *count = count.saturating_add(1);
    }
    for address in all.iter_mut() {
        address.is_duplicate = counts.get(&(address.network_id, address.first)).is_some_and(|count| *count > 1);
    }
}
