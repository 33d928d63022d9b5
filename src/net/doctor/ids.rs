//! Ids that are in a key and in the record under it, and have to be the same.

use super::case::{Case, Findings, key_id};
use super::rule::{FIRST, Rule, Severity};
use crate::net::draft::Operation;
use crate::net::key::{Key, VlanKind};
use crate::net::network::Network;
use crate::net::record::Record;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "key-id-mismatch",
        effect: "finds the object under the id in the record and writes it there, so that this key stays for ever",
        remedy: "set the id in the record to that of its key, or move the record to the key that the others have",
        severities: &[(FIRST, Some(Severity::Error))],
        find: key_id_mismatch,
    },
    Rule {
        code: "network-id-mismatch",
        effect: "looks for the network of the endpoint where it is not",
        remedy: "set the network's id in the driver's record to that in the endpoint's key",
        severities: &[(FIRST, Some(Severity::Error))],
        find: network_id_mismatch,
    },
];

fn key_id_mismatch(case: &Case<'_>, findings: &mut Findings) {
    for network in case.inventory.networks.iter().filter(|network| key_id(network) != network.id) {
        let moved = Key::Network(network.id.clone());
        let mend = match has_others(case, &network.id) && !has_others(case, key_id(network)) && !case.has(&moved) {
            true => Operation::Move { from: network.key().clone(), to: moved },
            false => Operation::Set { key: network.key().clone(), field: "id".into(), value: key_id(network).into() },
        };
        findings.note_field(network.key(), "id", format!("is {}, which is not the id in the key", network.id), vec![mend]);
    }
    let inventory = case.inventory;
    inventory.endpoints.iter().for_each(|record| compare(findings, record, "id", Some(&record.id)));
    let ids = inventory.sandboxes.iter().filter(|sandbox| !sandbox.id.is_empty());
    ids.for_each(|record| compare(findings, record, "ID", Some(&record.id)));
    inventory.bridges.iter().for_each(|record| compare(findings, record, "ID", Some(&record.id)));
    inventory.bridge_endpoints.iter().for_each(|record| compare(findings, record, "id", Some(&record.id)));
    inventory.vlans.iter().for_each(|record| compare(findings, record, "ID", Some(&record.id)));
    inventory.vlan_endpoints.iter().for_each(|record| compare(findings, record, "id", Some(&record.id)));
    inventory.overlay_endpoints.iter().for_each(|record| compare(findings, record, "id", Some(&record.id)));
    inventory.overlay_networks.iter().for_each(|record| compare(findings, record, "id", record.id.as_ref()));
    inventory.windows_networks.iter().for_each(|record| compare(findings, record, "ID", Some(&record.id)));
    inventory.windows_endpoints.iter().for_each(|record| compare(findings, record, "id", Some(&record.id)));
}

/// Whether a network has records beside its own.
fn has_others(case: &Case<'_>, id: &str) -> bool {
    let vlan = |kind| case.has(&Key::Vlan(kind, id.into()));
    case.has(&Key::EndpointCount(id.into()))
        || case.has(&Key::Bridge(id.into()))
        || vlan(VlanKind::Macvlan)
        || vlan(VlanKind::Ipvlan)
}

fn compare<T>(findings: &mut Findings, record: &Record<T>, field: &str, id: Option<&String>) {
    let key = record.key();
    let expected = match key {
        Key::Sandbox(id) => Some(id.as_str()),
        key => key.endpoint().or(key.network()),
    };
    if let (Some(expected), Some(id)) = (expected, id)
        && expected != id
    {
        let mend = Operation::Set { key: key.clone(), field: field.into(), value: expected.into() };
        findings.note_field(key, field, format!("is {id}, which is not the id in the key"), vec![mend]);
    }
}

fn network_id_mismatch(case: &Case<'_>, findings: &mut Findings) {
    let bridges = case.inventory.bridge_endpoints.iter().map(|record| (record.key(), &record.id, &record.network));
    let vlans = case.inventory.vlan_endpoints.iter().map(|record| (record.key(), &record.id, &record.network));
    let overlays = case.inventory.overlay_endpoints.iter().map(|record| (record.key(), &record.id, &record.network));
    let windows = case.inventory.windows_endpoints.iter().map(|record| (record.key(), &record.id, &record.network));
    for (key, id, network) in bridges.chain(vlans).chain(overlays).chain(windows) {
        let expected = key.endpoint().and_then(|id| case.network_of(id)).or_else(|| case.network_of(id));
        if let Some(expected) = expected.filter(|expected| expected != network && !same(case, expected, network)) {
            let mend = Operation::Set { key: key.clone(), field: "nid".into(), value: expected.into() };
            findings.note_field(key, "nid", format!("is {network}, but the endpoint is in network {expected}"), vec![mend]);
        }
    }
}

/// Whether two ids are of one network, in its key and in its record.
fn same(case: &Case<'_>, one: &str, other: &str) -> bool {
    let ids = |network: &Record<Network>| [key_id(network).to_owned(), network.id.clone()];
    case.inventory.networks.iter().map(ids).any(|ids| ids.iter().any(|id| id == one) && ids.iter().any(|id| id == other))
}
