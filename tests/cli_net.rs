//! Promise: `net` shows Docker's networks from the file alone, in docker's own shapes; one bad record hides no other;
//! whoever asks for what is not there is told what is.

#![cfg(feature = "cli")]

mod command;

use command::{Outcome, on_bytes, testdata, unbolt, value, with_bucket};
use serde_json::{Value, json};
use unbolt::format::LeafElement;

fn running() -> String {
    testdata().join("docker/networks-running-20.10.24.db").to_str().unwrap().to_owned()
}

fn net(arguments: &[&str]) -> Outcome {
    unbolt(std::iter::once("net").chain(arguments.iter().copied()))
}

/// A database with these records.
fn records(pairs: &[(&str, Value)]) -> Vec<u8> {
    let texts: Vec<(&str, String)> = pairs.iter().map(|(key, value)| (*key, value.to_string())).collect();
    raw_records(&texts.iter().map(|(key, value)| (*key, value.as_bytes())).collect::<Vec<_>>())
}

fn raw_records(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    let mut stored: Vec<(String, Vec<u8>)> = pairs
        .iter()
        .map(|(key, value)| (format!("docker/network/v1.0/{key}/"), [&1_u64.to_le_bytes()[..], value].concat()))
        .collect();
    stored.sort();
    let elements: Vec<LeafElement<&[u8]>> = stored.iter().map(|(key, stored)| value(key.as_bytes(), stored)).collect();
    with_bucket("libnetwork", &elements)
}

fn network(id: &str, name: &str) -> Value {
    let info = json!([{ "PoolID": "L/10.0.0.0/8", "IPAMData":
        json!({ "AddressSpace": "L", "Pool": "10.0.0.0/8", "Gateway": "10.0.0.1/8" }).to_string() }]);
    json!({ "enableIPv6": false, "id": id, "ipamV4Info": info.to_string(), "name": name, "networkType": "bridge" })
}

fn endpoint(id: &str, name: &str, address: &str) -> Value {
    json!({ "id": id, "name": name, "sandbox": "", "ep_iface": { "addr": address } })
}

#[test]
fn ls_lists_what_docker_lists_and_subnets_and_endpoints() {
    let listed = net(&["ls", &running()]);
    assert_eq!((listed.status, listed.err.as_str()), (0, ""));
    assert_eq!(
        listed.text(),
        "\
NETWORK ID     NAME          DRIVER    SCOPE   SUBNETS                      ENDPOINTS
e3635253db27   bridge        bridge    local   172.17.0.0/16                0
aeba4fd82f36   host          host      local                                0
ba3c4ad7f811   inner         bridge    local   172.19.0.0/16                1
8f8288ae37ab   ipv           ipvlan    local   10.93.0.0/24                 0
1b128a9d9e30   labelled      bridge    local   10.90.0.0/16                 1
310ac23595e2   lan           macvlan   local   10.92.0.0/24                 0
6969830cde3e   none          null      local                                0
04309c0405d9   plain         bridge    local   172.18.0.0/16                1
589c6d63b5f0   six           bridge    local   10.91.0.0/24, fd00:90::/64   0
ee61959e8dd7   temporary-2   bridge    local   172.21.0.0/16                0
f3c087756315   temporary-4   bridge    local   172.23.0.0/16                0
7c6ee8cb42ab   temporary-6   bridge    local   172.25.0.0/16                0
"
    );
    let whole = net(&["ls", "--no-trunc", &running()]);
    assert!(whole.lines()[1].starts_with("e3635253db27e58492f8253e9427d1a3c0e585448c0aef869e97b56058614134   bridge "));
    let ids = net(&["ls", "-q", &running()]);
    assert_eq!((ids.lines().len(), ids.lines()[0]), (12, "e3635253db27"));
}

#[test]
fn ls_as_json_has_dockers_keys_and_values() {
    let listed = net(&["ls", "--format", "json", "-f", "name=labelled", &running()]);
    assert_eq!(
        listed.text(),
        "{\"CreatedAt\":\"2026-11-22 09:55:03.279623501 +0000 UTC\",\"Driver\":\"bridge\",\
         \"ID\":\"1b128a9d9e30f2638f0ce3a83b7670ec336f142e923cbf609eaeccb0caa46d50\",\"IPv6\":\"false\",\
         \"Internal\":\"false\",\"Labels\":\"note=two words,team=storage\",\"Name\":\"labelled\",\"Scope\":\"local\",\
         \"Subnets\":[\"10.90.0.0/16\"],\"Endpoints\":1}\n"
    );
    let newer = testdata().join("docker/live-28.5.2.db");
    let listed = net(&["ls", "--format", "json", "-f", "name=only6", newer.to_str().unwrap()]);
    let object: Value = serde_json::from_slice(&listed.out).unwrap();
    assert_eq!((&object["IPv4"], &object["IPv6"]), (&json!("false"), &json!("true")));
}

