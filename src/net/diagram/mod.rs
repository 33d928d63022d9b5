//! The picture of a host's networks: what is in it, in which order, and in which words. How it is drawn is the
//! others' business: [`svg`](Diagram::svg), [`mermaid`](Diagram::mermaid), [`dot`](Diagram::dot).

mod dot;
mod layout;
mod mermaid;
mod svg;

use std::collections::HashMap;

use super::endpoint::Endpoint;
use super::inventory::Inventory;
use super::lookup::Lookup;
use super::natural::natural_order;
use super::network::{Network, Pool};
use super::port::PortBinding;
use super::record::Record;

/// As much of an id as docker shows.
const SHORT: usize = 12;
/// As many ports of one endpoint as are drawn.
const PORTS: usize = 12;

/// The networks of a host, the containers in them, and the host's ports that lead there.
///
/// ```
/// # let inventory = unbolt::net::Inventory::default();
/// let diagram = unbolt::net::Diagram::of(&inventory);
/// assert!(diagram.svg().starts_with("<svg "));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Diagram {
    networks: Vec<NetworkBox>,
    containers: Vec<ContainerBox>,
}

/// A network.
#[derive(Debug, Clone, Default)]
struct NetworkBox {
    name: String,
    driver: String,
    /// Each subnet, and its gateway.
    subnets: Vec<(String, Option<String>)>,
    /// Interface, options, what is special.
    notes: Vec<String>,
    /// Whether it is only named by others.
    is_missing: bool,
}

/// A container, or an endpoint that is in none.
#[derive(Debug, Clone, Default)]
struct ContainerBox {
    name: String,
    id: String,
    places: Vec<PlaceRow>,
    /// Whether nothing that runs stands behind it.
    is_stale: bool,
}

/// A container's place in a network.
#[derive(Debug, Clone, Default)]
struct PlaceRow {
    /// The network's number in the diagram.
    network: usize,
    addresses: Vec<String>,
    ports: Vec<String>,
}

impl Diagram {
    /// The diagram of an inventory. `host` and `none` are left out where nobody is in them.
    pub fn of(inventory: &Inventory) -> Diagram {
        let mut maker = Maker { lookup: Lookup::of(inventory), numbers: HashMap::new(), networks: Vec::new() };
        maker.add_networks(inventory);
        let mut containers = maker.containers(inventory);
        let networks = maker.networks;
        containers.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then_with(|| natural_order(&a.name, &b.name)));
        Diagram { networks, containers }
    }
}

/// Where between its networks a container belongs.
fn mean(container: &ContainerBox) -> f64 {
    let numbers = container.places.iter().filter_map(|place| u32::try_from(place.network).ok());
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + f64::from(number), count + 1.0));
    if count > 0.0 { sum / count } else { f64::MAX }
}

struct Maker<'i> {
    lookup: Lookup<'i>,
    /// The numbers of the networks, by their ids.
    numbers: HashMap<&'i str, usize>,
    networks: Vec<NetworkBox>,
}

