//! What is wrong with the pages of trees and the ways between them.

use crate::planted::{BRANCH_CHILD, COUNT, FLAGS, OVERFLOW, PAGE, bucket, element, sound};
use unbolt::CorruptionKind;
use unbolt::check::{Code, Severity};
use unbolt::format::{Endian, PageId, encode_bucket};

#[test]
fn a_child_that_cannot_be_a_page_is_found_where_it_is_named() {
    for child in [0, 1, 12, 1 << 60] {
        let mut it = sound();
        it.branch(4, &[("a", 5), ("m", child), ("t", 7)]);
        let at = element(4, 1) + BRANCH_CHILD;
        it.finds(&[(Code::PageRange, child, at), (Code::UnreachableUnfreed, 6, 6 * PAGE)]);
    }
}

#[test]
fn a_bucket_whose_root_cannot_be_a_page_is_found_where_it_is_named() {
    for root in [1, 12, 1 << 60] {
        let mut it = sound();
        it.tree(&encode_bucket(PageId(root), 0, Endian::Little));
        let found = it.check().0;
        assert_eq!((found[0].code, found[0].corruption.page), (Code::PageRange, Some(PageId(root))));
        let at = found[0].corruption.offset.unwrap() as usize;
        assert_eq!(it.bytes[at..at + 8], root.to_le_bytes());
        assert_eq!((found[1].code, found.len()), (Code::UnreachableUnfreed, 2));
    }
}

#[test]
fn a_page_with_another_number_is_found() {
    let mut it = sound();
    it.put(6 * PAGE, &[77]);
    let found = it.finds(&[(Code::PageId, 6, 6 * PAGE)]);
    assert_eq!(found[0].path, [3, 4, 6].map(PageId));
    assert_eq!(found[0].to_string(), "page 6: its header says page 77 (offset 3072) in bucket tree");
}

#[test]
fn a_page_of_no_type_or_of_a_wrong_one_is_found() {
    for flags in [0, 3, 0x08] {
        let mut it = sound();
        it.put(6 * PAGE + FLAGS, &[flags]);
        it.finds(&[(Code::PageKind, 6, 6 * PAGE + FLAGS)]);
    }
    let mut it = sound();
    it.put(6 * PAGE + FLAGS, &[0x10]);
    it.finds(&[(Code::PageKind, 6, 6 * PAGE + FLAGS)]);
}

#[test]
fn a_root_on_the_freelist_page_is_found() {
    let mut it = sound();
    it.meta(0, |meta| meta.root = PageId(2));
    it.finds(&[
        (Code::PageKind, 2, 2 * PAGE + FLAGS),
        (Code::FreelistInUse, 2, 2 * PAGE),
        (Code::UnreachableUnfreed, 3, 3 * PAGE),
    ]);
}

#[test]
fn a_run_past_the_pages_ever_allocated_is_found() {
    for overflow in [6, u32::MAX] {
        let mut it = sound();
        it.put(6 * PAGE + OVERFLOW, &overflow.to_le_bytes());
        it.finds(&[(Code::PageRun, 6, 6 * PAGE + OVERFLOW)]);
    }
}

#[test]
fn a_page_with_two_parents_is_found() {
    let mut it = sound();
    it.branch(4, &[("a", 5), ("m", 6), ("t", 6)]);
    it.finds(&[(Code::PageShared, 6, element(4, 2) + BRANCH_CHILD), (Code::UnreachableUnfreed, 7, 7 * PAGE)]);
}

#[test]
fn two_buckets_on_one_tree_are_found() {
    let mut it = sound();
    let tree = encode_bucket(PageId(4), 0, Endian::Little);
    it.elements(3, &[bucket("more", &tree), bucket("tree", &tree)]);
    it.finds(&[(Code::PageShared, 4, element(3, 2) + 4 + 16 + 4)]);
}

#[test]
fn a_run_that_covers_another_page_is_found_from_either_side() {
    let mut it = sound();
    it.put(6 * PAGE + OVERFLOW, &[1]);
    it.finds(&[(Code::PageShared, 7, element(4, 2) + BRANCH_CHILD), (Code::UnreachableUnfreed, 8, 8 * PAGE)]);
    let mut it = sound();
    it.branch(4, &[("a", 6), ("m", 5), ("t", 7)]);
    it.leaf(5, &["m", "n", "o"]);
    it.leaf(6, &["a", "b", "c"]);
    it.put(5 * PAGE + OVERFLOW, &[1]);
    let found = it.finds(&[(Code::PageShared, 5, element(4, 1) + BRANCH_CHILD)]);
    assert_eq!(found[0].corruption.kind, CorruptionKind::RunShared { page: PageId(6) });
}