#[test]
fn filters_are_alternatives_within_a_key_but_for_labels_and_all_must_hold_across_keys() {
    for (filters, names) in [
        (&["driver=macvlan", "driver=ipvlan"][..], "ipv lan"),
        (&["name=temporary"], "temporary-2 temporary-4 temporary-6"),
        (&["name=^l", "driver=bridge"], "labelled"),
        (&["name=-[26]$"], "temporary-2 temporary-6"),
        (&["id=^1b128"], "labelled"),
        (&["label=team"], "labelled"),
        (&["label=team=storage", "label=note"], "labelled"),
        (&["label=team=other"], ""),
        (&["label=team", "label=none"], ""),
        (&["scope=swarm"], ""),
    ] {
        let mut arguments = vec!["ls", "--format", "json"];
        filters.iter().for_each(|filter| arguments.extend(["--filter", filter]));
        let file = running();
        arguments.push(&file);
        let listed = net(&arguments);
        let found: Vec<String> = listed.lines().iter().map(|line| name_in(line)).collect();
        assert_eq!((listed.status, found.join(" ").as_str()), (0, names), "{filters:?}");
    }
    let refused = net(&["ls", "-f", "color=blue", &running()]);
    assert!(
        refused.status == 2 && refused.err.contains("the key is none of name, driver, id, label, scope"),
        "{}",
        refused.err
    );
}

fn name_in(line: &str) -> String {
    serde_json::from_str::<Value>(line).unwrap()["Name"].as_str().unwrap().to_owned()
}

#[test]
fn inspect_has_dockers_shape_and_the_records_behind_it() {
    let shown = net(&["inspect", &running(), "six", "310ac", "plain"]);
    assert_eq!((shown.status, shown.err.as_str()), (0, ""));
    let networks: Vec<Value> = serde_json::from_slice(&shown.out).unwrap();
    let names: Vec<_> = networks.iter().map(|network| network["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["six", "lan", "plain"]);
    assert_eq!(
        networks[0]["IPAM"],
        json!({ "Driver": "default", "Options": {}, "Config":
            [{ "Subnet": "10.91.0.0/24", "Gateway": "10.91.0.1" }, { "Subnet": "fd00:90::/64", "Gateway": "fd00:90::1" }] })
    );
    let plain = &networks[2];
    assert_eq!(
        plain["Containers"]["bc9046e15d54cba7d8ba49895d9dcdd39705d4d0f3d371c6dcdd54e462d74642"],
        json!({ "Name": "two", "EndpointID": "78c47bfc459723e078d4dd5bd3129cb64a714da1b8fadb2b01312e545fe5d225",
            "MacAddress": "02:42:ac:12:00:02", "IPv4Address": "172.18.0.2/16", "IPv6Address": "" })
    );
    let behind = &plain["Libnetwork"];
    assert_eq!(behind["WrittenBy"], "18.09 or later, before 28.0");
    assert_eq!(behind["Network"]["Value"]["ipamV4Info"][0]["IPAMData"]["Pool"], "172.18.0.0/16");
    assert_eq!((&behind["Network"]["Index"], &behind["Driver"]["Value"]["BridgeName"]), (&json!(9), &json!("br-04309c0405d9")));
    assert_eq!(behind["EndpointCount"]["Value"]["Count"], 1);
    assert_eq!(behind["Endpoints"][0]["Driver"]["Value"]["PortMapping"][0]["HostPort"], 8080);
    assert_eq!(behind["Sandboxes"][0]["Value"]["ExtDNS2"][0]["IPStr"], "10.255.255.53");
    assert_eq!(networks[1]["Libnetwork"]["Driver"]["Value"]["Parent"], "uplink0");
    let all: Vec<Value> = serde_json::from_slice(&net(&["inspect", "--all", &running()]).out).unwrap();
    assert_eq!(all.len(), 12);
}

#[test]
fn inspect_decodes_what_is_in_base64() {
    let file = testdata().join("docker/live-28.5.2.db");
    let shown = net(&["inspect", file.to_str().unwrap(), "six"]);
    let networks: Vec<Value> = serde_json::from_slice(&shown.out).unwrap();
    let endpoint = &networks[0]["Libnetwork"]["Endpoints"][0]["Value"];
    assert_eq!(endpoint["generic"]["com.docker.network.endpoint.macaddress"], "02:42:00:11:22:33");
    assert_eq!(networks[0]["EnableIPv4"], true);
    assert_eq!(networks[0]["Containers"].as_object().unwrap().values().next().unwrap()["IPv6Address"], "fd00:77::2/64");
}

#[test]
fn a_network_that_is_not_there_is_named_and_the_others_are_shown() {
    let shown = net(&["inspect", &running(), "nope", "six"]);
    assert_eq!(shown.status, 1);
    let hint =
        format!("unbolt: {0}: network nope not found\nhint: `unbolt net ls {0}` lists those that are there\n", running());
    assert_eq!(shown.err, hint);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&shown.out).unwrap().len(), 1);
    let none = net(&["endpoints", &running(), "nope"]);
    assert!(none.status == 1 && none.out.is_empty() && none.err == hint, "{none:?}");
    let many = records(&[("network/1a", network("1a", "x")), ("network/1b", network("1b", "x"))]);
    let shown = on_bytes(&many, &["net", "inspect", "f", "x"]);
    assert_eq!(
        (shown.status, shown.text(), shown.err.as_str()),
        (1, "[]\n", "unbolt: f: network x is ambiguous (2 matches found on name)\nhint: their ids are 1a, 1b\n")
    );
    assert_eq!(net(&["inspect", &running()]).status, 2);
    assert_eq!(net(&["inspect", "--all", &running(), "six"]).status, 2);
}

