//! Networks and the containers that are to be in them, by the containers' own files.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Findings, key_id};
use super::rule::{FIRST, Rule, Severity};
use crate::net::draft::Operation;
use crate::net::key::Key;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "container-gone",
        effect: "takes the sandbox down at the next start; until then its names, addresses and ports are taken",
        remedy: "remove the sandbox with its endpoints",
        severities: &[(FIRST, Some(Severity::Warning))],
        find: container_gone,
    },
    Rule {
        code: "container-network-gone",
        effect: "does not start the container: network ... not found",
        remedy: "give the network of that name the id that the container has (net reid), or make it again (net rebuild)",
        severities: &[(FIRST, Some(Severity::Error))],
        find: container_network_gone,
    },
];

/// As long as the id of a container is; those of a swarm's sandboxes are words.
const ID: usize = 64;

fn container_gone(case: &Case<'_>, findings: &mut Findings) {
    let Some(containers) = case.containers else { return };
    for sandbox in case.inventory.sandboxes.iter().filter(|sandbox| sandbox.container.len() == ID) {
        let Key::Sandbox(id) = sandbox.key() else { continue };
        if !containers.has(&sandbox.container) {
            let message = format!("the sandbox of container {}, which is not there", sandbox.container);
            findings.note(sandbox.key(), message, vec![Operation::RemoveSandbox(id.clone())]);
        }
    }
}

fn container_network_gone(case: &Case<'_>, findings: &mut Findings) {
    let Some(containers) = case.containers else { return };
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut users: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (container, place) in containers.attachments().filter(|(_, place)| !case.has_network(&place.network)) {
        wanted.entry(&place.name).or_default().insert(&place.network);
        users.entry((&place.name, &place.network)).or_default().push(&container.name);
    }
    for ((name, id), names) in users {
        let agreed = wanted.get(name).is_some_and(|ids| ids.len() == 1);
        let mends = if agreed { reid(case, name, id) } else { Vec::new() };
        let message = format!("network {name} is not there, which container {} is in", names.join(", "));
        findings.note(&Key::Network(id.into()), message, mends);
    }
}

/// Where there is a new network of the name that nobody knows by its id, it gets the old one.
fn reid(case: &Case<'_>, name: &str, id: &str) -> Vec<Operation> {
    let mut named = case.inventory.networks.iter().filter(|network| network.name == name);
    let (Some(network), None) = (named.next(), named.next()) else { return Vec::new() };
    let known = |containers: &crate::net::Containers| containers.attachments().any(|(_, place)| place.network == network.id);
    let in_use = case.inventory.endpoints_of(key_id(network)).next().is_some() || case.containers.is_some_and(known);
    let is_id = id.len() == ID && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match in_use || network.is_predefined() || !is_id {
        true => Vec::new(),
        false => vec![Operation::Reid { network: key_id(network).into(), id: id.into() }],
    }
}
