//! The keys of libnetwork's records: the only place that reads and makes them.

use std::fmt;
use std::str::FromStr;

/// What every key begins with.
pub const ROOT: &str = "docker/network/v1.0/";

/// A key of libnetwork's, by what its record is about.
///
/// ```
/// use unbolt::net::Key;
/// let key: Key = "docker/network/v1.0/endpoint/4e47/9bb9/".parse()?;
/// assert_eq!(key, Key::Endpoint { network: "4e47".into(), endpoint: "9bb9".into() });
/// assert_eq!(key.to_string(), "docker/network/v1.0/endpoint/4e47/9bb9/");
/// # Ok::<(), unbolt::net::UnknownKey>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Key {
    /// A network, by its id.
    Network(String),
    /// An endpoint: a container's place in a network.
    Endpoint {
        /// The network's id.
        network: String,
        /// The endpoint's id.
        endpoint: String,
    },
    /// How many endpoints the network with this id has.
    EndpointCount(String),
    /// The empty record above the counts, which Docker 17.03 to 24 made.
    EndpointCounts,
    /// A sandbox, by its id: a container's network stack.
    Sandbox(String),
    /// What the bridge driver keeps of the network with this id.
    Bridge(String),
    /// What the bridge driver keeps of the endpoint with this id.
    BridgeEndpoint(String),
    /// What the macvlan or ipvlan driver keeps of the network with this id.
    Vlan(VlanKind, String),
    /// The same as Docker 1.11 kept it, which nothing reads any more.
    OldVlan(VlanKind, String),
    /// What the macvlan or ipvlan driver keeps of the endpoint with this id.
    VlanEndpoint(VlanKind, String),
    /// What the overlay driver kept of the endpoint with this id, until 23.
    OverlayEndpoint(String),
    /// What the overlay driver of Windows kept of the network with this id, until 17.03.
    OverlayNetwork(String),
    /// What a driver of Windows keeps of a network.
    Windows {
        /// The type of network: `nat`, `transparent`, `l2bridge`, …
        kind: String,
        /// The network's id.
        network: String,
    },
    /// What a driver of Windows keeps of an endpoint.
    WindowsEndpoint {
        /// The type of its network.
        kind: String,
        /// The endpoint's id.
        endpoint: String,
    },
    /// The address pools of an address space, as Docker 1.9 to 1.11 kept them.
    IpamConfig(String),
    /// Which addresses of a pool are taken, as Docker 1.9 to 1.11 kept it.
    IpamData {
        /// The address space.
        space: String,
        /// The pool's network.
        pool: String,
    },
}

/// Which of two drivers that are much alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VlanKind {
    /// macvlan: an address of its own on the link for every container.
    Macvlan,
    /// ipvlan: the parent's link address for all.
    Ipvlan,
}

impl fmt::Display for VlanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            VlanKind::Macvlan => "macvlan",
            VlanKind::Ipvlan => "ipvlan",
        })
    }
}

/// A key that is not one of libnetwork's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key that libnetwork makes")]
pub struct UnknownKey;

const WINDOWS: &str = "windows";
const WINDOWS_ENDPOINT: &str = "windows-endpoint";

impl Key {
    /// The id of the network that the record is about, where its key has it.
    pub fn network(&self) -> Option<&str> {
        match self {
            Key::Network(id) | Key::EndpointCount(id) | Key::Bridge(id) | Key::OverlayNetwork(id) => Some(id),
            Key::Vlan(_, id) | Key::OldVlan(_, id) => Some(id),
            Key::Endpoint { network, .. } | Key::Windows { network, .. } => Some(network),
            _ => None,
        }
    }

