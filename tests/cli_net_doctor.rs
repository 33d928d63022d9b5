//! Promise: `net doctor` tells what is wrong and writes nothing; the commands that change networks print what they would
//! change, and with `--apply` change it in place after a copy of the file.

#![cfg(feature = "cli")]

mod command;

use std::fs;
use std::path::{Path, PathBuf};

use command::{Outcome, testdata, unbolt};
use serde_json::Value;
use tempfile::TempDir;
use unbolt::Db;
use unbolt::store::{BoltStore, DOCKER_BUCKET, Store};

const ORPHAN: &str = "docker/network/v1.0/bridge/3b6ef3c3b0c9e515fae93d07fafa17e5ba1e3a4ab0da79bd34a6e5dd090e3f86/";
const SIX: &str = "589c6d63b5f0acf3a43900c13e650cc7a21c83b9297e47de7ca8b7626ea0c8a5";

/// A copy of a file of testdata.
fn copy(name: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("local-kv.db");
    fs::copy(testdata().join("docker").join(name), &file).unwrap();
    (dir, file)
}

fn net(file: &Path, line: &str) -> Outcome {
    let words = line.split(' ').map(|word| if word == "FILE" { file.to_str().unwrap().to_owned() } else { word.into() });
    unbolt(std::iter::once("net".to_owned()).chain(words))
}

fn backups(dir: &TempDir) -> Vec<PathBuf> {
    let all = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.to_str().unwrap().contains(".bak-")).collect()
}

fn keys(file: &Path) -> Vec<String> {
    let store = BoltStore::open_read_only(file, DOCKER_BUCKET).unwrap();
    store.list("").unwrap().into_iter().map(|pair| pair.key).collect()
}

#[test]
fn doctor_tells_people_and_machines_what_is_wrong_and_what_to_do() {
    let (dir, file) = copy("broken-orphan-docker0.db");
    let before = fs::read(&file).unwrap();
    let told = net(&file, "doctor FILE --target 28.5.2");
    assert_eq!(told.status, 1, "{}", told.err);
    for words in [
        "fatal    orphan-docker0",
        "bridge/3b6ef3c3b0c9e515fae93d07fafa17e5ba1e3a4ab0da79bd34a6e5dd090e3f86/",
        "networks have same bridge name",
        "fatal from 25.0",
        "1 finding for Docker 28.5.2: 1 fatal",
    ] {
        assert!(told.text().contains(words), "{words}: {}", told.text());
    }
    let report: Value = serde_json::from_slice(&net(&file, "doctor FILE --format json").out).unwrap();
    assert_eq!((report["schema"].as_u64(), report["target"].as_str()), (Some(1), Some("20.10")));
    let finding = &report["findings"][0];
    assert_eq!((finding["code"].as_str(), finding["key"].as_str()), (Some("orphan-docker0"), Some(ORPHAN)));
    assert_eq!(finding["severities"][3], serde_json::json!({ "since": "25.0", "severity": "fatal" }));
    assert!(fs::read(&file).unwrap() == before && backups(&dir).is_empty());

    let (_dir, sound) = copy("live-28.5.2.db");
    let told = net(&sound, "doctor FILE");
    assert_eq!((told.status, told.text(), told.err.as_str()), (0, "OK\n", ""));
}

#[test]
fn fix_prints_what_it_would_do_and_does_it_in_place_after_a_copy() {
    let (dir, file) = copy("broken-orphan-docker0.db");
    let before = fs::read(&file).unwrap();
    let planned = net(&file, "fix FILE");
    assert_eq!((planned.status, planned.text()), (0, format!("delete {ORPHAN}\n").as_str()));
    assert!(planned.err.contains("1 change to be made, nothing is done; --apply does it"), "{}", planned.err);
    assert!(fs::read(&file).unwrap() == before && backups(&dir).is_empty());

    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let (old_keys, old_inode) = (keys(&file), inode(&file));
    let done = net(&file, "fix FILE --apply");
    assert_eq!((done.status, done.text()), (0, planned.text()), "{}", done.err);
    assert_eq!(inode(&file), old_inode);
    let [backup] = &backups(&dir)[..] else { panic!("one copy") };
    let txid = unbolt::Snapshot::from_bytes(before.clone()).unwrap().meta().txid;
    assert!(backup.ends_with(format!("local-kv.db.bak-{txid}")) && fs::read(backup).unwrap() == before);
    let left: Vec<_> = old_keys.into_iter().filter(|key| key != ORPHAN).collect();
    assert_eq!(keys(&file), left);
    assert_eq!(net(&file, "doctor FILE").status, 0);

    let again = net(&file, "fix FILE --apply");
    assert_eq!((again.status, again.text()), (0, ""));
    assert!(again.err.contains("there is nothing to change"));
    assert_eq!(backups(&dir).len(), 1);
}

