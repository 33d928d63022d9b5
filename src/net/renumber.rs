//! Another subnet or another gateway for a network, in all the records that have its addresses: in another subnet each
//! address keeps its place behind the first.

use std::net::IpAddr;

use serde_json::Value;

use super::address::{Cidr, NIL};
use super::bridge::Bridge;
use super::fields::Fields;
use super::json::Step::{self, Embedded, Item, Member};
use super::json::{Document, Json};
use super::network::{Network, Pool, PoolRequest};
use super::record::{ChangeError, Record};
use super::vlan::Vlan;

/// Something that has no counterpart in another subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its {what} {address} has no place in {subnet}")]
pub struct NoPlace {
    /// `gateway`, `range`, or the name of an address that is kept free.
    pub what: String,
    /// The address, or the range.
    pub address: String,
    /// The subnet.
    pub subnet: Cidr,
}

/// Why a network was not renumbered.
#[derive(Debug)]
pub(super) enum RenumberError {
    NoPlace(Vec<NoPlace>),
    Change(ChangeError),
}

impl From<ChangeError> for RenumberError {
    fn from(error: ChangeError) -> RenumberError {
        RenumberError::Change(error)
    }
}

/// The subnets that a network has, or asks for.
pub(super) fn subnets(network: &Network) -> impl Iterator<Item = Cidr> {
    let asked = network.requested_v4.iter().chain(&network.requested_v6);
    network.subnets().map(Cidr::subnet).chain(asked.filter_map(|request| subnet(&request.subnet)))
}

/// The records that a network's addresses are in. Where a change fails, some of it may have been made in them.
pub(super) struct Addressed<'r> {
    pub(super) network: &'r mut Record<Network>,
    pub(super) bridge: Option<&'r mut Record<Bridge>>,
    pub(super) vlan: Option<&'r mut Record<Vlan>>,
}

impl Addressed<'_> {
    /// Moves the addresses of one subnet into another one of the same family: pool, range, gateway, the addresses that
    /// are kept free, and the bridge's own. Says whether the network has that subnet.
    pub(super) fn renumber(&mut self, from: Cidr, to: Cidr) -> Result<bool, RenumberError> {
        let shift = Shift { from: from.subnet(), to: to.subnet() };
        let family = Family::of(shift.from);
        let before = self.network.clone();
        let mut edits = Edits { shift, of_network: Vec::new(), missing: Vec::new() };
        let its = |(_, pool): &(usize, &Pool)| pool.subnet.map(Cidr::subnet) == Some(shift.from);
        let asked = |(_, request): &(usize, &PoolRequest)| subnet(&request.subnet) == Some(shift.from);
        family.pools_of(&before).iter().enumerate().filter(its).for_each(|(i, pool)| edits.pool(family.pools, i, pool));
        let requests = family.requests_of(&before).iter().enumerate().filter(asked);
        requests.for_each(|(i, request)| edits.request(family.requests, i, request));
        if !edits.missing.is_empty() {
            return Err(RenumberError::NoPlace(edits.missing));
        }
        if edits.of_network.is_empty() {
            return Ok(false);
        }
        for (path, value) in edits.of_network {
            self.network.set(&path, value)?;
        }
        self.drivers_follow(family, shift)?;
        Ok(true)
    }

    /// What the drivers keep.
    fn drivers_follow(&mut self, family: Family, shift: Shift) -> Result<(), ChangeError> {
        if let Some(bridge) = &mut self.bridge {
            set_if(bridge, &[Member(family.bridge)], |text| shift.text_in_network(text))?;
            set_if(bridge, &[Member(family.gateway)], |text| shift.host(text.parse().ok()?).map(|ip| ip.to_string()))?;
        }
        if let Some(vlan) = &mut self.vlan {
            let number = if shift.from.is_ipv6() { vlan.subnets_v6.len() } else { vlan.subnets.len() };
            for i in 0..number {
                let of = |name: &'static str| [Member(family.vlan), Embedded, Item(i), Member(name)];
                set_if(vlan, &of("GwIP"), |text| shift.text_in_network(text))?;
                let pool = |text: &str| (subnet(text)? == shift.from).then(|| shift.to.to_string());
                set_if(vlan, &of("SubnetIP"), pool)?;
            }
        }
        Ok(())
    }

    /// Sets the gateway of one of the network's subnets, and what the drivers have of the one before.
    pub(super) fn set_gateway(&mut self, of: Cidr, gateway: IpAddr) -> Result<(), ChangeError> {
        let (of, family) = (of.subnet(), Family::of(of));
        let before = self.network.clone();
        let cidr = format!("{gateway}/{}", of.prefix());
        let mut old = None;
        for (i, pool) in
            family.pools_of(&before).iter().enumerate().filter(|(_, pool)| pool.subnet.map(Cidr::subnet) == Some(of))
        {
            old = pool.gateway;
            let place = [Member(family.pools), Embedded, Item(i), Member("IPAMData"), Embedded, Member("Gateway")];
            self.network.set(&place, cidr.as_str())?;
            // What was asked for is where what was got is.
            let place = [Member(family.requests), Embedded, Item(i), Member("Gateway")];
            if text_at(&before, &place).is_some() {
                self.network.set(&place, gateway.to_string())?;
            }
        }
        if let (Some(bridge), Some(old)) = (&mut self.bridge, old) {
            set_if(bridge, &[Member(family.bridge)], |text| (text == old.to_string()).then(|| cidr.clone()))?;
            let is_old = |text: &str| (text == old.address().to_string()).then(|| gateway.to_string());
            set_if(bridge, &[Member(family.gateway)], is_old)?;
        }
        if let Some(vlan) = &mut self.vlan {
            let subnets = if of.is_ipv6() { &vlan.subnets_v6 } else { &vlan.subnets };
            let at = subnets.iter().position(|found| found.subnet.map(Cidr::subnet) == Some(of));
            if let Some(i) = at {
                vlan.set(&[Member(family.vlan), Embedded, Item(i), Member("GwIP")], cidr)?;
            }
        }
        Ok(())
    }
}

