//! A lost file made again from what the containers know: the ids of their networks, the addresses that they were given
//! by hand, and after a crash the addresses that they had.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::address::Cidr;
use super::containers::{Attachment, Containers};
use super::draft::Draft;
use super::json::{Document, go_json};
use super::key::Key;
use super::make;
use super::network::Network;
use super::record::Record;

/// What is known of a network from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Hint {
    /// The driver: `bridge` where none is named.
    pub driver: Option<String>,
    /// The host's interface that a macvlan or ipvlan network stands on.
    pub parent: Option<String>,
    /// Its subnets, at most one of a family.
    pub subnets: Vec<Cidr>,
    /// Its gateways; the first address of a subnet where none is named.
    pub gateways: Vec<IpAddr>,
}

/// A network that was made again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rebuilt {
    /// Its id: the one that it had.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Its subnets.
    pub subnets: Vec<Cidr>,
    /// Whether nothing told its subnet of IPv4, so that it is one that no other has.
    pub is_guess: bool,
}

/// Why a file was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RebuildError {
    /// A container was given an address by hand, and nothing tells how far the subnet reaches.
    #[error("the subnet of network {name} is not known, and container {container} was given {address} by hand")]
    UnknownSubnet {
        /// The network's name.
        name: String,
        /// A container in it.
        container: String,
        /// Its address.
        address: IpAddr,
    },
    /// An address that a container has is not in the subnet.
    #[error("{address} of container {container} is not in {subnet}, the subnet of network {name}")]
    Outside {
        /// The network's name.
        name: String,
        /// The container.
        container: String,
        /// Its address.
        address: IpAddr,
        /// The subnet.
        subnet: Cidr,
    },
    /// Two networks would have addresses in common.
    #[error("{subnet} of network {name} overlaps {other} of another network")]
    Overlaps {
        /// The network's name.
        name: String,
        /// Its subnet.
        subnet: Cidr,
        /// The other one.
        other: Cidr,
    },
    /// No subnet is left to give.
    #[error("there is no free subnet left for network {name}")]
    NoSubnetLeft {
        /// The network's name.
        name: String,
    },
    /// A network needs a parent.
    #[error("network {name} is a {driver} network, and its parent is not known")]
    NoParent {
        /// The network's name.
        name: String,
        /// Its driver.
        driver: String,
    },
    /// A driver that this cannot make networks of.
    #[error("network {name}: {driver} is none of bridge, macvlan, ipvlan")]
    UnknownDriver {
        /// The network's name.
        name: String,
        /// The driver.
        driver: String,
    },
    /// The id that the containers have is none.
    #[error("network {name}: {id:?} is no id: 64 hexadecimal digits")]
    NotAnId {
        /// The network's name.
        name: String,
        /// What they have.
        id: String,
    },
    /// Something is known of a network that no container is in.
    #[error("no container is in a network {name}")]
    NobodyIsIn {
        /// The name.
        name: String,
    },
}

/// A network, and the places in it.
struct Lost<'c> {
    id: &'c str,
    name: &'c str,
    places: Vec<(&'c str, &'c Attachment)>,
    hint: Hint,
}

