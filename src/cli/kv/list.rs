//! Owns `kv list`: keys with their indexes and sizes.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::store::{self, Record, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::listing::Listing;
use crate::cli::status::Status;
use crate::cli::table::Table;
use crate::cli::txid::TxidArg;

/// List keys with their indexes and sizes
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "ls",
    after_long_help = "\
SIZE is that of the value, without its index. A record that cannot be read is named on standard \
error, the others are listed. The exit status is 1 where there is such a record, and where no key \
begins with PREFIX.

Examples:
  unbolt kv list /var/lib/docker
  unbolt kv list --format json local-kv.db docker/network/v1.0/network/"
)]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only keys that begin with this
    #[arg(value_name = "PREFIX")]
    pub prefix: Option<OsString>,
    /// As a table, or one JSON object per key: key, last_index, value (parsed where it is JSON)
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, bucket: &OsString, context: &mut Context<'_>) -> Result<Status, Failure> {
    let prefix = store::prefix(&args.prefix);
    store::read(&args.file, bucket, &args.state, context, |file, store, spool| {
        let tally = match args.format {
            Listing::Json => store::each_record(file, store, prefix, spool, |record, spool| {
                Ok(json::write_line(spool.out(), &object(&record))?)
            })?,
            Listing::Table => {
                let mut table = Table::new(&["KEY", "INDEX", "SIZE"]);
                let mut rows = 0_u64;
                let tally = store::each_record(file, store, prefix, spool, |record, _| {
                    rows += 1;
                    table.row([text(record.key), record.last_index.to_string(), record.value.len().to_string()]);
                    Ok(())
                });
                if rows > 0 {
                    table.write(spool.out())?;
                }
                tally?
            }
        };
        tally.status(file, store, prefix)
    })
}

fn object(record: &Record<'_>) -> Value {
    let value = serde_json::from_slice(record.value).unwrap_or_else(|_| json::bytes(record.value));
    json!({ "key": json::bytes(record.key), "last_index": record.last_index, "value": value })
}
