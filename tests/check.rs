//! The integrity check: it finds each kind of damage where it was planted, and nothing in sound files.

use std::fs;
use std::path::{Path, PathBuf};

use unbolt::check::{Code, Finding, MAX_PATH, Severity, Summary, check, check_from, check_snapshot};
use unbolt::format::{
    BUCKET_FLAG, BranchElement, Endian, Layout, LeafElement, Meta, PageId, PageSize, TxId, encode_branch, encode_bucket,
    encode_freelist, encode_inline, encode_leaf, encode_meta,
};
use unbolt::{CorruptionKind, Snapshot};

const PAGE: usize = 512;

/// A small database that damage is planted in.
///
/// ```text
/// 0, 1   metas of transactions 6 and 5
/// 2      freelist: 9, 10, 11
/// 3      root leaf: "inline" (one pair), "tree" (page 4)
/// 4      branch: a -> 5, m -> 6, t -> 7
/// 5..=7  leaves a b c, m n o, t (a value of 600 bytes, so the run goes on over page 8)
/// ```
struct Planted {
    bytes: Vec<u8>,
    layout: Layout,
    metas: [Meta; 2],
}

fn sound() -> Planted {
    sound_in(Endian::Little)
}

fn sound_in(endian: Endian) -> Planted {
    let layout = Layout { page_size: PageSize::new(PAGE as u32).unwrap(), endian };
    let newest = Meta {
        endian,
        page_size: PAGE as u32,
        flags: 0,
        root: PageId(3),
        root_sequence: 0,
        freelist: Some(PageId(2)),
        high_water: PageId(12),
        txid: unbolt::format::TxId(6),
    };
    let older = Meta { txid: unbolt::format::TxId(5), ..newest };
    let mut it = Planted { bytes: vec![0; 12 * PAGE], layout, metas: [newest, older] };
    it.meta(0, |_| {});
    it.meta(1, |_| {});
    it.free(&[9, 10, 11]);
    let inline = it.inline_bucket(&[("k", "v")]);
    let tree = encode_bucket(PageId(4), 0, endian);
    it.elements(3, &[bucket("inline", &inline), bucket("tree", &tree)]);
    it.branch(4, &[("a", 5), ("m", 6), ("t", 7)]);
    it.leaf(5, &["a", "b", "c"]);
    it.leaf(6, &["m", "n", "o"]);
    it.elements(7, &[LeafElement { flags: 0, key: b"t", value: &[7; 600] }]);
    it
}

fn bucket<'a>(name: &'a str, value: &'a [u8]) -> LeafElement<&'a [u8]> {
    LeafElement { flags: BUCKET_FLAG, key: name.as_bytes(), value }
}