/// The names of fields that each family has.
#[derive(Clone, Copy)]
struct Family {
    is_ipv6: bool,
    pools: &'static str,
    requests: &'static str,
    bridge: &'static str,
    gateway: &'static str,
    vlan: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family {
        is_ipv6: false,
        pools: "ipamV4Info",
        requests: "ipamV4Config",
        bridge: "AddressIPv4",
        gateway: "DefaultGatewayIPv4",
        vlan: "Ipv4Subnets",
    },
    Family {
        is_ipv6: true,
        pools: "ipamV6Info",
        requests: "ipamV6Config",
        bridge: "AddressIPv6",
        gateway: "DefaultGatewayIPv6",
        vlan: "Ipv6Subnets",
    },
];

impl Family {
    fn of(subnet: Cidr) -> Family {
        let [v4, v6] = FAMILIES;
        if subnet.is_ipv6() { v6 } else { v4 }
    }

    fn pools_of(self, network: &Network) -> &[Pool] {
        if self.is_ipv6 { &network.pools_v6 } else { &network.pools_v4 }
    }

    fn requests_of(self, network: &Network) -> &[PoolRequest] {
        if self.is_ipv6 { &network.requested_v6 } else { &network.requested_v4 }
    }
}

fn subnet(text: &str) -> Option<Cidr> {
    Some(text.parse::<Cidr>().ok()?.subnet())
}

/// From one subnet to another.
#[derive(Clone, Copy)]
struct Shift {
    from: Cidr,
    to: Cidr,
}

impl Shift {
    /// The address as far behind the first one as before, if that is one for a host.
    fn host(self, address: IpAddr) -> Option<IpAddr> {
        let moved = self.address(address)?;
        let is_edge = !self.to.is_ipv6() && self.to.prefix() < 31 && (moved == self.to.first() || moved == self.to.last());
        let was_edge = address == self.from.first() || address == self.from.last();
        (!is_edge || was_edge).then_some(moved)
    }

    fn address(self, address: IpAddr) -> Option<IpAddr> {
        let moved = match (address, self.from.first(), self.to.first()) {
            (IpAddr::V4(address), IpAddr::V4(from), IpAddr::V4(to)) => {
                let offset = address.to_bits().checked_sub(from.to_bits())?;
                IpAddr::V4(to.to_bits().checked_add(offset)?.into())
            }
            (IpAddr::V6(address), IpAddr::V6(from), IpAddr::V6(to)) => {
                let offset = address.to_bits().checked_sub(from.to_bits())?;
                IpAddr::V6(to.to_bits().checked_add(offset)?.into())
            }
            _ => return None,
        };
        (self.from.contains(address) && self.to.contains(moved)).then_some(moved)
    }

    /// An address with the length of its network's prefix.
    fn in_network(self, address: IpAddr) -> Option<Cidr> {
        Cidr::new(self.host(address)?, self.to.prefix())
    }

    fn text_in_network(self, text: &str) -> Option<String> {
        self.in_network(text.parse::<Cidr>().ok()?.address()).map(|cidr| cidr.to_string())
    }

