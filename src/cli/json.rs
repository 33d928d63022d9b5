//! Owns JSON on the way out: byte strings, one object per line, and strings as Go's encoder writes them.

use std::io::{self, Write};

use serde_json::{Value, json};

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

/// A JSON string as Go's `encoding/json` writes it: HTML's special characters and the two line separators
/// escaped, each byte that is not UTF-8 replaced by `\ufffd`.
pub fn go_string(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_go(&mut out, c));
        chunk.invalid().iter().for_each(|_| out.push_str("\\ufffd"));
    }
    out.push('"');
    out
}

fn push_go(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
        c => out.push(c),
    }
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

    #[test]
    fn go_escapes_html_separators_controls_and_what_is_not_utf8() {
        assert_eq!(go_string(b"<a&b>"), r#""\u003ca\u0026b\u003e""#);
        assert_eq!(go_string("\u{2028}".as_bytes()), r#""\u2028""#);
        assert_eq!(go_string(b"\x00\x07\x08\x0b\x0c\n\r\t\x1f\x7f"), "\"\\u0000\\u0007\\b\\u000b\\f\\n\\r\\t\\u001f\x7f\"");
        assert_eq!(go_string(b"\xe2\x82a\xff"), r#""\ufffd\ufffda\ufffd""#);
        assert_eq!(go_string("\"\\ü".as_bytes()), r#""\"\\ü""#);
    }
}
