//! The order in which docker lists names: numbers in them count as numbers.

use std::cmp::Ordering;

/// Compares two names so that `web-9` comes before `web-10`.
///
/// ```
/// let mut names = ["web-10", "web-9", "db"];
/// names.sort_by(|a, b| unbolt::net::natural_order(a, b));
/// assert_eq!(names, ["db", "web-9", "web-10"]);
/// ```
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let ((number_a, rest_a), (number_b, rest_b)) = (number(left), number(right));
        if !number_a.is_empty() && !number_b.is_empty() {
            let (value_a, value_b) = (number_a.trim_start_matches('0'), number_b.trim_start_matches('0'));
            match value_a.len().cmp(&value_b.len()).then_with(|| value_a.cmp(value_b)) {
                Ordering::Equal => (left, right) = (rest_a, rest_b),
                order => return order,
            }
            continue;
        }
        let (mut chars_a, mut chars_b) = (left.chars(), right.chars());
        match (chars_a.next(), chars_b.next()) {
            (None, None) => return a.cmp(b),
            (one, other) if one == other => (left, right) = (chars_a.as_str(), chars_b.as_str()),
            (one, other) => return one.cmp(&other),
        }
    }
}

/// The digits that a text begins with, and the rest.
fn number(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let order = ["", "1", "2", "10", "a", "a1", "a1b", "a01b2", "a1b10", "a2", "ab", "é"];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(natural_order(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        assert_eq!(natural_order("a01", "a1"), Ordering::Less, "the same number twice: by their bytes");
    }
}
