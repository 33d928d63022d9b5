//! Databases made by hand: pages of the crate's encoders put together, numbers set to anything.

use unbolt::format::{
    BranchElement, Endian, Layout, LeafElement, Meta, PageId, TxId, encode_branch, encode_freelist, encode_leaf, encode_meta,
};

use super::layout::layout;
use super::swap::fnv1a;

/// A database in the making.
#[derive(Debug, Clone)]
pub struct Image {
    pub layout: Layout,
    /// All pages so far; the first two are the metas, blank until the end.
    pub bytes: Vec<u8>,
}

/// A key and its value, with the flags of its element.
pub type Entry<'a> = (u32, &'a [u8], &'a [u8]);

impl Image {
    /// Two blank meta pages.
    pub fn new(page_size: u32, endian: Endian) -> Image {
        Image { layout: layout(page_size, endian), bytes: vec![0; 2 * page_size as usize] }
    }

    /// The page that comes next.
    pub fn next_page(&self) -> PageId {
        PageId(self.bytes.len() as u64 / self.layout.page_size.bytes())
    }

    /// Adds a leaf of these entries.
    pub fn leaf(&mut self, entries: &[Entry<'_>]) -> PageId {
        let elements: Vec<_> =
            entries.iter().map(|(flags, key, value)| LeafElement { flags: *flags, key: *key, value: *value }).collect();
        let id = self.next_page();
        self.bytes.extend(encode_leaf(id, &elements, self.layout).expect("entries that fit"));
        id
    }

    /// Adds a branch to these children.
    pub fn branch(&mut self, children: &[(&[u8], PageId)]) -> PageId {
        let elements: Vec<_> = children.iter().map(|(key, child)| BranchElement { key: *key, child: *child }).collect();
        let id = self.next_page();
        self.bytes.extend(encode_branch(id, &elements, self.layout).expect("children that fit"));
        id
    }

    /// Adds a freelist of these pages on a run of one page.
    pub fn freelist(&mut self, ids: &[PageId]) -> PageId {
        let id = self.next_page();
        self.bytes.extend(encode_freelist(id, ids, 1, self.layout).expect("ids that fit"));
        id
    }

    /// Writes the metas: transaction 2 on page 0 is the state, transaction 1 on page 1 is its twin.
    pub fn finish(mut self, root: PageId, freelist: Option<PageId>) -> Vec<u8> {
        let page_size = self.layout.page_size.get();
        let meta = |txid| Meta {
            endian: self.layout.endian,
            page_size,
            flags: 0,
            root,
            root_sequence: 0,
            freelist,
            high_water: self.next_page(),
            txid: TxId(txid),
        };
        let metas = [encode_meta(PageId(0), &meta(2), self.layout), encode_meta(PageId(1), &meta(1), self.layout)].concat();
        self.bytes[..metas.len()].copy_from_slice(&metas);
        self.bytes
    }
}

/// A database with pages of 1024 bytes, every other one of which is free, so many of them.
pub fn with_isolated_free_pages(free: u64) -> Vec<u8> {
    let mut image = Image::new(1024, Endian::Little);
    let mut level: Vec<(Vec<u8>, PageId)> = (0..free)
        .map(|n| {
            image.leaf(&[]);
            (n.to_be_bytes().to_vec(), image.leaf(&[(0, &n.to_be_bytes(), b"")]))
        })
        .collect();
    while level.len() > 1 {
        let branch = |part: &[(Vec<u8>, PageId)]| {
            let children: Vec<_> = part.iter().map(|(key, page)| (&key[..], *page)).collect();
            (part[0].0.clone(), image.branch(&children))
        };
        level = level.chunks(40).map(branch).collect();
    }
    image.finish(level[0].1, None)
}

/// Sets numbers of a little-endian file, whatever they break.
pub trait Numbers {
    fn set_u16(&mut self, at: usize, value: u16);
    fn set_u32(&mut self, at: usize, value: u32);
    fn set_u64(&mut self, at: usize, value: u64);
    fn u16_at(&self, at: usize) -> u16;
    fn u32_at(&self, at: usize) -> u32;
    fn u64_at(&self, at: usize) -> u64;
    /// Makes the checksum of the meta on the page at this offset right again.
    fn repair_meta(&mut self, page: usize);
}

impl Numbers for [u8] {
    fn set_u16(&mut self, at: usize, value: u16) {
        self[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    fn set_u32(&mut self, at: usize, value: u32) {
        self[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn set_u64(&mut self, at: usize, value: u64) {
        self[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }

    fn u16_at(&self, at: usize) -> u16 {
        u16::from_le_bytes(self[at..at + 2].try_into().expect("two bytes"))
    }

    fn u32_at(&self, at: usize) -> u32 {
        u32::from_le_bytes(self[at..at + 4].try_into().expect("four bytes"))
    }

    fn u64_at(&self, at: usize) -> u64 {
        u64::from_le_bytes(self[at..at + 8].try_into().expect("eight bytes"))
    }

    fn repair_meta(&mut self, page: usize) {
        let sum = fnv1a(&self[page + 16..page + 72]);
        self.set_u64(page + 72, sum);
    }
}
