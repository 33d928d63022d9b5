//! What is known to go wrong with Docker's networks, a line for each: what finds it, how bad it is for which version, and
//! which records are different once it is mended, and how.
//!
//! Damage to Bolt itself, and a lock that somebody holds, are no matter of records: `check`, `recover` and the commands'
//! own errors have them. What takes the containers' own files to see is in `hosts`.

use serde_json::json;
use unbolt::net::doctor::Severity::{self, Error, Fatal, Note, Warning};
use unbolt::net::json::Step::{Embedded, Item, Member};

use crate::places::*;
use crate::plant::*;

/// From which version on something is how bad, up to the next one; `None` where it does not matter.
type Span = (&'static str, Option<Severity>);

struct Row {
    /// What goes wrong.
    name: &'static str,
    code: &'static str,
    file: &'static str,
    plant: fn(&mut Plot),
    spans: &'static [Span],
    mended: Mended,
}

/// What comes of mending.
enum Mended {
    /// The file as it was before, byte for byte.
    AsBefore,
    /// That, but for these records, which are gone.
    Without(&'static [&'static str]),
    /// Changes of these records alone, and with that this holds.
    Changed(&'static [&'static str], fn(&Plot)),
    /// Nothing: somebody has to choose.
    Left,
}
use Mended::{AsBefore, Changed, Left, Without};

const ALWAYS_FATAL: &[Span] = &[("1.9", Some(Fatal)), ("29.7", Some(Fatal))];
const ALWAYS_ERROR: &[Span] = &[("1.9", Some(Error)), ("29.7", Some(Error))];
const ALWAYS_WARNING: &[Span] = &[("1.9", Some(Warning)), ("29.7", Some(Warning))];
const ALWAYS_NOTE: &[Span] = &[("1.9", Some(Note)), ("29.7", Some(Note))];
const UNTIL_24_ERROR: &[Span] = &[("1.12", Some(Error)), ("23.0.6", Some(Error)), ("24.0", None), ("29.7", None)];
const SINCE_1_12_NOTE: &[Span] = &[("1.11", None), ("1.12", Some(Note)), ("29.7", Some(Note))];
const DOCKER0: &[Span] = &[
    ("1.11", Some(Note)),
    ("1.12", Some(Fatal)),
    ("17.11", Some(Fatal)),
    ("17.12", Some(Warning)),
    ("24.0.9", Some(Warning)),
    ("25.0", Some(Fatal)),
    ("29.7.2", Some(Fatal)),
];
const NO_COUNT: &[Span] = &[
    ("1.9", Some(Error)),
    ("1.11", Some(Error)),
    ("1.12", Some(Warning)),
    ("18.6", Some(Warning)),
    ("18.9", Some(Error)),
    ("28.0.4", Some(Error)),
    ("28.1", None),
    ("29.7", None),
];
const COUNT: &[Span] = &[("1.9", Some(Error)), ("28.0.4", Some(Error)), ("28.1", None), ("29.7", None)];
const IPVLAN_FLAG: &[Span] = &[("20.10", None), ("23.0", Some(Fatal)), ("23.0.1", None), ("29.7", None)];
const NO_IPV4: &[Span] = &[("20.10", Some(Fatal)), ("27.5.1", Some(Fatal)), ("28.0", None), ("29.7", None)];
const NO_ADDRESS: &[Span] = &[("1.11", None), ("1.12", Some(Fatal)), ("27.5.1", Some(Fatal)), ("28.0", None)];
const EMPTY_FIELD: &[Span] = &[("20.10", Some(Error)), ("28.5.2", Some(Error)), ("29.0", None)];
const BITMAP: &[Span] = &[("1.9", Some(Error)), ("1.11", Some(Error)), ("1.12", None)];
const OVERLAY: &[Span] = &[("23.0", None), ("24.0", Some(Note)), ("29.7", Some(Note))];
const DELETE: &[Span] = &[("1.10", None), ("1.11", Some(Warning)), ("29.7", Some(Warning))];
const CONFIG: &[Span] = &[("17.5", None), ("17.6", Some(Error)), ("29.7", Some(Error))];
const NO_CONFIG: &[Span] = &[("17.5", None), ("17.6", Some(Warning)), ("29.7", Some(Warning))];
const DRIVER_ENDPOINT: &[Span] = &[("1.11", None), ("1.12", Some(Warning)), ("29.7", Some(Warning))];

