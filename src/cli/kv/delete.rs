//! Owns `kv delete`: one key, gone.

use std::ffi::OsString;
use std::path::PathBuf;

use super::change::{self, Missing};
use super::store::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::naming;
use crate::cli::number;
use crate::cli::status::Status;
use crate::cli::transaction::WriteArgs;

/// Delete a key
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The exit status is 1 where there is no such key, or its index is not that of --previous.

Stop dockerd first: while it runs it keeps its own copy of what is here and writes it again.

Examples:
  unbolt kv delete --dry-run /var/lib/docker docker/network/v1.0/bridge/ID/
  unbolt kv delete --previous 12 local-kv.db docker/network/v1.0/network/ID/")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key
    #[arg(value_name = "KEY")]
    pub key: OsString,
    /// Only where the index of the key still is this
    #[arg(long, value_name = "INDEX", value_parser = number::decimal)]
    pub previous: Option<u64>,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, bucket: &OsString, context: &mut Context<'_>) -> Result<Status, Failure> {
    let key = change::key(&args.key)?;
    let previous = args.previous.map(|index| change::with_index(key, index));
    change::change(&args.file, bucket, Missing::Refused, &args.write, context, |file, store, report| {
        let before = change::stored(store, key)?.unwrap_or_else(|| naming::count(0, "byte"));
        let deleted = match &previous {
            Some(previous) => store.atomic_delete(key, Some(previous)),
            None => store.delete(key),
        };
        deleted.map_err(|e| change::about(file, store, key, e))?;
        report.plan(format_args!("delete {} from {}: {before}", text(key.as_bytes()), change::name(bucket)))?;
        Ok(())
    })
}
