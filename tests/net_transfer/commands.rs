//! The commands change a file once or not at all, keep what it was, and say what they did.

use std::fs;

use serde_json::json;
use unbolt::net::Inventory;
use unbolt::net::transfer::Stripped;

use crate::command::unbolt;
use crate::files::*;

#[test]
fn a_file_that_is_there_is_kept_and_changed_once_and_not_at_all_where_something_stands_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("local-kv.db");
    fs::copy(path("live-20.10.24.db"), &file).unwrap();
    let before = fs::read(&file).unwrap();
    let names = || fs::read_dir(folder.path()).unwrap().count();
    let source = path(RUNNING);
    let migrate = |words: &[&str]| net(&[&["migrate", text(&source), text(&file)], words].concat());

    let dry = migrate(&["--dry-run", "--network", "labelled", "--rename", "labelled=green"]);
    assert_eq!(dry.status, 0, "{dry:?}");
    assert!(dry.text().starts_with("network labelled (1b128a9d9e30): 3 records, named green\n"), "{dry:?}");
    assert!(fs::read(&file).unwrap() == before && names() == 1);
    let refused = migrate(&["--network", "labelled", "--network", "bridge"]);
    assert_eq!(refused.status, 6, "{refused:?}");
    assert!(refused.err.ends_with("1 conflict, nothing is written\n"), "{refused:?}");
    assert!(fs::read(&file).unwrap() == before && names() == 1);
    for wrong in
        [["--network", "nope"], ["--subnet", "10.90.0.0/16=x"], ["--subnet", "10.90.0.1/16=10.0.0.0/16"], ["--rename", "x"]]
    {
        let outcome = migrate(&wrong);
        assert!([1, 2].contains(&outcome.status), "{outcome:?}");
    }
    assert!(fs::read(&file).unwrap() == before && names() == 1);

    let done = migrate(&["--network", "labelled", "--rename", "labelled=green", "--subnet", "10.90.0.0/16=10.94.0.0/16"]);
    assert_eq!(done.status, 0, "{done:?}");
    let kept = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).find(|path| *path != file).unwrap();
    assert!(text(&kept).contains("local-kv.db.bak-") && fs::read(&kept).unwrap() == before);
    let there = read(pairs_at(&file));
    assert_eq!(there.find_network("green").unwrap().subnets().next().unwrap().to_string(), "10.94.0.0/16");
    // All others are as they were.
    let old = pairs("live-20.10.24.db");
    assert_eq!(pairs_at(&file).iter().filter(|pair| old.contains(pair)).count(), old.len());
    assert_eq!(unbolt(["check", text(&file)]).text(), "OK\n");

    // Nothing to do, so nothing is kept and nothing written.
    let after = fs::read(&file).unwrap();
    let again = migrate(&["--network", "labelled", "--rename", "labelled=green", "--subnet", "10.90.0.0/16=10.94.0.0/16"]);
    assert!(again.status == 0 && again.err.contains("network green: there already"), "{again:?}");
    assert!(fs::read(&file).unwrap() == after && names() == 2);
    assert_eq!(migrate(&["--network", "labelled"]).status, 6);
    assert_eq!(net(&["migrate", text(&file), text(&file)]).status, 6);
}

