//! The order of keys: bytewise, a shorter prefix first.

use std::cmp::Ordering;

/// How many bytes are compared word by word before a call is worth it.
const IN_PLACE: usize = 32;
const WORD: usize = 8;

/// Compares two keys as slices compare.
///
/// The first words are compared in place: most keys differ there, and a search compares often enough that the
/// call of the general comparison shows. What is left of the shorter key is covered by one more word that
/// overlaps what was compared before.
#[inline(always)]
pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let common = a.len().min(b.len());
    let mut done: usize = 0;
    while let Some((x, y)) = words(a, b, done) {
        if x != y {
            return x.cmp(&y);
        }
        done = done.wrapping_add(WORD);
        if done >= IN_PLACE {
            return a.get(done..).cmp(&b.get(done..));
        }
    }
    match common.checked_sub(WORD).and_then(|last| words(a, b, last)) {
        Some((x, y)) if x != y => x.cmp(&y),
        Some(_) => a.len().cmp(&b.len()),
        None => a.cmp(b),
    }
}

/// Eight bytes of each key, as numbers that compare as the bytes do.
#[inline(always)]
fn words(a: &[u8], b: &[u8], at: usize) -> Option<(u64, u64)> {
    let word = |key: &[u8]| key.get(at..)?.first_chunk::<WORD>().map(|bytes| u64::from_be_bytes(*bytes));
    Some((word(a)?, word(b)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    quickcheck! {
        fn keys_compare_as_slices_do(common: Vec<u8>, a: Vec<u8>, b: Vec<u8>) -> bool {
            let (a, b) = ([&common[..], &a].concat(), [&common[..], &b].concat());
            compare(&a, &b) == a.cmp(&b) && compare(&a, &a).is_eq() && compare(&common, &a) == common.cmp(&a)
        }
    }
}
