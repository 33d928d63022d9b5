//! Owns JSON on the way in: byte strings, members that come once, and where in a text an error is.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::bytes::from_hex;

/// A member that must not come twice.
pub fn once<T, E: Error>(name: &'static str, member: &mut Option<T>, value: T) -> Result<(), E> {
    match member.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(name)),
    }
}

/// A byte string: a string, or hexadecimal digits in an object.
pub struct Text(pub Vec<u8>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_any(TextOrHex)
    }
}

struct TextOrHex;

impl<'de> Visitor<'de> for TextOrHex {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or {\"hex\": \"…\"}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.as_bytes().to_vec()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Text, E> {
        Ok(Text(text.into_bytes()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let mut bytes = None;
        while let Some(member) = map.next_key::<String>()? {
            match member.as_str() {
                "hex" => once("hex", &mut bytes, map.next_value::<Digits>()?.0)?,
                other => return Err(A::Error::unknown_field(other, &["hex"])),
            }
        }
        bytes.map(Text).ok_or_else(|| A::Error::missing_field("hex"))
    }
}

/// Hexadecimal digits, read without a copy of them where there are no escapes.
struct Digits(Vec<u8>);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digits, D::Error> {
        deserializer.deserialize_str(HexDigits)
    }
}

struct HexDigits;

impl Visitor<'_> for HexDigits {
    type Value = Digits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hexadecimal digits")
    }

    fn visit_str<E: Error>(self, digits: &str) -> Result<Digits, E> {
        from_hex(digits.as_bytes()).map(Digits).map_err(E::custom)
    }
}

/// An error without the number of its line, which whoever reads line by line knows better.
pub fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(words) => format!("{words} (column {})", error.column()),
        None => text,
    }
}
