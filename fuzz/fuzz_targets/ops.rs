//! Operations, crashes, failing calls and reopening: what is there is what a map of maps has.
#![no_main]

#[path = "../src/ops.rs"]
mod ops;
#[path = "../../tests/states/mod.rs"]
mod states;

libfuzzer_sys::fuzz_target!(|data: &[u8]| ops::ops(data));
