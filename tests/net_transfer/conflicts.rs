//! Whatever stands in the way is named, all of it and each thing once.

use serde_json::json;
use unbolt::net::Inventory;
use unbolt::net::transfer::Migration;
use unbolt::store::KvPair;

use crate::files::*;

#[test]
fn what_another_network_of_the_file_has_is_named() {
    let source = inventory(RUNNING);
    let there = pairs(RUNNING);
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
    let id = &source.find_network("labelled").unwrap().id;
    let named = conflicts(plan(&migration, &source, &read(there)));
    assert_eq!(named, [format!("network other: its id {id} is taken by network labelled ({}), which is there", &id[..12])]);
}

#[test]
fn what_is_left_of_a_network_that_is_gone_has_its_id_and_its_bridge_still() {
    let source = inventory(RUNNING);
    let id = &source.find_network("labelled").unwrap().id;
    let left: Vec<KvPair> = pairs(RUNNING).into_iter().filter(|pair| pair.key.contains("v1.0/bridge/")).collect();
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
}

#[test]
fn networks_that_come_may_be_in_each_others_way() {
    let source = inventory(RUNNING);
    let id = &source.find_network("labelled").unwrap().id;
    let mut migration = of(&["labelled", "plain", "inner"]);
    migration.rename = vec![("plain".into(), "labelled".into())];
    migration.subnets = vec![("172.18.0.0/16".parse().unwrap(), "10.90.128.0/17".parse().unwrap())];
    migration.bridges = vec![("br-demo".into(), format!("br-{}", &id[..12]))];
    let named = conflicts(plan(&migration, &source, &Inventory::default()));
    let rival = format!("network labelled ({}), which comes too", &id[..12]);
    assert_eq!(
        named,
        [
            format!("network labelled: its name is that of {rival}"),
            format!("network labelled: its subnet 10.90.128.0/17 overlaps 10.90.0.0/16 of {rival}"),
            format!("network inner: its bridge br-{} is that of {rival}", &id[..12]),
        ]
    );
}

#[test]
fn what_has_no_place_in_another_subnet_is_named_and_so_are_static_addresses() {
    let source = inventory(RUNNING);
    let id = &source.find_network("labelled").unwrap().id;
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
    migration.containers = containers(["10.90.5.7", "10.91.0.1", "10.91.0.9", "10.91.5.7"].map(config));
    assert_eq!(
        conflicts(plan(&migration, &source, &Inventory::default())),
        [
            "network labelled: container web has the static address 10.90.5.7, which is in none of its subnets",
            "network labelled: its gateway 10.91.0.1 is taken by container web",
            "network labelled: container web has the static address 10.91.0.9, which it keeps for printer",
        ]
    );
}

#[test]
fn dockers_own_networks_and_those_that_are_not_whole_where_they_are_do_not_come() {
    let source = inventory(RUNNING);
    assert_eq!(
        conflicts(plan(&of(&["bridge"]), &source, &Inventory::default())),
        ["network bridge: docker makes it by itself"]
    );
    let key = format!("docker/network/v1.0/bridge/{}/", source.find_network("labelled").unwrap().id);
    let broken: Vec<KvPair> = pairs(RUNNING).into_iter().filter(|pair| pair.key != key).collect();
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
    let bridge = |from: &str, to: &str| vec![(from.to_owned(), to.to_owned())];
    assert_eq!(tried(&|m| m.bridges = bridge("br-x", "br-y")), "no network that comes has bridge br-x");
    for name in ["docker0", "a/b", "a b", "sixteen-letters-", "..", "a:b"] {
        assert_eq!(tried(&|m| m.bridges = bridge("br-x", name)), format!("{name:?} is no name for a bridge of a network"));
    }
}
