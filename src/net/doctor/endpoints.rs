//! Endpoints, the sandboxes that they are in, and what their drivers keep of them: none without the others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::case::{Case, Findings};
use super::rule::{FIRST, Rule, Severity};
use crate::net::draft::Operation;
use crate::net::endpoint::Endpoint;
use crate::net::json::go_json;
use crate::net::key::Key;
use crate::net::record::Record;
use crate::net::sandbox::Sandbox;
use crate::net::version::Version;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "orphan-endpoint",
        effect: "never comes across it, so that it stays for ever",
        remedy: "remove the endpoint",
        severities: &[(FIRST, Some(Severity::Warning))],
        find: orphan_endpoint,
    },
    Rule {
        code: "stale-endpoint",
        effect: "has active endpoints; endpoint with name ... already exists in network ...",
        remedy: "remove the endpoint",
        severities: &[(FIRST, Some(Severity::Error))],
        find: stale_endpoint,
    },
    Rule {
        code: "missing-endpoint",
        effect: "cannot restore the sandbox and tears it down at the next start",
        remedy: "take the endpoint out of the sandbox",
        severities: &[(FIRST, Some(Severity::Warning))],
        find: missing_endpoint,
    },
    Rule {
        code: "endpoint-not-in-sandbox",
        effect: "does not take the endpoint down with its sandbox",
        remedy: "put the endpoint into its sandbox's list",
        severities: &[(FIRST, Some(Severity::Warning))],
        find: endpoint_not_in_sandbox,
    },
    Rule {
        code: "orphan-driver-endpoint",
        effect: "keeps the endpoint's host ports taken until the next start: port is already allocated",
        remedy: "delete the record",
        severities: &[(FIRST, Some(Severity::Error))],
        find: orphan_driver_endpoint,
    },
    Rule {
        code: "missing-driver-endpoint",
        effect: "cannot restore the endpoint, nor release its ports",
        remedy: "make the driver's record again from that of the endpoint",
        severities: &[(FIRST, None), (Version::new(1, 12), Some(Severity::Warning))],
        find: missing_driver_endpoint,
    },
];

fn removal(endpoint: &Record<Endpoint>) -> Vec<Operation> {
    match endpoint.key() {
        Key::Endpoint { network, endpoint } => {
            vec![Operation::RemoveEndpoint { network: network.clone(), endpoint: endpoint.clone() }]
        }
        _ => Vec::new(),
    }
}

fn orphan_endpoint(case: &Case<'_>, findings: &mut Findings) {
    for endpoint in &case.inventory.endpoints {
        if let Some(network) = endpoint.key().network().filter(|network| !case.has_network(network)) {
            let message = format!("endpoint {} of network {network}, which is not there", endpoint.name);
            findings.note(endpoint.key(), message, removal(endpoint));
        }
    }
}

fn stale_endpoint(case: &Case<'_>, findings: &mut Findings) {
    for endpoint in
        case.inventory.endpoints.iter().filter(|endpoint| endpoint.key().network().is_some_and(|id| case.has_network(id)))
    {
        let message = match endpoint.sandbox.as_str() {
            "" => format!("endpoint {} is in no sandbox", endpoint.name),
            sandbox if !case.has(&Key::Sandbox(sandbox.into())) => {
                format!("endpoint {} is in sandbox {sandbox}, which is not there", endpoint.name)
            }
            _ => continue,
        };
        findings.note(endpoint.key(), message, removal(endpoint));
    }
}

fn missing_endpoint(case: &Case<'_>, findings: &mut Findings) {
    for sandbox in &case.inventory.sandboxes {
        // From the end on, so that the others keep their places.
        for (index, place) in sandbox.endpoints.iter().enumerate().rev() {
            if case.network_of(&place.endpoint).is_none() {
                let (key, field) = (sandbox.key().clone(), format!("Eps[{index}]"));
                let priority = Operation::Unset { key: key.clone(), field: format!("EpPriority.{}", place.endpoint) };
                let has_priority =
                    sandbox.document().root().get("EpPriority").and_then(|all| all.get(&place.endpoint)).is_some();
                let mut mends = vec![Operation::Unset { key, field: field.clone() }];
                mends.extend(has_priority.then_some(priority));
                let message = format!("is endpoint {}, which is not there", place.endpoint);
                findings.note_field(sandbox.key(), &field, message, mends);
            }
        }
    }
}

