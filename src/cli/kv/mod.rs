//! Owns `kv`: a bucket of libnetwork's store, its keys, values and indexes, read and changed.

pub mod change;
pub mod delete;
pub mod exists;
pub mod export;
pub mod get;
pub mod import;
pub mod list;
mod pairs;
pub mod put;
mod store;

use std::ffi::OsString;

use super::context::Context;
use super::failure::Failure;
use super::status::Status;

/// Read and change libnetwork's key-value store, as dockerd keeps its networks
///
/// FILE may be a directory with a local-kv.db in it, such as /var/lib/docker.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt kv list /var/lib/docker
  unbolt kv get local-kv.db docker/network/v1.0/network/ID/ | jq .")]
pub struct Args {
    /// The bucket
    #[arg(long, global = true, value_name = "NAME", default_value = "libnetwork")]
    pub bucket: OsString,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Get(get::Args),
    Exists(exists::Args),
    Export(export::Args),
    Put(put::Args),
    Delete(delete::Args),
    Import(import::Args),
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    match &args.command {
        Command::List(list) => list::run(list, &args.bucket, context),
        Command::Get(get) => get::run(get, &args.bucket, context),
        Command::Exists(exists) => exists::run(exists, &args.bucket, context),
        Command::Export(export) => export::run(export, &args.bucket, context),
        Command::Put(put) => put::run(put, &args.bucket, context),
        Command::Delete(delete) => delete::run(delete, &args.bucket, context),
        Command::Import(import) => import::run(import, &args.bucket, context),
    }
}
