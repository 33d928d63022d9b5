//! Promise: the files that are known byte for byte are ours too, and the order of puts in a transaction is no matter.

mod scripts;
mod support;

use sha2::{Digest, Sha256};

use scripts::bytes::Recipe;
use scripts::directed::{at, put};
use scripts::random::{Random, seed};
use scripts::run;
use scripts::script::{Action, Engine, Operation, Script};
use support::dump::hex;

fn sha256(script: &Script) -> String {
    hex(&Sha256::digest(run::bytes(script)))
}

fn fresh(page_size: u32) -> Script {
    Script::new(Engine::Bbolt150, page_size)
}

fn ensure(bucket: &str) -> Operation {
    at(bucket, Action::Ensure)
}

fn in_bucket(bucket: &str, path: &[&str], action: Action) -> Operation {
    Operation { path: [&[bucket], path].concat().into_iter().map(Recipe::text).collect(), action }
}

/// Puts of `%08d` or so for a range of numbers, in the bucket `b`, which is made first.
fn puts(numbers: std::ops::Range<u32>, width: usize, value: &Recipe) -> Vec<Operation> {
    let puts = numbers.map(|number| put(format!("{number:0width$}"), value.clone()));
    [ensure("b")].into_iter().chain(puts).collect()
}

fn deletes(numbers: impl Iterator<Item = u32>, width: usize) -> Vec<Operation> {
    numbers.map(|number| at("b", Action::Delete(Recipe::text(format!("{number:0width$}"))))).collect()
}

/// The workload of V2 to V2c.
fn g1(mut script: Script) -> Script {
    for round in 0..3 {
        let mut operations = vec![ensure("b")];
        for number in 0..300 {
            operations.push(put(format!("{:05}", number + 7 * round), Recipe::text(format!("v{round}-{number}"))));
        }
        operations.push(in_bucket("b", &["sub"], Action::Ensure));
        operations.push(in_bucket("b", &["sub"], Action::Next));
        operations.push(in_bucket("b", &["sub"], Action::Put(Recipe::text("x"), Recipe::text("y"))));
        script = script.commit(operations);
    }
    script.commit(deletes((0..200).step_by(2), 5))
}

fn v4(puts: Vec<Operation>) -> Script {
    let fill = [ensure("b"), at("b", Action::Fill(1.0))];
    fresh(4096).commit(fill.into_iter().chain(puts))
}

fn v6(puts: Vec<Operation>) -> Script {
    fresh(4096).commit([ensure("b")].into_iter().chain(puts)).commit(deletes(0..1000, 8))
}

fn of_forty_x() -> Vec<Operation> {
    puts(0..2000, 8, &Recipe::same(40, b'x')).split_off(1)
}

fn v8() -> Script {
    let path = |action| in_bucket("a", &["b", "c"], action);
    let mut first = vec![at("a", Action::Create), in_bucket("a", &["b"], Action::Create), path(Action::Create)];
    first.push(path(Action::Sequence(42)));
    let number = |number: u32| Recipe::text(format!("{number:04}"));
    first.extend((0..200).map(|n| path(Action::Put(number(n), Recipe::same(50, b'n')))));
    fresh(4096).commit(first).commit([path(Action::Put(number(100), Recipe::text("upd")))])
}

fn v10() -> Script {
    (0..20_u8).fold(fresh(4096), |script, number| {
        script.commit([ensure("b"), put(format!("{number:04}"), Recipe::same(1 << 20, b'a' + number))])
    })
}

const V4: &str = "576f0ac5573a7df2817e7ead6237280498e9c8179eb1551adc6c46ec3846a4c1";
const V6: &str = "7d2b04622ce78f6ade45e91696d588ce789d21bf83da0ff91afc2e6f08f119c4";