const fn row(name: &'static str, code: &'static str, plant: fn(&mut Plot), spans: &'static [Span], mended: Mended) -> Row {
    Row { name, code, file: RUNNING, plant, spans, mended }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // The daemon does not start.
    row("a network that is no JSON", "invalid-json", |p| p.put(SIX_KEY, "{\"name\":"), ALWAYS_FATAL, Without(ALL_OF_SIX)),
    row("a network that is no object", "invalid-json", |p| p.put(SIX_KEY, "[]"), ALWAYS_FATAL, Without(ALL_OF_SIX)),
    row("a bridge that is no JSON", "invalid-json", |p| p.put(SIX_BRIDGE, "{"), ALWAYS_FATAL, Changed(&[SIX_BRIDGE], six_has_its_bridge)),
    row("a macvlan that is no JSON", "invalid-json", |p| p.put(MACVLAN_RECORD, "{"), ALWAYS_FATAL, AsBefore),
    row("an endpoint that is no JSON", "invalid-json", |p| p.put(ONE_KEY, "{"), ALWAYS_ERROR, Changed(OF_ONE, one_is_gone)),
    row("a count that is no JSON", "invalid-json", |p| p.put(SIX_COUNT, "{"), ALWAYS_ERROR, AsBefore),
    row("a sandbox that is no JSON", "invalid-json", |p| p.put(BOX_KEY, "{"), ALWAYS_ERROR, Changed(OF_ONE, one_is_gone)),
    row("a network without a field that has to be there", "missing-field", |p| p.unset(SIX_KEY, &[Member("enableIPv6")]), ALWAYS_FATAL, AsBefore),
    row("a network without its id", "missing-field", |p| p.unset(SIX_KEY, &[Member("id")]), ALWAYS_FATAL, AsBefore),
    row("a network without its driver", "missing-field", |p| p.unset(SIX_KEY, &[Member("networkType")]), ALWAYS_FATAL, AsBefore),
    row("a network without its name", "missing-field", |p| p.unset(SIX_KEY, &[Member("name")]), ALWAYS_FATAL, Changed(&[SIX_KEY], six_is_recovered)),
    row("a pool without its id", "missing-field", |p| p.unset(SIX_KEY, &POOL_ID), ALWAYS_FATAL, AsBefore),
    row("a bridge without a field that has to be there", "missing-field", |p| p.unset(SIX_BRIDGE, &[Member("EnableICC")]), ALWAYS_FATAL, AsBefore),
    row("a bridge without its interface", "missing-field", |p| p.unset(SIX_BRIDGE, &[Member("BridgeName")]), ALWAYS_FATAL, AsBefore),
    row("a macvlan without its parent", "missing-field", |p| p.unset(MACVLAN_RECORD, &[Member("Parent")]), ALWAYS_FATAL, AsBefore),
    row("an ipvlan without its mode", "missing-field", |p| p.unset(IPVLAN_RECORD, &[Member("IpvlanMode")]), ALWAYS_FATAL, AsBefore),
    row("a driver's endpoint without its network", "missing-field", |p| p.unset(ONE_BRIDGE, &[Member("nid")]), ALWAYS_FATAL, AsBefore),
    row("a field of the wrong type", "wrong-type", |p| p.set(SIX_BRIDGE, &[Member("EnableICC")], "yes"), ALWAYS_FATAL, AsBefore),
    row("an option that is no string", "wrong-type", |p| p.set(SIX_KEY, &[Member("generic"), Member("com.docker.network.generic"), Member("x.y")], true), ALWAYS_FATAL, Changed(&[SIX_KEY], six_has_its_option)),
    row("a label that is no string", "wrong-type", |p| p.set(LABELLED_KEY, &[Member("labels"), Member("team")], 7), ALWAYS_FATAL, Changed(&[LABELLED_KEY], labelled_has_its_labels)),
    row("a label that is no text at all", "wrong-type", |p| p.set(LABELLED_KEY, &[Member("labels"), Member("more")], json!([])), ALWAYS_FATAL, AsBefore),
    row("a value of fewer than 8 bytes", "short-value", |p| p.short.push("network/short/".into()), ALWAYS_FATAL, AsBefore),
    row("a bucket among the records", "nested-bucket", |p| p.buckets.push("sandbox/bucket/".into()), ALWAYS_FATAL, AsBefore),
    row("a driver's endpoint with the address <nil>", "nil-address", |p| p.set(ONE_BRIDGE, &[Member("Addr")], "<nil>"), ALWAYS_FATAL, AsBefore),
    row("docker0 without its network", "orphan-docker0", |p| p.copy(DOCKER0_BRIDGE, OTHER_BRIDGE, crate::plant::DOCKER0, OTHER), DOCKER0, AsBefore),
    row("an ipvlan without its flag", "missing-ipvlan-flag", |_| {}, IPVLAN_FLAG, Changed(&[IPVLAN_RECORD], ipvlan_has_its_flag)),
    Row { file: LIVE_28, ..row("a network without IPv4", "ipv6-only-network", |_| {}, NO_IPV4, Changed(&[ONLY_6_BRIDGE, ONLY_6_KEY], only_6_has_ipv4)) },
    row("a driver's endpoint with ports and no address", "endpoint-without-address", |p| p.unset(ONE_BRIDGE, &[Member("Addr")]), NO_ADDRESS, AsBefore),
    row("a network without its count", "missing-count", |p| p.remove(LABELLED_COUNT), NO_COUNT, AsBefore),
    row("name servers that are objects", "object-dns", |p| p.set(BOX_KEY, &[Member("ExtDNS")], json!([{ "IPStr": "10.255.255.53", "HostLoopback": false }])), UNTIL_24_ERROR, Changed(&[BOX_KEY], box_has_one_list)),
    // The daemon starts, and something does not work.
    row("a bridge without its network", "orphan-bridge", |p| p.copy(SIX_BRIDGE, OTHER_BRIDGE, SIX, OTHER), ALWAYS_ERROR, AsBefore),
    row("a bridge network without its bridge", "missing-driver-record", |p| p.remove(SIX_BRIDGE), ALWAYS_ERROR, Changed(&[SIX_BRIDGE], six_has_its_bridge)),
    row("a macvlan network without its driver's record", "missing-driver-record", |p| p.remove(MACVLAN_RECORD), ALWAYS_ERROR, AsBefore),
    row("an ipvlan network without its driver's record", "missing-driver-record", |p| p.remove(IPVLAN_RECORD), ALWAYS_ERROR, Changed(&[IPVLAN_RECORD], ipvlan_has_its_flag)),
    row("a macvlan without its network", "orphan-vlan", |p| p.copy(MACVLAN_RECORD, &format!("macvlan/network/{OTHER}/"), MACVLAN, OTHER), ALWAYS_ERROR, AsBefore),
    row("an ipvlan without its network", "orphan-vlan", |p| p.copy(IPVLAN_RECORD, &format!("ipvlan/network/{OTHER}/"), IPVLAN, OTHER), ALWAYS_ERROR, AsBefore),
    row("a driver's endpoint of a container that is gone", "orphan-driver-endpoint", |p| p.copy(ONE_BRIDGE, &format!("bridge-endpoint/{OTHER}/"), ONE, OTHER), ALWAYS_ERROR, AsBefore),
    row("an endpoint in no sandbox", "stale-endpoint", stale_in_six, ALWAYS_ERROR, AsBefore),
    row("a count that is too high", "wrong-count", |p| p.set(LABELLED_COUNT, &[Member("Count")], 7), COUNT, AsBefore),
    row("a count below zero", "wrong-count", |p| p.set(SIX_COUNT, &[Member("Count")], 18_446_744_073_709_551_593_u64), COUNT, AsBefore),
    row("two networks of one name", "duplicate-name", |p| p.set(SIX_KEY, &[Member("name")], "plain"), ALWAYS_ERROR, Changed(&[SIX_KEY], six_has_another_name)),
    row("the addresses of 1.11", "leftover-ipam", addresses_of_1_11, SINCE_1_12_NOTE, AsBefore),
    row("a macvlan of 1.11", "leftover-vlan", |p| p.copy(MACVLAN_RECORD, &format!("macvlan/{OTHER}/"), MACVLAN, OTHER), SINCE_1_12_NOTE, AsBefore),
    // What else does not fit.
    row("two networks on one bridge", "duplicate-bridge-name", |p| p.set(SIX_BRIDGE, &[Member("BridgeName")], "br-demo"), ALWAYS_ERROR, AsBefore),
    row("two networks in one subnet", "overlapping-subnets", |p| { twin(p); p.replace(OTHER_KEY, "10.191.0", "10.91.0"); }, ALWAYS_ERROR, Left),
    row("two endpoints with one address", "duplicate-address", |p| { second_one(p); p.set(SECOND_KEY, &[Member("ep_iface"), Member("mac")], "02:42:0a:5a:05:08"); }, ALWAYS_ERROR, Left),
    row("an endpoint with the gateway's address", "duplicate-address", |p| p.replace(ONE_KEY, "10.90.5.7", "10.90.0.1"), ALWAYS_ERROR, Left),
    row("an endpoint with an address that is kept free", "duplicate-address", |p| p.replace(ONE_KEY, "10.90.5.7", "10.90.0.9"), ALWAYS_ERROR, Left),
    row("two endpoints with one link address", "duplicate-mac", |p| { second_one(p); p.set(SECOND_KEY, &[Member("ep_iface"), Member("addr")], "10.90.5.8/16"); }, ALWAYS_WARNING, Left),
    row("two endpoints with one port of the host", "duplicate-host-port", |p| p.set(ONE_BRIDGE, &[Member("PortMapping")], json!([{ "Proto": 6, "IP": "10.90.5.7", "Port": 80, "HostIP": "", "HostPort": 8080, "HostPortEnd": 8080 }])), ALWAYS_ERROR, Left),
    row("an endpoint of a network that is gone", "orphan-endpoint", |p| { p.copy(ONE_KEY, &format!("endpoint/{OTHER}/{OTHER}/"), ONE, OTHER); p.set(&format!("endpoint/{OTHER}/{OTHER}/"), &[Member("sandbox")], ""); }, ALWAYS_WARNING, AsBefore),
    row("an endpoint of a sandbox that is gone", "stale-endpoint", |p| p.remove(BOX_KEY), ALWAYS_ERROR, Changed(OF_ONE, one_is_gone)),
    row("a sandbox with an endpoint that is gone", "missing-endpoint", |p| p.set(BOX_KEY, &[Member("Eps")], json!([{ "Eid": ONE, "Nid": LABELLED }, { "Eid": OTHER, "Nid": LABELLED }])), ALWAYS_WARNING, AsBefore),
    row("an endpoint that its sandbox does not know", "endpoint-not-in-sandbox", |p| p.set(BOX_KEY, &[Member("Eps")], json!([])), ALWAYS_WARNING, AsBefore),
    row("an endpoint that its driver does not know", "missing-driver-endpoint", |p| p.remove(ONE_BRIDGE), DRIVER_ENDPOINT, Changed(&[ONE_BRIDGE], one_has_its_address)),
    row("a network whose id is not that of its key", "key-id-mismatch", |p| p.set(SIX_KEY, &[Member("id")], OTHER), ALWAYS_ERROR, AsBefore),
    row("an endpoint whose id is not that of its key", "key-id-mismatch", |p| p.set(ONE_KEY, &[Member("id")], OTHER), ALWAYS_ERROR, AsBefore),
    row("a sandbox whose id is not that of its key", "key-id-mismatch", |p| p.set(BOX_KEY, &[Member("ID")], OTHER), ALWAYS_ERROR, AsBefore),
    row("a bridge whose id is not that of its key", "key-id-mismatch", |p| p.set(SIX_BRIDGE, &[Member("ID")], OTHER), ALWAYS_ERROR, AsBefore),
    row("a driver's endpoint whose id is not that of its key", "key-id-mismatch", |p| p.set(ONE_BRIDGE, &[Member("id")], OTHER), ALWAYS_ERROR, AsBefore),
    row("a macvlan whose id is not that of its key", "key-id-mismatch", |p| p.set(MACVLAN_RECORD, &[Member("ID")], OTHER), ALWAYS_ERROR, AsBefore),
    row("an ipvlan whose id is not that of its key", "key-id-mismatch", |p| p.set(IPVLAN_RECORD, &[Member("ID")], OTHER), ALWAYS_ERROR, AsBefore),
    row("a driver's endpoint in another network", "network-id-mismatch", |p| p.set(ONE_BRIDGE, &[Member("nid")], OTHER), ALWAYS_ERROR, AsBefore),
    row("a removal that was not finished", "stuck-delete", |p| p.set(SIX_KEY, &[Member("inDelete")], true), DELETE, Without(ALL_OF_SIX)),
    row("a pool with another pool's id", "pool-mismatch", |p| p.set(SIX_KEY, &POOL_ID, "LocalDefault/10.92.0.0/24"), ALWAYS_ERROR, AsBefore),
    row("a pool of IPv6 with another pool's id", "pool-mismatch", |p| p.set(SIX_KEY, &[Member("ipamV6Info"), Embedded, Item(0), Member("PoolID")], "LocalDefault/fd00:92::/64"), ALWAYS_ERROR, AsBefore),
    row("networks whose configurations are each other", "config-from-cycle", |p| { p.set(SIX_KEY, &[Member("configFrom")], "labelled"); p.set(LABELLED_KEY, &[Member("configFrom")], "six"); }, CONFIG, AsBefore),
    row("a network that is its own configuration", "config-from-cycle", |p| p.set(SIX_KEY, &[Member("configFrom")], "six"), CONFIG, AsBefore),
    row("a network whose configuration is gone", "config-from-missing", |p| p.set(SIX_KEY, &[Member("configFrom")], "nothing"), NO_CONFIG, AsBefore),
    row("an interface field of 29 that is empty", "empty-interface-field", |p| p.set(ONE_KEY, &[Member("ep_iface"), Member("addrv6")], ""), EMPTY_FIELD, AsBefore),
    row("what overlay kept until 23", "leftover-overlay", |p| p.put(&format!("overlay/endpoint/{OTHER}/"), format!("{{\"id\":\"{OTHER}\",\"nid\":\"{OTHER}\"}}")), OVERLAY, AsBefore),
    row("an index and no record", "empty-record", |p| p.put(&format!("bridge/{OTHER}/"), ""), ALWAYS_NOTE, AsBefore),
    Row { file: IPAM, ..row("a bitmap with a run of nothing", "bad-bitmap", |p| p.set(BITMAP_OF_172_17, &[Member("sequence")], "AAAAAAABAAAAAAAAAAD/+vgAAAAAAAAAAAAAAQAAAAAAAAAAAAAH/gAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAQ=="), BITMAP, AsBefore) },
    Row { file: IPAM, ..row("a bitmap that is counted wrong", "bitmap-miscount", |p| p.set(BITMAP_OF_172_17, &[Member("sequence")], "AAAAAAABAAAAAAAAAAD/+fgAAAAAAAAAAAAAAQAAAAAAAAAAAAAH/gAAAAEAAAAAAAAAAQ=="), BITMAP, AsBefore) },
    Row { file: IPAM, ..row("a bitmap of 2^59 blocks and one of nothing", "bad-bitmap", |p| p.set("ipam/default/data/LocalDefault/fd00:77::/64/", &[Member("sequence")], "/////////////////////cAAAAAAAAAAAAAAAQAAAAAH/////////wAAAAAAAAAAAAAAAA=="), BITMAP, AsBefore) },
];

