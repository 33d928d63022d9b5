//! Any bytes as the values of Docker's records: whatever is wrong with them is named, and mended or left to somebody.
#![no_main]

#[path = "../src/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::net(data));
