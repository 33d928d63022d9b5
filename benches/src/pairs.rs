//! The pairs, and the orders they are loaded, read, overwritten and deleted in.
//!
//! `interop/bench/pairs.go` makes the same ones, and both have the same golden
//! test: key i is i in 16 decimal digits, value i is noise, 100 bytes unless said otherwise.

use std::io::Write;

pub const KEY_LEN: usize = 16;
pub const VALUE_LEN: usize = 100;
/// Keys that share a prefix of `PREFIX_LEN` digits.
pub const GROUP_SIZE: u64 = 100;
pub const PREFIX_LEN: usize = 14;
/// What a seek is given: a key less its last digit.
pub const SEEK_LEN: usize = 15;

const LOAD_SEED: u64 = 1;
const READ_SEED: u64 = 2;
const DELETE_SEED: u64 = 3;
const OVERWRITE_SEED: u64 = 4;

fn splitmix64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

pub fn key(i: u64) -> [u8; KEY_LEN] {
    let mut key = [0; KEY_LEN];
    write!(&mut key[..], "{i:016}").expect("an index has at most 16 digits");
    key
}

/// Fills the buffer with value i of that length.
fn fill(value: &mut [u8], i: u64) {
    let words = value.len().div_ceil(8) as u64;
    for (word, bytes) in (i * words..).zip(value.chunks_mut(8)) {
        let noise = splitmix64(word).to_le_bytes();
        bytes.copy_from_slice(&noise[..bytes.len()]);
    }
}

/// A Feistel network of four rounds over the next even number of bits, walked
/// until it lands below n: a bijection on 0..n without a table.
struct Permutation {
    n: u64,
    seed: u64,
    half_bits: u32,
}

impl Permutation {
    fn new(n: u64, seed: u64) -> Self {
        let half_bits = (1..32).find(|bits| 1 << (2 * bits) >= n).unwrap_or(32);
        Self { n, seed, half_bits }
    }

    fn at(&self, mut i: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        loop {
            let (mut left, mut right) = (i >> self.half_bits, i & mask);
            for round in 0..4 {
                let mixed = splitmix64((self.seed << 32) ^ (round << 28) ^ right);
                (left, right) = (right, left ^ (mixed & mask));
            }
            i = (left << self.half_bits) | right;
            if i < self.n {
                return i;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    Sequential,
    Random,
}

impl Order {
    /// The indexes of the n pairs in this order.
    pub fn indexes(self, n: u64) -> impl Iterator<Item = u64> {
        let permutation = Permutation::new(n, LOAD_SEED);
        (0..n).map(move |i| match self {
            Self::Sequential => i,
            Self::Random => permutation.at(i),
        })
    }
}

/// Which of the n keys get a new value, in random order, and the index of the value.
pub fn overwrites(n: u64) -> impl Iterator<Item = (u64, u64)> {
    let permutation = Permutation::new(n, OVERWRITE_SEED);
    (0..n).map(move |i| (permutation.at(i), n + i))
}

/// The pairs of one transaction, in buffers that are filled again for the next one.
pub struct Pairs {
    keys: Vec<u8>,
    values: Vec<u8>,
    value_len: usize,
}

impl Pairs {
    pub fn new(value_len: usize) -> Self {
        Self { keys: Vec::new(), values: Vec::new(), value_len }
    }

    /// Replaces the pairs; each is given as the index of its key and that of its value.
    pub fn fill(&mut self, indexes: impl Iterator<Item = (u64, u64)>) {
        self.keys.clear();
        self.values.clear();
        for (key_index, value_index) in indexes {
            self.keys.extend_from_slice(&key(key_index));
            let start = self.values.len();
            self.values.resize(start + self.value_len, 0);
            fill(&mut self.values[start..], value_index);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        zip(&self.keys, &self.values, self.value_len)
    }

    /// The pairs by so many, each group with its first key.
    pub fn groups(&self, count: usize) -> impl Iterator<Item = (&[u8], impl Iterator<Item = (&[u8], &[u8])>)> {
        let keys = self.keys.chunks_exact(count * KEY_LEN);
        let values = self.values.chunks_exact(count * self.value_len);
        keys.zip(values).map(|(keys, values)| (&keys[..KEY_LEN], zip(keys, values, self.value_len)))
    }
}

fn zip<'p>(keys: &'p [u8], values: &'p [u8], value_len: usize) -> impl Iterator<Item = (&'p [u8], &'p [u8])> {
    keys.chunks_exact(KEY_LEN).zip(values.chunks_exact(value_len))
}

/// The first bytes of keys, one after another in one buffer, so that fetching
/// the next one costs next to nothing.
pub struct Keys {
    bytes: Vec<u8>,
    length: usize,
}

impl Keys {
    /// Every `stride`th key of n, in the random order of reading.
    pub fn shuffled(n: u64, stride: u64, length: usize) -> Self {
        let permutation = Permutation::new(n / stride, READ_SEED);
        let bytes = (0..permutation.n).flat_map(|i| key(permutation.at(i) * stride).into_iter().take(length)).collect();
        Self { bytes, length }
    }

    /// Half of the n keys, in random order.
    pub fn to_delete(n: u64) -> Self {
        let permutation = Permutation::new(n, DELETE_SEED);
        Self { bytes: (0..n / 2).flat_map(|i| key(permutation.at(i))).collect(), length: KEY_LEN }
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.length)
    }

    /// The keys by so many, for transactions.
    pub fn batches(&self, count: u64) -> impl Iterator<Item = impl Iterator<Item = &[u8]>> {
        self.bytes.chunks(count as usize * self.length).map(|batch| batch.chunks_exact(self.length))
    }

    /// The keys in two halves, for two threads.
    pub fn halves(self) -> [Self; 2] {
        let half = self.bytes.len() / self.length / 2 * self.length;
        let (first, second) = self.bytes.split_at(half);
        [first, second].map(|bytes| Self { bytes: bytes.to_vec(), length: self.length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_of_the_go_side() {
        assert_eq!(&key(1_234_567), b"0000000001234567");
        let mut value = [0; VALUE_LEN];
        fill(&mut value, 7);
        assert_eq!(value[..8], 0xf855_07da_4c69_f9d2_u64.to_le_bytes());
        assert_eq!(value[92..], 0xefa0_f0b0_1140_2f24_u64.to_le_bytes());
        let permutation = Permutation::new(1000, READ_SEED);
        assert_eq!([0, 1, 999].map(|i| permutation.at(i)), [310, 335, 482]);
    }

    #[test]
    fn a_permutation_hits_each_index_once() {
        let permutation = Permutation::new(12_345, LOAD_SEED);
        let mut hit: Vec<_> = (0..12_345).map(|i| permutation.at(i)).collect();
        hit.sort_unstable();
        assert!(hit.into_iter().eq(0..12_345));
    }

    #[test]
    fn a_group_shares_its_prefix_and_no_other_key_does() {
        let sharing = |i: u64| key(i)[..PREFIX_LEN] == key(500)[..PREFIX_LEN];
        assert!((500..600).all(sharing));
        assert!(!sharing(499) && !sharing(600));
    }
}
