//! Promise: every record that Docker wrote is read, and written again byte for byte; a change of one field changes that
//! field; no bytes make reading anything but a record or a list of what is wrong.

#![cfg(feature = "net")]

use std::path::PathBuf;

use quickcheck::{Arbitrary, Gen, TestResult, quickcheck};
use serde_json::{Value, json};
use unbolt::Snapshot;
use unbolt::net::json::Step::{Embedded, Item, Member};
use unbolt::net::json::{Document, DocumentError, EditError, Json, Kind};
use unbolt::net::{
    Bridge, BridgeEndpoint, ChangeError, Count, Endpoint, FindError, Inventory, Key, Network, ProblemKind, Record, Sandbox,
    Version,
};
use unbolt::store::{BoltStore, DOCKER_BUCKET, KvPair, StoreError, records};

/// Docker's files, and how many records each has.
const FILES: [(&str, usize); 7] = [
    ("broken-orphan-docker0.db", 13),
    ("ipam-only-1.11.0.db", 4),
    ("live-20.10.24.db", 23),
    ("live-25.0.13.db", 42),
    ("live-28.5.2.db", 39),
    ("networks-running-20.10.24.db", 43),
    ("networks-stopped-20.10.24.db", 35),
];

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata/docker", name].iter().collect()
}

fn pairs(name: &str) -> Vec<KvPair> {
    let snapshot = Snapshot::open(path(name)).unwrap();
    let bucket = snapshot.root().unwrap().bucket(DOCKER_BUCKET.as_bytes()).unwrap().unwrap();
    records(&bucket, b"").collect::<Result<_, _>>().unwrap()
}

fn inventory(name: &str) -> Inventory {
    Inventory::read(pairs(name).into_iter().map(Ok)).unwrap()
}

/// Keys and bytes of all records of an inventory, sorted as in the file.
fn written(inventory: &Inventory) -> Vec<(String, Vec<u8>)> {
    fn of<T>(records: &[Record<T>]) -> impl Iterator<Item = (String, Vec<u8>)> {
        records.iter().map(|record| (record.key().to_string(), record.bytes().to_vec()))
    }
    let raw = |pairs: &[KvPair]| pairs.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect::<Vec<_>>();
    let mut all: Vec<_> = of(&inventory.networks)
        .chain(of(&inventory.endpoints))
        .chain(of(&inventory.counts))
        .chain(of(&inventory.sandboxes))
        .chain(of(&inventory.bridges))
        .chain(of(&inventory.bridge_endpoints))
        .chain(of(&inventory.vlans))
        .chain(of(&inventory.vlan_endpoints))
        .chain(of(&inventory.overlay_endpoints))
        .chain(of(&inventory.overlay_networks))
        .chain(of(&inventory.windows_networks))
        .chain(of(&inventory.windows_endpoints))
        .chain(of(&inventory.ipam_configs))
        .chain(of(&inventory.ipam_data))
        .chain(raw(&inventory.empty))
        .chain(raw(&inventory.unknown))
        .collect();
    all.sort();
    all
}

#[test]
fn every_record_of_every_docker_file_is_read_and_written_again_byte_for_byte() {
    for (name, count) in FILES {
        let (pairs, inventory) = (pairs(name), inventory(name));
        assert_eq!(inventory.problems().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new(), "{name}");
        assert_eq!(inventory.unknown, [], "{name}");
        let stored: Vec<_> = pairs.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect();
        assert_eq!(stored.len(), count, "{name}");
        assert_eq!(written(&inventory), stored, "{name}");
    }
}

#[test]
fn every_string_and_number_of_every_record_can_be_set_to_itself_without_a_trace() {
    let mut places = 0;
    for (name, _) in FILES {
        for pair in pairs(name).iter().filter(|pair| !pair.value.is_empty()) {
            let document = Document::parse(&pair.value).unwrap();
            visit(document.root(), &mut Vec::new(), &mut |path, value| {
                places += 1;
                let mut copy = document.clone();
                copy.set(path, value).unwrap();
                assert_eq!(copy, document, "{}: {path:?}", pair.key);
            });
        }
    }
    assert!(places > 3000, "{places}");
}

