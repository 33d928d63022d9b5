//! Removing a network, an endpoint, a sandbox or a port with all that belongs to it, and counting what is left.

use super::{Draft, text};
use crate::net::json::{Document, Json, Step};
use crate::net::key::{Key, VlanKind};
use crate::net::port::Protocol;

/// Where drivers keep what they know of an endpoint.
fn of_endpoint(id: &str) -> [Key; 4] {
    [
        Key::BridgeEndpoint(id.into()),
        Key::VlanEndpoint(VlanKind::Macvlan, id.into()),
        Key::VlanEndpoint(VlanKind::Ipvlan, id.into()),
        Key::OverlayEndpoint(id.into()),
    ]
}

impl Draft {
    /// The records that drivers and the core keep of a network, itself and its endpoints left out.
    pub(super) fn companions(&self, id: &str) -> Vec<Key> {
        let mut keys = vec![
            Key::EndpointCount(id.into()),
            Key::Bridge(id.into()),
            Key::Vlan(VlanKind::Macvlan, id.into()),
            Key::Vlan(VlanKind::Ipvlan, id.into()),
            Key::OverlayNetwork(id.into()),
        ];
        let of_windows = self.keys_below("windows").into_iter();
        keys.extend(of_windows.filter(|key| matches!(key, Key::Windows { network, .. } if network == id)));
        keys.retain(|key| self.now.contains_key(key.to_string().as_bytes()));
        keys
    }

    /// Removes a network with its count, what its driver keeps of it, and its endpoints.
    pub fn remove_network(&mut self, id: &str) {
        for key in self.keys_below(&format!("endpoint/{id}/")) {
            if let Key::Endpoint { network, endpoint } = key {
                self.remove_endpoint(&network, &endpoint);
            }
        }
        let key = Key::Network(id.into());
        let config = self.document(&key).and_then(|network| text(&network, "configFrom")).filter(|name| !name.is_empty());
        for companion in self.companions(id) {
            self.delete(companion.to_string().as_bytes());
        }
        self.delete(key.to_string().as_bytes());
        if let Some(config) = config {
            let is_it = |(_, network): &(Key, Document)| text(network, "name").as_ref() == Some(&config);
            let configs: Vec<_> = self.networks().into_iter().filter(is_it).map(|(key, _)| key).collect();
            configs.iter().filter_map(Key::network).for_each(|id| self.lower_count(id));
        }
    }

    /// Removes an endpoint with what its driver keeps of it and its place in its sandbox. The sandbox stays.
    pub fn remove_endpoint(&mut self, network: &str, endpoint: &str) {
        let key = Key::Endpoint { network: network.into(), endpoint: endpoint.into() };
        self.delete(key.to_string().as_bytes());
        for key in of_endpoint(endpoint) {
            self.delete(key.to_string().as_bytes());
        }
        for key in self.keys_below("windows-endpoint") {
            if key.endpoint() == Some(endpoint) {
                self.delete(key.to_string().as_bytes());
            }
        }
        self.leave_sandboxes(endpoint);
        self.lower_count(network);
    }

    /// Removes a sandbox and the endpoints in it.
    pub fn remove_sandbox(&mut self, id: &str) {
        let key = Key::Sandbox(id.into());
        let inside = self.document(&key).map(|sandbox| places(&sandbox)).unwrap_or_default();
        for (endpoint, network) in inside {
            self.remove_endpoint(&network, &endpoint);
        }
        for (key, endpoint) in self.documents_with("endpoint/", id) {
            if let (true, Key::Endpoint { network, endpoint }) = (text(&endpoint, "sandbox").as_deref() == Some(id), key) {
                self.remove_endpoint(&network, &endpoint);
            }
        }
        self.delete(key.to_string().as_bytes());
    }