    /// A part of the subnet.
    fn part(self, part: Cidr) -> Option<Cidr> {
        let moved = Cidr::new(self.address(part.first())?, part.prefix())?;
        (moved.subnet() == moved && self.to.contains(moved.last()) && moved.prefix() >= self.to.prefix()).then_some(moved)
    }
}

/// What is to be set in the network's record, and what cannot be.
struct Edits<'n> {
    shift: Shift,
    of_network: Vec<(Vec<Step<'n>>, Value)>,
    missing: Vec<NoPlace>,
}

impl<'n> Edits<'n> {
    /// A pool that the network has.
    fn pool(&mut self, field: &'static str, i: usize, pool: &'n Pool) {
        let data = |name: &'n str| vec![Member(field), Embedded, Item(i), Member("IPAMData"), Embedded, Member(name)];
        let space = pool.id.split('/').next().unwrap_or_default();
        let to = self.shift.to;
        let mut id = format!("{space}/{to}");
        if let Some(range) = pool.range()
            && let Some(range) = self.place("range", range, Shift::part)
        {
            id = format!("{id}/{range}");
        }
        self.set(vec![Member(field), Embedded, Item(i), Member("PoolID")], id);
        self.set(data("Pool"), to.to_string());
        if let Some(gateway) = pool.gateway
            && let Some(gateway) = self.place("gateway", gateway.address(), Shift::in_network)
        {
            self.set(data("Gateway"), gateway.to_string());
        }
        for (name, address) in &pool.auxiliary {
            if let Some(address) = self.place(name, address.address(), Shift::in_network) {
                let mut path = data("AuxAddresses");
                path.push(Member(name));
                self.set(path, address.to_string());
            }
        }
    }

    /// A pool that was asked for. What is in it is in the pool that it got, too, so nothing is said of it twice.
    fn request(&mut self, field: &'static str, i: usize, request: &'n PoolRequest) {
        let of = |name: &'n str| vec![Member(field), Embedded, Item(i), Member(name)];
        let shift = self.shift;
        self.set(of("PreferredPool"), shift.to.to_string());
        if let Some(range) = subnet(&request.range)
            && let Some(range) = self.place("range", range, Shift::part)
        {
            self.set(of("SubPool"), range.to_string());
        }
        if let Ok(gateway) = request.gateway.parse::<IpAddr>()
            && let Some(gateway) = self.place("gateway", gateway, Shift::host)
        {
            self.set(of("Gateway"), gateway.to_string());
        }
        for (name, address) in &request.auxiliary {
            if let Ok(address) = address.parse::<IpAddr>()
                && let Some(address) = self.place(name, address, Shift::host)
            {
                let mut path = of("AuxAddresses");
                path.push(Member(name));
                self.set(path, address.to_string());
            }
        }
    }

    fn set(&mut self, path: Vec<Step<'n>>, value: String) {
        self.of_network.push((path, value.into()));
    }

    /// Where something comes to; said where it has no place.
    fn place<T: ToString + Copy, U>(&mut self, what: &str, old: T, place: impl Fn(Shift, T) -> Option<U>) -> Option<U> {
        let found = place(self.shift, old);
        // What a network got and what it asked for is the same, and so is a range and what is in it.
        if found.is_none() && !self.missing.iter().any(|missing| missing.what == what) {
            self.missing.push(NoPlace { what: what.into(), address: old.to_string(), subnet: self.shift.to });
        }
        found
    }
}

/// Changes a text that is there, where it is one to be changed.
fn set_if<T: Fields>(
    record: &mut Record<T>,
    path: &[Step<'_>],
    change: impl Fn(&str) -> Option<String>,
) -> Result<(), ChangeError> {
    let found = text_at(record, path).filter(|text| !text.is_empty() && text != NIL);
    match found.and_then(|text| change(&text)) {
        Some(changed) => record.set(path, changed),
        None => Ok(()),
    }
}

/// The text at the end of a path.
fn text_at<T>(record: &Record<T>, path: &[Step<'_>]) -> Option<String> {
    fn go(json: Json<'_>, path: &[Step<'_>]) -> Option<String> {
        let Some((step, rest)) = path.split_first() else { return json.as_str().map(Into::into) };
        match step {
            Member(name) => go(json.get(name)?, rest),
            Item(i) => go(*json.items()?.get(*i)?, rest),
            Embedded => go(Document::parse(json.as_str()?.as_bytes()).ok()?.root(), rest),
        }
    }
    go(record.document().root(), path)
}
