//! Owns `put`: the value of one key, set.

use std::ffi::OsString;
use std::path::PathBuf;

use super::bytes::ParseFormat;
use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::transaction::{self, WriteArgs};
use super::{argument, naming, quote};
use crate::Entry;

/// Set the value of a key
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "unbolt put [OPTIONS] <FILE> <BUCKET>... <KEY> <VALUE>",
    after_long_help = "\
VALUE is the bytes themselves, `@PATH` for those of a file, or `-` for standard input, which is also \
the way for a value that begins with `@`. The buckets must be there; `create-bucket` makes them.

Examples:
  unbolt put meta.db v1 default labels @labels.json
  unbolt put --parse-format hex meta.db bucket 00ff 0102"
)]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The names of the buckets on the way to the key, then the key, then its value
    #[arg(value_name = "BUCKET|KEY|VALUE", required = true, num_args = 3..)]
    pub path: Vec<OsString>,
    /// How key and value are given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let [buckets @ .., key, value] = &args.path[..] else {
        return Err(Failure::usage("a bucket, a key and a value are required"));
    };
    let key = argument::key(key, args.parse_format)?;
    let value = argument::value(value, args.parse_format, context)?;
    let path = argument::path(buckets);
    context.write(&args.file, &args.write, |tx, report| {
        let failed = |e| Failure::of(&args.file, e);
        let mut bucket = transaction::bucket(tx, &args.file, &path)?;
        let before = match bucket.entry(&key).map_err(failed)? {
            None => "where there was none".to_owned(),
            Some(Entry::Value(before)) => format!("in place of {}", naming::count(before.len() as u64, "byte")),
            Some(Entry::Bucket(_)) => return Err(naming::is_a_bucket(Status::Refused, &args.file, &key)),
        };
        bucket.put(&key, &value).map_err(failed)?;
        let (key, size) = (quote::quote(&key), naming::count(value.len() as u64, "byte"));
        report.plan(format_args!("put {key} in {}: {size}, {before}", naming::bucket(&path)))?;
        Ok(Status::Done)
    })
}
