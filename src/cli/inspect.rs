//! Owns `inspect`: the tree of buckets as JSON.

use std::io::{self, Write};
use std::path::PathBuf;

use super::json;
use super::txid::TxidArg;

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

/// A bucket, the number of its plain keys, and the buckets in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    pub name: Vec<u8>,
    pub keys: u64,
    pub buckets: Vec<Structure>,
}

impl Structure {
    /// Writes the tree with four spaces a level, as Go's encoder indents it.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_at(out, 0)?;
        out.write_all(b"\n")
    }

    fn write_at(&self, out: &mut dyn Write, level: usize) -> io::Result<()> {
        let indent = " ".repeat(4 * level);
        writeln!(out, "{{")?;
        writeln!(out, "{indent}    \"name\": {},", json::go_string(&self.name))?;
        write!(out, "{indent}    \"keyN\": {}", self.keys)?;
        if !self.buckets.is_empty() {
            write!(out, ",\n{indent}    \"buckets\": [")?;
            for (index, bucket) in self.buckets.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                write!(out, "{comma}\n{indent}        ")?;
                bucket.write_at(out, level + 2)?;
            }
            write!(out, "\n{indent}    ]")?;
        }
        write!(out, "\n{indent}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_indented_as_go_indents_it() {
        let bucket = |name: &str, keys, buckets| Structure { name: name.into(), keys, buckets };
        let tree = bucket("root", 0, vec![bucket("a", 2, vec![bucket("<b>", 0, vec![])]), bucket("c", 1, vec![])]);
        let mut out = Vec::new();
        tree.write(&mut out).unwrap();
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
