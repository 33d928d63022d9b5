//! Owns `check`: every rule of the format, and where a file breaks one.

use std::path::PathBuf;

use super::listing::Listing;
use super::number;
use super::txid::TxidArg;

/// Verify the integrity of a database
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Prints `OK`, or one line for each finding and their number; the exit status is then 1.

Examples:
  unbolt check local-kv.db
  unbolt check --format json local-kv.db | jq -r .code | sort | uniq -c")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Check only the tree below this page
    #[arg(long, value_name = "PAGE", value_parser = number::flag, default_value = "0", hide_default_value = true)]
    pub from_page: u64,
    /// Lines for people, or one JSON object per finding: code, severity, page, path, offset, message
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}