    /// Removes a port of the host from whatever has it, and says from how many places that was.
    pub fn remove_port(&mut self, port: u16, protocol: Option<Protocol>) -> usize {
        let mut removed = 0;
        for prefix in ["bridge-endpoint/", "windows-endpoint"] {
            for (key, mut document) in self.documents_with(prefix, "PortMapping") {
                let before = removed;
                while let Some(at) = mapping(&document, port, protocol) {
                    match document.remove(&[Step::Member("PortMapping"), Step::Item(at)]) {
                        Ok(true) => removed += 1,
                        _ => break,
                    }
                }
                if removed > before {
                    self.put(&key, document.as_str());
                }
            }
        }
        removed
    }

    /// Takes an endpoint out of the sandboxes that it is in.
    pub(super) fn leave_sandboxes(&mut self, endpoint: &str) {
        for (key, mut sandbox) in self.documents_with("sandbox/", endpoint) {
            while let Some(at) = places(&sandbox).iter().position(|(found, _)| found == endpoint) {
                if !sandbox.remove(&[Step::Member("Eps"), Step::Item(at)]).unwrap_or_default() {
                    break;
                }
            }
            // There is none before 1.12.
            let _ = sandbox.remove(&[Step::Member("EpPriority"), Step::Member(endpoint)]);
            self.put(&key, sandbox.as_str());
        }
    }

    /// How many endpoints a network has; of one that is only a configuration, how many networks are made from it.
    pub fn endpoints_of(&self, network: &str) -> u64 {
        let document = self.document(&Key::Network(network.into()));
        let is_config = |document: &Document| document.root().get("configOnly").and_then(Json::as_bool) == Some(true);
        let counted = match document.filter(is_config) {
            None => self.keys_below(&format!("endpoint/{network}/")).len(),
            Some(config) => {
                let name = text(&config, "name");
                self.networks().iter().filter(|(_, network)| name.is_some() && text(network, "configFrom") == name).count()
            }
        };
        u64::try_from(counted).unwrap_or(u64::MAX)
    }

    /// Sets the count of a network's endpoints to their number, and says what it was before.
    pub fn recount(&mut self, network: &str) -> Option<u64> {
        let key = Key::EndpointCount(network.into());
        let (real, document) = (self.endpoints_of(network), self.document(&key));
        let counted = document.as_ref().and_then(|count| count.root().get("Count")?.as_u64());
        if counted != Some(real) {
            let mut document = document.filter(|document| document.root().object().is_some());
            let set = document.as_mut().map(|count| count.set(&[Step::Member("Count")], real));
            match (set, document) {
                (Some(Ok(())), Some(document)) => self.put(&key, document.as_str()),
                _ => self.put(&key, format!("{{\"Count\":{real}}}")),
            }
        }
        counted
    }

    /// Counts again where more are counted than there are. A later version than 28.0 counts none.
    fn lower_count(&mut self, network: &str) {
        let count = self.document(&Key::EndpointCount(network.into()));
        let counted = count.and_then(|count| count.root().get("Count")?.as_u64());
        if counted.is_some_and(|counted| counted > self.endpoints_of(network)) {
            self.recount(network);
        }
    }
}

/// The endpoints of a sandbox and their networks.
fn places(sandbox: &Document) -> Vec<(String, String)> {
    let items = sandbox.root().get("Eps").and_then(Json::items).unwrap_or_default();
    let id = |item: Json<'_>, field| item.get(field).and_then(Json::as_str).unwrap_or_default().into_owned();
    items.into_iter().map(|item| (id(item, "Eid"), id(item, "Nid"))).collect()
}

/// Which of the mappings leads from a port.
fn mapping(document: &Document, port: u16, protocol: Option<Protocol>) -> Option<usize> {
    let items = document.root().get("PortMapping")?.items()?;
    let number = |item: &Json<'_>, field| item.get(field).and_then(Json::as_u64);
    items.iter().position(|item| {
        number(item, "HostPort") == Some(port.into())
            && protocol.is_none_or(|protocol| number(item, "Proto") == Some(protocol.0.into()))
    })
}