#[test]
fn endpoints_sandboxes_ports_and_addresses_say_who_has_what() {
    for (command, expected) in [
        (
            "endpoints",
            "\
ENDPOINT ID    NAME   NETWORK    CONTAINER ID   IPV4 ADDRESS    IPV6 ADDRESS   MAC ADDRESS
eb7ec19e1a6d   two    inner      bc9046e15d54   172.19.0.2/16                  02:42:ac:13:00:02
ce621880cd91   one    labelled   5c3e0a5e75d1   10.90.5.7/16                   02:42:0a:5a:05:07
78c47bfc4597   two    plain      bc9046e15d54   172.18.0.2/16                  02:42:ac:12:00:02
",
        ),
        (
            "sandboxes",
            "\
SANDBOX ID     NAME   CONTAINER ID   NETWORKS       DNS
932a59cb2806   one    5c3e0a5e75d1   labelled       10.255.255.53
7e7e86930b1c   two    bc9046e15d54   plain, inner   10.255.255.53
",
        ),
        (
            "ports",
            "\
HOST           CONTAINER       PROTOCOL   NAME   NETWORK   CONTAINER ID
0.0.0.0:8080   172.18.0.2:80   tcp        two    plain     bc9046e15d54
",
        ),
    ] {
        let listed = net(&[command, &running()]);
        assert_eq!((listed.status, listed.err.as_str(), listed.text()), (0, "", expected));
    }
    let addresses = net(&["addresses", &running(), "labelled"]);
    assert_eq!(
        addresses.text(),
        "\
ADDRESS        KIND        NETWORK    NAME      CONTAINER ID   MAC ADDRESS         NOTE
10.90.0.1/16   gateway     labelled
10.90.0.9/16   auxiliary   labelled   printer
10.90.5.7/16   endpoint    labelled   one       5c3e0a5e75d1   02:42:0a:5a:05:07
"
    );
}

#[test]
fn as_json_each_is_one_object_with_whole_ids() {
    let one = |arguments: &[&str]| -> Value { serde_json::from_slice(&net(arguments).out).unwrap() };
    let endpoint = one(&["endpoints", "--format", "json", &running(), "plain"]);
    assert_eq!(
        (&endpoint["Name"], &endpoint["Network"], &endpoint["Gateway"]),
        (&json!("two"), &json!("plain"), &json!("172.18.0.1"))
    );
    assert_eq!((&endpoint["DNSNames"], &endpoint["ExposedPorts"]), (&json!(["bc9046e15d54", "two"]), &json!(["80/tcp"])));
    assert_eq!(endpoint["ContainerID"].as_str().unwrap().len(), 64);
    let sandbox = one(&["sandboxes", "--format", "json", &running(), "labelled"]);
    assert_eq!((&sandbox["Name"], &sandbox["Endpoints"][0]["Network"]), (&json!("one"), &json!("labelled")));
    let port = one(&["ports", "--format", "json", &running()]);
    assert_eq!((&port["HostPort"], &port["HostIP"], &port["Protocol"]), (&json!(8080), &json!("0.0.0.0"), &json!("tcp")));
    let address = one(&["addresses", "--format", "json", &running(), "lan"]);
    assert_eq!(
        (&address["Address"], &address["Kind"], &address["Duplicate"]),
        (&json!("10.92.0.1/24"), &json!("gateway"), &json!(false))
    );
}

