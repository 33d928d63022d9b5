//! Replays what fuzzing has collected.
#![cfg(feature = "cli")]

#[path = "../fuzz/src/bodies.rs"]
mod bodies;
mod calls;
#[path = "../fuzz/src/checker.rs"]
mod checker;
#[path = "../fuzz/src/ops.rs"]
mod ops;
mod states;
#[path = "../fuzz/src/store.rs"]
mod store;
#[path = "../fuzz/src/structured.rs"]
mod structured;

use std::path::Path;

fn replay(target: &str, least: usize, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs = 0;
    for file in std::fs::read_dir(&folder).expect("the corpus is there") {
        let path = file.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        std::panic::catch_unwind(|| body(&input)).unwrap_or_else(|_| panic!("{}", path.display()));
        inputs += 1;
    }
    assert!(inputs >= least, "only {inputs} inputs in {}", folder.display());
}

#[test]
fn every_input_of_the_format_corpus_passes() {
    replay("format", 100, bodies::format);
}

#[test]
fn every_input_of_the_open_corpus_passes() {
    replay("open", 100, bodies::open);
}

#[test]
fn every_input_of_the_structured_corpus_passes() {
    replay("structured", 100, structured::structured);
}

#[test]
fn every_input_of_the_ops_corpus_passes() {
    replay("ops", 100, ops::ops);
}

#[test]
fn every_input_of_the_store_corpus_passes() {
    replay("store", 50, store::store);
}

/// Inputs that nobody has picked: what fuzzing finds first, every test run finds too.
#[test]
fn random_inputs_pass() {
    let mut next = states::numbers(5);
    for (body, count) in [(structured::structured as fn(&[u8]), 5000), (ops::ops, 300), (store::store, 50)] {
        for _ in 0..count {
            let len = 20 + next() as usize % 400;
            let input: Vec<u8> = (0..len).map(|_| next() as u8).collect();
            let shown = || input.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            std::panic::catch_unwind(|| body(&input)).unwrap_or_else(|_| panic!("{}", shown()));
        }
    }
}

#[test]
fn every_input_of_the_net_corpus_passes() {
    replay("net", 100, bodies::net);
}
