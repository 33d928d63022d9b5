//! Owns `kv`: a bucket of libnetwork's store, its keys, values and indexes.

pub mod exists;
pub mod export;
pub mod get;
pub mod list;

use std::ffi::OsString;

use super::txid::TxidArg;

/// Read libnetwork's key-value store, as dockerd keeps its networks
///
/// FILE may be a directory with a local-kv.db in it, such as /var/lib/docker.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt kv list /var/lib/docker
  unbolt kv get local-kv.db docker/network/v1.0/bridge/ | jq .")]
pub struct Args {
    /// The bucket
    #[arg(long, global = true, value_name = "NAME", default_value = "libnetwork")]
    pub bucket: OsString,
    #[command(flatten)]
    pub state: TxidArg,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Get(get::Args),
    Exists(exists::Args),
    Export(export::Args),
}
