//! What docker has to be told to make a network again.

use crate::net::network::{Network, Pool, PoolRequest};

/// The pools to ask for, so that docker gives them, and shows them as it does now: what was asked for, or where docker
/// was left to choose, what it chose.
pub(super) fn pools(network: &Network) -> Vec<PoolRequest> {
    let mut all = family(&network.requested_v4, &network.pools_v4);
    all.extend(family(&network.requested_v6, &network.pools_v6));
    all
}

fn family(requested: &[PoolRequest], got: &[Pool]) -> Vec<PoolRequest> {
    let asked: Vec<_> = requested.iter().filter(|request| !request.subnet.is_empty()).cloned().collect();
    match asked.is_empty() {
        false => asked,
        true => got.iter().filter_map(chosen).collect(),
    }
}

fn chosen(pool: &Pool) -> Option<PoolRequest> {
    Some(PoolRequest {
        subnet: pool.subnet?.to_string(),
        range: pool.range().map(|range| range.to_string()).unwrap_or_default(),
        gateway: pool.gateway.map(|gateway| gateway.address().to_string()).unwrap_or_default(),
        auxiliary: pool.auxiliary.iter().map(|(name, address)| (name.clone(), address.address().to_string())).collect(),
    })
}

/// The networks that somebody made, those first that others take their configuration from.
pub(super) fn made<'n>(networks: impl IntoIterator<Item = &'n Network>) -> Vec<&'n Network> {
    let mut made: Vec<&Network> = networks.into_iter().filter(|n| !n.is_predefined() && !n.is_default_bridge()).collect();
    made.sort_by(|a, b| (!a.config_only, &a.name, &a.id).cmp(&(!b.config_only, &b.name, &b.id)));
    made
}

/// Why nothing that is written can make the network, for all ways to write it.
pub(super) fn obstacle(network: &Network) -> Option<&'static str> {
    match network {
        _ if network.in_delete => Some("it was being deleted"),
        _ if network.ingress => Some("a swarm makes it by itself"),
        _ if ["host", "null"].contains(&network.driver.as_str()) && !network.config_only => {
            Some("docker makes networks of this driver by itself")
        }
        _ => None,
    }
}
