//! Owns `compact`: a copy of a database with no page more than its content takes.

use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use super::number;
use super::output;
use super::status::Status;
use super::txid::TxidArg;
use crate::Storage;
use crate::tree::{BuildOptions, compact_state};

/// Copy a database without the space that it no longer uses
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
All buckets, pairs and sequences are copied; the database stays as it is, and may be in use. The copy \
is in the byte order of this machine whatever the database is in, and an odd shape of its trees that \
Go's writer cannot bear is gone. It is made beside NEW and takes that name when it is whole and \
synced, with the mode of the database.

Examples:
  unbolt compact -o small.db local-kv.db
  unbolt compact --force --output meta.db.new meta.db")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The copy
    #[arg(long, short, value_name = "NEW")]
    pub output: PathBuf,
    /// How many bytes are gathered before they are written, 65536 at most; 0 is that too
    #[arg(long, value_name = "BYTES", value_parser = number::signed_flag, allow_hyphen_values = true, default_value_t = 65536)]
    pub tx_max_size: i64,
    /// Leave it to the system when the copy becomes durable
    #[arg(long, value_parser = number::switch, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", hide_default_value = true, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub no_sync: bool,
    /// The page size of the copy: a power of two from 1024 to 65536
    #[arg(long, value_name = "BYTES", value_parser = number::page_size, default_value_t = 4096)]
    pub page_size: u32,
    /// Replace NEW
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    output::refuse_unsafe(&args.output, &args.file, args.force)?;
    let mut copy = output::begin(&args.output, &args.file, args.force)?;
    copy.no_sync(args.no_sync);
    let options = args.options();
    let ((before, after), _) = output::fill(context, &args.file, &args.state, &copy, |snapshot, file| {
        Ok((snapshot.size(), compact_state(snapshot.pages(), file, &options)?.bytes))
    })?;
    output::finish(copy)?;
    // Numbers of this size are exact enough for two digits.
    let gain = before as f64 / after as f64;
    writeln!(context.out, "{before} -> {after} bytes (gain={gain:.2}x)")?;
    Ok(Status::Done)
}

impl Args {
    fn options(&self) -> BuildOptions {
        let mut options = BuildOptions::default();
        // The copy is synced before it gets its name.
        options.page_size(self.page_size).no_sync(true);
        match self.tx_max_size {
            0 => {}
            bytes => drop(options.gather(u64::try_from(bytes).unwrap_or(0))),
        }
        options
    }
}
