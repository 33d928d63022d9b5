//! Owns `rename-bucket`: one bucket under another name.

use std::ffi::OsString;
use std::path::PathBuf;

use super::bytes::ParseFormat;
use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::transaction::{self, WriteArgs};
use super::{argument, naming};
use crate::{Entry, Error};

/// Give a bucket another name, in the same place
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "unbolt rename-bucket [OPTIONS] <FILE> <BUCKET>... <NEW-NAME>",
    after_long_help = "\
Everything in it stays as it is. The exit status is 6 where the new name is taken.

Examples:
  unbolt rename-bucket my.db settings settings.old
  unbolt rename-bucket meta.db v1 default production"
)]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The names of the buckets on the way, that of the bucket itself, and its new name
    #[arg(value_name = "BUCKET|NEW-NAME", required = true, num_args = 2..)]
    pub path: Vec<OsString>,
    /// How the bucket's own name and the new one are given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let [parents @ .., old, new] = &args.path[..] else {
        return Err(Failure::usage("a bucket and its new name are required"));
    };
    let (old, new) = (argument::name(old, args.parse_format)?, argument::name(new, args.parse_format)?);
    let path = argument::path(parents);
    let called = |name: &[u8]| naming::bucket(&[&path[..], &[name]].concat());
    context.write(&args.file, &args.write, |tx, report| {
        let failed = |e| Failure::of(&args.file, e);
        let mut parent = transaction::bucket(tx, &args.file, &path)?;
        if let Some(Entry::Value(_)) = parent.entry(&old).map_err(failed)? {
            return Err(naming::is_a_value(Status::No, &args.file, &old));
        }
        parent.rename_bucket(&old, &new).map_err(|e| match e {
            Error::IncompatibleValue { key } => naming::is_a_value(Status::Refused, &args.file, &key),
            e => failed(e),
        })?;
        report.plan(format_args!("rename bucket {} to {}", called(&old), called(&new)))?;
        Ok(Status::Done)
    })
}
