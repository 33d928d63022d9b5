//! What no tree leads to any more, in a file small enough to be known by heart.

use unbolt::format::{Endian, PageId};

use crate::content::{of, recovered};
use crate::support;
use crate::support::image::{Image, Numbers};

/// A file of pages of 1024 bytes: bucket `b` with two leaves below a branch.
pub struct Small {
    pub bytes: Vec<u8>,
    pub leaves: [PageId; 2],
    pub branch: PageId,
    pub root: PageId,
}

impl Small {
    pub fn new() -> Small {
        let mut image = Image::new(1024, Endian::Little);
        let list = image.freelist(&[]);
        let one = image.leaf(&[(0, b"a", b"1"), (0, b"b", b"2")]);
        let two = image.leaf(&[(0, b"m", b"3"), (0, b"n", b"4")]);
        let branch = image.branch(&[(b"a", one), (b"m", two)]);
        let value = support::damage::paged(branch);
        let root = image.leaf(&[(1, b"b", &value), (0, b"z", b"plain")]);
        Small { bytes: image.finish(root, Some(list)), leaves: [one, two], branch, root }
    }

    pub fn at(page: PageId) -> usize {
        page.0 as usize * 1024
    }
}

#[test]
fn what_nothing_leads_to_any_more_is_found_by_its_page_and_told_of() {
    let mut small = Small::new();
    small.bytes[Small::at(small.branch)..][..1024].fill(0xAA);
    let (report, content) = of(small.bytes);
    assert!(!report.is_whole() && report.pairs.lost == 0 && report.pages.homeless == 2);
    assert_eq!(content.at(&[]), [("z".into(), "plain".into())].into());
    let [one, two] = small.leaves.map(|page| format!("page-{page}"));
    assert_eq!(content.at(&["lost+found", &one]), [("a".into(), "1".into()), ("b".into(), "2".into())].into());
    assert_eq!(content.at(&["lost+found", &two]), [("m".into(), "3".into()), ("n".into(), "4".into())].into());
    let notes = content.at(&["lost+found", "provenance"]);
    let offset = small.leaves[0].0 * 1024;
    let why = r#""why":"nothing leads here, and the page is not free","provable":false"#;
    let expected = format!(r#"{{"page":{},"offset":{offset},{why}}}"#, small.leaves[0]);
    assert_eq!((notes.len(), &notes[&one]), (2, &expected));
}

#[test]
fn where_the_root_is_gone_trees_keep_their_shape_without_a_name() {
    let mut small = Small::new();
    small.bytes[Small::at(small.root)..][..1024].fill(0);
    let (report, content) = of(small.bytes);
    assert_eq!((report.source, report.pairs.lost_and_found), (None, 4));
    let tree = format!("page-{}", small.branch);
    assert_eq!(content.at(&["lost+found", &tree]).len(), 4, "both leaves, below their branch");
}

#[test]
fn an_older_page_tells_what_a_tree_without_a_name_was_called() {
    let mut image = Image::new(1024, Endian::Little);
    let leaf = image.leaf(&[(0, b"k", b"v")]);
    let value = support::damage::paged(leaf);
    let older = image.leaf(&[(1, b"networks", &value)]);
    let list = image.freelist(&[older]);
    let root = image.leaf(&[(1, b"networks", &value), (0, b"z", b"plain")]);
    let mut bytes = image.finish(root, Some(list));
    bytes[Small::at(root)..][..1024].fill(0);
    let (_, content) = of(bytes);
    let name = format!("page-{leaf}");
    assert_eq!(content.at(&["lost+found", &name]), [("k".into(), "v".into())].into());
    let note = &content.at(&["lost+found", "provenance"])[&name];
    assert!(note.ends_with(r#","was_called":"networks"}"#), "{note}");
}

#[test]
fn what_is_out_of_order_has_lost_its_place_and_nothing_else() {
    let mut small = Small::new();
    // Both leaves change places below their branch.
    let element = Small::at(small.branch) + 16;
    let [one, two] = small.leaves;
    small.bytes.set_u64(element + 8, two.0);
    small.bytes.set_u64(element + 24, one.0);
    let (report, content) = of(small.bytes);
    assert_eq!((report.pairs.found, report.pairs.kept, report.pairs.lost), (5, 5, 0));
    assert_eq!(content.at(&["b"]).len(), 2);
    assert_eq!(
        content.at(&["lost+found", &format!("page-{one}-stray")]),
        [("a".into(), "1".into()), ("b".into(), "2".into())].into()
    );
}

#[test]
fn of_two_pairs_with_one_key_the_other_is_kept_elsewhere_and_an_equal_one_is_a_duplicate() {
    let mut image = Image::new(1024, Endian::Little);
    let entries: Vec<support::image::Entry<'_>> =
        vec![(0, b"a", b"1"), (0, b"a", b"1"), (0, b"a", b"2"), (0, b"a", b"3"), (0, b"b", b"4"), (0, b"", b"5")];
    let leaf = image.leaf(&entries);
    let (report, content) = of(image.finish(leaf, None));
    let pairs = &report.pairs;
    assert_eq!((pairs.found, pairs.in_place, pairs.lost_and_found, pairs.duplicate, pairs.lost), (6, 2, 2, 1, 1));
    assert_eq!(content.at(&["lost+found", &format!("page-{leaf}-stray")]), [("a".into(), "2".into())].into());
    assert_eq!(content.at(&["lost+found", &format!("page-{leaf}-stray-00002")]), [("a".into(), "3".into())].into());
}

#[test]
fn a_bucket_of_that_name_keeps_it() {
    let mut image = Image::new(1024, Endian::Little);
    let inner = image.leaf(&[(0, b"k", b"v")]);
    let homeless = image.leaf(&[(0, b"x", b"y")]);
    let value = support::damage::paged(inner);
    let list = image.freelist(&[]);
    let root = image.leaf(&[(1, b"lost+found", &value)]);
    let (_, content) = of(image.finish(root, Some(list)));
    assert_eq!(content.at(&["lost+found"]), [("k".into(), "v".into())].into());
    assert_eq!(content.at(&["lost+found-2", &format!("page-{homeless}")]), [("x".into(), "y".into())].into());
}

#[test]
fn a_page_size_that_is_wrong_in_the_meta_is_found_by_the_pages() {
    let mut small = Small::new();
    small.bytes.set_u32(24, 4096);
    small.bytes.repair_meta(0);
    small.bytes[1024..2048].fill(0);
    let (report, content) = of(small.bytes);
    assert_eq!((report.layout.page_size.get(), report.pairs.kept), (1024, 5));
    assert_eq!(content.at(&["b"]).len(), 4);
}

#[test]
fn no_byte_of_a_file_brings_a_recovery_down() {
    // Every byte of the pages that lead anywhere, in a small file.
    let small = Small::new();
    for at in 0..small.bytes.len() {
        if at % 1024 >= 120 {
            continue;
        }
        for value in [0, 1, 0x7F, 0xFF, small.bytes[at] ^ 4] {
            let mut bytes = small.bytes.clone();
            bytes[at] = value;
            recovered(&bytes.into(), at % 2 == 0, &format!("byte {at} = {value}"));
        }
    }
}
