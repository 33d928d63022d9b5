//! Owns the pairs of a store in JSON on the way in: the array that `kv export` prints.
//!
//! Everything in it has to be understood, and no key is there twice; an error knows its line.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::cli::json_in::{Text, once};
use crate::store::KvPair;

/// Reads an array of pairs and nothing behind it.
pub fn parse(text: impl Read) -> Result<Vec<KvPair>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(text);
    let pairs = json.deserialize_seq(Array)?;
    json.end()?;
    Ok(pairs)
}

struct Array;

impl<'de> Visitor<'de> for Array {
    type Value = Vec<KvPair>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records, as `kv export` prints it")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Vec<KvPair>, A::Error> {
        let (mut pairs, mut keys) = (Vec::new(), BTreeSet::new());
        while let Some(pair) = array.next_element_seed(Pair { keys: &mut keys })? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// One record, and the keys of those before it.
struct Pair<'k> {
    keys: &'k mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for Pair<'_> {
    type Value = KvPair;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<KvPair, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_> {
    type Value = KvPair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record: an object with key, last_index and value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KvPair, A::Error> {
        let (mut key, mut last_index, mut value) = (None, None, None);
        while let Some(member) = map.next_key::<String>()? {
            match member.as_str() {
                "key" => once("key", &mut key, map.next_value::<Text>()?)?,
                "last_index" => once("last_index", &mut last_index, map.next_value()?)?,
                "value" => once("value", &mut value, map.next_value::<Text>()?)?,
                other => return Err(A::Error::unknown_field(other, &["key", "last_index", "value"])),
            }
        }
        let Text(key) = key.ok_or_else(|| A::Error::missing_field("key"))?;
        let Text(value) = value.ok_or_else(|| A::Error::missing_field("value"))?;
        let last_index = last_index.ok_or_else(|| A::Error::missing_field("last_index"))?;
        let key = String::from_utf8(key).map_err(|_| A::Error::custom("the key is not UTF-8, as the keys of a store are"))?;
        match key.as_str() {
            "" => Err(A::Error::custom("the key is empty")),
            _ if !self.keys.insert(key.clone()) => Err(A::Error::custom(format_args!("the key {key} is there twice"))),
            _ => Ok(KvPair { key, value, last_index }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_exactly_whatever_the_order_of_their_members() {
        let text = r#" [ {"key":"a/","last_index":18446744073709551615,"value":"{\"x\":1}"},
            {"value":{"hex":"00ff"},"key":{"hex":"62"},"last_index":0} ] "#;
        let pair = |key: &str, last_index, value: &[u8]| KvPair { key: key.into(), last_index, value: value.into() };
        assert_eq!(parse(text.as_bytes()).unwrap(), [pair("a/", u64::MAX, br#"{"x":1}"#), pair("b", 0, &[0, 0xff])]);
        assert_eq!(parse(&b"[]\n"[..]).unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, words) in [
            ("", 1, "EOF"),
            ("{}", 1, "expected an array of records"),
            ("[\n{\"key\":\"a\",\"last_index\":1,\"value\":\"\"},\n7]", 3, "expected a record"),
            ("[\n\n{\"key\":\"a\",\"last_index\":1}\n,]", 3, "missing field `value`"),
            ("[\n{\"key\":\"a\",\"value\":\"\"}]", 2, "missing field `last_index`"),
            ("[\n{\"last_index\":1,\"value\":\"\"}]", 2, "missing field `key`"),
            ("[{\"key\":\"a\",\"key\":\"b\",\"last_index\":1,\"value\":\"\"}]", 1, "duplicate field `key`"),
            ("[{\"key\":\"a\",\"last_index\":1,\"value\":\"\",\"more\":2}]", 1, "unknown field `more`"),
            ("[{\"key\":\"a\",\"last_index\":-1,\"value\":\"\"}]", 1, "expected u64"),
            ("[{\"key\":\"a\",\"last_index\":1,\"value\":{}}]", 1, "missing field `hex`"),
            ("[\n{\"key\":\"\",\"last_index\":1,\"value\":\"\"},\n]", 2, "the key is empty"),
            ("[\n{\"key\":{\"hex\":\"ff\"},\"last_index\":1,\"value\":\"\"}\n]", 2, "not UTF-8"),
            (
                "[\n{\"key\":\"a\",\"last_index\":1,\"value\":\"\"},\n{\"key\":\"a\",\"last_index\":2,\"value\":\"\"}\n]",
                3,
                "the key a is there twice",
            ),
            ("[]\n[]", 2, "trailing characters"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(words), "{text}: {error}");
            assert_eq!(error.line(), line, "{text}: {error}");
        }
    }
}
