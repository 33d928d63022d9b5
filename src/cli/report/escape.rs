//! Owns how text of a hostile file is put into markup: as text and nothing else, with everything in it to be seen.

use crate::cli::quote::is_printable_char;

/// Text for an element or an attribute of XML or HTML.
pub fn xml(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

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
    fn nothing_in_a_text_is_markup() {
        assert_eq!(xml("<a b=\"c\">&'"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
        assert_eq!(xml("plain"), "plain");
    }

    #[test]
    fn what_would_not_show_stays_the_same_json() {
        let value = serde_json::json!({ "a": "x\u{202e}y\u{ffff}\u{10ffff}\u{1b}" });
        let text = visible(&value.to_string());
        assert!(text.chars().all(is_printable_char), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
