//! Owns `get`: the value of one key.

use std::ffi::OsString;
use std::path::PathBuf;

use super::bytes::{Format, ParseFormat};
use super::txid::TxidArg;

/// Print the value of a key
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "unbolt get [OPTIONS] <FILE> <BUCKET>... <KEY>",
    after_long_help = "\
Examples:
  unbolt get --format bytes meta.db v1 default images
  unbolt get --parse-format hex meta.db bucket 00ff"
)]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The names of the buckets on the way to the key, then the key
    #[arg(value_name = "BUCKET|KEY", required = true, num_args = 2..)]
    pub path: Vec<OsString>,
    /// How the key is given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    /// How the value is written
    #[arg(long, value_enum, default_value = "auto")]
    pub format: Format,
    #[command(flatten)]
    pub state: TxidArg,
}
