//! Owns `export`: a whole database as JSON lines.

use std::path::PathBuf;

use super::txid::TxidArg;

/// Print everything in a database as JSON lines
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
For each bucket one line {\"bucket\": [names], \"sequence\": N}, then its pairs in key order as
{\"bucket\": [names], \"key\": KEY, \"value\": VALUE}, a nested bucket at its place in that order.
Bytes are a string where they are valid UTF-8, else {\"hex\": \"...\"}.

Examples:
  unbolt export local-kv.db > local-kv.jsonl
  unbolt export local-kv.db | jq -r 'select(.key) | .key'")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub state: TxidArg,
}
