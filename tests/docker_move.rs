//! dockerd takes networks that were moved for its own: with nothing done to the file, with the file lost and made of its
//! export, and in another root that the containers came along to, they start, with the addresses that they had; and the
//! commands of a script make the same networks, and so does a compose file.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod command;
mod dockerd;
mod go;

use std::fs;
use std::path::Path;
use std::process::Command;

use command::{Outcome, unbolt};
use dockerd::inspect::{Gateways, same_networks};
use dockerd::{Host, complaints, database, root};
use serde_json::{Value, json};

/// Makes networks of all kinds that 20.10 has, and containers in four of them, which run and are killed.
const MAKE: &str = r#"
set -eu
docker network create plain
docker network create --subnet 10.77.0.0/24 --ip-range 10.77.0.128/25 --gateway 10.77.0.1 --aux-address printer=10.77.0.5 \
    --label 'note=it is $HOME; "quoted" & '"it's" --label team=storage fixed
docker network create --subnet 10.78.0.0/24 --subnet fd00:78::/64 --ipv6 --internal \
    --opt com.docker.network.driver.mtu=1400 --opt com.docker.network.bridge.name=br-moved inner
docker network create --driver macvlan --subnet 10.79.0.0/24 --opt parent=uplink0 lan
docker network create --config-only --subnet 10.80.0.0/24 --label of=config config
docker network create --config-from config taken
docker create --name one --network plain box /bin/busybox sleep 1000
docker create --name two --network fixed --ip 10.77.0.9 box /bin/busybox sleep 1000
docker create --name three --network inner box /bin/busybox sleep 1000
docker create --name four --network lan box /bin/busybox sleep 1000
"#;
const NETWORKS: &str = "plain fixed inner lan config taken";
const CONTAINERS: &str = "one two three four";

/// The networks of a daemon as docker shows them, by name.
fn networks(host: &mut Host, names: &str) -> Vec<Value> {
    serde_json::from_str(&host.run(&format!("docker network inspect {names}"))).unwrap()
}

/// What each container has in each of its networks.
fn places(host: &mut Host) -> Value {
    let told: Vec<Value> = serde_json::from_str(&host.run(&format!("docker inspect {CONTAINERS}"))).unwrap();
    let place =
        |network: &Value| json!([network["NetworkID"], network["IPAddress"], network["Gateway"], network["MacAddress"]]);
    let of = |container: &Value| {
        assert_eq!(container["State"]["Running"], true, "{container}");
        let networks = container["NetworkSettings"]["Networks"].as_object().unwrap();
        networks.iter().map(|(name, network)| (name.clone(), place(network))).collect()
    };
    told.iter().map(of).collect::<Vec<Value>>().into()
}

/// What docker shows with all containers started: networks, and places in them.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    networks: Vec<Value>,
    places: Value,
}

/// Starts all containers on a host, tests that docker shows what the file says, and kills them.
fn look(folder: &Path, names: &str) -> Seen {
    let mut host = Host::started(folder).unwrap();
    host.run(&format!("docker start {CONTAINERS}"));
    let address = host.run("docker exec two /bin/busybox ip -4 -o addr show dev eth0");
    assert!(address.contains("inet 10.77.0.9/24"), "{address}");
    same_networks(&mut host, folder, Gateways::Said);
    let networks = networks(&mut host, names).iter().map(without_endpoints).collect();
    let seen = Seen { networks, places: places(&mut host) };
    stop(host);
    seen
}

/// Containers get new endpoints with each start.
fn without_endpoints(network: &Value) -> Value {
    let mut network = network.clone();
    let containers = network["Containers"].as_object_mut().unwrap();
    containers.values_mut().for_each(|container| _ = container.as_object_mut().unwrap().remove("EndpointID"));
    network
}

