//! Records made anew, with the fields that every version reads: a missing optional field is safer than a new one, and
//! one that no version can do without is always there.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value, json};

use super::address::{Cidr, NIL};
use super::inventory::Inventory;
use super::json::go_json;
use super::key::{Key, VlanKind};
use super::network::{Network, Pool};

/// The address space of everything that is in this file.
pub(super) const SPACE: &str = "LocalDefault";

/// As much of an id as docker shows, and puts into the names of interfaces.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// An empty count.
pub(super) fn count(endpoints: u64) -> String {
    format!("{{\"Count\":{endpoints}}}")
}

/// What the driver of a network would keep of it, by what the core keeps; `None` where it keeps nothing.
pub(super) fn driver_record(id: &str, network: &Network) -> Option<(Key, String)> {
    match network.driver.as_str() {
        "bridge" => Some((Key::Bridge(id.into()), bridge(id, network))),
        "macvlan" => Some((Key::Vlan(VlanKind::Macvlan, id.into()), vlan(id, network, VlanKind::Macvlan))),
        "ipvlan" => Some((Key::Vlan(VlanKind::Ipvlan, id.into()), vlan(id, network, VlanKind::Ipvlan))),
        _ => None,
    }
}

/// The name of a bridge network's interface on the host.
pub(super) fn bridge_name(id: &str, network: Option<&Network>) -> String {
    let given = network.and_then(|network| network.option("com.docker.network.bridge.name"));
    given.filter(|name| !name.is_empty()).map_or_else(|| format!("br-{}", short(id)), str::to_owned)
}

fn bridge(id: &str, network: &Network) -> String {
    let option = |name: &str| network.option(&format!("com.docker.network.{name}"));
    let flag = |name: &str, default: bool| option(name).map_or(default, |value| value == "true");
    let gateway = |pools: &[Pool]| pools.first().and_then(|pool| pool.gateway).map(|gateway| gateway.to_string());
    let mut record = Map::new();
    let mut set = |name: &str, value: Value| drop(record.insert(name.into(), value));
    if let Some(address) = gateway(&network.pools_v4) {
        set("AddressIPv4", address.into());
    }
    if let Some(address) = gateway(&network.pools_v6) {
        set("AddressIPv6", address.into());
    }
    set("BridgeIfaceCreator", u8::from(!network.is_default_bridge()).into());
    set("BridgeName", bridge_name(id, Some(network)).into());
    set("ContainerIfacePrefix", option("container_iface_prefix").unwrap_or_default().into());
    let binding = option("bridge.host_binding_ipv4").filter(|address| address.parse::<IpAddr>().is_ok());
    set("DefaultBindingIP", binding.unwrap_or(NIL).into());
    set("DefaultBridge", network.is_default_bridge().into());
    set("DefaultGatewayIPv4", NIL.into());
    set("DefaultGatewayIPv6", NIL.into());
    set("EnableICC", flag("bridge.enable_icc", true).into());
    set("EnableIPMasquerade", flag("bridge.enable_ip_masquerade", true).into());
    if let Some(enabled) = network.enable_ipv4 {
        set("EnableIPv4", enabled.into());
    }
    set("EnableIPv6", network.enable_ipv6.into());
    set("ID", id.into());
    set("Internal", network.internal.into());
    set("Mtu", option("driver.mtu").and_then(|mtu| mtu.parse::<u32>().ok()).unwrap_or(0).into());
    go_json(&Value::Object(record))
}

fn vlan(id: &str, network: &Network, kind: VlanKind) -> String {
    let subnets = |pools: &[Pool]| -> Option<String> {
        let subnets = pools.iter().filter_map(|pool| {
            let gateway = pool.gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
            Some(json!({ "SubnetIP": pool.subnet?.to_string(), "GwIP": gateway }))
        });
        let subnets: Vec<Value> = subnets.collect();
        (!subnets.is_empty()).then(|| go_json(&Value::Array(subnets)))
    };
    let parent = network.option("parent").filter(|parent| !parent.is_empty());
    let mut record = Map::new();
    let mut set = |name: &str, value: Value| drop(record.insert(name.into(), value));
    // Without a parent docker makes one of this name.
    set("CreatedSubIface", parent.is_none().into());
    set("ID", id.into());
    set("Internal", network.internal.into());
    if let Some(subnets) = subnets(&network.pools_v4) {
        set("Ipv4Subnets", subnets.into());
    }
    if let Some(subnets) = subnets(&network.pools_v6) {
        set("Ipv6Subnets", subnets.into());
    }
    match kind {
        VlanKind::Ipvlan => {
            set("IpvlanFlag", network.option("ipvlan_flag").unwrap_or("bridge").into());
            set("IpvlanMode", network.option("ipvlan_mode").unwrap_or("l2").into());
        }
        VlanKind::Macvlan => set("MacvlanMode", network.option("macvlan_mode").unwrap_or("bridge").into()),
    }
    set("Mtu", network.option("com.docker.network.driver.mtu").and_then(|mtu| mtu.parse::<u32>().ok()).unwrap_or(0).into());
    set("Parent", parent.map_or_else(|| format!("dm-{}", short(id)), str::to_owned).into());
    go_json(&Value::Object(record))
}

/// A network's pools as the core keeps them: what was asked for, and what it got.
pub(super) fn pools(pools: &[(Cidr, Option<IpAddr>)]) -> (String, String) {
    let asked = pools.iter().map(|(subnet, gateway)| {
        let gateway = gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
        json!({ "PreferredPool": subnet.subnet().to_string(), "SubPool": "", "Gateway": gateway, "AuxAddresses": null })
    });
    let got = pools.iter().map(|(subnet, gateway)| {
        let (subnet, gateway) = (subnet.subnet(), gateway.or_else(|| subnet.nth(1)));
        let gateway = gateway.map(|gateway| format!("{gateway}/{}", subnet.prefix())).unwrap_or_default();
        let data = go_json(&json!({ "AddressSpace": SPACE, "Gateway": gateway, "Pool": subnet.to_string() }));
        json!({ "IPAMData": data, "PoolID": format!("{SPACE}/{subnet}") })
    });
    (go_json(&Value::Array(asked.collect())), go_json(&Value::Array(got.collect())))
}

/// The first of docker's own pools that no network has addresses of.
pub(super) fn free_subnet(taken: &[Cidr]) -> Option<Cidr> {
    let wide = (17..32).map(|second| (Ipv4Addr::new(172, second, 0, 0), 16));
    let narrow = (0..16).map(|third| (Ipv4Addr::new(192, 168, third * 16, 0), 20));
    let pools = wide.chain(narrow).filter_map(|(address, prefix)| Cidr::new(address.into(), prefix));
    // The first one is that of docker0, which is made with every start.
    pools.skip(1).find(|pool| !taken.iter().any(|taken| taken.overlaps(*pool)))
}

/// All subnets of an inventory, those that only a driver knows of too.
pub(super) fn subnets(inventory: &Inventory) -> Vec<Cidr> {
    let networks = inventory.networks.iter().flat_map(|network| network.subnets());
    let bridges = inventory.bridges.iter().flat_map(|bridge| [bridge.address, bridge.address_v6]).flatten();
    let vlans = inventory.vlans.iter().flat_map(|vlan| vlan.subnets.iter().chain(&vlan.subnets_v6));
    networks.chain(bridges).chain(vlans.filter_map(|subnet| subnet.subnet)).collect()
}
