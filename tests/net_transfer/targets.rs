//! What a version of Docker needs to be otherwise, and what it could not live with.

use serde_json::json;
use unbolt::net::Inventory;
use unbolt::net::json::Step::{Embedded, Item, Member};

use crate::files::*;

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
