//! Promise: an export made to a file again is the same records; networks come into another file with all that makes them
//! and nothing else; whatever stands in their way is named, all of it, and nothing is written then.

#![cfg(all(unix, feature = "cli"))]

#[path = "../command/mod.rs"]
mod command;
mod commands;
mod conflicts;
mod exports;
mod files;
mod moved;
mod scripts;
mod targets;
mod wild;
