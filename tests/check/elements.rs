//! What is wrong with elements: where they lie, their flags, their keys.

use crate::planted::{BRANCH_KSIZE, COUNT, LEAF_FLAGS, LEAF_KSIZE, LEAF_POS, LEAF_VSIZE, PAGE, bucket, element, sound};
use unbolt::check::{Code, MAX_PATH, Severity, check_snapshot};
use unbolt::format::{
    BUCKET_FLAG, Endian, Layout, LeafElement, Meta, PageId, PageSize, TxId, encode_bucket, encode_inline, encode_leaf,
    encode_meta,
};
use unbolt::{CorruptionKind, Snapshot};

#[test]
fn more_elements_than_a_page_can_hold_are_found() {
    for page in [4, 6] {
        let mut it = sound();
        it.put(page * PAGE + COUNT, &[0xff, 0xff]);
        let found = it.check().0;
        assert_eq!((found[0].code, found[0].corruption.offset), (Code::ElementCount, Some((page * PAGE + COUNT) as u64)));
    }
}

#[test]
fn a_leaf_element_outside_its_run_or_over_the_headers_is_found() {
    for (field, value) in [
        (LEAF_POS, 0),
        (LEAF_POS, 16),
        (LEAF_POS, 0x7fff_0000),
        (LEAF_POS, u32::MAX - 15),
        (LEAF_KSIZE, u32::MAX),
        (LEAF_KSIZE, 500),
        (LEAF_VSIZE, 500),
        (LEAF_VSIZE, u32::MAX),
    ] {
        let mut it = sound();
        it.put(element(6, 1) + field, &value.to_le_bytes());
        it.finds(&[(Code::ElementSpan, 6, element(6, 1))]);
    }
}

#[test]
fn a_branch_element_outside_its_run_is_found() {
    let mut it = sound();
    it.put(element(4, 1) + BRANCH_KSIZE, &600_u32.to_le_bytes());
    it.finds(&[(Code::ElementSpan, 4, element(4, 1)), (Code::UnreachableUnfreed, 6, 6 * PAGE)]);
}

#[test]
fn a_bucket_element_outside_its_run_is_found_once() {
    let mut it = sound();
    it.put(element(3, 1) + LEAF_VSIZE, &600_u32.to_le_bytes());
    it.finds(&[(Code::ElementSpan, 3, element(3, 1)), (Code::UnreachableUnfreed, 4, 4 * PAGE)]);
}

#[test]
fn elements_that_share_their_bytes_are_found_once() {
    let mut it = sound();
    // Three elements whose values all reach to the end of the page.
    for index in 0..3 {
        let rest = PAGE - (element(6, index) - 6 * PAGE) - 60;
        it.put(element(6, index) + LEAF_POS, &48_u32.to_le_bytes());
        it.put(element(6, index) + LEAF_VSIZE, &(rest as u32).to_le_bytes());
    }
    let (findings, _) = it.check();
    let overlaps: Vec<_> =
        findings.iter().filter(|f| matches!(f.corruption.kind, CorruptionKind::ElementOverlap { .. })).collect();
    assert_eq!(overlaps.len(), 1, "{findings:?}");
    assert_eq!((overlaps[0].code, overlaps[0].corruption.offset), (Code::ElementSpan, Some(element(6, 1) as u64)));
}