const SECOND_KEY: &str = "endpoint/1b128a9d9e30f2638f0ce3a83b7670ec336f142e923cbf609eaeccb0caa46d50/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/";
/// All records that tell of an endpoint.
const OF_ONE: &[&str] = &[ONE_BRIDGE, ONE_KEY, LABELLED_COUNT, BOX_KEY];

/// A second endpoint of `labelled`, whole.
fn second_one(plot: &mut Plot) {
    plot.copy(ONE_KEY, SECOND_KEY, ONE, OTHER);
    plot.copy(ONE_BRIDGE, &format!("bridge-endpoint/{OTHER}/"), ONE, OTHER);
    join(plot);
}

/// An endpoint of `six` that is in no sandbox, and is counted.
fn stale_in_six(plot: &mut Plot) {
    let (endpoint, driver) = (format!("endpoint/{SIX}/{OTHER}/"), format!("bridge-endpoint/{OTHER}/"));
    plot.copy(ONE_KEY, &endpoint, ONE, OTHER);
    plot.copy(ONE_BRIDGE, &driver, ONE, OTHER);
    plot.replace(&driver, LABELLED, SIX);
    plot.set(&endpoint, &[Member("sandbox")], "");
    plot.set(SIX_COUNT, &[Member("Count")], 1);
}

