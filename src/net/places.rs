//! Endpoints and sandboxes with what belongs to them.

use super::endpoint::Endpoint;
use super::inventory::Inventory;
use super::lookup::Lookup;
use super::natural::natural_order;
use super::record::Record;
use super::sandbox::{Place, Sandbox};

/// An endpoint, and where it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EndpointAt<'i> {
    /// The endpoint.
    pub endpoint: &'i Record<Endpoint>,
    /// The id of its network, as its key has it.
    pub network_id: &'i str,
    /// The network's name, where there is such a network.
    pub network: Option<&'i str>,
    /// The container's id, where the endpoint is in a sandbox.
    pub container: Option<&'i str>,
}

/// A sandbox, and what is in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SandboxAt<'i> {
    /// The sandbox.
    pub sandbox: &'i Record<Sandbox>,
    /// Its endpoints, in its own order.
    pub endpoints: Vec<PlaceAt<'i>>,
}

/// An endpoint that a sandbox names.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlaceAt<'i> {
    /// What the sandbox says.
    pub place: &'i Place,
    /// The endpoint, where there is such an endpoint.
    pub endpoint: Option<&'i Record<Endpoint>>,
    /// The network's name, where there is such a network.
    pub network: Option<&'i str>,
}

impl SandboxAt<'_> {
    /// The name of its container, which its endpoints have.
    pub fn name(&self) -> Option<&str> {
        self.endpoints.iter().find_map(|at| at.endpoint).map(|endpoint| endpoint.name.as_str())
    }
}

impl Inventory {
    /// The endpoints with what belongs to them, by network and name.
    pub fn places(&self) -> Vec<EndpointAt<'_>> {
        let lookup = Lookup::of(self);
        let mut all: Vec<_> = self.endpoints.iter().map(|endpoint| placed(endpoint, &lookup)).collect();
        all.sort_by(|a, b| {
            let networks = natural_order(a.network.unwrap_or_default(), b.network.unwrap_or_default());
            networks
                .then_with(|| a.network_id.cmp(b.network_id))
                .then_with(|| natural_order(&a.endpoint.name, &b.endpoint.name))
        });
        all
    }

    /// The sandboxes with what belongs to them, by name.
    pub fn stacks(&self) -> Vec<SandboxAt<'_>> {
        let lookup = Lookup::of(self);
        let at = |place| named(place, &lookup);
        let mut all: Vec<_> = self
            .sandboxes
            .iter()
            .map(|sandbox| SandboxAt { sandbox, endpoints: sandbox.endpoints.iter().map(at).collect() })
            .collect();
        all.sort_by(|a, b| natural_order(a.name().unwrap_or_default(), b.name().unwrap_or_default()));
        all
    }
}

fn placed<'i>(endpoint: &'i Record<Endpoint>, lookup: &Lookup<'i>) -> EndpointAt<'i> {
    let network_id = endpoint.key().network().unwrap_or_default();
    EndpointAt {
        endpoint,
        network_id,
        network: lookup.network(network_id).map(|network| network.name.as_str()),
        container: lookup.container_of(endpoint),
    }
}

fn named<'i>(place: &'i Place, lookup: &Lookup<'i>) -> PlaceAt<'i> {
    PlaceAt {
        place,
        endpoint: lookup.endpoint(&place.endpoint),
        network: lookup.network(&place.network).map(|network| network.name.as_str()),
    }
}
