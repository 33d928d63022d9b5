//! Owns `kv get`: the value of one key, or its index.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::store::{self, Store, beginning_with_it, no_value};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::store::decode;
use crate::tree::Entry;

/// Print the value of a key without its index, as it is
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The bytes of the value are written exactly, without a line end of their own.

Examples:
  unbolt kv get local-kv.db docker/network/v1.0/network/ID/ | jq .
  unbolt kv get --index local-kv.db docker/network/v1.0/network/ID/")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key
    #[arg(value_name = "KEY")]
    pub key: OsString,
    /// Print the index alone
    #[arg(long)]
    pub index: bool,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, bucket: &OsString, context: &mut Context<'_>) -> Result<Status, Failure> {
    let key = args.key.as_encoded_bytes();
    store::read(&args.file, bucket, &args.state, context, |file, store, spool| {
        let stored = match store.entry(key).map_err(|e| Failure::of(file, e))? {
            Some(Entry::Value(stored)) if !stored.is_empty() => stored,
            Some(Entry::Bucket(_)) => return Err(no_value(file, key, "is a bucket, not a value")),
            Some(Entry::Value(_)) => return Err(no_value(file, key, "has no value at all, not even an index")),
            None => return Err(absent(file, store, key)),
        };
        let (index, value) = decode(key, &stored).map_err(|e| Failure::at(Status::Corrupt, file, e))?;
        if args.index {
            writeln!(spool.out(), "{index}")?;
        } else {
            spool.out().write_all(value)?;
        }
        Ok(Status::Done)
    })
}

fn absent(file: &Path, store: &Store<'_>, key: &[u8]) -> Failure {
    let failure = no_value(file, key, "is not there");
    let longer = store.prefix(key).next().and_then(Result::ok).filter(|_| !key.is_empty());
    match longer {
        Some((longer, _)) => failure.hint(beginning_with_it(&longer)),
        None => failure,
    }
}
