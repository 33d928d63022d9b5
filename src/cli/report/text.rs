//! Owns what the members of facts are as text, for forms that have no members in members.

use serde_json::Value;

use crate::cli::bytes::from_hex;
use crate::cli::quote;

/// A byte string of a fact on one line: what would not show is escaped, what is no text is in hexadecimal digits.
pub fn bytes(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => quote::on_one_line(text.as_bytes()),
        Value::Object(fields) => format!("0x{}", fields.get("hex").and_then(Value::as_str).unwrap_or_default()),
        other => other.to_string(),
    }
}

/// The bytes themselves.
pub fn raw(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        value => from_hex(value["hex"].as_str().unwrap_or_default().as_bytes()).unwrap_or_default(),
    }
}

/// The names of a path, with a slash between them; the root bucket is one.
pub fn path(value: &Value) -> Option<String> {
    let names: Vec<String> = value.as_array()?.iter().map(bytes).collect();
    Some(if names.is_empty() { "/".to_owned() } else { names.join("/") })
}

/// Texts that belong together.
pub fn list(value: &Value) -> String {
    value.as_array().into_iter().flatten().map(bytes).collect::<Vec<_>>().join(", ")
}

/// What the value itself tells of its time.
pub fn clocks(value: &Value) -> String {
    let one = |clock: &Value| match (&clock["index"], &clock["field"]) {
        (Value::Number(index), _) => format!("libkv index {index}"),
        (_, Value::String(field)) => format!("{}: {}", quote::on_one_line(field.as_bytes()), bytes(&clock["time"])),
        _ => format!("{}: {}", bytes(&clock["source"]), bytes(&clock["time"])),
    };
    value.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(", ")
}

/// The first of a text, and how much more there is.
pub fn excerpt(text: &str, most: usize) -> (&str, usize) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (&text[..end], text[end..].chars().count()),
        None => (text, 0),
    }
}