#[test]
fn every_golden_vector_is_made() {
    let without_list = Script { no_freelist_sync: true, ..fresh(4096) };
    let one = |key: &str, len, byte| vec![ensure("b"), put(key.into(), Recipe::same(len, byte))];
    let growing = (0..10).map(|i| put(format!("k{i}"), Recipe::same(1000 * i, b'A' + i as u8)));
    let long_key = |i: u32| Recipe::text(format!("{i:04}")).then(Recipe::same(2996, b'K'));
    let long_keys = (0..40).map(|i| at("b", Action::Put(long_key(i), Recipe::text("v"))));
    let large = at("c", Action::Put(Recipe::text("k"), Recipe::same(20_000, b'q')));
    let vectors = [
        ("V0", fresh(4096), "f80ea184425737cdc7de57b1c8d4797e8a57ccee797991395e3800cd4ed0ac1e"),
        ("V0a", fresh(1024), "c6c0a98f236e45c11adb95bed98e7ac20279a3b18c2b911a6951a44e10773cdb"),
        ("V0b", fresh(16384), "654deaeb880b95c8aa835e2315528c8ef0970afac770dcc9ee807b4e406588ed"),
        (
            "V1",
            fresh(4096).commit([]).commit([]).commit([]),
            "81b2930dec4d4db9703d97f2050712b388793ac304a5a265ab1028e5cb8d1321",
        ),
        ("V2", g1(fresh(4096)), "430f1f3d3e5bc551555329259f440a58059a9473316327de87da6d7c310056b4"),
        ("V2a", g1(without_list), "c540e07e6c98b5f5581328ee193c45de506ab7ae8df9d84d0a4da5abeba38df7"),
        ("V2c", g1(fresh(16384)), "ae0a44ed477f1cec2c3c7009a689502d3ea8fe5ecf5faccf995dd11e6c821445"),
        (
            "V3",
            fresh(4096).commit([ensure("b")].into_iter().chain(growing)),
            "ade63550cc4ba7e3779db22fdac3b03e0e730e79e321461aa709b7c2d9524f77",
        ),
        ("V4", v4(of_forty_x()), V4),
        ("V5", fresh(4096).commit(one("k", 991, b'i')), "fef648178516309dac69e11bfa443ecbb8d7a9b80b3d7af110fceb43f4fa22b4"),
        ("V5a", fresh(4096).commit(one("k", 992, b'i')), "b08c69ed577341702fd8f098d2a29b2d2ab4e068fd00dd3f1ea19e95787f5321"),
        (
            "V5b",
            fresh(4096)
                .commit(one("k", 10, b'i'))
                .commit(one("z", 3000, b'i'))
                .commit([at("b", Action::Delete(Recipe::text("z")))]),
            "f583dce96f6c1adee8bef9372631cf8be7bd29f2e63a5adb3c5065c6cd605578",
        ),
        ("V6", v6(of_forty_x()), V6),
        (
            "V6a",
            fresh(4096).commit(puts(0..300, 8, &Recipe::same(76, b'x'))).commit(deletes(40..60, 8)),
            "647702bf54000e474be94156080f164a1f3199f7b6fcbe448aa5e92cd2c4270a",
        ),
        (
            "V7",
            fresh(4096).commit([ensure("b")].into_iter().chain(long_keys)),
            "46576107e81cc7946ea5407016f9cc2d543438cd70d28d0e0ce72352b0c89842",
        ),
        ("V8", v8(), "5206e10c5b97067294eb8f2b46f6c656a1b49b4ca347cc40a3eb85c9daf9e487"),
        (
            "V9",
            fresh(4096)
                .commit(puts(0..500, 4, &Recipe::same(50, b'n')))
                .commit([at("b", Action::Drop)])
                .commit([ensure("c"), large]),
            "1ba360f0c3b5ef0d17bea4ee8b83e3ff2e70ab695f138e859a933452dae36f6d",
        ),
        ("V10", v10(), "b3b27ba1f29531250f138008494b1ee1f5f33c0b772f9459bd385a26a3a4fc44"),
    ];
    let wrong: Vec<_> = vectors.iter().filter(|(_, script, hash)| sha256(script) != *hash).map(|(name, ..)| name).collect();
    assert!(wrong.is_empty(), "{wrong:?} are other files than Go's");
}

#[test]
fn where_go_has_two_outcomes_ours_is_one_of_them() {
    let outcomes = [
        "43ebde9f90562a28f03ba12b00b86482261270b585c86e1e075a40c74feaf4c8",
        "3a606fd8377d1584b894445c28c4ee9a9b4451dc95695d6952d3cb7a983cf370",
    ];
    assert!(outcomes.contains(&sha256(&g1(fresh(1024))).as_str()));
}

#[test]
fn puts_in_any_order_make_the_bytes_of_puts_in_key_order() {
    let seed = seed();
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    for _ in 0..5 {
        let mut puts = of_forty_x();
        random.shuffle(&mut puts);
        assert_eq!([sha256(&v4(puts.clone())), sha256(&v6(puts))], [V4, V6]);
    }
}