impl Planted {
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        if self.bytes.len() < offset + bytes.len() {
            self.bytes.resize(offset + bytes.len(), 0);
        }
        self.bytes[offset..][..bytes.len()].copy_from_slice(bytes);
    }

    fn meta(&mut self, page: usize, change: impl FnOnce(&mut Meta)) {
        change(&mut self.metas[page]);
        let encoded = encode_meta(PageId(page as u64), &self.metas[page], self.layout);
        self.put(page * PAGE, &encoded);
    }

    fn free(&mut self, ids: &[u64]) {
        let page = self.metas[0].freelist.unwrap();
        let ids: Vec<PageId> = ids.iter().copied().map(PageId).collect();
        let encoded = encode_freelist(page, &ids, 1, self.layout).unwrap();
        self.put(page.0 as usize * PAGE, &encoded);
    }

    fn elements(&mut self, page: usize, elements: &[LeafElement<&[u8]>]) {
        let encoded = encode_leaf(PageId(page as u64), elements, self.layout).unwrap();
        self.put(page * PAGE, &encoded);
    }

    /// A leaf of these keys, each with the value "1".
    fn leaf(&mut self, page: usize, keys: &[&str]) {
        let elements: Vec<_> = keys.iter().map(|key| LeafElement { flags: 0, key: key.as_bytes(), value: &b"1"[..] }).collect();
        self.elements(page, &elements);
    }

    fn branch(&mut self, page: usize, children: &[(&str, u64)]) {
        let elements: Vec<_> =
            children.iter().map(|(key, child)| BranchElement { key: key.as_bytes(), child: PageId(*child) }).collect();
        let encoded = encode_branch(PageId(page as u64), &elements, self.layout).unwrap();
        self.put(page * PAGE, &encoded);
    }

    /// The value of an inline bucket with these pairs.
    fn inline_bucket(&self, pairs: &[(&str, &str)]) -> Vec<u8> {
        let elements: Vec<_> =
            pairs.iter().map(|(k, v)| LeafElement { flags: 0, key: k.as_bytes(), value: v.as_bytes() }).collect();
        self.inline_elements(&elements)
    }

    fn inline_elements(&self, elements: &[LeafElement<&[u8]>]) -> Vec<u8> {
        let page = encode_inline(elements, self.layout.endian).unwrap();
        [&encode_bucket(PageId(0), 0, self.layout.endian)[..], &page].concat()
    }

    /// Replaces the inline bucket's value.
    fn inline(&mut self, value: &[u8]) {
        let tree = encode_bucket(PageId(4), 0, self.layout.endian);
        self.elements(3, &[bucket("inline", value), bucket("tree", &tree)]);
    }

    /// Replaces the value of the bucket with a tree.
    fn tree(&mut self, value: &[u8]) {
        let inline = self.inline_bucket(&[("k", "v")]);
        self.elements(3, &[bucket("inline", &inline), bucket("tree", value)]);
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::from_bytes(self.bytes.clone()).unwrap()
    }

    fn check(&self) -> (Vec<Finding>, Summary) {
        let mut findings = Vec::new();
        let summary = check_snapshot(&self.snapshot(), &mut |finding| findings.push(finding)).unwrap();
        (findings, summary)
    }

    /// Asserts that exactly these are found: code, page, offset.
    #[track_caller]
    fn finds(&self, expected: &[(Code, u64, usize)]) -> Vec<Finding> {
        let (findings, summary) = self.check();
        let found: Vec<_> =
            findings.iter().map(|it| (it.code, it.corruption.page.map(|page| page.0), it.corruption.offset)).collect();
        let expected: Vec<_> = expected.iter().map(|(code, page, at)| (*code, Some(*page), Some(*at as u64))).collect();
        assert_eq!(found, expected, "{findings:#?}");
        assert_eq!(summary.errors + summary.hazards + summary.notes, findings.len() as u64);
        assert!(findings.iter().all(|it| it.severity == it.code.severity()));
        findings
    }
}

/// The offset of an element's header on a page, and of its fields.
const fn element(page: usize, index: usize) -> usize {
    page * PAGE + 16 + 16 * index
}

const LEAF_FLAGS: usize = 0;
const LEAF_POS: usize = 4;
const LEAF_KSIZE: usize = 8;
const LEAF_VSIZE: usize = 12;
const BRANCH_KSIZE: usize = 4;
const BRANCH_CHILD: usize = 8;
const FLAGS: usize = 8;
const COUNT: usize = 10;
const OVERFLOW: usize = 12;

// Sound files.

fn databases() -> Vec<PathBuf> {
    let folders = fs::read_dir("testdata").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "db" || end == "sparse")).collect()
}

/// The bytes of a database; `testdata/MANIFEST.md` says how those without their zeros are kept.
fn read(path: &Path) -> Vec<u8> {
    let stored = fs::read(path).unwrap();
    if path.extension().is_some_and(|end| end == "db") {
        return stored;
    }
    let mut whole = Vec::new();
    let mut rest = &stored[..];
    loop {
        let (header, data) = rest.split_at(12);
        let offset = u64::from_le_bytes(header[..8].try_into().unwrap()) as usize;
        let len = u32::from_le_bytes(header[8..].try_into().unwrap()) as usize;
        whole.resize(offset, 0);
        if len == 0 {
            return whole;
        }
        whole.extend_from_slice(&data[..len]);
        rest = &data[len..];
    }
}