fn addresses_of_1_11(plot: &mut Plot) {
    let old = Plot::of(IPAM);
    plot.records.extend(old.records.into_iter().filter(|(key, _)| key.starts_with("ipam/default/data/LocalDefault/10.")));
}

fn six_has_its_bridge(mended: &Plot) {
    let inventory = mended.inventory();
    let (before, bridge) = (Plot::of(RUNNING).inventory(), inventory.bridge_of(SIX).unwrap());
    let before = before.bridge_of(SIX).unwrap();
    let told =
        |bridge: &unbolt::net::Bridge| (bridge.bridge_name.clone(), bridge.address, bridge.address_v6, bridge.id.clone());
    assert_eq!(told(bridge), told(before));
}

fn six_is_recovered(mended: &Plot) {
    assert_eq!(mended.inventory().network(SIX).unwrap().name, "recovered-589c6d63b5f0");
}

fn six_has_its_option(mended: &Plot) {
    assert_eq!(mended.inventory().network(SIX).unwrap().option("x.y"), Some("true"));
}

fn labelled_has_its_labels(mended: &Plot) {
    let labels = mended.inventory().network(LABELLED).unwrap().labels.clone();
    assert_eq!(labels, [("note".into(), "two words".into()), ("team".into(), "7".into())]);
}

