//! Owns `kv export`: the pairs of the store as one JSON array.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::json;

use super::store;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;

/// Print keys, indexes and values as a JSON array
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Each element has key, last_index and value. Keys and values are exact: a string where they are \
valid UTF-8, else {\"hex\": \"...\"}. A record that cannot be read is named on standard error and \
left out. The exit status is 1 where there is such a record, and where no key begins with PREFIX.

Examples:
  unbolt kv export local-kv.db > networks.json
  unbolt kv export local-kv.db docker/network/v1.0/network/ | jq 'map(.value | fromjson | .name)'")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only keys that begin with this
    #[arg(value_name = "PREFIX")]
    pub prefix: Option<OsString>,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, bucket: &OsString, context: &mut Context<'_>) -> Result<Status, Failure> {
    let prefix = store::prefix(&args.prefix);
    store::read(&args.file, bucket, &args.state, context, |file, store, spool| {
        let mut before = "[\n";
        let tally = store::each_record(file, store, prefix, spool, |record, spool| {
            let (key, value) = (json::bytes(record.key), json::bytes(record.value));
            let pair = json!({ "key": key, "last_index": record.last_index, "value": value });
            write!(spool.out(), "{}{pair}", std::mem::replace(&mut before, ",\n"))?;
            Ok(())
        });
        // The array ends even where reading did not get to its end, so that what was good can be parsed.
        spool.out().write_all(if before == "[\n" { b"[]\n" } else { b"\n]\n" })?;
        tally?.status(file, store, prefix)
    })
}
