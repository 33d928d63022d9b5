//! The names of places in the files, and whole things that are put there.

use serde_json::json;
use unbolt::net::json::Step::{self, Embedded, Item, Member};

use crate::plant::*;

pub const LABELLED_KEY: &str = "network/1b128a9d9e30f2638f0ce3a83b7670ec336f142e923cbf609eaeccb0caa46d50/";
pub const LABELLED_COUNT: &str = "endpoint_count/1b128a9d9e30f2638f0ce3a83b7670ec336f142e923cbf609eaeccb0caa46d50/";
pub const ONE_KEY: &str = "endpoint/1b128a9d9e30f2638f0ce3a83b7670ec336f142e923cbf609eaeccb0caa46d50/ce621880cd9152838a219863c87ca9060f74c09e4e50866c454c85c1b4cb4fe8/";
pub const TWO_KEY: &str = "endpoint/04309c0405d9d95dfbd78c0a65a8ce2f165bb9ff6a1d2b2a4b224523e72b862e/78c47bfc459723e078d4dd5bd3129cb64a714da1b8fadb2b01312e545fe5d225/";
pub const ONE_BRIDGE: &str = "bridge-endpoint/ce621880cd9152838a219863c87ca9060f74c09e4e50866c454c85c1b4cb4fe8/";
pub const BOX_KEY: &str = "sandbox/932a59cb2806709a41412b2e8da2ae538ae0c6a6b55a04c5f0cbbcdeecf76e85/";
pub const SIX_KEY: &str = "network/589c6d63b5f0acf3a43900c13e650cc7a21c83b9297e47de7ca8b7626ea0c8a5/";
pub const SIX_BRIDGE: &str = "bridge/589c6d63b5f0acf3a43900c13e650cc7a21c83b9297e47de7ca8b7626ea0c8a5/";
pub const SIX_COUNT: &str = "endpoint_count/589c6d63b5f0acf3a43900c13e650cc7a21c83b9297e47de7ca8b7626ea0c8a5/";
pub const IPVLAN_RECORD: &str = "ipvlan/network/8f8288ae37ab4231e5532412eca897ad9fb5f6a91f589f84341fba8caf896a29/";
pub const MACVLAN_RECORD: &str = "macvlan/network/310ac23595e294be49a77f14ca23d12527641ba356dbec925766ba3fb9db6822/";
pub const ONLY_6_KEY: &str = "network/8e6367490cf4a685336e841874f2dcfb08bcd96d0e685b424589a89c1f90a15a/";
pub const ONLY_6_BRIDGE: &str = "bridge/8e6367490cf4a685336e841874f2dcfb08bcd96d0e685b424589a89c1f90a15a/";
pub const ENDPOINT_OF_ONLY_6: &str = "bridge-endpoint/af2275ee1bd3f6e9be5c6300c1e99313c6ae950fe50caab896c2690373e2b681/";
pub const OTHER_KEY: &str = "network/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/";
pub const OTHER_COUNT: &str = "endpoint_count/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/";
pub const OTHER_BRIDGE: &str = "bridge/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/";
pub const DOCKER0_BRIDGE: &str = "bridge/e3635253db27e58492f8253e9427d1a3c0e585448c0aef869e97b56058614134/";
pub const BITMAP_OF_172_17: &str = "ipam/default/data/LocalDefault/172.17.0.0/16/";

pub const POOL_ID: [Step<'static>; 4] = [Member("ipamV4Info"), Embedded, Item(0), Member("PoolID")];

/// All records of `six`, which has no endpoints.
pub const ALL_OF_SIX: &[&str] = &[SIX_BRIDGE, SIX_COUNT, SIX_KEY];
/// A second network like `six`, whole.
pub fn twin(plot: &mut Plot) {
    plot.copy(SIX_KEY, OTHER_KEY, SIX, OTHER);
    plot.copy(SIX_BRIDGE, OTHER_BRIDGE, SIX, OTHER);
    plot.replace(OTHER_BRIDGE, "br-589c6d63b5f0", "br-aaaaaaaaaaaa");
    plot.put(OTHER_COUNT, r#"{"Count":0}"#);
    for (key, old, new) in [
        (OTHER_KEY, "10.91.0", "10.191.0"),
        (OTHER_KEY, "fd00:90", "fd00:190"),
        (OTHER_BRIDGE, "10.91.0", "10.191.0"),
        (OTHER_BRIDGE, "fd00:90", "fd00:190"),
        (OTHER_KEY, "\"name\":\"six\"", "\"name\":\"twin\""),
    ] {
        plot.replace(key, old, new);
    }
}

/// The counts that say nothing since 28.1, and do not fit for earlier versions.
pub const COUNTS_OF_28: [&str; 5] = [
    "endpoint_count/d6962d63993f6f61360966df3c9265d973d8eb939bffd8e31ecc4d19c8bc3505/",
    "endpoint_count/8e6367490cf4a685336e841874f2dcfb08bcd96d0e685b424589a89c1f90a15a/",
    "endpoint_count/eb15880630d311061b30227c827733ef98e8d5c89ec193feb20dd92ed5dc8dd4/",
    "endpoint_count/ee8e5cb90c6160b1c33e20ddbc30e17a3fc5aeb5e5c1bf1b76215265b89e32c7/",
    "endpoint_count/f8d13fed0f93cf9fa2976bdead4ce35f13af311a9bebebcf27f611e72eedc6da/",
];
pub const TWIN: &[&str] = &[OTHER_BRIDGE, OTHER_COUNT, OTHER_KEY];

/// Puts a second endpoint of `labelled` into the sandbox and the count.
pub fn join(plot: &mut Plot) {
    plot.set(BOX_KEY, &[Member("Eps")], json!([{ "Eid": ONE, "Nid": LABELLED }, { "Eid": OTHER, "Nid": LABELLED }]));
    plot.set(LABELLED_COUNT, &[Member("Count")], 2);
}

/// Makes all counts what they are before 28.1.
pub fn count_all(plot: &mut Plot) {
    let networks: Vec<String> =
        plot.records.keys().filter_map(|key| key.strip_prefix("network/")?.strip_suffix('/').map(str::to_owned)).collect();
    for network in networks {
        let real = plot.records.keys().filter(|key| key.starts_with(&format!("endpoint/{network}/"))).count();
        let key = format!("endpoint_count/{network}/");
        if real > 0 {
            plot.put(&key, format!("{{\"Count\":{real}}}"));
        }
    }
}

#[test]
fn the_names_of_places_in_the_file_are_those_that_are_used_here() {
    for (key, id) in [
        (LABELLED_KEY, LABELLED),
        (ONE_KEY, ONE),
        (TWO_KEY, TWO),
        (BOX_KEY, BOX_OF_ONE),
        (SIX_KEY, SIX),
        (IPVLAN_RECORD, IPVLAN),
        (MACVLAN_RECORD, MACVLAN),
        (DOCKER0_BRIDGE, DOCKER0),
    ] {
        assert!(key.contains(id) && Plot::of(RUNNING).records.contains_key(key), "{key}");
    }
    assert!(Plot::of(LIVE_28).records.contains_key(ONLY_6_KEY) && ONLY_6_KEY.contains(ONLY_6));
    let mut plot = Plot::of(RUNNING);
    twin(&mut plot);
    assert_eq!(plot.difference(&Plot::of(RUNNING)), TWIN);
    assert_eq!(doctor("").examine(&plot.inventory()).findings, []);
}