fn endpoint_not_in_sandbox(case: &Case<'_>, findings: &mut Findings) {
    let mut missing: BTreeMap<&Key, (&Record<Sandbox>, Vec<&Record<Endpoint>>)> = BTreeMap::new();
    for endpoint in &case.inventory.endpoints {
        let Some(sandbox) = case.inventory.sandbox(&endpoint.sandbox) else { continue };
        let is_it = |id: &str| id == endpoint.id || endpoint.key().endpoint() == Some(id);
        if !sandbox.endpoints.iter().any(|place| is_it(&place.endpoint)) {
            missing.entry(sandbox.key()).or_insert((sandbox, Vec::new())).1.push(endpoint);
        }
    }
    for (key, (sandbox, endpoints)) in missing {
        let place = |endpoint: &str, network: &str| json!({ "Eid": endpoint, "Nid": network });
        let mut all: Vec<Value> = sandbox.endpoints.iter().map(|found| place(&found.endpoint, &found.network)).collect();
        let ids = |endpoint: &&Record<Endpoint>| Some(place(endpoint.key().endpoint()?, endpoint.key().network()?));
        all.extend(endpoints.iter().filter_map(ids));
        let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        let mend = Operation::Set { key: key.clone(), field: "Eps".into(), value: all.into() };
        let message = format!("not in the list, but in the sandbox: endpoint {}", names.join(", "));
        findings.note_field(key, "Eps", message, vec![mend]);
    }
}

fn orphan_driver_endpoint(case: &Case<'_>, findings: &mut Findings) {
    let bridges = case.inventory.bridge_endpoints.iter().map(|record| (record.key(), &record.id, ports(&record.ports)));
    let vlans = case.inventory.vlan_endpoints.iter().map(|record| (record.key(), &record.id, String::new()));
    let windows = case.inventory.windows_endpoints.iter().map(|record| (record.key(), &record.id, ports(&record.ports)));
    for (key, id, ports) in bridges.chain(vlans).chain(windows) {
        let is_there = case.network_of(id).is_some() || key.endpoint().is_some_and(|id| case.network_of(id).is_some());
        if !is_there {
            let mend = Operation::Delete { key: key.to_string().into_bytes() };
            findings.note(key, format!("what the driver keeps of an endpoint that is not there{ports}"), vec![mend]);
        }
    }
}

fn ports(bindings: &[crate::net::PortBinding]) -> String {
    let mut ports: Vec<String> = bindings.iter().map(|port| format!("{}/{}", port.host_port, port.protocol)).collect();
    ports.dedup();
    if ports.is_empty() { String::new() } else { format!(", with host port {}", ports.join(", ")) }
}

fn missing_driver_endpoint(case: &Case<'_>, findings: &mut Findings) {
    for endpoint in &case.inventory.endpoints {
        let Some(key) = case.driver_endpoint(endpoint).filter(|key| !case.has(key)) else { continue };
        let in_record = match &key {
            Key::BridgeEndpoint(_) => Key::BridgeEndpoint(endpoint.id.clone()),
            Key::VlanEndpoint(kind, _) => Key::VlanEndpoint(*kind, endpoint.id.clone()),
            _ => continue,
        };
        // Without an interface there is nothing that a driver could know.
        let Some(interface) = endpoint.interface.as_ref().filter(|_| !case.has(&in_record)) else { continue };
        let mut record = serde_json::Map::new();
        let mut set = |name: &str, value: Option<String>| value.map(|value| record.insert(name.into(), value.into()));
        set("Addr", interface.address.map(|address| address.to_string()));
        set("Addrv6", interface.address_v6.map(|address| address.to_string()));
        set("MacAddress", interface.mac.clone());
        set("SrcName", Some(interface.source.clone()));
        set("id", key.endpoint().map(str::to_owned));
        set("nid", endpoint.key().network().map(str::to_owned));
        let message = format!("endpoint {} without the record of its driver", endpoint.name);
        findings.note(endpoint.key(), message, vec![Operation::Put { key, value: go_json(&Value::Object(record)) }]);
    }
}
