//! Owns how keys and values are written on and read from the command line: bbolt's formats, and JSON beside them.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write};

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::quote;

/// How bytes are written: `auto|ascii-encoded|hex|bytes|redacted` as bbolt has them, and `json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text where all of it is printable UTF-8, else hexadecimal digits
    Auto,
    /// Between double quotes, with Go's escapes
    AsciiEncoded,
    /// Hexadecimal digits
    Hex,
    /// The bytes as they are
    Bytes,
    /// Length and SHA-256 alone
    Redacted,
    /// JSON: a string where the bytes are valid UTF-8, else {"hex": "…"}
    Json,
}

/// How bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ParseFormat {
    /// The argument's own bytes
    AsciiEncoded,
    /// Hexadecimal digits
    Hex,
}

impl Format {
    /// `bytes` in this format.
    pub fn show(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Format::Auto => match quote::printable(bytes) {
                Some(text) => Cow::Borrowed(text.as_bytes()),
                None => Cow::Owned(hex(bytes).into_bytes()),
            },
            Format::AsciiEncoded => Cow::Owned(quote::quote(bytes).into_bytes()),
            Format::Hex => Cow::Owned(hex(bytes).into_bytes()),
            Format::Bytes => Cow::Borrowed(bytes),
            Format::Redacted => {
                let digest = Sha256::digest(bytes);
                Cow::Owned(format!("<redacted len:{} sha256:{}>", bytes.len(), hex(&digest)).into_bytes())
            }
            Format::Json => Cow::Owned(super::json::bytes(bytes).to_string().into_bytes()),
        }
    }

    /// Writes `bytes` in this format and ends the line.
    pub fn write_line(self, out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
        out.write_all(&self.show(bytes))?;
        out.write_all(b"\n")
    }
}

impl ParseFormat {
    /// The bytes that an argument stands for.
    pub fn parse(self, argument: &OsString) -> Result<Vec<u8>, String> {
        let bytes = argument.as_encoded_bytes();
        match self {
            ParseFormat::AsciiEncoded => Ok(bytes.to_vec()),
            ParseFormat::Hex => from_hex(bytes),
        }
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Bytes from hexadecimal digits of either case.
pub fn from_hex(digits: &[u8]) -> Result<Vec<u8>, String> {
    let nibble = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .map(|value| value as u8)
            .ok_or_else(|| format!("{:?} is not a hexadecimal digit", char::from(digit)))
    };
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => Ok(nibble(high)? << 4 | nibble(low)?),
            _ => Err("an odd number of hexadecimal digits".to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: Format, bytes: &[u8]) -> String {
        String::from_utf8(format.show(bytes).into_owned()).unwrap()
    }

    #[test]
    fn auto_is_text_where_all_of_it_is_printable_else_hex() {
        assert_eq!(shown(Format::Auto, b"docker/network"), "docker/network");
        assert_eq!(shown(Format::Auto, "grüße 世界".as_bytes()), "grüße 世界");
        assert_eq!(shown(Format::Auto, b"a\nb"), "610a62");
        assert_eq!(shown(Format::Auto, b"\xff"), "ff");
        assert_eq!(shown(Format::Auto, b""), "");
    }

    #[test]
    fn redacted_tells_length_and_digest_alone() {
        assert_eq!(
            shown(Format::Redacted, b"abc"),
            "<redacted len:3 sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad>"
        );
    }

    #[test]
    fn bytes_are_written_as_they_are() {
        let mut out = Vec::new();
        Format::Bytes.write_line(&mut out, b"\x00\xff").unwrap();
        assert_eq!(out, b"\x00\xff\n");
    }

    #[test]
    fn json_is_a_string_or_hex_in_an_object() {
        assert_eq!(shown(Format::Json, b"a\"b"), r#""a\"b""#);
        assert_eq!(shown(Format::Json, b"\xff\x00"), r#"{"hex":"ff00"}"#);
    }

    #[test]
    fn hexadecimal_arguments_are_read_in_either_case_and_refused_otherwise() {
        assert_eq!(ParseFormat::Hex.parse(&"00fFA1".into()), Ok(vec![0, 0xff, 0xa1]));
        assert_eq!(ParseFormat::Hex.parse(&"".into()), Ok(vec![]));
        assert!(ParseFormat::Hex.parse(&"0".into()).is_err());
        assert!(ParseFormat::Hex.parse(&"0g".into()).is_err());
        assert!(ParseFormat::Hex.parse(&"+1".into()).is_err());
        assert_eq!(ParseFormat::AsciiEncoded.parse(&r"a\x00".into()), Ok(br"a\x00".to_vec()));
    }
}
