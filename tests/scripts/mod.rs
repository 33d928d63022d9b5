//! Scripts of transactions, run by this crate and by Go's libraries on files of their own or by turns on one.
//!
//! `interop/README.md` describes their text; `interop/script` is Go's side.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod bytes;
pub mod directed;
pub mod generate;
pub mod judge;
pub mod model;
pub mod peer;
pub mod random;
pub mod report;
pub mod run;
pub mod script;
pub mod seen;
pub mod shrink;