#[test]
fn what_is_imported_is_changed_on_the_way_as_what_is_migrated_is() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["export.json", "imported.db", "migrated.db", "made.db"];
    let [export, imported, migrated, made] = names.map(|name| folder.path().join(name));
    let source = path(RUNNING);
    fs::write(&export, net(&["export", text(&source)]).out).unwrap();
    fs::copy(path("live-20.10.24.db"), &imported).unwrap();
    fs::copy(path("live-20.10.24.db"), &migrated).unwrap();
    let options = [
        ["--network", "labelled"],
        ["--network", "lan"],
        ["--network", "inner"],
        ["--rename", "labelled=green"],
        ["--subnet", "10.90.0.0/16=10.94.0.0/16"],
        ["--parent", "uplink0=eth7"],
        ["--bridge-name", "br-demo=br-other"],
        ["--target", "27.0"],
    ]
    .concat();
    let import = |file: &std::path::Path, options: &[&str]| net(&[&["import", text(file), text(&export)], options].concat());
    let (by_import, by_migrate) =
        (import(&imported, &options), net(&[&["migrate", text(&source), text(&migrated)], &options[..]].concat()));
    assert_eq!((by_import.status, by_migrate.status), (0, 0), "{by_import:?}{by_migrate:?}");
    let words = ": 2 endpoints left behind: docker makes endpoints anew when their containers start\n";
    assert!(by_import.err.contains(words) && by_migrate.err.contains(words), "{by_import:?}{by_migrate:?}");
    assert_eq!(pairs_at(&imported), pairs_at(&migrated));
    let there = read(pairs_at(&imported));
    let green = there.find_network("green").unwrap();
    assert_eq!(green.subnets().next().unwrap().to_string(), "10.94.0.0/16");

    // Into no file the same networks come, and none of what else the export has.
    let done = import(&made, &options);
    assert_eq!(done.status, 0, "{done:?}");
    let made = read(pairs_at(&made));
    assert_eq!(made.networks.iter().map(|network| &network.name).collect::<Vec<_>>(), ["green", "lan", "inner"]);
    assert_eq!(made.find_network("green").unwrap().bytes(), green.bytes());
    assert!(made.endpoints.is_empty() && made.sandboxes.is_empty());

    // Whatever is taken is named, and nothing is written.
    let before = fs::read(&imported).unwrap();
    let files = fs::read_dir(folder.path()).unwrap().count();
    let options = ["--network", "labelled", "--new-id", "--rename", "labelled=lan", "--subnet", "10.90.0.0/16=10.92.0.0/29"];
    let refused = import(&imported, &options);
    assert_eq!(refused.status, 6, "{refused:?}");
    for words in [
        "network lan: its name is that of network lan",
        "network lan: its printer 10.90.0.9 has no place in 10.92.0.0/29",
        "3 conflicts, nothing is written",
    ] {
        assert!(refused.err.contains(words), "{refused:?}");
    }
    assert!(fs::read(&imported).unwrap() == before && fs::read_dir(folder.path()).unwrap().count() == files);
}

#[test]
fn a_static_address_of_a_container_of_the_files_root_stands_in_the_way_of_an_import() {
    let root = tempfile::tempdir().unwrap();
    let (folder, container) = (root.path().join("network/files"), root.path().join("containers/c"));
    let (file, export) = (folder.join("local-kv.db"), root.path().join("export.json"));
    [&folder, &container].iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
    fs::write(&export, net(&["export", text(&path(RUNNING))]).out).unwrap();
    let id = inventory(RUNNING).find_network("labelled").unwrap().id.clone();
    let place = json!({ "NetworkID": id, "IPAMConfig": { "IPv4Address": "10.90.5.7" } });
    let config = json!({ "ID": "c", "Name": "/web", "NetworkSettings": { "Networks": { "labelled": place } } });
    fs::write(container.join("config.v2.json"), config.to_string()).unwrap();
    let options = ["--network", "labelled", "--subnet", "10.90.0.0/16=10.94.0.0/16"];
    let refused = net(&[&["import", text(&file), text(&export)], &options[..]].concat());
    assert_eq!(refused.status, 6, "{refused:?}");
    assert!(refused.err.contains("container web has the static address 10.90.5.7"), "{refused:?}");
    assert!(!file.exists());
}

#[test]
fn a_stripped_file_has_the_networks_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("base.db");
    let done = net(&["strip", text(&path(RUNNING)), "-o", text(&file)]);
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(net(&["strip", text(&path(RUNNING)), "-o", text(&file)]).status, 6);
    let (before, after) = (inventory(RUNNING), read(pairs_at(&file)));
    let names = |inventory: &Inventory| inventory.networks.iter().map(|network| network.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before).into_iter().filter(|name| name != "bridge").collect::<Vec<_>>());
    assert!(after.endpoints.is_empty() && after.sandboxes.is_empty() && after.bridge_endpoints.is_empty());
    assert!(after.bridges.iter().all(|bridge| !bridge.default_bridge) && after.counts.iter().all(|count| count.count == 0));
    assert_eq!(after.counts.len(), after.networks.len());
    // What stays keeps its index.
    let old = pairs(RUNNING);
    let kept = pairs_at(&file);
    assert!(kept.iter().all(|pair| old.iter().any(|old| (&old.key, old.last_index) == (&pair.key, pair.last_index))));
    for name in FILES {
        let stripped = Stripped::of(&inventory(name));
        assert_eq!(stripped.pairs.len() + stripped.dropped.len(), pairs(name).len(), "{name}");
        assert_eq!(Stripped::of(&read(stripped.pairs.clone())).pairs, stripped.pairs, "{name}");
    }
}
