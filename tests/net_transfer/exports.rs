//! An export has every record, can be edited, and is the same records again.

use std::fs;

use serde_json::{Value, json};
use unbolt::net::json::Step::{Embedded, Item, Member};
use unbolt::net::transfer::Export;
use unbolt::store::KvPair;

use crate::command::unbolt;
use crate::files::*;

#[test]
fn an_export_has_every_record_of_every_docker_file_in_a_form_that_people_can_edit() {
    for name in FILES {
        let inventory = inventory(name);
        let text = Export::of(&inventory).to_json();
        let export = Export::parse(&text).unwrap();
        assert_eq!(export, Export::of(&inventory), "{name}");
        assert_eq!(export.pairs(), pairs(name), "{name}");
        assert_eq!(export.to_json(), text, "{name}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let networks = document["networks"].as_array().unwrap().iter();
        let all =
            networks.flat_map(|network| network["records"].as_array().unwrap()).chain(document["others"].as_array().unwrap());
        // Only what has no payload at all is not unpacked.
        let packed: Vec<&Value> = all.filter(|record| record.get("value").is_none()).collect();
        assert!(packed.iter().all(|record| record["text"] == ""), "{name}: {packed:?}");
    }
}

#[test]
fn a_file_made_of_an_export_has_the_same_records_and_indexes_and_goes_on_counting() {
    let folder = tempfile::tempdir().unwrap();
    for name in FILES {
        let (export, file) = (folder.path().join(format!("{name}.json")), folder.path().join(name));
        let exported = net(&["export", text(&path(name))]);
        assert_eq!(exported.status, 0, "{exported:?}");
        fs::write(&export, exported.out).unwrap();
        let dry = net(&["import", text(&file), text(&export), "--dry-run"]);
        assert!(dry.status == 0 && !file.exists(), "{dry:?}");
        let made = net(&["import", text(&file), text(&export)]);
        assert_eq!(made.status, 0, "{made:?}");
        assert_eq!(pairs_at(&file), pairs(name), "{name}");
        assert_eq!(unbolt(["check", text(&file)]).text(), "OK\n");
        let highest = pairs(name).iter().map(|pair| pair.last_index).max().unwrap();
        let next = unbolt(["kv", "put", text(&file), "a-key/", "{}"]);
        assert_eq!(next.text().trim(), (highest + 1).to_string(), "{name}");
    }
}

#[test]
fn what_is_edited_in_an_export_is_what_is_imported_and_slips_are_errors_with_their_place() {
    let exported = Export::of_networks(&inventory(RUNNING), &[&inventory(RUNNING).find_network("labelled").unwrap().id]);
    let document: Value = serde_json::from_str(&exported.to_json()).unwrap();
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut document = document.clone();
        edit(&mut document);
        Export::parse(&document.to_string())
    };
    let record = |document: &Value| document["networks"][0]["records"][0]["value"].clone();
    let changed = edited(&|document| {
        let value = &mut document["networks"][0]["records"][0]["value"];
        value["labels"]["team"] = "a<b".into();
        value["ipamV4Info"][0]["IPAMData"]["Gateway"] = "10.90.0.2/16".into();
    });
    let changed = read(changed.unwrap().pairs());
    let mut expected = inventory(RUNNING).find_network("labelled").unwrap().clone();
    expected.set(&[Member("labels"), Member("team")], "a<b").unwrap();
    let gateway = [Member("ipamV4Info"), Embedded, Item(0), Member("IPAMData"), Embedded, Member("Gateway")];
    expected.set(&gateway, "10.90.0.2/16").unwrap();
    assert_eq!(changed.find_network("labelled").unwrap().bytes(), expected.bytes());

    let key = document["networks"][0]["records"][0]["key"].as_str().unwrap().to_owned();
    type Edit = fn(&mut Value);
    let wrong: [(Edit, String); 9] = [
        (|d| d["schema"] = 2.into(), "schema: this version reads schema 1".into()),
        (|d| d["networks"][0]["name"] = "x".into(), "networks[0]: its name is \"x\", and \"labelled\" in its record".into()),
        (
            |d| d["networks"][0]["records"][0]["value"]["name"] = "x".into(),
            "networks[0]: its name is \"labelled\", and \"x\" in its record".into(),
        ),
        (
            |d| d["networks"][0]["records"][0]["value"]["id"] = 7.into(),
            format!("networks[0].records[0]: record {key}: id should be a string, is a number: 7"),
        ),
        (|d| d["networks"][0]["records"][0] = json!([]), "networks[0].records[0]: should be an object".into()),
        (
            |d| d["networks"][0]["records"][0]["text"] = "{}".into(),
            "networks[0].records[0]: should have one of value, text and hex".into(),
        ),
        (
            |d| d["networks"][0]["records"][0]["last_index"] = (-1).into(),
            "networks[0].records[0].last_index: should be a whole number from 0 on".into(),
        ),
        (|d| d["others"] = json!([d["networks"][0]["records"][0]]), format!("there are two records of key {key}")),
        (
            |d| d["others"] = json!([{ "key": "k", "last_index": 1, "hex": "0" }]),
            "others[0].hex: should be pairs of hexadecimal digits".into(),
        ),
    ];
    for (edit, words) in wrong {
        assert_eq!(edited(&edit).unwrap_err().to_string(), words);
    }
    assert!(record(&document)["ipamV4Config"][0]["SubPool"] == "10.90.5.0/24");
}

#[test]
fn bad_records_are_exported_as_they_are_and_come_back() {
    let key = |rest: &str| format!("docker/network/v1.0/{rest}/");
    let pair = |rest: &str, value: &[u8]| KvPair { key: key(rest), value: value.into(), last_index: 9 };
    let all = vec![pair("network/n", b"{\"id\":\"n\""), pair("sandbox/s", b"\xff\0"), pair("unknown/x", b" [1] ")];
    let export = Export::of(&read(all.clone()));
    let parsed = Export::parse(&export.to_json()).unwrap();
    assert_eq!(parsed.pairs(), all);
    assert_eq!(parsed.records().filter(|record| record.problem.is_some()).count(), 2);
    assert_eq!((parsed.networks[0].id.as_str(), &parsed.networks[0].name), ("n", &None));
}
