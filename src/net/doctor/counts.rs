//! How many endpoints a network is said to have.

use super::case::{Case, Findings, key_id};
use super::rule::{FIRST, Rule, Severity};
use crate::net::draft::Operation;
use crate::net::key::Key;
use crate::net::make;
use crate::net::network::Network;
use crate::net::record::Record;
use crate::net::version::Version;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "missing-count",
        effect: "1.9 to 1.11 list no network at all; 18.09 to 28.0 panic when the network is removed",
        remedy: "write the count",
        severities: &[
            (FIRST, Some(Severity::Error)),
            (Version::new(1, 12), Some(Severity::Warning)),
            (Version::new(18, 9), Some(Severity::Error)),
            (Version::new(28, 1), None),
        ],
        find: missing_count,
    },
    Rule {
        code: "wrong-count",
        effect: "refuses to remove the network: network ... has active endpoints, or: configuration network ... is in use",
        remedy: "count again",
        severities: &[(FIRST, Some(Severity::Error)), (Version::new(28, 1), None)],
        find: wrong_count,
    },
];

/// The number that the count should be.
fn real(case: &Case<'_>, network: &Record<Network>) -> u64 {
    let inventory = case.inventory;
    let number = match network.config_only {
        true => {
            let is_user = |other: &&Record<Network>| other.config_from.as_ref() == Some(&network.name);
            inventory.networks.iter().filter(is_user).count()
        }
        false => {
            let ids = [key_id(network), network.id.as_str()];
            let bad = inventory.bad.iter().filter_map(|bad| bad.parsed_key.as_ref());
            let keys = inventory.endpoints.iter().map(Record::key).chain(bad);
            keys.filter(|key| matches!(key, Key::Endpoint { network, .. } if ids.contains(&network.as_str()))).count()
        }
    };
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn missing_count(case: &Case<'_>, findings: &mut Findings) {
    for network in case.inventory.networks.iter().filter(|network| !case.has_for(network, Key::EndpointCount)) {
        let key = Key::EndpointCount(key_id(network).into());
        let mend = Operation::Put { key, value: make::count(real(case, network)) };
        findings.note(network.key(), format!("network {} without a count of its endpoints", network.name), vec![mend]);
    }
}

fn wrong_count(case: &Case<'_>, findings: &mut Findings) {
    for network in &case.inventory.networks {
        let count = case.inventory.count_of(key_id(network)).or_else(|| case.inventory.count_of(&network.id));
        let Some(count) = count else { continue };
        let (real, what) = (real(case, network), if network.config_only { "networks made from it" } else { "endpoints" });
        // A count that cannot be read is another rule's.
        if count.count != real && count.flaws().is_empty() {
            let message = format!("network {}: {} are counted, there are {real} {what}", network.name, count.count);
            let mend = Operation::Set { key: count.key().clone(), field: "Count".into(), value: real.into() };
            findings.note_field(count.key(), "Count", message, vec![mend]);
        }
    }
}