#[test]
fn a_path_of_a_thousand_buckets_is_cut_in_the_middle() {
    let mut inner = encode_inline(&[], Endian::Little).unwrap();
    for _ in 0..1000 {
        let value = [&encode_bucket(PageId(0), 0, Endian::Little)[..], &inner].concat();
        inner = encode_inline(&[LeafElement { flags: BUCKET_FLAG, key: b"n", value: &value[..] }], Endian::Little).unwrap();
    }
    let layout = Layout { page_size: PageSize::new(65536).unwrap(), endian: Endian::Little };
    let value = [&encode_bucket(PageId(0), 0, Endian::Little)[..], &inner].concat();
    let root = encode_leaf(PageId(2), &[LeafElement { flags: BUCKET_FLAG, key: b"n", value: &value[..] }], layout).unwrap();
    let meta = Meta {
        endian: Endian::Little,
        page_size: 65536,
        flags: 0,
        root: PageId(2),
        root_sequence: 0,
        freelist: None,
        high_water: PageId(3),
        txid: TxId(2),
    };
    let metas = [encode_meta(PageId(0), &meta, layout), encode_meta(PageId(1), &meta, layout)].concat();
    let snapshot = Snapshot::from_bytes([metas, root].concat()).unwrap();
    let (mut deepest, mut text) = (0, String::new());
    check_snapshot(&snapshot, &mut |finding| {
        assert!(finding.bucket.len() <= MAX_PATH && finding.path.len() <= MAX_PATH + 1);
        if finding.bucket_depth > deepest {
            (deepest, text) = (finding.bucket_depth, finding.to_string());
        }
    })
    .unwrap();
    assert_eq!(deepest, 1000);
    assert!(text.contains("/n/(936 more)/n/"), "{text}");
}

#[test]
fn flags_that_mean_nothing_are_found() {
    let mut it = sound();
    it.put(element(6, 2) + LEAF_FLAGS, &[0x20]);
    let found = it.finds(&[(Code::ElementFlags, 6, element(6, 2))]);
    assert_eq!((found[0].severity, found[0].key.as_deref()), (Severity::Hazard, Some(&b"o"[..])));
}

#[test]
fn elements_out_of_packed_order_are_a_note() {
    let mut it = sound();
    it.put(element(6, 2) + LEAF_POS, &22_u32.to_le_bytes());
    it.put(element(6, 2) + 22, b"o1");
    let found = it.finds(&[(Code::ElementPlace, 6, element(6, 2))]);
    assert_eq!(found[0].severity, Severity::Note);
    assert_eq!(found[0].corruption.kind, CorruptionKind::ElementPlace { index: 2, found: 70, expected: 68 });
}

#[test]
fn an_empty_key_is_found() {
    let mut it = sound();
    let tree = encode_bucket(PageId(4), 0, Endian::Little);
    it.elements(3, &[LeafElement { flags: 0, key: b"", value: b"1" }, bucket("tree", &tree)]);
    it.finds(&[(Code::KeyEmpty, 3, element(3, 0))]);
}

#[test]
fn keys_that_do_not_ascend_on_a_page_are_found() {
    for keys in [["m", "o", "n"], ["m", "n", "n"]] {
        let mut it = sound();
        it.leaf(6, &keys);
        let found = it.finds(&[(Code::KeyOrder, 6, element(6, 2))]);
        assert_eq!(found[0].key.as_deref(), Some(&b"n"[..]));
        assert_eq!(
            found[0].to_string(),
            "page 6: the key of element 2 is not above that of the element before it (offset 3120) in bucket tree"
        );
    }
}

#[test]
fn separators_that_do_not_ascend_are_found() {
    let mut it = sound();
    it.branch(4, &[("m", 6), ("a", 5), ("t", 7)]);
    let found = it.check().0;
    assert_eq!((found[0].code, found[0].corruption.offset), (Code::KeyOrder, Some(element(4, 1) as u64)));
}

#[test]
fn a_key_that_no_look_up_finds_is_found() {
    let mut it = sound();
    it.leaf(6, &["m", "n", "t"]);
    it.finds(&[(Code::KeyRange, 6, element(6, 2))]);
    it.leaf(6, &["l", "n", "o"]);
    it.finds(&[(Code::KeyRange, 6, element(6, 0)), (Code::SeparatorInexact, 6, element(6, 0))]);
}

#[test]
fn a_key_beyond_the_bounds_of_a_branch_above_its_parent_is_found() {
    let mut it = sound();
    it.branch(4, &[("a", 9), ("t", 10)]);
    it.branch(9, &[("a", 5), ("m", 6)]);
    it.branch(10, &[("t", 7), ("u", 11)]);
    it.leaf(11, &["u"]);
    it.leaf(6, &["m", "n", "z"]);
    it.free(&[]);
    it.finds(&[(Code::KeyRange, 6, element(6, 2))]);
}
