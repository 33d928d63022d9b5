//! Where an edited node is cut into pages.
//!
//! The rule is Go's: a node that fits in a page, or has at most four elements, stays whole; any other gives up its
//! beginning, filled as far as asked for but with two elements at least and three left, and the rest is looked at
//! again. So the last page may be fuller than the others.

use std::ops::Range;

use crate::format::PAGE_HEADER_SIZE;

/// A node with as many elements is not cut, however large they are.
const NEVER_CUT: usize = 4;
/// The least that stays in a page that is cut off.
const LEAST: usize = 2;
/// No run is as long: positions in it have 31 bits for some readers.
pub(super) const LONGEST_RUN: u64 = (1 << 31) - 1;

/// Whether a node of so many elements, and bytes with its header, becomes one run.
pub(super) fn stays_whole(count: usize, bytes: u64, page: u64) -> bool {
    (count <= NEVER_CUT || bytes < page) && bytes < LONGEST_RUN
}

/// The parts that elements of these sizes are cut into, in order; one part where they are not cut at all.
pub(super) fn cut(sizes: &[u64], page: u64, fill: f64) -> Vec<Range<usize>> {
    let threshold = (page as f64 * fill.clamp(0.1, 1.0)) as u64;
    let header = PAGE_HEADER_SIZE as u64;
    let mut left = header + sizes.iter().sum::<u64>();
    let mut start = 0;
    let mut parts = Vec::with_capacity((left / threshold.max(1)) as usize + 1);
    loop {
        let rest = &sizes[start..];
        if rest.len() <= NEVER_CUT || left < page {
            break;
        }
        let at = first_cut(rest, threshold);
        parts.push(start..start + at);
        left -= rest[..at].iter().sum::<u64>();
        start += at;
    }
    parts.push(start..sizes.len());
    parts.into_iter().flat_map(|part| cut_long(sizes, part)).collect()
}

fn first_cut(sizes: &[u64], threshold: u64) -> usize {
    let mut size = PAGE_HEADER_SIZE as u64;
    let last = sizes.len() - LEAST - 1;
    for (at, element) in sizes.iter().enumerate().take(last + 1) {
        if at >= LEAST && size + element > threshold {
            return at;
        }
        size += element;
    }
    last
}

/// The one exception: a run too long to be read is cut between its elements.
fn cut_long(sizes: &[u64], part: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(1);
    let (mut start, mut size) = (part.start, PAGE_HEADER_SIZE as u64);
    for at in part.clone() {
        if at > start && size + sizes[at] >= LONGEST_RUN {
            parts.push(start..at);
            (start, size) = (at, PAGE_HEADER_SIZE as u64);
        }
        size += sizes[at];
    }
    parts.push(start..part.end);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn lengths(sizes: &[u64], fill: f64) -> Vec<usize> {
        cut(sizes, 4096, fill).iter().map(ExactSizeIterator::len).collect()
    }

    #[test]
    fn pages_are_cut_where_go_cuts_them() {
        assert_eq!(lengths(&[400; 11], 0.5), [5, 6]);
        assert_eq!(lengths(&[50, 50, 50, 50, 4000, 4000], 0.5), [3, 3]);
        assert_eq!(lengths(&[3000; 8], 0.5), [2, 2, 4]);
        assert_eq!(lengths(&[100; 200], 0.5), [20, 20, 20, 20, 20, 20, 20, 20, 40]);
        assert_eq!(lengths(&[4080], 0.5), [1]);
        assert_eq!(lengths(&[], 0.5), [0]);
    }

    #[test]
    fn a_run_that_no_reader_could_address_is_cut_below_four_elements() {
        assert_eq!(lengths(&[1_200_000_000, 1_200_000_000, 10], 0.5), [1, 2]);
    }

    quickcheck! {
        fn the_parts_follow_each_other_and_are_all_there_is(sizes: Vec<u16>, fill: u8) -> bool {
            let sizes: Vec<u64> = sizes.into_iter().map(|size| u64::from(size) % 3000 + 17).collect();
            let parts = cut(&sizes, 1024, f64::from(fill) / 200.0);
            let ends: Vec<usize> = parts.iter().map(|part| part.end).collect();
            let starts: Vec<usize> = parts.iter().map(|part| part.start).collect();
            starts[0] == 0 && starts[1..] == ends[..ends.len() - 1] && ends.last() == Some(&sizes.len())
        }
    }
}
