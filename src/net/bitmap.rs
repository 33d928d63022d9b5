//! The bitmaps in which Docker 1.9 to 1.11 kept which addresses are taken.
//!
//! ```text
//! 0   u64  bits in all, big-endian as all that follows
//! 8   u64  bits that are not set
//! 16  runs of 12 bytes: u32 block of 32 bits, the first bit the highest; u64 how often it is repeated
//! ```
//!
//! A pool of IPv6 has 2^59 blocks in a few runs, so nothing here counts them one by one.

/// Bits that are set or not, by their number from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    bits: u64,
    free: u64,
    runs: Vec<Run>,
}

/// The same 32 bits, several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    block: u32,
    count: u64,
}

/// Why bytes are no bitmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BitmapError {
    /// The bytes are not a head and whole runs.
    #[error("{len} bytes, which are not 16 and a multiple of 12")]
    Length {
        /// How many they are.
        len: usize,
    },
    /// A run of no blocks, as Docker 1.9.0 and 1.9.1 left them behind.
    #[error("a bitmap whose run {run} is repeated 0 times")]
    EmptyRun {
        /// Which run it is, from 0.
        run: usize,
    },
    /// The runs have more or fewer blocks than the bits need.
    #[error("a bitmap of {blocks} blocks for {bits} bits")]
    Blocks {
        /// How many blocks the runs have; the most that can be counted where they are more.
        blocks: u64,
        /// How many bits there are.
        bits: u64,
    },
}

const RUN: usize = 12;
const BLOCK: u64 = 32;

impl Bitmap {
    /// Reads a bitmap.
    pub fn parse(bytes: &[u8]) -> Result<Bitmap, BitmapError> {
        let length = || BitmapError::Length { len: bytes.len() };
        let (bits, rest) = bytes.split_first_chunk::<8>().ok_or_else(length)?;
        let (free, rest) = rest.split_first_chunk::<8>().ok_or_else(length)?;
        let (chunks, remainder) = rest.as_chunks::<RUN>();
        if !remainder.is_empty() {
            return Err(length());
        }
        let bitmap = Bitmap {
            bits: u64::from_be_bytes(*bits),
            free: u64::from_be_bytes(*free),
            runs: chunks.iter().map(Run::read).collect(),
        };
        bitmap.validate()
    }

    /// The bytes of a bitmap with empty runs dropped, as many blocks as its bits need, and its free bits counted; `None`
    /// where the bytes are too few to tell how many bits there are. Half a run at the end is dropped too.
    pub(super) fn repair(bytes: &[u8]) -> Option<Vec<u8>> {
        let (bits, rest) = bytes.split_first_chunk::<8>()?;
        let (_, rest) = rest.split_first_chunk::<8>()?;
        let bits = u64::from_be_bytes(*bits);
        let (mut missing, mut runs) = (bits.div_ceil(BLOCK), Vec::new());
        for run in rest.as_chunks::<RUN>().0.iter().map(Run::read) {
            let count = run.count.min(missing);
            missing -= count;
            runs.extend((count > 0).then_some(Run { count, ..run }));
        }
        runs.extend((missing > 0).then_some(Run { block: 0, count: missing }));
        let bitmap = Bitmap { bits, free: 0, runs };
        let mut repaired = [bits.to_be_bytes(), bits.saturating_sub(bitmap.set()).to_be_bytes()].concat();
        for run in &bitmap.runs {
            repaired.extend(run.block.to_be_bytes());
            repaired.extend(run.count.to_be_bytes());
        }
        Some(repaired)
    }

    fn validate(self) -> Result<Bitmap, BitmapError> {
        if let Some(run) = self.runs.iter().position(|run| run.count == 0) {
            return Err(BitmapError::EmptyRun { run });
        }
        let blocks = self.runs.iter().fold(0_u64, |blocks, run| blocks.saturating_add(run.count));
        match blocks == self.bits.div_ceil(BLOCK) {
            true => Ok(self),
            false => Err(BitmapError::Blocks { blocks, bits: self.bits }),
        }
    }

    /// How many bits there are.
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// How many bits are not set, as the bitmap itself says.
    pub fn free(&self) -> u64 {
        self.free
    }

    /// How many bits are set, counted.
    pub fn set(&self) -> u64 {
        let ones = |run: &Run| u128::from(run.block.count_ones()) * u128::from(run.count);
        let all = self.runs.iter().map(ones).fold(0, u128::saturating_add);
        u64::try_from(all.saturating_sub(u128::from(self.beyond()))).unwrap_or(u64::MAX)
    }

    /// How many bits of the last block are set that do not count.
    fn beyond(&self) -> u32 {
        match (self.runs.last(), u32::try_from(self.bits % BLOCK)) {
            (Some(last), Ok(used @ 1..)) => last.block.checked_shl(used).unwrap_or(0).count_ones(),
            _ => 0,
        }
    }