impl<'i> Maker<'i> {
    fn add_networks(&mut self, inventory: &'i Inventory) {
        let is_drawn = |network: &&Record<Network>| {
            !matches!(network.driver.as_str(), "host" | "null")
                || network.config_only
                || !self.lookup.members(&network.id).is_empty()
        };
        let mut networks: Vec<_> = inventory.networks.iter().filter(is_drawn).collect();
        networks.sort_by(|a, b| natural_order(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
        for network in networks {
            self.numbers.insert(&network.id, self.networks.len());
            self.networks.push(self.network(network));
        }
    }

    fn network(&self, network: &Record<Network>) -> NetworkBox {
        let bridge = self.lookup.bridge(&network.id).map(|bridge| bridge.bridge_name.clone());
        let parent = self.lookup.vlan(&network.id).filter(|vlan| !vlan.parent.is_empty());
        let parent = parent.map(|vlan| format!("on {} ({})", vlan.parent, vlan.mode));
        let flags =
            [(network.internal, "internal"), (network.config_only, "configuration only"), (network.in_delete, "being deleted")];
        let flags = flags.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word.to_owned());
        let from = network.config_from.as_ref().map(|name| format!("as {name} says"));
        NetworkBox {
            name: network.name.clone(),
            driver: network.driver.clone(),
            subnets: network.pools().filter_map(subnet).collect(),
            notes: bridge.into_iter().chain(parent).chain(from).chain(flags).collect(),
            is_missing: false,
        }
    }

    /// The number of a network. One that has no record is drawn too.
    fn number(&mut self, id: &'i str) -> usize {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = self.networks.len();
        self.numbers.insert(id, number);
        let notes = vec!["no record of this network".to_owned()];
        self.networks.push(NetworkBox {
            name: short(id),
            driver: "?".into(),
            notes,
            is_missing: true,
            ..NetworkBox::default()
        });
        number
    }

    fn containers(&mut self, inventory: &'i Inventory) -> Vec<ContainerBox> {
        let mut all = Vec::new();
        for at in inventory.stacks() {
            let mut places = Vec::new();
            for at in at.endpoints.iter() {
                let network = self.number(&at.place.network);
                places.push(match at.endpoint {
                    Some(endpoint) => self.place(network, endpoint),
                    None => PlaceRow { network, addresses: vec!["no such endpoint".into()], ports: Vec::new() },
                });
            }
            places.sort_by_key(|place| place.network);
            let id = short(&at.sandbox.container);
            let name = at.name().map_or_else(|| short(&at.sandbox.id), str::to_owned);
            all.push(ContainerBox { name, id, places, is_stale: false });
        }
        for endpoint in &inventory.endpoints {
            if self.lookup.sandbox(&endpoint.sandbox).is_some() {
                continue;
            }
            let network = self.number(endpoint.key().network().unwrap_or_default());
            let places = vec![self.place(network, endpoint)];
            all.push(ContainerBox { name: endpoint.name.clone(), id: "no sandbox".into(), places, is_stale: true });
        }
        all
    }

    fn place(&self, network: usize, endpoint: &Record<Endpoint>) -> PlaceRow {
        let ports = self.lookup.bridge_endpoint(&endpoint.id).map(|endpoint| words_of_ports(&endpoint.ports));
        PlaceRow {
            network,
            addresses: endpoint.addresses().map(|address| address.address().to_string()).collect(),
            ports: ports.unwrap_or_default(),
        }
    }
}

fn short(id: &str) -> String {
    id.chars().take(SHORT).collect()
}

fn subnet(pool: &Pool) -> Option<(String, Option<String>)> {
    let subnet = pool.subnet?.to_string();
    let subnet = match pool.range() {
        Some(range) => format!("{subnet} ({range})"),
        None => subnet,
    };
    Some((subnet, pool.gateway.map(|gateway| gateway.address().to_string())))
}

/// `8080 → 80/tcp`; the host's address where it is not all of them. Docker keeps one record for each family.
fn words_of_ports(ports: &[PortBinding]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for port in ports {
        let host = match port.host_address.filter(|address| !address.is_unspecified()) {
            Some(address) => std::net::SocketAddr::new(address, port.host_port).to_string(),
            None => port.host_port.to_string(),
        };
        let words = format!("{host} → {}/{}", port.port, port.protocol);
        if !all.contains(&words) {
            if all.len() == PORTS {
                all.push("…".into());
                break;
            }
            all.push(words);
        }
    }
    all
}

/// What a network is, line by line.
fn lines_of(network: &NetworkBox) -> Vec<String> {
    let with_gateway = |(subnet, gateway): &(String, Option<String>)| match gateway {
        Some(gateway) => format!("{subnet} via {gateway}"),
        None => subnet.clone(),
    };
    let subnets = network.subnets.iter().map(with_gateway);
    [network.driver.clone()].into_iter().chain(subnets).chain(network.notes.iter().cloned()).collect()
}
