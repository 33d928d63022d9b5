//! Any bytes as a file, the checksums of its metas made right: every way to read it ends.
#![no_main]

#[path = "../src/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::open(data));
