//! Owns JSON on the way out: byte strings, one object per line.

use std::io::{self, Write};

use serde_json::{Value, json};

pub use crate::net::json::go_string;

/// A byte string: a JSON string where it is valid UTF-8, else `{"hex": "…"}`.
pub fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "hex": super::bytes::hex(bytes) }),
    }
}

/// A path of bucket names.
pub fn path<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Value {
    names.into_iter().map(bytes).collect()
}

/// One object, one line.
pub fn write_line(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_strings_are_strings_or_hex() {
        assert_eq!(bytes(b"a/b").to_string(), r#""a/b""#);
        assert_eq!(bytes(b"\x80").to_string(), r#"{"hex":"80"}"#);
        assert_eq!(path([b"v1".as_slice(), b"\xff"]).to_string(), r#"["v1",{"hex":"ff"}]"#);
    }

    #[test]
    fn an_object_is_one_line() {
        let mut out = Vec::new();
        write_line(&mut out, &json!({ "key": "a\nb", "size": 3 })).unwrap();
        assert_eq!(out, b"{\"key\":\"a\\nb\",\"size\":3}\n");
    }
}