#[test]
fn a_copy_of_something_else_is_not_written_over_and_nothing_is_changed_then() {
    let (dir, file) = copy("broken-orphan-docker0.db");
    let before = fs::read(&file).unwrap();
    let txid = unbolt::Snapshot::from_bytes(before.clone()).unwrap().meta().txid;
    let backup = dir.path().join(format!("local-kv.db.bak-{txid}"));
    fs::write(&backup, "something else").unwrap();
    let refused = net(&file, "fix FILE --apply");
    assert_eq!(refused.status, 6, "{}", refused.err);
    assert!(fs::read(&file).unwrap() == before && fs::read(&backup).unwrap() == b"something else");
    // The copy that an interrupted command left is as good as a new one.
    fs::write(&backup, &before).unwrap();
    assert_eq!(net(&file, "fix FILE --apply").status, 0);
}

#[test]
fn a_locked_file_is_not_changed_and_the_holder_is_named() {
    let (dir, file) = copy("broken-orphan-docker0.db");
    let lock = Db::open(&file).unwrap();
    assert_eq!(net(&file, "fix FILE").status, 0);
    let refused = net(&file, "fix FILE --apply");
    assert!(refused.status == 4 && refused.err.contains("locked by"), "{}", refused.err);
    drop(lock);
    assert!(backups(&dir).is_empty());
}

#[test]
fn what_has_to_be_chosen_is_left_named_and_a_no() {
    let (_dir, file) = copy("networks-running-20.10.24.db");
    let moved = net(&file, "set FILE six --subnet 10.91.0.0/24=10.90.0.0/24 --apply");
    assert!(moved.status == 6 && moved.err.contains("overlaps 10.90.0.0/16"), "{}", moved.err);
    let wrong = net(&file, "fix FILE --rule no-such-rule");
    assert!(wrong.status == 2 && wrong.err.contains("orphan-docker0"), "{}", wrong.err);
    let store = BoltStore::open(&file, DOCKER_BUCKET).unwrap();
    let key = format!("docker/network/v1.0/network/{SIX}/");
    let record = String::from_utf8(store.get(&key).unwrap().unwrap().value).unwrap();
    store.put(&key, record.replace("10.91.0", "10.90.0").as_bytes()).unwrap();
    Box::new(store).close().unwrap();
    let left = net(&file, "fix FILE --apply");
    assert!(left.status == 1 && left.err.contains("not mended: overlapping-subnets"), "{}", left.err);
    assert_eq!(net(&file, "doctor FILE").status, 1);
}

#[test]
fn networks_endpoints_sandboxes_and_ports_are_removed() {
    for (line, records) in [
        ("rm network FILE six", 3),
        ("rm network FILE --force labelled", 6),
        ("rm endpoint FILE one", 4),
        ("rm endpoint FILE --network labelled ce62", 4),
        ("rm sandbox FILE 932a59cb", 4),
        ("rm sandbox FILE 5c3e0a5e75d1", 4),
        ("rm port FILE 8080/tcp", 1),
        ("rm port FILE 8080", 1),
        ("reset-default-bridge FILE", 3),
        ("recount FILE", 0),
        ("prune FILE --no-containers", 18),
    ] {
        let (dir, file) = copy("networks-running-20.10.24.db");
        let planned = net(&file, line);
        assert_eq!((planned.status, planned.lines().len()), (0, records), "{line}: {}{}", planned.text(), planned.err);
        let done = net(&file, &format!("{line} --apply"));
        assert_eq!((done.status, done.out), (0, planned.out), "{line}: {}", done.err);
        assert_eq!(backups(&dir).len(), usize::from(records > 0), "{line}");
        assert_eq!(net(&file, "doctor FILE").text(), "OK\n", "{line}");
        assert_eq!(unbolt(["check", file.to_str().unwrap()]).text(), "OK\n", "{line}");
    }
}