#[test]
fn nothing_is_wrong_with_any_sound_file() {
    let databases = databases();
    assert!(databases.len() > 50, "only {} databases", databases.len());
    for path in databases {
        let snapshot = Snapshot::from_bytes(read(&path)).unwrap();
        let summary = check_snapshot(&snapshot, &mut |it| panic!("{}: {} {it}", path.display(), it.code)).unwrap();
        assert!(summary.is_sound() && summary.pages > 0);
        assert!(snapshot.runs_read() <= 2 * summary.pages + 5, "{}: {} runs", path.display(), snapshot.runs_read());
    }
}

#[test]
fn nothing_is_wrong_with_the_file_that_damage_is_planted_in_in_either_byte_order() {
    for endian in [Endian::Little, Endian::Big] {
        let planted = sound_in(endian);
        planted.finds(&[]);
        let (_, summary) = planted.check();
        assert_eq!((summary.pages, summary.free, summary.buckets, summary.keys), (6, 3, 2, 10));
        assert!(summary.is_sound());
    }
}

// Metas.

#[test]
fn a_meta_that_does_not_verify_is_found() {
    let mut it = sound();
    it.bytes[PAGE + 72] ^= 1;
    let findings = it.finds(&[(Code::MetaRefused, 1, PAGE + 16)]);
    assert!(findings[0].to_string().starts_with("page 1: its meta is refused: checksum 0x"), "{}", findings[0]);
}

#[test]
fn a_good_meta_behind_a_wrong_page_header_is_found() {
    let mut it = sound();
    it.put(PAGE, &[9]);
    it.finds(&[(Code::MetaHeader, 1, PAGE)]);
    let mut it = sound();
    it.put(FLAGS, &[2]);
    it.finds(&[(Code::MetaHeader, 0, 0)]);
}

#[test]
fn a_root_that_cannot_be_is_found_and_what_it_loses() {
    for root in [0, 1, 12, 1 << 62] {
        let mut it = sound();
        it.meta(0, |meta| meta.root = PageId(root));
        it.finds(&[(Code::MetaField, 0, 32), (Code::UnreachableUnfreed, 3, 3 * PAGE)]);
    }
}

#[test]
fn a_freelist_page_that_cannot_be_is_found() {
    for freelist in [0, 1, 12, 1 << 62] {
        let mut it = sound();
        it.meta(0, |meta| meta.freelist = Some(PageId(freelist)));
        it.finds(&[(Code::MetaField, 0, 48)]);
    }
}

#[test]
fn two_states_of_one_transaction_are_found_and_twins_are_a_note() {
    let mut it = sound();
    it.meta(1, |meta| meta.txid.0 = 6);
    assert_eq!(it.finds(&[(Code::TxidTwin, 1, PAGE + 64)])[0].severity, Severity::Note);
    assert!(it.check().1.is_sound());
    it.meta(1, |meta| meta.root = PageId(5));
    assert_eq!(it.finds(&[(Code::TxidEqual, 1, PAGE + 64)])[0].severity, Severity::Hazard);
    assert!(!it.check().1.is_sound());
}

#[test]
fn the_last_transaction_there_can_be_is_found() {
    let mut it = sound();
    it.meta(0, |meta| meta.txid.0 = u64::MAX);
    it.finds(&[(Code::TxidLast, 0, 64)]);
}

#[test]
fn the_fields_of_a_meta_are_checked_where_no_pair_is_given() {
    let mut it = sound();
    it.meta(0, |meta| meta.txid.0 = u64::MAX);
    let snapshot = it.snapshot();
    let mut codes = Vec::new();
    check(snapshot.pages(), None, &mut |finding| codes.push((finding.code, finding.corruption.page))).unwrap();
    assert_eq!(codes, [(Code::TxidLast, None)]);
}

