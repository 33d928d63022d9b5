//! How text of a hostile file is put into XML or HTML: as text and nothing else.

/// Text for an element or an attribute. What XML has no place for is shown as unknown.
pub(crate) fn escaped(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("<a b=\"c\">&'"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
        assert_eq!(escaped("plain,\n\ttwo lines"), "plain,\n\ttwo lines");
        assert_eq!(escaped("\0\u{1}\u{1b}\u{85}\u{ffff}"), "\u{fffd}".repeat(5));
    }
}
