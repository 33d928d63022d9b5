//! Databases with a few wrong fields: the check says what a slow one without a line in common says.
#![no_main]

#[path = "../src/checker.rs"]
mod checker;
#[path = "../src/structured.rs"]
mod structured;

libfuzzer_sys::fuzz_target!(|data: &[u8]| structured::structured(data));
