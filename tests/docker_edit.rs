//! dockerd takes its file back: what was changed in it while the daemon stood still, through the library and through
//! the command line, is what the daemon then shows, and all that it shows.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod dockerd;
mod go;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use dockerd::{Host, complaints, database};
use serde_json::{Value, json};
use unbolt::Snapshot;
use unbolt::check::check_snapshot;
use unbolt::store::{BoltStore, DOCKER_BUCKET, KvPair, Store, StoreError};

const ROOT: &str = "docker/network/v1.0";

/// What a network consists of that no container is in.
const FAMILIES: [&str; 3] = ["network", "endpoint_count", "bridge"];

/// One editor's networks, each with a name and a subnet that nobody else has.
struct Plan {
    /// Its label is changed.
    kept: (&'static str, &'static str),
    /// It is removed with all its records.
    gone: (&'static str, &'static str),
    /// It is put in, as a copy of the kept one under another id, name and subnet.
    new: (&'static str, &'static str),
    new_id: &'static str,
}

const BY_LIBRARY: Plan = Plan {
    kept: ("kept-by-library", "10.71.1"),
    gone: ("gone-by-library", "10.71.2"),
    new: ("new-by-library", "10.71.3"),
    new_id: "11b1a1b1c1d1e1f10111213141516171811b1a1b1c1d1e1f1011121314151617",
};
const BY_COMMANDS: Plan = Plan {
    kept: ("kept-by-commands", "10.72.1"),
    gone: ("gone-by-commands", "10.72.2"),
    new: ("new-by-commands", "10.72.3"),
    new_id: "22c2a2b2c2d2e2f20212223242526272822c2a2b2c2d2e2f2021222324252627",
};

/// The label that all networks are made with, and the one that the kept networks have afterwards.
const BEFORE: &str = "team=before";
const AFTER: &str = "team=after";

impl Plan {
    fn make(&self, host: &mut Host) {
        for (name, subnet) in [self.kept, self.gone] {
            // Without a gateway the daemon shows none at first, and the one it has chosen after a restart.
            let addresses = format!("--subnet {subnet}.0/24 --gateway {subnet}.1");
            host.run(&format!("docker network create --label {BEFORE} {addresses} {name}"));
        }
    }

    /// What is said of the kept network, said of the new one.
    fn of_new(&self, text: &str, kept_id: &str) -> String {
        let text = text.replace(kept_id, self.new_id).replace(&kept_id[..12], &self.new_id[..12]);
        text.replace(self.kept.0, self.new.0).replace(self.kept.1, self.new.1)
    }
}

/// What is said of a network with the label it has afterwards.
fn relabelled(text: &str) -> String {
    let (before, after) = (BEFORE.split_once('=').unwrap(), AFTER.split_once('=').unwrap());
    let label = |(name, value): (&str, &str)| json!({ name: value }).to_string();
    let (before, after) = (label(before), label(after));
    assert!(text.contains(&before), "{text}");
    text.replace(&before, &after)
}

fn key(family: &str, id: &str) -> String {
    format!("{ROOT}/{family}/{id}/")
}

/// The keys of all records that have anything to do with a network.
fn keys_of(store: &BoltStore, id: &str) -> Vec<String> {
    store.list("").unwrap().into_iter().map(|pair| pair.key).filter(|key| key.contains(id)).collect()
}

fn text(pair: &KvPair) -> &str {
    std::str::from_utf8(&pair.value).unwrap()
}

/// Edits the file through the library, in one transaction.
fn edit_by_library(database: &Path, plan: &Plan, ids: &BTreeMap<String, String>) {
    let (kept, gone) = (&ids[plan.kept.0], &ids[plan.gone.0]);
    let store = BoltStore::open(database, DOCKER_BUCKET).unwrap();
    assert_eq!(keys_of(&store, gone).len(), FAMILIES.len());
    let edited = store.update(|store| {
        for family in FAMILIES {
            let pair = store.get(&key(family, kept))?.ok_or(StoreError::KeyNotFound)?;
            store.atomic_put(&key(family, plan.new_id), plan.of_new(text(&pair), kept).as_bytes(), None)?;
            store.delete(&key(family, gone))?;
        }
        let pair = store.get(&key("network", kept))?.ok_or(StoreError::KeyNotFound)?;
        store.atomic_put(&pair.key, relabelled(text(&pair)).as_bytes(), Some(&pair))
    });
    edited.unwrap();
    Box::new(store).close().unwrap();
}

