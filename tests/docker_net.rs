//! A real dockerd's networks as `net` shows them: what docker itself says, with the daemon at work and without it.
#![cfg(target_os = "linux")]

mod dockerd;
mod go;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dockerd::inspect::{Gateways, in_ours, inspected, same_networks};
use dockerd::{Host, complaints, database};
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
    let folder = tempfile::tempdir().unwrap();
    let Some(mut host) = Host::started(folder.path()) else { return };
    let database = database(folder.path());
    host.run("image");
    for network in NETWORKS {
        host.run(&format!("docker network create {network}"));
    }
    same_as_docker(&mut host, folder.path(), Gateways::Unsaid);
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());
    host.start();
    for container in CONTAINERS {
        host.run(&format!("box {container}"));
    }
    host.run("docker network connect inner two");

    let running = same_as_docker(&mut host, folder.path(), Gateways::Said);
    assert_eq!(running.values().filter(|network| has_containers(network)).count(), 7, "{running:#?}");
    assert!(lock_holders(&database).iter().all(|holder| holder.command.as_deref() != Some("unbolt")));
    host.run("docker network create later && docker network rm later");
    let addresses = unbolt(&["net", "addresses", "--format", "json"], &database);
    assert!(addresses.contains("\"Address\":\"10.90.5.7/16\",\"Kind\":\"endpoint\",\"Network\":\"labelled\""), "{addresses}");
    let ports = unbolt(&["net", "ports"], &database);
    assert_eq!(ports.lines().count(), 3, "{ports}");

    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());
    let stopped = inspected(&database);
    host.start();
    let started = same_as_docker(&mut host, folder.path(), Gateways::Said);
    for (id, network) in &stopped {
        // The default bridge is made anew, and with it its id.
        if network["Name"] != "bridge" {
            assert_eq!(without_libnetwork(network), without_libnetwork(&started[id]));
        }
    }
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());
}

fn has_containers(network: &Value) -> bool {
    network["Containers"].as_object().is_some_and(|containers| !containers.is_empty())
}

fn without_libnetwork(network: &Value) -> Value {
    let mut network = network.clone();
    network.as_object_mut().unwrap().remove("Libnetwork");
    network
}

/// Requires that docker's own list and its own `inspect` are in ours, and gives back what our `inspect` says.
fn same_as_docker(host: &mut Host, folder: &Path, gateways: Gateways) -> BTreeMap<String, Value> {
    let theirs = lines(&host.run("docker network ls --no-trunc --format '{{json .}}'"));
    let ours = lines(&unbolt(&["net", "ls", "--format", "json"], &database(folder)));
    assert_eq!(names(&theirs), names(&ours));
    for (theirs, ours) in theirs.iter().zip(&ours) {
        // A newer client asks for what this daemon does not tell.
        in_ours(&with_sorted_labels(theirs), &with_sorted_labels(ours), &["IPv4"]);
    }
    same_networks(host, folder, gateways)
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

fn unbolt(arguments: &[&str], database: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_unbolt")).args(arguments).arg(database).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
