//! Subnets and gateways of a network, in all the records that have them.

use std::net::IpAddr;

use super::Draft;
use super::settings::{Clash, SettingError};
use crate::net::address::Cidr;
use crate::net::bridge::Bridge;
use crate::net::inventory::Inventory;
use crate::net::network::Network;
use crate::net::record::Record;
use crate::net::renumber::{self, Addressed, RenumberError};
use crate::net::vlan::Vlan;

/// A subnet in place of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resubnet {
    /// The one that the network has; `None` where it has one of that family alone.
    pub old: Option<Cidr>,
    /// The one that it is to have.
    pub new: Cidr,
}

/// The records that a network's addresses are in.
struct Records {
    network: Record<Network>,
    bridge: Option<Record<Bridge>>,
    vlan: Option<Record<Vlan>>,
}

impl Draft {
    /// Puts a network into another subnet: gateway, range and reserved addresses move with it.
    ///
    /// # Errors
    ///
    /// Where the network has endpoints, another one has addresses of the new subnet, something has no counterpart in it,
    /// or a container was given an address by hand that is not in it.
    pub fn set_subnet(&mut self, network: &str, change: Resubnet, fixed: &[Clash]) -> Result<(), SettingError> {
        let (inventory, new) = (self.inventory(), change.new.subnet());
        let mut records = Records::of(&inventory, network)?;
        let old = replaced(&records.network, change)?;
        let endpoints = self.keys_below(&format!("endpoint/{network}/")).len();
        if endpoints > 0 {
            return Err(SettingError::HasEndpoints { network: network.into(), endpoints });
        }
        no_overlap(&inventory, &records.network, old, new)?;
        if let Some(Clash { container, address }) = fixed.iter().find(|c| old.contains(c.address) && !new.contains(c.address)) {
            let why = format!("was given to container {container} by hand and is not in {new}");
            return Err(SettingError::Address { address: *address, why });
        }
        records.addressed().renumber(old, new).map_err(|error| match error {
            RenumberError::NoPlace(missing) => SettingError::NoPlace(missing),
            RenumberError::Change(error) => error.into(),
        })?;
        self.put_all(&records);
        Ok(())
    }

    /// Sets the gateway of the subnet that it is in.
    pub fn set_gateway(&mut self, network: &str, gateway: IpAddr, fixed: &[Clash]) -> Result<(), SettingError> {
        let wrong = |why: &str| SettingError::Address { address: gateway, why: why.into() };
        let inventory = self.inventory();
        let mut records = Records::of(&inventory, network)?;
        let pool = records.network.pools().find(|pool| pool.subnet.is_some_and(|subnet| subnet.contains(gateway)));
        let (pool, subnet) =
            pool.and_then(|pool| Some((pool, pool.subnet?))).ok_or_else(|| wrong("is in no subnet of the network"))?;
        if inventory.endpoints_of(network).flat_map(|endpoint| endpoint.addresses()).any(|cidr| cidr.address() == gateway) {
            return Err(wrong("is the address of an endpoint"));
        }
        if pool.auxiliary.iter().any(|(_, cidr)| cidr.address() == gateway) {
            return Err(wrong("is reserved"));
        }
        if let Some(clash) = fixed.iter().find(|clash| clash.address == gateway) {
            return Err(wrong(&format!("was given to container {} by hand", clash.container)));
        }
        records.addressed().set_gateway(subnet, gateway)?;
        self.put_all(&records);
        Ok(())
    }

    fn put_all(&mut self, records: &Records) {
        self.put(records.network.key(), records.network.bytes());
        records.bridge.iter().for_each(|bridge| self.put(bridge.key(), bridge.bytes()));
        records.vlan.iter().for_each(|vlan| self.put(vlan.key(), vlan.bytes()));
    }
}

impl Records {
    fn of(inventory: &Inventory, id: &str) -> Result<Records, SettingError> {
        let network = inventory.network(id).ok_or_else(|| SettingError::NoNetwork { network: id.into() })?.clone();
        Ok(Records { network, bridge: inventory.bridge_of(id).cloned(), vlan: inventory.vlan_of(id).cloned() })
    }

    fn addressed(&mut self) -> Addressed<'_> {
        Addressed { network: &mut self.network, bridge: self.bridge.as_mut(), vlan: self.vlan.as_mut() }
    }
}

/// The subnet that is to be replaced: the one that was named, or where none was the only one of its family.
fn replaced(network: &Record<Network>, change: Resubnet) -> Result<Cidr, SettingError> {
    let is_ipv6 = change.new.is_ipv6();
    let mut all: Vec<Cidr> = renumber::subnets(network).collect();
    all.dedup();
    let of_family: Vec<Cidr> = all.iter().copied().filter(|subnet| subnet.is_ipv6() == is_ipv6).collect();
    let found = match (change.old, &of_family[..]) {
        (Some(old), _) => of_family.iter().copied().find(|subnet| *subnet == old.subnet()),
        (None, [first, others @ ..]) => others.iter().all(|other| other == first).then_some(*first),
        (None, []) => None,
    };
    found.ok_or_else(|| {
        let family = if is_ipv6 { "one subnet of IPv6" } else { "one subnet of IPv4" };
        let wanted = change.old.map_or_else(|| family.to_owned(), |old| old.to_string());
        SettingError::NoSubnet { network: network.id.clone(), wanted, subnets: network.subnets().collect() }
    })
}

/// That neither another network nor another subnet of this one has addresses of a subnet.
fn no_overlap(inventory: &Inventory, own: &Record<Network>, old: Cidr, new: Cidr) -> Result<(), SettingError> {
    for network in inventory.networks.iter().filter(|network| !network.config_only) {
        let is_replaced = |subnet: &Cidr| network.key() == own.key() && subnet.subnet() == old;
        if let Some(other) = network.subnets().find(|subnet| !is_replaced(subnet) && subnet.overlaps(new)) {
            return Err(SettingError::Overlaps { subnet: new, other, network: network.id.clone() });
        }
    }
    Ok(())
}
