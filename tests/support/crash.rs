//! What a crash can leave of what was done to a disk.
//!
//! What was done before a sync that has returned is there. Of what was done since, any part may be: writes are cut into
//! units that a disk writes whole, and units that change nothing are left out, so that all combinations of the others
//! can be tried where they are few.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::record::Op;

/// The units of a write: a meta page may be torn anywhere, other pages at sectors.
const PAGE: u64 = 4096;
const SECTOR: u64 = 512;
const WORD: u64 = 8;
const META_BYTES: u64 = 80;
/// All combinations of as many units are tried.
const ALL_OF: usize = 12;
/// How many combinations are picked of more.
const SAMPLES: u64 = 500;

/// Something that is on the disk after a crash, or is not.
#[derive(Debug, Clone)]
enum Unit {
    /// Bytes, and whether they were written past the end: only then does a length that is lost come back by them.
    Bytes(u64, Vec<u8>, bool),
    Len(u64),
}

/// What is there after a crash.
pub struct State {
    pub bytes: Vec<u8>,
    /// The last mark before the crash.
    pub mark: usize,
    /// Which epoch, and which of its units are there: enough to make the state again.
    pub name: String,
}

/// Calls `visit` with every state that a crash can leave, each once.
pub fn states(ops: &[Op], page_size: u64, visit: &mut dyn FnMut(State)) {
    let (mut durable, mut mark, mut seen) = (Vec::new(), 0, HashSet::new());
    for (epoch, ops) in ops.split_inclusive(|op| matches!(op, Op::Sync)).enumerate() {
        let before = mark;
        let units = units(ops, &durable, page_size);
        for chosen in combinations(&units, epoch as u64) {
            let mut bytes = durable.clone();
            units.iter().zip(&chosen).filter(|(_, there)| **there).for_each(|(unit, _)| apply(unit, &mut bytes));
            let mut hasher = DefaultHasher::new();
            (&bytes, before).hash(&mut hasher);
            if seen.insert(hasher.finish()) {
                let bits: String = chosen.iter().map(|there| if *there { '1' } else { '0' }).collect();
                visit(State { bytes, mark: before, name: format!("epoch {epoch}, units {bits}") });
            }
        }
        units.iter().for_each(|unit| apply(unit, &mut durable));
        mark = ops.iter().rev().find_map(|op| if let Op::Mark(number) = op { Some(*number) } else { None }).unwrap_or(mark);
    }
}

fn apply(unit: &Unit, bytes: &mut Vec<u8>) {
    match unit {
        Unit::Len(len) => bytes.resize(*len as usize, 0),
        Unit::Bytes(offset, written, extends) => {
            let (start, end) = (*offset as usize, *offset as usize + written.len());
            if *extends {
                bytes.resize(bytes.len().max(end), 0);
            }
            let (start, end) = (start.min(bytes.len()), end.min(bytes.len()));
            bytes[start..end].copy_from_slice(&written[..end - start]);
        }
    }
}

/// The units of what was done since the last sync, less those that would change nothing.
fn units(ops: &[Op], durable: &[u8], page_size: u64) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut now = durable.to_vec();
    for op in ops {
        let candidates = match op {
            Op::SetLen(len) => vec![Unit::Len(*len)],
            Op::Write(offset, bytes) => {
                let extends = offset + bytes.len() as u64 > now.len() as u64;
                cut(*offset, bytes, page_size, extends)
            }
            Op::Sync | Op::Mark(_) => Vec::new(),
        };
        for unit in candidates {
            let before = now.clone();
            apply(&unit, &mut now);
            if now != before {
                units.push(unit);
            }
        }
    }
    units
}

fn cut(offset: u64, bytes: &[u8], page_size: u64, extends: bool) -> Vec<Unit> {
    let mut units = Vec::new();
    let (mut at, end) = (offset, offset + bytes.len() as u64);
    while at < end {
        let unit = match at {
            at if at < 2 * page_size && at % page_size < META_BYTES => WORD,
            at if at < 2 * page_size => SECTOR,
            _ if bytes.len() as u64 > 4 * PAGE => PAGE,
            _ => SECTOR,
        };
        let next = (at / unit * unit + unit).min(end);
        units.push(Unit::Bytes(at, bytes[(at - offset) as usize..(next - offset) as usize].to_vec(), extends));
        at = next;
    }
    units
}

/// Which units are there: all combinations of few; of many, none, all, each prefix and suffix, each one lost, each one
/// alone, and some at random.
fn combinations(units: &[Unit], seed: u64) -> Vec<Vec<bool>> {
    let count = units.len();
    if count <= ALL_OF {
        return (0..1_u32 << count).map(|bits| (0..count).map(|at| bits >> at & 1 == 1).collect()).collect();
    }
    let by = |there: &dyn Fn(usize) -> bool| (0..count).map(there).collect::<Vec<bool>>();
    let mut chosen = Vec::new();
    for one in 0..=count {
        chosen.push(by(&|at| at < one));
        chosen.push(by(&|at| at >= one));
        chosen.push(by(&|at| at == one));
        chosen.push(by(&|at| at != one));
    }
    let mut random = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for _ in 0..SAMPLES {
        let rate = next() % 256;
        chosen.push((0..count).map(|_| next() % 256 < rate).collect());
    }
    chosen
}