/// Goes through all places of a document, those in documents in its strings too.
fn visit<'t>(json: Json<'t>, path: &mut Vec<Step>, each: &mut dyn FnMut(&[unbolt::net::json::Step<'_>], Value)) {
    let borrowed: Vec<_> = path.iter().map(Step::borrow).collect();
    each(&borrowed, serde_json::from_str(json.text()).unwrap());
    let mut go = |step: Step, json: Json<'_>| {
        path.push(step);
        visit(json, path, each);
        path.pop();
    };
    for (name, value) in json.object().unwrap_or_default().iter() {
        go(Step::Member(name.to_owned()), value);
    }
    for (i, item) in json.items().unwrap_or_default().into_iter().enumerate() {
        go(Step::Item(i), item);
    }
    let text = json.as_str().unwrap_or_default();
    if let Ok(inner) = Document::parse(text.as_bytes())
        && matches!(inner.root().kind(), Kind::Array | Kind::Object)
    {
        go(Step::Embedded, inner.root());
    }
}

enum Step {
    Member(String),
    Item(usize),
    Embedded,
}

impl Step {
    fn borrow(&self) -> unbolt::net::json::Step<'_> {
        match self {
            Step::Member(name) => Member(name),
            Step::Item(i) => Item(*i),
            Step::Embedded => Embedded,
        }
    }
}

#[test]
fn typed_views_say_what_the_records_say() {
    let inventory = inventory("networks-running-20.10.24.db");
    let network = inventory.find_network("labelled").unwrap();
    assert_eq!((network.driver.as_str(), network.scope.as_str()), ("bridge", "local"));
    assert_eq!(network.labels, [("note".into(), "two words".into()), ("team".into(), "storage".into())]);
    assert_eq!(network.subnets().map(|subnet| subnet.to_string()).collect::<Vec<_>>(), ["10.90.0.0/16"]);
    let pool = &network.pools_v4[0];
    assert_eq!(pool.range().unwrap().to_string(), "10.90.5.0/24");
    assert_eq!(pool.gateway.unwrap().to_string(), "10.90.0.1/16");
    assert_eq!((pool.auxiliary[0].0.as_str(), pool.auxiliary[0].1.to_string().as_str()), ("printer", "10.90.0.9/16"));
    assert_eq!(network.requested_v4[0].range, "10.90.5.0/24");
    assert_eq!(inventory.bridge_of(&network.id).unwrap().bridge_name, "br-1b128a9d9e30");
    assert_eq!(inventory.count_of(&network.id).unwrap().count, 1);

    let endpoint = inventory.endpoints_of(&network.id).next().unwrap();
    assert_eq!((endpoint.name.as_str(), endpoint.mac()), ("one", Some("02:42:0a:5a:05:07")));
    assert_eq!(endpoint.addresses().map(|address| address.to_string()).collect::<Vec<_>>(), ["10.90.5.7/16"]);
    assert_eq!(endpoint.names, ["5c3e0a5e75d1"]);
    assert_eq!(inventory.container_of(endpoint).unwrap().len(), 64);
    let sandbox = inventory.sandbox(&endpoint.sandbox).unwrap();
    assert_eq!((sandbox.endpoints[0].endpoint.as_str(), sandbox.dns[0].as_str()), (endpoint.id.as_str(), "10.255.255.53"));

    let two = inventory.find_network("plain").unwrap();
    let endpoint = inventory.endpoints_of(&two.id).next().unwrap();
    let ports = &inventory.bridge_endpoint_of(&endpoint.id).unwrap().ports;
    assert_eq!((ports[0].host_port, ports[0].port, ports[0].protocol.to_string().as_str()), (8080, 80, "tcp"));
    let lan = inventory.find_network("lan").unwrap();
    assert_eq!(inventory.vlan_of(&lan.id).unwrap().parent, "uplink0");
    assert_eq!(inventory.empty.len(), 1);
}

#[test]
fn the_address_management_of_1_11_is_read() {
    let inventory = inventory("ipam-only-1.11.0.db");
    let pools = &inventory.ipam_configs[0].pools;
    let range = pools.iter().find_map(|pool| pool.range.as_ref()).unwrap();
    assert_eq!((pools.len(), range.start, range.end), (4, 128, 255));
    let sets: Vec<_> = inventory.ipam_data.iter().map(|data| data.bitmap.as_ref().unwrap().set()).collect();
    assert_eq!(sets, [4, 6, 2]);
}