#[test]
fn what_cannot_be_removed_or_set_says_why_and_changes_nothing() {
    let (dir, file) = copy("networks-running-20.10.24.db");
    let before = fs::read(&file).unwrap();
    for (line, status, words) in [
        ("rm network FILE labelled --apply", 6, "network labelled has 1 endpoint"),
        ("rm network FILE nothing --apply", 1, "not found"),
        ("rm endpoint FILE two --apply", 1, "endpoint two is ambiguous (2 matches found)"),
        ("rm endpoint FILE nobody --apply", 1, "endpoint nobody not found"),
        ("rm sandbox FILE nowhere --apply", 1, "sandbox nowhere not found"),
        ("rm port FILE 99 --apply", 1, "nobody has port 99"),
        ("rm port FILE 99/icmp --apply", 2, "none of tcp, udp, sctp"),
        ("prune FILE --apply", 2, "--docker-root"),
        ("reid FILE six abc --apply", 2, "is no id"),
        ("set FILE six --apply", 2, "--name"),
        ("set FILE six --name host --apply", 6, "is taken"),
        ("set FILE six --parent eth0 --apply", 1, "has no parent"),
        ("set FILE six --gateway 10.1.1.1 --apply", 6, "is in no subnet"),
        ("set FILE six --subnet 10.0.0.0 --apply", 2, "not an address"),
    ] {
        let refused = net(&file, line);
        assert!(refused.status == status && refused.err.contains(words), "{line}: {}: {}", refused.status, refused.err);
    }
    assert!(fs::read(&file).unwrap() == before && backups(&dir).is_empty());
}

#[test]
fn names_labels_parents_subnets_gateways_and_ids_are_set() {
    let (_dir, file) = copy("networks-running-20.10.24.db");
    let old = "b".repeat(64);
    for line in [
        "set FILE six --name sechs --label a=b --label c= --subnet 10.91.0.0/24=10.191.0.0/24 --gateway fd00:90::9",
        "set FILE lan --parent ens3 --remove-label none",
        &format!("reid FILE sechs {old}"),
    ] {
        let done = net(&file, &format!("{line} --apply"));
        assert_eq!(done.status, 0, "{line}: {}", done.err);
    }
    let shown: Value = serde_json::from_slice(&net(&file, "inspect FILE sechs").out).unwrap();
    assert_eq!(shown[0]["Id"].as_str(), Some(old.as_str()));
    assert_eq!(shown[0]["Labels"], serde_json::json!({ "a": "b", "c": "" }));
    assert_eq!(shown[0]["IPAM"]["Config"][0]["Subnet"].as_str(), Some("10.191.0.0/24"));
    assert_eq!(net(&file, "doctor FILE").text(), "OK\n");
}

#[test]
fn a_lost_file_is_made_again_and_what_nobody_knows_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("containers/c1");
    fs::create_dir_all(&folder).unwrap();
    let networks = format!(r#"{{"front":{{"NetworkID":"{SIX}","IPAMConfig":{{"IPv4Address":"10.7.0.9"}}}}}}"#);
    fs::write(folder.join("config.v2.json"), format!(r#"{{"Name":"/web","NetworkSettings":{{"Networks":{networks}}}}}"#))
        .unwrap();
    let (dir, new) = (root.path().to_str().unwrap(), root.path().join("new.db"));
    let asked = net(&new, &format!("rebuild {dir} -o FILE"));
    assert!(asked.status == 6 && asked.err.contains("10.7.0.9 by hand") && !new.exists(), "{}", asked.err);
    let made = net(&new, &format!("rebuild {dir} -o FILE --subnet front=10.7.0.0/16"));
    assert_eq!(made.status, 0, "{}", made.err);
    assert!(made.text().contains(SIX) && made.text().contains("10.7.0.0/16"), "{}", made.text());
    assert_eq!(keys(&new).len(), 3);
    assert_eq!(net(&new, &format!("doctor FILE --docker-root {dir}")).text(), "OK\n");
    assert_eq!(net(&new, &format!("rebuild {dir} -o FILE --subnet front=10.7.0.0/16")).status, 6);
    let (_dir, saved) = copy("networks-stopped-20.10.24.db");
    let with = format!("rebuild {dir} -o FILE --force --with {} --subnet front=10.7.0.0/16", saved.display());
    assert_eq!(net(&new, &with).status, 0);
    assert_eq!(keys(&new), keys(&saved), "the network was saved");
    assert_eq!(net(&new, "rebuild /nowhere -o FILE --force").status, 3);
}
