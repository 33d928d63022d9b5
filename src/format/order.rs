//! The order of keys: bytewise, a shorter prefix first.

use std::cmp::Ordering;

/// How many words are compared in place before a call is worth it.
const WORDS: usize = 4;
const WORD: usize = 8;

/// Compares two keys as slices compare.
///
/// The first words are compared in place: most keys differ there, and a search compares often enough that the
/// call of the general comparison shows. What is left of the shorter key is covered by one more word, which
/// overlaps what was compared before.
#[inline(always)]
pub(crate) fn compare_keys(a: &[u8], b: &[u8]) -> Ordering {
    let (mut rest_of_a, mut rest_of_b) = (a, b);
    for _ in 0..WORDS {
        let (Some((x, after_x)), Some((y, after_y))) = (rest_of_a.split_first_chunk(), rest_of_b.split_first_chunk()) else {
            return compare_ends(a, b);
        };
        if x != y {
            return number(x).cmp(&number(y));
        }
        (rest_of_a, rest_of_b) = (after_x, after_y);
    }
    rest_of_a.cmp(rest_of_b)
}

/// Whether a key begins with these bytes.
#[inline(always)]
pub(crate) fn begins_with(key: &[u8], prefix: &[u8]) -> bool {
    key.get(..prefix.len()).is_some_and(|head| compare_keys(head, prefix).is_eq())
}

/// Compares keys that are the same but for less than a word at the end of the shorter one.
#[inline(always)]
fn compare_ends(a: &[u8], b: &[u8]) -> Ordering {
    let last = a.len().min(b.len()).wrapping_sub(WORD);
    let word = |key: &[u8]| key.get(last..).and_then(|rest| rest.first_chunk()).map(number);
    match (word(a), word(b)) {
        (Some(x), Some(y)) => x.cmp(&y).then(a.len().cmp(&b.len())),
        _ => a.cmp(b),
    }
}

/// Eight bytes as a number that compares as they do.
#[inline(always)]
fn number(bytes: &[u8; WORD]) -> u64 {
    u64::from_be_bytes(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    quickcheck! {
        fn keys_compare_as_slices_do(common: Vec<u8>, a: Vec<u8>, b: Vec<u8>) -> bool {
            let (a, b) = ([&common[..], &a].concat(), [&common[..], &b].concat());
            compare_keys(&a, &b) == a.cmp(&b) && compare_keys(&a, &a).is_eq() && compare_keys(&common, &a) == common.cmp(&a)
        }

        fn keys_begin_as_slices_do(common: Vec<u8>, a: Vec<u8>, b: Vec<u8>) -> bool {
            let (a, b) = ([&common[..], &a].concat(), [&common[..], &b].concat());
            begins_with(&a, &common) && begins_with(&a, &b) == a.starts_with(&b) && begins_with(&common, &a) == common.starts_with(&a)
        }
    }
}
