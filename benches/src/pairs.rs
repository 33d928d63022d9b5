//! The pairs, the order they are loaded in, and the order they are read in.
//!
//! `interop/bench/pairs.go` makes the same ones, and both have the same golden
//! test: key i is i in 16 decimal digits, value i is 100 bytes of noise.

use std::io::Write;

pub const KEY_LEN: usize = 16;
pub const VALUE_LEN: usize = 100;
/// Pairs in one loading transaction.
pub const PAIRS_PER_TX: u64 = 10_000;
/// Keys that share a prefix of `PREFIX_LEN` digits.
pub const GROUP_SIZE: u64 = 100;
pub const PREFIX_LEN: usize = 14;
/// What a seek is given: a key less its last digit.
pub const SEEK_LEN: usize = 15;

const LOAD_SEED: u64 = 1;
const READ_SEED: u64 = 2;
const VALUE_WORDS: usize = VALUE_LEN.div_ceil(8);

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

pub fn value(i: u64) -> [u8; VALUE_LEN] {
    let mut value = [0; VALUE_LEN];
    for (word, bytes) in value.chunks_mut(8).enumerate() {
        let noise = splitmix64(i * VALUE_WORDS as u64 + word as u64).to_le_bytes();
        bytes.copy_from_slice(&noise[..bytes.len()]);
    }
    value
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
    pub const BOTH: [Self; 2] = [Self::Sequential, Self::Random];

    /// The stem of the files that were loaded in this order.
    pub fn stem(self) -> &'static str {
        match self {
            Self::Sequential => "seq",
            Self::Random => "rand",
        }
    }

    /// The n pairs in this order, one batch for each loading transaction.
    pub fn batches(self, n: u64) -> impl Iterator<Item = impl Iterator<Item = Pair>> {
        (0..n).step_by(PAIRS_PER_TX as usize).map(move |start| {
            let permutation = Permutation::new(n, LOAD_SEED);
            (start..n.min(start + PAIRS_PER_TX)).map(move |i| {
                let i = match self {
                    Self::Sequential => i,
                    Self::Random => permutation.at(i),
                };
                (key(i), value(i))
            })
        })
    }
}

pub type Pair = ([u8; KEY_LEN], [u8; VALUE_LEN]);

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

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.length)
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
        let value = value(7);
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