// The file as a whole.

#[test]
fn a_file_that_ends_early_is_found_once() {
    for len in [11 * PAGE + 511, 9 * PAGE, 6 * PAGE, 5 * PAGE + 1, 3 * PAGE, 2 * PAGE] {
        let mut it = sound();
        it.bytes.truncate(len);
        let (findings, _) = it.check();
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::FileShort], "{len}: {findings:?}");
        assert_eq!(findings[0].to_string(), format!("the file ends at {len}, 6144 bytes are needed (offset {len})"));
    }
}

#[test]
fn a_high_water_mark_beyond_all_files_ends_soon() {
    let mut it = sound();
    it.meta(0, |meta| meta.high_water = PageId(1 << 62));
    assert_eq!(it.check().0[0].code, Code::FileShort);
    assert_eq!(it.check().0.len(), 1);
}

#[test]
fn bytes_behind_the_high_water_mark_are_nobodys_business() {
    let mut it = sound();
    it.bytes.extend([0xff; 700]);
    it.finds(&[]);
}

// The freelist.

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

// Pages of trees.

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
    it.finds(&[
        (Code::PageDepth, deepest, element(deepest as usize - 1, 0) + BRANCH_CHILD),
        (Code::UnreachableUnfreed, 7, 7 * PAGE),
        (Code::UnreachableUnfreed, deepest + 1, (deepest as usize + 1) * PAGE),
    ]);
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

// Elements.

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
    it.branch(10, &[("t", 7)]);
    it.leaf(6, &["m", "n", "z"]);
    it.free(&[11]);
    it.finds(&[(Code::KeyRange, 6, element(6, 2))]);
}

// Buckets.

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

// Beyond single rules.

#[test]
fn a_part_is_checked_without_asking_what_is_lost() {
    let mut it = sound();
    it.free(&[9]);
    it.leaf(6, &["m", "n", "n"]);
    let codes = |root: u64| {
        let mut codes = Vec::new();
        let snapshot = it.snapshot();
        check_from(snapshot.pages(), PageId(root), &mut |finding| codes.push(finding.code)).unwrap();
        codes
    };
    assert_eq!(codes(5), []);
    assert_eq!(codes(6), [Code::KeyOrder]);
    assert_eq!(codes(4), [Code::KeyOrder]);
    assert_eq!(codes(1), [Code::PageRange]);
    assert_eq!(codes(99), [Code::PageRange]);
}

#[test]
fn many_findings_of_one_file_come_one_by_one_and_are_counted() {
    let mut it = sound();
    it.leaf(5, &["a", "c", "b"]);
    it.leaf(6, &[]);
    it.put(7 * PAGE, &[77]);
    it.free(&[9, 10]);
    let (found, summary) = it.check();
    let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes[..3], [Code::KeyOrder, Code::EmptyLeaf, Code::PageId]);
    assert_eq!((summary.errors, summary.hazards, summary.notes), (found.len() as u64 - 1, 1, 0));
}

#[test]
fn whatever_one_byte_is_the_check_ends_within_few_reads() {
    let whole = sound();
    for at in 0..whole.bytes.len() {
        for byte in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.bytes.clone();
            bytes[at] = byte;
            let Ok(snapshot) = Snapshot::from_bytes(bytes) else { continue };
            let mut count = 0;
            check_snapshot(&snapshot, &mut |_| count += 1).unwrap();
            assert!(snapshot.runs_read() <= 24 && count <= 24, "byte {at} = {byte}: {count} findings");
        }
    }
}

#[test]
fn every_code_has_a_name_of_its_own_and_a_test_here() {
    let names: std::collections::BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        assert!(include_str!("check.rs").contains(&format!("Code::{code:?}")), "no test plants {code}");
    }
}