    /// The id of the endpoint that the record is about, where there is one.
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Key::BridgeEndpoint(id) | Key::VlanEndpoint(_, id) | Key::OverlayEndpoint(id) => Some(id),
            Key::Endpoint { endpoint, .. } | Key::WindowsEndpoint { endpoint, .. } => Some(endpoint),
            _ => None,
        }
    }

    /// The id of the sandbox that the record is about, where it is one.
    pub fn sandbox(&self) -> Option<&str> {
        match self {
            Key::Sandbox(id) => Some(id),
            _ => None,
        }
    }

    /// What kind of record the key is for, in words.
    pub fn family(&self) -> &'static str {
        match self {
            Key::Network(_) => "network",
            Key::Endpoint { .. } => "endpoint",
            Key::EndpointCount(_) => "endpoint count",
            Key::EndpointCounts => "parent of endpoint counts",
            Key::Sandbox(_) => "sandbox",
            Key::Bridge(_) => "bridge network",
            Key::BridgeEndpoint(_) => "bridge endpoint",
            Key::Vlan(VlanKind::Macvlan, _) => "macvlan network",
            Key::Vlan(VlanKind::Ipvlan, _) => "ipvlan network",
            Key::OldVlan(VlanKind::Macvlan, _) => "macvlan network of 1.11",
            Key::OldVlan(VlanKind::Ipvlan, _) => "ipvlan network of 1.11",
            Key::VlanEndpoint(VlanKind::Macvlan, _) => "macvlan endpoint",
            Key::VlanEndpoint(VlanKind::Ipvlan, _) => "ipvlan endpoint",
            Key::OverlayEndpoint(_) => "overlay endpoint",
            Key::OverlayNetwork(_) => "overlay network",
            Key::Windows { .. } => "Windows network",
            Key::WindowsEndpoint { .. } => "Windows endpoint",
            Key::IpamConfig(_) => "address pools",
            Key::IpamData { .. } => "address bitmap",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROOT)?;
        match self {
            Key::Network(id) => write!(f, "network/{id}/"),
            Key::Endpoint { network, endpoint } => write!(f, "endpoint/{network}/{endpoint}/"),
            Key::EndpointCount(id) => write!(f, "endpoint_count/{id}/"),
            Key::EndpointCounts => write!(f, "endpoint_count/"),
            Key::Sandbox(id) => write!(f, "sandbox/{id}/"),
            Key::Bridge(id) => write!(f, "bridge/{id}/"),
            Key::BridgeEndpoint(id) => write!(f, "bridge-endpoint/{id}/"),
            Key::Vlan(kind, id) => write!(f, "{kind}/network/{id}/"),
            Key::OldVlan(kind, id) => write!(f, "{kind}/{id}/"),
            Key::VlanEndpoint(kind, id) => write!(f, "{kind}/endpoint/{id}/"),
            Key::OverlayEndpoint(id) => write!(f, "overlay/endpoint/{id}/"),
            Key::OverlayNetwork(id) => write!(f, "overlay/network/{id}/"),
            Key::Windows { kind, network } => write!(f, "{WINDOWS}{kind}/{network}/"),
            Key::WindowsEndpoint { kind, endpoint } => write!(f, "{WINDOWS_ENDPOINT}{kind}/{endpoint}/"),
            Key::IpamConfig(space) => write!(f, "ipam/default/config/{space}/"),
            Key::IpamData { space, pool } => write!(f, "ipam/default/data/{space}/{pool}/"),
        }
    }
}

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Key, UnknownKey> {
        let parts = text.strip_prefix(ROOT).and_then(|rest| rest.strip_suffix('/')).ok_or(UnknownKey)?;
        let parts: Vec<&str> = parts.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(UnknownKey);
        }
        from_parts(&parts).ok_or(UnknownKey)
    }
}

fn from_parts(parts: &[&str]) -> Option<Key> {
    Some(match *parts {
        ["network", id] => Key::Network(id.into()),
        ["endpoint", network, endpoint] => Key::Endpoint { network: network.into(), endpoint: endpoint.into() },
        ["endpoint_count", id] => Key::EndpointCount(id.into()),
        ["endpoint_count"] => Key::EndpointCounts,
        ["sandbox", id] => Key::Sandbox(id.into()),
        ["bridge", id] => Key::Bridge(id.into()),
        ["bridge-endpoint", id] => Key::BridgeEndpoint(id.into()),
        ["overlay", "endpoint", id] => Key::OverlayEndpoint(id.into()),
        ["overlay", "network", id] => Key::OverlayNetwork(id.into()),
        ["ipam", "default", "config", space] => Key::IpamConfig(space.into()),
        ["ipam", "default", "data", space, network, length] => {
            Key::IpamData { space: space.into(), pool: format!("{network}/{length}") }
        }
        [driver @ ("macvlan" | "ipvlan"), ref rest @ ..] => vlan(driver, rest)?,
        [first, id] => windows(first, id)?,
        _ => return None,
    })
}

