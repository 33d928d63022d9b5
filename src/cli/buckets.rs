//! Owns `buckets`: the names of the buckets.

use std::path::PathBuf;

use super::listing::Listing;
use super::txid::TxidArg;

/// List the top-level buckets
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt buckets meta.db
  unbolt buckets --recursive --format json meta.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// List nested buckets too, as paths with `/` between the names
    #[arg(long, short)]
    pub recursive: bool,
    /// One name per line as it is, or one JSON object per bucket
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}
