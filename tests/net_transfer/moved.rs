//! A network comes with all that makes it, under another name, id and subnet and on other interfaces where that is wanted.

use serde_json::Value;
use unbolt::net::json::Step::Member;
use unbolt::net::transfer::{Blueprint, ConflictKind, Migration, NotWhole};
use unbolt::net::{Inventory, Record};
use unbolt::store::KvPair;

use crate::files::*;

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
fn a_bridge_gets_another_name_in_the_drivers_record_and_where_it_was_asked_for_by_name() {
    let source = inventory(RUNNING);
    let own = format!("br-{}", &source.find_network("plain").unwrap().id[..12]);
    let mut migration = of(&["plain", "inner"]);
    migration.bridges = vec![("br-demo".into(), "br-other".into()), (own, "br-demo".into())];
    let there = with(&[], &plan(&migration, &source, &Inventory::default()).unwrap());
    for (name, bridge, asked) in [("inner", "br-other", Some("br-other")), ("plain", "br-demo", None)] {
        let network = there.find_network(name).unwrap();
        assert_eq!(there.bridge_of(&network.id).unwrap().bridge_name, bridge);
        assert_eq!(network.option("com.docker.network.bridge.name"), asked);
    }
}

#[test]
fn endpoints_stay_behind_and_are_counted() {
    let source = inventory(RUNNING);
    let planned = plan(&of(&["labelled", "lan"]), &source, &Inventory::default()).unwrap();
    assert_eq!(planned.coming.iter().map(|one| one.endpoints).collect::<Vec<_>>(), [1, 0]);
    assert!(planned.records().iter().all(|(key, _)| key.endpoint().is_none()));
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
