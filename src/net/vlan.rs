//! What the macvlan and ipvlan drivers keep: `macvlan/network/<id>/`, `macvlan/endpoint/<id>/`, and the same of ipvlan.

use super::address::Cidr;
use super::fields::{Fields, Reader};
use super::key::{Key, VlanKind};

/// A macvlan or ipvlan network as its driver keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vlan {
    /// The network's id.
    pub id: String,
    /// The host's interface that it stands on.
    pub parent: String,
    /// `bridge`, `private`, `l2`, …
    pub mode: String,
    /// ipvlan's flag, since 23: `bridge`, `private`, `vepa`.
    pub flag: Option<String>,
    /// The largest packet; 0 for the parent's.
    pub mtu: i64,
    /// Whether it leads nowhere but to itself.
    pub internal: bool,
    /// Whether docker made the parent, and removes it with the network.
    pub created_parent: bool,
    /// Its subnets.
    pub subnets: Vec<VlanSubnet>,
    /// Its subnets of IPv6.
    pub subnets_v6: Vec<VlanSubnet>,
}

/// A subnet of a macvlan or ipvlan network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VlanSubnet {
    /// The subnet.
    pub subnet: Option<Cidr>,
    /// Its gateway.
    pub gateway: Option<Cidr>,
}

/// An endpoint as a driver without ports keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VlanEndpoint {
    /// Its id.
    pub id: String,
    /// The id of its network.
    pub network: String,
    /// The interface on the host.
    pub source: String,
    /// Its link address.
    pub mac: Option<String>,
    /// Its address.
    pub address: Option<Cidr>,
    /// Its address of IPv6.
    pub address_v6: Option<Cidr>,
}

impl Fields for Vlan {
    fn read(reader: &mut Reader<'_>) -> Vlan {
        let mode = match reader.key() {
            Key::Vlan(VlanKind::Ipvlan, _) | Key::OldVlan(VlanKind::Ipvlan, _) => "IpvlanMode",
            _ => "MacvlanMode",
        };
        let subnet = |reader: &mut Reader<'_>| VlanSubnet { subnet: reader.cidr("SubnetIP"), gateway: reader.cidr("GwIP") };
        Vlan {
            id: reader.required_text("ID"),
            parent: reader.required_text("Parent"),
            mode: reader.required_text(mode),
            flag: reader.text("IpvlanFlag"),
            mtu: reader.required_number("Mtu"),
            internal: reader.required_flag("Internal"),
            created_parent: reader.required_flag("CreatedSubIface"),
            subnets: reader.embedded_objects("Ipv4Subnets", subnet),
            subnets_v6: reader.embedded_objects("Ipv6Subnets", subnet),
        }
    }
}

impl Fields for VlanEndpoint {
    fn read(reader: &mut Reader<'_>) -> VlanEndpoint {
        VlanEndpoint {
            id: reader.required_text("id"),
            network: reader.required_text("nid"),
            source: reader.required_text("SrcName"),
            mac: reader.text("MacAddress").filter(|mac| !mac.is_empty()),
            address: reader.cidr("Addr"),
            address_v6: reader.cidr("Addrv6"),
        }
    }
}
