//! Records that cannot be read, as a whole or in a field.

use super::case::{Case, Findings, Found};
use super::repair;
use super::rule::{FIRST, Rule, Severity};
use crate::net::address::NIL;
use crate::net::draft::Operation;
use crate::net::key::{Key, ROOT};
use crate::net::problem::{Problem, ProblemKind};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "short-value",
        effect: "does not start: panic: slice bounds out of range [:8]",
        remedy: "delete the record; nothing of it can be told any more",
        severities: &[(FIRST, Some(Severity::Fatal))],
        find: short_value,
    },
    Rule {
        code: "nested-bucket",
        effect: "does not start: panic: slice bounds out of range [:8]",
        remedy: "delete the bucket with all that is in it; nothing that dockerd writes is",
        severities: &[(FIRST, Some(Severity::Fatal))],
        find: nested_bucket,
    },
    Rule {
        code: "key-not-text",
        effect: "reads the record under a key that belongs to nothing",
        remedy: "delete the record; libnetwork makes no such key",
        severities: &[(FIRST, Some(Severity::Warning))],
        find: key_not_text,
    },
    Rule {
        code: "invalid-json",
        effect: "reads no record of the family: of a network or a driver it does not start, else what is asked for fails",
        remedy: "remove what the record is about; what a driver keeps is made again from the network",
        severities: &[(FIRST, Some(Severity::Fatal))],
        find: invalid_json,
    },
    Rule {
        code: "missing-field",
        effect: "panics: interface conversion: interface {} is nil, not string (or bool, float64)",
        remedy: "set the field, where other records or docker's own default tell it; else remove the record",
        severities: &[(FIRST, Some(Severity::Fatal))],
        find: missing_field,
    },
    Rule {
        code: "wrong-type",
        effect: "panics on the field, or cannot decode the record",
        remedy: "write an option or a label as text; set a field that dockerd cannot do without; remove others, which is safe",
        severities: &[(FIRST, Some(Severity::Fatal))],
        find: wrong_type,
    },
    Rule {
        code: "invalid-value",
        effect: "cannot decode the record; of an endpoint it loses the interface without a word",
        remedy: "remove the field: a missing one is safe",
        severities: &[(FIRST, Some(Severity::Fatal))],
        find: invalid_value,
    },
    Rule {
        code: "nil-address",
        effect: "does not start: failed to decode bridge endpoint IPv4 address (<nil>)",
        remedy: "set the address that the endpoint has, else remove the field and the ports that need it",
        severities: &[(FIRST, Some(Severity::Fatal))],
        find: nil_address,
    },
];

fn short_value(case: &Case<'_>, findings: &mut Findings) {
    problems(case, findings, |_, problem| matches!(problem.kind, ProblemKind::ShortValue { .. }));
}

fn nested_bucket(case: &Case<'_>, findings: &mut Findings) {
    problems(case, findings, |_, problem| problem.kind == ProblemKind::NestedBucket);
}

fn key_not_text(case: &Case<'_>, findings: &mut Findings) {
    problems(case, findings, |_, problem| problem.kind == ProblemKind::KeyNotText);
}

/// A record that is no object is as bad as one that is no JSON.
fn invalid_json(case: &Case<'_>, findings: &mut Findings) {
    problems(case, findings, |_, problem| match problem.kind {
        ProblemKind::NotJson(_) | ProblemKind::Kind { .. } => problem.field.is_empty(),
        _ => false,
    });
}

fn missing_field(case: &Case<'_>, findings: &mut Findings) {
    problems(case, findings, |_, problem| problem.kind == ProblemKind::Missing);
}

/// A string that should hold JSON and does not is of the wrong type too.
fn wrong_type(case: &Case<'_>, findings: &mut Findings) {
    problems(case, findings, |_, problem| match problem.kind {
        ProblemKind::NotJson(_) | ProblemKind::Kind { .. } => !problem.field.is_empty(),
        _ => false,
    });
}

fn invalid_value(case: &Case<'_>, findings: &mut Findings) {
    problems(case, findings, |key, problem| {
        let of_bitmap = matches!(key, Some(Key::IpamData { .. }));
        matches!(problem.kind, ProblemKind::Invalid { .. }) && !of_bitmap && !is_nil(key, problem)
    });
}