/// The same through the command line, step by step.
fn edit_by_commands(database: &Path, plan: &Plan, ids: &BTreeMap<String, String>) {
    let (kept, gone) = (&ids[plan.kept.0], &ids[plan.gone.0]);
    let file = database.to_str().unwrap();
    let mut records = Vec::new();
    for family in FAMILIES {
        let value = kv(&["get", file, &key(family, kept)], b"");
        records.push(json!({ "key": key(family, plan.new_id), "last_index": 0, "value": plan.of_new(&value, kept) }));
        kv(&["delete", file, &key(family, gone)], b"");
    }
    kv(&["import", file, "-"], Value::from(records).to_string().as_bytes());
    let network = key("network", kept);
    let index = kv(&["get", "--index", file, &network], b"");
    let value = relabelled(&kv(&["get", file, &network], b""));
    kv(&["put", "--previous", index.trim_end(), file, &network, "-"], value.as_bytes());
}

/// Runs a `kv` command that must be done.
fn kv(words: &[&str], input: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbolt"));
    let mut child = command.arg("kv").args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // A command that does not read its input may have closed it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The networks that the daemon shows: name and id.
fn networks(host: &mut Host) -> BTreeMap<String, String> {
    let listed = host.run("docker network ls --no-trunc --format '{{.Name}}={{.ID}}'");
    listed.lines().map(|line| line.split_once('=').unwrap()).map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
}

fn inspected(host: &mut Host, network: &str) -> Value {
    let said = host.run(&format!("docker network inspect {network}"));
    serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"))
}

#[test]
fn dockerd_shows_exactly_what_was_made_of_its_file_while_it_stood_still() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut host) = Host::started(folder.path()) else { return };
    let plans = [BY_LIBRARY, BY_COMMANDS];
    plans.iter().for_each(|plan| plan.make(&mut host));
    let before = networks(&mut host);
    let shown: Vec<Value> = plans.iter().map(|plan| inspected(&mut host, plan.kept.0)).collect();
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());

    let database = database(folder.path());
    edit_by_library(&database, &BY_LIBRARY, &before);
    edit_by_commands(&database, &BY_COMMANDS, &before);

    host.start();
    let after = networks(&mut host);
    let mut expected = before.clone();
    for (plan, shown) in plans.iter().zip(&shown) {
        expected.remove(plan.gone.0);
        expected.insert(plan.new.0.into(), plan.new_id.into());
        let (shown, id) = (shown.to_string(), &before[plan.kept.0]);
        assert_eq!(inspected(&mut host, plan.kept.0).to_string(), relabelled(&shown));
        assert_eq!(inspected(&mut host, plan.new.0).to_string(), plan.of_new(&shown, id));
        let refused = host.attempt(&format!("docker network inspect {}", plan.gone.0)).unwrap_err();
        assert!(refused.contains(plan.gone.0), "{refused}");
    }
    // The daemon makes its default network anew with each start.
    expected.insert("bridge".into(), after["bridge"].clone());
    assert_eq!(after, expected);

    // They are networks as all others, to be removed and to be followed by more: their subnets are free again.
    for plan in &plans {
        host.run(&format!("docker network rm {}", plan.new.0));
        host.run(&format!("docker network create --subnet {}.0/24 again-{}", plan.gone.1, plan.gone.0));
        host.run(&format!("docker network create --subnet {}.0/24 again-{}", plan.new.1, plan.new.0));
    }
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());

    let snapshot = Snapshot::open(&database).unwrap();
    check_snapshot(&snapshot, &mut |finding| panic!("{finding}")).unwrap();
    let store = BoltStore::open_read_only(&database, DOCKER_BUCKET).unwrap();
    for plan in &plans {
        assert_eq!(keys_of(&store, plan.new_id), Vec::<String>::new());
        assert_eq!(keys_of(&store, &before[plan.kept.0]).len(), FAMILIES.len());
    }
}