fn stop(mut host: Host) {
    host.run(&format!("docker kill {CONTAINERS}"));
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn done(outcome: Outcome) -> Outcome {
    assert_eq!(outcome.status, 0, "{outcome:?}");
    outcome
}

/// A script, run where the daemon is.
fn sh(host: &mut Host, folder: &Path, script: &str) {
    let file = folder.join("script.sh");
    fs::write(&file, script).unwrap();
    host.run(&format!("sh {}", path(&file)));
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// What a second root gets of the first one: all but the networks.
fn copy_containers(from: &Path, to: &Path) {
    for part in ["containers", "image", "vfs"] {
        let _ = fs::remove_dir_all(root(to).join(part));
        run(Command::new("cp").arg("-a").arg(root(from).join(part)).arg(root(to)));
    }
}

#[test]
fn containers_start_on_networks_that_were_moved_and_docker_shows_what_the_file_says() {
    let [first, second, third, fourth] = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let [first, second, third, fourth] = [first.path(), second.path(), third.path(), fourth.path()];
    let Some(mut host) = Host::started(first) else { return };
    host.run("image");
    sh(&mut host, first, MAKE);
    host.run(&format!("docker start {CONTAINERS}"));
    stop(host);

    // Nothing done. The export is made of the file of a daemon at work, with all containers running.
    let mut host = Host::started(first).unwrap();
    host.run(&format!("docker start {CONTAINERS}"));
    let export = first.join("export.json");
    fs::write(&export, done(unbolt(["net", "export", path(&root(first))])).out).unwrap();
    stop(host);
    let before = look(first, NETWORKS);

    // The file lost, and made of the export.
    let file = database(first);
    fs::remove_file(&file).unwrap();
    done(unbolt(["net", "import", path(&file), path(&export)]));
    let again = done(unbolt(["net", "export", path(&file)]));
    assert!(again.out == fs::read(&export).unwrap(), "not the same records");
    assert_eq!(look(first, NETWORKS), before);

    migrated(first, second, &before);
    made_by_script(first, third, &before);
    made_by_compose(first, fourth, &before);
}

/// Brings the networks into another root that the containers came along to.
fn migrated(first: &Path, second: &Path, before: &Seen) {
    assert_eq!(complaints(&Host::started(second).unwrap().stop()), Vec::<&str>::new());
    copy_containers(first, second);
    let (from, to) = (root(first), root(second));
    let migrate = |changes: &[&str]| unbolt([&["net", "migrate", path(&from), path(&to)], changes].concat());
    let file = fs::read(database(second)).unwrap();
    let refused = migrate(&["--subnet", "10.77.0.0/24=10.97.0.0/24"]);
    assert_eq!(refused.status, 6, "{refused:?}");
    let words = "network fixed: container two has the static address 10.77.0.9, which is in none of its subnets\n";
    assert!(refused.err.contains(words), "{refused:?}");
    assert!(fs::read(database(second)).unwrap() == file, "written in spite of a conflict");
    assert_eq!(fs::read_dir(to.join("network/files")).unwrap().count(), 1);

    done(migrate(&["--rename", "plain=renamed", "--subnet", "10.78.0.0/24=10.98.0.0/24"]));
    let seen = look(second, &NETWORKS.replace("plain", "renamed"));
    let there = |value: &Value, name: &str| {
        let text = value.to_string().replace("10.78.0.", "10.98.0.").replace("02:42:0a:4e", "02:42:0a:62");
        serde_json::from_str::<Value>(&text.replace("\"plain\"", &format!("\"{name}\""))).unwrap()
    };
    assert_eq!(seen.networks, before.networks.iter().map(|network| there(network, "renamed")).collect::<Vec<_>>());
    // docker keeps the old name beside the new one, as containers have it.
    let mut places = seen.places;
    let renamed = places[0].as_object_mut().unwrap().remove("renamed");
    assert_eq!(renamed.as_ref(), Some(&before.places[0]["plain"]));
    assert_eq!(places, there(&before.places, "plain"));
}

/// Makes networks anew by the commands that the file of others gives.
fn made_by_script(first: &Path, third: &Path, before: &Seen) {
    let script = done(unbolt(["net", "script", path(&root(first))]));
    let mut host = Host::started(third).unwrap();
    sh(&mut host, third, script.text());
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());
    // Which gateway it has chosen docker shows from its next start on.
    let mut host = Host::started(third).unwrap();
    let made: Vec<Value> = networks(&mut host, NETWORKS).iter().map(anonymous).collect();
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());
    assert_eq!(made, before.networks.iter().map(anonymous).collect::<Vec<_>>());
}

/// Makes networks anew by the block of a compose file, in which one service is in all of them.
fn made_by_compose(first: &Path, fourth: &Path, before: &Seen) {
    let block = unbolt(["net", "script", path(&root(first)), "--as", "compose"]);
    let left_out = "network config: left out: no compose file can say that a network is a configuration for others\n";
    assert!(block.status == 1 && block.err.ends_with(left_out) && block.err.lines().count() == 2, "{block:?}");
    let names: Vec<&str> = NETWORKS.split(' ').filter(|name| *name != "config").collect();
    let service = format!("services:\n  all:\n    image: box\n    command: sh\n    networks: [{}]\n", names.join(", "));
    fs::write(fourth.join("compose.yaml"), format!("{}{service}", block.text())).unwrap();
    let mut host = Host::started(fourth).unwrap();
    if host.attempt("docker-compose version").is_err() {
        return eprintln!("skipped: no docker-compose");
    }
    host.run("image");
    host.run(&format!("docker-compose -f {} up --no-start", path(&fourth.join("compose.yaml"))));
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());
    let mut host = Host::started(fourth).unwrap();
    let made: Vec<Value> = networks(&mut host, &names.join(" ")).iter().map(of_compose).collect();
    assert_eq!(complaints(&host.stop()), Vec::<&str>::new());
    let wanted = before.networks.iter().filter(|network| network["Name"] != "config");
    assert_eq!(made, wanted.map(of_compose).collect::<Vec<_>>());
}

/// A network without what compose adds to each that it makes, and what it cannot say.
fn of_compose(network: &Value) -> Value {
    let mut network = anonymous(network);
    network["Labels"].as_object_mut().unwrap().retain(|label, _| !label.starts_with("com.docker.compose."));
    for field in ["Attachable", "ConfigFrom"] {
        assert!(network.as_object_mut().unwrap().remove(field).is_some());
    }
    // None is none, however it was said.
    let options = &mut network["IPAM"]["Options"];
    assert!(options.is_null() || options.as_object().is_some_and(|options| options.is_empty()), "{options}");
    *options = Value::Null;
    network
}

/// A network without what is new with each that is made.
fn anonymous(network: &Value) -> Value {
    let mut network = network.clone();
    for field in ["Id", "Created", "Containers"] {
        assert!(network.as_object_mut().unwrap().remove(field).is_some());
    }
    network
}
