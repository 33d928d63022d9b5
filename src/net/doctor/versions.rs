//! What one version of Docker writes and another cannot read.

use std::net::IpAddr;

use super::case::{Case, Findings, key_id};
use super::repair;
use super::rule::{FIRST, Rule, Severity};
use crate::net::address::Cidr;
use crate::net::bridge::BridgeEndpoint;
use crate::net::draft::Operation;
use crate::net::json::Json;
use crate::net::key::{Key, VlanKind};
use crate::net::make;
use crate::net::network::Network;
use crate::net::record::Record;
use crate::net::version::Version;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "object-dns",
        effect: "starts no container: cannot unmarshal object into Go struct field sbState.ExtDNS",
        remedy: "remove the field; the name servers are in ExtDNS2",
        severities: &[(FIRST, Some(Severity::Error)), (Version::new(24, 0), None)],
        find: object_dns,
    },
    Rule {
        code: "missing-ipvlan-flag",
        effect: "panics (23.0.0 alone)",
        remedy: "set the flag to bridge, as every other version takes it",
        severities: &[
            (FIRST, None),
            (Version::new(23, 0), Some(Severity::Fatal)),
            (Version { major: 23, minor: 0, patch: 1 }, None),
        ],
        find: missing_ipvlan_flag,
    },
    Rule {
        code: "ipv6-only-network",
        effect: "panics while it sets up the bridge: it takes every network to have IPv4",
        remedy: "give the network a subnet of IPv4, or remove it",
        severities: &[(FIRST, Some(Severity::Fatal)), (Version::new(28, 0), None)],
        find: ipv6_only_network,
    },
    Rule {
        code: "endpoint-without-address",
        effect: "panics while it takes the endpoint's ports again: nil pointer dereference",
        remedy: "set the address that the endpoint has, else remove the ports that need it",
        severities: &[(FIRST, None), (Version::new(1, 12), Some(Severity::Fatal)), (Version::new(28, 0), None)],
        find: endpoint_without_address,
    },
    Rule {
        code: "empty-interface-field",
        effect: "loses the endpoint's interface and pools without a word: invalid pool id",
        remedy: "remove the empty fields, as versions before 29 write them",
        severities: &[(FIRST, Some(Severity::Error)), (Version::new(29, 0), None)],
        find: empty_interface_field,
    },
];

fn object_dns(case: &Case<'_>, findings: &mut Findings) {
    for sandbox in case.inventory.sandboxes.iter().filter(|sandbox| sandbox.has_object_dns) {
        let key = || sandbox.key().clone();
        let value = |field| sandbox.document().root().get(field).and_then(|value| serde_json::from_str(value.text()).ok());
        let mut mends = vec![Operation::Unset { key: key(), field: "ExtDNS".into() }];
        if let (None, Some(servers)) = (value("ExtDNS2"), value("ExtDNS")) {
            mends.push(Operation::Set { key: key(), field: "ExtDNS2".into(), value: servers });
        }
        findings.note_field(sandbox.key(), "ExtDNS", "has objects in it", mends);
    }
}

fn missing_ipvlan_flag(case: &Case<'_>, findings: &mut Findings) {
    for vlan in case.inventory.vlans.iter().filter(|vlan| matches!(vlan.key(), Key::Vlan(VlanKind::Ipvlan, _))) {
        if vlan.flag.is_none() {
            let mend = Operation::Set { key: vlan.key().clone(), field: "IpvlanFlag".into(), value: "bridge".into() };
            findings.note_field(vlan.key(), "IpvlanFlag", "is missing", vec![mend]);
        }
    }
}

fn ipv6_only_network(case: &Case<'_>, findings: &mut Findings) {
    let mut taken = make::subnets(case.inventory);
    for network in case.inventory.networks.iter().filter(|network| network.driver == "bridge" && !network.config_only) {
        if network.enable_ipv4 == Some(false) {
            let subnet = make::free_subnet(&taken);
            taken.extend(subnet);
            let mends = subnet.map(|subnet| with_ipv4(case, network, subnet)).unwrap_or_default();
            findings.note_field(network.key(), "enableIPv4", format!("network {} has no IPv4", network.name), mends);
        }
    }
}

fn with_ipv4(case: &Case<'_>, network: &Record<Network>, subnet: Cidr) -> Vec<Operation> {
    let gateway: Option<IpAddr> = subnet.nth(1);
    let (_, got) = make::pools(&[(subnet, gateway)]);
    // Docker was to choose, and did.
    let asked = r#"[{"PreferredPool":"","SubPool":"","Gateway":"","AuxAddresses":null}]"#;
    let set =
        |key: &Key, field: &str, value: serde_json::Value| Operation::Set { key: key.clone(), field: field.into(), value };
    let key = network.key();
    let mut mends =
        vec![set(key, "enableIPv4", true.into()), set(key, "ipamV4Config", asked.into()), set(key, "ipamV4Info", got.into())];
    let option = "com.docker.network.enable_ipv4";
    let generic = network.document().root().get("generic");
    if generic.and_then(|generic| generic.get(option)).is_some() {
        mends.push(set(key, &format!("generic.{option}"), true.into()));
    }
    let bridge = case.inventory.bridge_of(key_id(network)).or_else(|| case.inventory.bridge_of(&network.id));
    if let Some(bridge) = bridge {
        mends.push(set(bridge.key(), "EnableIPv4", true.into()));
        let address = gateway.map(|gateway| format!("{gateway}/{}", subnet.prefix()));
        mends.extend(address.map(|address| set(bridge.key(), "AddressIPv4", address.into())));
    }
    mends
}

fn endpoint_without_address(case: &Case<'_>, findings: &mut Findings) {
    // One whose address cannot be read is another rule's matter, and so is one that belongs to nobody.
    let without = |record: &&Record<BridgeEndpoint>| {
        record.address.is_none() && record.flaws().is_empty() && case.network_of(&record.id).is_some()
    };
    for record in case.inventory.bridge_endpoints.iter().filter(without) {
        let ports = record.document().root().get("ExternalConnConfig");
        let has = |field| ports.and_then(|ports| ports.get(field)).is_some_and(|list| !list.is_null());
        if has("ExposedPorts") && has("PortBindings") {
            let mends = repair::address(case, record.key());
            findings.note_field(record.key(), "Addr", "is missing, and there are ports that lead to it", mends);
        }
    }
}

fn empty_interface_field(case: &Case<'_>, findings: &mut Findings) {
    for endpoint in &case.inventory.endpoints {
        let interface = endpoint.document().root().get("ep_iface");
        let is_empty = |field: &&str| {
            let text = interface.and_then(|interface| interface.get(field)).and_then(Json::as_str);
            text.is_some_and(|text| text.is_empty())
        };
        let empty: Vec<&str> = ["mac", "addr", "addrv6"].into_iter().filter(is_empty).collect();
        if !empty.is_empty() {
            let unset = |field: &&str| Operation::Unset { key: endpoint.key().clone(), field: format!("ep_iface.{field}") };
            let message = format!("endpoint {}: {} there and empty", endpoint.name, empty.join(", "));
            findings.note_field(endpoint.key(), "ep_iface", message, empty.iter().map(unset).collect());
        }
    }
}
