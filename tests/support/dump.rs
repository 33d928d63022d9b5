//! The dump of a whole database in the words of `testdata/MANIFEST.md`.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use unbolt::Storage;
use unbolt::tree::{Bucket, Entry};

use super::testdata::Expected;

/// A dump on its way.
#[derive(Debug, Default)]
pub struct Dump {
    text: String,
    path: Vec<String>,
    buckets: u64,
    pairs: u64,
}

impl Dump {
    /// A bucket begins.
    pub fn enter(&mut self, name: &[u8], sequence: u64) {
        self.buckets += 1;
        self.path.push(format!("\"{}\"", hex(name)));
        let path = self.path.join(",");
        writeln!(self.text, "{{\"bucket\":[{path}],\"sequence\":{sequence}}}").expect("a string takes everything");
    }

    /// It ends.
    pub fn leave(&mut self) {
        self.path.pop();
    }

    /// A plain pair.
    pub fn pair(&mut self, key: &[u8], value: &[u8]) {
        self.pairs += 1;
        let value = match value.len() {
            ..=64 => format!("\"{}\"", hex(value)),
            len => format!("{{\"len\":{len},\"sha256\":\"{}\"}}", hex(&Sha256::digest(value))),
        };
        let (path, key) = (self.path.join(","), hex(key));
        writeln!(self.text, "{{\"bucket\":[{path}],\"key\":\"{key}\",\"value\":{value}}}").expect("a string takes everything");
    }

    /// Fails unless this is what Go read.
    pub fn assert_is(&self, expected: &Expected, whose: &str) {
        match expected {
            Expected::Dump(dump) => assert_eq!(first_difference(&self.text, dump), None, "{whose}"),
            Expected::Digest(digest) => assert_eq!(self.digest(), *digest, "{whose}"),
        }
    }

    /// The one line that stands for all of them.
    pub fn digest(&self) -> String {
        let sha = hex(&Sha256::digest(&self.text));
        format!("{{\"buckets\":{},\"pairs\":{},\"sha256\":\"{sha}\"}}\n", self.buckets, self.pairs)
    }

    /// The lines so far.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The dump of everything in a bucket, read entry by entry.
pub fn dump<S: Storage>(root: &Bucket<'_, S>) -> Result<Dump, unbolt::Error> {
    let mut dump = Dump::default();
    // Buckets that are open, each with the rest of its entries: nesting may go deeper than a stack does.
    let mut open = vec![root.iter()];
    while let Some(entries) = open.last_mut() {
        match entries.next().transpose()? {
            Some((key, Entry::Value(value))) => dump.pair(&key, &value),
            Some((name, Entry::Bucket(bucket))) => {
                dump.enter(&name, bucket.sequence());
                open.push(bucket.iter());
            }
            None => {
                open.pop();
                dump.leave();
            }
        }
    }
    Ok(dump)
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn first_difference(found: &str, expected: &str) -> Option<String> {
    let (mut found_lines, mut expected_lines) = (found.lines(), expected.lines());
    for number in 1.. {
        match (found_lines.next(), expected_lines.next()) {
            (None, None) => break,
            (found, expected) if found == expected => {}
            (found, expected) => return Some(format!("line {number}: {found:?}, but Go has {expected:?}")),
        }
    }
    (found != expected).then(|| "the line ends differ".to_owned())
}
