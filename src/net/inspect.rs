//! A network in the shape of `docker network inspect`, and what that leaves out.

use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use super::fingerprint::Fingerprint;
use super::inventory::Inventory;
use super::lookup::Lookup;
use super::network::{Network, Pool, PoolRequest};
use super::record::Record;

/// What Go makes of a time that is not set.
const NEVER: &str = "0001-01-01T00:00:00Z";

impl Inventory {
    /// Networks in the shape of `docker network inspect`, each with what docker leaves out under `Libnetwork`: the
    /// records as they are, with their keys and indexes.
    ///
    /// Docker's own output differs in three places. `EnableIPv4` is there where the record has it, as with Docker 28.
    /// A gateway that docker chose is there for every network; a running dockerd leaves it out for those with a given
    /// subnet that it has not yet been restarted with. One of IPv6 is given without the length of its prefix, as newer
    /// versions do.
    pub fn inspect<'i>(&'i self, networks: impl IntoIterator<Item = &'i Record<Network>>) -> Vec<Value> {
        let lookup = Lookup::of(self);
        networks.into_iter().map(|network| inspected(network, &lookup)).collect()
    }
}

fn inspected(network: &Record<Network>, lookup: &Lookup<'_>) -> Value {
    let mut shape = Map::new();
    let mut put = |name: &str, value: Value| _ = shape.insert(name.into(), value);
    put("Name", json!(network.name));
    put("Id", json!(network.id));
    put("Created", json!(network.created.as_deref().unwrap_or(NEVER)));
    put("Scope", json!(network.scope));
    put("Driver", json!(network.driver));
    if let Some(enabled) = network.enable_ipv4 {
        put("EnableIPv4", json!(enabled));
    }
    put("EnableIPv6", json!(network.enable_ipv6));
    put("IPAM", ipam(network));
    put("Internal", json!(network.internal));
    put("Attachable", json!(network.attachable));
    put("Ingress", json!(network.ingress));
    put("ConfigFrom", json!({ "Network": network.config_from.as_deref().unwrap_or_default() }));
    put("ConfigOnly", json!(network.config_only));
    put("Containers", containers(network, lookup));
    put("Options", sorted(&network.options));
    put("Labels", sorted(&network.labels));
    put("Libnetwork", records_of(network, lookup));
    Value::Object(shape)
}

fn records_of(network: &Record<Network>, lookup: &Lookup<'_>) -> Value {
    let id = network.key().network().unwrap_or_default();
    let members = lookup.members(id);
    let endpoints = members.iter().map(|endpoint| {
        let own = endpoint.key().endpoint().unwrap_or_default();
        let driver = lookup.bridge_endpoint(own).map(record).or_else(|| lookup.vlan_endpoint(own).map(record));
        let mut shape = record(endpoint);
        if let Some(fields) = shape.as_object_mut() {
            fields.insert("Driver".into(), driver.into());
        }
        shape
    });
    let mut sandboxes: Vec<_> = members.iter().filter_map(|endpoint| lookup.sandbox(&endpoint.sandbox)).collect();
    sandboxes.dedup_by_key(|sandbox| sandbox.key());
    json!({
        "WrittenBy": Fingerprint::of(network.key(), network.document()).to_string(),
        "Network": record(network),
        "Driver": lookup.bridge(id).map(record).or_else(|| lookup.vlan(id).map(record)),
        "EndpointCount": lookup.count(id).map(record),
        "Endpoints": endpoints.collect::<Vec<_>>(),
        "Sandboxes": sandboxes.into_iter().map(record).collect::<Vec<_>>(),
    })
}

fn record<T>(record: &Record<T>) -> Value {
    json!({
        "Key": record.key().to_string(),
        "Index": record.last_index(),
        "Value": record.document().unpacked(),
    })
}

fn ipam(network: &Network) -> Value {
    let mut config = configured(&network.requested_v4, &network.pools_v4);
    config.extend(configured(&network.requested_v6, &network.pools_v6));
    json!({
        "Driver": network.ipam_driver,
        "Options": network.ipam_options.as_deref().map(sorted),
        "Config": config,
    })
}

/// What was asked for, with the gateway that docker chose where none was; or else what docker chose.
fn configured(requests: &[PoolRequest], pools: &[Pool]) -> Vec<Value> {
    let chosen = |pool: &Pool| pool.gateway.map(|gateway| gateway.address().to_string()).unwrap_or_default();
    if requests.iter().all(|request| request.subnet.is_empty()) {
        let subnets = pools.iter().filter_map(|pool| Some((pool.subnet?.to_string(), chosen(pool))));
        return subnets.map(|(subnet, gateway)| config(&subnet, "", &gateway, &[])).collect();
    }
    let pools = pools.iter().map(Some).chain(std::iter::repeat(None));
    let asked = requests.iter().zip(pools).filter(|(request, _)| !request.subnet.is_empty());
    asked
        .map(|(request, pool)| {
            let gateway = match request.gateway.is_empty() {
                true => pool.map(chosen).unwrap_or_default(),
                false => request.gateway.clone(),
            };
            config(&request.subnet, &request.range, &gateway, &request.auxiliary)
        })
        .collect()
}

/// Go leaves out what is empty.
fn config(subnet: &str, range: &str, gateway: &str, auxiliary: &[(String, String)]) -> Value {
    let mut shape = Map::new();
    for (name, text) in [("Subnet", subnet), ("IPRange", range), ("Gateway", gateway)] {
        if !text.is_empty() {
            shape.insert(name.into(), json!(text));
        }
    }
    if !auxiliary.is_empty() {
        shape.insert("AuxiliaryAddresses".into(), sorted(auxiliary));
    }
    Value::Object(shape)
}

/// The endpoints by the ids of their containers, or by their own where they are in none.
fn containers(network: &Record<Network>, lookup: &Lookup<'_>) -> Value {
    let members = lookup.members(network.key().network().unwrap_or_default());
    let mut named: Vec<(String, Value)> = members
        .iter()
        .map(|endpoint| {
            let own = || format!("ep-{}", endpoint.id);
            (lookup.container_of(endpoint).map_or_else(own, str::to_owned), container(endpoint))
        })
        .collect();
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(named.into_iter().collect())
}

fn container(endpoint: &Endpoint) -> Value {
    let address = |ipv6: bool| endpoint.addresses().find(|address| address.is_ipv6() == ipv6);
    let shown = |ipv6| address(ipv6).map(|address| address.to_string()).unwrap_or_default();
    json!({
        "Name": endpoint.name,
        "EndpointID": endpoint.id,
        "MacAddress": endpoint.mac().unwrap_or_default(),
        "IPv4Address": shown(false),
        "IPv6Address": shown(true),
    })
}

/// As Go writes its maps.
fn sorted(pairs: &[(String, String)]) -> Value {
    let mut pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(pairs.into_iter().collect())
}
