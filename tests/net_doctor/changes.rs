//! What can be removed, counted, and set: all records that have to do with it change, and no other.

use std::net::IpAddr;

use unbolt::net::{Clash, Draft, Protocol, Resubnet, SettingError};

use crate::plant::*;

/// What a change did to a file of a daemon, and that nothing is wrong with it then.
fn changed(change: impl FnOnce(&mut Draft)) -> (Plot, Vec<String>) {
    let before = Plot::of(RUNNING);
    let mut draft = before.draft();
    change(&mut draft);
    let after = before.with(&draft);
    let report = doctor("").examine(&after.inventory());
    assert_eq!(report.findings, [], "{:#?}", report.findings);
    let keys = before.difference(&after);
    (after, keys)
}

#[test]
fn a_network_is_removed_with_all_that_belongs_to_it() {
    let (after, keys) = changed(|draft| draft.remove_network(LABELLED));
    let expected = [
        format!("bridge-endpoint/{ONE}/"),
        format!("bridge/{LABELLED}/"),
        format!("endpoint/{LABELLED}/{ONE}/"),
        format!("endpoint_count/{LABELLED}/"),
        format!("network/{LABELLED}/"),
        format!("sandbox/{BOX_OF_ONE}/"),
    ];
    assert_eq!(keys, expected);
    assert_eq!(after.inventory().sandbox(BOX_OF_ONE).unwrap().endpoints, []);
    let (_, keys) = changed(|draft| draft.remove_network(MACVLAN));
    assert_eq!(
        keys,
        [format!("endpoint_count/{MACVLAN}/"), format!("macvlan/network/{MACVLAN}/"), format!("network/{MACVLAN}/")]
    );
    let (_, keys) = changed(|draft| draft.remove_network(OTHER));
    assert_eq!(keys, Vec::<String>::new());
}

#[test]
fn an_endpoint_and_a_sandbox_are_removed_and_the_count_follows() {
    let (after, keys) = changed(|draft| draft.remove_endpoint(LABELLED, ONE));
    assert_eq!(keys.len(), 4);
    assert_eq!(after.inventory().count_of(LABELLED).unwrap().count, 0);
    let (after, keys) = changed(|draft| draft.remove_sandbox(BOX_OF_ONE));
    assert_eq!(keys.len(), 4);
    assert!(after.inventory().sandbox(BOX_OF_ONE).is_none() && after.inventory().endpoint(ONE).is_none());
}

#[test]
fn a_count_of_28_1_that_says_nothing_stays_so_when_an_endpoint_goes() {
    let before = Plot::of(LIVE_28);
    let mut draft = before.draft();
    let inventory = before.inventory();
    let endpoint = &inventory.endpoints[0];
    draft.remove_endpoint(endpoint.key().network().unwrap(), endpoint.key().endpoint().unwrap());
    let keys = before.difference(&before.with(&draft));
    assert!(keys.iter().all(|key| !key.starts_with("endpoint_count/")), "{keys:?}");
}

#[test]
fn a_port_is_given_up_by_whoever_has_it() {
    let (after, keys) = changed(|draft| assert_eq!(draft.remove_port(8080, Some(Protocol(6))), 1));
    assert_eq!(keys, [format!("bridge-endpoint/{TWO}/")]);
    assert!(after.inventory().bridge_endpoint_of(TWO).unwrap().ports.is_empty());
    let (_, keys) = changed(|draft| assert_eq!(draft.remove_port(8080, Some(Protocol(17))), 0));
    assert_eq!(keys, Vec::<String>::new());
}

