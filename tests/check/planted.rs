//! A small database that damage is planted in, and what the check then finds.

use unbolt::Snapshot;
use unbolt::check::{Code, Finding, Summary, check_snapshot};
use unbolt::format::{
    BUCKET_FLAG, BranchElement, Endian, Layout, LeafElement, Meta, PageId, PageSize, encode_branch, encode_bucket,
    encode_freelist, encode_inline, encode_leaf, encode_meta,
};

pub const PAGE: usize = 512;

/// A small database that damage is planted in.
///
/// ```text
/// 0, 1   metas of transactions 6 and 5
/// 2      freelist: 9, 10, 11
/// 3      root leaf: "inline" (one pair), "tree" (page 4)
/// 4      branch: a -> 5, m -> 6, t -> 7
/// 5..=7  leaves a b c, m n o, t (a value of 600 bytes, so the run goes on over page 8)
/// ```
pub struct Planted {
    pub bytes: Vec<u8>,
    pub layout: Layout,
    pub metas: [Meta; 2],
}

pub fn sound() -> Planted {
    sound_in(Endian::Little)
}

pub fn sound_in(endian: Endian) -> Planted {
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

pub fn bucket<'a>(name: &'a str, value: &'a [u8]) -> LeafElement<&'a [u8]> {
    LeafElement { flags: BUCKET_FLAG, key: name.as_bytes(), value }
}

impl Planted {
    pub fn put(&mut self, offset: usize, bytes: &[u8]) {
        if self.bytes.len() < offset + bytes.len() {
            self.bytes.resize(offset + bytes.len(), 0);
        }
        self.bytes[offset..][..bytes.len()].copy_from_slice(bytes);
    }

    pub fn meta(&mut self, page: usize, change: impl FnOnce(&mut Meta)) {
        change(&mut self.metas[page]);
        let encoded = encode_meta(PageId(page as u64), &self.metas[page], self.layout);
        self.put(page * PAGE, &encoded);
    }

    pub fn free(&mut self, ids: &[u64]) {
        let page = self.metas[0].freelist.unwrap();
        let ids: Vec<PageId> = ids.iter().copied().map(PageId).collect();
        let encoded = encode_freelist(page, &ids, 1, self.layout).unwrap();
        self.put(page.0 as usize * PAGE, &encoded);
    }

    pub fn elements(&mut self, page: usize, elements: &[LeafElement<&[u8]>]) {
        let encoded = encode_leaf(PageId(page as u64), elements, self.layout).unwrap();
        self.put(page * PAGE, &encoded);
    }

    /// A leaf of these keys, each with the value "1".
    pub fn leaf(&mut self, page: usize, keys: &[&str]) {
        let elements: Vec<_> = keys.iter().map(|key| LeafElement { flags: 0, key: key.as_bytes(), value: &b"1"[..] }).collect();
        self.elements(page, &elements);
    }

    pub fn branch(&mut self, page: usize, children: &[(&str, u64)]) {
        let elements: Vec<_> =
            children.iter().map(|(key, child)| BranchElement { key: key.as_bytes(), child: PageId(*child) }).collect();
        let encoded = encode_branch(PageId(page as u64), &elements, self.layout).unwrap();
        self.put(page * PAGE, &encoded);
    }

    /// The value of an inline bucket with these pairs.
    pub fn inline_bucket(&self, pairs: &[(&str, &str)]) -> Vec<u8> {
        let elements: Vec<_> =
            pairs.iter().map(|(k, v)| LeafElement { flags: 0, key: k.as_bytes(), value: v.as_bytes() }).collect();
        self.inline_elements(&elements)
    }

    pub fn inline_elements(&self, elements: &[LeafElement<&[u8]>]) -> Vec<u8> {
        let page = encode_inline(elements, self.layout.endian).unwrap();
        [&encode_bucket(PageId(0), 0, self.layout.endian)[..], &page].concat()
    }

    /// Replaces the inline bucket's value.
    pub fn inline(&mut self, value: &[u8]) {
        let tree = encode_bucket(PageId(4), 0, self.layout.endian);
        self.elements(3, &[bucket("inline", value), bucket("tree", &tree)]);
    }

    /// Replaces the value of the bucket with a tree.
    pub fn tree(&mut self, value: &[u8]) {
        let inline = self.inline_bucket(&[("k", "v")]);
        self.elements(3, &[bucket("inline", &inline), bucket("tree", value)]);
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot::from_bytes(self.bytes.clone()).unwrap()
    }

    pub fn check(&self) -> (Vec<Finding>, Summary) {
        let mut findings = Vec::new();
        let summary = check_snapshot(&self.snapshot(), &mut |finding| findings.push(finding)).unwrap();
        (findings, summary)
    }

    /// Asserts that exactly these are found: code, page, offset.
    #[track_caller]
    pub fn finds(&self, expected: &[(Code, u64, usize)]) -> Vec<Finding> {
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
pub const fn element(page: usize, index: usize) -> usize {
    page * PAGE + 16 + 16 * index
}

pub const LEAF_FLAGS: usize = 0;
pub const LEAF_POS: usize = 4;
pub const LEAF_KSIZE: usize = 8;
pub const LEAF_VSIZE: usize = 12;
pub const BRANCH_KSIZE: usize = 4;
pub const BRANCH_CHILD: usize = 8;
pub const FLAGS: usize = 8;
pub const COUNT: usize = 10;
pub const OVERFLOW: usize = 12;
