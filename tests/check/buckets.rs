//! What is wrong with the values of buckets, and with inline pages.

use crate::planted::{COUNT, FLAGS, LEAF_VSIZE, OVERFLOW, bucket, element, sound};
use unbolt::check::Code;
use unbolt::format::{Endian, PageId, encode_bucket};

#[test]
fn a_bucket_value_that_is_not_its_header_is_found() {
    let mut it = sound();
    it.tree(&[&encode_bucket(PageId(4), 0, Endian::Little)[..], b"!"].concat());
    it.finds(&[(Code::BucketValue, 3, element(3, 1))]);
    it.tree(b"not one");
    let found = it.check().0;
    assert_eq!((found[0].code, found[0].corruption.page), (Code::BucketValue, Some(PageId(3))));
    assert_eq!((found[1].code, found.len()), (Code::UnreachableUnfreed, 2));
}

/// Where the inline bucket's page begins: behind two element headers, its name and its bucket header.
const INLINE: usize = element(3, 2) + 6 + 16;

#[test]
fn an_inline_bucket_without_a_whole_leaf_is_found() {
    let mut it = sound();
    it.inline(&[0; 20]);
    it.finds(&[(Code::InlinePage, 3, INLINE)]);
    let mut it = sound();
    it.put(INLINE + FLAGS, &[1]);
    it.finds(&[(Code::InlinePage, 3, INLINE + FLAGS)]);
}

#[test]
fn the_elements_of_an_inline_bucket_are_checked_too() {
    let mut it = sound();
    it.put(INLINE + COUNT, &[0xff, 0xff]);
    it.finds(&[(Code::ElementCount, 3, INLINE + COUNT)]);
    let mut it = sound();
    it.put(INLINE + 16 + LEAF_VSIZE, &u32::MAX.to_le_bytes());
    let found = it.finds(&[(Code::ElementSpan, 3, INLINE + 16)]);
    assert_eq!(found[0].bucket, [b"inline".to_vec()]);
    assert_eq!(found[0].path, [PageId(3)]);
    let mut it = sound();
    let value = it.inline_bucket(&[("b", ""), ("a", "")]);
    it.inline(&value);
    it.finds(&[(Code::KeyOrder, 3, INLINE + 32)]);
}

#[test]
fn an_inline_page_that_claims_pages_is_found() {
    for (field, claim) in [(0, 5), (OVERFLOW, 1)] {
        let mut it = sound();
        it.put(INLINE + field, &[claim]);
        it.finds(&[(Code::InlineHeader, 3, INLINE)]);
    }
}

#[test]
fn a_bucket_inside_an_inline_bucket_is_found() {
    let mut it = sound();
    let inner = it.inline_bucket(&[]);
    let outer = it.inline_elements(&[bucket("in", &inner)]);
    it.inline(&outer);
    it.finds(&[(Code::InlineBucket, 3, INLINE + 16)]);
}

#[test]
fn a_bucket_with_pages_inside_an_inline_bucket_is_found() {
    let mut it = sound();
    it.leaf(9, &["x"]);
    it.free(&[10, 11]);
    let outer = it.inline_elements(&[bucket("in", &encode_bucket(PageId(9), 0, Endian::Little))]);
    it.inline(&outer);
    it.finds(&[(Code::InlineTree, 3, INLINE + 16)]);
}
