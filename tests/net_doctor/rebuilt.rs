//! A lost file, made again from what the containers know.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;
use unbolt::net::doctor::Doctor;
use unbolt::net::{Containers, Draft, Hint, RebuildError, Rebuilt};

use crate::plant::*;

fn host(containers: &[(&str, &str)]) -> (TempDir, Containers) {
    let root = tempfile::tempdir().unwrap();
    for (name, networks) in containers {
        let folder = root.path().join("containers").join(name);
        fs::create_dir_all(&folder).unwrap();
        let config = format!(r#"{{"Name":"/{name}","NetworkSettings":{{"Networks":{networks}}}}}"#);
        fs::write(folder.join("config.v2.json"), config).unwrap();
    }
    let containers = Containers::read(root.path()).unwrap();
    (root, containers)
}

fn hints(told: &[(&str, &str)]) -> BTreeMap<String, Hint> {
    let mut hints: BTreeMap<String, Hint> = BTreeMap::new();
    for (name, subnet) in told {
        hints.entry((*name).into()).or_default().subnets.push(subnet.parse().unwrap());
    }
    hints
}

fn rebuild(networks: &[(&str, &str)], told: &BTreeMap<String, Hint>) -> Result<(Draft, Vec<Rebuilt>), Vec<RebuildError>> {
    let (_root, containers) = host(networks);
    let mut draft = Draft::default();
    let rebuilt = draft.rebuild(&containers, told)?;
    for target in ["1.12", "20.10", "23.0", "27.0", "29.0"] {
        let findings =
            Doctor::new().target(target.parse().unwrap()).containers(&containers).examine(&draft.inventory()).findings;
        assert_eq!(findings, [], "{target}");
    }
    Ok((draft, rebuilt))
}

fn attached(name: &str, id: &str, more: &str) -> String {
    format!(r#"{{"{name}":{{"NetworkID":"{id}"{more}}},"bridge":{{"NetworkID":"{OTHER}"}}}}"#)
}

#[test]
fn networks_are_made_with_what_the_containers_had() {
    let front = attached(
        "front",
        LABELLED,
        r#","IPAddress":"10.7.3.9","IPPrefixLen":16,"Gateway":"10.7.0.254","GlobalIPv6Address":"fd00:7::9","GlobalIPv6PrefixLen":64"#,
    );
    let back = attached("back", PLAIN, "");
    let (draft, rebuilt) = rebuild(&[("web", &front), ("db", &back)], &BTreeMap::new()).unwrap();
    let inventory = draft.inventory();
    assert_eq!((inventory.networks.len(), inventory.bridges.len(), inventory.counts.len()), (2, 2, 2));
    let front = inventory.network(LABELLED).unwrap();
    let subnets: Vec<_> = front.subnets().map(|subnet| subnet.to_string()).collect();
    assert_eq!((front.name.as_str(), subnets), ("front", vec!["10.7.0.0/16".into(), "fd00:7::/64".to_owned()]));
    let bridge = inventory.bridge_of(LABELLED).unwrap();
    assert_eq!((bridge.address, bridge.address_v6), ("10.7.0.254/16".parse().ok(), "fd00:7::1/64".parse().ok()));
    assert_eq!(bridge.bridge_name, "br-1b128a9d9e30");
    let guessed: Vec<_> = rebuilt.iter().map(|network| (network.name.as_str(), network.is_guess)).collect();
    assert_eq!(guessed, [("back", true), ("front", false)]);
    assert_eq!(rebuilt[0].subnets, ["172.18.0.0/16".parse().unwrap()]);
}

#[test]
fn a_network_of_which_only_ipv6_is_known_gets_ipv4_too() {
    let front = attached("front", LABELLED, r#","IPAMConfig":{"IPv6Address":"fd00:7::9"}"#);
    let (_, rebuilt) = rebuild(&[("web", &front)], &hints(&[("front", "fd00:7::/64")])).unwrap();
    let subnets: Vec<_> = rebuilt[0].subnets.iter().map(ToString::to_string).collect();
    assert_eq!((subnets, rebuilt[0].is_guess), (vec!["172.18.0.0/16".to_owned(), "fd00:7::/64".to_owned()], true));
}

#[test]
fn an_address_that_was_given_by_hand_takes_a_subnet_that_is_told() {
    let fixed = attached("front", LABELLED, r#","IPAMConfig":{"IPv4Address":"10.7.0.1"}"#);
    let errors = rebuild(&[("web", &fixed)], &BTreeMap::new()).unwrap_err();
    assert!(
        matches!(&errors[..], [RebuildError::UnknownSubnet { name, container, .. }] if name == "front" && container == "web")
    );
    let (draft, rebuilt) = rebuild(&[("web", &fixed)], &hints(&[("front", "10.7.0.0/16")])).unwrap();
    assert!(!rebuilt[0].is_guess);
    // The first address is the container's.
    assert_eq!(draft.inventory().bridge_of(LABELLED).unwrap().address, "10.7.0.2/16".parse().ok());
    let errors = rebuild(&[("web", &fixed)], &hints(&[("front", "10.8.0.0/16")])).unwrap_err();
    assert!(matches!(&errors[..], [RebuildError::Outside { .. }]));
}

#[test]
fn other_drivers_are_told_and_all_that_is_wrong_is_said_at_once() {
    let networks = [("a", attached("lan", LABELLED, "")), ("b", attached("wan", PLAIN, ""))];
    let networks: Vec<_> = networks.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mut told = hints(&[("lan", "10.7.0.0/24"), ("wan", "10.8.0.0/24")]);
    told.get_mut("lan").unwrap().driver = Some("macvlan".into());
    told.get_mut("wan").unwrap().driver = Some("overlay".into());
    told.insert("nobody".into(), Hint::default());
    let errors = rebuild(&networks, &told).unwrap_err();
    let words: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), 3, "{words:?}");
    told.remove("nobody");
    told.get_mut("lan").unwrap().parent = Some("eth0".into());
    told.get_mut("wan").unwrap().driver = Some("ipvlan".into());
    told.get_mut("wan").unwrap().parent = Some("eth1".into());
    let (draft, _) = rebuild(&networks, &told).unwrap();
    let inventory = draft.inventory();
    assert_eq!(inventory.vlan_of(LABELLED).unwrap().parent, "eth0");
    assert_eq!(inventory.vlan_of(PLAIN).unwrap().subnets[0].gateway, "10.8.0.1/24".parse().ok());
    let overlapping = rebuild(&networks, &hints(&[("lan", "10.7.0.0/24"), ("wan", "10.7.0.0/16")])).unwrap_err();
    assert!(matches!(&overlapping[..], [RebuildError::Overlaps { .. }]));
    let no_id = attached("lan", "xyz", "");
    assert!(matches!(&rebuild(&[("a", &no_id)], &BTreeMap::new()).unwrap_err()[..], [RebuildError::NotAnId { .. }]));
}

#[test]
fn what_was_saved_stays_and_only_what_is_missing_is_made() {
    let (_root, containers) = host(&[("a", &attached("labelled", LABELLED, "")), ("b", &attached("lost", OTHER, ""))]);
    let plot = Plot::of("networks-stopped-20.10.24.db");
    let mut draft = plot.draft();
    let rebuilt = draft.rebuild(&containers, &BTreeMap::new()).unwrap();
    assert_eq!(rebuilt.iter().map(|network| network.id.as_str()).collect::<Vec<_>>(), [OTHER]);
    let keys = plot.difference(&plot.with(&draft));
    assert_eq!(keys, [format!("bridge/{OTHER}/"), format!("endpoint_count/{OTHER}/"), format!("network/{OTHER}/")]);
    let taken: Vec<_> = plot.inventory().networks.iter().flat_map(|network| network.subnets().collect::<Vec<_>>()).collect();
    assert!(!taken.iter().any(|taken| taken.overlaps(rebuilt[0].subnets[0])));
}
