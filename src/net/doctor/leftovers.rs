//! What earlier versions left behind and nothing reads any more.

use super::case::{Case, Findings};
use super::rule::{FIRST, Rule, Severity};
use crate::net::draft::Operation;
use crate::net::key::Key;
use crate::net::record::Record;
use crate::net::version::Version;

const REMEDY: &str = "delete the record";

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "leftover-ipam",
        effect: "does not read it: since 1.12 addresses are kept in memory",
        remedy: REMEDY,
        severities: &[(FIRST, None), (Version::new(1, 12), Some(Severity::Note))],
        find: leftover_ipam,
    },
    Rule {
        code: "leftover-vlan",
        effect: "does not read it: since 1.12 the driver's records have other keys",
        remedy: REMEDY,
        severities: &[(FIRST, None), (Version::new(1, 12), Some(Severity::Note))],
        find: leftover_vlan,
    },
    Rule {
        code: "leftover-overlay",
        effect: "does not read it: since 24.0 the driver keeps nothing",
        remedy: REMEDY,
        severities: &[(FIRST, None), (Version::new(24, 0), Some(Severity::Note))],
        find: leftover_overlay,
    },
    Rule {
        code: "empty-record",
        effect: "passes over it, as if it were not there",
        remedy: REMEDY,
        severities: &[(FIRST, Some(Severity::Note))],
        find: empty_record,
    },
];

fn note(findings: &mut Findings, key: &Key, message: &str) {
    findings.note(key, message, vec![Operation::Delete { key: key.to_string().into_bytes() }]);
}

fn leftover_ipam(case: &Case<'_>, findings: &mut Findings) {
    let message = "the address management of Docker 1.9 to 1.11";
    case.inventory.ipam_configs.iter().for_each(|record| note(findings, record.key(), message));
    case.inventory.ipam_data.iter().for_each(|record| note(findings, record.key(), message));
}

fn leftover_vlan(case: &Case<'_>, findings: &mut Findings) {
    let old = |key: &&Key| matches!(key, Key::OldVlan(..));
    case.inventory.vlans.iter().map(Record::key).filter(old).for_each(|key| note(findings, key, "a network of Docker 1.11"));
}

fn leftover_overlay(case: &Case<'_>, findings: &mut Findings) {
    let message = "what the overlay driver kept until 23";
    case.inventory.overlay_endpoints.iter().for_each(|record| note(findings, record.key(), message));
    case.inventory.overlay_networks.iter().for_each(|record| note(findings, record.key(), message));
}

/// The one above the counts was made so.
fn empty_record(case: &Case<'_>, findings: &mut Findings) {
    for pair in &case.inventory.empty {
        if let Ok(key) = pair.key.parse::<Key>()
            && key != Key::EndpointCounts
        {
            note(findings, &key, "an index without a record behind it");
        }
    }
}
