//! Owns `delete-bucket`: one bucket, gone with everything in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::bytes::ParseFormat;
use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::transaction::{self, WriteArgs};
use super::{argument, naming};
use crate::{Bucket, Entry, Error};

/// Delete a bucket with everything in it
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
--dry-run tells how much that is.

Examples:
  unbolt delete-bucket --dry-run meta.db v1 moby
  unbolt delete-bucket meta.db v1 moby")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The names of the buckets on the way, then that of the bucket to delete
    #[arg(value_name = "BUCKET", required = true, num_args = 1..)]
    pub path: Vec<OsString>,
    /// How the name of the bucket to delete is given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (path, name) = argument::path_and_name(&args.path, args.parse_format)?;
    let whole = [&path[..], &[&name[..]]].concat();
    context.write(&args.file, &args.write, |tx, report| {
        let mut parent = transaction::bucket(tx, &args.file, &path)?;
        let counted = match parent.bucket(&name).map_err(|e| Failure::of(&args.file, e))? {
            Some(bucket) if report.is_dry_run() => Contents::of(&args.file, bucket)?,
            _ => Contents::default(),
        };
        parent.delete_bucket(&name).map_err(|e| match e {
            Error::IncompatibleValue { key } => {
                naming::is_a_value(Status::No, &args.file, &key).hint("`unbolt delete` deletes it")
            }
            e => Failure::of(&args.file, e),
        })?;
        report.plan(format_args!("delete bucket {}: {counted}", naming::bucket(&whole)))?;
        Ok(Status::Done)
    })
}

/// What goes with a bucket.
#[derive(Debug, Default)]
struct Contents {
    keys: u64,
    buckets: u64,
}

impl Contents {
    /// Deepest last, by a list and not by recursion: buckets nest to any depth.
    fn of(file: &Path, bucket: Bucket<'_>) -> Result<Contents, Failure> {
        let mut contents = Contents::default();
        let mut waiting = vec![bucket];
        while let Some(bucket) = waiting.pop() {
            for pair in bucket.iter() {
                match pair.map_err(|e| Failure::of(file, e))? {
                    (_, Entry::Value(_)) => contents.keys += 1,
                    (_, Entry::Bucket(nested)) => {
                        contents.buckets += 1;
                        waiting.push(nested);
                    }
                }
            }
        }
        Ok(contents)
    }
}

impl std::fmt::Display for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (keys, buckets) = (naming::count(self.keys, "key"), naming::count(self.buckets, "nested bucket"));
        write!(f, "{keys}, {buckets}")
    }
}
