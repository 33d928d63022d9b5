//! Records changed at random, byte by byte and field by field: nothing panics, what is wrong is named by its key, and
//! mending ends with a file that only somebody's choice is left in.

use quickcheck::{Arbitrary, Gen, quickcheck};
use serde_json::{Value, json};
use unbolt::net::Containers;
use unbolt::net::doctor::Doctor;

use crate::plant::*;

/// A file with a few of its records changed.
#[derive(Debug, Clone)]
struct Wild {
    plot: Plot,
    target: &'static str,
}

impl Arbitrary for Wild {
    fn arbitrary(g: &mut Gen) -> Wild {
        let file = *g.choose(&[RUNNING, LIVE_28, IPAM, "live-25.0.13.db", "networks-stopped-20.10.24.db"]).unwrap();
        let mut plot = Plot::of(file);
        let keys: Vec<String> = plot.records.keys().cloned().collect();
        for _ in 0..=usize::arbitrary(g) % 6 {
            let key = g.choose(&keys).unwrap().clone();
            match u8::arbitrary(g) % 8 {
                0 => drop(plot.records.remove(&key)),
                1 => plot.short.push(g.choose(&[key.clone(), format!("{key}x/"), "network/y/".into()]).unwrap().clone()),
                2 => plot.buckets.push(format!("{key}b/")),
                3 => drop(plot.records.get(&key).cloned().map(|value| plot.put(&key.replace(['1', 'b'], "c"), value))),
                4 => bytes(&mut plot, &key, g),
                _ => field(&mut plot, &key, g),
            }
        }
        plot.short.sort();
        plot.short.dedup();
        plot.records.retain(|key, _| !plot.short.contains(key) && !plot.buckets.contains(key));
        Wild { plot, target: g.choose(&["", "1.9", "1.11", "17.06", "20.10", "23.0", "27.5", "28.5", "29.0"]).unwrap() }
    }
}

fn bytes(plot: &mut Plot, key: &str, g: &mut Gen) {
    let Some(value) = plot.records.get_mut(key).filter(|value| !value.is_empty()) else { return };
    for _ in 0..=usize::arbitrary(g) % 3 {
        let at = usize::arbitrary(g) % value.len();
        value[at] = *g.choose(b"\"\\{}[]:,0123456789-eEtfn<\xff\0").unwrap();
    }
}

/// Replaces, adds or removes a member somewhere in a record.
fn field(plot: &mut Plot, key: &str, g: &mut Gen) {
    let Some(mut value) = plot.records.get(key).and_then(|value| serde_json::from_slice::<Value>(value).ok()) else { return };
    wreck(&mut value, g, 0);
    plot.put(key, value.to_string());
}

fn wreck(value: &mut Value, g: &mut Gen, depth: u8) {
    let deeper = depth < 4 && bool::arbitrary(g);
    match value {
        Value::Object(members) if deeper && !members.is_empty() => {
            let names: Vec<String> = members.keys().cloned().collect();
            let name = g.choose(&names).unwrap().clone();
            match u8::arbitrary(g) % 5 {
                0 => drop(members.remove(&name)),
                _ => wreck(members.get_mut(&name).unwrap(), g, depth + 1),
            }
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let at = usize::arbitrary(g) % items.len();
            wreck(&mut items[at], g, depth + 1);
        }
        // A document in a string.
        Value::String(text) if deeper && text.starts_with(['[', '{']) => {
            if let Ok(mut inner) = serde_json::from_str(text) {
                wreck(&mut inner, g, depth + 1);
                *text = inner.to_string();
            }
        }
        value => *value = other(g),
    }
}

fn other(g: &mut Gen) -> Value {
    let some = [
        json!(null),
        json!(true),
        json!(false),
        json!(-1),
        json!(18_446_744_073_709_551_615_u64),
        json!(1.5e300),
        json!(""),
        json!("<nil>"),
        json!("bridge"),
        json!("labelled"),
        json!(OTHER),
        json!("10.90.0.1/16"),
        json!("LocalDefault/10.90.0.0/16/10.90.5.0/24/1/2"),
        json!("::/0"),
        json!("[]"),
        json!("[{}]"),
        json!("{\"Pool\":\"0.0.0.0/0\"}"),
        json!([]),
        json!({}),
        json!([[], {}, 1, "x", null]),
        json!("//////////8AAAAAAAAAAAAAAAAH/////////w=="),
    ];
    g.choose(&some).unwrap().clone()
}

/// Where a record that a finding names could be: what is missing is named by its key as well.
fn is_key(key: &[u8]) -> bool {
    key.starts_with(ROOT.as_bytes())
}

quickcheck! {
    fn whatever_is_done_to_a_file_is_named_and_mended_as_far_as_nobody_has_to_choose(wild: Wild) -> bool {
        let Wild { plot, target } = wild;
        let inventory = plot.inventory();
        let containers = Containers::default();
        for doctor in [doctor(target), doctor(target).containers(&containers)] {
            let report = doctor.examine(&inventory);
            let pinned: Doctor<'_> = doctor.target(report.target);
            assert!(report.findings.iter().all(|finding| is_key(&finding.key) && !finding.to_string().is_empty()));
            // All that cannot be read is named.
            for bad in inventory.bad.iter().filter(|bad| bad.parsed_key.is_some()) {
                assert!(report.findings.iter().any(|finding| finding.key == bad.key), "{bad}");
            }
            let mut draft = plot.draft();
            let fixed = pinned.fix(&mut draft, |_| true);
            let mended = plot.with(&draft);
            let again = pinned.examine(&mended.inventory());
            let undone: Vec<_> = again.findings.iter().filter(|finding| !finding.mends.is_empty()).collect();
            assert!(undone.is_empty(), "{undone:#?}");
            assert_eq!(again.findings.len(), fixed.left.len());
        }
        true
    }
}

#[test]
fn a_thousand_configurations_in_a_ring_and_a_thousand_stale_endpoints_are_found_in_no_time() {
    let mut plot = Plot::of(RUNNING);
    for n in 0..1000 {
        let id = format!("{n:064x}");
        let next = (n + 1) % 1000;
        let network = format!(
            r#"{{"configFrom":"ring{next}","configOnly":true,"enableIPv6":false,"id":"{id}","name":"ring{n}","networkType":"null"}}"#
        );
        plot.put(&format!("network/{id}/"), network);
        plot.put(&format!("endpoint_count/{id}/"), r#"{"Count":1}"#);
        plot.copy(&format!("endpoint/{LABELLED}/{ONE}/"), &format!("endpoint/{LABELLED}/{id}/"), ONE, &id);
        plot.replace(&format!("endpoint/{LABELLED}/{id}/"), BOX_OF_ONE, &id);
    }
    let report = doctor("").examine(&plot.inventory());
    let number = |code: &str| report.findings.iter().filter(|finding| finding.rule.code() == code).count();
    assert_eq!((number("config-from-cycle"), number("stale-endpoint")), (1000, 1000));
}