#[test]
fn addresses_expands_the_bitmaps_of_1_11() {
    let file = testdata().join("docker/ipam-only-1.11.0.db");
    let addresses: Vec<String> = net(&["addresses", file.to_str().unwrap()]).lines()[1..]
        .iter()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        addresses,
        [
            "10.77.0.0/24 taken",
            "10.77.0.128-10.77.0.129/24 taken",
            "10.77.0.255/24 taken",
            "172.17.0.0-172.17.0.4/16 taken",
            "172.17.255.255/16 taken",
            "fd00:77::-fd00:77::1/64 taken",
        ]
    );
}

#[test]
fn an_address_that_two_have_is_marked() {
    let file = records(&[
        ("network/n", network("n", "net")),
        ("network/m", network("m", "other")),
        ("endpoint/n/1", endpoint("1", "a", "10.0.0.7/8")),
        ("endpoint/n/2", endpoint("2", "b", "10.0.0.7/8")),
        ("endpoint/n/3", endpoint("3", "c", "10.0.0.8/8")),
        ("endpoint/m/4", endpoint("4", "d", "10.0.0.8/8")),
    ]);
    let listed = on_bytes(&file, &["net", "addresses", "--format", "json", "f"]);
    let objects: Vec<Value> = listed.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let marked: Vec<_> =
        objects.iter().filter(|used| used["Duplicate"] == true).map(|used| used["Name"].as_str().unwrap()).collect();
    assert_eq!(marked, ["a", "b"]);
}

#[test]
fn what_belongs_to_nothing_any_more_is_listed_by_ids() {
    let file = records(&[
        ("endpoint/nnnnnnnnnnnnnnnn/1", endpoint("1", "a", "10.0.0.7/8")),
        (
            "bridge-endpoint/2",
            json!({ "id": "2", "nid": "mmmmmmmmmmmmmmmm", "SrcName": "v", "PortMapping":
            [{ "Proto": 17, "IP": "10.0.0.9", "Port": 53, "HostIP": "::", "HostPort": 53 }] }),
        ),
        ("sandbox/s", json!({ "ID": "s", "Cid": "c", "Eps": [{ "Eid": "gone", "Nid": "mmmmmmmmmmmmmmmm" }] })),
    ]);
    let line = |command: &str| {
        let listed = on_bytes(&file, &["net", command, "f"]);
        assert_eq!(listed.status, 0, "{listed:?}");
        listed.lines()[1].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("endpoints"), "1 a nnnnnnnnnnnn 10.0.0.7/8");
    assert_eq!(line("ports"), "[::]:53 10.0.0.9:53 udp mmmmmmmmmmmm");
    assert_eq!(line("sandboxes"), "s c mmmmmmmmmmmm");
    let drawn = on_bytes(&file, &["net", "diagram", "f"]);
    assert!(
        drawn.text().contains("no record of this network") && drawn.text().contains("no such endpoint"),
        "{}",
        drawn.text()
    );
    assert!(drawn.text().contains("no sandbox"), "{}", drawn.text());
}

#[test]
fn a_bad_record_is_named_and_hides_no_other() {
    let good = network("n", "good").to_string();
    let file = raw_records(&[("network/a", b"{\"id\":"), ("network/n", good.as_bytes()), ("endpoint/n/e", b"{}")]);
    for command in ["ls", "endpoints", "sandboxes", "ports", "addresses", "diagram"] {
        let shown = on_bytes(&file, &["net", command, "f"]);
        assert_eq!(shown.status, 1, "{command}");
        assert!(shown.err.contains("f: record docker/network/v1.0/network/a/ is not JSON: EOF while parsing"), "{}", shown.err);
        assert!(shown.err.contains("endpoint/n/e/: name is missing\n"), "{}", shown.err);
    }
    let listed = on_bytes(&file, &["net", "ls", "f"]);
    assert!(listed.lines()[1].starts_with("n            good"), "{}", listed.text());
}