#[test]
fn networks_are_found_by_id_name_and_prefix_and_what_is_ambiguous_is_said() {
    let mut inventory = inventory("networks-stopped-20.10.24.db");
    let id = inventory.find_network("six").unwrap().id.clone();
    assert_eq!(inventory.find_network(&id).unwrap().name, "six");
    assert_eq!(inventory.find_network(&id[..12]).unwrap().name, "six");
    assert!(matches!(inventory.find_network("nope"), Err(FindError::NotFound { .. })));
    assert!(matches!(inventory.find_network(""), Err(FindError::NotFound { .. })));
    let mut twin = inventory.find_network("six").unwrap().clone();
    twin.set(&[Member("id")], format!("{}0000", &id[..60])).unwrap();
    inventory.networks.push(twin);
    assert_eq!(inventory.find_network("six").unwrap_err().to_string(), "network six is ambiguous (2 matches found on name)");
    let prefix = &id[..9];
    let words = format!("network {prefix} is ambiguous (2 matches found on ID prefix)");
    assert_eq!(inventory.find_network(prefix).unwrap_err().to_string(), words);
    assert_eq!(inventory.find_network(&id).unwrap().id, id);
}

#[test]
fn the_version_that_wrote_a_file_is_told_by_its_fields() {
    for (name, version, span) in [
        ("live-20.10.24.db", "20.10.24", "20.10 or later, before 23.0"),
        ("networks-running-20.10.24.db", "20.10.24", "20.10 or later, before 23.0"),
        ("networks-stopped-20.10.24.db", "20.10.24", "20.10 or later, before 25.0"),
        ("live-25.0.13.db", "25.0.13", "25.0 or later, before 27.0"),
        ("live-28.5.2.db", "28.5.2", "28.2 or later, before 29.0"),
        ("ipam-only-1.11.0.db", "1.11.0", "1.9 or later, before 1.12"),
    ] {
        let written_by = inventory(name).written_by();
        assert_eq!(written_by.to_string(), span, "{name}");
        let version: Version = version.parse().unwrap();
        assert!(written_by.from.unwrap() <= version && version < written_by.before.unwrap(), "{name}");
    }
}

fn network_key() -> Key {
    Key::Network("n".into())
}

const SMALLEST: &str = r#"{"enableIPv6":false,"id":"n","name":"a","networkType":"bridge"}"#;

fn network(text: &str) -> Record<Network> {
    Record::parse(network_key(), 1, text.as_bytes()).unwrap()
}

#[test]
fn a_change_of_one_field_changes_that_field() {
    let mut network = network(
        r#"{ "new":1.0e+2, "enableIPv6":false,"generic":{"com.docker.network.generic":{"parent":"eth0","x":"\u003c\/"}},
        "id":"n","name":"\u0061","networkType":"bridge","ipamV4Info":"[{\"PoolID\":\"p\",\"IPAMData\":\"{\\\"AddressSpace\\\":\\\"L\\\",\\\"Gateway\\\":\\\"10.0.0.1/8\\\"}\"}]"}"#,
    );
    network.set(&[Member("generic"), Member("com.docker.network.generic"), Member("parent")], "a<b").unwrap();
    network.set(&[Member("name")], "é\u{2028}").unwrap();
    network.set(&[Member("labels")], json!({ "k": "v" })).unwrap();
    network
        .set(&[Member("ipamV4Info"), Embedded, Item(0), Member("IPAMData"), Embedded, Member("Pool")], "10.0.0.0/8")
        .unwrap();
    let expected = r#"{ "new":1.0e+2, "enableIPv6":false,"generic":{"com.docker.network.generic":{"parent":"a\u003cb","x":"\u003c\/"}},
        "id":"n","name":"é\u2028","networkType":"bridge","ipamV4Info":"[{\"PoolID\":\"p\",\"IPAMData\":\"{\\\"AddressSpace\\\":\\\"L\\\",\\\"Gateway\\\":\\\"10.0.0.1/8\\\",\\\"Pool\\\":\\\"10.0.0.0/8\\\"}\"}]","labels":{"k":"v"}}"#;
    assert_eq!(network.document().as_str(), expected);
    assert_eq!((network.name.as_str(), network.option("parent")), ("é\u{2028}", Some("a<b")));
    assert_eq!(network.pools_v4[0].subnet.unwrap().to_string(), "10.0.0.0/8");
}

