//! Subnets and gateways of a network, in all the records that have them.

use std::net::IpAddr;

use super::settings::{Clash, SettingError};
use super::{Draft, DraftError};
use crate::net::address::Cidr;
use crate::net::json::{Document, EditError, Json, Step};
use crate::net::key::{Key, VlanKind};
use crate::net::network::{Network, Pool};
use crate::net::record::Record;

/// A subnet in place of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resubnet {
    /// The one that the network has; `None` where it has one of that family alone.
    pub old: Option<Cidr>,
    /// The one that it is to have.
    pub new: Cidr,
}

/// One pool of a network, and where its records have it.
struct At {
    network: Record<Network>,
    pool: Pool,
    subnet: Cidr,
    index: usize,
    v6: bool,
}

impl Draft {
    /// Puts a network into another subnet: gateway, range and reserved addresses move with it.
    ///
    /// # Errors
    ///
    /// Where the network has endpoints, another one has addresses of the new subnet, something has no counterpart in it,
    /// or a container was given an address by hand that is not in it.
    pub fn set_subnet(&mut self, network: &str, change: Resubnet, fixed: &[Clash]) -> Result<(), SettingError> {
        let new = change.new.subnet();
        let at = self.pool(network, change.old, new)?;
        let endpoints = self.keys_below(&format!("endpoint/{network}/")).len();
        if endpoints > 0 {
            return Err(SettingError::HasEndpoints { network: network.into(), endpoints });
        }
        self.no_overlap(network, new)?;
        for Clash { container, address } in fixed {
            if at.subnet.contains(*address) && !new.contains(*address) {
                let why = format!("was given to container {container} by hand and is not in {new}");
                return Err(SettingError::Address { address: *address, why });
            }
        }
        let moved = Moved::of(&at, new)?;
        let mut document = at.network.document().clone();
        moved.write(&at, &mut document).map_err(|source| edit_error(at.network.key(), source))?;
        self.put(at.network.key(), document.as_str());
        let old_gateway = at.pool.gateway;
        self.drivers_follow(&at, Some(new), old_gateway, moved.gateway.and_then(|gateway| Cidr::new(gateway, new.prefix())));
        Ok(())
    }

    /// Sets the gateway of the subnet that it is in.
    pub fn set_gateway(&mut self, network: &str, gateway: IpAddr, fixed: &[Clash]) -> Result<(), SettingError> {
        let wrong = |why: &str| SettingError::Address { address: gateway, why: why.into() };
        let inventory = self.inventory();
        let record = inventory.network(network).ok_or_else(|| SettingError::NoNetwork { network: network.into() })?;
        let subnet = record.subnets().find(|subnet| subnet.contains(gateway));
        let subnet = subnet.ok_or_else(|| wrong("is in no subnet of the network"))?.subnet();
        let at = self.pool(network, Some(subnet), subnet)?;
        if inventory.endpoints_of(network).flat_map(|endpoint| endpoint.addresses()).any(|cidr| cidr.address() == gateway) {
            return Err(wrong("is the address of an endpoint"));
        }
        if at.pool.auxiliary.iter().any(|(_, cidr)| cidr.address() == gateway) {
            return Err(wrong("is reserved"));
        }
        if let Some(clash) = fixed.iter().find(|clash| clash.address == gateway) {
            return Err(wrong(&format!("was given to container {} by hand", clash.container)));
        }
        let value = Cidr::new(gateway, subnet.prefix()).ok_or_else(|| wrong("is of another family"))?;
        let mut document = at.network.document().clone();
        let (info, config) = at.fields();
        let set = document.set(&at.data(info, &[Step::Member("Gateway")]), value.to_string()).and_then(|()| {
            match member(&document, config, at.index, "Gateway") {
                Some(_) => document.set(&at.item(config, "Gateway"), gateway.to_string()),
                None => Ok(()),
            }
        });
        set.map_err(|source| edit_error(at.network.key(), source))?;
        self.put(at.network.key(), document.as_str());
        self.drivers_follow(&at, None, at.pool.gateway, Some(value));
        Ok(())
    }

    /// That no other network has addresses of a subnet.
    pub fn no_overlap(&self, network: &str, subnet: Cidr) -> Result<(), SettingError> {
        for other in self.inventory().networks.iter().filter(|other| other.id != network && !other.config_only) {
            if let Some(found) = other.subnets().find(|found| found.overlaps(subnet)) {
                return Err(SettingError::Overlaps { subnet, other: found, network: other.id.clone() });
            }
        }
        Ok(())
    }

