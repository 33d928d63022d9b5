//! Owns `keys`: the keys of one bucket, all of them or a range, either way round.

use std::ffi::OsString;
use std::path::PathBuf;

use super::bytes::{Format, ParseFormat};
use super::txid::TxidArg;

/// List the keys in a bucket, nested buckets among them
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt keys local-kv.db libnetwork
  unbolt keys --prefix docker/network/ --limit 10 --format json local-kv.db libnetwork")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The bucket, by the names on the way to it
    #[arg(value_name = "BUCKET", required = true)]
    pub buckets: Vec<OsString>,
    /// How keys are written
    #[arg(long, short, value_enum, default_value = "auto")]
    pub format: Format,
    /// Only keys that begin with this
    #[arg(long, value_name = "BYTES", conflicts_with_all = ["from", "to"])]
    pub prefix: Option<OsString>,
    /// Only keys from this one on
    #[arg(long, value_name = "KEY")]
    pub from: Option<OsString>,
    /// Only keys before this one
    #[arg(long, value_name = "KEY")]
    pub to: Option<OsString>,
    /// At most this many keys
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Last key first
    #[arg(long)]
    pub reverse: bool,
    /// How --prefix, --from and --to are given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    #[command(flatten)]
    pub state: TxidArg,
}
