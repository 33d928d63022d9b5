//! Endpoints, `endpoint/<network>/<id>/`, and how many of them there are, `endpoint_count/<network>/`.

use std::net::IpAddr;

use super::address::Cidr;
use super::fields::{Fields, Reader};
use super::port::{Port, PortBinding};

/// A container's place in a network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// Its name: that of the container.
    pub name: String,
    /// The id of the sandbox that it is in; empty where it is in none.
    pub sandbox: String,
    /// Its interface.
    pub interface: Option<Interface>,
    /// The ports that the container offers.
    pub exposed_ports: Vec<Port>,
    /// The ports of the host that were asked for.
    pub requested_ports: Vec<PortBinding>,
    /// The link address that was asked for, in hexadecimal digits and colons.
    pub requested_mac: Option<String>,
    /// The gateway that the container uses.
    pub gateway: Option<IpAddr>,
    /// The gateway that the container uses for IPv6.
    pub gateway_v6: Option<IpAddr>,
    /// The names that others in the network know it by, beside its own: `myAliases` until 24, `dnsNames` since 25.
    pub names: Vec<String>,
    /// Whether it is a swarm's load balancer.
    pub load_balancer: bool,
    /// The name of the swarm's service that it belongs to; empty where it belongs to none.
    pub service: String,
    /// The address of that service.
    pub virtual_ip: Option<IpAddr>,
}

/// An endpoint's interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Interface {
    /// Its link address.
    pub mac: Option<String>,
    /// Its address.
    pub address: Option<Cidr>,
    /// Its address of IPv6.
    pub address_v6: Option<Cidr>,
    /// Its addresses on the link alone.
    pub link_local: Vec<Cidr>,
    /// What it is called on the host.
    pub source: String,
    /// What its name in the container begins with.
    pub prefix: String,
    /// The pool that its address is of.
    pub pool: String,
    /// The pool that its address of IPv6 is of.
    pub pool_v6: String,
}

/// How many endpoints a network has: until 28.0; since then always 0, and not read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// The number.
    pub count: u64,
}

impl Endpoint {
    /// Its addresses of both families, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = Cidr> {
        self.interface.iter().flat_map(|interface| [interface.address, interface.address_v6]).flatten()
    }

    /// Its link address.
    pub fn mac(&self) -> Option<&str> {
        self.interface.as_ref()?.mac.as_deref()
    }
}

impl Fields for Endpoint {
    fn read(reader: &mut Reader<'_>) -> Endpoint {
        let (requested_ports, requested_mac) = reader.object("generic", requested).unwrap_or_default();
        let (gateway, gateway_v6) = reader.object("joinInfo", gateways).unwrap_or_default();
        let names = if reader.has("dnsNames") { "dnsNames" } else { "myAliases" };
        Endpoint {
            id: reader.required_text("id"),
            name: reader.required_text("name"),
            sandbox: reader.text("sandbox").unwrap_or_default(),
            interface: reader.object("ep_iface", Interface::read),
            exposed_ports: reader.objects("exposed_ports", Port::read),
            requested_ports,
            requested_mac,
            gateway,
            gateway_v6,
            names: reader.texts(names),
            load_balancer: reader.flag("loadBalancer").unwrap_or_default(),
            service: reader.text("svcName").unwrap_or_default(),
            virtual_ip: reader.ip("virtualIP"),
        }
    }
}

fn requested(reader: &mut Reader<'_>) -> (Vec<PortBinding>, Option<String>) {
    let ports = reader.objects("com.docker.network.portmap", PortBinding::read);
    (ports, reader.bytes("com.docker.network.endpoint.macaddress").map(|bytes| link_address(&bytes)))
}

/// Bytes as link addresses are written.
pub(super) fn link_address(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn gateways(reader: &mut Reader<'_>) -> (Option<IpAddr>, Option<IpAddr>) {
    reader.required_flag("disableGatewayService");
    (reader.ip("gw"), reader.ip("gw6"))
}

impl Interface {
    fn read(reader: &mut Reader<'_>) -> Interface {
        let mut link_local = Vec::new();
        for text in reader.texts("llAddrs") {
            match text.parse() {
                Ok(address) => link_local.push(address),
                Err(_) => reader.invalid("llAddrs", "addresses such as 169.254.0.9/16", &text),
            }
        }
        Interface {
            mac: reader.text("mac").filter(|mac| !mac.is_empty()),
            address: reader.cidr("addr"),
            address_v6: reader.cidr("addrv6"),
            link_local,
            source: reader.text("srcName").unwrap_or_default(),
            prefix: reader.text("dstPrefix").unwrap_or_default(),
            pool: reader.text("v4PoolID").unwrap_or_default(),
            pool_v6: reader.text("v6PoolID").unwrap_or_default(),
        }
    }
}

impl Fields for Count {
    fn read(reader: &mut Reader<'_>) -> Count {
        Count { count: reader.number("Count").unwrap_or_default() }
    }
}
