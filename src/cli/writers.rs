//! Owns the guess which program wrote a database, by the buckets that it keeps there, or else by its path.

use std::path::Path;

use crate::Snapshot;

/// A program, and how its databases are known.
struct Writer {
    name: &'static str,
    /// Buckets that all have to be there, by their names from the top.
    buckets: &'static [&'static [&'static str]],
    /// How the path ends, where a new database has no buckets yet.
    path: Option<&'static str>,
}

/// The more special ones come first: the first that fits is it.
const WRITERS: &[Writer] = &[
    Writer { name: "dockerd networks", buckets: &[&["libnetwork"]], path: Some("network/files/local-kv.db") },
    Writer { name: "dockerd volumes", buckets: &[&["volumes"]], path: Some("volumes/metadata.db") },
    Writer { name: "swarm tasks", buckets: &[&["v1", "tasks"]], path: Some("swarm/worker/tasks.db") },
    Writer { name: "containerd snapshotter", buckets: &[&["v1", "snapshots"], &["v1", "parents"]], path: None },
    Writer { name: "containerd", buckets: &[&["v1"]], path: Some("io.containerd.metadata.v1.bolt/meta.db") },
    Writer { name: "BuildKit cache", buckets: &[&["_result"], &["_links"]], path: Some("buildkit/cache.db") },
    Writer { name: "BuildKit metadata", buckets: &[&["_main"], &["_index"]], path: Some("buildkit/metadata_v2.db") },
    Writer { name: "BuildKit history", buckets: &[&["_records"]], path: Some("buildkit/history.db") },
    Writer { name: "podman", buckets: &[&["id-registry"], &["name-registry"]], path: Some("libpod/bolt_state.db") },
    Writer { name: "container image cache", buckets: &[&["digestByUncompressed"]], path: Some("blob-info-cache-v1.boltdb") },
    Writer { name: "container image cache", buckets: &[&["digestCompressor"]], path: None },
    Writer { name: "etcd", buckets: &[&["key"], &["lease"], &["meta"]], path: Some("member/snap/db") },
    Writer { name: "Raft log (Consul, Nomad, Vault)", buckets: &[&["logs"], &["conf"]], path: Some("raft/raft.db") },
    Writer { name: "Vault", buckets: &[&["data"], &["config"]], path: Some("vault.db") },
    Writer { name: "InfluxDB 2", buckets: &[&["organizationsv1"], &["usersv1"]], path: Some("influxd.bolt") },
    Writer { name: "Chronograf", buckets: &[&["OrganizationsV1"]], path: Some("chronograf-v1.db") },
    Writer { name: "Portainer", buckets: &[&["endpoint_groups"], &["endpoints"], &["settings"]], path: Some("portainer.db") },
];

/// The program that probably wrote a database; `None` where nothing tells.
pub fn written_by(path: &Path, snapshot: &Snapshot) -> Option<&'static str> {
    let by_buckets = || WRITERS.iter().find(|writer| writer.buckets.iter().all(|bucket| is_there(snapshot, bucket)));
    let by_path = || WRITERS.iter().find(|writer| writer.path.is_some_and(|end| path.ends_with(end)));
    let found = if is_empty(snapshot) { by_path() } else { by_buckets() };
    found.map(|writer| writer.name)
}

fn is_there(snapshot: &Snapshot, bucket: &[&str]) -> bool {
    snapshot.root().and_then(|root| root.descend(bucket)).is_ok()
}

fn is_empty(snapshot: &Snapshot) -> bool {
    snapshot.root().is_ok_and(|root| root.iter().next().is_none())
}
