//! The order of keys: bytewise, a shorter prefix first.

use std::cmp::Ordering;

/// How many bytes are compared word by word before a call is worth it.
const WORDS: usize = 4;

/// Compares two keys as slices compare.
///
/// The first words are compared in place: most keys differ there, and a search compares often enough that the
/// call of the general comparison shows.
#[inline(always)]
pub(super) fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    for _ in 0..WORDS {
        let (Some((x, rest_of_a)), Some((y, rest_of_b))) = (a.split_first_chunk::<8>(), b.split_first_chunk::<8>()) else {
            break;
        };
        if x != y {
            return u64::from_be_bytes(*x).cmp(&u64::from_be_bytes(*y));
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
    a.cmp(b)
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