impl Draft {
    /// Makes the networks again that containers are in and that are not here, under the ids that the containers have.
    /// `hints` has what is known of them otherwise, by their names. Either all of them are made, or none.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use unbolt::net::{Containers, Draft};
    /// # let root = tempfile::tempdir()?;
    /// # let folder = root.path().join("containers/c1");
    /// # std::fs::create_dir_all(&folder)?;
    /// # let id = "1b128a9d9e30f2638f0ce3a83b7670ec336f142e923cbf609eaeccb0caa46d50";
    /// # std::fs::write(folder.join("config.v2.json"), format!(r#"{{"Name":"/web","NetworkSettings":{{"Networks":
    /// #     {{"front":{{"NetworkID":"{id}","IPAddress":"10.7.0.9","IPPrefixLen":24,"Gateway":"10.7.0.1"}}}}}}}}"#))?;
    /// let containers = Containers::read(root.path())?;
    /// let mut draft = Draft::default();
    /// let networks = draft.rebuild(&containers, &BTreeMap::new()).expect("all is known");
    /// assert_eq!((networks[0].name.as_str(), networks[0].subnets[0].to_string()), ("front", "10.7.0.0/24".into()));
    /// assert_eq!(draft.changes().len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rebuild(
        &mut self,
        containers: &Containers,
        hints: &BTreeMap<String, Hint>,
    ) -> Result<Vec<Rebuilt>, Vec<RebuildError>> {
        let (lost, mut errors) = lost(self, containers, hints);
        let mut taken = make::subnets(&self.inventory());
        let mut planned = Vec::new();
        for network in &lost {
            match network.subnets() {
                Ok(subnets) => {
                    for subnet in &subnets {
                        match taken.iter().find(|other| other.overlaps(*subnet)) {
                            Some(other) => errors.push(network.overlap(*subnet, *other)),
                            None => taken.push(*subnet),
                        }
                    }
                    planned.push((network, subnets));
                }
                Err(error) => errors.push(error),
            }
        }
        let mut made = Vec::new();
        for (network, mut subnets) in planned {
            // Until 27 there is no network without IPv4.
            let is_guess = subnets.iter().all(|subnet| subnet.is_ipv6());
            if is_guess {
                match make::free_subnet(&taken) {
                    Some(subnet) => subnets.insert(0, subnet),
                    None => errors.push(RebuildError::NoSubnetLeft { name: network.name.into() }),
                }
                taken.extend(&subnets);
            }
            let (id, name, driver) = (network.id.into(), network.name.into(), network.driver().into());
            made.push((network, Rebuilt { id, name, driver, subnets, is_guess }));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for (network, rebuilt) in &made {
            self.add(network, rebuilt);
        }
        Ok(made.into_iter().map(|(_, rebuilt)| rebuilt).collect())
    }

    /// Puts the three records of a network.
    fn add(&mut self, network: &Lost<'_>, rebuilt: &Rebuilt) {
        let record = go_json(&network.record(rebuilt));
        let key = Key::Network(network.id.into());
        let parsed =
            Document::parse(record.as_bytes()).ok().and_then(|document| Record::<Network>::of(key.clone(), 0, document).ok());
        if let Some((driver, value)) = parsed.and_then(|parsed| make::driver_record(network.id, &parsed)) {
            self.put(&driver, value);
        }
        self.put(&Key::EndpointCount(network.id.into()), make::count(0));
        self.put(&key, record);
    }
}

/// The networks that are not in a draft, and what is wrong with what is known of them.
fn lost<'c>(draft: &Draft, containers: &'c Containers, hints: &BTreeMap<String, Hint>) -> (Vec<Lost<'c>>, Vec<RebuildError>) {
    let mut networks: BTreeMap<&str, Lost<'c>> = BTreeMap::new();
    let (mut names, mut errors) = (BTreeSet::new(), Vec::new());
    for (container, place) in containers.attachments() {
        names.insert(place.name.as_str());
        if draft.has(&Key::Network(place.network.clone())) {
            continue;
        }
        let hint = || hints.get(&place.name).cloned().unwrap_or_default();
        let network = networks.entry(&place.network);
        let network =
            network.or_insert_with(|| Lost { id: &place.network, name: &place.name, places: Vec::new(), hint: hint() });
        network.places.push((&container.name, place));
    }
    errors.extend(networks.values().filter_map(Lost::flaw));
    let unknown = hints.keys().filter(|name| !names.contains(name.as_str()));
    errors.extend(unknown.map(|name| RebuildError::NobodyIsIn { name: name.clone() }));
    (networks.into_values().collect(), errors)
}

