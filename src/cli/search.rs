//! Owns `search`: where a text, bytes or a pattern stand in keys, values and the names of buckets.

use std::ffi::OsString;
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;

use regex::bytes::{Regex, RegexBuilder};
use serde_json::{Value, json};

use super::bytes::{Format, ParseFormat};
use super::context::Context;
use super::failure::Failure;
use super::json;
use super::listing::Listing;
use super::nesting;
use super::quote;
use super::status::Status;
use super::txid::TxidArg;
use crate::Corruption;
use crate::format::Bytes;
use crate::tree::{BucketAt, Place, Visitor, WalkError, walk};

/// Bytes of a value that are shown on either side of what was found.
const AROUND: usize = 32;

/// Find a text or a pattern in keys, values and the names of buckets
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Prints a line for each key with a match: the path of its bucket, the key, and where the match is in
the value, what stands around it; tabs between them. Exits with status 1 where nothing was found.

Examples:
  unbolt search local-kv.db 172.17.0.2
  unbolt search --regex --format json local-kv.db '\"Gateway[^,]*'")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What to look for
    #[arg(value_name = "TEXT|REGEX")]
    pub pattern: OsString,
    /// The pattern is a regular expression
    #[arg(long, short = 'e', conflicts_with = "parse_format")]
    pub regex: bool,
    /// Upper and lower case are the same
    #[arg(long, short)]
    pub ignore_case: bool,
    /// Look at keys and names of buckets alone
    #[arg(long)]
    pub keys_only: bool,
    /// Stop after this many lines
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// How the text is given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    /// Lines for people, or one JSON object per key
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let pattern = args.pattern()?;
    context.read(&args.file, &args.state, |snapshot, spool| {
        let mut search = Search { args, pattern: &pattern, out: spool.out(), found: 0, problem: None };
        match walk(snapshot.pages(), &mut search) {
            Ok(()) | Err(WalkError::Stopped(Stop::Enough)) => {}
            Err(WalkError::Stopped(Stop::Failed(failure))) => return Err(failure),
            Err(WalkError::Storage(e)) => return Err(Failure::of(&args.file, e)),
        }
        match search.problem {
            Some(problem) => Err(Failure::of(&args.file, problem.into())),
            None if search.found == 0 => Ok(Status::No),
            None => Ok(Status::Done),
        }
    })
}

impl Args {
    fn pattern(&self) -> Result<Regex, Failure> {
        let text = match self.regex {
            true => self.pattern.to_str().ok_or_else(|| Failure::usage("the pattern is not UTF-8"))?.to_owned(),
            false => literal(&self.parse_format.parse(&self.pattern).map_err(Failure::usage)?),
        };
        let built = RegexBuilder::new(&text).case_insensitive(self.ignore_case).build();
        built.map_err(|e| Failure::usage(format_args!("the pattern cannot be used: {e}")))
    }

    /// Whether the line that was just written, the so-many-th, was the last one asked for.
    fn is_enough(&self, found: u64) -> bool {
        self.limit.is_some_and(|limit| found >= limit)
    }
}

/// The pattern that finds these bytes and nothing else.
fn literal(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => regex::escape(text),
        Err(_) => format!("(?-u:{})", bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>()),
    }
}

/// Why a search ends before the end of the file.
enum Stop {
    Enough,
    Failed(Failure),
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Stop::Failed(e.into())
    }
}

struct Search<'a> {
    args: &'a Args,
    pattern: &'a Regex,
    out: &'a mut dyn Write,
    found: u64,
    problem: Option<Corruption>,
}

/// What is found: a key, the path of the bucket it is in, and where in its value.
struct Hit<'h, B> {
    path: &'h [B],
    key: &'h [u8],
    kind: &'static str,
    value: Option<(&'h [u8], Range<usize>)>,
}

impl<B: Bytes> Visitor<B> for Search<'_> {
    type Stop = Stop;
    const VALUES: bool = true;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<(), Stop> {
        nesting::test(place.buckets.len()).map_err(Stop::Failed)?;
        if !self.pattern.is_match(bucket.name) {
            return Ok(());
        }
        let path = place.buckets.split_last().map_or(&[][..], |(_, outer)| outer);
        self.tell(&Hit { path, key: bucket.name, kind: "bucket", value: None })
    }

    fn value(&mut self, key: &B, value: &B, place: &Place<'_, B>) -> Result<(), Stop> {
        let path = place.buckets;
        if self.pattern.is_match(key) {
            return self.tell(&Hit { path, key, kind: "key", value: None });
        }
        match self.pattern.find(value).filter(|_| !self.args.keys_only) {
            Some(found) => self.tell(&Hit { path, key, kind: "value", value: Some((value, found.range())) }),
            None => Ok(()),
        }
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Stop> {
        self.problem.get_or_insert(corruption);
        Ok(())
    }
}

impl Search<'_> {
    fn tell<B: Bytes>(&mut self, hit: &Hit<'_, B>) -> Result<(), Stop> {
        if self.args.is_enough(self.found) {
            return Err(Stop::Enough);
        }
        match self.args.format {
            Listing::Table => hit.write(self.out)?,
            Listing::Json => json::write_line(self.out, &hit.object())?,
        }
        self.found = self.found.saturating_add(1);
        if self.args.is_enough(self.found) { Err(Stop::Enough) } else { Ok(()) }
    }
}

impl<B: Bytes> Hit<'_, B> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for (index, name) in self.path.iter().enumerate() {
            out.write_all(if index == 0 { b"" } else { b"/" })?;
            out.write_all(&Format::Auto.show(name))?;
        }
        out.write_all(b"\t")?;
        out.write_all(&Format::Auto.show(self.key))?;
        match self.excerpt() {
            Some(excerpt) => writeln!(out, "\t{excerpt}"),
            None => writeln!(out),
        }
    }

    fn object(&self) -> Value {
        let mut object = json!({
            "bucket": json::path(self.path.iter().map(|name| &**name)),
            "key": json::bytes(self.key),
            "match": self.kind,
        });
        if let Some((value, found)) = &self.value
            && let Some(fields) = object.as_object_mut()
        {
            fields.insert("offset".into(), found.start.into());
            fields.insert("length".into(), found.len().into());
            fields.insert("value_size".into(), value.len().into());
            fields.insert("excerpt".into(), self.excerpt().into());
        }
        object
    }

    /// The match and what stands around it, on one line: what cannot be printed as Go escapes it.
    fn excerpt(&self) -> Option<String> {
        let (value, found) = self.value.as_ref()?;
        let start = found.start.saturating_sub(AROUND);
        let end = found.end.min(found.start.saturating_add(2 * AROUND)).saturating_add(AROUND).min(value.len());
        Some(quote::on_one_line(value.get(start..end)?))
    }
}
