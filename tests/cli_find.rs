//! Promise: `find` lists the Bolt files below a directory and nothing else, says what wrote those that it knows,
//! and goes on past what it cannot read.

#![cfg(feature = "cli")]

mod command;

use std::ffi::OsStr;
use std::fs;

use command::{database, databases, testdata, unbolt, value, with_bucket};
use serde_json::Value;

fn find<'a>(paths: impl IntoIterator<Item = &'a OsStr>) -> (i32, Vec<Value>, String) {
    let found = unbolt(["find", "--format", "json"].map(OsStr::new).into_iter().chain(paths));
    let lines = found.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    (found.status, lines, found.err)
}

#[test]
fn every_database_below_a_directory_is_found_with_what_its_meta_says() {
    let (status, found, err) = find([testdata().as_os_str()]);
    assert_eq!((status, err.as_str()), (0, ""));
    let plain: Vec<String> = databases().into_iter().filter(|name| testdata().join(name).exists()).collect();
    let paths: Vec<String> = plain.iter().map(|name| testdata().join(name).to_str().unwrap().to_owned()).collect();
    let mut listed: Vec<&str> = found.iter().map(|file| file["path"].as_str().unwrap()).collect();
    listed.sort_unstable();
    assert_eq!(listed, paths);
    for file in &found {
        let snapshot = unbolt::Snapshot::open(file["path"].as_str().unwrap()).unwrap();
        assert_eq!(file["txid"], snapshot.meta().txid.0);
        assert_eq!(file["page_size"], snapshot.layout().page_size.get());
        assert_eq!(file["size"], fs::metadata(file["path"].as_str().unwrap()).unwrap().len());
    }
}

#[test]
fn the_writers_of_real_databases_are_guessed() {
    let directory = tempfile::tempdir().unwrap();
    for (name, writer) in [
        ("docker/live-28.5.2.db", Some("dockerd networks")),
        ("docker/ipam-only-1.11.0.db", Some("dockerd networks")),
        ("docker/volumes-20.10.24.db", Some("dockerd volumes")),
        ("docker/buildkit-cache-20.10.24.db", Some("BuildKit cache")),
        ("containerd/meta-1.6.20.db", Some("containerd")),
        ("containerd/dockerd-meta-stopped-1.6.20.db", Some("containerd")),
        ("containerd/snapshotter-native-1.6.20.db", Some("containerd snapshotter")),
        ("podman/bolt_state-4.3.1.db", Some("podman")),
        ("podman/blob-info-cache-4.3.1.db", Some("container image cache")),
        ("etcd/snap-3.4.23.db", Some("etcd")),
        ("bbolt/names.db", None),
        ("golden/V0.db", None),
    ] {
        // A file may be asked for by itself, and its name tells nothing.
        let file = directory.path().join("some.db");
        fs::write(&file, database(name)).unwrap();
        let (status, found, _) = find([file.as_os_str()]);
        assert_eq!((status, found.len()), (0, 1), "{name}");
        assert_eq!(found[0]["written_by"].as_str(), writer, "{name}");
    }
    // Where there is no bucket yet, the path is all there is.
    let raft = directory.path().join("raft");
    fs::create_dir(&raft).unwrap();
    fs::write(raft.join("raft.db"), database("golden/V0.db")).unwrap();
    let (_, found, _) = find([raft.as_os_str()]);
    assert_eq!(found[0]["written_by"], "Raft log (Consul, Nomad, Vault)");
}

#[test]
fn the_table_has_a_column_for_each_and_quotes_odd_names() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.db"), database("docker/live-28.5.2.db")).unwrap();
    fs::write(directory.path().join("b\u{1b}[31m.db"), with_bucket("x", &[value(b"k", b"v")])).unwrap();
    let found = unbolt([OsStr::new("find"), directory.path().as_os_str()]);
    let lines = found.lines();
    let cells: Vec<&str> = lines[0].split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, ["PATH", "SIZE", "PAGE SIZE", "TXID", "WRITTEN BY"]);
    assert!(lines[1].contains("/a.db") && lines[1].ends_with("131072   4096        60     dockerd networks"), "{}", lines[1]);
    assert!(lines[2].contains(r"/b\x1b[31m.db") && lines[2].ends_with("unknown"), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
}

#[cfg(unix)]
#[test]
fn links_and_what_is_no_file_are_passed_over_in_silence() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("a.db"), database("docker/live-28.5.2.db")).unwrap();
    fs::write(inner.join("empty"), "").unwrap();
    fs::write(inner.join("text"), "text ".repeat(10_000)).unwrap();
    fs::write(inner.join("zeros"), [0; 16384]).unwrap();
    symlink(directory.path(), inner.join("loop")).unwrap();
    symlink(inner.join("a.db"), directory.path().join("link.db")).unwrap();
    let _socket = UnixListener::bind(directory.path().join("socket")).unwrap();
    let (status, found, err) = find([directory.path().as_os_str()]);
    assert_eq!((status, found.len(), err.as_str()), (0, 1, ""));
    // A link that was asked for by name is followed.
    let link = directory.path().join("way");
    symlink(&inner, &link).unwrap();
    assert_eq!(find([link.as_os_str()]).1.len(), 1);
}

#[test]
fn a_bolt_file_without_a_valid_meta_is_named_and_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut damaged = database("docker/live-28.5.2.db");
    for meta in [0, 4096] {
        damaged[meta + 16 + 50] ^= 1;
    }
    fs::write(directory.path().join("a.db"), damaged).unwrap();
    fs::write(directory.path().join("b.db"), database("docker/live-28.5.2.db")).unwrap();
    let (status, found, err) = find([directory.path().as_os_str()]);
    assert_eq!((status, found.len()), (0, 1));
    assert!(err.contains("a.db: no valid meta page (page 0: checksum "), "{err}");
}

#[test]
fn none_found_is_status_1_and_what_is_not_there_is_status_3() {
    let empty = tempfile::tempdir().unwrap();
    let (status, found, err) = find([empty.path().as_os_str()]);
    assert_eq!((status, found.len(), err.as_str()), (1, 0, "unbolt: no Bolt file found\n"));
    let missing = empty.path().join("missing");
    let docker = testdata().join("docker");
    let (status, found, err) = find([missing.as_os_str(), docker.as_os_str()]);
    assert!(status == 3 && found.len() > 5, "{found:?}");
    assert!(err.starts_with(&format!("unbolt: {}: ", missing.display())), "{err}");
    assert_eq!(unbolt(["find"]).status, 2);
}
