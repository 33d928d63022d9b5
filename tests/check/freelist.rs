//! What is wrong with the list of free pages, and pages that are lost.

use crate::planted::{COUNT, FLAGS, OVERFLOW, PAGE, element, sound};
use unbolt::CorruptionKind;
use unbolt::check::Code;
use unbolt::format::PageId;

#[test]
fn a_freelist_out_of_order_is_found() {
    let mut it = sound();
    it.free(&[10, 9, 11]);
    it.finds(&[(Code::FreelistUnsorted, 2, element(2, 0) + 8)]);
}

#[test]
fn a_freelist_that_names_pages_which_cannot_be_free_is_found() {
    for (ids, position) in [([0, 9, 10, 11], 0), ([1, 9, 10, 11], 0), ([2, 9, 10, 11], 0), ([9, 10, 11, 12], 3)] {
        let mut it = sound();
        it.free(&ids);
        it.finds(&[(Code::FreelistRange, 2, element(2, 0) + 8 * position)]);
    }
}

#[test]
fn a_page_that_is_free_twice_is_found_wherever_the_list_has_it() {
    for (ids, position, unsorted) in [([9, 10, 10, 11], 2, false), ([9, 10, 11, 9], 3, true)] {
        let mut it = sound();
        it.free(&ids);
        let at = element(2, 0) + 8 * position;
        match unsorted {
            true => it.finds(&[(Code::FreelistUnsorted, 2, at), (Code::FreelistDuplicate, 2, at)]),
            false => it.finds(&[(Code::FreelistDuplicate, 2, at)]),
        };
    }
}

#[test]
fn a_freelist_that_is_none_is_found() {
    let mut it = sound();
    it.meta(0, |meta| meta.freelist = Some(PageId(5)));
    it.finds(&[(Code::PageKind, 5, 5 * PAGE + FLAGS)]);
    let mut it = sound();
    it.put(2 * PAGE, &[77]);
    it.finds(&[(Code::PageId, 2, 2 * PAGE)]);
}

#[test]
fn a_freelist_that_claims_more_than_it_holds_is_found() {
    let mut it = sound();
    it.put(2 * PAGE + COUNT, &[200, 0]);
    it.finds(&[(Code::ElementCount, 2, 2 * PAGE + COUNT)]);
    it.put(2 * PAGE + COUNT, &[0xff, 0xff]);
    it.put(2 * PAGE + 16, &(1_u64 << 40).to_le_bytes());
    it.finds(&[(Code::ElementCount, 2, 2 * PAGE + COUNT)]);
}

#[test]
fn a_page_in_use_that_is_free_is_found_with_the_way_to_it() {
    let mut it = sound();
    it.free(&[6, 9, 10, 11]);
    let found = it.finds(&[(Code::ReachableFree, 6, 6 * PAGE)]);
    assert_eq!(found[0].path, [3, 4, 6].map(PageId));
    assert_eq!(found[0].bucket, [b"tree".to_vec()]);
    assert_eq!(found[0].to_string(), "page 6: is in use and also in the freelist (offset 3072) in bucket tree");
    it.free(&[8, 9, 10, 11]);
    let found = it.finds(&[(Code::ReachableFree, 8, 8 * PAGE)]);
    assert_eq!(found[0].path, [3, 4, 7, 8].map(PageId));
}

#[test]
fn a_freelist_in_the_middle_of_a_tree_is_found() {
    let mut it = sound();
    it.meta(0, |meta| meta.freelist = Some(PageId(8)));
    it.leaf(7, &["t"]);
    it.put(7 * PAGE + OVERFLOW, &[1]);
    it.free(&[2, 9, 10, 11]);
    it.finds(&[(Code::FreelistInUse, 8, 8 * PAGE)]);
}

#[test]
fn lost_pages_are_found_as_ranges() {
    let mut it = sound();
    it.free(&[10]);
    it.finds(&[(Code::UnreachableUnfreed, 9, 9 * PAGE), (Code::UnreachableUnfreed, 11, 11 * PAGE)]);
    it.free(&[]);
    let found = it.finds(&[(Code::UnreachableUnfreed, 9, 9 * PAGE)]);
    assert_eq!(found[0].corruption.kind, CorruptionKind::UnreachableRange { last: PageId(11) });
    assert_eq!(
        found[0].to_string(),
        "page 9: this and all pages up to 11 are neither in use nor in the freelist (offset 4608)"
    );
}

#[test]
fn a_file_without_a_freelist_loses_no_pages() {
    let mut it = sound();
    it.meta(0, |meta| meta.freelist = None);
    it.finds(&[]);
}
