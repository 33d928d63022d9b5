//! dockerd takes networks that were moved for its own: with nothing done to the file, with the file lost and made of its
//! export, and in another root that the containers came along to, they start, with the addresses that they had; and the
//! commands of a script make the same networks.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod command;
mod daemon;
mod go;

use std::fs;
use std::path::Path;
use std::process::Command;

use command::{Outcome, unbolt};
use daemon::{Daemon, complaints, database};
use serde_json::{Value, json};

/// Makes networks of all kinds that 20.10 has, and containers in four of them, which run and are killed.
const MAKE: &str = r#"
set -eu
docker import image.tar box
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
const CONTAINERS: [&str; 4] = ["one", "two", "three", "four"];

/// The networks of a daemon as docker shows them, by name.
fn networks(daemon: &mut Daemon, names: &str) -> Vec<Value> {
    let networks = daemon.docker(&format!("network inspect {names}")).unwrap();
    serde_json::from_str(&networks).unwrap()
}

/// What each container has in each of its networks.
fn places(daemon: &mut Daemon) -> Value {
    let told = daemon.docker(&format!("inspect {}", CONTAINERS.join(" "))).unwrap();
    let told: Vec<Value> = serde_json::from_str(&told).unwrap();
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

/// Starts all containers, tests that docker shows what the file says, and kills them.
fn look(mut daemon: Daemon, folder: &Path, names: &str) -> Seen {
    for container in CONTAINERS {
        daemon.docker(&format!("start {container}")).unwrap_or_else(|e| panic!("{container}: {e}\n{}", daemon::log(folder)));
    }
    let address = daemon.docker("exec two /bin/busybox ip -4 -o addr show dev eth0").unwrap();
    assert!(address.contains("inet 10.77.0.9/24"), "{address}");
    let networks = networks(&mut daemon, names);
    let file = done(unbolt(["net", "inspect", path(&database(folder)), "--all"]));
    let mut file: Vec<Value> = serde_json::from_str(file.text()).unwrap();
    file.iter_mut().for_each(add_gateways);
    for network in &networks {
        let same = file.iter().find(|own| own["Id"] == network["Id"]).unwrap_or_else(|| panic!("not in the file: {network}"));
        let fields = network.as_object().unwrap().iter().filter(|(name, _)| same.get(name).is_some());
        let compared =
            fields.inspect(|(name, value)| assert_eq!(same[*name], **value, "{name} of {}", network["Name"])).count();
        assert!(compared >= 10, "{same}");
    }
    let seen = Seen { networks: networks.iter().map(without_endpoints).collect(), places: places(&mut daemon) };
    stop(daemon);
    seen
}

/// A daemon that starts takes the gateways that it once chose for ones that were asked for, and shows them, which the file
/// does not say until a network is written again.
fn add_gateways(network: &mut Value) {
    let record = &network["Libnetwork"]["Network"]["Value"];
    let pools = ["ipamV4Info", "ipamV6Info"].map(|field| record[field].as_array().cloned().unwrap_or_default()).concat();
    let asked = network["IPAM"]["Config"].as_array_mut().unwrap();
    for (asked, pool) in asked.iter_mut().zip(pools) {
        let chosen = pool["IPAMData"]["Gateway"].as_str().unwrap().split('/').next().unwrap().to_owned();
        asked.as_object_mut().unwrap().entry("Gateway").or_insert(chosen.into());
    }
}

/// Containers get new endpoints with each start.
fn without_endpoints(network: &Value) -> Value {
    let mut network = network.clone();
    let containers = network["Containers"].as_object_mut().unwrap();
    containers.values_mut().for_each(|container| _ = container.as_object_mut().unwrap().remove("EndpointID"));
    network
}

fn stop(mut daemon: Daemon) {
    daemon.docker(&format!("kill {}", CONTAINERS.join(" "))).unwrap();
    assert_eq!(complaints(&daemon.stop()), Vec::<&str>::new());
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn done(outcome: Outcome) -> Outcome {
    assert_eq!(outcome.status, 0, "{outcome:?}");
    outcome
}

/// A script, run where the daemon is.
fn sh(daemon: &mut Daemon, folder: &Path, script: &str) {
    let file = folder.join("script.sh");
    fs::write(&file, format!("cd {}\n{script}", path(folder))).unwrap();
    daemon.docker(&format!("sh {}", path(&file))).unwrap_or_else(|e| panic!("{e}"));
}

/// The one program that the containers have, without anything that it would need.
fn image(folder: &Path) -> bool {
    let Some(busybox) = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists()) else {
        eprintln!("skipped: no busybox");
        return false;
    };
    fs::create_dir_all(folder.join("image/bin")).unwrap();
    fs::copy(busybox, folder.join("image/bin/busybox")).unwrap();
    run(Command::new("tar").arg("-C").arg(folder.join("image")).arg("-cf").arg(folder.join("image.tar")).arg("."));
    true
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// What a second root gets of the first one: all but the networks.
fn copy_containers(from: &Path, to: &Path) {
    for part in ["containers", "image", "vfs"] {
        let _ = fs::remove_dir_all(to.join("root").join(part));
        run(Command::new("cp").arg("-a").arg(from.join("root").join(part)).arg(to.join("root")));
    }
}

#[test]
fn containers_start_on_networks_that_were_moved_and_docker_shows_what_the_file_says() {
    let [first, second, third] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [first, second, third] = [first.path(), second.path(), third.path()];
    let Some(mut daemon) = Daemon::start(first).filter(|_| image(first)) else { return };
    sh(&mut daemon, first, MAKE);
    CONTAINERS.iter().for_each(|container| drop(daemon.docker(&format!("start {container}")).unwrap()));
    stop(daemon);

    // Nothing done. The export is made of the file of a daemon at work, with all containers running.
    let mut daemon = Daemon::start(first).unwrap();
    CONTAINERS.iter().for_each(|container| drop(daemon.docker(&format!("start {container}")).unwrap()));
    let export = first.join("export.json");
    fs::write(&export, done(unbolt(["net", "export", path(&first.join("root"))])).out).unwrap();
    stop(daemon);
    let before = look(Daemon::start(first).unwrap(), first, NETWORKS);

    // The file lost, and made of the export.
    let file = database(first);
    fs::remove_file(&file).unwrap();
    done(unbolt(["net", "import", path(&file), path(&export)]));
    let again = done(unbolt(["net", "export", path(&file)]));
    assert!(again.out == fs::read(&export).unwrap(), "not the same records");
    assert_eq!(look(Daemon::start(first).unwrap(), first, NETWORKS), before);

    migrated(first, second, &before);
    made_by_script(first, third, &before);
}

/// Brings the networks into another root that the containers came along to.
fn migrated(first: &Path, second: &Path, before: &Seen) {
    assert_eq!(complaints(&Daemon::start(second).unwrap().stop()), Vec::<&str>::new());
    copy_containers(first, second);
    let (from, to) = (first.join("root"), second.join("root"));
    let migrate = |changes: &[&str]| unbolt([&["net", "migrate", path(&from), path(&to)], changes].concat());
    let file = fs::read(database(second)).unwrap();
    let refused = migrate(&["--subnet", "10.77.0.0/24=10.97.0.0/24"]);
    assert_eq!(refused.status, 6, "{refused:?}");
    let words = "network fixed: container two has the static address 10.77.0.9, which is in none of its subnets\n";
    assert!(refused.err.contains(words), "{refused:?}");
    assert!(fs::read(database(second)).unwrap() == file, "written in spite of a conflict");
    assert_eq!(fs::read_dir(to.join("network/files")).unwrap().count(), 1);

    done(migrate(&["--rename", "plain=renamed", "--subnet", "10.78.0.0/24=10.98.0.0/24"]));
    let seen = look(Daemon::start(second).unwrap(), second, &NETWORKS.replace("plain", "renamed"));
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
    let script = done(unbolt(["net", "script", path(&first.join("root"))]));
    let mut daemon = Daemon::start(third).unwrap();
    sh(&mut daemon, third, script.text());
    assert_eq!(complaints(&daemon.stop()), Vec::<&str>::new());
    // Which gateway it has chosen docker shows from its next start on.
    let mut daemon = Daemon::start(third).unwrap();
    let made: Vec<Value> = networks(&mut daemon, NETWORKS).iter().map(anonymous).collect();
    assert_eq!(complaints(&daemon.stop()), Vec::<&str>::new());
    assert_eq!(made, before.networks.iter().map(anonymous).collect::<Vec<_>>());
}

/// A network without what is new with each that is made.
fn anonymous(network: &Value) -> Value {
    let mut network = network.clone();
    for field in ["Id", "Created", "Containers"] {
        assert!(network.as_object_mut().unwrap().remove(field).is_some());
    }
    network
}
