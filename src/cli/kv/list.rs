//! Owns `kv list`: keys with their indexes and sizes.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::listing::Listing;

/// List keys with their indexes and sizes
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "ls",
    after_long_help = "\
Values whose index cannot be read are named on standard error; the exit status is then 1.

Examples:
  unbolt kv list /var/lib/docker
  unbolt kv list --format json local-kv.db docker/network/"
)]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only keys that begin with this
    #[arg(value_name = "PREFIX")]
    pub prefix: Option<OsString>,
    /// As a table, or one JSON object per key with its value
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
}
