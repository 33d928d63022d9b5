//! Records changed at random: what is exported comes back; what comes is whole and in nobody's way, or everything is
//! named and nothing is written.

use std::fs;

use quickcheck::{Arbitrary, Gen, TestResult, quickcheck};
use unbolt::Snapshot;
use unbolt::net::transfer::{Blueprint, Export, Migration, MigrationError, Stripped, compose, docker};
use unbolt::net::{Inventory, Network, Record};
use unbolt::store::KvPair;

use crate::command::in_process;
use crate::files::*;

/// The records of a file, some of them changed in places, some of them missing.
#[derive(Debug, Clone)]
struct Mutated(Vec<KvPair>);

impl Arbitrary for Mutated {
    fn arbitrary(g: &mut Gen) -> Mutated {
        let mut pairs = pairs(g.choose(&FILES).unwrap());
        for _ in 0..u8::arbitrary(g) % 8 {
            let at = usize::arbitrary(g) % pairs.len();
            let kind = u8::arbitrary(g) % 5;
            if kind == 0 && pairs.len() > 1 {
                pairs.remove(at);
                continue;
            }
            let value = &mut pairs[at].value;
            match kind {
                1 if !value.is_empty() => {
                    let byte = usize::arbitrary(g) % value.len();
                    value[byte] = *g.choose(b"\"\\{}[]:,0123456789-eEtfn<\xff./").unwrap();
                }
                2 => value.truncate(usize::arbitrary(g) % (value.len() + 1)),
                _ => swap_digits(g, value),
            }
        }
        Mutated(pairs)
    }
}

/// Digits changed to others make other addresses, lengths of prefixes and ids of what is good JSON still.
fn swap_digits(g: &mut Gen, value: &mut [u8]) {
    let digits: Vec<usize> = (0..value.len()).filter(|i| value[*i].is_ascii_digit()).collect();
    for _ in 0..3 {
        if let Some(at) = g.choose(&digits) {
            value[*at] = *g.choose(b"0123456789").unwrap();
        }
    }
}

fn any_migration(g: &mut Gen, source: &Inventory) -> Migration {
    let mut migration = Migration { new_ids: bool::arbitrary(g), ..Migration::default() };
    let named: Vec<&Record<Network>> = source.networks.iter().collect();
    if let Some(network) = g.choose(&named) {
        if bool::arbitrary(g) {
            migration.networks.push(network.id.clone());
        }
        if bool::arbitrary(g) {
            migration.rename.push((network.id.clone(), "renamed".into()));
        }
        if let Some(subnet) = network.subnets().next().filter(|_| bool::arbitrary(g)) {
            let to = if subnet.is_ipv6() {
                ["fd00:1::/64", "::/0", "ffff::/127"]
            } else {
                ["10.1.0.0/16", "0.0.0.0/0", "255.255.255.252/30"]
            };
            migration.subnets.push((subnet, g.choose(&to).unwrap().parse().unwrap()));
        }
    }
    let targets = [None, Some("1.9"), Some("20.10"), Some("23.0"), Some("28.5")];
    migration.target = g.choose(&targets).unwrap().map(|target| target.parse().unwrap());
    migration
}

quickcheck! {
    fn an_export_of_any_records_comes_back_byte_for_byte(mutated: Mutated) -> bool {
        let inventory = read(mutated.0.clone());
        let export = Export::parse(&Export::of(&inventory).to_json()).unwrap();
        Stripped::of(&inventory);
        docker(inventory.networks.iter().map(|network| -> &Network { network }));
        compose(inventory.networks.iter().map(|network| -> &Network { network }));
        export.pairs() == mutated.0
    }

    fn a_document_with_any_change_is_read_or_refused(at: usize, with: u8, cut: bool) -> TestResult {
        let mut text = Export::of(&inventory(RUNNING)).to_json().into_bytes();
        let at = at % text.len();
        if cut { text.truncate(at) } else { text[at] = with }
        let Ok(text) = String::from_utf8(text) else { return TestResult::discard() };
        if let Ok(export) = Export::parse(&text) {
            read(export.pairs());
        }
        TestResult::passed()
    }
}

