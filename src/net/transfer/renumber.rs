//! Another subnet for a network: every address in its records keeps its place behind the first.

use std::net::IpAddr;

use serde_json::Value;

use super::blueprint::{Blueprint, Driver, unchanged};
use super::conflict::ConflictKind;
use crate::net::address::{Cidr, NIL};
use crate::net::json::Step::{self, Embedded, Item, Member};
use crate::net::network::{Pool, PoolRequest};
use crate::net::record::Record;

impl Blueprint {
    /// Moves the addresses of one subnet into another one of the same family: pool, range, gateway, the addresses that
    /// are taken, and the bridge's own. Says whether it has that subnet. Where something has no place there, nothing is
    /// changed.
    pub fn renumber(&mut self, from: Cidr, to: Cidr) -> Result<bool, Vec<ConflictKind>> {
        let (from, to) = (from.subnet(), to.subnet());
        let mut edits = Edits { shift: Shift { from, to }, of_network: Vec::new(), conflicts: Vec::new() };
        let family = if from.is_ipv6() { FAMILIES[1] } else { FAMILIES[0] };
        let (pools, requests) = match from.is_ipv6() {
            true => (&self.network.pools_v6, &self.network.requested_v6),
            false => (&self.network.pools_v4, &self.network.requested_v4),
        };
        let its: Vec<_> = pools.iter().enumerate().filter(|(_, pool)| pool.subnet.map(Cidr::subnet) == Some(from)).collect();
        let asked = requests.iter().enumerate();
        let asked: Vec<_> = asked.filter(|(_, request)| subnet(&request.subnet) == Some(from)).collect();
        if its.is_empty() && asked.is_empty() {
            return Ok(false);
        }
        its.iter().for_each(|(i, pool)| edits.pool(family.pools, *i, pool));
        asked.iter().for_each(|(i, request)| edits.request(family.requests, *i, request));
        if !edits.conflicts.is_empty() {
            return Err(edits.conflicts);
        }
        let mut changed = self.clone();
        edits.apply(&mut changed).map_err(|kind| vec![kind])?;
        *self = changed;
        Ok(true)
    }
}

/// The names of fields that each family has.
#[derive(Clone, Copy)]
struct Family {
    pools: &'static str,
    requests: &'static str,
    bridge: &'static str,
    gateway: &'static str,
    vlan: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family {
        pools: "ipamV4Info",
        requests: "ipamV4Config",
        bridge: "AddressIPv4",
        gateway: "DefaultGatewayIPv4",
        vlan: "Ipv4Subnets",
    },
    Family {
        pools: "ipamV6Info",
        requests: "ipamV6Config",
        bridge: "AddressIPv6",
        gateway: "DefaultGatewayIPv6",
        vlan: "Ipv6Subnets",
    },
];

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
    conflicts: Vec<ConflictKind>,
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
        let conflict = ConflictKind::NoPlace { what: what.into(), address: old.to_string(), subnet: self.shift.to };
        if found.is_none() && !self.conflicts.contains(&conflict) && !self.is_said(what) {
            self.conflicts.push(conflict);
        }
        found
    }

    fn is_said(&self, name: &str) -> bool {
        self.conflicts.iter().any(|said| matches!(said, ConflictKind::NoPlace { what, .. } if what == name))
    }

    fn apply(self, blueprint: &mut Blueprint) -> Result<(), ConflictKind> {
        for (path, value) in self.of_network {
            blueprint.network.set(&path, value).map_err(unchanged)?;
        }
        let family = if self.shift.from.is_ipv6() { FAMILIES[1] } else { FAMILIES[0] };
        match &mut blueprint.driver {
            Driver::Bridge(bridge) => {
                set_if(bridge, &[Member(family.bridge)], |text| in_network(self.shift, text))?;
                set_if(bridge, &[Member(family.gateway)], |text| self.shift.host(text.parse().ok()?).map(|ip| ip.to_string()))
            }
            Driver::Vlan(_, vlan) => {
                let number = if self.shift.from.is_ipv6() { vlan.subnets_v6.len() } else { vlan.subnets.len() };
                for i in 0..number {
                    let of = |name: &'static str| [Member(family.vlan), Embedded, Item(i), Member(name)];
                    set_if(vlan, &of("GwIP"), |text| in_network(self.shift, text))?;
                    let pool = |text: &str| (subnet(text)? == self.shift.from).then(|| self.shift.to.to_string());
                    set_if(vlan, &of("SubnetIP"), pool)?;
                }
                Ok(())
            }
            Driver::Nothing | Driver::Windows(_) => Ok(()),
        }
    }
}

fn in_network(shift: Shift, text: &str) -> Option<String> {
    shift.in_network(text.parse::<Cidr>().ok()?.address()).map(|cidr| cidr.to_string())
}

/// Changes a text that is there, where it is one to be changed.
fn set_if<T: crate::net::Fields>(
    record: &mut Record<T>,
    path: &[Step<'_>],
    change: impl Fn(&str) -> Option<String>,
) -> Result<(), ConflictKind> {
    let found = text_at(record, path).filter(|text| !text.is_empty() && text != NIL);
    match found.and_then(|text| change(&text)) {
        Some(changed) => record.set(path, changed).map_err(unchanged),
        None => Ok(()),
    }
}

/// The text at the end of a path.
fn text_at<T>(record: &Record<T>, path: &[Step<'_>]) -> Option<String> {
    fn go(json: crate::net::json::Json<'_>, path: &[Step<'_>]) -> Option<String> {
        let Some((step, rest)) = path.split_first() else { return json.as_str().map(Into::into) };
        match step {
            Member(name) => go(json.get(name)?, rest),
            Item(i) => go(*json.items()?.get(*i)?, rest),
            Embedded => {
                let inner = crate::net::json::Document::parse(json.as_str()?.as_bytes()).ok()?;
                go(inner.root(), rest)
            }
        }
    }
    go(record.document().root(), path)
}
