//! Owns `info`: what the meta pages say about a file.

use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use super::listing::Listing;
use super::status::Status;
use super::txid::TxidArg;

/// Print the page size; with --verbose everything the meta pages tell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt info /var/lib/docker/network/files/local-kv.db
  unbolt info --verbose local-kv.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Show size, byte order, both meta pages and why one was refused, free list and lock holder
    #[arg(long, short)]
    pub verbose: bool,
    /// As a table, or as one JSON object with everything
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    context.read(&args.file, &TxidArg::default(), |snapshot, spool| {
        writeln!(spool.out(), "Page Size: {}", snapshot.layout().page_size)?;
        Ok(Status::Done)
    })
}
