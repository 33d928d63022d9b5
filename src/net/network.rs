//! Networks: `network/<id>/`, and the address pools in them.

use super::address::Cidr;
use super::fields::{Fields, Reader};

/// A network as the daemon keeps it. Names of fields that are not explained are docker's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Network {
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// Its name, which need not be the only one of its kind.
    pub name: String,
    /// The driver: `bridge`, `macvlan`, `ipvlan`, `host`, `null`, `overlay`, or a plugin's name.
    pub driver: String,
    /// `local`, `global` or `swarm`.
    pub scope: String,
    /// When it was made, as Go writes times; since 1.13.
    pub created: Option<String>,
    /// Whether it has IPv4; since 28, before that all have.
    pub enable_ipv4: Option<bool>,
    /// Whether it has IPv6.
    pub enable_ipv6: bool,
    /// Whether it leads nowhere but to itself.
    pub internal: bool,
    /// Whether containers may be attached to it by hand, where it is a swarm's.
    pub attachable: bool,
    /// Whether it is a swarm's network for what comes in.
    pub ingress: bool,
    /// Whether it is nothing but a configuration for others.
    pub config_only: bool,
    /// The *name* of the network that it takes its configuration from.
    pub config_from: Option<String>,
    /// Whether it was being deleted.
    pub in_delete: bool,
    /// The name of the address management: `default`, `null`, a plugin's.
    pub ipam_driver: String,
    /// The address management's options; `None` where the record says null.
    pub ipam_options: Option<Vec<(String, String)>>,
    /// The address space of its pools.
    pub address_space: String,
    /// What was asked for, IPv4.
    pub requested_v4: Vec<PoolRequest>,
    /// What was asked for, IPv6.
    pub requested_v6: Vec<PoolRequest>,
    /// What it got, IPv4.
    pub pools_v4: Vec<Pool>,
    /// What it got, IPv6.
    pub pools_v6: Vec<Pool>,
    /// The driver's options.
    pub options: Vec<(String, String)>,
    /// Its labels.
    pub labels: Vec<(String, String)>,
}

/// Addresses that a network was asked to have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolRequest {
    /// The network; empty where docker was to choose.
    pub subnet: String,
    /// The part of it that containers get addresses from; empty where that is all of it.
    pub range: String,
    /// The gateway; empty where docker was to choose.
    pub gateway: String,
    /// Addresses that are taken already, by name.
    pub auxiliary: Vec<(String, String)>,
}

/// Addresses that a network has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Pool {
    /// The pool's name in the address management: `SPACE/SUBNET` or `SPACE/SUBNET/RANGE`.
    pub id: String,
    /// The address space.
    pub address_space: String,
    /// The network.
    pub subnet: Option<Cidr>,
    /// The gateway.
    pub gateway: Option<Cidr>,
    /// Addresses that are taken already, by name.
    pub auxiliary: Vec<(String, Cidr)>,
}

impl Network {
    /// The pools of both families, IPv4 first.
    pub fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.pools_v4.iter().chain(&self.pools_v6)
    }

    /// The subnets that it has.
    pub fn subnets(&self) -> impl Iterator<Item = Cidr> {
        self.pools().filter_map(|pool| pool.subnet)
    }

    /// The value of one of the driver's options.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether docker makes it by itself with every start.
    pub fn is_predefined(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "host" | "none")
    }

    /// Whether it is the one behind docker0, which is made anew with every start.
    pub fn is_default_bridge(&self) -> bool {
        self.option("com.docker.network.bridge.default_bridge") == Some("true")
    }
}

impl Pool {
    /// The part of the subnet that containers get addresses from, where the pool's id names one.
    pub fn range(&self) -> Option<Cidr> {
        let (_, rest) = self.id.split_once('/')?;
        let parts: Vec<&str> = rest.split('/').collect();
        match *parts {
            [_, _, network, length] => format!("{network}/{length}").parse().ok(),
            _ => None,
        }
    }
}

impl Fields for Network {
    fn read(reader: &mut Reader<'_>) -> Network {
        let options = |reader: &mut Reader<'_>| reader.map("com.docker.network.generic").unwrap_or_default();
        Network {
            id: reader.required_text("id"),
            name: reader.required_text("name"),
            driver: reader.required_text("networkType"),
            scope: reader.text("scope").unwrap_or_else(|| "local".into()),
            created: reader.text("created"),
            enable_ipv4: reader.flag("enableIPv4"),
            enable_ipv6: reader.required_flag("enableIPv6"),
            internal: reader.flag("internal").unwrap_or_default(),
            attachable: reader.flag("attachable").unwrap_or_default(),
            ingress: reader.flag("ingress").unwrap_or_default(),
            config_only: reader.flag("configOnly").unwrap_or_default(),
            config_from: reader.text("configFrom").filter(|name| !name.is_empty()),
            in_delete: reader.flag("inDelete").unwrap_or_default(),
            ipam_driver: reader.text("ipamType").unwrap_or_else(|| "default".into()),
            ipam_options: reader.map("ipamOptions"),
            address_space: reader.text("addrSpace").unwrap_or_default(),
            requested_v4: reader.embedded_objects("ipamV4Config", PoolRequest::read),
            requested_v6: reader.embedded_objects("ipamV6Config", PoolRequest::read),
            pools_v4: reader.embedded_objects("ipamV4Info", Pool::read),
            pools_v6: reader.embedded_objects("ipamV6Info", Pool::read),
            options: reader.object("generic", options).unwrap_or_default(),
            labels: reader.map("labels").unwrap_or_default(),
        }
    }
}

impl PoolRequest {
    fn read(reader: &mut Reader<'_>) -> PoolRequest {
        PoolRequest {
            subnet: reader.text("PreferredPool").unwrap_or_default(),
            range: reader.text("SubPool").unwrap_or_default(),
            gateway: reader.text("Gateway").unwrap_or_default(),
            auxiliary: reader.map("AuxAddresses").unwrap_or_default(),
        }
    }
}

impl Pool {
    fn read(reader: &mut Reader<'_>) -> Pool {
        let id = reader.required_text("PoolID");
        let data = reader.embedded("IPAMData", |reader| Pool {
            id: String::new(),
            address_space: reader.required_text("AddressSpace"),
            subnet: reader.cidr("Pool"),
            gateway: reader.cidr("Gateway"),
            auxiliary: auxiliary(reader),
        });
        Pool { id, ..data.unwrap_or_default() }
    }
}

fn auxiliary(reader: &mut Reader<'_>) -> Vec<(String, Cidr)> {
    let mut addresses = Vec::new();
    for (name, text) in reader.map("AuxAddresses").unwrap_or_default() {
        match text.parse() {
            Ok(address) => addresses.push((name, address)),
            Err(_) => reader.invalid("AuxAddresses", "addresses such as 10.77.0.9/24", &text),
        }
    }
    addresses
}
