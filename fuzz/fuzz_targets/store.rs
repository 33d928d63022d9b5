//! Calls on a store: what comes of them is what the rules of Go's store say.
#![no_main]

#[path = "../../tests/calls/mod.rs"]
mod calls;
#[path = "../../tests/states/mod.rs"]
mod states;
#[path = "../src/store.rs"]
mod store;

libfuzzer_sys::fuzz_target!(|data: &[u8]| store::store(data));
