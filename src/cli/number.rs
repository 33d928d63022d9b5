//! Owns numbers as bbolt reads them from the command line.

use crate::format::PageSize;

/// A page or item id: decimal digits, no sign, no prefix.
pub fn decimal(text: &str) -> Result<u64, String> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("not a decimal number".to_string());
    }
    text.parse().map_err(|error| format!("{error}"))
}

/// The value of a numeric flag: decimal, or with the prefix `0x`, `0o` or `0`, `0b`; `_` may separate digits after it.
pub fn flag(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (&lower[..], 10),
    };
    let prefixed = digits.len() < lower.len();
    if !separated(digits, prefixed) {
        return Err("not a number".to_string());
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).map_err(|error| format!("{error}"))
}

/// The value of a numeric flag that may be negative.
pub fn signed_flag(text: &str) -> Result<i64, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = sign * i128::from(flag(digits)?);
    i64::try_from(value).map_err(|error| format!("{error}"))
}

/// The page size of a new database.
pub fn page_size(text: &str) -> Result<u32, String> {
    let size = flag(text)?;
    let possible = size.is_power_of_two() && (1024..=65536).contains(&size);
    u32::try_from(size).ok().filter(|_| possible).ok_or_else(|| "not a power of two from 1024 to 65536".to_string())
}

/// The page size of a file that is read, whatever wrote it.
pub fn any_page_size(text: &str) -> Result<PageSize, String> {
    let size = u32::try_from(flag(text)?).ok().and_then(PageSize::new);
    size.ok_or_else(|| "not from 512 to 16777216".to_string())
}

/// A place in an image where a page can begin.
pub fn sector(text: &str) -> Result<u64, String> {
    let offset = flag(text)?;
    if offset.is_multiple_of(512) { Ok(offset) } else { Err("not a multiple of 512".to_string()) }
}

/// Underscores stand between two digits, or between prefix and digit; a sign stands nowhere.
fn separated(digits: &str, prefixed: bool) -> bool {
    let mut digit_before = prefixed;
    for byte in digits.bytes() {
        match byte {
            b'_' if !digit_before => return false,
            b'+' | b'-' => return false,
            _ => digit_before = byte != b'_',
        }
    }
    digit_before && !digits.is_empty()
}

/// A page id among others; bbolt passes over an empty argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageArg(pub Option<u64>);

impl std::str::FromStr for PageArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(PageArg(None)) } else { decimal(text).map(|id| PageArg(Some(id))) }
    }
}

/// Go's words for yes and no.
pub fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("neither true nor false".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_decimal_digits_alone() {
        assert_eq!(decimal("0012"), Ok(12));
        assert_eq!(decimal("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["", "+1", "-1", "0x10", "1_0", " 1", "18446744073709551616"] {
            assert!(decimal(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn signs_stand_before_flags_that_may_be_negative() {
        for (text, value) in [("-1", -1), ("+1", 1), ("-0x10", -16), ("65536", 65536), ("-9223372036854775808", i64::MIN)] {
            assert_eq!(signed_flag(text), Ok(value), "{text}");
        }
        for wrong in ["", "-", "--1", "+-1", "9223372036854775808", "1.5"] {
            assert!(signed_flag(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn page_sizes_are_powers_of_two_in_the_range_of_new_databases() {
        for size in [1024, 4096, 65536] {
            assert_eq!(page_size(&size.to_string()), Ok(size));
        }
        for wrong in ["0", "512", "4097", "131072", "4k"] {
            assert!(page_size(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn flags_take_prefixes_and_separators() {
        for (text, value) in [
            ("10", 10),
            ("0x10", 16),
            ("0X1f", 31),
            ("010", 8),
            ("0o17", 15),
            ("0b101", 5),
            ("0", 0),
            ("1_000", 1000),
            ("0x_f", 15),
            ("0_7", 7),
        ] {
            assert_eq!(flag(text), Ok(value), "{text}");
        }
        for wrong in ["", "+1", "-1", "_1", "1_", "1__0", "0x", "08", "1a", "0x+1"] {
            assert!(flag(wrong).is_err(), "{wrong:?}");
        }
    }
}
