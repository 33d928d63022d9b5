//! The known classes of damage, each done to a small sound database.
//!
//! The numbers are those of the catalogue of 73 classes that were tried on Go's `check`; where a class can be
//! meant in several ways, it is built in the one that is hardest to see.

use unbolt::format::{Endian, LeafElement, PageId, encode_bucket, encode_freelist, encode_inline};

use super::image::{Entry, Image, Numbers};

/// The page size of the database that is damaged.
pub const PAGE: usize = 4096;

/// A damaged database.
#[derive(Debug, Clone)]
pub struct Damaged {
    /// The number in the catalogue.
    pub class: u32,
    pub what: &'static str,
    pub bytes: Vec<u8>,
}

/// The sound database, and where its parts are.
#[derive(Debug, Clone)]
pub struct Base {
    pub bytes: Vec<u8>,
    pub root: PageId,
    pub freelist: PageId,
    /// Two free pages; the second one still looks like the second leaf, with an older value.
    pub free: [PageId; 2],
    /// The branch of bucket `tree`, and its leaves.
    pub branch: PageId,
    pub leaves: Vec<PageId>,
    /// The only page of bucket `small`.
    pub small: PageId,
}

/// The offset of a page.
pub fn at(page: PageId) -> usize {
    page.0 as usize * PAGE
}

/// The offset of an element's header.
pub fn element(page: PageId, index: usize) -> usize {
    at(page) + 16 + 16 * index
}

/// The offset of an element's value, which stands behind its key.
pub fn value_at(bytes: &[u8], header: usize) -> usize {
    header + bytes.u32_at(header + 4) as usize + bytes.u32_at(header + 8) as usize
}

/// The value of a bucket that has a page.
pub fn paged(root: PageId) -> Vec<u8> {
    encode_bucket(root, 7, Endian::Little).to_vec()
}