fn six_has_another_name(mended: &Plot) {
    let inventory = mended.inventory();
    let names: Vec<&str> = [SIX, PLAIN].map(|id| inventory.network(id).unwrap().name.as_str()).into();
    assert_eq!(names, ["plain-589c6d63b5f0", "plain"]);
}

fn one_is_gone(mended: &Plot) {
    let inventory = mended.inventory();
    assert!(inventory.endpoint(ONE).is_none() && inventory.bridge_endpoint_of(ONE).is_none());
    assert_eq!(inventory.count_of(LABELLED).unwrap().count, 0);
    assert!(inventory.sandboxes.iter().all(|sandbox| sandbox.endpoints.iter().all(|place| place.endpoint != ONE)));
}

fn one_has_its_address(mended: &Plot) {
    let inventory = mended.inventory();
    let driver = inventory.bridge_endpoint_of(ONE).unwrap();
    assert_eq!(driver.address, "10.90.5.7/16".parse().ok());
}

fn ipvlan_has_its_flag(mended: &Plot) {
    let inventory = mended.inventory();
    let vlan = inventory.vlan_of(IPVLAN).unwrap();
    assert_eq!((vlan.flag.as_deref(), vlan.parent.as_str(), vlan.mode.as_str()), (Some("bridge"), "uplink1", "l2"));
}

