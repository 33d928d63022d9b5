//! Owns `get`: the value of one key.

use std::ffi::OsString;
use std::path::PathBuf;

use super::bytes::{Format, ParseFormat};
use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::txid::TxidArg;
use super::{argument, naming};
use crate::tree::Entry;

/// Print the value of a key
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "unbolt get [OPTIONS] <FILE> <BUCKET>... <KEY>",
    after_long_help = "\
Examples:
  unbolt get --format bytes meta.db v1 default images
  unbolt get --parse-format hex meta.db bucket 00ff"
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
    /// How the value is written
    #[arg(long, value_enum, default_value = "auto")]
    pub format: Format,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (path, key) = argument::path_and_key(&args.path, args.parse_format)?;
    context.read(&args.file, &args.state, |snapshot, spool| {
        let failed = |e| Failure::of(&args.file, e);
        let bucket = snapshot.root().and_then(|root| root.descend(&path)).map_err(failed)?;
        match bucket.entry(&key).map_err(failed)? {
            Some(Entry::Value(value)) => args.format.write_line(spool.out(), &value)?,
            Some(Entry::Bucket(_)) => {
                let failure = naming::is_a_bucket(Status::No, &args.file, &key);
                return Err(failure.hint("`unbolt keys` with the same path lists what is in it"));
            }
            None => return Err(naming::no_such_key(&args.file, &key)),
        }
        Ok(Status::Done)
    })
}