#[test]
fn what_comes_is_whole_and_in_nobodys_way_or_everything_is_named() {
    let (mut came, mut refused) = (0, 0);
    for seed in 0..600 {
        let mut g = Gen::from_size_and_seed(100, seed);
        let (source, pairs) = (read(Mutated::arbitrary(&mut g).0), any_place(&mut g));
        let there = read(pairs.clone());
        let migration = any_migration(&mut g, &source);
        match plan(&migration, &source, &there) {
            Err(MigrationError::Conflicts(conflicts)) => {
                assert!(!conflicts.is_empty());
                refused += 1;
            }
            Err(_) => {}
            Ok(plan) => {
                let after = with(&pairs, &plan);
                assert_eq!(after.bad.len(), there.bad.len(), "seed {seed}");
                let ids: Vec<&str> = plan.coming.iter().map(|one| one.blueprint.network.id.as_str()).collect();
                for id in &ids {
                    Blueprint::of(&after, after.network(id).unwrap()).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
                }
                assert!(apart(&after, &ids), "seed {seed}");
                came += usize::from(!ids.is_empty());
            }
        }
    }
    assert!(came > 60 && refused > 60, "{came} came, {refused} refused");
}

/// Another file, or an empty one.
fn any_place(g: &mut Gen) -> Vec<KvPair> {
    if bool::arbitrary(g) { Vec::new() } else { Mutated::arbitrary(g).0 }
}

#[test]
fn commands_on_any_files_write_all_or_nothing() {
    let (mut came, mut refused) = (0, 0);
    for seed in 0..120 {
        let mut g = Gen::from_size_and_seed(100, seed);
        let folder = tempfile::tempdir().unwrap();
        let [source, file, export] = ["source.db", "local-kv.db", "export.json"].map(|name| folder.path().join(name));
        write(&source, &Mutated::arbitrary(&mut g).0);
        write(&file, &any_place(&mut g));
        let before = fs::read(&file).unwrap();
        let run = |words: &[&str]| in_process(&|path| Snapshot::open(path), [&["net"], words].concat());
        let exported = run(&["export", text(&source)]);
        assert!([0, 1].contains(&exported.status), "seed {seed}: {exported:?}");
        fs::write(&export, exported.out).unwrap();
        let outcome = match bool::arbitrary(&mut g) {
            true => run(&["import", text(&file), text(&export)]),
            false => run(&["migrate", text(&source), text(&file), "--target", "20.10"]),
        };
        let is_changed = fs::read(&file).unwrap() != before;
        let files = fs::read_dir(folder.path()).unwrap().count();
        match outcome.status {
            0 => assert_eq!(files, 3 + usize::from(is_changed), "seed {seed}: {outcome:?}"),
            1 | 6 => assert!(!is_changed && files == 3, "seed {seed}: {outcome:?}"),
            _ => panic!("seed {seed}: {outcome:?}"),
        }
        came += usize::from(is_changed);
        refused += usize::from(outcome.status == 6);
    }
    assert!(came > 10 && refused > 10, "{came} came, {refused} refused");
}

/// Whether networks that came share neither name nor subnet with any other.
fn apart(inventory: &Inventory, ids: &[&str]) -> bool {
    inventory.networks.iter().filter(|network| ids.contains(&network.id.as_str())).all(|one| {
        inventory.networks.iter().filter(|other| other.id != one.id).all(|other| {
            let spaced = |network: &Network| {
                network.pools().filter_map(|pool| Some((pool.address_space.clone(), pool.subnet?))).collect::<Vec<_>>()
            };
            let theirs = spaced(other);
            let overlaps = spaced(one)
                .iter()
                .any(|(space, subnet)| theirs.iter().any(|(their, other)| their == space && other.overlaps(*subnet)));
            other.name != one.name && !overlaps
        })
    })
}
