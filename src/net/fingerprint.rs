//! Which version of Docker wrote a record, told by the fields that are in it.
//!
//! No record has a version. But each version writes all fields that it knows, so one that is there was written by a
//! version that has it already, and one that is not by a version that does not have it yet, or no longer.

use std::fmt;

use super::inventory::Inventory;
use super::json::Document;
use super::key::Key;
use super::record::Record;
use super::version::Version;

/// The versions that may have written something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// The first of them.
    pub from: Option<Version>,
    /// The first version after them.
    pub before: Option<Version>,
}

/// A field, and when it came and went.
struct Field {
    name: &'static str,
    since: Option<Version>,
    gone: Option<Version>,
}

const fn since(name: &'static str, major: u16, minor: u16) -> Field {
    Field { name, since: Some(Version::new(major, minor)), gone: None }
}

const fn until(name: &'static str, major: u16, minor: u16) -> Field {
    Field { name, since: None, gone: Some(Version::new(major, minor)) }
}

const NETWORK: &[Field] = &[
    since("inDelete", 1, 11),
    since("ingress", 1, 12),
    since("attachable", 1, 13),
    since("configOnly", 17, 6),
    since("loadBalancerIP", 17, 12),
    since("loadBalancerMode", 18, 9),
    since("enableIPv4", 28, 0),
    until("postIPv6", 28, 0),
];
const BRIDGE: &[Field] = &[
    since("Internal", 1, 11),
    since("BridgeIfaceCreator", 1, 13),
    since("ContainerIfacePrefix", 17, 5),
    since("HostIP", 20, 10),
    since("HostIPv6", 25, 0),
    since("GwModeIPv4", 27, 0),
    since("EnableIPv4", 28, 0),
    since("TrustedHostInterfaces", 28, 2),
];
const ENDPOINT: &[Field] = &[
    since("svcName", 1, 12),
    since("loadBalancer", 17, 10),
    since("dnsNames", 25, 0),
    since("disableIPv6", 28, 0),
    until("locator", 23, 0),
    until("myAliases", 25, 0),
];
const BRIDGE_ENDPOINT: &[Field] = &[until("Config", 27, 0)];
const IPVLAN: &[Field] = &[since("IpvlanFlag", 23, 0)];

impl Fingerprint {
    /// The versions that write a record as this one is.
    pub fn of(key: &Key, document: &Document) -> Fingerprint {
        let fields = match key {
            Key::Network(_) => NETWORK,
            Key::Bridge(_) => BRIDGE,
            Key::Endpoint { .. } => ENDPOINT,
            Key::BridgeEndpoint(_) => BRIDGE_ENDPOINT,
            Key::Vlan(super::VlanKind::Ipvlan, _) => IPVLAN,
            Key::Sandbox(_) => return of_sandbox(document),
            _ => &[],
        };
        let Some(object) = document.root().object() else { return Fingerprint::default() };
        let mut versions = Fingerprint::default();
        for field in fields {
            versions = versions.and(match (object.get(field.name).is_some(), field.since, field.gone) {
                (true, since, gone) => Fingerprint { from: since, before: gone },
                (false, Some(since), _) => Fingerprint { from: None, before: Some(since) },
                (false, None, gone) => Fingerprint { from: gone, before: None },
            });
        }
        // Since 29 all fields of the interface are there, empty where they are not set.
        let interface = object.get("ep_iface").and_then(|interface| interface.object());
        if let Some(interface) = interface.filter(|_| matches!(key, Key::Endpoint { .. })) {
            let all = interface.get("llAddrs").is_some() && interface.get("addrv6").is_some();
            versions = versions.and(match all && interface.get("createdInContainer").is_some() {
                true => Fingerprint { from: Some(Version::new(29, 0)), before: None },
                false => Fingerprint { from: None, before: Some(Version::new(29, 0)) },
            });
        }
        versions
    }

    /// The versions that are in both; where there are none, those of the newer one.
    fn and(self, other: Fingerprint) -> Fingerprint {
        let from = self.from.max(other.from);
        let before = match (self.before, other.before) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        match (from, before) {
            (Some(from), Some(before)) if from >= before => self.newer(other),
            _ => Fingerprint { from, before },
        }
    }

    fn newer(self, other: Fingerprint) -> Fingerprint {
        if other.from > self.from { other } else { self }
    }
}

fn of_sandbox(document: &Document) -> Fingerprint {
    let root = document.root();
    match (root.get("ExtDNS").is_some(), root.get("ExtDNS2").is_some()) {
        (true, true) => Fingerprint { from: Some(Version::new(17, 4)), before: Some(Version::new(24, 0)) },
        (true, false) => Fingerprint { from: None, before: Some(Version::new(17, 4)) },
        // Both are left out where they are empty.
        (false, true) => Fingerprint { from: Some(Version::new(17, 4)), before: None },
        (false, false) => Fingerprint::default(),
    }
}

impl Inventory {
    /// The versions that wrote last, by the records that each start writes anew: the default bridge, sandboxes, and
    /// the endpoints in them. Without these, by the newest record there is.
    pub fn written_by(&self) -> Fingerprint {
        let bridges = self.bridges.iter().filter(|bridge| bridge.default_bridge).map(fingerprint);
        let networks = self.networks.iter().filter(|network| network.is_default_bridge()).map(fingerprint);
        let sandboxes = self.sandboxes.iter().map(fingerprint);
        let endpoints = self.endpoints.iter().filter(|endpoint| !endpoint.sandbox.is_empty()).map(fingerprint);
        let fresh = bridges.chain(networks).chain(sandboxes).chain(endpoints).reduce(Fingerprint::and);
        let all = || self.networks.iter().map(fingerprint).chain(self.bridges.iter().map(fingerprint));
        fresh.or_else(|| all().reduce(Fingerprint::newer)).unwrap_or_else(|| self.without_networks())
    }

    /// What kept its addresses in the file was 1.11 at the latest.
    fn without_networks(&self) -> Fingerprint {
        match self.ipam_configs.is_empty() && self.ipam_data.is_empty() {
            true => Fingerprint::default(),
            false => Fingerprint { from: Some(Version::new(1, 9)), before: Some(Version::new(1, 12)) },
        }
    }
}

fn fingerprint<T>(record: &Record<T>) -> Fingerprint {
    Fingerprint::of(record.key(), record.document())
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.before) {
            (Some(from), Some(before)) => f.pad(&format!("{from} or later, before {before}")),
            (Some(from), None) => f.pad(&format!("{from} or later")),
            (None, Some(before)) => f.pad(&format!("before {before}")),
            (None, None) => f.pad("unknown"),
        }
    }
}
