//! A real dockerd's networks as `net` shows them: what docker itself says, with the daemon at work and without it.
#![cfg(target_os = "linux")]

mod dockerd;
mod go;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dockerd::{Dockerd, complaints};
use serde_json::Value;
use unbolt::lock_holders;

/// Networks of every driver and shape that a host without others can have.
const NETWORKS: [&str; 9] = [
    "plain",
    "--subnet 10.90.0.0/16 --ip-range 10.90.5.0/24 --gateway 10.90.0.1 --aux-address printer=10.90.0.9 --label team=storage \
     --label note='a <b> & c' labelled",
    "--internal --opt com.docker.network.bridge.name=br-demo --opt com.docker.network.driver.mtu=1400 inner",
    "--ipv6 --subnet fd00:90::/64 --subnet 10.91.0.0/24 six",
    "-d macvlan --subnet 10.92.0.0/24 -o parent=uplink0 lan",
    "-d ipvlan --subnet 10.93.0.0/24 -o parent=uplink1 ipv",
    "--config-only --subnet 10.94.0.0/24 --ip-range 10.94.0.128/25 settings",
    "--config-from settings configured",
    "--attachable --subnet 10.95.0.0/24 --label empty= web-10",
];

/// Containers in them.
const CONTAINERS: [&str; 6] = [
    "--name one --network labelled --ip 10.90.5.7",
    "--name two --network plain -p 8080:80 -p 127.0.0.1:5353:53/udp",
    "--name three --network six --ip6 fd00:90::77",
    "--name four",
    "--name five --network host",
    "--name six --network lan",
];

#[test]
fn net_shows_what_docker_shows_while_the_daemon_runs_and_after_and_the_daemon_does_not_notice() {
    let Some(mut docker) = Dockerd::shell() else { return };
    docker.start("root");
    docker.run("image");
    docker.run("ip link add uplink0 type veth peer name uplink1 && ip link set uplink0 up && ip link set uplink1 up");
    for network in NETWORKS {
        docker.run(&format!("docker network create {network}"));
    }
    same_as_docker(&mut docker, Gateways::Unsaid);
    docker.stop();
    docker.start("root");
    for container in CONTAINERS {
        docker.run(&format!("box {container}"));
    }
    docker.run("docker network connect inner two");

    let database = docker.database("root");
    let running = same_as_docker(&mut docker, Gateways::Said);
    assert_eq!(running.values().filter(|network| has_containers(network)).count(), 7, "{running:#?}");
    assert!(lock_holders(&database).iter().all(|holder| holder.command.as_deref() != Some("unbolt")));
    docker.run("docker network create later && docker network rm later");
    let addresses = unbolt(&["net", "addresses", "--format", "json"], &database);
    assert!(addresses.contains("\"Address\":\"10.90.5.7/16\",\"Kind\":\"endpoint\",\"Network\":\"labelled\""), "{addresses}");
    let ports = unbolt(&["net", "ports"], &database);
    assert_eq!(ports.lines().count(), 3, "{ports}");

    docker.stop();
    let stopped = inspected(&database);
    docker.start("root");
    let started = same_as_docker(&mut docker, Gateways::Said);
    for (id, network) in &stopped {
        // The default bridge is made anew, and with it its id.
        if network["Name"] != "bridge" {
            assert_eq!(without_libnetwork(network), without_libnetwork(&started[id]));
        }
    }
    docker.stop();
    assert_eq!(complaints(&docker.log()), Vec::<&str>::new());
}

fn has_containers(network: &Value) -> bool {
    network["Containers"].as_object().is_some_and(|containers| !containers.is_empty())
}

fn without_libnetwork(network: &Value) -> Value {
    let mut network = network.clone();
    network.as_object_mut().unwrap().remove("Libnetwork");
    network
}

/// Whether the daemon tells the gateways that it chose for networks with given subnets: once it was restarted.
#[derive(Clone, Copy, PartialEq)]
enum Gateways {
    Said,
    Unsaid,
}

/// Requires that docker's own list and its own `inspect` are in ours, and gives back ours.
fn same_as_docker(docker: &mut Dockerd, gateways: Gateways) -> BTreeMap<String, Value> {
    let database = docker.database("root");
    let theirs = lines(&docker.run("docker network ls --no-trunc --format '{{json .}}'"));
    let ours = lines(&unbolt(&["net", "ls", "--format", "json"], &database));
    assert_eq!(names(&theirs), names(&ours));
    for (theirs, ours) in theirs.iter().zip(&ours) {
        // A newer client asks for what this daemon does not tell.
        in_ours(&with_sorted_labels(theirs), &with_sorted_labels(ours), &["IPv4"]);
    }
    let theirs: Vec<Value> = serde_json::from_str(&docker.run("docker network inspect $(docker network ls -q)")).unwrap();
    let ours = inspected(&database);
    assert_eq!(theirs.len(), ours.len());
    for network in &theirs {
        let mut network = network.clone();
        let ours = &ours[network["Id"].as_str().unwrap()];
        if gateways == Gateways::Unsaid {
            add_gateways(&mut network["IPAM"]["Config"], &ours["IPAM"]["Config"]);
        }
        in_ours(&network, ours, &[]);
    }
    ours
}

/// Adds ours where theirs are not said.
fn add_gateways(theirs: &mut Value, ours: &Value) {
    for (theirs, ours) in theirs.as_array_mut().unwrap().iter_mut().zip(ours.as_array().unwrap()) {
        let theirs = theirs.as_object_mut().unwrap();
        if let Some(gateway) = ours.get("Gateway") {
            theirs.entry("Gateway").or_insert_with(|| gateway.clone());
        }
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(networks: &[Value]) -> Vec<&str> {
    networks.iter().map(|network| network["Name"].as_str().unwrap()).collect()
}

/// Docker lists labels in no order.
fn with_sorted_labels(network: &Value) -> Value {
    let mut network = network.clone();
    let mut labels: Vec<String> = network["Labels"].as_str().unwrap().split(',').map(str::to_owned).collect();
    labels.sort();
    network["Labels"] = labels.join(",").into();
    network
}

/// Requires that each of their fields is one of ours and says the same.
fn in_ours(theirs: &Value, ours: &Value, but: &[&str]) {
    for (name, value) in theirs.as_object().unwrap() {
        if !but.contains(&name.as_str()) {
            assert_eq!(Some(value), ours.get(name), "{name} of {}", theirs["Name"]);
        }
    }
}

fn inspected(database: &Path) -> BTreeMap<String, Value> {
    let networks: Vec<Value> = serde_json::from_str(&unbolt(&["net", "inspect", "--all"], database)).unwrap();
    networks.into_iter().map(|network| (network["Id"].as_str().unwrap().to_owned(), network)).collect()
}

fn unbolt(arguments: &[&str], database: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_unbolt")).args(arguments).arg(database).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
