//! Replays what fuzzing has collected.
#![cfg(feature = "cli")]

#[path = "../fuzz/src/bodies.rs"]
mod bodies;

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
fn every_input_of_the_net_corpus_passes() {
    replay("net", 20, bodies::net);
}
