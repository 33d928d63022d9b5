//! Owns one line of an export on the way in: what it names, and that it names nothing else.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::json_in::{Text, once};

/// A line of an export.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A bucket, the last of these names, and its sequence.
    Bucket { path: Vec<Vec<u8>>, sequence: u64 },
    /// A pair of the bucket at this path.
    Pair { path: Vec<Vec<u8>>, key: Vec<u8>, value: Vec<u8> },
}

impl Line {
    /// Reads a line; everything in it has to be understood, so that nothing is lost.
    pub fn parse(line: &[u8]) -> Result<Line, serde_json::Error> {
        serde_json::from_slice(line)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Line, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Line;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the members of a bucket or a pair")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
        let (mut path, mut sequence, mut key, mut value) = (None, None, None, None);
        while let Some(member) = map.next_key::<String>()? {
            match member.as_str() {
                "bucket" => once("bucket", &mut path, map.next_value::<Vec<Text>>()?)?,
                "sequence" => once("sequence", &mut sequence, map.next_value()?)?,
                "key" => once("key", &mut key, map.next_value::<Text>()?)?,
                "value" => once("value", &mut value, map.next_value::<Text>()?)?,
                other => return Err(A::Error::unknown_field(other, &["bucket", "sequence", "key", "value"])),
            }
        }
        let path = path.ok_or_else(|| A::Error::missing_field("bucket"))?.into_iter().map(|name| name.0).collect();
        match (sequence, key, value) {
            (Some(sequence), None, None) => Ok(Line::Bucket { path, sequence }),
            (None, Some(Text(key)), Some(Text(value))) => Ok(Line::Pair { path, key, value }),
            (None, Some(_), None) => Err(A::Error::missing_field("value")),
            (None, None, Some(_)) => Err(A::Error::missing_field("key")),
            (None, None, None) => Err(A::Error::custom("neither a sequence nor a key and a value")),
            _ => Err(A::Error::custom("a bucket's sequence and a pair in one line")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(names: &[&str]) -> Vec<Vec<u8>> {
        names.iter().map(|name| name.as_bytes().to_vec()).collect()
    }

    #[test]
    fn buckets_and_pairs_are_read_whatever_the_order_of_their_members() {
        let bucket = Line::Bucket { path: path(&["a", "b"]), sequence: u64::MAX };
        for line in [
            r#"{"bucket":["a","b"],"sequence":18446744073709551615}"#,
            r#" { "sequence" : 18446744073709551615 , "bucket" : [ "a" , {"hex":"62"} ] } "#,
        ] {
            assert_eq!(Line::parse(line.as_bytes()).unwrap(), bucket, "{line}");
        }
        let pair = Line::Pair { path: path(&[]), key: b"k\"\n".to_vec(), value: vec![0xff, 0] };
        assert_eq!(Line::parse(br#"{"bucket":[],"key":"k\"\n","value":{"hex":"fF00"}}"#).unwrap(), pair);
    }

    #[test]
    fn whatever_would_be_lost_or_guessed_is_refused() {
        for (line, words) in [
            ("", "EOF"),
            ("[]", "invalid type"),
            ("{}", "missing field `bucket`"),
            (r#"{"bucket":["a"]}"#, "neither a sequence nor a key"),
            (r#"{"bucket":["a"],"key":"k"}"#, "missing field `value`"),
            (r#"{"bucket":["a"],"value":"v"}"#, "missing field `key`"),
            (r#"{"bucket":["a"],"sequence":1,"key":"k","value":"v"}"#, "in one line"),
            (r#"{"bucket":["a"],"sequence":1,"sequence":2}"#, "duplicate field `sequence`"),
            (r#"{"bucket":["a"],"sequence":1,"more":2}"#, "unknown field `more`"),
            (r#"{"bucket":["a"],"sequence":-1}"#, "expected u64"),
            (r#"{"bucket":["a"],"sequence":18446744073709551616}"#, "expected u64"),
            (r#"{"bucket":["a"],"sequence":1.0}"#, "expected u64"),
            (r#"{"bucket":"a","sequence":1}"#, "expected a sequence"),
            (r#"{"bucket":[1],"sequence":1}"#, "expected a string or"),
            (r#"{"bucket":["a"],"key":{"hex":"0"},"value":""}"#, "odd number"),
            (r#"{"bucket":["a"],"key":{"hex":"0g"},"value":""}"#, "not a hexadecimal digit"),
            (r#"{"bucket":["a"],"key":{},"value":""}"#, "missing field `hex`"),
            (r#"{"bucket":["a"],"key":{"hex":"00","hex":"01"},"value":""}"#, "duplicate field `hex`"),
            (r#"{"bucket":["a"],"key":{"text":"00"},"value":""}"#, "unknown field `text`"),
            (r#"{"bucket":["a"],"key":"\ud800","value":""}"#, "hex escape"),
            (r#"{"bucket":["a"],"sequence":1} {}"#, "trailing characters"),
        ] {
            let error = Line::parse(line.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
