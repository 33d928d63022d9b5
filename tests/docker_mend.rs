//! A real dockerd, and what is said to keep it or its containers from starting: planted into its file, found, mended,
//! and the daemon starts; the file lost, made again, and the containers start with their addresses.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod go;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use go::Beside;
use serde_json::{Value, json};
use unbolt::net::json::{Document, Step::Member};
use unbolt::net::{Draft, Inventory};
use unbolt::store::{BoltStore, DOCKER_BUCKET, Store, StoreError};
use unbolt::{Db, Verify};

const ROOT: &str = "docker/network/v1.0/";
const OTHER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A shell with everything that dockerd writes in namespaces of its own, its data apart in the folder given.
const SHELL: &str = r#"
folder=$1
hostname demo
for place in /run /etc/docker /var/lib/docker /var/lib/containerd; do
    mkdir -p "$place"
    mount -t tmpfs demo "$place"
done
ip link set lo up
ip link add uplink0 type veth peer name uplink1
ip link set uplink0 up
start() {
    dockerd --iptables=false --ip6tables=false --storage-driver=vfs --userland-proxy=false \
        --exec-opt native.cgroupdriver=cgroupfs --data-root "$folder/root" >"$folder/dockerd.log" 2>&1 &
    daemon=$!
    until docker version >/dev/null 2>&1; do
        kill -0 "$daemon" || return 1
        sleep 0.1
    done
}
# The kernel takes the interfaces of a container away some time after it has ended.
up() {
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        docker start "$@" && return 0
        sleep 0.3
    done
    return 1
}
stop() {
    kill -TERM "$daemon"
    wait "$daemon"
    return 0
}
# All processes of this namespace end at once, and with them everything that was not on a disk.
cut_power() {
    kill -KILL -1
    wait "$daemon"
    umount /run/docker/netns/*
    rm -rf /run/docker /run/docker.pid /run/containerd
    return 0
}
while read -r line; do
    eval "$line" 2>&1 </dev/null
    echo "@ $?"
done
"#;

/// A host of its own, with a daemon that is started and stopped.
struct Host {
    folder: tempfile::TempDir,
    shell: Beside,
}

impl Host {
    fn new() -> Host {
        let folder = tempfile::tempdir().unwrap();
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]);
        unshare.args(["sh", "-c", SHELL, "shell"]).arg(folder.path());
        Host { shell: Beside::start(&mut unshare), folder }
    }

    /// Runs a line in the shell and gives back what it prints; it must succeed.
    fn run(&mut self, line: &str) -> String {
        writeln!(self.shell.input(), "{line}").unwrap();
        let mut said = String::new();
        loop {
            let next = self.shell.line().unwrap_or_else(|| panic!("the shell ended at `{line}`: {said}"));
            match next.strip_prefix("@ ") {
                Some("0") => return said,
                Some(status) => panic!("`{line}` ended with {status}: {said}\n{}", self.log()),
                None => said += &(next + "\n"),
            }
        }
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("dockerd.log")).unwrap_or_default();
        log.lines().rev().take(30).collect::<Vec<_>>().join("\n")
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn file(&self) -> PathBuf {
        self.root().join("network/files/local-kv.db")
    }

    /// The networks of the containers and the addresses in them, as docker has it.
    fn places(&mut self) -> Vec<(String, String, String)> {
        let format = "{{.Name}} {{range $n, $e := .NetworkSettings.Networks}}{{$n}}={{$e.IPAddress}}{{end}}";
        let said = self.run(&format!("docker inspect -f '{format}' c1 c2 c3"));
        let place = |line: &str| {
            let (name, place) = line.split_once(' ').unwrap();
            let (network, address) = place.split_once('=').unwrap();
            (name.to_owned(), network.to_owned(), address.to_owned())
        };
        said.lines().map(place).collect()
    }
}

/// What it takes to run the daemon, if it is not there.
fn missing() -> Option<&'static str> {
    let runs = |program: &str, argument: &str| {
        Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    let needed = [("dockerd", "--version"), ("docker", "--version"), ("containerd", "--version"), ("ip", "-V")];
    if let Some((program, _)) = needed.into_iter().find(|(program, argument)| !runs(program, argument)) {
        return Some(program);
    }
    if !Path::new("/bin/busybox").exists() {
        return Some("busybox");
    }
    let mut unshare = Command::new("unshare");
    let may = unshare.args(["--mount", "--net", "--pid", "--fork", "true"]).stderr(Stdio::null()).status();
    (!may.is_ok_and(|status| status.success())).then_some("right to make namespaces")
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

/// A rule, how what it finds is planted, and the container that has to start once it is mended.
type Row = (&'static str, fn(&Bed<'_>), &'static str);

/// What keeps 20.10 or its containers from starting.
const ROWS: [Row; 16] = [
    ("invalid-json", |bed| bed.put(&format!("network/{}/", bed.spare), "{\"name\":"), ""),
    (
        "missing-field",
        |bed| bed.alter(&format!("network/{}/", bed.spare), |network| assert!(network.remove(&[Member("name")]).unwrap())),
        "",
    ),
    ("short-value", |bed| bed.raw(|bucket| bucket.put(format!("{ROOT}network/{OTHER}/"), b"abc")), ""),
    ("nested-bucket", |bed| bed.raw(|bucket| bucket.create_bucket(format!("{ROOT}network/{OTHER}/")).map(drop)), ""),
    (
        "nil-address",
        |bed| {
            bed.put_running(&["endpoint", "sandbox", "driver", "count"], &bed.fixed);
            let key = format!("bridge-endpoint/{}/", bed.endpoint(&bed.fixed).1);
            bed.alter(&key, |driver| driver.set(&[Member("Addr")], "<nil>").unwrap());
        },
        "c1",
    ),
    (
        "orphan-docker0",
        |bed| {
            let record = bed.text(&format!("bridge/{}/", bed.docker0));
            bed.put(&format!("bridge/{OTHER}/"), &record.replace(&bed.docker0, OTHER));
        },
        "",
    ),
    (
        "orphan-bridge",
        |bed| {
            let record = bed.text(&format!("bridge/{}/", bed.spare));
            let record = record.replace(&bed.spare, OTHER).replace(&bed.spare[..12], &OTHER[..12]);
            bed.put(&format!("bridge/{OTHER}/"), &record);
        },
        "",
    ),
    (
        "orphan-vlan",
        |bed| {
            let record = bed.text(&format!("macvlan/network/{}/", bed.lan));
            bed.put(&format!("macvlan/network/{OTHER}/"), &record.replace(&bed.lan, OTHER).replace("uplink0", "uplink1"));
        },
        "",
    ),
    ("missing-driver-record", |bed| bed.delete(&format!("bridge/{}/", bed.fixed)), "c1"),
    ("missing-driver-record", |bed| bed.delete(&format!("macvlan/network/{}/", bed.lan)), "c3"),
    ("orphan-driver-endpoint", |bed| bed.put_running(&["driver"], &bed.one), ""),
    (
        "stale-endpoint",
        |bed| {
            bed.put_running(&["endpoint", "driver", "count"], &bed.one);
            let key = format!("endpoint/{}/{}/", bed.one, bed.endpoint(&bed.one).1);
            bed.alter(&key, |endpoint| endpoint.set(&[Member("sandbox")], "").unwrap());
        },
        "",
    ),
    ("wrong-count", |bed| bed.put(&format!("endpoint_count/{}/", bed.spare), r#"{"Count":18446744073709551593}"#), ""),
    ("missing-count", |bed| bed.delete(&format!("endpoint_count/{}/", bed.spare)), ""),
    (
        "duplicate-name",
        |bed| bed.alter(&format!("network/{}/", bed.spare), |network| network.set(&[Member("name")], "one").unwrap()),
        "c2",
    ),
    (
        "object-dns",
        |bed| {
            bed.put_running(&["endpoint", "sandbox", "driver", "count"], &bed.one);
            let key = format!("sandbox/{}/", bed.endpoint(&bed.one).0.sandbox);
            let servers = json!([{ "IPStr": "10.255.255.53", "HostLoopback": true }]);
            bed.alter(&key, |sandbox| sandbox.set(&[Member("ExtDNS")], servers).unwrap());
        },
        "c2",
    ),
];

#[test]
fn what_keeps_a_daemon_from_starting_is_found_and_mended_and_a_lost_file_is_made_again() {
    if let Some(missing) = missing() {
        return eprintln!("skipped: no {missing}");
    }
    let mut host = Host::new();
    host.run("start");
    host.run("mkdir -p /run/image/bin && cp /bin/busybox /run/image/bin/sh && tar -C /run/image -c . | docker import - demo:1");
    for network in ["--subnet 10.90.0.0/16 fixed", "one", "-d macvlan --subnet 10.92.0.0/24 -o parent=uplink0 lan", "spare"] {
        host.run(&format!("docker network create {network}"));
    }
    for (name, network) in [("c1", "fixed --ip 10.90.5.7"), ("c2", "one -p 8080:80"), ("c3", "lan")] {
        host.run(&format!("docker run -d --name {name} --network {network} demo:1 sh -c 'while :; do sleep 60; done'"));
    }
    let places = host.places();
    assert_eq!(places[0], ("/c1".into(), "fixed".into(), "10.90.5.7".into()));
    let running = inventory(&host.file());
    host.run("docker stop -t 0 c1 c2 c3");
    host.run("stop");
    assert_eq!(found(&host.file(), &host.root()), []);

    rows(&mut host, &running);
    lost(&mut host, &places);
}

fn inventory(file: &Path) -> Inventory {
    let snapshot = unbolt::Snapshot::open(file).unwrap();
    let bucket = snapshot.root().unwrap().descend(&[DOCKER_BUCKET]).unwrap();
    Draft::read(unbolt::store::records(&bucket, b"")).unwrap().inventory()
}

/// Plants, finds and mends one thing after the other, each in the file as the daemon left it.
fn rows(host: &mut Host, running: &Inventory) {
    let (file, root) = (host.file(), host.root());
    let sound = std::fs::read(&file).unwrap();
    let stopped = inventory(&file);
    let id = |name: &str| stopped.find_network(name).unwrap().id.clone();
    for (code, plant, container) in ROWS {
        std::fs::write(&file, &sound).unwrap();
        let (fixed, one, spare, lan, docker0) = (id("fixed"), id("one"), id("spare"), id("lan"), id("bridge"));
        plant(&Bed { file: &file, running, fixed, one, spare, lan, docker0 });
        let [(found_code, severity)] = &found(&file, &root)[..] else { panic!("{code}: not one finding") };
        assert_eq!(found_code, code);
        let planted = std::fs::read(&file).unwrap();
        if severity == "fatal" {
            host.run("! start && cut_power");
            std::fs::write(&file, &planted).unwrap();
        }
        let (status, out, err) = unbolt(&["fix", "--rule", code, "--apply"], &[&file]);
        assert!(status == 0 && !out.is_empty(), "{code}: {out}{err}");
        assert_eq!(found(&file, &root), [], "{code}");
        let backup = err.lines().find_map(|line| line.split("as it was before is ").nth(1)).expect("a backup");
        assert!(std::fs::read(backup).unwrap() == planted, "{code}: {backup}");
        std::fs::remove_file(backup).unwrap();
        host.run("start");
        let names = host.run("docker network ls --format '{{.Name}}'");
        for network in ["bridge", "fixed", "host", "lan", "none", "one"] {
            assert_eq!(names.lines().filter(|name| *name == network).count(), 1, "{code}: {names}");
        }
        if !container.is_empty() {
            host.run(&format!("up {container}"));
            host.run(&format!("docker stop -t 0 {container}"));
        }
        host.run("stop");
    }
    std::fs::write(&file, &sound).unwrap();
}

/// Loses the file twice: after a clean stop, when the containers do not know their addresses, and after a power cut.
fn lost(host: &mut Host, places: &[(String, String, String)]) {
    let (file, root) = (host.file(), host.root());
    let lan = ["--driver", "lan=macvlan", "--parent", "lan=uplink0"];
    std::fs::remove_file(&file).unwrap();
    let (status, _, err) = unbolt(&[&["rebuild"], &lan[..], &["-o"]].concat(), &[&file, &root]);
    assert!(status == 6 && err.contains("c1 was given 10.90.5.7 by hand") && !file.exists(), "{err}");
    let one = places[1].2.rsplit_once('.').unwrap().0.rsplit_once('.').unwrap().0;
    let one = format!("one={one}.0.0/16");
    let told = ["--subnet", "fixed=10.90.0.0/16", "--subnet", &one, "--subnet", "lan=10.92.0.0/24"];
    let (status, _, err) = unbolt(&[&["rebuild"], &lan[..], &told[..], &["-o"]].concat(), &[&file, &root]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(found(&file, &root), []);
    host.run("start");
    host.run("up c1 c2 c3");
    assert_eq!(host.places(), places);

    host.run("cut_power");
    std::fs::remove_file(&file).unwrap();
    let (status, _, err) = unbolt(&[&["rebuild"], &lan[..], &["-o"]].concat(), &[&file, &root]);
    assert_eq!(status, 0, "{err}");
    host.run("start");
    host.run("up c1 c2 c3");
    assert_eq!(host.places(), places);
    host.run("docker stop -t 0 c1 c2 c3");
    host.run("stop");
    assert_eq!(host.shell.end().code(), Some(0));
}
