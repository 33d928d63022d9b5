//! What a version of Docker needs to be otherwise, and what it could not live with.
//!
//! Records carry no version, and each Docker reads those of all others, but for what is here. Endpoints and sandboxes
//! have further differences; they do not move.

use super::blueprint::{Blueprint, Driver, unchanged};
use super::conflict::ConflictKind;
use crate::net::address::Cidr;
use crate::net::json::Step::{Embedded, Item, Member};
use crate::net::key::VlanKind;
use crate::net::network::Pool;
use crate::net::version::Version;

/// The first version that keeps no bitmaps of addresses in the file.
const WITHOUT_BITMAPS: Version = Version::new(1, 12);
/// The one version that ends without ipvlan's flag.
const NEEDS_FLAG: Version = Version::new(23, 0);
/// The first version with networks that have no IPv4.
const WITHOUT_IPV4: Version = Version::new(28, 0);
/// The first version that leaves a macvlan or ipvlan without a gateway where none was asked for.
const WITHOUT_GATEWAY: Version = Version::new(29, 0);

impl Blueprint {
    /// Makes it such that a version of Docker can live with it, and says what was changed, in words.
    pub fn convert(&mut self, target: Version) -> Result<Vec<String>, ConflictKind> {
        let refused = |reason| ConflictKind::Target { target, reason };
        if target < WITHOUT_BITMAPS {
            return Err(refused("keeps its addresses in bitmaps in the file, which would be missing"));
        }
        if target < WITHOUT_IPV4 {
            self.has_ipv4().map_err(refused)?;
        }
        let mut changes = Vec::new();
        if target == NEEDS_FLAG {
            changes.extend(self.add_flag()?);
        }
        if target < WITHOUT_GATEWAY {
            changes.extend(self.add_gateways()?);
        }
        Ok(changes)
    }

    /// Docker until 27 panics on a bridge without an address of IPv4.
    fn has_ipv4(&self) -> Result<(), &'static str> {
        match &self.driver {
            _ if self.network.enable_ipv4 == Some(false) => Err("does not start with a network that has no IPv4"),
            Driver::Bridge(bridge) if bridge.address.is_none() => Err("does not start with a bridge that has no IPv4 address"),
            _ => Ok(()),
        }
    }

    fn add_flag(&mut self) -> Result<Option<String>, ConflictKind> {
        match &mut self.driver {
            Driver::Vlan(VlanKind::Ipvlan, vlan) if vlan.flag.is_none() => {
                vlan.set(&[Member("IpvlanFlag")], "bridge").map_err(unchanged)?;
                Ok(Some("flag bridge".into()))
            }
            _ => Ok(None),
        }
    }

    /// Docker until 28 takes the first address for a gateway, whoever has it, so it is better said.
    fn add_gateways(&mut self) -> Result<Vec<String>, ConflictKind> {
        if !matches!(self.driver, Driver::Vlan(..)) {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        for (field, subnets, flag, pools) in [
            ("ipamV4Info", "Ipv4Subnets", "skipGwAllocIPv4", self.network.pools_v4.clone()),
            ("ipamV6Info", "Ipv6Subnets", "skipGwAllocIPv6", self.network.pools_v6.clone()),
        ] {
            for (i, pool) in pools.iter().enumerate() {
                let Some(gateway) = gateway_of(pool) else { continue };
                if let Some((name, _)) = pool.auxiliary.iter().find(|(_, taken)| taken.address() == gateway.address()) {
                    return Err(ConflictKind::Gateway { gateway: gateway.address(), by: name.clone() });
                }
                let path = [Member(field), Embedded, Item(i), Member("IPAMData"), Embedded, Member("Gateway")];
                self.network.set(&path, gateway.to_string()).map_err(unchanged)?;
                self.network.remove(&[Member(flag)]).map_err(unchanged)?;
                self.tell_driver(subnets, pool.subnet, gateway)?;
                changes.push(format!("gateway {}", gateway.address()));
            }
        }
        Ok(changes)
    }

    fn tell_driver(&mut self, field: &'static str, subnet: Option<Cidr>, gateway: Cidr) -> Result<(), ConflictKind> {
        let Driver::Vlan(_, vlan) = &mut self.driver else { return Ok(()) };
        let all = if gateway.is_ipv6() { vlan.subnets_v6.clone() } else { vlan.subnets.clone() };
        for (i, _) in all.iter().enumerate().filter(|(_, its)| its.subnet == subnet) {
            vlan.set(&[Member(field), Embedded, Item(i), Member("GwIP")], gateway.to_string()).map_err(unchanged)?;
        }
        Ok(())
    }
}

/// The gateway that Docker until 28 would choose for a pool that has none: the first of the range's addresses, or of the
/// subnet's less its own.
fn gateway_of(pool: &Pool) -> Option<Cidr> {
    let subnet = pool.subnet.filter(|_| pool.gateway.is_none())?;
    let first = match pool.range() {
        Some(range) if range.first() != subnet.first() => range.first(),
        _ => subnet.nth(1)?,
    };
    Cidr::new(first, subnet.prefix())
}
