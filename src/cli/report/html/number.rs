//! Owns how numbers are written for people.

/// With a comma after every three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of things.
pub fn count(number: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A length for people to remember, beside the exact one.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, "bytes");
    for next in UNITS.iter().take_while(|_| bytes >= 1024) {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "bytes" { count(bytes, "byte") } else { format!("{value:.1} {unit}").replace(".0 ", " ") }
}

/// A part of a whole in percent; what is there at all is never 0.
pub fn share(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    match part {
        0 => "0 %".to_owned(),
        _ if percent < 0.01 => "under 0.01 %".to_owned(),
        _ => format!("{percent:.2} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1234567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((count(1, "page"), count(2, "page")), ("1 page".into(), "2 pages".into()));
        assert_eq!([1, 1023, 1024, 1536, 131072].map(size), ["1 byte", "1,023 bytes", "1 KiB", "1.5 KiB", "128 KiB"]);
        assert_eq!((share(0, 0), share(1, 1 << 40), share(1, 3)), ("0 %".into(), "under 0.01 %".into(), "33.33 %".into()));
    }
}
