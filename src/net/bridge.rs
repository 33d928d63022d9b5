//! What the bridge driver keeps: `bridge/<network>/` and `bridge-endpoint/<id>/`.

use std::net::IpAddr;

use super::address::Cidr;
use super::fields::{Fields, Reader};
use super::port::{Port, PortBinding};

/// A bridge network as its driver keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bridge {
    /// The network's id.
    pub id: String,
    /// The interface on the host: `docker0`, `br-…`.
    pub bridge_name: String,
    /// Whether it has IPv4; since 28, before that all have.
    pub enable_ipv4: Option<bool>,
    /// Whether it has IPv6.
    pub enable_ipv6: bool,
    /// Whether the host's address stands for those of the containers.
    pub masquerade: bool,
    /// Whether its containers may talk to each other.
    pub inter_container: bool,
    /// The largest packet; 0 for the kernel's own choice.
    pub mtu: i64,
    /// Whether it is docker0, or what was put in its place.
    pub default_bridge: bool,
    /// Whether it leads nowhere but to itself.
    pub internal: bool,
    /// The bridge's own address.
    pub address: Option<Cidr>,
    /// The bridge's own address of IPv6.
    pub address_v6: Option<Cidr>,
    /// The host's address that ports are published on.
    pub binding_address: Option<IpAddr>,
    /// A gateway other than the bridge itself.
    pub gateway: Option<IpAddr>,
    /// The same for IPv6.
    pub gateway_v6: Option<IpAddr>,
    /// Who made the interface: 0 unknown, 1 docker, which removes it with the network, 2 somebody else.
    pub creator: Option<u64>,
}

/// An endpoint as the bridge driver keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgeEndpoint {
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
    /// The ports of the host that lead to it.
    pub ports: Vec<PortBinding>,
    /// The ports of the host that were asked for.
    pub requested_ports: Vec<PortBinding>,
    /// The ports that the container offers.
    pub exposed_ports: Vec<Port>,
}

impl Fields for Bridge {
    fn read(reader: &mut Reader<'_>) -> Bridge {
        for field in ["DefaultBindingIP", "DefaultGatewayIPv4", "DefaultGatewayIPv6"] {
            reader.required_text(field);
        }
        Bridge {
            id: reader.required_text("ID"),
            bridge_name: reader.required_text("BridgeName"),
            enable_ipv4: reader.flag("EnableIPv4"),
            enable_ipv6: reader.required_flag("EnableIPv6"),
            masquerade: reader.required_flag("EnableIPMasquerade"),
            inter_container: reader.required_flag("EnableICC"),
            mtu: reader.required_number("Mtu"),
            default_bridge: reader.required_flag("DefaultBridge"),
            internal: reader.flag("Internal").unwrap_or_default(),
            address: reader.cidr("AddressIPv4"),
            address_v6: reader.cidr("AddressIPv6"),
            binding_address: reader.ip("DefaultBindingIP"),
            gateway: reader.ip("DefaultGatewayIPv4"),
            gateway_v6: reader.ip("DefaultGatewayIPv6"),
            creator: reader.number("BridgeIfaceCreator"),
        }
    }
}

impl Fields for BridgeEndpoint {
    fn read(reader: &mut Reader<'_>) -> BridgeEndpoint {
        let connectivity = |reader: &mut Reader<'_>| {
            (reader.objects("PortBindings", PortBinding::read), reader.objects("ExposedPorts", Port::read))
        };
        let (requested_ports, exposed_ports) = reader.object("ExternalConnConfig", connectivity).unwrap_or_default();
        BridgeEndpoint {
            id: reader.required_text("id"),
            network: reader.required_text("nid"),
            source: reader.required_text("SrcName"),
            mac: reader.text("MacAddress").filter(|mac| !mac.is_empty()),
            address: reader.cidr_never_nil("Addr"),
            address_v6: reader.cidr_never_nil("Addrv6"),
            ports: reader.objects("PortMapping", PortBinding::read),
            requested_ports,
            exposed_ports,
        }
    }
}
