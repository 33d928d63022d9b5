//! What bbolt's commands say beyond what bbolt says.

use std::fs::{self};

use crate::running::{CHURN, CONTAINERD, DOCKER, err, json_lines, on_bytes, out, status, unbolt};
use serde_json::Value;
use unbolt::cli::Status;

#[test]
fn info_tells_both_metas_and_the_freelist() {
    let output = unbolt(&["info", "--verbose", DOCKER]);
    assert_eq!(
        out(&output),
        "Page Size: 4096\n\
         File Size: 131072 (32 pages)\n\
         Byte Order: little-endian\n\
         Meta 0: transaction 64, root 16, freelist 18, high-water mark 20, current\n\
         Meta 1: transaction 63, root 17, freelist 19, high-water mark 20\n\
         Freelist: 4 free pages, listed on page 18\n\
         Lock: no holder known\n"
    );
    let [object] = &json_lines(&unbolt(&["info", "--format", "json", "testdata/bbolt/no-freelist.db"]))[..] else {
        panic!("one object")
    };
    assert_eq!((&object["schema"], &object["freelist"]), (&Value::from(1), &Value::Null));
    assert_eq!(object["metas"][0]["txid"], 6);
}

#[test]
fn keys_can_be_cut_to_a_range_from_either_end() {
    let keys = |options: &[&str]| {
        let arguments: Vec<&str> = ["keys"].into_iter().chain(options.iter().copied()).chain([CHURN, "churn"]).collect();
        let output = unbolt(&arguments);
        assert_eq!(status(&output), 0, "{}", err(&output));
        out(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = keys(&[]);
    assert!(all.len() > 20 && all.is_sorted());
    let (from, to) = (all[5].as_str(), all[9].as_str());
    assert_eq!(keys(&["--from", from, "--to", to]), all[5..9]);
    assert_eq!(keys(&["--from", from, "--limit", "3"]), all[5..8]);
    assert_eq!(keys(&["--to", to, "--reverse", "--limit", "2"]), [all[8].clone(), all[7].clone()]);
    assert_eq!(keys(&["--prefix", from]), all.iter().filter(|key| key.starts_with(from)).cloned().collect::<Vec<_>>());
    assert_eq!(keys(&["--limit", "0"]), [""; 0]);
    let reversed: Vec<String> = all.iter().rev().cloned().collect();
    assert_eq!(keys(&["--reverse"]), reversed);
    let hex: String = from.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(keys(&["--from", &hex, "--to", &hex, "--parse-format", "hex"]), [""; 0]);
}

#[test]
fn nested_buckets_are_listed_as_paths() {
    let text = out(&unbolt(&["buckets", "-r", CONTAINERD]));
    let objects = json_lines(&unbolt(&["buckets", "-r", "--format", "json", CONTAINERD]));
    assert_eq!(text.lines().count(), objects.len());
    for (line, object) in text.lines().zip(&objects) {
        let path: Vec<&str> = object["bucket"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(line, path.join("/"));
        assert_eq!(object["inline"], object["root"].is_null());
    }
    assert!(text.contains("v1/moby/containers/"), "{text}");
    let top = json_lines(&unbolt(&["buckets", "--format", "json", CONTAINERD]));
    assert_eq!(top[0]["bucket"], serde_json::json!(["v1"]));
}

#[test]
fn the_map_shows_every_page_once_and_the_same_in_colour() {
    let plain = unbolt(&["pages", "--map", CHURN]);
    let picture = out(&plain);
    let rows = picture.lines().take_while(|line| !line.is_empty());
    let tiles: usize = rows.map(|row| row.trim_start().split_once("  ").unwrap().1.len()).sum();
    assert_eq!(tiles as u64, fs::metadata(CHURN).unwrap().len() / 1024);
    let coloured = out(&unbolt(&["pages", "--map", "--color", "always", CHURN]));
    assert!(!picture.contains('\x1b') && coloured.contains("\x1b[35mMM"));
}

#[test]
fn pages_and_their_contents_come_as_json_too() {
    let table = out(&unbolt(&["pages", DOCKER]));
    let objects = json_lines(&unbolt(&["pages", "--format", "json", DOCKER]));
    assert_eq!(table.lines().count() - 2, objects.len());
    assert_eq!(objects[6], serde_json::json!({ "page": 6, "type": "leaf", "items": 2, "overflow": 0 }));

    let pages = json_lines(&unbolt(&["page", "--format-value", "json", DOCKER, "0", "14", "3", "18", "90"]));
    assert_eq!(pages[0]["meta"]["txid"], 64);
    assert_eq!(pages[1]["items"].as_array().unwrap().len(), 10);
    assert!(pages[2]["items"][0]["value"].as_str().unwrap().contains("\"name\":\"ipv\""));
    assert_eq!(pages[3]["free"].as_array().unwrap().len(), 4);
    assert_eq!(pages[4], serde_json::json!({ "page": 90, "error": "EOF" }));
}

#[test]
fn findings_come_as_json_with_code_path_and_offset() {
    let mut bytes = fs::read(CHURN).unwrap();
    bytes[5 * 1024] = 99;
    let (status, out, err) = on_bytes(&bytes, &["check", "--format", "json", "FILE"]);
    assert_eq!((status, err.as_str()), (Status::No, ""));
    let finding: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(finding["code"], "page-id");
    assert_eq!((&finding["severity"], &finding["page"]), (&Value::from("error"), &Value::from(5)));
    assert_eq!(finding["offset"], 5120);
    assert_eq!(finding["path"].as_array().unwrap().last(), Some(&Value::from(5)));
    assert_eq!(finding["bucket"], serde_json::json!(["churn"]));
}

#[test]
fn a_search_finds_keys_values_and_names_and_says_where() {
    let by_text = json_lines(&unbolt(&["search", "--format", "json", DOCKER, "10.89.0.1"]));
    assert_eq!(by_text[0]["bucket"], serde_json::json!(["libnetwork"]));
    assert_eq!(by_text[0]["match"], "value");
    assert!(by_text[0]["excerpt"].as_str().unwrap().contains("10.89.0.1"), "{by_text:?}");
    for found in &by_text {
        let key = found["key"].as_str().unwrap();
        let value = unbolt(&["get", "--format", "bytes", DOCKER, "libnetwork", key]).stdout;
        let at = found["offset"].as_u64().unwrap() as usize;
        assert_eq!(&value[at..at + 9], b"10.89.0.1");
        assert_eq!(found["value_size"], value.len() - 1);
    }

    let by_pattern = unbolt(&["search", "-e", "--keys-only", DOCKER, "^docker/network/v1.0/network/8[24]"]);
    assert_eq!(out(&by_pattern).lines().count(), 2);
    assert!(out(&by_pattern).starts_with("libnetwork\tdocker/network/v1.0/network/8"));
    assert_eq!(out(&unbolt(&["search", "--limit", "3", DOCKER, "docker"])).lines().count(), 3);
    assert_eq!(status(&unbolt(&["search", "--ignore-case", CONTAINERD, "MOBY"])), 0);

    let bucket = json_lines(&unbolt(&["search", "--format", "json", CONTAINERD, "moby"]));
    assert_eq!(bucket[0], serde_json::json!({ "bucket": ["v1"], "key": "moby", "match": "bucket" }));

    let nothing = unbolt(&["search", CONTAINERD, "MOBY"]);
    assert_eq!((status(&nothing), out(&nothing), err(&nothing)), (1, String::new(), String::new()));
    let by_hex = unbolt(&["search", "--parse-format", "hex", CHURN, "636875726e"]);
    assert_eq!(out(&by_hex), "\tchurn\n");
    assert_eq!(status(&unbolt(&["search", "--parse-format", "hex", CHURN, "ffff"])), 1);
    assert_eq!(status(&unbolt(&["search", "-e", CHURN, "("])), 2);
}
