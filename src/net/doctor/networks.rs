//! Networks that contradict themselves, or the networks that they were made from.

use std::collections::{HashMap, HashSet};

use super::case::{Case, Findings, key_id};
use super::rule::{FIRST, Rule, Severity};
use crate::net::draft::Operation;
use crate::net::network::{Network, Pool};
use crate::net::record::Record;
use crate::net::version::Version;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "stuck-delete",
        effect: "lists the network, and finishes its removal at the next start",
        remedy: "remove the network",
        severities: &[(FIRST, None), (Version::new(1, 11), Some(Severity::Warning))],
        find: stuck_delete,
    },
    Rule {
        code: "pool-mismatch",
        effect: "takes addresses from another pool than the network is in: no available addresses, invalid pool id",
        remedy: "make the pool's id from its subnet",
        severities: &[(FIRST, Some(Severity::Error))],
        find: pool_mismatch,
    },
    Rule {
        code: "config-from-missing",
        effect: "cannot find the configuration network when this one is removed",
        remedy: "forget the configuration network: what was taken from it is in the network itself",
        severities: &[(FIRST, None), (Version::new(17, 6), Some(Severity::Warning))],
        find: config_from_missing,
    },
    Rule {
        code: "config-from-cycle",
        effect: "never lets any of the networks be removed: configuration network ... is in use",
        remedy: "forget the configuration network: what was taken from it is in the network itself",
        severities: &[(FIRST, None), (Version::new(17, 6), Some(Severity::Error))],
        find: config_from_cycle,
    },
];

fn stuck_delete(case: &Case<'_>, findings: &mut Findings) {
    for network in case.inventory.networks.iter().filter(|network| network.in_delete) {
        let message = format!("the removal of network {} was begun and not finished", network.name);
        findings.note_field(network.key(), "inDelete", message, vec![Operation::RemoveNetwork(key_id(network).into())]);
    }
}

fn pool_mismatch(case: &Case<'_>, findings: &mut Findings) {
    for network in case.inventory.networks.iter().filter(|network| network.ipam_driver == "default") {
        for (list, pools) in [("ipamV4Info", &network.pools_v4), ("ipamV6Info", &network.pools_v6)] {
            for (index, pool) in pools.iter().enumerate() {
                if let Some(id) = expected(pool).filter(|id| *id != pool.id) {
                    let field = format!("{list}[{index}].PoolID");
                    let mend = Operation::Set { key: network.key().clone(), field: field.clone(), value: id.as_str().into() };
                    findings.note_field(network.key(), &field, format!("is {:?}, the pool is {id}", pool.id), vec![mend]);
                }
            }
        }
    }
}

/// The id that a pool should have: its range is told by nothing else, so it stays where it is one of the subnet.
fn expected(pool: &Pool) -> Option<String> {
    let subnet = pool.subnet?.subnet();
    let range = pool.range().filter(|range| subnet.contains(range.first()) && range.prefix() >= subnet.prefix());
    let range = range.map(|range| format!("/{range}")).unwrap_or_default();
    Some(format!("{}/{subnet}{range}", pool.address_space))
}

fn config_from_missing(case: &Case<'_>, findings: &mut Findings) {
    let configs: HashSet<&str> = configs(case).map(|network| network.name.as_str()).collect();
    let unreadable = case.inventory.bad.iter().any(|bad| matches!(bad.parsed_key, Some(crate::net::Key::Network(_))));
    let cycles = in_cycles(case);
    // It may be the one that cannot be read; and what comes back to itself is another rule's matter.
    let networks = case.inventory.networks.iter().filter(|network| !unreadable && !cycles.contains(network.name.as_str()));
    for network in networks {
        if let Some(name) = network.config_from.as_deref().filter(|name| !configs.contains(name)) {
            findings.note_field(
                network.key(),
                "configFrom",
                format!("there is no configuration network {name}"),
                forget(network),
            );
        }
    }
}

fn config_from_cycle(case: &Case<'_>, findings: &mut Findings) {
    let cycles = in_cycles(case);
    let is_in_one = |network: &&Record<Network>| network.config_from.is_some() && cycles.contains(network.name.as_str());
    for network in case.inventory.networks.iter().filter(is_in_one) {
        let name = network.config_from.as_deref().unwrap_or_default();
        findings.note_field(network.key(), "configFrom", format!("{name} is made from this network in turn"), forget(network));
    }
}

/// The names of the networks from which the way from configuration to configuration comes back to them.
fn in_cycles<'c>(case: &'c Case<'_>) -> HashSet<&'c str> {
    let from = |network: &'c Record<Network>| Some((network.name.as_str(), network.config_from.as_deref()?));
    let next: HashMap<&str, &str> = case.inventory.networks.iter().filter_map(from).collect();
    // Each name is walked over once: where a walk comes to one of its own names, the rest of it is a cycle.
    let (mut walks, mut cycles) = (HashMap::new(), HashSet::new());
    for (walk, start) in next.keys().copied().enumerate() {
        let mut at = Some(start);
        while let Some(name) = at.filter(|name| !walks.contains_key(name)) {
            walks.insert(name, walk);
            at = next.get(name).copied();
        }
        while let Some(name) = at.filter(|name| walks.get(name) == Some(&walk) && cycles.insert(*name)) {
            at = next.get(name).copied();
        }
    }
    cycles
}

fn configs<'c>(case: &'c Case<'_>) -> impl Iterator<Item = &'c Record<Network>> {
    case.inventory.networks.iter().filter(|network| network.config_only)
}

fn forget(network: &Record<Network>) -> Vec<Operation> {
    vec![Operation::Set { key: network.key().clone(), field: "configFrom".into(), value: "".into() }]
}
