//! Owns `delete`: one key, gone.

use std::ffi::OsString;
use std::path::PathBuf;

use super::bytes::ParseFormat;
use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::transaction::{self, WriteArgs};
use super::{argument, naming, quote};
use crate::Entry;

/// Delete a key and its value
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "unbolt delete [OPTIONS] <FILE> <BUCKET>... <KEY>",
    after_long_help = "\
The exit status is 1 where there is no such key.

Examples:
  unbolt delete meta.db v1 default labels
  unbolt delete --dry-run --parse-format hex meta.db bucket 00ff"
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
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (path, key) = argument::path_and_key(&args.path, args.parse_format)?;
    context.write(&args.file, &args.write, |tx, report| {
        let failed = |e| Failure::of(&args.file, e);
        let mut bucket = transaction::bucket(tx, &args.file, &path)?;
        let size = match bucket.entry(&key).map_err(failed)? {
            Some(Entry::Value(value)) => naming::count(value.len() as u64, "byte"),
            Some(Entry::Bucket(_)) => {
                let failure = naming::is_a_bucket(Status::No, &args.file, &key);
                return Err(failure.hint("`unbolt delete-bucket` deletes it with everything in it"));
            }
            None => return Err(naming::no_such_key(&args.file, &key)),
        };
        bucket.delete(&key).map_err(failed)?;
        report.plan(format_args!("delete {} from {}: {size}", quote::quote(&key), naming::bucket(&path)))?;
        Ok(Status::Done)
    })
}