    /// The pool of a network that a subnet is, or where none is named the one of the new one's family.
    fn pool(&self, network: &str, old: Option<Cidr>, new: Cidr) -> Result<At, SettingError> {
        let inventory = self.inventory();
        let record = inventory.network(network).ok_or_else(|| SettingError::NoNetwork { network: network.into() })?;
        let v6 = new.is_ipv6();
        let pools = if v6 { &record.pools_v6 } else { &record.pools_v4 };
        let is_it = |pool: &Pool| match (old, pool.subnet) {
            (Some(old), Some(subnet)) => old.subnet() == subnet.subnet(),
            (None, Some(_)) => pools.len() == 1,
            (_, None) => false,
        };
        let found =
            pools.iter().enumerate().find_map(|(index, pool)| Some((index, pool, pool.subnet.filter(|_| is_it(pool))?)));
        let Some((index, pool, subnet)) = found else {
            let family = if v6 { "one subnet of IPv6" } else { "one subnet of IPv4" };
            let wanted = old.map_or_else(|| family.to_owned(), |old| old.to_string());
            return Err(SettingError::NoSubnet { network: network.into(), wanted, subnets: record.subnets().collect() });
        };
        Ok(At { network: record.clone(), pool: pool.clone(), subnet: subnet.subnet(), index, v6 })
    }

    /// What the drivers keep of a pool follows.
    fn drivers_follow(&mut self, at: &At, subnet: Option<Cidr>, old: Option<Cidr>, gateway: Option<Cidr>) {
        let id = &at.network.id;
        let (address, default, list) = match at.v6 {
            false => ("AddressIPv4", "DefaultGatewayIPv4", "Ipv4Subnets"),
            true => ("AddressIPv6", "DefaultGatewayIPv6", "Ipv6Subnets"),
        };
        if let (Some(old), Some(gateway)) = (old, gateway) {
            let bridge = Key::Bridge(id.clone());
            let has = |document: &Document, field| super::text(document, field);
            if let Some(document) = self.document(&bridge) {
                if has(&document, address) == Some(old.to_string()) {
                    self.set_where_there(&bridge, address, gateway.to_string());
                }
                if has(&document, default) == Some(old.address().to_string()) {
                    self.set_where_there(&bridge, default, gateway.address().to_string());
                }
            }
        }
        for kind in [VlanKind::Macvlan, VlanKind::Ipvlan] {
            let key = Key::Vlan(kind, id.clone());
            let Some(record) = self.inventory().vlan_of(id).filter(|record| *record.key() == key).cloned() else { continue };
            let subnets = if at.v6 { &record.subnets_v6 } else { &record.subnets };
            let is_it = |found: &crate::net::VlanSubnet| found.subnet.is_some_and(|found| found.subnet() == at.subnet);
            let Some(index) = subnets.iter().position(is_it) else { continue };
            if let Some(subnet) = subnet {
                self.set_where_there(&key, &format!("{list}[{index}].SubnetIP"), subnet.to_string());
            }
            if let Some(gateway) = gateway {
                self.set_where_there(&key, &format!("{list}[{index}].GwIP"), gateway.to_string());
            }
        }
    }
}

impl At {
    /// The fields with what the network got, and what was asked for.
    fn fields(&self) -> (&'static str, &'static str) {
        if self.v6 { ("ipamV6Info", "ipamV6Config") } else { ("ipamV4Info", "ipamV4Config") }
    }

    fn item<'s>(&self, list: &'s str, field: &'s str) -> [Step<'s>; 4] {
        [Step::Member(list), Step::Embedded, Step::Item(self.index), Step::Member(field)]
    }

    /// A place in the document that a pool's data is.
    fn data<'s>(&self, info: &'s str, rest: &[Step<'s>]) -> Vec<Step<'s>> {
        let mut steps = self.item(info, "IPAMData").to_vec();
        steps.push(Step::Embedded);
        steps.extend_from_slice(rest);
        steps
    }
}

/// What of a pool has its counterpart in another subnet.
struct Moved {
    new: Cidr,
    gateway: Option<IpAddr>,
    range: Option<Cidr>,
    auxiliary: Vec<(String, IpAddr)>,
}