fn only_6_has_ipv4(mended: &Plot) {
    let inventory = mended.inventory();
    let (network, bridge) = (inventory.network(ONLY_6).unwrap(), inventory.bridge_of(ONLY_6).unwrap());
    let gateway = network.pools_v4[0].gateway;
    assert!(network.enable_ipv4 == Some(true) && gateway.is_some());
    assert_eq!(bridge.address, gateway);
    // Its subnet is one that no other network has.
    let subnet = gateway.unwrap().subnet();
    let others = inventory.networks.iter().filter(|other| other.id != ONLY_6);
    assert!(others.flat_map(|other| other.subnets()).all(|other| !other.overlaps(subnet)));
}

fn box_has_one_list(mended: &Plot) {
    let document = mended.document(BOX_KEY);
    assert!(document.root().get("ExtDNS").is_none());
    assert_eq!(mended.inventory().sandbox(BOX_OF_ONE).unwrap().dns, ["10.255.255.53"]);
}

/// What is found for a version, but for what is in the file already.
fn new_findings(before: &Plot, planted: &Plot, version: &str) -> Vec<(&'static str, Severity)> {
    let found = |plot: &Plot| -> Vec<_> {
        let report = doctor(version).examine(&plot.inventory());
        report.findings.iter().map(|finding| (finding.rule.code(), finding.severity, finding.to_string())).collect()
    };
    let known = if planted == before { Vec::new() } else { found(before) };
    let new = found(planted).into_iter().filter(|finding| !known.contains(finding));
    let mut new: Vec<_> = new.map(|(code, severity, _)| (code, severity)).collect();
    new.dedup();
    new
}

