//! Owns `inspect`: the tree of buckets as JSON.

use std::io::{self, Write};
use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use super::json;
use super::nesting;
use super::status::Status;
use super::txid::TxidArg;
use crate::Corruption;
use crate::format::{Bytes, Page, PageKind};
use crate::tree::{BucketAt, Place, Visitor, WalkError, walk};

/// Print the tree of buckets as JSON
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt inspect meta.db
  unbolt inspect meta.db | jq -r '.buckets[].name'")]
pub struct Args {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    context.read(&args.file, &args.state, |snapshot, spool| {
        let mut outline = Outline::new();
        walk(snapshot.pages(), &mut outline).map_err(|e| match e {
            WalkError::Storage(e) => Failure::of(&args.file, e),
            WalkError::Stopped(failure) => failure,
        })?;
        write(&outline.buckets, spool.out())?;
        match outline.problem {
            Some(problem) => Err(Failure::of(&args.file, problem.into())),
            None => Ok(Status::Done),
        }
    })
}

/// A bucket, how deep it lies, and the number of its plain keys. The root bucket, at depth 0, has no name.
struct Described<B> {
    depth: usize,
    name: Option<B>,
    keys: u64,
}

/// The buckets of a file in the order of the file, each before those in it.
struct Outline<B> {
    buckets: Vec<Described<B>>,
    /// The way to the bucket that the walk is in, as places in `buckets`.
    way: Vec<usize>,
    problem: Option<Corruption>,
}

impl<B: Bytes> Outline<B> {
    fn new() -> Self {
        Outline { buckets: vec![Described { depth: 0, name: None, keys: 0 }], way: vec![0], problem: None }
    }

    fn here(&mut self) -> Option<&mut Described<B>> {
        self.way.last().and_then(|at| self.buckets.get_mut(*at))
    }
}

impl<B: Bytes> Visitor<B> for Outline<B> {
    type Stop = Failure;
    const VALUES: bool = false;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<(), Failure> {
        nesting::test(place.buckets.len())?;
        if let Some(outer) = self.here() {
            // It was counted with its page.
            outer.keys = outer.keys.saturating_sub(1);
        }
        self.way.push(self.buckets.len());
        self.buckets.push(Described { depth: place.buckets.len(), name: Some(bucket.name.clone()), keys: 0 });
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<(), Failure> {
        self.way.pop();
        Ok(())
    }

    fn page(&mut self, page: &Page<B>, _: &Place<'_, B>) -> Result<(), Failure> {
        if page.kind() == PageKind::Leaf
            && let Some(bucket) = self.here()
        {
            bucket.keys = bucket.keys.saturating_add(u64::from(page.count()));
        }
        Ok(())
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, B>) -> Result<(), Failure> {
        self.problem.get_or_insert(corruption);
        Ok(())
    }
}

/// Writes the tree with four spaces a level, as Go's encoder indents it.
fn write<B: Bytes>(buckets: &[Described<B>], out: &mut dyn Write) -> io::Result<()> {
    for (index, bucket) in buckets.iter().enumerate() {
        let level = 2 * bucket.depth;
        out.write_all(b"{")?;
        line(out, level + 1)?;
        write!(out, "\"name\": {},", json::go_string(bucket.name.as_deref().unwrap_or(b"root")))?;
        line(out, level + 1)?;
        write!(out, "\"keyN\": {}", bucket.keys)?;
        let next = buckets.get(index + 1).map(|next| next.depth);
        match next {
            Some(next) if next > bucket.depth => {
                out.write_all(b",")?;
                line(out, level + 1)?;
                out.write_all(b"\"buckets\": [")?;
                line(out, level + 2)?;
            }
            _ => {
                close(out, bucket.depth, next.unwrap_or(0))?;
                if let Some(next) = next {
                    out.write_all(b",")?;
                    line(out, 2 * next)?;
                }
            }
        }
    }
    out.write_all(b"\n")
}

/// Ends the bucket at one depth, and those around it down to another depth, their lists included.
fn close(out: &mut dyn Write, from: usize, to: usize) -> io::Result<()> {
    line(out, 2 * from)?;
    out.write_all(b"}")?;
    for depth in (to..from).rev() {
        line(out, 2 * depth + 1)?;
        out.write_all(b"]")?;
        line(out, 2 * depth)?;
        out.write_all(b"}")?;
    }
    Ok(())
}

/// Begins a line at a level of indentation.
fn line(out: &mut dyn Write, level: usize) -> io::Result<()> {
    const SPACES: [u8; 256] = [b' '; 256];
    out.write_all(b"\n")?;
    let mut left = level.saturating_mul(4);
    while let Some(part) = SPACES.get(..left.min(SPACES.len())).filter(|part| !part.is_empty()) {
        out.write_all(part)?;
        left -= part.len();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_indented_as_go_indents_it() {
        let bucket = |depth, name: &'static str, keys| Described { depth, name: Some(name.as_bytes()), keys };
        let root = Described { depth: 0, name: None, keys: 0 };
        let mut out = Vec::new();
        write(&[root, bucket(1, "a", 2), bucket(2, "<b>", 0), bucket(1, "c", 1)], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{
    "name": "root",
    "keyN": 0,
    "buckets": [
        {
            "name": "a",
            "keyN": 2,
            "buckets": [
                {
                    "name": "\u003cb\u003e",
                    "keyN": 0
                }
            ]
        },
        {
            "name": "c",
            "keyN": 1
        }
    ]
}
"#
        );
    }
}
