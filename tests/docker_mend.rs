//! A real dockerd, and what is said to keep it or its containers from starting: planted into its file, found, mended,
//! and the daemon starts; the file lost, made again, and the containers start with their addresses.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod dockerd;
mod go;

use std::path::Path;
use std::process::Command;

use dockerd::inspect::{Gateways, same_networks};
use dockerd::{Host, database, root};
use serde_json::{Value, json};
use unbolt::net::json::{Document, Step::Member};
use unbolt::net::{Draft, Inventory};
use unbolt::store::{BoltStore, DOCKER_BUCKET, Store, StoreError};
use unbolt::{Db, Verify};

const ROOT: &str = "docker/network/v1.0/";
const CONTAINERS: &str = "c1 c2 c3";
const OTHER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The networks of the containers and the addresses in them, as docker has it.
fn places(host: &mut Host) -> Vec<(String, String, String)> {
    let format = "{{.Name}} {{range $n, $e := .NetworkSettings.Networks}}{{$n}}={{$e.IPAddress}}{{end}}";
    let said = host.run(&format!("docker inspect -f '{format}' {CONTAINERS}"));
    let place = |line: &str| {
        let (name, place) = line.split_once(' ').unwrap();
        let (network, address) = place.split_once('=').unwrap();
        (name.to_owned(), network.to_owned(), address.to_owned())
    };
    said.lines().map(place).collect()
}

