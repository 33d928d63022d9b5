//! JSON as Go's encoder writes it.

use serde_json::Value;

/// A JSON string as Go's `encoding/json` writes it: HTML's special characters and the two line separators
/// escaped, each byte that is not UTF-8 replaced by `\ufffd`.
pub fn go_string(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    push_string(&mut out, bytes);
    out
}

/// A value without white space, its strings as [`go_string`] writes them, its members in their order.
pub fn go_json(value: &Value) -> String {
    let mut out = String::new();
    push(&mut out, value);
    out
}

fn push(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => push_string(out, text.as_bytes()),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                push(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (name, value)) in members.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                push_string(out, name.as_bytes());
                out.push(':');
                push(out, value);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn push_string(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_char(out, c));
        chunk.invalid().iter().for_each(|_| out.push_str("\\ufffd"));
    }
    out.push('"');
}

fn push_char(out: &mut String, c: char) {
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
    fn go_escapes_html_separators_controls_and_what_is_not_utf8() {
        assert_eq!(go_string(b"<a&b>"), r#""\u003ca\u0026b\u003e""#);
        assert_eq!(go_string("\u{2028}".as_bytes()), r#""\u2028""#);
        assert_eq!(go_string(b"\x00\x07\x08\x0b\x0c\n\r\t\x1f\x7f"), "\"\\u0000\\u0007\\b\\u000b\\f\\n\\r\\t\\u001f\x7f\"");
        assert_eq!(go_string(b"\xe2\x82a\xff"), r#""\ufffd\ufffda\ufffd""#);
        assert_eq!(go_string("\"\\ü".as_bytes()), r#""\"\\ü""#);
    }

    #[test]
    fn values_are_written_without_white_space_and_in_their_order() {
        let value = serde_json::json!({ "z": [1, true, null, "<"], "a": {}, "n": 18_446_744_073_709_551_615_u64 });
        assert_eq!(go_json(&value), r#"{"z":[1,true,null,"\u003c"],"a":{},"n":18446744073709551615}"#);
    }
}
