//! What docker shows of its networks, and what `net inspect` says of the daemon's file: field by field the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Host, database};

/// Whether the daemon tells the gateways that it chose for networks with given subnets: once it was restarted.
#[derive(Clone, Copy, PartialEq)]
pub enum Gateways {
    Said,
    Unsaid,
}

/// Requires that every network that docker shows is one of the file's and no other is there, and that each field that
/// docker shows of it is in ours and says the same. Gives back ours, by id.
pub fn same_networks(host: &mut Host, folder: &Path, gateways: Gateways) -> BTreeMap<String, Value> {
    let theirs: Vec<Value> = serde_json::from_str(&host.run("docker network inspect $(docker network ls -q)")).unwrap();
    let ours = inspected(&database(folder));
    assert_eq!(theirs.len(), ours.len());
    for network in &theirs {
        let mut network = network.clone();
        let ours = &ours[network["Id"].as_str().unwrap()];
        if gateways == Gateways::Unsaid {
            add_gateways(&mut network["IPAM"]["Config"], &ours["IPAM"]["Config"]);
        }
        in_ours(&network, ours, &[]);
    }
    ours
}

/// Adds ours where theirs are not said.
fn add_gateways(theirs: &mut Value, ours: &Value) {
    for (theirs, ours) in theirs.as_array_mut().unwrap().iter_mut().zip(ours.as_array().unwrap()) {
        let theirs = theirs.as_object_mut().unwrap();
        if let Some(gateway) = ours.get("Gateway") {
            theirs.entry("Gateway").or_insert_with(|| gateway.clone());
        }
    }
}

/// Requires that each of their fields is one of ours and says the same.
pub fn in_ours(theirs: &Value, ours: &Value, but: &[&str]) {
    for (name, value) in theirs.as_object().unwrap() {
        if !but.contains(&name.as_str()) {
            assert_eq!(Some(value), ours.get(name), "{name} of {}", theirs["Name"]);
        }
    }
}

/// What `net inspect` says of all networks of a file, by id.
pub fn inspected(database: &Path) -> BTreeMap<String, Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbolt"));
    let output = command.args(["net", "inspect", "--all"]).arg(database).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let networks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    networks.into_iter().map(|network| (network["Id"].as_str().unwrap().to_owned(), network)).collect()
}