fn vlan(driver: &str, rest: &[&str]) -> Option<Key> {
    let kind = if driver == "macvlan" { VlanKind::Macvlan } else { VlanKind::Ipvlan };
    match *rest {
        ["network", id] => Some(Key::Vlan(kind, id.into())),
        ["endpoint", id] => Some(Key::VlanEndpoint(kind, id.into())),
        // A network of that name alone would be one of the new form, cut off.
        [id] if id != "network" && id != "endpoint" => Some(Key::OldVlan(kind, id.into())),
        _ => None,
    }
}

/// `windowsnat`, or `windows-endpointnat`.
fn windows(first: &str, id: &str) -> Option<Key> {
    let of_endpoint = first.strip_prefix(WINDOWS_ENDPOINT).filter(|kind| !kind.is_empty());
    let of_network = || first.strip_prefix(WINDOWS).filter(|kind| !kind.is_empty() && !kind.starts_with('-'));
    match of_endpoint {
        Some(kind) => Some(Key::WindowsEndpoint { kind: kind.into(), endpoint: id.into() }),
        None => of_network().map(|kind| Key::Windows { kind: kind.into(), network: id.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_of_keys_is_read_and_made_again() {
        for (text, family) in [
            ("network/n", "network"),
            ("endpoint/n/e", "endpoint"),
            ("endpoint_count/n", "endpoint count"),
            ("endpoint_count", "parent of endpoint counts"),
            ("sandbox/ingress_sbox", "sandbox"),
            ("bridge/n", "bridge network"),
            ("bridge-endpoint/e", "bridge endpoint"),
            ("macvlan/n", "macvlan network of 1.11"),
            ("macvlan/network/n", "macvlan network"),
            ("macvlan/endpoint/e", "macvlan endpoint"),
            ("ipvlan/n", "ipvlan network of 1.11"),
            ("ipvlan/network/n", "ipvlan network"),
            ("ipvlan/endpoint/e", "ipvlan endpoint"),
            ("overlay/endpoint/e", "overlay endpoint"),
            ("overlay/network/n", "overlay network"),
            ("windowsnat/n", "Windows network"),
            ("windows-endpointl2bridge/e", "Windows endpoint"),
            ("ipam/default/config/LocalDefault", "address pools"),
            ("ipam/default/data/LocalDefault/172.17.0.0/16", "address bitmap"),
        ] {
            let text = format!("{ROOT}{text}/");
            let key: Key = text.parse().unwrap();
            assert_eq!((key.to_string(), key.family()), (text, family));
            let ids = [key.network(), key.endpoint()];
            assert!(ids.iter().flatten().all(|id| ["n", "e"].contains(id)), "{key}");
        }
    }

    #[test]
    fn what_libnetwork_would_not_make_is_no_key_of_it() {
        for text in [
            "",
            "network/n/",
            "docker/network/v1.0/",
            "docker/network/v1.0/network/",
            "docker/network/v1.0/network/n",
            "docker/network/v1.0/network//",
            "docker/network/v1.0/network/n/m/",
            "docker/network/v1.0/endpoint/n/",
            "docker/network/v1.0/macvlan/network/",
            "docker/network/v1.0/windows/n/",
            "docker/network/v1.0/windows-endpoint/e/",
            "docker/network/v1.0/ipam/default/data/LocalDefault/172.17.0.0/",
            "docker/network/v1.0/mine/1/2/",
        ] {
            assert_eq!(text.parse::<Key>(), Err(UnknownKey), "{text}");
        }
    }
}