#[test]
fn a_file_that_is_not_dockers_networks_is_a_no_that_says_so() {
    let volumes = testdata().join("docker/volumes-20.10.24.db");
    let shown = net(&["ls", volumes.to_str().unwrap()]);
    assert_eq!((shown.status, shown.out.len()), (1, 0));
    assert!(shown.err.contains("not Docker's networks: it has no bucket libnetwork\nhint: "), "{}", shown.err);
}

#[test]
fn what_a_terminal_would_act_on_does_not_reach_it() {
    let name = "a\u{1b}[2J\nb<&\"";
    let mut endpoint = endpoint("e", name, "10.0.0.7/8");
    endpoint["ep_iface"]["mac"] = json!("\u{7}");
    let file = records(&[("network/n", network("n", name)), ("endpoint/n/e", endpoint)]);
    for command in ["ls", "endpoints", "addresses"] {
        let shown = on_bytes(&file, &["net", command, "f"]);
        assert!(shown.text().contains("a\\x1b[2J\\nb<&\"") && !shown.text().contains(['\u{1b}', '\u{7}']), "{}", shown.text());
    }
    for language in ["svg", "mermaid", "dot"] {
        let drawn = on_bytes(&file, &["net", "diagram", "--as", language, "f"]);
        assert!(drawn.status == 0 && !drawn.text().contains('\u{1b}'), "{language}");
    }
}

#[test]
fn diagrams_show_networks_containers_addresses_and_ports() {
    let drawn = |language: &str| net(&["diagram", "--as", language, &running()]);
    let svg = drawn("svg");
    assert_eq!((svg.status, svg.err.as_str()), (0, ""));
    for words in
        ["labelled", "10.90.0.0/16", "br-1b128a9d9e30", "bc9046e15d54", "172.19.0.2", "8080 → 80/tcp", "on uplink0 (bridge)"]
    {
        assert!(svg.text().contains(words), "{words}");
    }
    assert!(!svg.text().contains(">none<") && !svg.text().contains(">host<"), "nobody is in them");
    let mermaid = drawn("mermaid");
    assert!(mermaid.text().starts_with("flowchart LR\n"));
    assert!(
        mermaid.text().contains("[\"labelled<br/>bridge<br/>10.90.0.0/16 (10.90.5.0/24) via 10.90.0.1<br/>br-1b128a9d9e30\"]")
    );
    assert!(mermaid.text().contains(" ---|\"172.19.0.2\"| c"));
    let dot = drawn("dot");
    assert!(dot.text().contains("label=\"two\\nbc9046e15d54\"") && dot.text().ends_with("}\n"));
}

#[test]
fn the_picture_is_well_formed_whatever_is_in_it() {
    let name = "a<b>&\"'\u{0}\u{ffff}]]>";
    let odd = records(&[("network/n", network("n", name)), ("endpoint/n/e", endpoint("e", name, "10.0.0.7/8"))]);
    let empty = with_bucket("libnetwork", &[]);
    for bytes in [odd, empty, std::fs::read(running()).unwrap()] {
        let svg = on_bytes(&bytes, &["net", "diagram", "f"]);
        let mut open = Vec::new();
        for piece in svg.text().split('<').skip(1) {
            let (tag, text) = piece.split_once('>').expect("a tag ends");
            assert!(!text.contains('>') && !tag.contains('<'), "{piece}");
            assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{ffff}'), "{piece:?}");
            assert!(
                text.split('&')
                    .skip(1)
                    .all(|entity| ["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|known| entity.starts_with(known)))
            );
            match (tag.strip_prefix('/'), tag.ends_with('/')) {
                (Some(name), _) => assert_eq!(open.pop().as_deref(), Some(name)),
                (None, true) => {}
                (None, false) => open.push(tag.split(' ').next().unwrap().to_owned()),
            }
        }
        assert_eq!(open, Vec::<String>::new());
    }
}

#[test]
fn a_directory_and_an_older_state_are_read_as_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("network/files");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(running(), folder.join("local-kv.db")).unwrap();
    let listed = net(&["ls", dir.path().to_str().unwrap()]);
    assert!(listed.status == 0 && listed.err.starts_with("unbolt: reading "), "{}", listed.err);
    assert_eq!(listed.text(), net(&["ls", &running()]).text());
    assert_eq!(net(&["ls", "--txid", "99999", &running()]).status, 1);
}
