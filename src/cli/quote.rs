//! Owns Go's notion of text: which characters it prints, and how it quotes bytes (`%q`).
//!
//! Printable is what Unicode 15.0 calls a letter, mark, number, punctuation or symbol, and the ASCII space;
//! later Unicode versions are cut back to that one, so that the answer is the one bbolt 1.5.0 gives.

use unicode_general_category::{GeneralCategory, get_general_category};

/// Whether Go's `unicode.IsPrint` holds.
pub fn is_printable_char(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\0'..='\u{a0}' | '\u{ad}' => false,
        _ if assigned_after_unicode_15(c) => false,
        _ => !matches!(
            get_general_category(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::SpaceSeparator
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
        ),
    }
}

/// The text in `bytes` if all of it can be printed.
pub fn printable(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.chars().all(is_printable_char))
}

/// `bytes` between double quotes, as Go's `%q` writes them.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_quoted(&mut out, c));
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out.push('"');
    out
}

/// `bytes` as they are, but for what would not show or would end the line: that is written as in [`quote`].
pub fn on_one_line(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_printable_char(c) { out.push(c) } else { push_quoted(&mut out, c) }
        }
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out
}

fn push_quoted(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if is_printable_char(c) => out.push(c),
        c if c < ' ' || c == '\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

fn assigned_after_unicode_15(c: char) -> bool {
    let code = u32::from(c);
    let after = AFTER_UNICODE_15.partition_point(|&(_, last)| last < code);
    AFTER_UNICODE_15.get(after).is_some_and(|&(first, _)| first <= code)
}

/// Ranges that Unicode 15.1 and 16.0 assigned.
#[rustfmt::skip]
const AFTER_UNICODE_15: &[(u32, u32)] = &[
    (0x0897, 0x0897), (0x1b4e, 0x1b4f), (0x1b7f, 0x1b7f), (0x1c89, 0x1c8a), (0x2427, 0x2429),
    (0x2ffc, 0x2fff), (0x31e4, 0x31e5), (0x31ef, 0x31ef), (0xa7cb, 0xa7cd), (0xa7da, 0xa7dc),
    (0x105c0, 0x105f3), (0x10d40, 0x10d65), (0x10d69, 0x10d85), (0x10d8e, 0x10d8f), (0x10ec2, 0x10ec4),
    (0x10efc, 0x10efc), (0x11380, 0x11389), (0x1138b, 0x1138b), (0x1138e, 0x1138e), (0x11390, 0x113b5),
    (0x113b7, 0x113c0), (0x113c2, 0x113c2), (0x113c5, 0x113c5), (0x113c7, 0x113ca), (0x113cc, 0x113d5),
    (0x113d7, 0x113d8), (0x113e1, 0x113e2), (0x116d0, 0x116e3), (0x11bc0, 0x11be1), (0x11bf0, 0x11bf9),
    (0x11f5a, 0x11f5a), (0x13460, 0x143fa), (0x16100, 0x16139), (0x16d40, 0x16d79), (0x18cff, 0x18cff),
    (0x1cc00, 0x1ccf9), (0x1cd00, 0x1ceb3), (0x1e5d0, 0x1e5fa), (0x1e5ff, 0x1e5ff), (0x1f8b2, 0x1f8bb),
    (0x1f8c0, 0x1f8c1), (0x1fa89, 0x1fa89), (0x1fa8f, 0x1fa8f), (0x1fabe, 0x1fabe), (0x1fac6, 0x1fac6),
    (0x1fadc, 0x1fadc), (0x1fadf, 0x1fadf), (0x1fae9, 0x1fae9), (0x1fbcb, 0x1fbef), (0x2ebf0, 0x2ee5d),
];

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// One line `first last` per range of printable characters, in hexadecimal digits.
    fn printable_ranges() -> String {
        let mut ranges = String::new();
        let mut start = None;
        for code in 0..=0x11_0000 {
            match (char::from_u32(code).is_some_and(is_printable_char), start) {
                (true, None) => start = Some(code),
                (false, Some(first)) => {
                    ranges.push_str(&format!("{first:x} {:x}\n", code - 1));
                    start = None;
                }
                _ => {}
            }
        }
        ranges
    }

    #[test]
    fn the_printable_characters_are_exactly_those_of_go() {
        // The digest of the same listing, made with Go 1.26's unicode.IsPrint.
        let digest = Sha256::digest(printable_ranges());
        assert_eq!(super::super::bytes::hex(&digest), "d8b5b48cb66658b1a50d25396257b4f67679d8e8cd84496ea7a7a3cea8eb13a0");
    }

    #[test]
    fn text_is_quoted_with_gos_escapes() {
        assert_eq!(quote(b"a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(quote(b"\x07\x08\x0c\n\r\t\x0b"), r#""\a\b\f\n\r\t\v""#);
        assert_eq!(quote(b"\x00\x1f\x7f"), r#""\x00\x1f\x7f""#);
        assert_eq!(quote("ü世\u{a0}\u{ad}\u{2028}\u{10ffff}".as_bytes()), r#""ü世\u00a0\u00ad\u2028\U0010ffff""#);
        assert_eq!(quote("\u{fffd}".as_bytes()), "\"\u{fffd}\"");
    }

    #[test]
    fn on_one_line_only_what_would_not_show_is_escaped() {
        assert_eq!(on_one_line(b"{\"a\":\"\\\"}\n\x00\xff"), r#"{"a":"\"}\n\x00\xff"#);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_quoted_one_by_one() {
        assert_eq!(quote(b"a\xffb\xe2\x82c\xed\xa0\x80"), r#""a\xffb\xe2\x82c\xed\xa0\x80""#);
    }
}
