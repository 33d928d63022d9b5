//! What two may not have at once: names, bridges, subnets, addresses, ports.
//!
//! Names and bridges are mended, for nobody outside of the file knows networks by them. Which of two networks gives up
//! its subnet, and which of two containers is cut off from its network, no record tells: what is right depends on who
//! uses the addresses. So that is left to people, with the command that does it for either.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use super::case::{Case, Findings, key_id};
use super::rule::{FIRST, Rule, Severity};
use crate::net::address::Cidr;
use crate::net::bridge::Bridge;
use crate::net::draft::Operation;
use crate::net::make;
use crate::net::network::Network;
use crate::net::record::Record;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "duplicate-name",
        effect: "refuses the name: network ... is ambiguous (2 matches found on name)",
        remedy: "give the later one another name (net set --name), or remove it; containers know networks by id",
        severities: &[(FIRST, Some(Severity::Error))],
        find: duplicate_name,
    },
    Rule {
        code: "duplicate-bridge-name",
        effect: "brings up one of them only: networks have same bridge name",
        remedy: "give the later one a bridge of its own",
        severities: &[(FIRST, Some(Severity::Error))],
        find: duplicate_bridge_name,
    },
    Rule {
        code: "overlapping-subnets",
        effect: "brings up one of them only: pool overlaps with other one on this address space",
        remedy: "give one of them another subnet: net set FILE NETWORK --subnet OLD=NEW",
        severities: &[(FIRST, Some(Severity::Error))],
        find: overlapping_subnets,
    },
    Rule {
        code: "duplicate-address",
        effect: "restores one of the endpoints only: address already in use",
        remedy: "remove one of the endpoints (net rm endpoint); its container gets a new one when it starts",
        severities: &[(FIRST, Some(Severity::Error))],
        find: duplicate_address,
    },
    Rule {
        code: "duplicate-mac",
        effect: "delivers packets to either of the endpoints",
        remedy: "remove one of the endpoints (net rm endpoint); its container gets a new one when it starts",
        severities: &[(FIRST, Some(Severity::Warning))],
        find: duplicate_mac,
    },
    Rule {
        code: "duplicate-host-port",
        effect: "gives the port to one of them only: port is already allocated",
        remedy: "remove one of the endpoints (net rm endpoint), or the port from both (net rm port)",
        severities: &[(FIRST, Some(Severity::Error))],
        find: duplicate_host_port,
    },
];

/// Docker's own names, more of which come with every start that fails.
const LEAKED: [&str; 2] = ["none", "host"];

fn duplicate_name(case: &Case<'_>, findings: &mut Findings) {
    let mut named: BTreeMap<&str, Vec<&Record<Network>>> = BTreeMap::new();
    case.inventory.networks.iter().for_each(|network| named.entry(&network.name).or_default().push(network));
    let names: HashSet<&str> = named.keys().copied().collect();
    for (name, mut networks) in named.clone().into_iter().filter(|(_, networks)| networks.len() > 1) {
        networks.sort_by_key(|network| (network.created.clone(), key_id(network).to_owned()));
        let first = networks.first().map(|network| key_id(network)).unwrap_or_default();
        for network in networks.iter().skip(1) {
            let id = key_id(network);
            let in_use = case.inventory.endpoints_of(id).next().is_some();
            let new = format!("{name}-{}", make::short(id));
            let mend = match LEAKED.contains(&name) && !in_use {
                true => Some(Operation::RemoveNetwork(id.into())),
                false if network.is_default_bridge() || names.contains(new.as_str()) => None,
                false => Some(Operation::Set { key: network.key().clone(), field: "name".into(), value: new.into() }),
            };
            let message = format!("{name} is the name of network {first} too");
            findings.note_field(network.key(), "name", message, mend.into_iter().collect());
        }
    }
}

fn duplicate_bridge_name(case: &Case<'_>, findings: &mut Findings) {
    let mut named: HashMap<&str, &str> = HashMap::new();
    let taken: HashSet<&str> = case.inventory.bridges.iter().map(|bridge| bridge.bridge_name.as_str()).collect();
    // Orphans are other rules' matter. docker0 keeps its name, and so does what was given one by hand.
    let name = "com.docker.network.bridge.name";
    let is_given = |bridge: &Record<Bridge>| {
        case.inventory.network(&bridge.id).is_some_and(|network| network.option(name) == Some(&bridge.bridge_name))
    };
    let mut bridges: Vec<_> = case.inventory.bridges.iter().filter(|bridge| case.has_network(&bridge.id)).collect();
    bridges.sort_by_key(|bridge| (!bridge.default_bridge, !is_given(bridge)));
    for bridge in bridges {
        let Some(first) = named.insert(&bridge.bridge_name, &bridge.id) else { continue };
        let new = format!("br-{}", make::short(&bridge.id));
        let mut mends = Vec::new();
        if !taken.contains(new.as_str()) && !bridge.default_bridge {
            mends.push(Operation::Set { key: bridge.key().clone(), field: "BridgeName".into(), value: new.into() });
            let network = case.inventory.network(&bridge.id).filter(|network| network.option(name).is_some());
            let field = format!("generic.com.docker.network.generic.{name}");
            mends.extend(network.map(|network| Operation::Unset { key: network.key().clone(), field }));
        }
        let message = format!("{} is the bridge of network {first} too", bridge.bridge_name);
        findings.note_field(bridge.key(), "BridgeName", message, mends);
        named.insert(&bridge.bridge_name, first);
    }
}

