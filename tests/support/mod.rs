//! What several test files share: the databases in `testdata`, their dumps, and bytes made by hand.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod alloc;
#[cfg(all(unix, feature = "cli"))]
pub mod commands;
pub mod damage;
pub mod digest;
pub mod dump;
pub mod exercise;
pub mod faulty;
pub mod foreign;
pub mod image;
pub mod layout;
pub mod markup;
#[cfg(all(unix, feature = "cli"))]
pub mod patient;
pub mod shape;
pub mod specimens;
pub mod swap;
pub mod testdata;
