//! Every rule: what it finds is planted, found by it alone, and mended; all other records stay as they are.

use serde_json::json;
use unbolt::net::doctor::{self, Severity};
use unbolt::net::json::Step::Member;

use crate::places::*;
use crate::plant::*;

/// Something planted in a file, for a version of Docker.
struct Case {
    code: &'static str,
    file: &'static str,
    target: &'static str,
    severity: Severity,
    plant: fn(&mut Plot),
    /// The records that are different once it is mended, compared with the file before it was planted; `None` where
    /// somebody has to choose.
    after: Option<&'static [&'static str]>,
}

const fn case(code: &'static str, severity: Severity, plant: fn(&mut Plot)) -> Case {
    Case { code, file: RUNNING, target: "", severity, plant, after: Some(&[]) }
}

use Severity::{Error, Fatal, Note, Warning};

const CASES: &[Case] = &[
    case("short-value", Fatal, |plot| plot.short.push("network/short/".into())),
    case("short-value", Note, |plot| plot.short.push("mine/".into())),
    case("nested-bucket", Fatal, |plot| plot.buckets.push("sandbox/bucket/".into())),
    Case { after: Some(ALL_OF_SIX), ..case("invalid-json", Fatal, |plot| plot.put(SIX_KEY, "{\"name\":")) },
    // What a driver keeps is made again from the network.
    case("invalid-json", Fatal, |plot| plot.put(SIX_BRIDGE, "[]")),
    case("invalid-json", Error, |plot| plot.put(SIX_COUNT, "{\"Count\":0")),
    case("missing-field", Fatal, |plot| plot.unset(SIX_KEY, &[Member("enableIPv6")])),
    case("missing-field", Fatal, |plot| plot.unset(LABELLED_KEY, &[Member("id")])),
    case("missing-field", Fatal, |plot| plot.unset(LABELLED_KEY, &[Member("networkType")])),
    Case { after: Some(&[LABELLED_KEY]), ..case("missing-field", Fatal, |plot| plot.unset(LABELLED_KEY, &[Member("name")])) },
    case("missing-field", Fatal, |plot| plot.unset(SIX_KEY, &POOL_ID)),
    case("missing-field", Fatal, |plot| plot.unset(SIX_BRIDGE, &[Member("BridgeName")])),
    case("missing-field", Fatal, |plot| plot.unset(MACVLAN_RECORD, &[Member("Parent")])),
    case("missing-field", Fatal, |plot| plot.unset(ONE_BRIDGE, &[Member("SrcName")])),
    Case {
        after: Some(&[SIX_KEY]),
        ..case("wrong-type", Fatal, |plot| plot.set(SIX_KEY, &[Member("labels")], json!({"a": 1})))
    },
    case("wrong-type", Fatal, |plot| plot.set(SIX_BRIDGE, &[Member("EnableICC")], "yes")),
    case("wrong-type", Error, |plot| plot.set(ONE_KEY, &[Member("exposed_ports")], json!([7, "x"]))),
    Case {
        after: Some(&[SIX_BRIDGE]),
        ..case("invalid-value", Fatal, |plot| plot.set(SIX_BRIDGE, &[Member("AddressIPv4")], "10.91.0.1"))
    },
    case("nil-address", Fatal, |plot| plot.set(ONE_BRIDGE, &[Member("Addr")], "<nil>")),
    // Where the endpoint has no address either, the ports cannot stay.
    Case {
        after: Some(&[ONE_BRIDGE, ONE_KEY]),
        ..case("nil-address", Fatal, |plot| {
            plot.set(ONE_BRIDGE, &[Member("Addr")], "<nil>");
            plot.unset(ONE_KEY, &[Member("ep_iface"), Member("addr")]);
        })
    },
    case("endpoint-without-address", Fatal, |plot| plot.unset(ONE_BRIDGE, &[Member("Addr")])),
    case("key-id-mismatch", Error, |plot| plot.set(SIX_KEY, &[Member("id")], OTHER)),
    case("key-id-mismatch", Error, |plot| plot.set(BOX_KEY, &[Member("ID")], OTHER)),
    // The record was put under a wrong key.
    case("key-id-mismatch", Error, |plot| {
        let record = plot.document(SIX_KEY).as_str().to_owned();
        plot.remove(SIX_KEY);
        plot.put(OTHER_KEY, record);
    }),
    case("network-id-mismatch", Error, |plot| plot.set(ONE_BRIDGE, &[Member("nid")], OTHER)),
    Case { after: Some(ALL_OF_SIX), ..case("stuck-delete", Warning, |plot| plot.set(SIX_KEY, &[Member("inDelete")], true)) },
    case("pool-mismatch", Error, |plot| plot.set(SIX_KEY, &POOL_ID, "LocalDefault/10.92.0.0/24")),
    case("pool-mismatch", Error, |plot| plot.set(SIX_KEY, &POOL_ID, "10.91.0.0/24")),
    case("config-from-missing", Warning, |plot| plot.set(SIX_KEY, &[Member("configFrom")], "nothing")),
    Case {
        after: Some(&[]),
        ..case("config-from-cycle", Error, |plot| {
            plot.set(SIX_KEY, &[Member("configFrom")], "labelled");
            plot.set(LABELLED_KEY, &[Member("configFrom")], "six");
        })
    },
    Case {
        target: "25.0",
        ..case("orphan-docker0", Fatal, |plot| {
            plot.copy(DOCKER0_BRIDGE, OTHER_BRIDGE, DOCKER0, OTHER);
        })
    },
    case("orphan-bridge", Error, |plot| plot.copy(SIX_BRIDGE, OTHER_BRIDGE, SIX, OTHER)),
    case("orphan-vlan", Error, |plot| {
        plot.copy(MACVLAN_RECORD, &format!("macvlan/network/{OTHER}/"), MACVLAN, OTHER);
    }),
    case("missing-driver-record", Error, |plot| plot.remove(MACVLAN_RECORD)),
    case("missing-driver-record", Error, |plot| plot.remove(SIX_BRIDGE)),
    case("missing-driver-record", Error, |plot| plot.remove(IPVLAN_RECORD)),
    Case {
        after: Some(&[]),
        ..case("orphan-endpoint", Warning, |plot| {
            plot.copy(ONE_KEY, &format!("endpoint/{OTHER}/{ONE}/"), "10.90.5.7", "10.90.5.8");
            plot.remove(ONE_KEY);
            // Whichever of the two is gone, its sandbox and its driver still have it.
            plot.records.retain(|key, _| key != ONE_BRIDGE && key != BOX_KEY);
            plot.set(LABELLED_COUNT, &[Member("Count")], 0);
        })
    },
    Case {
        after: Some(&[]),
        ..case("stale-endpoint", Error, |plot| {
            plot.copy(ONE_KEY, &format!("endpoint/{SIX}/{OTHER}/"), ONE, OTHER);
            plot.copy(ONE_BRIDGE, &format!("bridge-endpoint/{OTHER}/"), ONE, OTHER);
            plot.replace(&format!("bridge-endpoint/{OTHER}/"), LABELLED, SIX);
            plot.set(&format!("endpoint/{SIX}/{OTHER}/"), &[Member("sandbox")], "");
            plot.set(SIX_COUNT, &[Member("Count")], 1);
        })
    },
    case("missing-endpoint", Warning, |plot| {
        plot.set(BOX_KEY, &[Member("Eps")], json!([{ "Eid": ONE, "Nid": LABELLED }, { "Eid": OTHER, "Nid": LABELLED }]));
        plot.set(BOX_KEY, &[Member("EpPriority"), Member(OTHER)], 0);
    }),
    case("endpoint-not-in-sandbox", Warning, |plot| plot.set(BOX_KEY, &[Member("Eps")], json!([]))),
    case("orphan-driver-endpoint", Error, |plot| plot.copy(ONE_BRIDGE, &format!("bridge-endpoint/{OTHER}/"), ONE, OTHER)),
    Case { after: Some(&[ONE_BRIDGE]), ..case("missing-driver-endpoint", Warning, |plot| plot.remove(ONE_BRIDGE)) },
    case("missing-count", Error, |plot| plot.remove(LABELLED_COUNT)),
    Case { target: "28.1", ..case("missing-count", Error, |_| {}) },
    case("wrong-count", Error, |plot| plot.set(LABELLED_COUNT, &[Member("Count")], 18_446_744_073_709_551_593_u64)),
    Case { file: LIVE_28, target: "28.0", after: Some(&COUNTS_OF_28), ..case("wrong-count", Error, |_| {}) },
    Case { after: Some(&[SIX_KEY]), ..case("duplicate-name", Error, |plot| plot.set(SIX_KEY, &[Member("name")], "plain")) },
    case("duplicate-name", Error, |plot| {
        plot.copy(&format!("network/{NONE}/"), OTHER_KEY, NONE, OTHER);
        plot.set(OTHER_KEY, &[Member("created")], "2027-01-01T00:00:00Z");
        plot.put(OTHER_COUNT, r#"{"Count":0}"#);
    }),
    // `inner` was given the name by hand, and keeps it.
    case("duplicate-bridge-name", Error, |plot| plot.set(SIX_BRIDGE, &[Member("BridgeName")], "br-demo")),
    Case {
        after: None,
        ..case("overlapping-subnets", Error, |plot| {
            twin(plot);
            plot.replace(OTHER_KEY, "10.191.0", "10.91.0");
        })
    },
    Case {
        after: None,
        ..case("duplicate-address", Error, |plot| {
            let (key, driver) = (format!("endpoint/{LABELLED}/{OTHER}/"), format!("bridge-endpoint/{OTHER}/"));
            plot.copy(ONE_KEY, &key, ONE, OTHER);
            plot.copy(ONE_BRIDGE, &driver, ONE, OTHER);
            plot.set(&key, &[Member("ep_iface"), Member("mac")], "02:42:0a:5a:05:08");
            join(plot);
        })
    },
    Case {
        after: None,
        ..case("duplicate-mac", Warning, |plot| {
            let (key, driver) = (format!("endpoint/{LABELLED}/{OTHER}/"), format!("bridge-endpoint/{OTHER}/"));
            plot.copy(ONE_KEY, &key, ONE, OTHER);
            plot.copy(ONE_BRIDGE, &driver, ONE, OTHER);
            plot.set(&key, &[Member("ep_iface"), Member("addr")], "10.90.5.8/16");
            join(plot);
        })
    },
    Case {
        after: None,
        ..case("duplicate-host-port", Error, |plot| {
            let mapping =
                json!([{ "Proto": 6, "IP": "10.90.5.7", "Port": 80, "HostIP": "", "HostPort": 8080, "HostPortEnd": 8080 }]);
            plot.set(ONE_BRIDGE, &[Member("PortMapping")], mapping);
        })
    },
    Case {
        after: Some(&[BOX_KEY]),
        ..case("object-dns", Error, |plot| {
            plot.set(BOX_KEY, &[Member("ExtDNS")], json!([{ "IPStr": "10.255.255.53", "HostLoopback": false }]));
        })
    },
    Case { target: "23.0", after: Some(&[IPVLAN_RECORD]), ..case("missing-ipvlan-flag", Fatal, |_| {}) },
    Case {
        file: LIVE_28,
        target: "27.5",
        after: Some(&[
            ONLY_6_BRIDGE,
            ONLY_6_KEY,
            ENDPOINT_OF_ONLY_6,
            COUNTS_OF_28[0],
            COUNTS_OF_28[1],
            COUNTS_OF_28[2],
            COUNTS_OF_28[3],
            COUNTS_OF_28[4],
        ]),
        ..case("ipv6-only-network", Fatal, |plot| {
            // What else 27 minds in this file.
            plot.put("endpoint_count/d6962d63993f6f61360966df3c9265d973d8eb939bffd8e31ecc4d19c8bc3505/", r#"{"Count":1}"#);
            count_all(plot);
            plot.set(ENDPOINT_OF_ONLY_6, &[Member("ExternalConnConfig")], json!(null));
        })
    },
    case("empty-interface-field", Error, |plot| plot.set(ONE_KEY, &[Member("ep_iface"), Member("addrv6")], "")),
    Case {
        file: IPAM,
        after: Some(&[]),
        ..case("bitmap-miscount", Error, |plot| {
            plot.set(
                BITMAP_OF_172_17,
                &[Member("sequence")],
                "AAAAAAABAAAAAAAAAAD/+fgAAAAAAAAAAAAAAQAAAAAAAAAAAAAH/gAAAAEAAAAAAAAAAQ==",
            );
        })
    },
    Case {
        file: IPAM,
        after: Some(&[]),
        ..case("bad-bitmap", Error, |plot| {
            // The run of zeros twice, once for no blocks at all.
            plot.set(
                BITMAP_OF_172_17,
                &[Member("sequence")],
                "AAAAAAABAAAAAAAAAAD/+vgAAAAAAAAAAAAAAQAAAAAAAAAAAAAH/gAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAQ==",
            );
        })
    },
    case("leftover-ipam", Note, |plot| {
        let old = Plot::of(IPAM);
        plot.records.extend(old.records.into_iter().filter(|(key, _)| key.starts_with("ipam/default/data/LocalDefault/10.")));
    }),
    case("leftover-vlan", Note, |plot| plot.copy(MACVLAN_RECORD, &format!("macvlan/{OTHER}/"), MACVLAN, OTHER)),
    Case {
        target: "24.0",
        ..case("leftover-overlay", Note, |plot| {
            plot.put(&format!("overlay/endpoint/{OTHER}/"), format!("{{\"id\":\"{OTHER}\",\"nid\":\"{OTHER}\"}}"));
        })
    },
    case("empty-record", Note, |plot| plot.put(&format!("bridge/{OTHER}/"), "")),
];

#[test]
fn what_is_planted_is_found_by_its_rule_alone_and_mended_and_nothing_else_is_changed() {
    for case in CASES {
        let before = Plot::of(case.file);
        let mut planted = before.clone();
        (case.plant)(&mut planted);
        let report = doctor(case.target).examine(&planted.inventory());
        let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        if planted == before && doctor::rule(case.code).unwrap().severity(report.target).is_none() {
            assert_eq!(findings, Vec::<String>::new(), "{}", case.code);
            continue;
        }
        assert_eq!(codes(&report.findings), [case.code], "{findings:#?}");
        assert_eq!(report.findings[0].severity, case.severity, "{}", case.code);

        let mut draft = planted.draft();
        let fixed = doctor(case.target).fix(&mut draft, |_| true);
        let mended = planted.with(&draft);
        match case.after {
            None => assert_eq!((codes(&fixed.left), &mended), (vec![case.code], &planted), "{}", case.code),
            Some(after) => {
                assert!(fixed.left.is_empty() && !fixed.mended.is_empty(), "{}: {fixed:#?}", case.code);
                let again = doctor(&report.target.to_string()).examine(&mended.inventory());
                assert_eq!(codes(&again.findings), Vec::<&str>::new(), "{}: {:#?}", case.code, again.findings);
                let different = before.difference(&mended);
                let touched = planted.difference(&mended);
                let expected = |key: &String| after.contains(&key.as_str()) || REMOVED_TOO.contains(&(case.code, key.as_str()));
                let odd: Vec<_> = different.iter().filter(|key| !expected(key)).collect();
                assert!(odd.iter().all(|key| loosely_equal(&before, &mended, key)), "{}: {odd:?}", case.code);
                assert!(after.iter().all(|key| different.contains(&(*key).to_owned())), "{}: {different:?}", case.code);
                // What was planted elsewhere for the case to be sound, but nothing that is not named.
                assert!(!touched.is_empty(), "{}: nothing was mended", case.code);
            }
        }
    }
}

/// Records that belong to what was planted, beside the one that is wrong.
const REMOVED_TOO: [(&str, &str); 4] = [
    ("orphan-endpoint", ONE_KEY),
    ("orphan-endpoint", ONE_BRIDGE),
    ("orphan-endpoint", BOX_KEY),
    ("orphan-endpoint", LABELLED_COUNT),
];

/// Whether a record says the same as before, though in another way: with fields that no version needs left out, or its
/// list of endpoints in another order.
fn loosely_equal(before: &Plot, mended: &Plot, key: &str) -> bool {
    let (Some(before), Some(mended)) = (before.records.get(key), mended.records.get(key)) else { return false };
    let value = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let (before, mended) = (value(before), value(mended));
    let (Some(before), Some(mended)) = (before.as_object(), mended.as_object()) else { return false };
    let optional = ["HostIP", "InhibitIPv4", "IpvlanFlag", "exposed_ports", "ExtDNS"];
    let required = |name: &str| !optional.contains(&name);
    before.iter().all(|(name, value)| !required(name) || mended.get(name) == Some(value))
        && mended.iter().all(|(name, value)| !required(name) || before.get(name) == Some(value))
}

#[test]
fn every_rule_is_planted_and_has_its_say() {
    let elsewhere = ["container-gone", "container-network-gone", "key-not-text"];
    let mut seen = std::collections::HashSet::new();
    for rule in doctor::rules() {
        let code = rule.code();
        assert!(seen.insert(code), "{code} twice");
        assert!(CASES.iter().any(|case| case.code == code) || elsewhere.contains(&code), "{code} is not planted");
        assert!(code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{code}");
        assert!(!rule.effect().is_empty() && !rule.remedy().is_empty(), "{code}");
        assert!(rule.severities().is_sorted_by_key(|(since, _)| *since), "{code}");
        assert_eq!(rule.severities()[0].0, "1.9".parse().unwrap(), "{code}");
        assert_eq!(doctor::rule(code), Some(rule));
    }
    assert_eq!(doctor::rule("no-such-rule"), None);
}

#[test]
fn files_of_daemons_that_ran_well_have_nothing_wrong_with_them() {
    for name in [
        "ipam-only-1.11.0.db",
        "live-20.10.24.db",
        "live-25.0.13.db",
        "live-28.5.2.db",
        "networks-running-20.10.24.db",
        "networks-stopped-20.10.24.db",
    ] {
        let report = doctor("").examine(&Plot::of(name).inventory());
        assert_eq!(report.findings, [], "{name}");
    }
}

#[test]
fn the_orphan_of_docker0_is_fatal_for_25_to_29_and_mended_by_deleting_one_key() {
    let plot = Plot::of("broken-orphan-docker0.db");
    for (target, severity) in [
        ("1.11", Note),
        ("1.12", Fatal),
        ("17.11", Fatal),
        ("17.12", Warning),
        ("20.10.24", Warning),
        ("24.0.9", Warning),
        ("25.0", Fatal),
        ("26.1", Fatal),
        ("27.4.1", Fatal),
        ("28.5.2", Fatal),
        ("29.7.2", Fatal),
        ("", Fatal),
    ] {
        let report = doctor(target).examine(&plot.inventory());
        let found: Vec<_> = report.findings.iter().map(|finding| (finding.rule.code(), finding.severity)).collect();
        assert_eq!(found, [("orphan-docker0", severity)], "{target}");
        let mut draft = plot.draft();
        doctor(target).fix(&mut draft, |rule| rule.code() == "orphan-docker0");
        let key = "docker/network/v1.0/bridge/3b6ef3c3b0c9e515fae93d07fafa17e5ba1e3a4ab0da79bd34a6e5dd090e3f86/";
        assert_eq!(draft.changes(), [unbolt::net::Change::Delete { key: key.into() }]);
    }
}

#[test]
fn only_what_a_wanted_rule_finds_is_mended() {
    let mut plot = Plot::of(RUNNING);
    plot.set(LABELLED_COUNT, &[Member("Count")], 7);
    plot.copy(SIX_BRIDGE, OTHER_BRIDGE, SIX, OTHER);
    let mut draft = plot.draft();
    let fixed = doctor("").fix(&mut draft, |rule| rule.code() == "wrong-count");
    assert_eq!((codes(&fixed.mended), codes(&fixed.left)), (vec!["wrong-count"], vec![]));
    assert_eq!(codes(&doctor("").examine(&plot.with(&draft).inventory()).findings), ["orphan-bridge"]);
}

#[test]
fn a_bad_record_hides_no_other() {
    let mut plot = Plot::of(RUNNING);
    plot.put(LABELLED_KEY, "{");
    plot.set(&format!("endpoint_count/{PLAIN}/"), &[Member("Count")], 7);
    plot.copy(SIX_BRIDGE, OTHER_BRIDGE, SIX, OTHER);
    plot.short.push("bridge/short/".into());
    plot.unset(&format!("ipvlan/network/{IPVLAN}/"), &[Member("Mtu")]);
    let found = codes(&doctor("").examine(&plot.inventory()).findings);
    assert_eq!(found, ["invalid-json", "missing-field", "orphan-bridge", "short-value", "wrong-count"]);
    let mut draft = plot.draft();
    let fixed = doctor("").fix(&mut draft, |_| true);
    assert_eq!(fixed.left, []);
    assert_eq!(codes(&doctor("").examine(&plot.with(&draft).inventory()).findings), Vec::<&str>::new());
}

#[test]
fn a_key_that_is_no_text_is_found_and_deleted() {
    let mut entries = Plot::of(RUNNING).entries();
    let key = [ROOT.as_bytes(), b"network/\xff/"].concat();
    entries.push(Err(unbolt::store::StoreError::KeyNotText { key: key.clone() }));
    let mut draft = unbolt::net::Draft::read(entries).unwrap();
    let fixed = doctor("").fix(&mut draft, |_| true);
    assert_eq!((codes(&fixed.mended), codes(&fixed.left)), (vec!["key-not-text"], vec![]));
    assert_eq!(draft.changes(), [unbolt::net::Change::Delete { key }]);
}
