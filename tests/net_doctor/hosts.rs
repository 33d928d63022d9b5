//! The rules that need the containers of the host.

use std::fs;

use tempfile::TempDir;
use unbolt::net::doctor::Doctor;
use unbolt::net::{Change, Containers};

use crate::plant::*;

const CONTAINER_OF_ONE: &str = "/5c3e0a5e75d1";

/// A data root with these containers: id, name, and their networks as JSON.
fn root(containers: &[(&str, &str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("containers")).unwrap();
    for (id, name, networks) in containers {
        let folder = root.path().join("containers").join(id);
        fs::create_dir(&folder).unwrap();
        let config = format!(r#"{{"Name":"/{name}","NetworkSettings":{{"Networks":{networks}}}}}"#);
        fs::write(folder.join("config.v2.json"), config).unwrap();
    }
    root
}

/// The containers of the file.
fn container_ids() -> Vec<String> {
    Plot::of(RUNNING).inventory().sandboxes.iter().map(|sandbox| sandbox.container.clone()).collect()
}

fn in_network(name: &str, id: &str) -> String {
    format!(r#"{{"{name}":{{"NetworkID":"{id}"}}}}"#)
}

#[test]
fn a_host_with_its_containers_has_nothing_wrong_with_it() {
    let ids = container_ids();
    let networks = in_network("labelled", LABELLED);
    let containers: Vec<_> = ids.iter().map(|id| (id.as_str(), "one", networks.as_str())).collect();
    let containers = Containers::read(root(&containers).path()).unwrap();
    assert_eq!(Doctor::new().containers(&containers).examine(&Plot::of(RUNNING).inventory()).findings, []);
    assert!(ids.iter().any(|id| id.starts_with(CONTAINER_OF_ONE.trim_start_matches('/'))));
}

#[test]
fn the_sandbox_of_a_container_that_is_gone_is_removed_with_its_endpoints() {
    let ids = container_ids();
    let left: Vec<_> = ids.iter().filter(|id| !id.starts_with("5c3e0a5e75d1")).map(|id| (id.as_str(), "two", "{}")).collect();
    assert_eq!(left.len() + 1, ids.len());
    let containers = Containers::read(root(&left).path()).unwrap();
    let (plot, doctor) = (Plot::of(RUNNING), Doctor::new().containers(&containers));
    assert_eq!(codes(&doctor.examine(&plot.inventory()).findings), ["container-gone"]);
    let mut draft = plot.draft();
    assert_eq!(doctor.fix(&mut draft, |_| true).left, []);
    let changed = plot.difference(&plot.with(&draft));
    let expected = [
        format!("bridge-endpoint/{ONE}/"),
        format!("endpoint/{LABELLED}/{ONE}/"),
        format!("endpoint_count/{LABELLED}/"),
        format!("sandbox/{BOX_OF_ONE}/"),
    ];
    assert_eq!(changed, expected);
    assert_eq!(doctor.examine(&plot.with(&draft).inventory()).findings, []);
}

#[test]
fn a_network_that_was_made_again_gets_the_id_that_the_containers_know() {
    let ids = container_ids();
    let networks = in_network("six", OTHER);
    let containers: Vec<_> = ids.iter().map(|id| (id.as_str(), "web", networks.as_str())).collect();
    let containers = Containers::read(root(&containers).path()).unwrap();
    let (plot, doctor) = (Plot::of(RUNNING), Doctor::new().containers(&containers));
    let report = doctor.examine(&plot.inventory());
    assert_eq!(codes(&report.findings), ["container-network-gone"]);
    assert!(report.findings[0].message.contains("six") && report.findings[0].message.contains("web"));
    let mut draft = plot.draft();
    assert_eq!(doctor.fix(&mut draft, |_| true).left, []);
    let mended = plot.with(&draft);
    assert_eq!(doctor.examine(&mended.inventory()).findings, []);
    let inventory = mended.inventory();
    assert_eq!(inventory.find_network("six").unwrap().id, OTHER);
    assert_eq!(inventory.bridge_of(OTHER).unwrap().bridge_name, "br-589c6d63b5f0");
    let kept = mended.document(&format!("network/{OTHER}/")).as_str().replace(OTHER, SIX);
    assert_eq!(kept, plot.document(&format!("network/{SIX}/")).as_str());
    assert_eq!(draft.changes().iter().filter(|change| matches!(change, Change::Delete { .. })).count(), 3);
}

#[test]
fn where_containers_disagree_or_the_network_is_in_use_somebody_has_to_choose() {
    let ids = container_ids();
    let two = "b".repeat(64);
    for networks in [
        [in_network("six", OTHER), in_network("six", &two)],
        [in_network("labelled", OTHER), in_network("labelled", OTHER)],
        [in_network("lost", OTHER), in_network("lost", OTHER)],
        [in_network("six", "no id"), in_network("six", "no id")],
        [in_network("six", OTHER), in_network("six", SIX)],
    ] {
        let containers: Vec<_> =
            ids.iter().zip(&networks).map(|(id, networks)| (id.as_str(), "web", networks.as_str())).collect();
        let containers = Containers::read(root(&containers).path()).unwrap();
        let (plot, doctor) = (Plot::of(RUNNING), Doctor::new().containers(&containers));
        let mut draft = plot.draft();
        assert_eq!(codes(&doctor.fix(&mut draft, |_| true).left), ["container-network-gone"], "{networks:?}");
        assert_eq!(draft.changes(), []);
    }
}
