//! `history` and `audit`: what they find in files that were made for it, and how they end.

mod command;

use std::fs;

use command::{Outcome, database, on_bytes, unbolt};
use serde_json::Value;

fn objects(outcome: &Outcome) -> Vec<Value> {
    outcome.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn history(bytes: &[u8], more: &[&str]) -> Vec<Value> {
    let outcome = on_bytes(bytes, &[&["history", "--format", "json", "a.db"], more].concat());
    assert!(outcome.status <= 1, "{outcome:?}");
    objects(&outcome)
}

fn audit(bytes: &[u8]) -> Value {
    let outcome = on_bytes(bytes, &["audit", "--format", "json", "a.db"]);
    assert!(outcome.status <= 1, "{outcome:?}");
    serde_json::from_str(outcome.text()).unwrap()
}

fn codes(report: &Value) -> Vec<&str> {
    report["observations"].as_array().unwrap().iter().map(|seen| seen["code"].as_str().unwrap()).collect()
}

#[test]
fn the_older_value_of_a_sandbox_is_found_in_a_live_copy_of_dockers_file() {
    let found = history(&database("docker/live-20.10.24.db"), &[]);
    let [live, old] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&live["state"], &live["length"], &live["grade"]), (&"live".into(), &412.into(), &"A".into()));
    assert_eq!((&old["state"], &old["length"], &old["grade"]), (&"superseded".into(), &267.into(), &"B".into()));
    assert_eq!(old["marks"], serde_json::json!(["U"]), "the previous state may be one that never was committed");
    assert_eq!(old["bucket"], serde_json::json!(["libnetwork"]));
    assert_eq!(old["clocks"][0], serde_json::json!({ "source": "libkv-index", "index": 24 }));
}

#[test]
fn of_nothing_but_the_current_state_it_is_said_that_it_was_committed() {
    let file = database("containerd/dockerd-meta-stopped-1.6.20.db");
    let found = history(&file, &["--all"]);
    let outside = |item: &&Value| item["state"] != "live";
    assert!(found.iter().filter(outside).count() > 10 && found.iter().filter(outside).all(|item| item["provable"] == false));
    assert!(found.iter().any(|item| item["provable"] == true));
}

#[test]
fn a_container_that_was_removed_is_found_with_its_whole_specification() {
    let found = history(&database("containerd/dockerd-meta-stopped-1.6.20.db"), &["--deleted"]);
    let of = |key: &str| found.iter().find(|item| item["key"] == key).unwrap_or_else(|| panic!("{key} is not there"));
    let spec = of("spec");
    assert_eq!((&spec["length"], &spec["state"], &spec["grade"]), (&9108.into(), &"dropped-bucket".into(), &"B".into()));
    // Two whole states from before are there, and that they are from before cannot be proved.
    assert_eq!((&spec["marks"], &spec["provable"]), (&serde_json::json!(["U"]), &false.into()));
    assert_eq!(spec["bucket"].as_array().unwrap()[..3], ["v1", "moby", "containers"]);
    for key in ["createdat", "updatedat", "labels", "snapshotter"] {
        assert_eq!(of(key)["bucket"], spec["bucket"], "{key}");
    }
    assert_eq!(of("createdat")["clocks"][0]["source"], "go-time");
}

#[test]
fn a_key_is_asked_for_by_its_name_alone_or_with_its_bucket() {
    let bytes = database("docker/live-20.10.24.db");
    let key = "docker/network/v1.0/sandbox/f5fb71afb599c54b6e8e61b1252df8b63be6e0b753bf13f11957f63443dedbfc/";
    assert_eq!(history(&bytes, &[key]).len(), 2);
    assert_eq!(history(&bytes, &["libnetwork", key]).len(), 2);
    assert_eq!(history(&bytes, &["other", key]).len(), 0);
    assert_eq!(on_bytes(&bytes, &["history", "a.db", "no-such-key"]).status, 1);
}

#[test]
fn no_root_of_a_previous_state_is_called_exact_where_it_has_pages_of_its_own() {
    for name in command::databases().iter().filter(|name| database(name).len() < 1 << 20) {
        let outcome = on_bytes(&database(name), &["history", "--roots", "--format", "json", "a.db"]);
        for root in objects(&outcome) {
            assert!(root["label"] == "composite" || root["own_pages"] == 0, "{name}: {root}");
            assert_eq!(root["provable"], root["label"] == "exact", "{name}");
        }
    }
}