fn unbolt(arguments: &[&str], files: &[&Path]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbolt"));
    let output = command.arg("net").args(arguments).args(files).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// The codes of what the doctor finds, and how bad that is.
fn found(file: &Path, root: &Path) -> Vec<(String, String)> {
    let (status, out, err) = unbolt(&["doctor", "--target", "20.10", "--format", "json", "--docker-root"], &[root, file]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap();
    let codes: Vec<_> = findings.iter().map(|finding| (text(finding, "code"), text(finding, "severity"))).collect();
    assert_eq!(status, i32::from(!codes.is_empty()));
    codes
}

/// A file that is not in use, with the ids of what is in it.
struct Bed<'b> {
    file: &'b Path,
    /// The records as they were while the containers ran.
    running: &'b Inventory,
    fixed: String,
    one: String,
    spare: String,
    lan: String,
    docker0: String,
}

impl Bed<'_> {
    fn edit(&self, change: impl FnOnce(&mut unbolt::store::StoreTx<'_>) -> Result<(), StoreError>) {
        let store = BoltStore::open(self.file, DOCKER_BUCKET).unwrap();
        store.update(change).unwrap();
        Box::new(store).close().unwrap();
    }

    fn put(&self, key: &str, value: &str) {
        self.edit(|store| store.put(&format!("{ROOT}{key}"), value.as_bytes()));
    }

    fn delete(&self, key: &str) {
        self.edit(|store| store.delete(&format!("{ROOT}{key}")));
    }

    fn text(&self, key: &str) -> String {
        let store = BoltStore::open(self.file, DOCKER_BUCKET).unwrap();
        String::from_utf8(store.get(&format!("{ROOT}{key}")).unwrap().unwrap_or_else(|| panic!("no {key}")).value).unwrap()
    }

    fn alter(&self, key: &str, change: impl FnOnce(&mut Document)) {
        let mut document = Document::parse(self.text(key).as_bytes()).unwrap();
        change(&mut document);
        self.put(key, document.as_str());
    }

    /// Something that no store writes.
    fn raw(&self, change: impl FnOnce(&mut unbolt::BucketMut<'_>) -> unbolt::Result<()>) {
        let db = Db::options().verify(Verify::Tree).open(self.file).unwrap();
        let mut tx = db.begin_write().unwrap();
        change(&mut tx.bucket_mut(DOCKER_BUCKET).unwrap()).unwrap();
        tx.commit().unwrap();
        db.close().unwrap();
    }

    /// The endpoint of a network, as it was while its container ran.
    fn endpoint(&self, network: &str) -> (&unbolt::net::Record<unbolt::net::Endpoint>, &str) {
        let endpoint = self.running.endpoints_of(network).next().unwrap();
        (endpoint, endpoint.key().endpoint().unwrap())
    }

    fn put_running(&self, what: &[&str], network: &str) {
        let (endpoint, id) = self.endpoint(network);
        for what in what {
            match *what {
                "endpoint" => self.put(&format!("endpoint/{network}/{id}/"), endpoint.document().as_str()),
                "sandbox" => {
                    let sandbox = self.running.sandbox(&endpoint.sandbox).unwrap();
                    self.put(&format!("sandbox/{}/", endpoint.sandbox), sandbox.document().as_str());
                }
                "driver" => {
                    let driver = self.running.bridge_endpoint_of(id).unwrap();
                    self.put(&format!("bridge-endpoint/{id}/"), driver.document().as_str());
                }
                _ => self.put(&format!("endpoint_count/{network}/"), r#"{"Count":1}"#),
            }
        }
    }
}

/// A rule, and how what it finds is planted.
type Row = (&'static str, fn(&Bed<'_>));

/// What keeps 20.10 or its containers from starting.
const ROWS: [Row; 20] = [
    ("invalid-json", |bed| bed.put(&format!("network/{}/", bed.spare), "{\"name\":")),
    ("missing-field", |bed| {
        bed.alter(&format!("network/{}/", bed.spare), |network| assert!(network.remove(&[Member("name")]).unwrap()))
    }),
    ("short-value", |bed| bed.raw(|bucket| bucket.put(format!("{ROOT}network/{OTHER}/"), b"abc"))),
    ("nested-bucket", |bed| bed.raw(|bucket| bucket.create_bucket(format!("{ROOT}network/{OTHER}/")).map(drop))),
    ("nil-address", |bed| {
        bed.put_running(&["endpoint", "sandbox", "driver", "count"], &bed.fixed);
        let key = format!("bridge-endpoint/{}/", bed.endpoint(&bed.fixed).1);
        bed.alter(&key, |driver| driver.set(&[Member("Addr")], "<nil>").unwrap());
    }),
    ("orphan-docker0", |bed| {
        let record = bed.text(&format!("bridge/{}/", bed.docker0));
        bed.put(&format!("bridge/{OTHER}/"), &record.replace(&bed.docker0, OTHER));
    }),
    ("orphan-bridge", |bed| {
        let record = bed.text(&format!("bridge/{}/", bed.spare));
        let record = record.replace(&bed.spare, OTHER).replace(&bed.spare[..12], &OTHER[..12]);
        bed.put(&format!("bridge/{OTHER}/"), &record);
    }),
    ("orphan-vlan", |bed| {
        let record = bed.text(&format!("macvlan/network/{}/", bed.lan));
        bed.put(&format!("macvlan/network/{OTHER}/"), &record.replace(&bed.lan, OTHER).replace("uplink0", "uplink1"));
    }),
    ("missing-driver-record", |bed| bed.delete(&format!("bridge/{}/", bed.fixed))),
    ("missing-driver-record", |bed| bed.delete(&format!("macvlan/network/{}/", bed.lan))),
    ("orphan-driver-endpoint", |bed| bed.put_running(&["driver"], &bed.one)),
    ("stale-endpoint", |bed| {
        bed.put_running(&["endpoint", "driver", "count"], &bed.one);
        let key = format!("endpoint/{}/{}/", bed.one, bed.endpoint(&bed.one).1);
        bed.alter(&key, |endpoint| endpoint.set(&[Member("sandbox")], "").unwrap());
    }),
    ("wrong-count", |bed| bed.put(&format!("endpoint_count/{}/", bed.spare), r#"{"Count":18446744073709551593}"#)),
    ("missing-count", |bed| bed.delete(&format!("endpoint_count/{}/", bed.spare))),
    ("duplicate-name", |bed| {
        bed.alter(&format!("network/{}/", bed.spare), |network| network.set(&[Member("name")], "one").unwrap())
    }),
    ("object-dns", |bed| {
        bed.put_running(&["endpoint", "sandbox", "driver", "count"], &bed.one);
        let key = format!("sandbox/{}/", bed.endpoint(&bed.one).0.sandbox);
        let servers = json!([{ "IPStr": "10.255.255.53", "HostLoopback": true }]);
        bed.alter(&key, |sandbox| sandbox.set(&[Member("ExtDNS")], servers).unwrap());
    }),
    ("endpoint-without-address", |bed| {
        bed.put_running(&["endpoint", "sandbox", "driver", "count"], &bed.one);
        let key = format!("bridge-endpoint/{}/", bed.endpoint(&bed.one).1);
        bed.alter(&key, |driver| assert!(driver.remove(&[Member("Addr")]).unwrap()));
    }),
    // As 28 makes it.
    ("ipv6-only-network", |bed| {
        let later = inventory(Path::new("testdata/docker/live-28.5.2.db"));
        let network = later.networks.iter().find(|network| network.enable_ipv4 == Some(false)).unwrap();
        bed.put(&format!("network/{}/", network.id), network.document().as_str());
        bed.put(&format!("bridge/{}/", network.id), later.bridge_of(&network.id).unwrap().document().as_str());
        bed.put(&format!("endpoint_count/{}/", network.id), r#"{"Count":0}"#);
    }),
    ("leftover-ipam", |bed| {
        let sequence = "AAAAAAABAAAAAAAAAAD/+vgAAAAAAAAAAAAAAQAAAAAAAAAAAAAH/gAAAAEAAAAAAAAAAQ==";
        let record = json!({ "id": "LocalDefault/172.17.0.0/16", "sequence": sequence });
        bed.put("ipam/default/data/LocalDefault/172.17.0.0/16/", &record.to_string());
    }),
    ("leftover-vlan", |bed| {
        let record = bed.text(&format!("macvlan/network/{}/", bed.lan));
        bed.put(&format!("macvlan/{OTHER}/"), &record.replace(&bed.lan, OTHER));
    }),
];

#[test]
fn what_keeps_a_daemon_from_starting_is_found_and_mended_and_a_lost_file_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut host) = Host::started(folder.path()) else { return };
    let (file, root) = (database(folder.path()), root(folder.path()));
    host.run("image");
    for network in ["--subnet 10.90.0.0/16 fixed", "one", "-d macvlan --subnet 10.92.0.0/24 -o parent=uplink0 lan", "spare"] {
        host.run(&format!("docker network create {network}"));
    }
    for (name, network) in [("c1", "fixed --ip 10.90.5.7"), ("c2", "one -p 8080:80"), ("c3", "lan")] {
        host.run(&format!("box --name {name} --network {network}"));
    }
    let places = places(&mut host);
    assert_eq!(places[0], ("/c1".into(), "fixed".into(), "10.90.5.7".into()));
    let running = inventory(&file);
    host.run(&format!("docker stop -t 0 {CONTAINERS}"));
    host.stop();
    assert_eq!(found(&file, &root), []);

    let mut bench = Bench { host, folder: folder.path(), places };
    rows(&mut bench, &running);
    lost(&mut bench);
}

/// The host on which things are tried, with what its containers had at first.
struct Bench<'b> {
    host: Host,
    folder: &'b Path,
    places: Vec<(String, String, String)>,
}

impl Bench<'_> {
    /// The daemon starts, and so do the old containers, with the addresses that they had; what docker shows of the
    /// networks is what the file says.
    fn works(&mut self) {
        self.host.start();
        self.host.run(&format!("up {CONTAINERS}"));
        assert_eq!(places(&mut self.host), self.places);
        same_networks(&mut self.host, self.folder, Gateways::Said);
    }

    fn stops(&mut self) {
        self.host.run(&format!("docker stop -t 0 {CONTAINERS}"));
        self.host.stop();
    }
}

fn inventory(file: &Path) -> Inventory {
    let snapshot = unbolt::Snapshot::open(file).unwrap();
    let bucket = snapshot.root().unwrap().descend(&[DOCKER_BUCKET]).unwrap();
    Draft::read(unbolt::store::records(&bucket, b"")).unwrap().inventory()
}

/// Plants, finds and mends one thing after the other, each in the file as the daemon left it.
fn rows(bench: &mut Bench<'_>, running: &Inventory) {
    let (file, root) = (database(bench.folder), root(bench.folder));
    let sound = std::fs::read(&file).unwrap();
    let stopped = inventory(&file);
    let id = |name: &str| stopped.find_network(name).unwrap().id.clone();
    for (code, plant) in ROWS {
        std::fs::write(&file, &sound).unwrap();
        let (fixed, one, spare, lan, docker0) = (id("fixed"), id("one"), id("spare"), id("lan"), id("bridge"));
        plant(&Bed { file: &file, running, fixed, one, spare, lan, docker0 });
        let [(found_code, severity)] = &found(&file, &root)[..] else { panic!("{code}: not one finding") };
        assert_eq!(found_code, code);
        let planted = std::fs::read(&file).unwrap();
        if severity == "fatal" {
            bench.host.run("! start && cut_power");
            std::fs::write(&file, &planted).unwrap();
        }
        let (status, out, err) = unbolt(&["fix", "--target", "20.10", "--rule", code, "--apply"], &[&file]);
        assert!(status == 0 && !out.is_empty(), "{code}: {out}{err}");
        assert_eq!(found(&file, &root), [], "{code}");
        let backup = err.lines().find_map(|line| line.split("as it was before is ").nth(1)).expect("a backup");
        assert!(std::fs::read(backup).unwrap() == planted, "{code}: {backup}");
        std::fs::remove_file(backup).unwrap();
        bench.works();
        let names = bench.host.run("docker network ls --format '{{.Name}}'");
        for network in ["bridge", "fixed", "host", "lan", "none", "one"] {
            assert_eq!(names.lines().filter(|name| *name == network).count(), 1, "{code}: {names}");
        }
        bench.stops();
    }
    std::fs::write(&file, &sound).unwrap();
}

/// Loses the file twice: after a clean stop, when the containers do not know their addresses, and after a power cut.
fn lost(bench: &mut Bench<'_>) {
    let (file, root) = (database(bench.folder), root(bench.folder));
    let lan = ["--driver", "lan=macvlan", "--parent", "lan=uplink0"];
    std::fs::remove_file(&file).unwrap();
    let (status, _, err) = unbolt(&[&["rebuild"], &lan[..], &["-o"]].concat(), &[&file, &root]);
    assert!(status == 6 && err.contains("c1 was given 10.90.5.7 by hand") && !file.exists(), "{err}");
    let one = bench.places[1].2.rsplit_once('.').unwrap().0.rsplit_once('.').unwrap().0;
    let one = format!("one={one}.0.0/16");
    let told = ["--subnet", "fixed=10.90.0.0/16", "--subnet", &one, "--subnet", "lan=10.92.0.0/24"];
    let (status, _, err) = unbolt(&[&["rebuild"], &lan[..], &told[..], &["-o"]].concat(), &[&file, &root]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(found(&file, &root), []);
    bench.works();

    bench.host.run("cut_power");
    std::fs::remove_file(&file).unwrap();
    let (status, _, err) = unbolt(&[&["rebuild"], &lan[..], &["-o"]].concat(), &[&file, &root]);
    assert_eq!(status, 0, "{err}");
    bench.works();
    bench.stops();
}