impl Lost<'_> {
    fn driver(&self) -> &str {
        self.hint.driver.as_deref().unwrap_or("bridge")
    }

    fn flaw(&self) -> Option<RebuildError> {
        let (name, driver) = (|| self.name.to_owned(), self.driver());
        if self.id.len() != 64 || !self.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(RebuildError::NotAnId { name: name(), id: self.id.into() });
        }
        match driver {
            "bridge" => None,
            "macvlan" | "ipvlan" if self.hint.parent.is_some() => None,
            "macvlan" | "ipvlan" => Some(RebuildError::NoParent { name: name(), driver: driver.into() }),
            _ => Some(RebuildError::UnknownDriver { name: name(), driver: driver.into() }),
        }
    }

    fn overlap(&self, subnet: Cidr, other: Cidr) -> RebuildError {
        RebuildError::Overlaps { name: self.name.into(), subnet, other }
    }

    /// Its subnets, as far as anything tells them: none where any would do.
    fn subnets(&self) -> Result<Vec<Cidr>, RebuildError> {
        let mut subnets = Vec::new();
        for v6 in [false, true] {
            let hinted = self.hint.subnets.iter().copied().find(|subnet| subnet.is_ipv6() == v6);
            let address = |place: &Attachment| if v6 { place.address_v6 } else { place.address_v4 };
            let had = || self.places.iter().find_map(|(_, place)| address(place));
            let subnet = hinted.or_else(had).map(Cidr::subnet);
            for (container, place) in &self.places {
                let fixed = if v6 { place.fixed_v6 } else { place.fixed_v4 };
                let addresses = fixed.into_iter().chain(address(place).map(Cidr::address));
                for address in addresses {
                    let (name, container) = (self.name.into(), (*container).into());
                    match subnet {
                        None => return Err(RebuildError::UnknownSubnet { name, container, address }),
                        Some(subnet) if !subnet.contains(address) => {
                            return Err(RebuildError::Outside { name, container, address, subnet });
                        }
                        Some(_) => {}
                    }
                }
            }
            subnets.extend(subnet);
        }
        Ok(subnets)
    }

    /// The gateway of a subnet: known, or the first address that no container was given.
    fn gateway(&self, subnet: Cidr) -> Option<IpAddr> {
        let is_inside = |address: &IpAddr| subnet.contains(*address);
        let hinted = self.hint.gateways.iter().copied().find(is_inside);
        let had = self.places.iter().flat_map(|(_, place)| [place.gateway_v4, place.gateway_v6]).flatten().find(is_inside);
        let given: BTreeSet<IpAddr> = self.places.iter().flat_map(|(_, place)| place.fixed()).collect();
        let free = || (1..=given.len() as u64 + 1).filter_map(|n| subnet.nth(n)).find(|address| !given.contains(address));
        hinted.or(had).or_else(free)
    }

    /// The record of the network, as 20.10 writes it, without what nothing tells.
    fn record(&self, rebuilt: &Rebuilt) -> Value {
        let of_family = |v6: bool| {
            let subnets = rebuilt.subnets.iter().filter(|subnet| subnet.is_ipv6() == v6);
            let pools: Vec<_> = subnets.map(|subnet| (*subnet, self.gateway(*subnet))).collect();
            (!pools.is_empty()).then(|| make::pools(&pools))
        };
        let (v4, v6) = (of_family(false), of_family(true));
        let mut options = Map::new();
        if let Some(parent) = self.hint.parent.as_ref().filter(|_| rebuilt.driver != "bridge") {
            options.insert("parent".into(), parent.as_str().into());
        }
        match rebuilt.driver.as_str() {
            "macvlan" => drop(options.insert("macvlan_mode".into(), "bridge".into())),
            "ipvlan" => drop(options.insert("ipvlan_mode".into(), "l2".into())),
            _ => {}
        }
        let mut record = Map::new();
        let mut set = |name: &str, value: Value| drop(record.insert(name.into(), value));
        set("addrSpace", make::SPACE.into());
        set("attachable", false.into());
        set("configFrom", "".into());
        set("configOnly", false.into());
        set("enableIPv6", v6.is_some().into());
        set("generic", json!({ "com.docker.network.enable_ipv6": v6.is_some(), "com.docker.network.generic": options }));
        set("id", self.id.into());
        set("inDelete", false.into());
        set("ingress", false.into());
        set("internal", false.into());
        set("ipamOptions", json!({}));
        set("ipamType", "default".into());
        for (family, pools) in [("V4", v4), ("V6", v6)] {
            if let Some((asked, got)) = pools {
                set(&format!("ipam{family}Config"), asked.into());
                set(&format!("ipam{family}Info"), got.into());
            }
        }
        set("labels", json!({}));
        set("loadBalancerIP", "".into());
        set("loadBalancerMode", "NAT".into());
        set("name", self.name.into());
        set("networkType", rebuilt.driver.as_str().into());
        set("persist", true.into());
        set("scope", "local".into());
        Value::Object(record)
    }
}
