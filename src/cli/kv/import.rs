//! Owns `kv import`: the records of `kv export`, put into a store.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::change::{self, Missing, Stop};
use super::pairs;
use super::store::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json_in::without_line;
use crate::cli::naming::count;
use crate::cli::status::Status;
use crate::cli::transaction::{Report, WriteArgs};
use crate::store::{KvPair, StoreError, StoreTx};

/// Put the records that export prints into a store
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
All of them in one transaction, or none. A key that is there with the same value stays as it is. Keys \
that are there with other values are named, and the exit status is 6, unless --force replaces them. A \
record that cannot be understood whole, or is there twice, is an error with its line.

The database must be there; `unbolt import /dev/null -o DB` makes an empty one. The bucket is made \
where it is not there.

Stop dockerd first: while it runs it keeps its own copy of what is here and writes it again.

Examples:
  unbolt kv import --dry-run /var/lib/docker networks.json
  unbolt kv export old.db docker/network/v1.0/network/ | unbolt kv import --keep-index new.db -")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "DB")]
    pub file: PathBuf,
    /// The records; - is standard input
    #[arg(value_name = "FILE.json")]
    pub records: PathBuf,
    /// Keep the indexes of the records, instead of giving them new ones
    #[arg(long)]
    pub keep_index: bool,
    /// Replace records that are there with other values
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, bucket: &OsString, context: &mut Context<'_>) -> Result<Status, Failure> {
    let pairs = read(&args.records, context.input)?;
    if pairs.is_empty() {
        return Err(Failure::at(Status::No, &args.records, "holds no records"));
    }
    change::change(&args.file, bucket, Missing::Made, &args.write, context, |file, store, report| {
        let missing = compare(args, file, store, &pairs, report)?;
        for pair in &missing {
            let before = change::stored(store, &pair.key)?;
            let pair = put(args, store, pair)?;
            report.plan(change::plan_of_put(bucket, &pair, before))?;
        }
        let there = pairs.len() - missing.len();
        if !report.is_dry_run() {
            let put = count(missing.len() as u64, "record");
            report.note(format_args!("{}: {put} put, {there} there already", file.display()));
        }
        Ok(())
    })
}

fn read(path: &Path, input: &mut dyn Read) -> Result<Vec<KvPair>, Failure> {
    let pairs = match path == Path::new("-") {
        true => pairs::parse(BufReader::new(input)),
        false => {
            let file = File::open(path).map_err(|e| Failure::at(Status::Io, path, format_args!("cannot open: {e}")))?;
            pairs::parse(BufReader::new(file))
        }
    };
    pairs.map_err(|e| match e.is_io() {
        true => Failure::at(Status::Io, path, format_args!("cannot read: {e}")),
        false => Failure::at(Status::Corrupt, path, format_args!("line {}: {}", e.line(), without_line(&e))),
    })
}

/// The records that have to be put. Those that would replace others are named, and without `--force` that is the end.
fn compare<'p>(
    args: &Args,
    file: &Path,
    store: &StoreTx<'_>,
    pairs: &'p [KvPair],
    report: &mut Report<'_>,
) -> Result<Vec<&'p KvPair>, Stop> {
    let (mut missing, mut conflicts) = (Vec::new(), 0);
    for pair in pairs {
        match store.get(&pair.key) {
            Ok(None) => missing.push(pair),
            Ok(Some(there)) if there.value == pair.value && !(args.keep_index && there.last_index != pair.last_index) => {}
            Ok(Some(_)) | Err(StoreError::ShortValue { .. }) if args.force => missing.push(pair),
            Ok(Some(_)) | Err(StoreError::ShortValue { .. }) => {
                let there = change::stored(store, &pair.key)?.unwrap_or_default();
                report.note(format_args!("{}: key {} is there already: {there}", file.display(), text(pair.key.as_bytes())));
                conflicts += 1;
            }
            Err(e) => return Err(e.into()),
        }
    }
    match conflicts {
        0 => Ok(missing),
        _ => {
            let words = format!("{conflicts} of {} are there already, and differ", count(pairs.len() as u64, "record"));
            Err(Failure::at(Status::Refused, file, words).hint("--force replaces them").into())
        }
    }
}

/// Puts a record, and says which it became.
fn put(args: &Args, store: &mut StoreTx<'_>, pair: &KvPair) -> Result<KvPair, StoreError> {
    match args.keep_index {
        true => store.restore(pair)?,
        false => store.put(&pair.key, &pair.value)?,
    }
    store.get(&pair.key)?.ok_or(StoreError::KeyNotFound)
}