impl Moved {
    fn of(at: &At, new: Cidr) -> Result<Moved, SettingError> {
        let moved = |address: IpAddr, what: &str| {
            let found = offset(at.subnet, address).and_then(|offset| new.nth(offset));
            found.ok_or_else(|| SettingError::TooSmall { address, what: what.into(), subnet: new })
        };
        let gateway = at.pool.gateway.map(|gateway| moved(gateway.address(), "the gateway")).transpose()?;
        let range = match at.pool.range() {
            None => None,
            Some(range) => {
                let too_small = || SettingError::TooSmall { address: range.first(), what: "the range".into(), subnet: new };
                moved(range.last(), "the end of the range")?;
                let first = moved(range.first(), "the range")?;
                Some(Cidr::new(first, range.prefix()).filter(|_| range.prefix() >= new.prefix()).ok_or_else(too_small)?)
            }
        };
        let auxiliary = at.pool.auxiliary.iter();
        let auxiliary = auxiliary.map(|(name, cidr)| Ok((name.clone(), moved(cidr.address(), name)?)));
        Ok(Moved { new, gateway, range, auxiliary: auxiliary.collect::<Result<_, SettingError>>()? })
    }

    fn write(&self, at: &At, document: &mut Document) -> Result<(), EditError> {
        let (info, config) = at.fields();
        let with_prefix = |address: &IpAddr| format!("{address}/{}", self.new.prefix());
        let space = at.pool.id.split('/').next().unwrap_or_default();
        let range = self.range.map(|range| format!("/{range}")).unwrap_or_default();
        document.set(&at.item(info, "PoolID"), format!("{space}/{}{range}", self.new))?;
        document.set(&at.data(info, &[Step::Member("Pool")]), self.new.to_string())?;
        if let Some(gateway) = &self.gateway {
            document.set(&at.data(info, &[Step::Member("Gateway")]), with_prefix(gateway))?;
        }
        for (name, address) in &self.auxiliary {
            let place = [Step::Member("AuxAddresses"), Step::Member(name)];
            document.set(&at.data(info, &place), with_prefix(address))?;
        }
        if member(document, config, at.index, "PreferredPool").is_none() {
            return Ok(());
        }
        document.set(&at.item(config, "PreferredPool"), self.new.to_string())?;
        let asked = |document: &Document, field| member(document, config, at.index, field).is_some_and(|text| !text.is_empty());
        if let Some(range) = self.range.filter(|_| asked(document, "SubPool")) {
            document.set(&at.item(config, "SubPool"), range.to_string())?;
        }
        if let Some(gateway) = self.gateway.filter(|_| asked(document, "Gateway")) {
            document.set(&at.item(config, "Gateway"), gateway.to_string())?;
        }
        let asked = at.network.requested_v4.iter().chain(&at.network.requested_v6).flat_map(|request| &request.auxiliary);
        let asked: Vec<&String> = asked.map(|(name, _)| name).collect();
        for (name, address) in self.auxiliary.iter().filter(|(name, _)| asked.contains(&name)) {
            let mut place = at.item(config, "AuxAddresses").to_vec();
            place.push(Step::Member(name));
            document.set(&place, address.to_string())?;
        }
        Ok(())
    }
}

/// A text in an item of a list that a string holds.
fn member(document: &Document, list: &str, index: usize, field: &str) -> Option<String> {
    let text = document.root().get(list)?.as_str()?.into_owned();
    let list = Document::parse(text.as_bytes()).ok()?;
    Some(list.root().items()?.get(index)?.get(field).and_then(Json::as_str)?.into_owned())
}

/// How many addresses an address is after the first one of a subnet.
fn offset(subnet: Cidr, address: IpAddr) -> Option<u64> {
    match (subnet.first(), address) {
        (IpAddr::V4(first), IpAddr::V4(address)) => address.to_bits().checked_sub(first.to_bits()).map(u64::from),
        (IpAddr::V6(first), IpAddr::V6(address)) => {
            address.to_bits().checked_sub(first.to_bits()).and_then(|offset| u64::try_from(offset).ok())
        }
        _ => None,
    }
}

fn edit_error(key: &Key, source: EditError) -> SettingError {
    DraftError::Edit { key: key.clone(), field: "its address pools".into(), source }.into()
}
