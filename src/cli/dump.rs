//! Owns `dump`: pages as hexadecimal digits.

use std::path::PathBuf;

use super::number::PageArg;
use super::txid::TxidArg;

/// Print pages as hexadecimal digits
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Each number stands for one page of the file, without the overflow pages behind it.

Examples:
  unbolt dump local-kv.db 0
  unbolt dump local-kv.db 0 1")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The numbers of the pages
    #[arg(value_name = "PAGE", required = true)]
    pub pages: Vec<PageArg>,
    #[command(flatten)]
    pub state: TxidArg,
}