    /// The bits that are set, as pairs of the first and last of all that stand together.
    ///
    /// ```
    /// use unbolt::net::Bitmap;
    /// let bytes = [&64_u64.to_be_bytes()[..], &60_u64.to_be_bytes(), &[0xc0, 0, 0, 3], &2_u64.to_be_bytes()].concat();
    /// let ranges: Vec<_> = Bitmap::parse(&bytes)?.ranges().collect();
    /// assert_eq!(ranges, [(0, 1), (30, 33), (62, 63)]);
    /// # Ok::<(), unbolt::net::BitmapError>(())
    /// ```
    pub fn ranges(&self) -> Ranges<'_> {
        Ranges { bitmap: self, run: 0, repeat: 0, at: 0, base: 0, pending: None }
    }
}

impl Run {
    fn read(bytes: &[u8; RUN]) -> Run {
        let [a, b, c, d, count @ ..] = *bytes;
        Run { block: u32::from_be_bytes([a, b, c, d]), count: u64::from_be_bytes(count) }
    }
}

/// The ranges of set bits of a [`Bitmap`]. A run of blocks that are neither empty nor full gives at least one range for
/// each of its blocks, so there may be more of them than anybody wants: take as many as can be shown.
#[derive(Debug, Clone)]
pub struct Ranges<'b> {
    bitmap: &'b Bitmap,
    run: usize,
    /// How many blocks of the run are done.
    repeat: u64,
    /// The bit of the block that is next.
    at: u32,
    /// The number of the block's first bit.
    base: u64,
    /// A range that may go on.
    pending: Option<(u64, u64)>,
}

impl Ranges<'_> {
    /// The next bits that stand together within one block, or one run of full blocks; `None` at the end.
    fn piece(&mut self) -> Option<(u64, u64)> {
        loop {
            let run = self.bitmap.runs.get(self.run)?;
            match run.block {
                0 | u32::MAX => {
                    let (from, len) = (self.base, (run.count - self.repeat).saturating_mul(BLOCK));
                    self.base = from.saturating_add(len);
                    self.next_run();
                    if run.block != 0 {
                        return self.within(from, from.saturating_add(len - 1));
                    }
                }
                block => {
                    let rest = block.checked_shl(self.at).unwrap_or(0);
                    if rest == 0 {
                        self.next_block(run.count);
                        continue;
                    }
                    let first = self.at + rest.leading_zeros();
                    let len = block.checked_shl(first).unwrap_or(0).leading_ones();
                    self.at = first + len;
                    let from = self.base.saturating_add(first.into());
                    return self.within(from, from.saturating_add(u64::from(len) - 1));
                }
            }
        }
    }

    /// Those of these bits that the bitmap has: the last block may have more.
    fn within(&self, first: u64, last: u64) -> Option<(u64, u64)> {
        let end = self.bitmap.bits.checked_sub(1)?;
        (first <= end).then_some((first, last.min(end)))
    }

    fn next_block(&mut self, count: u64) {
        (self.at, self.base, self.repeat) = (0, self.base.saturating_add(BLOCK), self.repeat + 1);
        if self.repeat >= count {
            self.next_run();
        }
    }

    fn next_run(&mut self) {
        (self.run, self.repeat, self.at) = (self.run + 1, 0, 0);
    }
}

impl Iterator for Ranges<'_> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        loop {
            match (self.pending, self.piece()) {
                (None, None) => return None,
                (Some((first, last)), Some((next, end))) if last.checked_add(1) == Some(next) => {
                    self.pending = Some((first, end));
                }
                (None, Some(piece)) => self.pending = Some(piece),
                (Some(done), piece) => {
                    self.pending = piece;
                    return Some(done);
                }
            }
        }
    }
}

impl std::iter::FusedIterator for Ranges<'_> {}

#[cfg(test)]
mod tests {
    use super::super::base64;
    use super::*;

    fn bitmap(bits: u64, free: u64, runs: &[(u32, u64)]) -> Result<Bitmap, BitmapError> {
        let mut bytes = [bits.to_be_bytes(), free.to_be_bytes()].concat();
        for (block, count) in runs {
            bytes.extend(block.to_be_bytes());
            bytes.extend(count.to_be_bytes());
        }
        Bitmap::parse(&bytes)
    }

    fn ranges(bitmap: &Bitmap) -> Vec<(u64, u64)> {
        bitmap.ranges().take(100).collect()
    }

