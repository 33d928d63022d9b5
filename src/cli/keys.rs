//! Owns `keys`: the keys of one bucket, all of them or a range, either way round.

use std::ffi::OsString;
use std::ops::Bound;
use std::path::PathBuf;

use super::bytes::{Format, ParseFormat};
use super::context::Context;
use super::failure::Failure;
use super::status::Status;
use super::txid::TxidArg;
use crate::Snapshot;
use crate::tree::{Bucket, Iter};

/// List the keys in a bucket, nested buckets among them
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt keys local-kv.db libnetwork
  unbolt keys --prefix docker/network/ --limit 10 --format json local-kv.db libnetwork")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The bucket, by the names on the way to it
    #[arg(value_name = "BUCKET", required = true)]
    pub buckets: Vec<OsString>,
    /// How keys are written
    #[arg(long, short, value_enum, default_value = "auto")]
    pub format: Format,
    /// Only keys that begin with this
    #[arg(long, value_name = "BYTES", conflicts_with_all = ["from", "to"])]
    pub prefix: Option<OsString>,
    /// Only keys from this one on
    #[arg(long, value_name = "KEY")]
    pub from: Option<OsString>,
    /// Only keys before this one
    #[arg(long, value_name = "KEY")]
    pub to: Option<OsString>,
    /// At most this many keys
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Last key first
    #[arg(long)]
    pub reverse: bool,
    /// How --prefix, --from and --to are given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    #[command(flatten)]
    pub state: TxidArg,
}

/// The keys that are asked for.
enum Range {
    Prefix(Vec<u8>),
    Between(Bound<Vec<u8>>, Bound<Vec<u8>>),
}

impl Args {
    fn range(&self) -> Result<Range, Failure> {
        let parse = |name: &str, argument: &OsString| {
            self.parse_format.parse(argument).map_err(|e| Failure::usage(format_args!("{name}: {e}")))
        };
        if let Some(prefix) = &self.prefix {
            return Ok(Range::Prefix(parse("--prefix", prefix)?));
        }
        let from = self.from.as_ref().map(|from| parse("--from", from)).transpose()?;
        let to = self.to.as_ref().map(|to| parse("--to", to)).transpose()?;
        Ok(Range::Between(from.map_or(Bound::Unbounded, Bound::Included), to.map_or(Bound::Unbounded, Bound::Excluded)))
    }
}

impl Range {
    fn of<'s>(&self, bucket: &Bucket<'s, Snapshot>) -> Iter<'s, Snapshot> {
        match self {
            Range::Prefix(prefix) => bucket.prefix(prefix),
            Range::Between(from, to) => bucket.range((from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice))),
        }
    }
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let range = args.range()?;
    let path: Vec<&[u8]> = args.buckets.iter().map(|name| name.as_encoded_bytes()).collect();
    let limit = args.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    context.read(&args.file, &args.state, |snapshot, spool| {
        let failed = |e| Failure::of(&args.file, e);
        let bucket = snapshot.root().and_then(|root| root.descend(&path)).map_err(failed)?;
        let mut keys = range.of(&bucket);
        for _ in 0..limit {
            let pair = if args.reverse { keys.next_back() } else { keys.next() };
            let Some(pair) = pair else { break };
            let (key, _) = pair.map_err(failed)?;
            args.format.write_line(spool.out(), &key)?;
        }
        Ok(Status::Done)
    })
}