fn nil_address(case: &Case<'_>, findings: &mut Findings) {
    problems(case, findings, is_nil);
}

/// Go's word for no address where it would be read as one.
fn is_nil(key: Option<&Key>, problem: &Problem) -> bool {
    let of_driver = matches!(key, Some(Key::BridgeEndpoint(_) | Key::WindowsEndpoint { .. }));
    of_driver && matches!(&problem.kind, ProblemKind::Invalid { excerpt, .. } if excerpt == NIL)
}

/// Notes the problems of some kind. Those of one record come from its end on, so that a list is still as it was where
/// the next one points.
fn problems(case: &Case<'_>, findings: &mut Findings, is_it: impl Fn(Option<&Key>, &Problem) -> bool) {
    let mut found: Vec<(&Problem, Option<Key>)> = Vec::new();
    for problem in case.inventory.problems() {
        let key = std::str::from_utf8(&problem.key).ok().and_then(|key| key.parse().ok());
        if is_it(key.as_ref(), problem) {
            found.push((problem, key));
        }
    }
    for (problem, key) in found.into_iter().rev() {
        findings.list.push(Found {
            key: problem.key.clone(),
            field: problem.field.clone(),
            message: problem.kind.to_string(),
            mends: mends(case, key.as_ref(), problem),
            most: most(key.as_ref(), problem),
        });
    }
}

fn mends(case: &Case<'_>, key: Option<&Key>, problem: &Problem) -> Vec<Operation> {
    let Some(key) = key else { return vec![Operation::Delete { key: problem.key.clone() }] };
    let field = problem.field.clone();
    match problem.field.is_empty() {
        true => vec![repair::removal(key)],
        false if matches!(key, Key::BridgeEndpoint(_)) && field == "Addr" => repair::address(case, key),
        false if !problem.is_fatal => match problem.kind.as_member_of_strings() {
            Some(text) => vec![Operation::Set { key: key.clone(), field, value: text.into() }],
            None => vec![Operation::Unset { key: key.clone(), field }],
        },
        false => match repair::value(case, key, &field) {
            Some(value) => vec![Operation::Set { key: key.clone(), field, value }],
            None => vec![repair::removal(key)],
        },
    }
}

/// The most that a problem can be: not every record keeps dockerd from starting.
fn most(key: Option<&Key>, problem: &Problem) -> Severity {
    let panics = matches!(problem.kind, ProblemKind::ShortValue { .. } | ProblemKind::NestedBucket);
    let Some(key) = key else {
        return match panics && is_listed(&problem.key) {
            true => Severity::Fatal,
            false => Severity::Note,
        };
    };
    let missing = problem.is_fatal && !problem.field.is_empty();
    match key {
        Key::Network(_) | Key::Bridge(_) | Key::BridgeEndpoint(_) | Key::Vlan(..) | Key::VlanEndpoint(..) => Severity::Fatal,
        Key::Endpoint { .. } | Key::EndpointCount(_) | Key::EndpointCounts if panics || missing => Severity::Fatal,
        Key::Sandbox(_) if panics => Severity::Fatal,
        Key::Endpoint { .. } | Key::EndpointCount(_) | Key::EndpointCounts | Key::Sandbox(_) => Severity::Error,
        Key::Windows { .. } | Key::WindowsEndpoint { .. } => Severity::Error,
        Key::OverlayEndpoint(_) | Key::OverlayNetwork(_) => Severity::Warning,
        Key::OldVlan(..) | Key::IpamConfig(_) | Key::IpamData { .. } => Severity::Note,
    }
}

/// Whether dockerd comes across a key when it lists one of its families.
fn is_listed(key: &[u8]) -> bool {
    let families = ["network/", "endpoint/", "endpoint_count/", "sandbox/", "bridge/", "bridge-endpoint/"];
    let drivers = ["macvlan/network/", "macvlan/endpoint/", "ipvlan/network/", "ipvlan/endpoint/"];
    let rest = key.strip_prefix(ROOT.as_bytes()).unwrap_or_default();
    families.iter().chain(&drivers).any(|family| rest.starts_with(family.as_bytes()))
}
