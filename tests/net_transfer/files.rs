//! Docker's files, and the plans that are made of them.

use std::path::{Path, PathBuf};

use serde_json::Value;
use unbolt::Snapshot;
use unbolt::net::json::Step;
use unbolt::net::transfer::{Migration, MigrationError, Plan};
use unbolt::net::{Container, Containers, Inventory, Version};
use unbolt::store::{BoltStore, DOCKER_BUCKET, KvPair, records};

use crate::command::{Outcome, unbolt};

/// Docker's files.
pub const FILES: [&str; 7] = [
    "broken-orphan-docker0.db",
    "ipam-only-1.11.0.db",
    "live-20.10.24.db",
    "live-25.0.13.db",
    "live-28.5.2.db",
    "networks-running-20.10.24.db",
    "networks-stopped-20.10.24.db",
];
pub const RUNNING: &str = "networks-running-20.10.24.db";

pub fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata/docker", name].iter().collect()
}

pub fn pairs_at(path: &Path) -> Vec<KvPair> {
    let snapshot = Snapshot::open(path).unwrap();
    let bucket = snapshot.root().unwrap().bucket(DOCKER_BUCKET.as_bytes()).unwrap().unwrap();
    records(&bucket, b"").collect::<Result<_, _>>().unwrap()
}

pub fn pairs(name: &str) -> Vec<KvPair> {
    pairs_at(&path(name))
}

pub fn read(pairs: Vec<KvPair>) -> Inventory {
    Inventory::read(pairs.into_iter().map(Ok)).unwrap()
}

pub fn inventory(name: &str) -> Inventory {
    read(pairs(name))
}

/// Runs `net` with these words.
pub fn net(words: &[&str]) -> Outcome {
    unbolt([&["net"], words].concat())
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Ids one after the other.
pub fn ids() -> impl FnMut() -> String {
    let mut n = 0;
    move || {
        n += 1;
        format!("{n:a>64}")
    }
}

pub fn plan(migration: &Migration, source: &Inventory, there: &Inventory) -> Result<Plan, MigrationError> {
    migration.plan(source, there, &mut ids())
}

/// A migration of the networks with these names.
pub fn of(names: &[&str]) -> Migration {
    Migration { networks: names.iter().map(|name| (*name).to_owned()).collect(), ..Migration::default() }
}

/// The inventory with what is planned in it.
pub fn with(there: &[KvPair], plan: &Plan) -> Inventory {
    let mut pairs: Vec<KvPair> = there.to_vec();
    for (key, value) in plan.records() {
        pairs.retain(|pair| pair.key != key.to_string());
        pairs.push(KvPair { key: key.to_string(), value: value.into(), last_index: 0 });
    }
    read(pairs)
}

/// Containers that have these configurations.
pub fn containers(configs: impl IntoIterator<Item = Value>) -> Containers {
    let mut containers = Containers::default();
    let container = |config: Value| Container::from_config("c", config.to_string().as_bytes()).unwrap();
    containers.containers.extend(configs.into_iter().map(container));
    containers
}

pub fn conflicts(result: Result<Plan, MigrationError>) -> Vec<String> {
    match result {
        Err(MigrationError::Conflicts(conflicts)) => conflicts.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// Records of networks, with these edits.
pub fn edited(name: &str, edits: &[(&[Step<'_>], Value)]) -> Inventory {
    let mut inventory = inventory(RUNNING);
    let at = inventory.networks.iter().position(|network| network.name == name).unwrap();
    for (path, value) in edits {
        inventory.networks[at].set(path, value.clone()).unwrap();
    }
    inventory
}

pub fn target(names: &[&str], version: &str) -> Migration {
    Migration { target: Some(version.parse::<Version>().unwrap()), ..of(names) }
}

pub fn write(path: &Path, pairs: &[KvPair]) {
    let store = BoltStore::open(path, DOCKER_BUCKET).unwrap();
    store.update(|store| pairs.iter().try_for_each(|pair| store.restore(pair))).unwrap();
}
