//! Promise: an export made to a file again is the same records; networks come into another file with all that makes them
//! and nothing else; whatever stands in their way is named, all of it, and nothing is written then.

#![cfg(all(unix, feature = "cli"))]

mod command;

use std::fs;
use std::path::{Path, PathBuf};

use command::{Outcome, in_process, unbolt};
use quickcheck::{Arbitrary, Gen, TestResult, quickcheck};
use serde_json::{Value, json};
use unbolt::Snapshot;
use unbolt::net::json::Step::{Embedded, Item, Member};
use unbolt::net::transfer::{
    Blueprint, ConflictKind, Export, Migration, MigrationError, NotWhole, Plan, Stripped, compose, docker,
};
use unbolt::net::{Container, Containers, Inventory, Network, Record, Version};
use unbolt::store::{BoltStore, DOCKER_BUCKET, KvPair, records};

/// Docker's files.
const FILES: [&str; 7] = [
    "broken-orphan-docker0.db",
    "ipam-only-1.11.0.db",
    "live-20.10.24.db",
    "live-25.0.13.db",
    "live-28.5.2.db",
    "networks-running-20.10.24.db",
    "networks-stopped-20.10.24.db",
];
const RUNNING: &str = "networks-running-20.10.24.db";

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata/docker", name].iter().collect()
}

fn pairs_at(path: &Path) -> Vec<KvPair> {
    let snapshot = Snapshot::open(path).unwrap();
    let bucket = snapshot.root().unwrap().bucket(DOCKER_BUCKET.as_bytes()).unwrap().unwrap();
    records(&bucket, b"").collect::<Result<_, _>>().unwrap()
}

fn pairs(name: &str) -> Vec<KvPair> {
    pairs_at(&path(name))
}

fn read(pairs: Vec<KvPair>) -> Inventory {
    Inventory::read(pairs.into_iter().map(Ok)).unwrap()
}

fn inventory(name: &str) -> Inventory {
    read(pairs(name))
}