/// The value of a bucket that has none.
pub fn inline(entries: &[Entry<'_>]) -> Vec<u8> {
    let elements: Vec<_> =
        entries.iter().map(|(flags, key, value)| LeafElement { flags: *flags, key: *key, value: *value }).collect();
    let page = encode_inline(&elements, Endian::Little).expect("entries that fit");
    [&encode_bucket(PageId(0), 9, Endian::Little)[..], &page].concat()
}

/// Keys and values of one leaf of bucket `tree`.
fn pairs(leaf: usize, value: &str) -> Vec<(String, String)> {
    (0..10).map(|i| (format!("key-{leaf}{i}"), format!("{value}-of-key-{leaf}{i}-and-some-more"))).collect()
}

fn add_leaf(image: &mut Image, pairs: &[(String, String)]) -> PageId {
    let entries: Vec<_> = pairs.iter().map(|(key, value)| (0, key.as_bytes(), value.as_bytes())).collect();
    image.leaf(&entries)
}

impl Base {
    /// Buckets `inline`, `small` (one page), `tree` (a branch with four leaves) and a plain text under `z`.
    pub fn new() -> Base {
        let mut image = Image::new(PAGE as u32, Endian::Little);
        let freelist = image.freelist(&[PageId(3), PageId(4)]);
        let first_free = image.leaf(&[]);
        let stale = add_leaf(&mut image, &pairs(1, "older"));
        let leaves: Vec<_> = (0..4).map(|leaf| add_leaf(&mut image, &pairs(leaf, "value"))).collect();
        let keys: Vec<_> = (0..4).map(|leaf| format!("key-{leaf}0")).collect();
        let children: Vec<_> = keys.iter().zip(&leaves).map(|(key, page)| (key.as_bytes(), *page)).collect();
        let branch = image.branch(&children);
        let small = image.leaf(&[(0, b"one", b"1"), (0, b"two", b"2")]);
        let inlined = inline(&[(0, b"a", b"1"), (0, b"b", b"2"), (0, b"c", b"3")]);
        let (small_value, tree_value) = (paged(small), paged(branch));
        let root = image.leaf(&[
            (1, b"inline", &inlined),
            (1, b"small", &small_value),
            (1, b"tree", &tree_value),
            (0, b"z", b"a text that is no bucket but as long as the header of one"),
        ]);
        let bytes = image.finish(root, Some(freelist));
        Base { bytes, root, freelist, free: [first_free, stale], branch, leaves, small }
    }

    /// The same after a change.
    fn with(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        bytes
    }

    /// The same after a change of the current meta, its checksum made right again.
    fn with_meta(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        self.with(|bytes| {
            change(bytes);
            bytes.repair_meta(0);
        })
    }

    /// With another list of free pages.
    fn with_free(&self, ids: &[u64]) -> Vec<u8> {
        self.with(|bytes| {
            let ids: Vec<_> = ids.iter().copied().map(PageId).collect();
            let layout = super::layout::layout(PAGE as u32, Endian::Little);
            let page = encode_freelist(self.freelist, &ids, 1, layout).expect("ids that fit");
            bytes[at(self.freelist)..][..PAGE].copy_from_slice(&page);
        })
    }

    /// The element of bucket `inline`, `small`, `tree` or of the text, in the root leaf.
    fn entry(&self, index: usize) -> usize {
        element(self.root, index)
    }

    /// The value of one of these.
    fn entry_value(&self, index: usize) -> usize {
        value_at(&self.bytes, self.entry(index))
    }

    /// All classes.
    pub fn classes(&self) -> Vec<Damaged> {
        let damaged = |(class, what, bytes)| Damaged { class, what, bytes };
        let parts = [
            self.lengths(),
            self.metas(),
            self.references(),
            self.pages(),
            self.elements(),
            self.buckets(),
            self.frees(),
            self.shapes(),
        ];
        parts.into_iter().flatten().map(damaged).collect()
    }

    fn lengths(&self) -> Vec<(u32, &'static str, Vec<u8>)> {
        let cut = |len: usize| self.bytes[..len].to_vec();
        let len = self.bytes.len();
        vec![
            (1, "no bytes", Vec::new()),
            (2, "one byte", cut(1)),
            (3, "one meta", cut(PAGE)),
            (4, "metas only", cut(2 * PAGE)),
            (5, "half of it", cut(len / 2)),
            (6, "cut at an odd byte", cut(len - 4001)),
            (
                7,
                "cut exactly at the high-water mark",
                self.with(|bytes| {
                    bytes.extend_from_slice(&[0xAA; 3 * PAGE]);
                    bytes.truncate(len);
                }),
            ),
            (8, "all zero", vec![0; len]),
        ]
    }

    fn metas(&self) -> Vec<(u32, &'static str, Vec<u8>)> {
        let root = self.root.0;
        let high_water = (self.bytes.len() / PAGE) as u64;
        let meta_u64 = |field: usize, value: u64| self.with_meta(|bytes| bytes.set_u64(field, value));
        let page_size = |value: u32| self.with_meta(|bytes| bytes.set_u32(24, value));
        vec![
            (9, "meta 0 zeroed", self.with(|bytes| bytes[..PAGE].fill(0))),
            (10, "meta 1 zeroed", self.with(|bytes| bytes[PAGE..2 * PAGE].fill(0))),
            (
                11,
                "both checksums wrong",
                self.with(|bytes| {
                    bytes[72] ^= 1;
                    bytes[PAGE + 72] ^= 1;
                }),
            ),
            (12, "magic of the current meta", self.with_meta(|bytes| bytes[16] ^= 1)),
            (13, "version 3 in the current meta", self.with_meta(|bytes| bytes.set_u32(20, 3))),
            (14, "page size 8192", page_size(8192)),
            (15, "page size 0", page_size(0)),
            (16, "page size 2^31-1", page_size(i32::MAX as u32)),
            (
                17,
                "equal transaction ids of different metas",
                self.with(|bytes| {
                    bytes.set_u64(PAGE + 64, 2);
                    bytes.set_u64(PAGE + 40, 1);
                    bytes.repair_meta(PAGE);
                }),
            ),
            (18, "the last transaction id", meta_u64(64, u64::MAX)),
            (19, "root beyond the high-water mark", meta_u64(32, high_water + 3)),
            (20, "root huge", meta_u64(32, 1 << 60)),
            (21, "root is meta page 0", meta_u64(32, 0)),
            (22, "root is the freelist", meta_u64(32, self.freelist.0)),
            (23, "freelist beyond the high-water mark", meta_u64(48, high_water + 3)),
            (24, "freelist is page 0", meta_u64(48, 0)),
            (25, "freelist is a branch", meta_u64(48, self.branch.0)),
            (26, "high-water mark 2", meta_u64(56, 2)),
            (27, "high-water mark 2^62", meta_u64(56, 1 << 62)),
            (27, "high-water mark just beyond the file", meta_u64(56, high_water + 1)),
            (21, "root is meta page 1", meta_u64(32, 1)),
            (
                19,
                "root is the high-water mark",
                self.with_meta(|bytes| {
                    bytes.set_u64(56, root);
                }),
            ),
        ]
    }

    fn references(&self) -> Vec<(u32, &'static str, Vec<u8>)> {
        let high_water = (self.bytes.len() / PAGE) as u64;
        let child = |child: u64| self.with(|bytes| bytes.set_u64(element(self.branch, 1) + 8, child));
        let leaf = self.leaves[1];
        vec![
            (28, "a branch is its own child", child(self.branch.0)),
            (
                29,
                "a leaf is a copy of its branch",
                self.with(|bytes| {
                    bytes.copy_within(at(self.branch)..at(self.branch) + PAGE, at(leaf));
                    bytes.set_u64(at(leaf), leaf.0);
                }),
            ),
            (30, "a page is referenced twice", child(self.leaves[0].0)),
            (31, "a child is the high-water mark", child(high_water)),
            (32, "a child is 2^60", child(1 << 60)),
            (33, "a child is a meta page", child(1)),
            (34, "a child is a free page", child(self.free[1].0)),
        ]
    }

    fn pages(&self) -> Vec<(u32, &'static str, Vec<u8>)> {
        let leaf = at(self.leaves[1]);
        let high_water = (self.bytes.len() / PAGE) as u64;
        vec![
            (35, "another number in a header", self.with(|bytes| bytes.set_u64(leaf, 99))),
            (36, "no flags", self.with(|bytes| bytes.set_u16(leaf + 8, 0))),
            (37, "flags of branch and leaf", self.with(|bytes| bytes.set_u16(leaf + 8, 3))),
            (38, "leaf count 65535", self.with(|bytes| bytes.set_u16(leaf + 10, 65535))),
            (39, "leaf count 0 under a branch", self.with(|bytes| bytes.set_u16(leaf + 10, 0))),
            (40, "branch count 0", self.with(|bytes| bytes.set_u16(at(self.branch) + 10, 0))),
            (41, "overflow 2^32-1", self.with(|bytes| bytes.set_u32(leaf + 12, u32::MAX))),
            (42, "overflow beyond the high-water mark", self.with(|bytes| bytes.set_u32(leaf + 12, high_water as u32))),
            (43, "overflow over the neighbour", self.with(|bytes| bytes.set_u32(leaf + 12, 1))),
        ]
    }

    fn elements(&self) -> Vec<(u32, &'static str, Vec<u8>)> {
        let header = element(self.leaves[1], 3);
        let set = |field: usize, value: u32| self.with(|bytes| bytes.set_u32(header + field, value));
        let last = element(self.leaves[1], 9);
        let room = PAGE - (value_at(&self.bytes, last) - at(self.leaves[1]));
        vec![
            (44, "position 2^32-16", set(4, u32::MAX - 15)),
            (45, "position 0", set(4, 0)),
            (46, "key size 2^32-1", set(8, u32::MAX)),
            (47, "value size 2^32-1", set(12, u32::MAX)),
            (48, "a value one byte past the page", self.with(|bytes| bytes.set_u32(last + 12, room as u32 + 1))),
            (49, "an empty key", self.with(|bytes| bytes.set_u32(element(self.leaves[0], 0) + 8, 0))),
            (
                50,
                "keys out of order",
                self.with(|bytes| {
                    let key = header + bytes.u32_at(header + 4) as usize;
                    bytes[key + 5] = b'8';
                }),
            ),
            (51, "a separator past its page", self.with(|bytes| bytes.set_u32(element(self.branch, 1) + 4, PAGE as u32))),
            (52, "a text flagged as a bucket", self.with(|bytes| bytes.set_u32(self.entry(3), 1))),
            (53, "unknown element flags", set(0, 0x80)),
        ]
    }

    fn buckets(&self) -> Vec<(u32, &'static str, Vec<u8>)> {
        let high_water = (self.bytes.len() / PAGE) as u64;
        let small = |root: u64| self.with(|bytes| bytes.set_u64(self.entry_value(1), root));
        let inline_page = self.entry_value(0) + 16;
        vec![
            (54, "a bucket's root is the database's", small(self.root.0)),
            (55, "two buckets share a root", small(self.branch.0)),
            (56, "a bucket's root beyond the high-water mark", small(high_water + 1)),
            (57, "a bucket's root huge", small(1 << 61)),
            (58, "root 0 and no inline page", small(0)),
            (59, "inline count 65535", self.with(|bytes| bytes.set_u16(inline_page + 10, 65535))),
            (60, "inline value size huge", self.with(|bytes| bytes.set_u32(inline_page + 16 + 12, u32::MAX - 1))),
            (61, "an inline bucket is a branch", self.with(|bytes| bytes.set_u16(inline_page + 8, 1))),
        ]
    }

    fn frees(&self) -> Vec<(u32, &'static str, Vec<u8>)> {
        let list = at(self.freelist);
        vec![
            (62, "a meta page is free", self.with_free(&[0, 3, 4])),
            (63, "a live page is free", self.with_free(&[3, 4, self.leaves[2].0])),
            (64, "a page is free twice", self.with_free(&[3, 4, 4])),
            (65, "page 2^61 is free", self.with_free(&[3, 4, 1 << 61])),
            (66, "the list is not sorted", self.with_free(&[4, 3])),
            (
                67,
                "the list claims 2^40 pages",
                self.with(|bytes| {
                    bytes.set_u16(list + 10, 0xFFFF);
                    bytes.set_u64(list + 16, 1 << 40);
                }),
            ),
            (68, "a page is lost", self.with_free(&[3])),
            (69, "the list is longer than its page", self.with(|bytes| bytes.set_u16(list + 10, 600))),
        ]
    }

    fn shapes(&self) -> Vec<(u32, &'static str, Vec<u8>)> {
        vec![
            (70, "2^24 ways through shared branches", laughs()),
            (71, "inline buckets nested 120 deep", nested_inline(120)),
            (72, "5000 buckets, each in the one before", nested(5000)),
            (
                73,
                "a bit of a value",
                self.with(|bytes| {
                    let value = value_at(bytes, element(self.leaves[1], 3));
                    bytes[value] ^= 1;
                }),
            ),
        ]
    }
}

fn laughs() -> Vec<u8> {
    let mut image = Image::new(PAGE as u32, Endian::Little);
    let leaf = image.leaf(&[(0, b"k", b"v")]);
    let root = (0..24).fold(leaf, |child, _| image.branch(&[(b"k", child), (b"l", child)]));
    image.finish(root, None)
}

fn nested_inline(depth: usize) -> Vec<u8> {
    let mut image = Image::new(PAGE as u32, Endian::Little);
    let value = (0..depth).fold(inline(&[(0, b"k", b"v")]), |value, _| inline(&[(1, b"n", &value)]));
    let root = image.leaf(&[(1, b"n", &value)]);
    image.finish(root, None)
}

fn nested(depth: usize) -> Vec<u8> {
    let mut image = Image::new(512, Endian::Little);
    let innermost = image.leaf(&[(0, b"k", b"v")]);
    let root = (0..depth).fold(innermost, |page, _| {
        let value = paged(page);
        image.leaf(&[(1, b"n", &value)])
    });
    image.finish(root, None)
}