fn overlapping_subnets(case: &Case<'_>, findings: &mut Findings) {
    let is_counted = |network: &&Record<Network>| !network.config_only && network.ipam_driver == "default";
    let networks = case.inventory.networks.iter().filter(is_counted);
    let mut subnets: Vec<(Cidr, &Record<Network>)> =
        networks.flat_map(|network| network.subnets().map(move |subnet| (subnet.subnet(), network))).collect();
    // Sorted by their first address, a subnet overlaps whichever reaches farthest of those before it, if any.
    subnets.sort_by_key(|(subnet, _)| (subnet.first(), subnet.prefix()));
    let mut widest: Option<(Cidr, &Record<Network>)> = None;
    for (subnet, network) in subnets {
        match widest {
            Some((before, other)) if before.overlaps(subnet) => {
                let message = format!("network {}: {subnet} overlaps {before} of network {}", network.name, other.name);
                findings.note(network.key(), message, Vec::new());
            }
            _ => widest = Some((subnet, network)),
        }
    }
}

fn duplicate_address(case: &Case<'_>, findings: &mut Findings) {
    let mut seen: HashMap<(&str, IpAddr), String> = HashMap::new();
    for network in &case.inventory.networks {
        for pool in network.pools() {
            let kept = pool.auxiliary.iter().map(|(name, kept)| (kept.address(), format!("is kept for {name}")));
            let gateway = pool.gateway.iter().map(|gateway| (gateway.address(), "the gateway has too".to_owned()));
            seen.extend(kept.chain(gateway).map(|(address, whose)| ((key_id(network), address), whose)));
        }
    }
    for endpoint in &case.inventory.endpoints {
        let network = endpoint.key().network().unwrap_or_default();
        for address in endpoint.addresses().map(Cidr::address) {
            if let Some(other) = seen.insert((network, address), format!("endpoint {} has too", endpoint.name)) {
                let message = format!("endpoint {} has {address}, which {other}", endpoint.name);
                findings.note_field(endpoint.key(), "ep_iface.addr", message, Vec::new());
            }
        }
    }
}

fn duplicate_mac(case: &Case<'_>, findings: &mut Findings) {
    let mut seen: HashMap<(&str, &str), &str> = HashMap::new();
    for endpoint in &case.inventory.endpoints {
        let (Some(network), Some(mac)) = (endpoint.key().network(), endpoint.mac()) else { continue };
        // All of an ipvlan network have the link address of its parent.
        if case.inventory.network(network).is_some_and(|network| network.driver == "ipvlan") {
            continue;
        }
        if let Some(other) = seen.insert((network, mac), &endpoint.name) {
            let message = format!("endpoint {} has {mac}, which endpoint {other} has too", endpoint.name);
            findings.note_field(endpoint.key(), "ep_iface.mac", message, Vec::new());
        }
    }
}

fn duplicate_host_port(case: &Case<'_>, findings: &mut Findings) {
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let mut seen: HashMap<(u8, u16), Vec<(IpAddr, &str)>> = HashMap::new();
    // What belongs to no endpoint is another rule's matter.
    let live = case.inventory.bridge_endpoints.iter().filter(|record| case.network_of(&record.id).is_some());
    for record in live {
        for port in record.ports.iter().filter(|port| port.host_port != 0) {
            let address = port.host_address.unwrap_or(any);
            let clashes = |other: IpAddr| {
                other == address || other.is_ipv4() == address.is_ipv4() && (other.is_unspecified() || address.is_unspecified())
            };
            let others = seen.entry((port.protocol.0, port.host_port)).or_default();
            let other = others.iter().find(|(other, id)| *id != record.id && clashes(*other)).map(|(_, id)| *id);
            others.push((address, &record.id));
            if let Some(other) = other {
                let message = format!("host port {}/{} is endpoint {other}'s too", port.host_port, port.protocol);
                findings.note_field(record.key(), "PortMapping", message, Vec::new());
            }
        }
    }
}