#[test]
fn tampering_is_observed_where_it_is() {
    let sound = database("docker/live-20.10.24.db");
    assert_eq!(codes(&audit(&sound)), Vec::<&str>::new());
    assert_eq!(on_bytes(&sound, &["audit", "a.db"]).status, 0);
    let current = 4096;

    let mut slack = sound.clone();
    slack[4 * 4096 + 4090..5 * 4096].fill(0xaa);
    let report = audit(&slack);
    let seen = &report["observations"][0];
    assert_eq!(
        (seen["code"].as_str(), seen["offset"].as_u64(), seen["length"].as_u64()),
        (Some("slack-written"), Some(20474), Some(6))
    );
    assert_eq!(on_bytes(&slack, &["audit", "a.db"]).status, 1);

    let list = u64::from_le_bytes(sound[current + 48..current + 56].try_into().unwrap()) as usize * 4096;
    let mut short = sound.clone();
    short[list + 10] -= 1;
    assert!(codes(&audit(&short)).contains(&"unreachable-unfreed"));

    let mut unsorted = sound.clone();
    let (a, b) = (list + 16, list + 24);
    (0..8).for_each(|at| unsorted.swap(a + at, b + at));
    assert!(codes(&audit(&unsorted)).contains(&"freelist-unsorted"));

    for (txid, code) in [(9_u64, "txid-jump"), (35, "txid-equal")] {
        let mut jumped = sound.clone();
        set_txid(&mut jumped, 0, txid);
        assert!(codes(&audit(&jumped)).contains(&code), "{code}: {:?}", codes(&audit(&jumped)));
    }

    let mut beyond = sound.clone();
    beyond.extend([0x55; 4096 + 9]);
    assert_eq!(codes(&audit(&beyond)), ["beyond-hwm", "tail"]);
    let classes = &audit(&beyond)["account"];
    let bytes: u64 = classes.as_array().unwrap().iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
    assert_eq!(bytes, beyond.len() as u64);
}

/// Sets the transaction of the meta on a page, and its checksum.
fn set_txid(bytes: &mut [u8], page: usize, txid: u64) {
    bytes[page + 64..page + 72].copy_from_slice(&txid.to_le_bytes());
    let fnv = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let sum = bytes[page + 16..page + 72].iter().fold(0xcbf2_9ce4_8422_2325, fnv);
    bytes[page + 72..page + 80].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn without_metas_everything_is_still_shown_and_nothing_is_called_deleted() {
    let mut bytes = database("docker/live-20.10.24.db");
    let keys = history(&bytes, &["--all"]).iter().filter(|item| item["state"] == "live" && item["grade"] == "A").count();
    bytes[..8192].fill(0);
    let outcome = on_bytes(&bytes, &["history", "--format", "json", "a.db"]);
    let found = objects(&outcome);
    assert!(found.len() >= keys, "{} of {keys}", found.len());
    assert!(found.iter().all(|item| item["state"] == "unjudged"), "{found:?}");
    assert!(outcome.err.contains("there is no current state to hold anything against"), "{}", outcome.err);
}

#[test]
fn a_file_that_is_none_is_refused_and_one_that_cannot_be_read_is_another_thing() {
    assert_eq!(on_bytes(&[7; 9000], &["history", "a.db"]).status, 5);
    assert_eq!(on_bytes(b"", &["audit", "a.db"]).status, 5);
    assert_eq!(unbolt(["history", "no/such/file"]).status, 3);
    assert_eq!(unbolt(["history", "testdata"]).status, 3);
}

#[test]
fn a_file_that_changes_while_it_is_looked_at_is_said_to() {
    use unbolt::cli::{Context, run};
    use unbolt::forensic::Evidence;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    fs::write(&path, database("docker/live-20.10.24.db")).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut context = Context {
        open: &|path| unbolt::Snapshot::open(path),
        open_evidence: &|path, assumed| {
            let evidence = Evidence::open_as(path, assumed);
            let mut bytes = fs::read(path).unwrap();
            bytes[20_000] ^= 1;
            fs::write(path, bytes).unwrap();
            evidence
        },
        open_to_write: &|path, options| options.open(path),
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        color: false,
        progress: false,
    };
    let status = run(["unbolt".into(), "history".into(), path.into()], &mut context);
    assert_eq!(status as i32, 3);
    assert!(String::from_utf8(err).unwrap().contains("changed while it was looked at"));
    assert!(!out.is_empty(), "what was seen is shown all the same");
}
