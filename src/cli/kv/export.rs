//! Owns `kv export`: the pairs of the store as one JSON array.

use std::ffi::OsString;
use std::path::PathBuf;

/// Print keys, indexes and values as a JSON array
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Values are exact: a string where they are valid UTF-8, else {\"hex\": \"...\"}.

Examples:
  unbolt kv export local-kv.db > networks.json
  unbolt kv export local-kv.db docker/network/ | jq 'length'")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only keys that begin with this
    #[arg(value_name = "PREFIX")]
    pub prefix: Option<OsString>,
}