#[test]
fn a_new_member_goes_where_gos_map_would_have_it_and_in_a_struct_to_the_end() {
    let mut sorted = network(SMALLEST);
    sorted.set(&[Member("internal")], true).unwrap();
    assert_eq!(
        sorted.document().as_str(),
        r#"{"enableIPv6":false,"id":"n","internal":true,"name":"a","networkType":"bridge"}"#
    );
    sorted.set(&[Member("attachable")], true).unwrap();
    sorted.set(&[Member("scope")], "local").unwrap();
    let keys: Vec<_> = sorted.document().root().object().unwrap().iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(keys, ["attachable", "enableIPv6", "id", "internal", "name", "networkType", "scope"]);
    let mut declared: Record<Sandbox> = Record::parse(Key::Sandbox("s".into()), 1, br#"{"ID":"s","Cid":"c"}"#).unwrap();
    declared.set(&[Member("Eps")], json!([])).unwrap();
    assert_eq!(declared.document().as_str(), r#"{"ID":"s","Cid":"c","Eps":[]}"#);
    let mut empty = Document::parse(b"{ }").unwrap();
    empty.set(&[Member("a")], 1).unwrap();
    assert_eq!(empty.root().get("a").unwrap().as_u64(), Some(1));
}

#[test]
fn a_member_or_item_is_removed_with_its_comma() {
    for (text, path, rest) in [
        (r#"{"a":1,"b":2,"c":3}"#, vec![Member("a")], r#"{"b":2,"c":3}"#),
        (r#"{"a":1,"b":2,"c":3}"#, vec![Member("b")], r#"{"a":1,"c":3}"#),
        (r#"{"a":1,"b":2,"c":3}"#, vec![Member("c")], r#"{"a":1,"b":2}"#),
        (r#"{"a":1}"#, vec![Member("a")], "{}"),
        (r#"{"a":[1, 2]}"#, vec![Member("a"), Item(0)], r#"{"a":[2]}"#),
        (r#"{"a":[1, 2]}"#, vec![Member("a"), Item(1)], r#"{"a":[1]}"#),
        (r#"["{\"a\":1}"]"#, vec![Item(0), Embedded, Member("a")], r#"["{}"]"#),
    ] {
        let mut document = Document::parse(text.as_bytes()).unwrap();
        assert!(document.remove(&path).unwrap());
        assert_eq!(document.as_str(), rest, "{text}");
        assert!(!document.remove(&[Member("z")]).unwrap_or_default());
        assert_eq!(document.as_str(), rest);
    }
}

#[test]
fn a_change_that_dockerd_could_not_read_is_refused_and_nothing_is_changed() {
    let mut network = network(SMALLEST);
    let refused = network.set(&[Member("name")], 7).unwrap_err();
    assert_eq!(refused.to_string(), "record docker/network/v1.0/network/n/: name should be a string, is a number: 7");
    assert!(matches!(network.remove(&[Member("id")]), Err(ChangeError::Breaks(_))));
    let no_such = network.set(&[Member("generic"), Member("x")], 1).unwrap_err();
    assert_eq!(no_such, ChangeError::Edit(EditError::NoMember { name: "generic".into() }));
    assert!(matches!(network.set(&[Member("name"), Item(0)], 1), Err(ChangeError::Edit(EditError::Kind { .. }))));
    assert!(matches!(network.set(&[Member("name"), Embedded, Item(0)], 1), Err(ChangeError::Edit(EditError::Embedded(_)))));
    assert_eq!(network.document().as_str(), SMALLEST);
}

#[test]
fn names_that_come_twice_count_as_in_go_the_last_time() {
    let mut document = Document::parse(br#"{"a":1,"a":2}"#).unwrap();
    assert_eq!(document.root().get("a").unwrap().as_u64(), Some(2));
    document.set(&[Member("a")], 3).unwrap();
    assert_eq!(document.as_str(), r#"{"a":1,"a":3}"#);
}

#[test]
fn one_bad_record_hides_no_other_and_is_named_with_what_is_wrong() {
    let key = |rest: &str| format!("docker/network/v1.0/{rest}/");
    let pair = |rest: &str, value: &[u8]| Ok(KvPair { key: key(rest), value: value.into(), last_index: 1 });
    let inventory = Inventory::read([
        pair("network/n", SMALLEST.as_bytes()),
        pair("network/a", b"{"),
        pair("network/b", br#"{"id":"b","name":null,"networkType":"bridge","enableIPv6":"no"}"#),
        pair("network/c", b"[]"),
        pair("network/d", b"{\"id\":\"\xff\"}"),
        Err(StoreError::ShortValue { key: key("network/e").into(), len: 3 }),
        Err(StoreError::NestedBucket { key: key("sandbox/f").into() }),
        pair("endpoint_count/g", br#"{"Count":-1}"#),
        pair("bridge-endpoint/h", br#"{"Addr":"\u003cnil\u003e","id":"h","nid":"n","SrcName":"v"}"#),
        pair("mine", b"anything"),
        pair("endpoint_count", b""),
    ])
    .unwrap();
    let problems: Vec<_> = inventory.problems().map(ToString::to_string).collect();
    let expected = [
        "network/a/ is not JSON: EOF while parsing an object at line 1 column 1",
        "network/b/: name should be a string, is null: null",
        "network/b/: enableIPv6 should be a bool, is a string: \\\"no\\\"",
        "network/c/ should be an object, is an array: []",
        "network/d/ is not UTF-8 from byte 7 on",
        "network/e/ has 3 bytes, too few for its index",
        "sandbox/f/ is a bucket, not a record",
        "endpoint_count/g/: Count should be a whole number, is a number: -1",
        "bridge-endpoint/h/: Addr should be an address such as 10.77.0.1/24, is <nil>",
    ]
    .map(|words| format!("record docker/network/v1.0/{words}"));
    assert_eq!(problems, expected);
    assert_eq!((inventory.networks.len(), inventory.bad.len()), (1, 6));
    assert_eq!((inventory.counts.len(), inventory.bridge_endpoints.len()), (1, 1));
    assert_eq!((inventory.unknown.len(), inventory.empty.len()), (1, 1));
    assert_eq!(inventory.bad[0].value, Some((1, b"{".to_vec())));
    assert_eq!(inventory.bad[4].parsed_key, Some(Key::Network("e".into())));
}

#[test]
fn the_database_itself_failing_is_an_error() {
    let failing = [Err(StoreError::Db(unbolt::Error::Empty))];
    assert!(matches!(Inventory::read(failing), Err(StoreError::Db(_))));
}

#[test]
fn records_are_read_and_written_in_a_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("local-kv.db");
    std::fs::copy(path("networks-stopped-20.10.24.db"), &copy).unwrap();
    let store = BoltStore::open(&copy, DOCKER_BUCKET).unwrap();
    let before = store.entries("").unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    store
        .update(|store| {
            let inventory = Inventory::read(store.entries("")?)?;
            for network in &inventory.networks {
                network.put(store)?;
            }
            let moved = inventory.networks[0].clone().with_key(Key::Network("moved".into()));
            moved.put(store)
        })
        .unwrap();
    let after = store.entries("").unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(after.len(), before.len() + 1);
    for pair in before {
        let now = after.iter().find(|now| now.key == pair.key).unwrap();
        assert_eq!(now.value, pair.value);
    }
}

#[test]
fn deep_nesting_and_huge_numbers_are_read_or_refused_in_bounded_memory() {
    let deep = |open: &str, middle: &str, close: &str, n: usize| open.repeat(n) + middle + &close.repeat(n);
    for (text, good) in [
        (format!(r#"{{"id":"n","name":"a","networkType":"b","enableIPv6":true,"x":{}}}"#, deep("[", "", "]", 200_000)), true),
        (
            format!(
                r#"{{"id":"n","name":"a","networkType":"b","enableIPv6":true,"x":{}}}"#,
                deep(r#"{"":"#, "1", "}", 200_000)
            ),
            true,
        ),
        (deep("[", "", "]", 500_000), false),
        (deep("[", "", "", 500_000), false),
        (format!("1{}", "0".repeat(500_000)), false),
        (format!(r#"{{"id":"n","name":"a","networkType":"b","enableIPv6":true,"x":1{}}}"#, "0".repeat(500_000)), true),
        (
            format!(
                r#"{{"id":"n","name":"a","networkType":"b","enableIPv6":true,"ipamV4Info":"{}"}}"#,
                deep("[", "", "]", 200_000)
            ),
            true,
        ),
        (
            format!(
                r#"{{"id":"n","name":"a","networkType":"b","enableIPv6":true,"ipamV4Info":"[{}]"}}"#,
                vec!["0"; 200_000].join(",")
            ),
            true,
        ),
    ] {
        let read = Record::<Network>::parse(network_key(), 0, text.as_bytes());
        assert_eq!(read.is_ok(), good, "{}", &text[..60]);
        let problems = read.map_or_else(|bad| bad.problems.clone(), |record| record.flaws().to_vec());
        assert!(problems.len() <= 100 && problems.iter().all(|problem| problem.to_string().len() < 500));
    }
    let mut mtu: Value = json!({ "ID": "n", "BridgeName": "b", "EnableIPv6": false, "EnableIPMasquerade": false,
        "EnableICC": false, "DefaultBridge": false, "DefaultBindingIP": "<nil>", "DefaultGatewayIPv4": "", "DefaultGatewayIPv6": "" });
    for (number, good) in [("1.5e3", true), ("1500.0", true), ("1e400", false), ("-1", true), ("18446744073709551616", false)] {
        mtu["Mtu"] = Value::Null;
        let text = mtu.to_string().replace("null", number);
        let read = Record::<Bridge>::parse(Key::Bridge("n".into()), 0, text.as_bytes());
        assert_eq!(read.is_ok(), good, "{number}");
    }
    let count = |text: &[u8]| Record::<Count>::parse(Key::EndpointCount("n".into()), 0, text).unwrap();
    assert_eq!(count(br#"{"Count":18446744073709551593}"#).count, 18_446_744_073_709_551_593);
    assert_eq!(count(br#"{"Count":1e3}"#).flaws().len(), 1);
}

#[test]
fn what_is_no_json_is_refused_as_go_refuses_it() {
    for text in [
        "",
        " ",
        "{",
        "{}}",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "01",
        "+1",
        ".5",
        "1.",
        "NaN",
        "tru",
        "\"\\x\"",
        "\"\u{1}\"",
        "{} {}",
        "\u{feff}{}",
        "\"a",
        "/**/1",
    ] {
        assert!(matches!(Document::parse(text.as_bytes()), Err(DocumentError::NotJson { .. })), "{text}");
    }
    assert_eq!(Document::parse(b"\"\xc3\""), Err(DocumentError::NotUtf8 { at: 1 }));
    let half = Document::parse(br#"["\ud800"]"#).unwrap();
    assert_eq!(half.root().items().unwrap()[0].as_str(), None);
    let white = Document::parse(b" \t\r\n{ \"a\" : [ 1 , 2 ] } \n").unwrap();
    assert_eq!(white.root().get("a").unwrap().items().unwrap().len(), 2);
}

/// A record of a docker file with a few bytes changed.
#[derive(Debug, Clone)]
struct Mutated {
    key: String,
    value: Vec<u8>,
}

impl Arbitrary for Mutated {
    fn arbitrary(g: &mut Gen) -> Mutated {
        let (name, _) = g.choose(&FILES).unwrap();
        let all: Vec<KvPair> = pairs(name).into_iter().filter(|pair| !pair.value.is_empty()).collect();
        let pair = g.choose(&all).unwrap().clone();
        let mut value = pair.value;
        for _ in 0..usize::arbitrary(g) % 4 {
            let at = usize::arbitrary(g) % value.len();
            match u8::arbitrary(g) % 4 {
                0 => value[at] = u8::arbitrary(g),
                1 => value[at] = *g.choose(b"\"\\{}[]:,0123456789-eEtfn<\xff").unwrap(),
                2 => _ = value.remove(at),
                _ => value.truncate(at.max(1)),
            }
            if value.is_empty() {
                value.push(b'{');
            }
        }
        Mutated { key: pair.key, value }
    }
}

quickcheck! {
    fn a_mutated_record_is_read_and_written_as_it_is_or_named(mutated: Mutated) -> bool {
        let pair = KvPair { key: mutated.key.clone(), value: mutated.value.clone(), last_index: 3 };
        let inventory = Inventory::read([Ok(pair)]).unwrap();
        inventory.written_by();
        match &inventory.bad[..] {
            [] => written(&inventory) == [(mutated.key, mutated.value)],
            [bad] => bad.key == mutated.key.as_bytes() && bad.value == Some((3, mutated.value)) && bad.problems[0].is_fatal,
            _ => false,
        }
    }

    fn any_bytes_under_any_key_are_read_or_named(family: u8, value: Vec<u8>) -> TestResult {
        if value.is_empty() {
            return TestResult::discard();
        }
        let keys = ["network/n/", "endpoint/n/e/", "endpoint_count/n/", "sandbox/s/", "bridge/n/", "bridge-endpoint/e/",
            "macvlan/network/n/", "ipvlan/endpoint/e/", "overlay/endpoint/e/", "overlay/network/n/", "windowsnat/n/",
            "windows-endpointnat/e/", "ipam/default/config/L/", "ipam/default/data/L/10.0.0.0/8/", "none/of/them/"];
        let key = format!("docker/network/v1.0/{}", keys[usize::from(family) % keys.len()]);
        let inventory = Inventory::read([Ok(KvPair { key, value, last_index: 1 })]).unwrap();
        TestResult::from_bool(inventory.bad.len() + written(&inventory).len() == 1)
    }

    fn what_is_set_is_what_is_read(name: String, text: String) -> bool {
        let mut document = Document::parse(br#"{"a":{},"s":"{}","z":[0]}"#).unwrap();
        document.set(&[Member("a"), Member(&name)], text.as_str()).unwrap();
        document.set(&[Member("s"), Embedded, Member(&name)], text.as_str()).unwrap();
        document.set(&[Member("z"), Item(0)], text.as_str()).unwrap();
        let root = document.root();
        let inner = Document::parse(root.get("s").unwrap().as_str().unwrap().as_bytes()).unwrap();
        let read = |json: Json<'_>| json.as_str().unwrap() == text;
        read(root.get("a").unwrap().get(&name).unwrap())
            && read(inner.root().get(&name).unwrap())
            && read(root.get("z").unwrap().items().unwrap()[0])
            && Document::parse(document.as_str().as_bytes()).unwrap() == document
    }

    fn a_key_that_is_read_is_made_again(text: String) -> bool {
        let text = format!("docker/network/v1.0/{text}/");
        text.parse::<Key>().map_or(true, |key| key.to_string() == text)
    }
}

#[test]
fn wrong_types_in_fields_that_docker_can_do_without_are_flaws_and_the_rest_is_read() {
    let text = r#"{"enableIPv6":false,"id":"n","name":"a","networkType":"bridge","labels":{"x":1},"ipamV4Info":"[{\"PoolID\":3}]","scope":[]}"#;
    let bad = Record::<Network>::parse(network_key(), 0, text.as_bytes()).unwrap_err();
    let fields: Vec<_> = bad.problems.iter().map(|problem| (problem.field.as_str(), problem.is_fatal)).collect();
    assert_eq!(fields, [("ipamV4Info[0].PoolID", true), ("scope", false), ("labels.x", false)]);
    let endpoint = Record::<Endpoint>::parse(
        Key::Endpoint { network: "n".into(), endpoint: "e".into() },
        0,
        br#"{"id":"e","name":"a","ep_iface":{"addr":"10.0.0.1"},"exposed_ports":[{"Proto":6,"Port":70000},1],
            "generic":{"com.docker.network.endpoint.macaddress":"AkIAESIz"},"joinInfo":null}"#,
    )
    .unwrap();
    let flaws: Vec<_> = endpoint.flaws().iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(flaws, ["ep_iface.addr", "exposed_ports[0].Port", "exposed_ports[1]"]);
    assert_eq!(endpoint.requested_mac.as_deref(), Some("02:42:00:11:22:33"));
    let sandbox =
        Record::<Sandbox>::parse(Key::Sandbox("s".into()), 0, br#"{"ID":"s","ExtDNS":[{"IPStr":"1.2.3.4"}]}"#).unwrap();
    assert!(sandbox.has_object_dns && sandbox.dns == ["1.2.3.4"]);
    let missing = Record::<BridgeEndpoint>::parse(Key::BridgeEndpoint("e".into()), 0, b"{}").unwrap_err();
    assert!(missing.problems.len() == 3 && missing.problems.iter().all(|problem| problem.kind == ProblemKind::Missing));
}