#[test]
fn a_page_below_itself_is_found() {
    let mut it = sound();
    it.branch(4, &[("a", 4), ("m", 6), ("t", 7)]);
    it.finds(&[(Code::PageCycle, 4, element(4, 0) + BRANCH_CHILD), (Code::UnreachableUnfreed, 5, 5 * PAGE)]);
    let mut it = sound();
    it.tree(&encode_bucket(PageId(3), 0, Endian::Little));
    let found = it.check().0;
    assert_eq!((found[0].code, found[0].corruption.page), (Code::PageCycle, Some(PageId(3))));
}

#[test]
fn a_tree_deeper_than_any_is_found() {
    let mut it = sound();
    let (first, last) = (12, 12 + 70);
    it.branch(4, &[("a", 5), ("m", 6), ("t", first as u64)]);
    for page in first..last {
        it.branch(page, &[("t", page as u64 + 1)]);
    }
    it.leaf(last, &["t"]);
    it.meta(0, |meta| meta.high_water = PageId(last as u64 + 1));
    let deepest = 4 + 8 + 63;
    let single = (first..deepest as usize).map(|page| (Code::SingleChild, page as u64, page * PAGE));
    let others = [
        (Code::PageDepth, deepest, element(deepest as usize - 1, 0) + BRANCH_CHILD),
        (Code::UnreachableUnfreed, 7, 7 * PAGE),
        (Code::UnreachableUnfreed, deepest + 1, (deepest as usize + 1) * PAGE),
    ];
    it.finds(&single.chain(others).collect::<Vec<_>>());
}

#[test]
fn a_branch_with_a_single_child_is_found_at_the_root_of_a_tree_too() {
    let mut it = sound();
    it.branch(4, &[("a", 9)]);
    it.branch(9, &[("a", 5), ("m", 10)]);
    it.branch(10, &[("m", 6)]);
    it.free(&[7, 8, 11]);
    let found =
        it.finds(&[(Code::SingleChild, 4, 4 * PAGE), (Code::SingleChild, 10, 10 * PAGE), (Code::UnequalDepth, 6, 6 * PAGE)]);
    assert!(found.iter().all(|finding| finding.severity == Severity::Hazard));
}

#[test]
fn branches_that_share_all_children_end_soon() {
    let mut it = sound();
    let (first, last) = (12, 12 + 40);
    it.branch(4, &[("a", 5), ("m", 6), ("t", first as u64)]);
    for page in first..last {
        it.branch(page, &[("t", page as u64 + 1), ("u", page as u64 + 1)]);
    }
    it.leaf(last, &["t"]);
    it.meta(0, |meta| meta.high_water = PageId(last as u64 + 1));
    let shared = it.check().0.iter().filter(|finding| finding.code == Code::PageShared).count();
    assert_eq!(shared, 40);
}

#[test]
fn a_branch_without_elements_is_found() {
    let mut it = sound();
    it.put(4 * PAGE + COUNT, &[0]);
    it.finds(&[(Code::EmptyBranch, 4, 4 * PAGE), (Code::UnreachableUnfreed, 5, 5 * PAGE)]);
}

#[test]
fn an_empty_leaf_is_found_unless_it_is_a_root() {
    let mut it = sound();
    it.leaf(6, &[]);
    let found = it.finds(&[(Code::EmptyLeaf, 6, 6 * PAGE)]);
    assert_eq!(found[0].severity, Severity::Hazard);
    let mut it = sound();
    it.leaf(4, &[]);
    it.free(&[5, 6, 7, 8, 9, 10, 11]);
    it.finds(&[]);
}

#[test]
fn leaves_at_different_levels_of_one_bucket_are_found_once() {
    let mut it = sound();
    it.branch(6, &[("m", 9), ("n", 10)]);
    it.leaf(9, &["m"]);
    it.leaf(10, &["n", "o"]);
    it.free(&[11]);
    let found = it.finds(&[(Code::UnequalDepth, 9, 9 * PAGE)]);
    assert_eq!(found[0].corruption.kind, CorruptionKind::UnequalDepth { found: 2, expected: 1 });
}

#[test]
fn a_separator_that_is_not_the_first_key_of_its_child_is_found() {
    for (children, page) in [
        ([("a", 5), ("l", 6), ("t", 7)], 6),
        ([("A", 5), ("m", 6), ("t", 7)], 5),
        ([("aa", 5), ("m", 6), ("t", 7)], 5), // look-ups for "a" still go there
    ] {
        let mut it = sound();
        it.branch(4, &children);
        let found = it.finds(&[(Code::SeparatorInexact, page, element(page as usize, 0))]);
        assert_eq!(found[0].severity, Severity::Hazard);
    }
}
