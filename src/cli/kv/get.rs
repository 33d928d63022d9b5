//! Owns `kv get`: the value of one key, or its index.

use std::ffi::OsString;
use std::path::PathBuf;

/// Print the value of a key without its index, as it is
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt kv get local-kv.db docker/network/v1.0/... | jq .
  unbolt kv get --index local-kv.db docker/network/v1.0/...")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key
    #[arg(value_name = "KEY")]
    pub key: OsString,
    /// Print the index alone
    #[arg(long)]
    pub index: bool,
}