#[test]
fn each_thing_that_goes_wrong_is_found_as_bad_as_it_is_for_each_version_and_mended() {
    for row in ROWS {
        let before = Plot::of(row.file);
        let mut planted = before.clone();
        (row.plant)(&mut planted);
        for (version, severity) in row.spans {
            let mut found = new_findings(&before, &planted, version);
            // What is in the file from the start is one finding among others.
            found.retain(|(code, _)| planted != before || *code == row.code);
            assert_eq!(found, Vec::from_iter(severity.map(|severity| (row.code, severity))), "{}: {version}", row.name);
        }
        let (version, _) = row.spans.iter().find(|(_, severity)| severity.is_some()).unwrap();
        let mut draft = planted.draft();
        let fixed = doctor(version).fix(&mut draft, |rule| rule.code() == row.code);
        let mended = follow(&planted.with(&draft), version, row.code);
        match row.mended {
            Left => assert!(!fixed.left.is_empty() && mended == planted, "{}", row.name),
            AsBefore => assert_eq!(before.difference(&mended), Vec::<String>::new(), "{}", row.name),
            Without(gone) => {
                assert_eq!(before.difference(&mended), gone, "{}", row.name);
                assert!(gone.iter().all(|key| !mended.records.contains_key(*key)), "{}", row.name);
            }
            Changed(keys, holds) => {
                let mut keys = keys.to_vec();
                keys.sort_unstable();
                let different = before.difference(&mended);
                assert!(different.iter().all(|key| keys.contains(&key.as_str())), "{}: {different:?}", row.name);
                holds(&mended);
            }
        }
    }
}

/// One mend may leave something for another rule: what a driver keeps is made again from the network.
fn follow(mended: &Plot, version: &str, code: &str) -> Plot {
    let mut draft = mended.draft();
    if code == "invalid-json" {
        doctor(version).fix(&mut draft, |rule| ["missing-driver-record", "stale-endpoint"].contains(&rule.code()));
    }
    mended.with(&draft)
}
