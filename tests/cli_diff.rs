//! Promise: `diff` tells people and programs what two databases differ in and where it lies, of Docker's networks field by
//! field, and its status says whether there was anything.

#![cfg(feature = "cli")]

mod command;

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use command::{Outcome, changed_meanwhile, database, databases, on_bytes, testdata, unbolt};
use serde_json::{Value, json};
use unbolt::Db;
use unbolt::net::json::Step::{Embedded, Item, Member};
use unbolt::net::{Inventory, Key, Record};
use unbolt::store::{BoltStore, DOCKER_BUCKET, StoreError};

const RUNNING: &str = "docker/networks-running-20.10.24.db";
const STOPPED: &str = "docker/networks-stopped-20.10.24.db";

fn objects(outcome: &Outcome) -> Vec<Value> {
    outcome.lines().into_iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Two files, the older and the newer, that this makes of one another.
struct Pair {
    folder: tempfile::TempDir,
}

impl Pair {
    fn of(bytes: &[u8], change: impl FnOnce(&Path)) -> Pair {
        let folder = tempfile::tempdir().unwrap();
        for name in ["before.db", "after.db"] {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        change(&folder.path().join("after.db"));
        Pair { folder }
    }

    fn diff(&self, options: &[&str]) -> Outcome {
        let files = ["before.db", "after.db"].map(|name| self.folder.path().join(name).into_os_string());
        unbolt(["diff".into()].into_iter().chain(files).chain(options.iter().map(Into::into)))
    }
}

#[test]
fn a_database_does_not_differ_from_itself() {
    for name in databases() {
        let bytes = database(&name);
        if bytes.len() > 4 << 20 {
            continue;
        }
        let same = on_bytes(&bytes, &["diff", "a.db", "b.db"]);
        assert_eq!((same.status, same.text(), same.err.as_str()), (0, "", ""), "{name}");
    }
}

#[test]
fn what_differs_is_told_with_its_offsets_in_both_files() {
    let pair = Pair::of(&database("bbolt/sequences.db"), |after| {
        let db = Db::open(after).unwrap();
        db.update(|tx| {
            let mut bucket = tx.create_bucket("new \n bucket")?;
            bucket.set_sequence(7)?;
            bucket.put("key", "value")?;
            bucket.put([0xff], [0xfe])
        })
        .unwrap();
    });
    let table = pair.diff(&[]);
    assert_eq!((table.status, table.err.as_str()), (1, ""));
    let lines = table.lines();
    assert_eq!(lines[0], "CHANGE      BEFORE AT     AFTER AT  ENTRY");
    assert_eq!(lines.len(), 4, "{lines:?}");
    // What cannot be printed is shown as bbolt's commands show it.
    assert!(
        lines[1].starts_with("added               -") && lines[1].ends_with("  6e6577200a206275636b6574/ (bucket, sequence 7)"),
        "{lines:?}"
    );
    assert!(lines[2].ends_with("  6e6577200a206275636b6574/key (5 bytes)"), "{lines:?}");
    assert!(lines[3].ends_with("/ff (1 bytes)"), "{lines:?}");

    let told = pair.diff(&["--format", "json"]);
    assert_eq!(told.status, 1);
    let [bucket, text, bytes] = &objects(&told)[..] else { panic!("{}", told.text()) };
    assert_eq!(
        (&bucket["change"], &bucket["bucket"], &bucket["after"]["sequence"]),
        (&json!("added"), &json!(["new \n bucket"]), &json!(7))
    );
    assert_eq!((&text["key"], &text["after"]["value"], &text["after"]["size"]), (&json!("key"), &json!("value"), &json!(5)));
    assert_eq!((&bytes["key"], &bytes["after"]["value"]), (&json!({ "hex": "ff" }), &json!({ "hex": "fe" })));
    let file = fs::read(pair.folder.path().join("after.db")).unwrap();
    let offset = text["after"]["offset"].as_u64().unwrap() as usize;
    assert_eq!(&file[offset - 3..offset + 5], b"keyvalue");
    assert_eq!(text["after"]["page"].as_u64().unwrap(), offset as u64 / 4096);
    assert!(text.get("before").is_none() && text.get("provable").is_none());
}

#[test]
fn of_dockers_networks_the_fields_that_differ_are_told_by_network() {
    let pair = Pair::of(&database(STOPPED), |after| {
        let store = BoltStore::open(after, DOCKER_BUCKET).unwrap();
        store
            .update(|store| {
                let inventory = Inventory::read(store.entries("")?)?;
                let mut network = inventory.find_network("labelled").expect("there is one").clone();
                network.set(&[Member("labels"), Member("team")], "network").expect("it has labels");
                let gateway = [Member("ipamV4Info"), Embedded, Item(0), Member("IPAMData"), Embedded, Member("Gateway")];
                network.set(&gateway, "10.90.0.254/16").expect("it has a gateway");
                network.put(store)?;
                let count = Key::EndpointCount(network.id.clone());
                let mut count: Record<unbolt::net::Count> =
                    inventory.counts.iter().find(|c| *c.key() == count).unwrap().clone();
                count.set(&[Member("Count")], 5).expect("it is a number");
                count.put(store)
            })
            .map_err(|e: StoreError| e)
            .unwrap();
        drop(store);
    });
    let table = pair.diff(&[]);
    assert_eq!(table.status, 1, "{}", table.err);
    let text = table.text();
    assert!(text.contains("\n         endpoint count of network labelled, index "), "{text}");
    assert!(text.contains("\n           Count: 0 -> 5\n"), "{text}");
    assert!(text.contains("\n         network labelled, index "), "{text}");
    assert!(text.contains("\n           labels.team: "), "{text}");
    assert!(
        text.contains("\n           ipamV4Info[0].IPAMData.Gateway: ") && text.contains("-> \"10.90.0.254/16\"\n"),
        "{text}"
    );

    let all = objects(&pair.diff(&["--format", "json"]));
    let network = all.iter().find(|object| object["record"] == "network").unwrap();
    assert_eq!((&network["change"], &network["network"]["name"]), (&json!("changed"), &json!("labelled")));
    assert_eq!(network["fields"].as_array().unwrap().len(), 2, "{network}");
    let team = network["fields"].as_array().unwrap().iter().find(|field| field["field"] == "labels.team").unwrap();
    assert_eq!(team["after"], "network");
    assert_eq!(network["after"]["value"]["labels"]["team"], "network");
    assert!(network["after"]["last_index"].as_u64() > network["before"]["last_index"].as_u64());
    // The index that was given is kept in the bucket's sequence.
    assert!(all.iter().any(|object| object["bucket"] == json!(["libnetwork"]) && object["key"].is_null()));
}

#[test]
fn a_container_that_stopped_is_seen_in_the_records_that_are_gone() {
    let [running, stopped] = [RUNNING, STOPPED].map(|name| testdata().join(name).into_os_string());
    let all = objects(&unbolt(["diff".into(), running.clone(), stopped.clone(), "--format=json".into()]));
    let gone = |family: &str| all.iter().filter(|object| object["change"] == "removed" && object["record"] == family).count();
    assert!(gone("endpoint") > 0 && gone("sandbox") > 0, "{all:?}");
    let endpoint = all.iter().find(|object| object["record"] == "endpoint").unwrap();
    assert!(endpoint["network"]["name"].is_string() && endpoint["before"]["value"]["name"].is_string(), "{endpoint}");
    let back = objects(&unbolt(["diff".into(), stopped, running, "--format=json".into()]));
    assert_eq!(back.len(), all.len());
    assert!(back.iter().any(|object| object["change"] == "added" && object["record"] == "endpoint"));
}

#[test]
fn the_state_before_is_compared_and_not_called_provable() {
    let path = testdata().join(STOPPED);
    let told = unbolt(["diff".into(), path.clone().into_os_string(), "--txid=previous".into(), "--format=json".into()]);
    assert_eq!(told.status, 1);
    assert!(told.err.contains("is not provable"), "{}", told.err);
    let all = objects(&told);
    assert!(all.iter().all(|object| object["provable"] == false), "{all:?}");
    assert_eq!((all.len(), &all[0]["change"], &all[0]["record"]), (1, &json!("removed"), &json!("sandbox")));
    let absent = unbolt(["diff".into(), path.clone().into_os_string(), "--txid=1".into()]);
    assert_eq!(absent.status, 1);
    assert!(absent.err.contains("transaction 1 is in neither meta page"), "{}", absent.err);
    for wrong in [
        &["diff".into(), path.clone().into_os_string()][..],
        &["diff".into(), path.clone().into(), path.into(), "--txid=previous".into()],
    ] {
        assert_eq!(unbolt(wrong).status, 2, "{wrong:?}");
    }
}

#[test]
fn damage_in_one_file_is_status_five_and_the_rest_is_compared() {
    let pair = Pair::of(&database("bbolt/churn-small.db"), |after| {
        Db::open(after).unwrap().update(|tx| tx.create_bucket("zzz").map(drop)).unwrap();
    });
    let before = pair.folder.path().join("before.db");
    let mut bytes = fs::read(&before).unwrap();
    bytes[5 * 1024 + 8] = 0; // a leaf of the bucket `churn`
    fs::write(&before, bytes).unwrap();
    let told = pair.diff(&[]);
    assert_eq!(told.status, 5);
    assert_eq!(told.lines().len(), 2, "{}", told.text());
    assert!(told.lines()[1].ends_with("zzz/ (bucket, sequence 0)"), "{}", told.text());
    assert!(
        told.err.contains("page 5: flags 0x0000 name no page type") && told.err.contains(" were not compared"),
        "{}",
        told.err
    );
    let whole = Pair::of(&[], |after| fs::write(after, database("golden/V0.db")).unwrap()).diff(&[]);
    assert_eq!(whole.status, 5, "{}", whole.err);
}

#[test]
fn a_file_that_changes_while_it_is_compared_is_said_to() {
    let pair = Pair::of(&database(RUNNING), |after| fs::write(after, database(STOPPED)).unwrap());
    let [before, after] = ["before.db", "after.db"].map(|name| pair.folder.path().join(name));
    let line: [OsString; 3] = ["diff".into(), before.clone().into(), after.clone().into()];
    let sound = pair.diff(&[]);
    assert_eq!(sound.status, 1);
    for changed in [&before, &after] {
        let bytes = fs::read(changed).unwrap();
        let spoil = |path: &Path, _| {
            if path == changed {
                fs::write(path, database("docker/live-28.5.2.db")).unwrap();
            }
        };
        let ended = changed_meanwhile(spoil, line.clone());
        assert_eq!((ended.status, ended.text()), (3, sound.text()), "what was seen is shown all the same");
        let words = format!("unbolt: {}: changed while it was looked at", changed.display());
        assert!(ended.err.contains(&words), "{}", ended.err);
        fs::write(changed, bytes).unwrap();
    }
    // Damage that may be of the change is told, and both files are.
    let spoil = |path: &Path, _| fs::write(path, "changed").unwrap();
    let mut damaged = database(RUNNING);
    damaged[4096 * 2..].fill(0);
    fs::write(&before, damaged).unwrap();
    let ended = changed_meanwhile(spoil, line);
    assert_eq!(ended.status, 3);
    assert_eq!(ended.err.matches("changed while it was looked at").count(), 2, "{}", ended.err);
    assert!(ended.err.contains("could not be read in all"), "{}", ended.err);
}

#[test]
fn two_states_of_one_file_are_hashed_once() {
    let path = testdata().join(STOPPED).into_os_string();
    for line in [["diff".into(), path.clone(), path.clone()], ["diff".into(), path.clone(), "--txid=previous".into()]] {
        let opened = std::cell::Cell::new(0);
        changed_meanwhile(|_, times| opened.set(times), line);
        assert_eq!(opened.get(), 1);
    }
}
