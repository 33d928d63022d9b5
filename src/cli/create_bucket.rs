//! Owns `create-bucket`: one bucket more, and those on the way to it where they are asked for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::bytes::ParseFormat;
use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::transaction::{self, Report, WriteArgs};
use super::{argument, naming};
use crate::{Error, WriteTx};

/// Create a bucket
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The exit status is 6 where the name is taken, and 1 where a bucket on the way is missing.

Examples:
  unbolt create-bucket my.db settings
  unbolt create-bucket --parents my.db v1 default labels")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The names of the buckets on the way, then that of the new one
    #[arg(value_name = "BUCKET", required = true, num_args = 1..)]
    pub path: Vec<OsString>,
    /// Create the buckets on the way too, and leave those alone that are there
    #[arg(short, long)]
    pub parents: bool,
    /// How the name of the new bucket is given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (mut path, name) = argument::path_and_name(&args.path, args.parse_format)?;
    path.push(&name);
    context.write(&args.file, &args.write, |tx, report| {
        let first = if args.parents { 1 } else { path.len() };
        for end in first..=path.len() {
            create(args, tx, &path[..end], report)?;
        }
        Ok(Status::Done)
    })
}

fn create(args: &Args, tx: &mut WriteTx, path: &[&[u8]], report: &mut Report<'_>) -> Result<(), Failure> {
    let Some((name, parents)) = path.split_last() else { return Ok(()) };
    let created = transaction::bucket(tx, &args.file, parents)?.create_bucket(name).map(drop);
    match created {
        Ok(()) => report.plan(format_args!("create bucket {}", naming::bucket(path))),
        Err(Error::BucketExists { .. }) if args.parents => Ok(()),
        Err(Error::IncompatibleValue { key }) => Err(naming::is_a_value(Status::Refused, &args.file, &key)),
        Err(e) => Err(Failure::of(&args.file, e)),
    }
}
