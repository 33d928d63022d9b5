//! Owns `kv exists`: whether a key is there.

use std::ffi::OsString;
use std::path::PathBuf;

/// Tell by the exit status whether a key is there: 0 yes, 1 no
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt kv exists local-kv.db docker/network/v1.0/... && echo there
  unbolt kv exists --bucket other store.db some/key")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key
    #[arg(value_name = "KEY")]
    pub key: OsString,
}
