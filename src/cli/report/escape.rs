//! Owns how text of a hostile file is put into markup: as text and nothing else, with everything in it to be seen.

use crate::cli::quote::is_printable_char;
pub(super) use crate::net::markup::escaped as xml;

/// JSON in which whatever would not show is escaped as JSON does it: marks of direction, and what XML has no room for.
pub fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if is_printable_char(c) => out.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

/// A value as JSON for people: indented, all in it visible but for the ends of lines.
pub fn visible_lines(value: &serde_json::Value) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    pretty.lines().map(visible).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_show_stays_the_same_json() {
        let value = serde_json::json!({ "a": "x\u{202e}y\u{ffff}\u{10ffff}\u{1b}" });
        let text = visible(&value.to_string());
        assert!(text.chars().all(is_printable_char), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
