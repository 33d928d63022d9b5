//! What a field must have been, told by other records or by docker's own default.

use serde_json::Value;

use super::case::Case;
use crate::net::address::NIL;
use crate::net::draft::Operation;
use crate::net::json::{Document, Json};
use crate::net::key::{Key, VlanKind};
use crate::net::make;
use crate::net::network::Network;

/// The removal of what a record is about, with all that belongs to it.
pub fn removal(key: &Key) -> Operation {
    match key {
        Key::Network(id) => Operation::RemoveNetwork(id.clone()),
        Key::Endpoint { network, endpoint } => {
            Operation::RemoveEndpoint { network: network.clone(), endpoint: endpoint.clone() }
        }
        Key::Sandbox(id) => Operation::RemoveSandbox(id.clone()),
        Key::EndpointCount(id) => Operation::Recount(id.clone()),
        key => Operation::Delete { key: key.to_string().into_bytes() },
    }
}

/// The value of a field that dockerd cannot do without; `None` where nothing tells it.
pub fn value(case: &Case<'_>, key: &Key, field: &str) -> Option<Value> {
    match key {
        Key::Network(id) => of_network(case, key, id, field),
        Key::Endpoint { endpoint, .. } => match field {
            "id" => Some(endpoint.as_str().into()),
            "joinInfo.disableGatewayService" => Some(false.into()),
            _ => None,
        },
        Key::Bridge(id) => of_bridge(id, case.inventory.network(id).map(|network| &**network), field),
        Key::Vlan(kind, id) => of_vlan(*kind, id, case.inventory.network(id).map(|network| &**network), field),
        Key::BridgeEndpoint(id) | Key::VlanEndpoint(_, id) => of_driver_endpoint(case, id, field),
        _ => None,
    }
}

/// The address of a driver's endpoint, set as the endpoint itself has it. Without one the ports go too: until 27 dockerd
/// takes an endpoint with ports to have an address, and panics.
pub fn address(case: &Case<'_>, key: &Key) -> Vec<Operation> {
    let endpoint = key.endpoint().and_then(|id| case.inventory.endpoint(id));
    let set = |field: &str, value: Value| Operation::Set { key: key.clone(), field: field.into(), value };
    match endpoint.and_then(|endpoint| endpoint.interface.as_ref()?.address) {
        Some(address) => vec![set("Addr", address.to_string().into())],
        None => vec![
            Operation::Unset { key: key.clone(), field: "Addr".into() },
            set("ExternalConnConfig", Value::Null),
            set("PortMapping", Value::Null),
        ],
    }
}

fn of_network(case: &Case<'_>, key: &Key, id: &str, field: &str) -> Option<Value> {
    let has = |kind| case.has(&Key::Vlan(kind, id.into()));
    Some(match field {
        "id" => id.into(),
        "name" => name_of(case, id).unwrap_or_else(|| format!("recovered-{}", make::short(id))).into(),
        "enableIPv6" => document(case, key)?.root().get("ipamV6Info").is_some().into(),
        "networkType" if has(VlanKind::Macvlan) => "macvlan".into(),
        "networkType" if has(VlanKind::Ipvlan) => "ipvlan".into(),
        "networkType" if case.has(&Key::Bridge(id.into())) => "bridge".into(),
        field if field.ends_with(".AddressSpace") => make::SPACE.into(),
        field if field.ends_with(".PoolID") => pool_id(&document(case, key)?, field)?.into(),
        _ => return None,
    })
}

/// The name that the containers know a network by.
fn name_of(case: &Case<'_>, id: &str) -> Option<String> {
    case.containers?.attachments().find(|(_, place)| place.network == id).map(|(_, place)| place.name.clone())
}

/// A record that is not good enough, as far as it is a document.
fn document(case: &Case<'_>, key: &Key) -> Option<Document> {
    let bad = case.inventory.bad.iter().find(|bad| bad.parsed_key.as_ref() == Some(key))?;
    Document::parse(&bad.value.as_ref()?.1).ok()
}

/// `ipamV4Info[3].PoolID`: what the data beside it say.
fn pool_id(document: &Document, field: &str) -> Option<String> {
    let (list, rest) = field.split_once('[')?;
    let index: usize = rest.split_once(']')?.0.parse().ok()?;
    let pools = Document::parse(document.root().get(list)?.as_str()?.as_bytes()).ok()?;
    let data = pools.root().items()?.get(index)?.get("IPAMData")?.as_str()?.into_owned();
    let data = Document::parse(data.as_bytes()).ok()?;
    let text = |field| data.root().get(field).and_then(Json::as_str);
    Some(format!("{}/{}", text("AddressSpace").as_deref().unwrap_or(make::SPACE), text("Pool")?))
}

fn of_bridge(id: &str, network: Option<&Network>, field: &str) -> Option<Value> {
    let is_default = network.is_some_and(Network::is_default_bridge);
    Some(match field {
        "ID" => id.into(),
        "BridgeName" if is_default => "docker0".into(),
        "BridgeName" => make::bridge_name(id, network).into(),
        "EnableIPv6" => network.is_some_and(|network| network.enable_ipv6).into(),
        "EnableIPMasquerade" => flag(network, "com.docker.network.bridge.enable_ip_masquerade", true).into(),
        "EnableICC" => flag(network, "com.docker.network.bridge.enable_icc", true).into(),
        "Mtu" => 0.into(),
        "DefaultBridge" => is_default.into(),
        "DefaultBindingIP" | "DefaultGatewayIPv4" | "DefaultGatewayIPv6" => NIL.into(),
        _ => return None,
    })
}

fn flag(network: Option<&Network>, option: &str, default: bool) -> bool {
    network.and_then(|network| network.option(option)).map_or(default, |value| value == "true")
}

fn of_vlan(kind: VlanKind, id: &str, network: Option<&Network>, field: &str) -> Option<Value> {
    let option = |name| network.and_then(|network| network.option(name));
    Some(match (field, kind) {
        ("ID", _) => id.into(),
        ("Mtu", _) => 0.into(),
        ("Internal", _) => network.is_some_and(|network| network.internal).into(),
        ("CreatedSubIface", _) => false.into(),
        ("Parent", _) => option("parent")?.into(),
        ("MacvlanMode", VlanKind::Macvlan) => option("macvlan_mode").unwrap_or("bridge").into(),
        ("IpvlanMode", VlanKind::Ipvlan) => option("ipvlan_mode").unwrap_or("l2").into(),
        _ => return None,
    })
}

fn of_driver_endpoint(case: &Case<'_>, id: &str, field: &str) -> Option<Value> {
    let interface = || case.inventory.endpoint(id)?.interface.as_ref();
    match field {
        "id" => Some(id.into()),
        "nid" => case.network_of(id).map(Value::from),
        "SrcName" => Some(interface()?.source.as_str().into()),
        _ => None,
    }
}
