//! Owns `kv put`: the value of one key, set, and the index that it got.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::change::{self, Missing, Stop};
use crate::cli::argument;
use crate::cli::bytes::ParseFormat;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::number;
use crate::cli::status::Status;
use crate::cli::transaction::WriteArgs;
use crate::store::{KvPair, StoreError, StoreTx};

/// Set the value of a key and print its new index
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
VALUE is the bytes themselves, `@PATH` for those of a file, or `-` for standard input, which is also \
the way for a value that begins with `@`. A bucket that is not there is made with its first key. The \
exit status is 1 where the key is not as --create or --previous wants it, and nothing is changed then.

Stop dockerd first: while it runs it keeps its own copy of what is here and writes it again.

Examples:
  unbolt kv put --previous 12 local-kv.db docker/network/v1.0/network/ID/ @network.json
  unbolt kv put --create --bucket other store.db some/key '{\"name\": \"blue\"}'")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key
    #[arg(value_name = "KEY")]
    pub key: OsString,
    /// The value, without an index
    #[arg(value_name = "VALUE")]
    pub value: OsString,
    /// Only where there is no such key
    #[arg(long, conflicts_with = "previous")]
    pub create: bool,
    /// Only where the index of the key still is this
    #[arg(long, value_name = "INDEX", value_parser = number::decimal)]
    pub previous: Option<u64>,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, bucket: &OsString, context: &mut Context<'_>) -> Result<Status, Failure> {
    let key = change::key(&args.key)?;
    let value = argument::value(&args.value, ParseFormat::AsciiEncoded, context)?;
    let missing = if args.previous.is_some() { Missing::Refused } else { Missing::Made };
    change::change(&args.file, bucket, missing, &args.write, context, |file, store, report| {
        let before = change::stored(store, key)?;
        let pair = put(args, file, store, key, &value)?;
        report.plan(change::plan_of_put(bucket, &pair, before))?;
        report.line(pair.last_index)?;
        Ok(())
    })
}

/// Sets the value as it was asked for.
fn put(args: &Args, file: &Path, store: &mut StoreTx<'_>, key: &str, value: &[u8]) -> Result<KvPair, Stop> {
    let previous = args.previous.map(|index| change::with_index(key, index));
    if args.create || previous.is_some() {
        return store.atomic_put(key, value, previous.as_ref()).map_err(|e| change::about(file, store, key, e));
    }
    store.put(key, value)?;
    Ok(store.get(key)?.ok_or(StoreError::KeyNotFound)?)
}
