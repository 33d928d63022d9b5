//! Networks that only their driver knows of, and networks that their driver does not know.

use super::case::{Case, Findings, key_id};
use super::rule::{FIRST, Rule, Severity};
use crate::net::draft::Operation;
use crate::net::key::{Key, VlanKind};
use crate::net::make;
use crate::net::version::Version;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "orphan-docker0",
        effect: "does not start: networks have same bridge name (17.12 to 24 remove the record themselves)",
        remedy: "delete this one record; docker makes its default bridge anew with every start",
        severities: &[
            (FIRST, Some(Severity::Note)),
            (Version::new(1, 12), Some(Severity::Fatal)),
            (Version::new(17, 12), Some(Severity::Warning)),
            (Version::new(25, 0), Some(Severity::Fatal)),
        ],
        find: orphan_docker0,
    },
    Rule {
        code: "orphan-bridge",
        effect: "makes the hidden bridge again with every start; its subnet is taken: networks have overlapping IPv4",
        remedy: "delete the record",
        severities: &[(FIRST, Some(Severity::Error))],
        find: orphan_bridge,
    },
    Rule {
        code: "orphan-vlan",
        effect: "refuses networks on the interface: network ... is already using parent interface",
        remedy: "delete the record",
        severities: &[(FIRST, Some(Severity::Error))],
        find: orphan_vlan,
    },
    Rule {
        code: "missing-driver-record",
        effect: "lists the network, and starts no container in it: network ... does not exist",
        remedy: "make the driver's record again from that of the network, or remove the network",
        severities: &[(FIRST, Some(Severity::Error))],
        find: missing_driver_record,
    },
];

fn delete(key: &Key) -> Vec<Operation> {
    vec![Operation::Delete { key: key.to_string().into_bytes() }]
}

fn orphan_docker0(case: &Case<'_>, findings: &mut Findings) {
    for bridge in orphans(case).filter(|bridge| bridge.default_bridge) {
        let message = format!("the record of {} without its network", bridge.bridge_name);
        findings.note(bridge.key(), message, delete(bridge.key()));
    }
}

fn orphan_bridge(case: &Case<'_>, findings: &mut Findings) {
    for bridge in orphans(case).filter(|bridge| !bridge.default_bridge) {
        let subnet = bridge.address.or(bridge.address_v6).map(|address| format!(" ({})", address.subnet())).unwrap_or_default();
        let message = format!("the record of {}{subnet} without its network", bridge.bridge_name);
        findings.note(bridge.key(), message, delete(bridge.key()));
    }
}

fn orphans<'c>(case: &'c Case<'_>) -> impl Iterator<Item = &'c crate::net::Record<crate::net::Bridge>> {
    let is_known = |id: &str| case.has_network(id);
    case.inventory.bridges.iter().filter(move |bridge| !is_known(&bridge.id) && !bridge.key().network().is_some_and(is_known))
}

fn orphan_vlan(case: &Case<'_>, findings: &mut Findings) {
    for vlan in &case.inventory.vlans {
        let Key::Vlan(kind, id) = vlan.key() else { continue };
        if !case.has_network(id) && !case.has_network(&vlan.id) {
            let message = format!("the record of a {kind} network on {} without its network", vlan.parent);
            findings.note(vlan.key(), message, delete(vlan.key()));
        }
    }
}

fn missing_driver_record(case: &Case<'_>, findings: &mut Findings) {
    let old = case.target < Version::new(1, 12);
    for network in &case.inventory.networks {
        let is_kept = network.scope == "local" && !network.config_only && !network.in_delete;
        let has = match network.driver.as_str() {
            // Before 1.12 the record of docker0 is not written.
            "bridge" => (old && network.is_default_bridge()) || case.has_for(network, Key::Bridge),
            "macvlan" => has_vlan(case, network, VlanKind::Macvlan, old),
            "ipvlan" => has_vlan(case, network, VlanKind::Ipvlan, old),
            _ => true,
        };
        if !has
            && is_kept
            && let Some((key, value)) = make::driver_record(key_id(network), network)
        {
            let message = format!("network {} without the record of its driver, {}", network.name, network.driver);
            findings.note(network.key(), message, vec![Operation::Put { key, value }]);
        }
    }
}

fn has_vlan(case: &Case<'_>, network: &crate::net::Record<crate::net::Network>, kind: VlanKind, old: bool) -> bool {
    case.has_for(network, |id| Key::Vlan(kind, id)) || old && case.has_for(network, |id| Key::OldVlan(kind, id))
}
