//! Owns `export`: a whole database as JSON lines.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::bytes::hex;
use super::context::Context;
use super::failure::Failure;
use super::nesting;
use super::status::Status;
use super::txid::TxidArg;
use crate::Corruption;
use crate::format::Bytes;
use crate::tree::{BucketAt, Place, Visitor, WalkError, walk};

/// Print everything in a database as JSON lines
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
For each bucket one line {\"bucket\": [names], \"sequence\": N}, then its pairs in key order as \
{\"bucket\": [names], \"key\": KEY, \"value\": VALUE}, a nested bucket at its place in that order. \
Bytes are a string where they are valid UTF-8, else {\"hex\": \"...\"}. Pairs outside of any bucket \
come with \"bucket\": [].

Of a damaged file everything that can be reached is printed; the exit status is then 5. A line names \
the whole way to its bucket: where buckets are nested more than 10000 deep the output ends there, \
with status 5 too.

Examples:
  unbolt export local-kv.db > local-kv.jsonl
  unbolt export local-kv.db | jq -r 'select(.key) | .key'")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    context.read(&args.file, &args.state, |snapshot, spool| {
        let wrong = |e| Failure::of(&args.file, e);
        snapshot.meta().validate().map_err(|e| wrong(e.into()))?;
        let mut lines = Lines::to(spool.out());
        match walk(snapshot.pages(), &mut lines) {
            Ok(()) => lines.damage.map_or(Ok(Status::Done), |damage| Err(damage.failure(&args.file))),
            Err(WalkError::Stopped(failure)) => Err(failure),
            Err(WalkError::Storage(e)) => Err(wrong(e)),
        }
    })
}

/// What a walk could not follow: the first place, and how many more there were.
struct Damage {
    first: Corruption,
    more: u64,
}

impl Damage {
    fn failure(self, file: &Path) -> Failure {
        let hint = format!("everything else was printed; `unbolt check {}` lists all that is wrong", file.display());
        let failure = match self.more {
            0 => Failure::at(Status::Corrupt, file, self.first),
            more => Failure::at(Status::Corrupt, file, format_args!("{} (and {more} more)", self.first)),
        };
        failure.hint(hint)
    }
}

/// Writes one line per bucket and per pair. What is held is the path of the bucket at hand, already encoded.
struct Lines<'o> {
    out: &'o mut dyn Write,
    path: Vec<u8>,
    /// Where the path ended before each of its names was added.
    ends: Vec<usize>,
    damage: Option<Damage>,
}

impl<'o> Lines<'o> {
    fn to(out: &'o mut dyn Write) -> Self {
        Lines { out, path: Vec::new(), ends: Vec::new(), damage: None }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.out.write_all(b"{\"bucket\":[")?;
        self.out.write_all(&self.path)
    }
}

impl<B: Bytes> Visitor<B> for Lines<'_> {
    type Stop = Failure;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<(), Failure> {
        nesting::test(place.buckets.len())?;
        self.ends.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push(b',');
        }
        write_bytes(&mut self.path, bucket.name)?;
        self.begin()?;
        Ok(writeln!(self.out, "],\"sequence\":{}}}", bucket.header.sequence)?)
    }

    fn leave_bucket(&mut self) -> Result<(), Failure> {
        self.path.truncate(self.ends.pop().unwrap_or(0));
        Ok(())
    }

    fn value(&mut self, key: &B, value: &B, _: &Place<'_, B>) -> Result<(), Failure> {
        self.begin()?;
        self.out.write_all(b"],\"key\":")?;
        write_bytes(self.out, key)?;
        self.out.write_all(b",\"value\":")?;
        write_bytes(self.out, value)?;
        Ok(self.out.write_all(b"}\n")?)
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Failure> {
        match &mut self.damage {
            Some(damage) => damage.more += 1,
            None => self.damage = Some(Damage { first: corruption, more: 0 }),
        }
        Ok(())
    }
}

/// A byte string as [`json::bytes`](super::json::bytes) has it, without a copy: values may be large.
fn write_bytes(out: &mut (impl Write + ?Sized), bytes: &[u8]) -> io::Result<()> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return serde_json::to_writer(out, text).map_err(io::Error::from);
    }
    out.write_all(b"{\"hex\":\"")?;
    for chunk in bytes.chunks(4096) {
        out.write_all(hex(chunk).as_bytes())?;
    }
    out.write_all(b"\"}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streamed_byte_strings_are_those_of_every_other_command() {
        for bytes in [&b""[..], b"a\"\\\n\x00b", "gr\u{fc}\u{df}e".as_bytes(), b"\xff", &[0x80; 10_000]] {
            let mut out = Vec::new();
            write_bytes(&mut out, bytes).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), super::super::json::bytes(bytes).to_string());
        }
    }
}
