//! Any bytes as pages: whatever parses lies inside its bytes and encodes to the same.
#![no_main]

#[path = "../src/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::format(data));
