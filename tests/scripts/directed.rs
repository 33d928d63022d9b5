//! Scripts for what random ones do not reach.

use super::bytes::Recipe;
use super::script::{Action, Engine, Operation, Script};

const MIB: usize = 1 << 20;

/// All of them.
pub fn scripts() -> Vec<Script> {
    Engine::ALL.into_iter().flat_map(|engine| [growing(engine), levels(engine), inline(engine), free_pages(engine)]).collect()
}

pub fn at(bucket: &str, action: Action) -> Operation {
    Operation { path: vec![Recipe::text(bucket)], action }
}

pub fn put(key: String, value: Recipe) -> Operation {
    at("b", Action::Put(Recipe::text(key), value))
}

fn delete(key: String) -> Operation {
    at("b", Action::Delete(Recipe::text(key)))
}

/// A file that grows past 16 MiB, one mebibyte a transaction.
fn growing(engine: Engine) -> Script {
    let mut script = Script::new(engine, 4096).commit([at("b", Action::Create)]);
    for number in 0..20 {
        script = script.commit([put(format!("{number:04}"), Recipe::noise(MIB, number))]);
    }
    script
}

/// A tree that comes to three levels and goes again, from the left, from the right and from between.
fn levels(engine: Engine) -> Script {
    let mut script = Script::new(engine, 1024).commit([at("b", Action::Create)]);
    for part in 0..8 {
        let puts = (0..200).map(|number| put(format!("{:06}", number * 8 + part), Recipe::noise(40, number)));
        script = script.commit(puts);
    }
    for part in 0..10 {
        let from = |number: usize| match part % 3 {
            0 => part / 3 * 160 + number,
            1 => 1599 - part / 3 * 160 - number,
            _ => 640 + part / 3 * 160 + number,
        };
        script = script.commit((0..160).map(|number| delete(format!("{:06}", from(number)))));
    }
    script
}

/// A bucket that is inline, then not, byte by byte around the limit.
fn inline(engine: Engine) -> Script {
    let mut script = Script::new(engine, 4096).commit([at("b", Action::Create)]);
    for len in [991, 992, 991, 10, 3000, 10, 992] {
        script = script.commit([put("k".into(), Recipe::same(len, b'i'))]);
    }
    script
}

/// More free pages than a list can count in its header, and fewer again.
fn free_pages(engine: Engine) -> Script {
    let mut script = Script::new(engine, 1024).commit([at("b", Action::Create)]);
    let key = |number: u64| format!("{number:04}");
    for half in 0..2 {
        script =
            script.commit((0..34).map(|number| half * 34 + number).map(|number| put(key(number), Recipe::noise(MIB, number))));
    }
    script = script.commit((0..68).map(|number| delete(key(number))));
    for number in 0..20 {
        script = script.commit([put(format!("few-{number:04}"), Recipe::noise(600, number))]);
    }
    script.commit((0..12).map(|number| put(key(number), Recipe::noise(MIB, number))))
}