/// Runs `net` with these words.
fn net(words: &[&str]) -> Outcome {
    unbolt([&["net"], words].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Ids one after the other.
fn ids() -> impl FnMut() -> String {
    let mut n = 0;
    move || {
        n += 1;
        format!("{n:a>64}")
    }
}

fn plan(migration: &Migration, source: &Inventory, there: &Inventory) -> Result<Plan, MigrationError> {
    migration.plan(source, there, &mut ids())
}

/// A migration of the networks with these names.
fn of(names: &[&str]) -> Migration {
    Migration { networks: names.iter().map(|name| (*name).to_owned()).collect(), ..Migration::default() }
}

/// The inventory with what is planned in it.
fn with(there: &[KvPair], plan: &Plan) -> Inventory {
    let mut pairs: Vec<KvPair> = there.to_vec();
    for (key, value) in plan.records() {
        pairs.retain(|pair| pair.key != key.to_string());
        pairs.push(KvPair { key: key.to_string(), value: value.into(), last_index: 0 });
    }
    read(pairs)
}

/// Containers that have these configurations.
fn containers(configs: impl IntoIterator<Item = Value>) -> Containers {
    let mut containers = Containers::default();
    let container = |config: Value| Container::from_config("c", config.to_string().as_bytes()).unwrap();
    containers.containers.extend(configs.into_iter().map(container));
    containers
}

fn conflicts(result: Result<Plan, MigrationError>) -> Vec<String> {
    match result {
        Err(MigrationError::Conflicts(conflicts)) => conflicts.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_export_has_every_record_of_every_docker_file_in_a_form_that_people_can_edit() {
    for name in FILES {
        let inventory = inventory(name);
        let text = Export::of(&inventory).to_json();
        let export = Export::parse(&text).unwrap();
        assert_eq!(export, Export::of(&inventory), "{name}");
        assert_eq!(export.pairs(), pairs(name), "{name}");
        assert_eq!(export.to_json(), text, "{name}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let networks = document["networks"].as_array().unwrap().iter();
        let all =
            networks.flat_map(|network| network["records"].as_array().unwrap()).chain(document["others"].as_array().unwrap());
        // Only what has no payload at all is not unpacked.
        let packed: Vec<&Value> = all.filter(|record| record.get("value").is_none()).collect();
        assert!(packed.iter().all(|record| record["text"] == ""), "{name}: {packed:?}");
    }
}

#[test]
fn a_file_made_of_an_export_has_the_same_records_and_indexes_and_goes_on_counting() {
    let folder = tempfile::tempdir().unwrap();
    for name in FILES {
        let (export, file) = (folder.path().join(format!("{name}.json")), folder.path().join(name));
        let exported = net(&["export", text(&path(name))]);
        assert_eq!(exported.status, 0, "{exported:?}");
        fs::write(&export, exported.out).unwrap();
        let dry = net(&["import", text(&file), text(&export), "--dry-run"]);
        assert!(dry.status == 0 && !file.exists(), "{dry:?}");
        let made = net(&["import", text(&file), text(&export)]);
        assert_eq!(made.status, 0, "{made:?}");
        assert_eq!(pairs_at(&file), pairs(name), "{name}");
        assert_eq!(unbolt(["check", text(&file)]).text(), "OK\n");
        let highest = pairs(name).iter().map(|pair| pair.last_index).max().unwrap();
        let next = unbolt(["kv", "put", text(&file), "a-key/", "{}"]);
        assert_eq!(next.text().trim(), (highest + 1).to_string(), "{name}");
    }
}

#[test]
fn what_is_edited_in_an_export_is_what_is_imported_and_slips_are_errors_with_their_place() {
    let exported = Export::of_networks(&inventory(RUNNING), &[&inventory(RUNNING).find_network("labelled").unwrap().id]);
    let document: Value = serde_json::from_str(&exported.to_json()).unwrap();
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut document = document.clone();
        edit(&mut document);
        Export::parse(&document.to_string())
    };
    let record = |document: &Value| document["networks"][0]["records"][0]["value"].clone();
    let changed = edited(&|document| {
        let value = &mut document["networks"][0]["records"][0]["value"];
        value["labels"]["team"] = "a<b".into();
        value["ipamV4Info"][0]["IPAMData"]["Gateway"] = "10.90.0.2/16".into();
    });
    let changed = read(changed.unwrap().pairs());
    let mut expected = inventory(RUNNING).find_network("labelled").unwrap().clone();
    expected.set(&[Member("labels"), Member("team")], "a<b").unwrap();
    let gateway = [Member("ipamV4Info"), Embedded, Item(0), Member("IPAMData"), Embedded, Member("Gateway")];
    expected.set(&gateway, "10.90.0.2/16").unwrap();
    assert_eq!(changed.find_network("labelled").unwrap().bytes(), expected.bytes());

    let key = document["networks"][0]["records"][0]["key"].as_str().unwrap().to_owned();
    type Edit = fn(&mut Value);
    let wrong: [(Edit, String); 9] = [
        (|d| d["schema"] = 2.into(), "schema: this version reads schema 1".into()),
        (|d| d["networks"][0]["name"] = "x".into(), "networks[0]: its name is \"x\", and \"labelled\" in its record".into()),
        (
            |d| d["networks"][0]["records"][0]["value"]["name"] = "x".into(),
            "networks[0]: its name is \"labelled\", and \"x\" in its record".into(),
        ),
        (
            |d| d["networks"][0]["records"][0]["value"]["id"] = 7.into(),
            format!("networks[0].records[0]: record {key}: id should be a string, is a number: 7"),
        ),
        (|d| d["networks"][0]["records"][0] = json!([]), "networks[0].records[0]: should be an object".into()),
        (
            |d| d["networks"][0]["records"][0]["text"] = "{}".into(),
            "networks[0].records[0]: should have one of value, text and hex".into(),
        ),
        (
            |d| d["networks"][0]["records"][0]["last_index"] = (-1).into(),
            "networks[0].records[0].last_index: should be a whole number from 0 on".into(),
        ),
        (|d| d["others"] = json!([d["networks"][0]["records"][0]]), format!("there are two records of key {key}")),
        (
            |d| d["others"] = json!([{ "key": "k", "last_index": 1, "hex": "0" }]),
            "others[0].hex: should be pairs of hexadecimal digits".into(),
        ),
    ];
    for (edit, words) in wrong {
        assert_eq!(edited(&edit).unwrap_err().to_string(), words);
    }
    assert!(record(&document)["ipamV4Config"][0]["SubPool"] == "10.90.5.0/24");
}

#[test]
fn bad_records_are_exported_as_they_are_and_come_back() {
    let key = |rest: &str| format!("docker/network/v1.0/{rest}/");
    let pair = |rest: &str, value: &[u8]| KvPair { key: key(rest), value: value.into(), last_index: 9 };
    let all = vec![pair("network/n", b"{\"id\":\"n\""), pair("sandbox/s", b"\xff\0"), pair("unknown/x", b" [1] ")];
    let export = Export::of(&read(all.clone()));
    let parsed = Export::parse(&export.to_json()).unwrap();
    assert_eq!(parsed.pairs(), all);
    assert_eq!(parsed.records().filter(|record| record.problem.is_some()).count(), 2);
    assert_eq!((parsed.networks[0].id.as_str(), &parsed.networks[0].name), ("n", &None));
}

#[test]
fn networks_come_with_what_makes_them_and_nothing_of_what_runs_on_them() {
    let source = inventory(RUNNING);
    let planned = plan(&Migration::default(), &source, &Inventory::default()).unwrap();
    let there = with(&[], &planned);
    assert_eq!(there.networks.len(), 9);
    assert!(there.endpoints.is_empty() && there.sandboxes.is_empty() && there.bridge_endpoints.is_empty());
    for network in &there.networks {
        let before = source.network(&network.id).unwrap();
        assert_eq!(network.bytes(), before.bytes());
        assert_eq!(there.count_of(&network.id).unwrap().bytes(), br#"{"Count":0}"#);
        let same = [source.bridge_of(&network.id).map(Record::bytes), source.vlan_of(&network.id).map(Record::bytes)];
        assert_eq!([there.bridge_of(&network.id).map(Record::bytes), there.vlan_of(&network.id).map(Record::bytes)], same);
    }
    // A second time there is nothing to do.
    let again = plan(&Migration::default(), &source, &there).unwrap();
    assert!(again.records().is_empty() && again.already.len() == 9, "{again:?}");
}

#[test]
fn a_migrated_network_has_its_new_name_id_parent_and_the_names_that_docker_would_make_of_the_id() {
    let source = inventory(RUNNING);
    let mut migration = of(&["plain", "lan", "inner"]);
    migration.rename = vec![("plain".into(), "green".into())];
    migration.parents = vec![("uplink0".into(), "eth7".into())];
    migration.new_ids = true;
    let planned = plan(&migration, &source, &Inventory::default()).unwrap();
    let there = with(&[], &planned);
    let green = there.find_network("green").unwrap();
    assert_eq!((green.id.len(), green.key().network()), (64, Some(green.id.as_str())));
    let bridge = there.bridge_of(&green.id).unwrap();
    assert_eq!((bridge.id.as_str(), bridge.bridge_name.as_str()), (green.id.as_str(), "br-aaaaaaaaaaaa"));
    // A name that somebody chose stays.
    let inner = there.find_network("inner").unwrap();
    assert_eq!(there.bridge_of(&inner.id).unwrap().bridge_name, "br-demo");
    let lan = there.find_network("lan").unwrap();
    assert_eq!((there.vlan_of(&lan.id).unwrap().parent.as_str(), lan.option("parent")), ("eth7", Some("eth7")));
    assert_eq!(there.problems().count(), 0);
}

#[test]
fn in_another_subnet_every_address_keeps_its_place() {
    let source = inventory(RUNNING);
    let mut migration = of(&["labelled", "six", "lan"]);
    let pair = |from: &str, to: &str| (from.parse().unwrap(), to.parse().unwrap());
    migration.subnets =
        vec![pair("10.90.0.0/16", "10.64.0.0/12"), pair("fd00:90::/64", "fd00:91::/80"), pair("10.92.0.0/24", "10.90.0.0/24")];
    let there = with(&[], &plan(&migration, &source, &Inventory::default()).unwrap());
    let labelled = there.find_network("labelled").unwrap();
    let pool = &labelled.pools_v4[0];
    assert_eq!(
        (pool.id.as_str(), pool.range().unwrap().to_string().as_str()),
        ("LocalDefault/10.64.0.0/12/10.64.5.0/24", "10.64.5.0/24")
    );
    assert_eq!(pool.gateway.unwrap().to_string(), "10.64.0.1/12");
    assert_eq!(pool.auxiliary[0].1.to_string(), "10.64.0.9/12");
    let asked = &labelled.requested_v4[0];
    assert_eq!(
        [&asked.subnet, &asked.range, &asked.gateway, &asked.auxiliary[0].1],
        ["10.64.0.0/12", "10.64.5.0/24", "10.64.0.1", "10.64.0.9"]
    );
    assert_eq!(there.bridge_of(&labelled.id).unwrap().address.unwrap().to_string(), "10.64.0.1/12");
    let six = there.find_network("six").unwrap();
    assert_eq!(six.pools_v6[0].gateway.unwrap().to_string(), "fd00:91::1/80");
    assert_eq!(six.pools_v4, source.find_network("six").unwrap().pools_v4);
    assert_eq!(there.bridge_of(&six.id).unwrap().address_v6.unwrap().to_string(), "fd00:91::1/80");
    let lan = there.vlan_of(&there.find_network("lan").unwrap().id).unwrap();
    assert_eq!(lan.subnets[0].subnet.unwrap().to_string(), "10.90.0.0/24");
    assert_eq!(lan.subnets[0].gateway.unwrap().to_string(), "10.90.0.1/24");
}

#[test]
fn every_conflict_is_named() {
    let source = inventory(RUNNING);
    let there = pairs(RUNNING);
    let labelled = source.find_network("labelled").unwrap();
    // The same under another id: name, bridge and subnet are taken; and in the same file, with other content, the id.
    let mut migration = of(&["inner", "lan"]);
    migration.new_ids = true;
    let named = conflicts(plan(&migration, &source, &read(there.clone())));
    let (inner, lan) = (&source.find_network("inner").unwrap().id[..12], &source.find_network("lan").unwrap().id[..12]);
    assert_eq!(
        named,
        [
            format!("network inner: its name is that of network inner ({inner}), which is there"),
            format!("network inner: its bridge br-demo is that of network inner ({inner}), which is there"),
            format!(
                "network inner: its subnet 172.19.0.0/16 overlaps 172.19.0.0/16 of network inner ({inner}), which is there"
            ),
            format!("network lan: its name is that of network lan ({lan}), which is there"),
            format!("network lan: its parent uplink0 is that of network lan ({lan}), which is there"),
            format!("network lan: its subnet 10.92.0.0/24 overlaps 10.92.0.0/24 of network lan ({lan}), which is there"),
        ]
    );

    let mut migration = of(&["labelled"]);
    migration.rename = vec![("labelled".into(), "other".into())];
    let id = &labelled.id;
    let named = conflicts(plan(&migration, &source, &read(there.clone())));
    assert_eq!(named, [format!("network other: its id {id} is taken by network labelled ({}), which is there", &id[..12])]);

    // What is left of a network that is gone has its id and its bridge still.
    let left: Vec<KvPair> = there.iter().filter(|pair| pair.key.contains("v1.0/bridge/")).cloned().collect();
    let key = format!("docker/network/v1.0/bridge/{id}/");
    assert_eq!(
        conflicts(plan(&of(&["labelled"]), &source, &read(left.clone()))),
        [format!("network labelled: its id {id} is taken by record {key}, which is there")]
    );
    let mut anew = of(&["labelled"]);
    anew.new_ids = true;
    let named = conflicts(plan(&anew, &source, &read(left)));
    assert_eq!(
        named,
        [format!("network labelled: its subnet 10.90.0.0/16 overlaps 10.90.0.0/16 of record {key}, which is there")]
    );

    // Among those that come.
    let mut migration = of(&["labelled", "plain"]);
    migration.rename = vec![("plain".into(), "labelled".into())];
    migration.subnets = vec![("172.18.0.0/16".parse().unwrap(), "10.90.128.0/17".parse().unwrap())];
    let named = conflicts(plan(&migration, &source, &Inventory::default()));
    let rival = format!("network labelled ({}), which comes too", &id[..12]);
    assert_eq!(
        named,
        [
            format!("network labelled: its name is that of {rival}"),
            format!("network labelled: its subnet 10.90.128.0/17 overlaps 10.90.0.0/16 of {rival}"),
        ]
    );

    // What has no place in a smaller subnet, each once, and a container's static address.
    let mut migration = of(&["labelled"]);
    migration.subnets = vec![("10.90.0.0/16".parse().unwrap(), "10.1.0.0/29".parse().unwrap())];
    let named = conflicts(plan(&migration, &source, &Inventory::default()));
    assert_eq!(
        named,
        [
            "network labelled: its range 10.90.5.0/24 has no place in 10.1.0.0/29",
            "network labelled: its printer 10.90.0.9 has no place in 10.1.0.0/29",
        ]
    );
    migration.subnets = vec![("10.90.0.0/16".parse().unwrap(), "10.91.0.0/16".parse().unwrap())];
    let config = |address: &str| {
        json!({ "ID": "c", "Name": "/web", "NetworkSettings": { "Networks": { "labelled": {
            "NetworkID": id, "IPAMConfig": { "IPv4Address": address } } } } })
    };
    migration.containers = containers(["10.90.5.7", "10.91.0.1", "10.91.5.7"].map(config));
    assert_eq!(
        conflicts(plan(&migration, &source, &Inventory::default())),
        [
            "network labelled: container web has the static address 10.90.5.7, which is in none of its subnets",
            "network labelled: its gateway 10.91.0.1 is taken by container web",
        ]
    );

    // Docker's own, and what is not whole where it is.
    assert_eq!(
        conflicts(plan(&of(&["bridge"]), &source, &Inventory::default())),
        ["network bridge: docker makes it by itself"]
    );
    let broken: Vec<KvPair> = there.iter().filter(|pair| pair.key != key).cloned().collect();
    let words = format!("network labelled: it is not whole where it is: there is no record {key}");
    let mut migration = of(&["labelled"]);
    assert_eq!(conflicts(plan(&migration, &read(broken.clone()), &Inventory::default())), std::slice::from_ref(&words));
    // What was to be changed in it is no slip then.
    migration.rename = vec![("labelled".into(), "other".into())];
    migration.subnets = vec![("10.90.0.0/16".parse().unwrap(), "10.91.0.0/16".parse().unwrap())];
    assert_eq!(conflicts(plan(&migration, &read(broken), &Inventory::default())), [words]);
}

#[test]
fn what_makes_no_sense_is_an_error() {
    let source = inventory(RUNNING);
    let tried = |change: &dyn Fn(&mut Migration)| {
        let mut migration = of(&["plain"]);
        change(&mut migration);
        plan(&migration, &source, &Inventory::default()).unwrap_err().to_string()
    };
    let subnets = |from: &str, to: &str| vec![(from.parse().unwrap(), to.parse().unwrap())];
    assert_eq!(tried(&|m| m.networks = vec!["nope".into()]), "network nope not found");
    assert_eq!(
        tried(&|m| m.rename = vec![("six".into(), "x".into())]),
        "network six is to be renamed and is none of those that come"
    );
    assert_eq!(tried(&|m| m.rename = vec![("plain".into(), "host".into())]), "\"host\" is no name for a network");
    assert_eq!(tried(&|m| m.subnets = subnets("10.0.0.0/8", "10.1.0.0/16")), "no network that comes has subnet 10.0.0.0/8");
    assert_eq!(tried(&|m| m.subnets = subnets("172.18.0.0/16", "fd00::/64")), "172.18.0.0/16 and fd00::/64 are of two kinds");
    assert_eq!(tried(&|m| m.parents = vec![("eth0".into(), "x".into())]), "no network that comes has parent eth0");
}

#[test]
fn networks_may_trade_names_subnets_and_parents() {
    let source = inventory(RUNNING);
    let mut migration = of(&["plain", "inner"]);
    migration.rename = vec![("plain".into(), "inner".into()), ("inner".into(), "plain".into())];
    let (a, b) = ("172.18.0.0/16".parse().unwrap(), "172.19.0.0/16".parse().unwrap());
    migration.subnets = vec![(a, b), (b, a)];
    let there = with(&[], &plan(&migration, &source, &Inventory::default()).unwrap());
    for (name, before, subnet) in [("inner", "plain", b), ("plain", "inner", a)] {
        let network = there.find_network(name).unwrap();
        assert_eq!(network.id, source.find_network(before).unwrap().id);
        assert_eq!(network.subnets().collect::<Vec<_>>(), [subnet]);
    }
}

/// Records of networks, with these edits.
fn edited(name: &str, edits: &[(&[unbolt::net::json::Step<'_>], Value)]) -> Inventory {
    let mut inventory = inventory(RUNNING);
    let at = inventory.networks.iter().position(|network| network.name == name).unwrap();
    for (path, value) in edits {
        inventory.networks[at].set(path, value.clone()).unwrap();
    }
    inventory
}

fn target(names: &[&str], version: &str) -> Migration {
    Migration { target: Some(version.parse::<Version>().unwrap()), ..of(names) }
}

#[test]
fn a_target_version_gets_what_it_needs_and_what_it_could_not_live_with_is_a_conflict() {
    let none = Inventory::default();
    let source = edited("plain", &[(&[Member("enableIPv4")], false.into())]);
    let words = "network plain: Docker 27.0 does not start with a network that has no IPv4";
    assert_eq!(conflicts(plan(&target(&["plain"], "27"), &source, &none)), [words]);
    plan(&target(&["plain"], "28"), &source, &none).unwrap();
    let words = "network six: Docker 1.11 keeps its addresses in bitmaps in the file, which would be missing";
    assert_eq!(conflicts(plan(&target(&["six"], "1.11"), &source, &none)), [words]);
    let mut bare = inventory(RUNNING);
    let at = bare.bridges.iter().position(|bridge| bridge.bridge_name == "br-demo").unwrap();
    bare.bridges[at].remove(&[Member("AddressIPv4")]).unwrap();
    let words = "network inner: Docker 20.10 does not start with a bridge that has no IPv4 address";
    assert_eq!(conflicts(plan(&target(&["inner"], "20.10"), &bare, &none)), [words]);

    // ipvlan's flag, for the one version that ends without it.
    for (version, flag) in [("23.0", Some("bridge")), ("23.0.1", None), ("20.10", None)] {
        let there = with(&[], &plan(&target(&["ipv"], version), &source, &none).unwrap());
        assert_eq!(there.vlans[0].flag.as_deref(), flag, "{version}");
    }

    // A macvlan without a gateway, as 29 leaves it.
    let gateway = [Member("ipamV4Info"), Embedded, Item(0), Member("IPAMData"), Embedded, Member("Gateway")];
    let mut source = edited("lan", &[(&[Member("skipGwAllocIPv4")], true.into())]);
    let at = source.networks.iter().position(|network| network.name == "lan").unwrap();
    source.networks[at].remove(&gateway).unwrap();
    source.vlans.iter_mut().for_each(|vlan| {
        vlan.set(&[Member("Ipv4Subnets"), Embedded, Item(0), Member("GwIP")], "").unwrap();
    });
    let without = with(&[], &plan(&target(&["lan"], "29"), &source, &none).unwrap());
    assert_eq!(without.networks[0].pools_v4[0].gateway, None);
    let there = with(&[], &plan(&target(&["lan"], "28.5"), &source, &none).unwrap());
    assert_eq!(there.networks[0].pools_v4[0].gateway.unwrap().to_string(), "10.92.0.1/24");
    assert_eq!(there.vlans[0].subnets[0].gateway.unwrap().to_string(), "10.92.0.1/24");
    assert!(!there.networks[0].document().as_str().contains("skipGwAlloc"));
    let mut migration = target(&["lan"], "28.5");
    let config = json!({ "Name": "/a", "NetworkSettings": { "Networks": { "lan": {
        "NetworkID": source.networks[at].id, "IPAMConfig": { "IPv4Address": "10.92.0.1" } } } } });
    migration.containers = containers([config]);
    assert_eq!(conflicts(plan(&migration, &source, &none)), ["network lan: its gateway 10.92.0.1 is taken by container a"]);
}

#[test]
fn a_configuration_comes_with_the_number_of_networks_that_use_it() {
    let steps: [(&[_], Value); 2] = [(&[Member("configOnly")], true.into()), (&[Member("networkType")], "null".into())];
    let mut source = edited("inner", &steps);
    for network in source.networks.iter_mut().filter(|network| ["plain", "six"].contains(&network.name.as_str())) {
        network.set(&[Member("configFrom")], "inner").unwrap();
    }
    let named = conflicts(plan(&of(&["plain"]), &source, &Inventory::default()));
    assert_eq!(
        named,
        ["network plain: it takes its configuration from inner, which is neither there nor among those that come"]
    );
    let mut migration = of(&["plain", "inner"]);
    migration.rename = vec![("inner".into(), "outer".into())];
    let first = plan(&migration, &source, &Inventory::default()).unwrap();
    let there = with(&[], &first);
    let outer = there.find_network("outer").unwrap();
    assert_eq!((there.count_of(&outer.id).unwrap().count, there.bridge_of(&outer.id)), (1, None));
    assert_eq!(there.find_network("plain").unwrap().config_from.as_deref(), Some("outer"));

    // One more, into the file where the configuration is.
    let second = Migration { rename: Vec::new(), ..of(&["six"]) };
    let mut renamed = source.clone();
    renamed.networks.iter_mut().filter(|network| network.name == "six").for_each(|network| {
        network.set(&[Member("configFrom")], "outer").unwrap();
    });
    let second = plan(&second, &renamed, &there).unwrap();
    let pairs: Vec<KvPair> = first
        .records()
        .iter()
        .map(|(key, value)| KvPair { key: key.to_string(), value: value.to_vec(), last_index: 1 })
        .collect();
    assert_eq!(with(&pairs, &second).count_of(&outer.id).unwrap().count, 2);
}

#[test]
fn a_file_that_is_there_is_kept_and_changed_once_and_not_at_all_where_something_stands_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("local-kv.db");
    fs::copy(path("live-20.10.24.db"), &file).unwrap();
    let before = fs::read(&file).unwrap();
    let names = || fs::read_dir(folder.path()).unwrap().count();
    let source = path(RUNNING);
    let migrate = |words: &[&str]| net(&[&["migrate", text(&source), text(&file)], words].concat());

    let dry = migrate(&["--dry-run", "--network", "labelled", "--rename", "labelled=green"]);
    assert_eq!(dry.status, 0, "{dry:?}");
    assert!(dry.text().starts_with("network labelled (1b128a9d9e30): 3 records, named green\n"), "{dry:?}");
    assert!(fs::read(&file).unwrap() == before && names() == 1);
    let refused = migrate(&["--network", "labelled", "--network", "bridge"]);
    assert_eq!(refused.status, 6, "{refused:?}");
    assert!(refused.err.ends_with("1 conflict, nothing is written\n"), "{refused:?}");
    assert!(fs::read(&file).unwrap() == before && names() == 1);
    for wrong in
        [["--network", "nope"], ["--subnet", "10.90.0.0/16=x"], ["--subnet", "10.90.0.1/16=10.0.0.0/16"], ["--rename", "x"]]
    {
        let outcome = migrate(&wrong);
        assert!([1, 2].contains(&outcome.status), "{outcome:?}");
    }
    assert!(fs::read(&file).unwrap() == before && names() == 1);

    let done = migrate(&["--network", "labelled", "--rename", "labelled=green", "--subnet", "10.90.0.0/16=10.94.0.0/16"]);
    assert_eq!(done.status, 0, "{done:?}");
    let kept = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).find(|path| *path != file).unwrap();
    assert!(text(&kept).contains("local-kv.db.bak-") && fs::read(&kept).unwrap() == before);
    let there = read(pairs_at(&file));
    assert_eq!(there.find_network("green").unwrap().subnets().next().unwrap().to_string(), "10.94.0.0/16");
    // All others are as they were.
    let old = pairs("live-20.10.24.db");
    assert_eq!(pairs_at(&file).iter().filter(|pair| old.contains(pair)).count(), old.len());
    assert_eq!(unbolt(["check", text(&file)]).text(), "OK\n");

    // Nothing to do, so nothing is kept and nothing written.
    let after = fs::read(&file).unwrap();
    let again = migrate(&["--network", "labelled", "--rename", "labelled=green", "--subnet", "10.90.0.0/16=10.94.0.0/16"]);
    assert!(again.status == 0 && again.err.contains("network green: there already"), "{again:?}");
    assert!(fs::read(&file).unwrap() == after && names() == 2);
    assert_eq!(migrate(&["--network", "labelled"]).status, 6);
    assert_eq!(net(&["migrate", text(&file), text(&file)]).status, 6);
}

#[test]
fn a_stripped_file_has_the_networks_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("base.db");
    let done = net(&["strip", text(&path(RUNNING)), "-o", text(&file)]);
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(net(&["strip", text(&path(RUNNING)), "-o", text(&file)]).status, 6);
    let (before, after) = (inventory(RUNNING), read(pairs_at(&file)));
    let names = |inventory: &Inventory| inventory.networks.iter().map(|network| network.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before).into_iter().filter(|name| name != "bridge").collect::<Vec<_>>());
    assert!(after.endpoints.is_empty() && after.sandboxes.is_empty() && after.bridge_endpoints.is_empty());
    assert!(after.bridges.iter().all(|bridge| !bridge.default_bridge) && after.counts.iter().all(|count| count.count == 0));
    assert_eq!(after.counts.len(), after.networks.len());
    // What stays keeps its index.
    let old = pairs(RUNNING);
    let kept = pairs_at(&file);
    assert!(kept.iter().all(|pair| old.iter().any(|old| (&old.key, old.last_index) == (&pair.key, pair.last_index))));
    for name in FILES {
        let stripped = Stripped::of(&inventory(name));
        assert_eq!(stripped.pairs.len() + stripped.dropped.len(), pairs(name).len(), "{name}");
        assert_eq!(Stripped::of(&read(stripped.pairs.clone())).pairs, stripped.pairs, "{name}");
    }
}

#[test]
fn scripts_quote_and_name_what_they_leave_out() {
    let labels = json!({ "it's": "$HOME `x` \"y\"\n", "plain": "a" });
    let inventory = edited("plain", &[(&[Member("labels")], labels), (&[Member("name")], "a b".into())]);
    let networks = || inventory.networks.iter().map(|network| -> &Network { network });
    let script = docker(networks());
    assert!(
        script.text.contains("  --label 'it'\\''s=$HOME `x` \"y\"\n' \\\n  --label plain=a \\\n  -- 'a b'\n"),
        "{}",
        script.text
    );
    assert!(script.left_out.is_empty(), "{script:?}");
    let script = compose(networks());
    assert!(script.text.contains("  \"a_b\":\n    name: \"a b\"\n"), "{}", script.text);
    assert!(script.text.contains("      \"it's\": \"$$HOME `x` \\\"y\\\"\\n\"\n"), "{}", script.text);
    let inventory = edited("plain", &[(&[Member("labels")], json!({ "a=b": "c" }))]);
    let script = docker(inventory.networks.iter().map(|network| -> &Network { network }));
    assert_eq!(script.left_out, [("plain".into(), "no command line can say --label with the name \"a=b\"".to_owned())]);
    assert!(!script.text.contains("-- plain"));
}

/// The records of a file, some of them changed in places, some of them missing.
#[derive(Debug, Clone)]
struct Mutated(Vec<KvPair>);

impl Arbitrary for Mutated {
    fn arbitrary(g: &mut Gen) -> Mutated {
        let mut pairs = pairs(g.choose(&FILES).unwrap());
        for _ in 0..u8::arbitrary(g) % 8 {
            let at = usize::arbitrary(g) % pairs.len();
            let kind = u8::arbitrary(g) % 5;
            if kind == 0 && pairs.len() > 1 {
                pairs.remove(at);
                continue;
            }
            let value = &mut pairs[at].value;
            match kind {
                1 if !value.is_empty() => {
                    let byte = usize::arbitrary(g) % value.len();
                    value[byte] = *g.choose(b"\"\\{}[]:,0123456789-eEtfn<\xff./").unwrap();
                }
                2 => value.truncate(usize::arbitrary(g) % (value.len() + 1)),
                _ => swap_digits(g, value),
            }
        }
        Mutated(pairs)
    }
}

/// Digits changed to others make other addresses, lengths of prefixes and ids of what is good JSON still.
fn swap_digits(g: &mut Gen, value: &mut [u8]) {
    let digits: Vec<usize> = (0..value.len()).filter(|i| value[*i].is_ascii_digit()).collect();
    for _ in 0..3 {
        if let Some(at) = g.choose(&digits) {
            value[*at] = *g.choose(b"0123456789").unwrap();
        }
    }
}

fn any_migration(g: &mut Gen, source: &Inventory) -> Migration {
    let mut migration = Migration { new_ids: bool::arbitrary(g), ..Migration::default() };
    let named: Vec<&Record<Network>> = source.networks.iter().collect();
    if let Some(network) = g.choose(&named) {
        if bool::arbitrary(g) {
            migration.networks.push(network.id.clone());
        }
        if bool::arbitrary(g) {
            migration.rename.push((network.id.clone(), "renamed".into()));
        }
        if let Some(subnet) = network.subnets().next().filter(|_| bool::arbitrary(g)) {
            let to = if subnet.is_ipv6() {
                ["fd00:1::/64", "::/0", "ffff::/127"]
            } else {
                ["10.1.0.0/16", "0.0.0.0/0", "255.255.255.252/30"]
            };
            migration.subnets.push((subnet, g.choose(&to).unwrap().parse().unwrap()));
        }
    }
    let targets = [None, Some("1.9"), Some("20.10"), Some("23.0"), Some("28.5")];
    migration.target = g.choose(&targets).unwrap().map(|target| target.parse().unwrap());
    migration
}

quickcheck! {
    fn an_export_of_any_records_comes_back_byte_for_byte(mutated: Mutated) -> bool {
        let inventory = read(mutated.0.clone());
        let export = Export::parse(&Export::of(&inventory).to_json()).unwrap();
        Stripped::of(&inventory);
        docker(inventory.networks.iter().map(|network| -> &Network { network }));
        compose(inventory.networks.iter().map(|network| -> &Network { network }));
        export.pairs() == mutated.0
    }

    fn a_document_with_any_change_is_read_or_refused(at: usize, with: u8, cut: bool) -> TestResult {
        let mut text = Export::of(&inventory(RUNNING)).to_json().into_bytes();
        let at = at % text.len();
        if cut { text.truncate(at) } else { text[at] = with }
        let Ok(text) = String::from_utf8(text) else { return TestResult::discard() };
        if let Ok(export) = Export::parse(&text) {
            read(export.pairs());
        }
        TestResult::passed()
    }
}

#[test]
fn what_comes_is_whole_and_in_nobodys_way_or_everything_is_named() {
    let (mut came, mut refused) = (0, 0);
    for seed in 0..600 {
        let mut g = Gen::from_size_and_seed(100, seed);
        let (source, pairs) = (read(Mutated::arbitrary(&mut g).0), any_place(&mut g));
        let there = read(pairs.clone());
        let migration = any_migration(&mut g, &source);
        match plan(&migration, &source, &there) {
            Err(MigrationError::Conflicts(conflicts)) => {
                assert!(!conflicts.is_empty());
                refused += 1;
            }
            Err(_) => {}
            Ok(plan) => {
                let after = with(&pairs, &plan);
                assert_eq!(after.bad.len(), there.bad.len(), "seed {seed}");
                let ids: Vec<&str> = plan.coming.iter().map(|one| one.blueprint.network.id.as_str()).collect();
                for id in &ids {
                    Blueprint::of(&after, after.network(id).unwrap()).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
                }
                assert!(apart(&after, &ids), "seed {seed}");
                came += usize::from(!ids.is_empty());
            }
        }
    }
    assert!(came > 60 && refused > 60, "{came} came, {refused} refused");
}

/// Another file, or an empty one.
fn any_place(g: &mut Gen) -> Vec<KvPair> {
    if bool::arbitrary(g) { Vec::new() } else { Mutated::arbitrary(g).0 }
}

fn write(path: &Path, pairs: &[KvPair]) {
    let store = BoltStore::open(path, DOCKER_BUCKET).unwrap();
    store.update(|store| pairs.iter().try_for_each(|pair| store.restore(pair))).unwrap();
}

#[test]
fn commands_on_any_files_write_all_or_nothing() {
    let (mut came, mut refused) = (0, 0);
    for seed in 0..120 {
        let mut g = Gen::from_size_and_seed(100, seed);
        let folder = tempfile::tempdir().unwrap();
        let [source, file, export] = ["source.db", "local-kv.db", "export.json"].map(|name| folder.path().join(name));
        write(&source, &Mutated::arbitrary(&mut g).0);
        write(&file, &any_place(&mut g));
        let before = fs::read(&file).unwrap();
        let run = |words: &[&str]| in_process(&|path| Snapshot::open(path), [&["net"], words].concat());
        let exported = run(&["export", text(&source)]);
        assert!([0, 1].contains(&exported.status), "seed {seed}: {exported:?}");
        fs::write(&export, exported.out).unwrap();
        let outcome = match bool::arbitrary(&mut g) {
            true => run(&["import", text(&file), text(&export)]),
            false => run(&["migrate", text(&source), text(&file), "--target", "20.10"]),
        };
        let is_changed = fs::read(&file).unwrap() != before;
        let files = fs::read_dir(folder.path()).unwrap().count();
        match outcome.status {
            0 => assert_eq!(files, 3 + usize::from(is_changed), "seed {seed}: {outcome:?}"),
            1 | 6 => assert!(!is_changed && files == 3, "seed {seed}: {outcome:?}"),
            _ => panic!("seed {seed}: {outcome:?}"),
        }
        came += usize::from(is_changed);
        refused += usize::from(outcome.status == 6);
    }
    assert!(came > 10 && refused > 10, "{came} came, {refused} refused");
}

/// Whether networks that came share neither name nor subnet with any other.
fn apart(inventory: &Inventory, ids: &[&str]) -> bool {
    inventory.networks.iter().filter(|network| ids.contains(&network.id.as_str())).all(|one| {
        inventory.networks.iter().filter(|other| other.id != one.id).all(|other| {
            let spaced = |network: &Network| {
                network.pools().filter_map(|pool| Some((pool.address_space.clone(), pool.subnet?))).collect::<Vec<_>>()
            };
            let theirs = spaced(other);
            let overlaps = spaced(one)
                .iter()
                .any(|(space, subnet)| theirs.iter().any(|(their, other)| their == space && other.overlaps(*subnet)));
            other.name != one.name && !overlaps
        })
    })
}

#[test]
fn a_network_whose_record_says_another_id_is_not_whole() {
    let inventory = edited("plain", &[(&[Member("id")], "other".into())]);
    let network = inventory.networks.iter().find(|network| network.name == "plain").unwrap();
    assert!(matches!(Blueprint::of(&inventory, network), Err(NotWhole::OtherId { .. })));
    let deleted = edited("plain", &[(&[Member("inDelete")], true.into())]);
    let network = deleted.find_network("plain").unwrap();
    assert!(matches!(Blueprint::of(&deleted, network), Err(NotWhole::InDelete)));
    let kind = ConflictKind::NotWhole(NotWhole::InDelete);
    assert_eq!(kind.to_string(), "it is not whole where it is: it was being deleted");
}
