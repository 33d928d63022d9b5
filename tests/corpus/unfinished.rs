//! What is left of a transaction that was stopped before its meta was written: some of its writes.

use crate::states::enumerate::{Depth, states};
use crate::states::record::{Op, RecordedFile};
use crate::states::world::{Content, World};

/// What a disk writes at once.
const UNIT: usize = 4096;

/// What a transaction does to a file, up to its meta.
pub struct Unfinished {
    before: Vec<u8>,
    /// Writes in the order in which they were made, and new lengths.
    ops: Vec<Op>,
}

impl Unfinished {
    /// The transaction of which everything is noted that it did to this file.
    pub fn new(before: &[u8], ops: &[Op]) -> Unfinished {
        let is_meta = |op: &&Op| matches!(op, Op::Write(_, _, bytes) if RecordedFile::is_meta(bytes));
        let is_change = |op: &&Op| matches!(op, Op::Write(..) | Op::Grow(..));
        let ops: Vec<Op> = ops.iter().take_while(|op| !is_meta(op)).filter(is_change).cloned().collect();
        let offsets: Vec<u64> =
            ops.iter().filter_map(|op| if let Op::Write(_, at, _) = op { Some(*at) } else { None }).collect();
        assert!(!offsets.is_empty() && offsets.is_sorted(), "pages are written in the order of the file: {offsets:?}");
        Unfinished { before: before.to_vec(), ops }
    }

    /// The same of a transaction of which only the file before and after it is known.
    pub fn between(before: &[u8], after: &[u8], page_size: usize) -> Unfinished {
        let mut ops = Vec::new();
        if after.len() > before.len() {
            ops.push(Op::Grow(0, after.len() as u64));
        }
        for at in (2 * page_size..after.len()).step_by(page_size) {
            let unit = &after[at..(at + page_size).min(after.len())];
            if before.get(at..at + unit.len()) != Some(unit) {
                ops.push(Op::Write(0, at as u64, unit.to_vec()));
            }
        }
        Unfinished { before: before.to_vec(), ops }
    }

    /// Shows the file after each of its writes: what whoever was killed, or met a full disk, leaves behind. The last is that
    /// of somebody who wrote everything.
    pub fn prefixes(&self, show: &mut dyn FnMut(&[u8])) {
        let (mut file, mut shown) = (Content::new(self.before.clone()), self.before.clone());
        let mut changed = |file: &Content| {
            if shown[..] != *file.seen() {
                shown = file.seen().to_vec();
                show(&shown);
            }
        };
        for op in &self.ops {
            match op {
                Op::Grow(_, len) => file.grow(*len as usize, 0),
                Op::Write(_, offset, bytes) => {
                    let (mut at, end) = (*offset as usize, *offset as usize + bytes.len());
                    while at < end {
                        let next = (at / UNIT * UNIT + UNIT).min(end);
                        file.write(at, &bytes[at - *offset as usize..next - *offset as usize], true, 0);
                        changed(&file);
                        at = next;
                    }
                }
                _ => {}
            }
        }
    }

    /// The file with so many of a hundred parts of its writes.
    pub fn part(&self, percent: usize) -> Vec<u8> {
        let (mut count, mut number, mut part) = (0, 0, Vec::new());
        self.prefixes(&mut |_| count += 1);
        let last = (count * percent).div_ceil(100).max(1);
        self.prefixes(&mut |file| {
            number += 1;
            if number == last {
                part = file.to_vec();
            }
        });
        part
    }

    /// The file with all of its writes.
    pub fn whole(&self) -> Vec<u8> {
        self.part(100)
    }

    /// Shows the file with any of its writes and without the others, as a loss of power can leave it.
    pub fn subsets(&self, page_size: usize, depth: Depth, show: &mut dyn FnMut(&[u8])) {
        let mut seen = std::collections::HashSet::new();
        let start = World::of("db", self.before.clone());
        states(&start, &self.ops, page_size, depth, &mut |hash| seen.insert(hash), &mut |state| {
            let file = state.world.file("db").unwrap().seen();
            if *file != self.before[..] {
                show(file);
            }
            true
        });
    }
}
