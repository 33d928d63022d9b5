//! Owns `page-item`: the key and the value of one item of a leaf page.

use std::path::PathBuf;

use super::bytes::Format;
use super::number;
use super::txid::TxidArg;

/// Print the key and the value of one item of a leaf page
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt page-item local-kv.db 4 0
  unbolt page-item --value-only --format bytes local-kv.db 4 0")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The number of the page
    #[arg(value_name = "PAGE", value_parser = number::decimal)]
    pub page: u64,
    /// The number of the item, from 0
    #[arg(value_name = "ITEM", value_parser = number::decimal)]
    pub item: u64,
    /// Print only the key
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub key_only: bool,
    /// Print only the value
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub value_only: bool,
    /// How key and value are written
    #[arg(long, value_enum, default_value = "auto")]
    pub format: Format,
    #[command(flatten)]
    pub state: TxidArg,
}