    #[test]
    fn what_docker_1_11_wrote_is_read() {
        for (text, bits, free, expected) in [
            (
                "AAAAAAABAAAAAAAAAAD/+vgAAAAAAAAAAAAAAQAAAAAAAAAAAAAH/gAAAAEAAAAAAAAAAQ==",
                65536,
                65530,
                vec![(0, 4), (65535, 65535)],
            ),
            (
                "AAAAAAAAAQAAAAAAAAAA/IAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAA8AAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAgAAAAEAAAAAAAAAAQ==",
                256,
                252,
                vec![(0, 0), (128, 129), (255, 255)],
            ),
            ("/////////////////////cAAAAAAAAAAAAAAAQAAAAAH/////////w==", u64::MAX, u64::MAX - 2, vec![(0, 1)]),
        ] {
            let bitmap = Bitmap::parse(&base64::decode(text).unwrap()).unwrap();
            assert_eq!((bitmap.bits(), bitmap.free(), ranges(&bitmap)), (bits, free, expected));
            assert_eq!(bitmap.set(), bits - free);
        }
    }

    #[test]
    fn ranges_go_on_over_blocks_and_runs_and_end_with_the_last_bit() {
        let all = bitmap(u64::MAX, 0, &[(u32::MAX, 1 << 59)]).unwrap();
        assert_eq!((ranges(&all), all.set()), (vec![(0, u64::MAX - 1)], u64::MAX));
        let over = bitmap(70, 0, &[(3, 1), (u32::MAX, 1), (0xfc00_0001, 1)]).unwrap();
        assert_eq!((ranges(&over), over.set()), (vec![(30, 69)], 40));
        let holes = bitmap(96, 0, &[(0x8000_0001, 3)]).unwrap();
        assert_eq!(ranges(&holes), [(0, 0), (31, 32), (63, 64), (95, 95)]);
        assert_eq!(ranges(&bitmap(0, 0, &[]).unwrap()), []);
    }

    #[test]
    fn repeats_are_not_counted_one_by_one() {
        let many = bitmap(u64::MAX, 0, &[(0, 1 << 58), (0x8000_0000, 1 << 58)]).unwrap();
        assert_eq!(many.ranges().next(), Some((1 << 63, 1 << 63)));
        assert_eq!(many.set(), 1 << 58);
    }

    #[test]
    fn every_range_is_what_its_bits_say() {
        fn same(runs: Vec<(u32, u8)>, cut: u8) -> bool {
            let runs: Vec<(u32, u64)> = runs.into_iter().map(|(block, count)| (block, u64::from(count % 4) + 1)).collect();
            let blocks: u64 = runs.iter().map(|(_, count)| count).sum();
            let bits = (blocks * 32).saturating_sub(u64::from(cut % 32));
            let bitmap = bitmap(bits, 0, &runs).unwrap();
            let block = runs.iter().flat_map(|(block, count)| std::iter::repeat_n(*block, *count as usize));
            let set: Vec<u64> = (0..)
                .zip(block.flat_map(|block| (0..32).rev().map(move |bit| block >> bit & 1 == 1)))
                .filter(|(bit, set)| *set && *bit < bits)
                .map(|(bit, _)| bit)
                .collect();
            let ranges: Vec<_> = bitmap.ranges().collect();
            ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0)
                && ranges.iter().flat_map(|(first, last)| *first..=*last).eq(set.iter().copied())
                && bitmap.set() == set.len() as u64
        }
        quickcheck::quickcheck(same as fn(Vec<(u32, u8)>, u8) -> bool);
    }

    #[test]
    fn a_repaired_bitmap_has_its_blocks_and_its_count() {
        for (bits, runs, free) in [
            (256_u64, vec![(0x8000_0000_u32, 1_u64), (7, 0), (0, 6), (1, 1)], 254),
            (64, vec![(u32::MAX, u64::MAX)], 0),
            (u64::MAX, vec![(0xc000_0000, 1)], u64::MAX - 2),
            (0, vec![(1, 1)], 0),
            (33, vec![], 33),
        ] {
            let mut bytes = [bits.to_be_bytes(), 9_u64.to_be_bytes()].concat();
            for (block, count) in runs {
                bytes.extend(block.to_be_bytes());
                bytes.extend(count.to_be_bytes());
            }
            bytes.extend([1, 2, 3]);
            let bitmap = Bitmap::parse(&Bitmap::repair(&bytes).unwrap()).unwrap();
            assert_eq!((bitmap.bits(), bitmap.free(), bits - bitmap.set()), (bits, free, free));
        }
        assert_eq!(Bitmap::repair(&[0; 15]), None);
    }

    #[test]
    fn what_is_no_bitmap_is_refused() {
        assert_eq!(Bitmap::parse(&[0; 15]), Err(BitmapError::Length { len: 15 }));
        assert_eq!(Bitmap::parse(&[0; 27]), Err(BitmapError::Length { len: 27 }));
        assert_eq!(bitmap(64, 0, &[(0, 2), (0, 0)]), Err(BitmapError::EmptyRun { run: 1 }));
        assert_eq!(bitmap(64, 0, &[(0, 1)]), Err(BitmapError::Blocks { blocks: 1, bits: 64 }));
        assert_eq!(bitmap(1, 0, &[(0, u64::MAX), (1, 2)]), Err(BitmapError::Blocks { blocks: u64::MAX, bits: 1 }));
    }
}
