//! Turns a file into the other byte order, as if a machine of that order had written it.
//!
//! Goes through the pages by itself, with nothing of the crate that is tested, and trusts its input: these are
//! sound files. Every number that the current state reaches is turned, and both metas.

use std::ops::Range;

/// A little-endian file in big-endian order.
pub fn to_big_endian(little: &[u8]) -> Vec<u8> {
    let mut swap = Swap { little, out: little.to_vec(), done: vec![false; little.len()] };
    let page_size = swap.u32(24) as usize;
    let current = [0, page_size].into_iter().max_by_key(|page| (swap.is_meta(*page), swap.u64(page + 64))).expect("two metas");
    let (root, freelist) = (swap.u64(current + 32) as usize, swap.u64(current + 48));
    swap.meta(0);
    swap.meta(page_size);
    if freelist != u64::MAX {
        swap.freelist(freelist as usize * page_size);
    }
    let mut open = vec![root];
    while let Some(page) = open.pop() {
        swap.tree_page(page * page_size, &mut open);
    }
    swap.out
}

struct Swap<'a> {
    little: &'a [u8],
    out: Vec<u8>,
    done: Vec<bool>,
}

impl Swap<'_> {
    fn is_meta(&self, page: usize) -> bool {
        self.u32(page + 16) == 0xED0C_DAED && fnv1a(&self.little[page + 16..page + 72]) == self.u64(page + 72)
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.little[at..at + 2].try_into().expect("two bytes"))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.little[at..at + 4].try_into().expect("four bytes"))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.little[at..at + 8].try_into().expect("eight bytes"))
    }

    /// Turns the number at these bytes, once.
    fn turn(&mut self, field: Range<usize>) {
        assert!(!self.done[field.clone()].contains(&true), "the bytes at {field:?} are turned twice");
        self.done[field.clone()].fill(true);
        self.out[field].reverse();
    }

    fn numbers(&mut self, mut at: usize, sizes: &[usize]) {
        for size in sizes {
            self.turn(at..at + size);
            at += size;
        }
    }

    fn header(&mut self, page: usize) {
        self.numbers(page, &[8, 2, 2, 4]);
    }

    fn meta(&mut self, page: usize) {
        self.header(page);
        self.numbers(page + 16, &[4, 4, 4, 4, 8, 8, 8, 8, 8]);
        // The checksum is of the bytes, so it is another one, not the same one turned.
        let sum = fnv1a(&self.out[page + 16..page + 72]);
        let sum = if self.is_meta(page) { sum } else { !sum };
        self.out[page + 72..page + 80].copy_from_slice(&sum.to_be_bytes());
    }

    fn freelist(&mut self, page: usize) {
        self.header(page);
        let short = u64::from(self.u16(page + 10));
        let words = if short == 0xFFFF { 1 + self.u64(page + 16) } else { short };
        for word in 0..words as usize {
            self.turn(page + 16 + 8 * word..page + 24 + 8 * word);
        }
    }

    fn tree_page(&mut self, page: usize, open: &mut Vec<usize>) {
        self.header(page);
        let (flags, count) = (self.u16(page + 8), usize::from(self.u16(page + 10)));
        for element in (0..count).map(|i| page + 16 + 16 * i) {
            if flags == 1 {
                open.push(self.u64(element + 8) as usize);
                self.numbers(element, &[4, 4, 8]);
            } else {
                self.leaf_element(element, open);
                self.numbers(element, &[4, 4, 4, 4]);
            }
        }
    }

    fn leaf_element(&mut self, element: usize, open: &mut Vec<usize>) {
        if self.u32(element) & 1 == 0 {
            return;
        }
        let bucket = element + (self.u32(element + 4) + self.u32(element + 8)) as usize;
        match self.u64(bucket) as usize {
            0 => self.tree_page(bucket + 16, open),
            root => open.push(root),
        }
        self.numbers(bucket, &[8, 8]);
    }
}

/// FNV-1a, 64 bits.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