#[test]
fn endpoints_are_counted_again() {
    let mut plot = Plot::of(RUNNING);
    plot.put(&format!("endpoint_count/{LABELLED}/"), r#"{"Count":9,"new":1}"#);
    plot.remove(&format!("endpoint_count/{SIX}/"));
    plot.put(&format!("endpoint_count/{PLAIN}/"), "{");
    let mut draft = plot.draft();
    assert_eq!([LABELLED, SIX, PLAIN].map(|id| draft.recount(id)), [Some(9), None, None]);
    let after = plot.with(&draft);
    let text = |id: &str| after.document(&format!("endpoint_count/{id}/")).as_str().to_owned();
    assert_eq!([LABELLED, SIX, PLAIN].map(text), [r#"{"Count":1,"new":1}"#, r#"{"Count":0}"#, r#"{"Count":1}"#]);
}

#[test]
fn a_network_without_endpoints_gets_another_id_and_keeps_its_bridge() {
    let (after, keys) = changed(|draft| draft.reid(SIX, OTHER).unwrap());
    assert_eq!(keys.len(), 6);
    let inventory = after.inventory();
    assert_eq!(inventory.network(OTHER).unwrap().name, "six");
    assert_eq!(inventory.bridge_of(OTHER).unwrap().bridge_name, "br-589c6d63b5f0");
    let mut draft = Plot::of(RUNNING).draft();
    assert!(matches!(draft.reid(LABELLED, OTHER), Err(SettingError::HasEndpoints { endpoints: 1, .. })));
    assert!(matches!(draft.reid(SIX, LABELLED), Err(SettingError::IdTaken { .. })));
    assert!(matches!(draft.reid(SIX, "abc"), Err(SettingError::NotAnId { .. })));
    assert!(matches!(draft.reid(OTHER, SIX), Err(SettingError::NoNetwork { .. })));
    assert!(draft.reid(SIX, SIX).is_ok());
    assert_eq!(draft.changes(), []);
}

#[test]
fn names_and_labels_are_set() {
    let (after, keys) = changed(|draft| {
        draft.rename(SIX, "sechs").unwrap();
        draft.label(SIX, "a.b", Some("<c>")).unwrap();
        draft.label(LABELLED, "team", None).unwrap();
    });
    assert_eq!(keys, [format!("network/{LABELLED}/"), format!("network/{SIX}/")]);
    let inventory = after.inventory();
    assert_eq!(inventory.find_network("sechs").unwrap().labels, [("a.b".into(), "<c>".into())]);
    assert_eq!(inventory.find_network("labelled").unwrap().labels, [("note".into(), "two words".into())]);
    let mut draft = Plot::of(RUNNING).draft();
    assert!(matches!(draft.rename(SIX, "labelled"), Err(SettingError::NameTaken { .. })));
    assert!(matches!(draft.rename(SIX, "host"), Err(SettingError::NameTaken { .. })));
    assert!(matches!(draft.rename(NONE, "other"), Err(SettingError::Predefined { .. })));
    assert_eq!(draft.changes(), []);
    // Null is what docker writes where there are none.
    draft.label(NONE, "k", Some("v")).unwrap();
    assert_eq!(draft.changes().len(), 1);
}

#[test]
fn networks_made_from_a_configuration_follow_its_name_and_their_number_its_count() {
    let before = Plot::of(LIVE_28);
    let inventory = before.inventory();
    let config = inventory.find_network("cfg").unwrap().id.clone();
    let user = inventory.find_network("fromcfg").unwrap().id.clone();
    let mut draft = before.draft();
    draft.rename(&config, "settings").unwrap();
    assert_eq!(draft.inventory().find_network("fromcfg").unwrap().config_from.as_deref(), Some("settings"));
    assert_eq!(draft.endpoints_of(&config), 1);
    draft.recount(&config);
    draft.remove_network(&user);
    assert_eq!(draft.inventory().count_of(&config).unwrap().count, 0);
}

#[test]
fn a_parent_is_set_in_both_records() {
    let (after, keys) = changed(|draft| draft.set_parent(MACVLAN, "ens3").unwrap());
    assert_eq!(keys, [format!("macvlan/network/{MACVLAN}/"), format!("network/{MACVLAN}/")]);
    let inventory = after.inventory();
    assert_eq!(inventory.vlan_of(MACVLAN).unwrap().parent, "ens3");
    assert_eq!(inventory.network(MACVLAN).unwrap().option("parent"), Some("ens3"));
    let mut draft = Plot::of(RUNNING).draft();
    assert!(matches!(draft.set_parent(SIX, "ens3"), Err(SettingError::NoParent { .. })));
}

fn resubnet(old: &str, new: &str) -> Resubnet {
    Resubnet { old: (!old.is_empty()).then(|| old.parse().unwrap()), new: new.parse().unwrap() }
}

#[test]
fn a_subnet_moves_with_its_gateway_its_range_and_what_is_reserved() {
    let mut plot = Plot::of(RUNNING);
    let mut draft = plot.draft();
    draft.remove_endpoint(LABELLED, ONE);
    plot = plot.with(&draft);
    let mut draft = plot.draft();
    draft.set_subnet(LABELLED, resubnet("", "10.200.0.0/16"), &[]).unwrap();
    let after = plot.with(&draft);
    assert_eq!(doctor("").examine(&after.inventory()).findings, []);
    assert_eq!(plot.difference(&after), [format!("bridge/{LABELLED}/"), format!("network/{LABELLED}/")]);
    let key = format!("network/{LABELLED}/");
    assert_eq!(after.document(&key).as_str(), plot.document(&key).as_str().replace("10.90.", "10.200."));
    let key = format!("bridge/{LABELLED}/");
    assert_eq!(after.document(&key).as_str(), plot.document(&key).as_str().replace("10.90.", "10.200."));
}

#[test]
fn subnets_of_ipv6_and_of_drivers_without_bridges_move_too() {
    let (after, keys) = changed(|draft| draft.set_subnet(SIX, resubnet("fd00:90::/64", "fd00:91::/64"), &[]).unwrap());
    assert_eq!(keys, [format!("bridge/{SIX}/"), format!("network/{SIX}/")]);
    assert_eq!(after.inventory().bridge_of(SIX).unwrap().address_v6, "fd00:91::1/64".parse().ok());
    let (after, keys) = changed(|draft| draft.set_subnet(MACVLAN, resubnet("10.92.0.0/24", "10.192.0.0/25"), &[]).unwrap());
    assert_eq!(keys, [format!("macvlan/network/{MACVLAN}/"), format!("network/{MACVLAN}/")]);
    let inventory = after.inventory();
    let subnet = &inventory.vlan_of(MACVLAN).unwrap().subnets[0];
    assert_eq!((subnet.subnet, subnet.gateway), ("10.192.0.0/25".parse().ok(), "10.192.0.1/25".parse().ok()));
    let (after, _) = changed(|draft| draft.set_gateway(MACVLAN, "10.92.0.254".parse().unwrap(), &[]).unwrap());
    let inventory = after.inventory();
    assert_eq!(inventory.vlan_of(MACVLAN).unwrap().subnets[0].gateway, "10.92.0.254/24".parse().ok());
    assert_eq!(inventory.network(MACVLAN).unwrap().pools_v4[0].gateway, "10.92.0.254/24".parse().ok());
}

#[test]
fn a_configuration_has_a_subnet_too_and_the_networks_made_from_it_keep_theirs() {
    let before = Plot::of(LIVE_28);
    let inventory = before.inventory();
    let (config, user) = (inventory.find_network("cfg").unwrap(), inventory.find_network("fromcfg").unwrap());
    let mut draft = before.draft();
    draft.set_subnet(&config.id, resubnet("", "10.201.0.0/24"), &[]).unwrap();
    let after = before.with(&draft);
    assert_eq!(before.difference(&after), [format!("network/{}/", config.id)]);
    let inventory = after.inventory();
    assert_eq!(inventory.network(&config.id).unwrap().requested_v4[0].subnet, "10.201.0.0/24");
    assert_eq!(inventory.network(&user.id).unwrap().subnets().next(), "10.90.0.0/24".parse().ok());
}

#[test]
fn whatever_is_in_the_way_of_a_subnet_or_a_gateway_is_named_and_nothing_is_changed() {
    let mut draft = Plot::of(RUNNING).draft();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let fixed = [Clash { container: "web".into(), address: address("10.91.0.77") }];
    for (network, old, new, words) in [
        (LABELLED, "", "10.200.0.0/16", "has 1 endpoints"),
        (SIX, "", "10.90.7.0/24", "10.90.7.0/24 overlaps 10.90.0.0/16"),
        (SIX, "10.1.0.0/24", "10.200.0.0/24", "has 10.91.0.0/24, fd00:90::/64 in place of 10.1.0.0/24"),
        (SIX, "", "10.200.0.0/24", "10.91.0.77 was given to container web by hand and is not in 10.200.0.0/24"),
        (SIX, "", "10.91.0.78/32", "its gateway 10.91.0.1 has no place in 10.91.0.78/32"),
        (OTHER, "", "10.200.0.0/24", "there is no network"),
    ] {
        let fixed = if new.ends_with("/32") { &[][..] } else { &fixed[..] };
        let error = draft.set_subnet(network, resubnet(old, new), fixed).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    for (network, gateway, words) in [
        (LABELLED, "10.90.5.7", "is the address of an endpoint"),
        (LABELLED, "10.90.0.9", "is reserved"),
        (LABELLED, "10.91.0.9", "is in no subnet"),
        (SIX, "10.91.0.77", "was given to container web"),
    ] {
        let error = draft.set_gateway(network, address(gateway), &fixed).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(draft.changes(), []);
}
