//! Owns `kv exists`: whether a key is there.

use std::ffi::OsString;
use std::path::PathBuf;

use super::store;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;

/// Tell by the exit status whether a key is there: 0 yes, 1 no
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A bucket is not a key, and a key without any value, not even an index, is not there: so libnetwork has it.

Examples:
  unbolt kv exists local-kv.db docker/network/v1.0/network/ID/ && echo there
  unbolt kv exists --bucket other store.db some/key")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key
    #[arg(value_name = "KEY")]
    pub key: OsString,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, bucket: &OsString, context: &mut Context<'_>) -> Result<Status, Failure> {
    store::read(&args.file, bucket, &args.state, context, |file, store, _| {
        let stored = store.get(args.key.as_encoded_bytes()).map_err(|e| Failure::of(file, e))?;
        Ok(if stored.is_some_and(|stored| !stored.is_empty()) { Status::Done } else { Status::No })
    })
}
