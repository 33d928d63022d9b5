//! The ports of the host that lead to containers, by who has them.

use super::inventory::Inventory;
use super::lookup::Lookup;
use super::port::PortBinding;

/// A port of the host, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published<'i> {
    /// The port.
    pub port: &'i PortBinding,
    /// The id of the endpoint that it leads to.
    pub endpoint: &'i str,
    /// The id of the endpoint's network.
    pub network_id: &'i str,
    /// The network's name, where there is such a network.
    pub network: Option<&'i str>,
    /// The endpoint's name, where there is such an endpoint.
    pub name: Option<&'i str>,
    /// The container's id, where the endpoint is in a sandbox.
    pub container: Option<&'i str>,
}

impl Inventory {
    /// The ports of the host that are taken, in their order. One without a name is held by nothing that is still there.
    pub fn published(&self) -> Vec<Published<'_>> {
        let lookup = Lookup::of(self);
        let bridges = self.bridge_endpoints.iter().map(|endpoint| (endpoint.key(), &endpoint.network, &endpoint.ports));
        let windows = self.windows_endpoints.iter().map(|endpoint| (endpoint.key(), &endpoint.network, &endpoint.ports));
        let mut all = Vec::new();
        for (key, network_id, ports) in bridges.chain(windows) {
            let id = key.endpoint().unwrap_or_default();
            let endpoint = lookup.endpoint(id);
            all.extend(ports.iter().map(|port| Published {
                port,
                endpoint: id,
                network_id,
                network: lookup.network(network_id).map(|network| network.name.as_str()),
                name: endpoint.map(|endpoint| endpoint.name.as_str()),
                container: endpoint.and_then(|endpoint| lookup.container_of(endpoint)),
            }));
        }
        all.sort_by_key(|published| (published.port.host_port, published.port.protocol, published.port.host_address));
        all
    }
}
