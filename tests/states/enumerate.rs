//! What a crash can leave of what was done.
//!
//! What was done to a file or to the names in a directory before its last completed sync is there. Of what was done
//! since, any part may be: writes are cut into units that a disk writes whole, and units that change nothing are left
//! out. Of few units all combinations are tried; of many each prefix and suffix, each lost, each alone, and some at
//! random. A new length is durable with `sync_all` only. Where a length is there and bytes are not, they may
//! be zero or anything else.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::record::Op;
use super::world::{FOLDER, World};

/// The units of a write: a meta may be torn at any word, other pages at sectors or at pages of the system.
const PAGE: usize = 4096;
const SECTOR: usize = 512;
const WORD: usize = 8;
const META_BYTES: usize = 80;
/// What is found where nothing was ever written.
const GARBAGE: u8 = 0xa5;

/// How far an enumeration goes.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// All combinations of as many units are tried.
    pub all_of: usize,
    /// How many combinations are picked of more.
    pub samples: u64,
}

/// Something that is on the disk after a crash, or is not.
#[derive(Debug, Clone)]
enum Unit {
    /// Bytes of a file, and whether it gets longer by them.
    Bytes(usize, usize, Vec<u8>, bool),
    Grow(usize, usize),
    Cut(usize, usize),
    Name(PathBuf, Option<usize>),
    Rename(PathBuf, PathBuf),
}

/// What is there after a crash.
pub struct State<'w> {
    pub world: &'w World,
    /// The last mark before the crash.
    pub mark: usize,
    /// Whether bytes that were lost are anything but zero.
    pub garbage: bool,
    /// Which epoch, which cut, and which of its units are there: enough to make the state again.
    pub name: String,
}

/// What an enumeration went through.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epochs {
    pub all: usize,
    /// Those of which all combinations were tried, if only of larger units.
    pub whole: usize,
}

/// Calls `visit` with every state that a crash can leave and whose hash is `fresh`, until it has had enough.
pub fn states(
    start: &World,
    ops: &[Op],
    page_size: usize,
    depth: Depth,
    fresh: &mut dyn FnMut(u64) -> bool,
    visit: &mut dyn FnMut(&State<'_>) -> bool,
) -> Epochs {
    let mut epochs = Epochs::default();
    let (mut durable, mut pending, mut mark) = (start.clone(), Vec::<&Op>::new(), 0);
    // How many of what is pending no later sync makes durable.
    let mut failed = 0;
    let mut number = 0;
    for op in ops.iter().map(Some).chain([None]) {
        match op {
            Some(Op::Mark(reached)) => mark = *reached,
            Some(Op::SyncData(_) | Op::SyncAll(_) | Op::SyncNames(_)) | None => {
                let epoch = Epoch { durable: &durable, pending: &pending, page_size, mark, number };
                match epoch.states(depth, fresh, visit) {
                    Some(whole) if !pending.is_empty() => {
                        epochs.all += 1;
                        epochs.whole += usize::from(whole);
                    }
                    Some(_) => {}
                    None => return epochs,
                }
                number += 1;
                if let Some(sync) = op {
                    make_durable(&mut durable, &mut pending, failed, sync);
                }
            }
            Some(Op::SyncFailed(_)) => failed = pending.len(),
            Some(other) => pending.push(other),
        }
    }
    epochs
}

/// Puts everything that is durable by now into `start`, and gives back what is not.
pub fn settle(start: &mut World, ops: &[Op]) -> Vec<Op> {
    let mut pending = Vec::new();
    for op in ops {
        match op {
            Op::SyncData(_) | Op::SyncAll(_) | Op::SyncNames(_) => make_durable(start, &mut pending, 0, op),
            Op::Mark(_) => {}
            other => pending.push(other),
        }
    }
    pending.into_iter().cloned().collect()
}

fn make_durable(durable: &mut World, pending: &mut Vec<&Op>, failed: usize, sync: &Op) {
    let settled = |op: &Op| match (sync, op) {
        (Op::SyncData(synced), Op::Write(file, ..) | Op::Cut(file, _)) => synced == file,
        (Op::SyncAll(synced), Op::Write(file, ..) | Op::Grow(file, _) | Op::Cut(file, _)) => synced == file,
        (Op::SyncNames(folder), Op::Name(path, _) | Op::Rename(path, _)) => folder == parent(path),
        _ => false,
    };
    let (mut lens, mut number) = (Vec::new(), 0);
    pending.retain(|op| {
        number += 1;
        if number <= failed {
            return true;
        }
        if let Op::Grow(file, len) = op {
            grow_to(&mut lens, *file, *len as usize);
        }
        if !settled(op) {
            return true;
        }
        for unit in whole(op, durable, &lens) {
            unit.apply(durable, 0);
        }
        false
    });
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn grow_to(lens: &mut Vec<usize>, file: usize, len: usize) {
    if lens.len() <= file {
        lens.resize(file + 1, 0);
    }
    lens[file] = len;
}

/// An operation as one unit.
fn whole(op: &Op, world: &World, lens: &[usize]) -> Vec<Unit> {
    match op {
        Op::Write(file, at, bytes) => {
            let len = world.files.get(*file).map_or(0, |file| file.len).max(lens.get(*file).copied().unwrap_or(0));
            let extends = *at as usize + bytes.len() > len;
            vec![Unit::Bytes(*file, *at as usize, bytes.clone(), extends)]
        }
        Op::Grow(file, len) => vec![Unit::Grow(*file, *len as usize)],
        Op::Cut(file, len) => vec![Unit::Cut(*file, *len as usize)],
        Op::Name(path, file) => vec![Unit::Name(path.clone(), *file)],
        Op::Rename(from, to) => vec![Unit::Rename(from.clone(), to.clone())],
        Op::SyncData(_) | Op::SyncAll(_) | Op::SyncFailed(_) | Op::SyncNames(_) | Op::Mark(_) => Vec::new(),
    }
}

impl Unit {
    fn apply(&self, world: &mut World, filling: u8) {
        if let Some(file) = self.file() {
            world.files.resize_with(world.files.len().max(file + 1), Default::default);
        }
        match self {
            Unit::Bytes(file, at, bytes, extends) => world.files[*file].write(*at, bytes, *extends, filling),
            Unit::Grow(file, len) => world.files[*file].grow(*len, filling),
            Unit::Cut(file, len) => world.files[*file].cut(*len),
            Unit::Name(path, Some(file)) => _ = world.names.insert(path.clone(), *file),
            Unit::Name(path, None) => _ = world.names.remove(path),
            Unit::Rename(from, to) => world.rename(from, to),
        }
    }

    /// Whether it changes anything; changes it.
    fn changes(&self, world: &mut World) -> bool {
        let there = match self {
            Unit::Bytes(file, at, bytes, extends) => world.files.get(*file).is_some_and(|file| {
                !(*extends && at + bytes.len() > file.len) && file.bytes.get(*at..at + bytes.len()) == Some(bytes)
            }),
            Unit::Grow(file, len) => world.files.get(*file).map_or(0, |file| file.len) >= *len,
            Unit::Cut(file, len) => world.files.get(*file).map_or(0, |file| file.bytes.len()) <= *len,
            Unit::Name(path, file) => world.names.get(path) == file.as_ref(),
            Unit::Rename(..) => false,
        };
        if !there {
            self.apply(world, 0);
        }
        !there
    }

    /// The file that it is about.
    fn file(&self) -> Option<usize> {
        match self {
            Unit::Bytes(file, ..) | Unit::Grow(file, _) | Unit::Cut(file, _) => Some(*file),
            Unit::Name(_, file) => file.filter(|file| *file != FOLDER),
            Unit::Rename(..) => None,
        }
    }

    fn lengthens(&self) -> bool {
        matches!(self, Unit::Grow(..) | Unit::Bytes(.., true))
    }
}

/// What was done since the last sync, and what is there for certain.
struct Epoch<'e> {
    durable: &'e World,
    pending: &'e [&'e Op],
    page_size: usize,
    mark: usize,
    number: usize,
}

impl Epoch<'_> {
    /// Whether all combinations were tried; nothing where there was enough.
    fn states(
        &self,
        depth: Depth,
        fresh: &mut dyn FnMut(u64) -> bool,
        visit: &mut dyn FnMut(&State<'_>) -> bool,
    ) -> Option<bool> {
        let fine = self.units(SECTOR);
        if fine.len() <= depth.all_of {
            return self.combine(&fine, "f", &all(fine.len()), fresh, visit).then_some(true);
        }
        let coarse = self.units(PAGE);
        let few = coarse.len() <= depth.all_of;
        let chosen = if few { all(coarse.len()) } else { some(&coarse, depth.samples, self.number as u64) };
        let enough = !self.combine(&coarse, "c", &chosen, fresh, visit)
            || !self.combine(&fine, "f", &some(&fine, depth.samples, !self.number as u64), fresh, visit);
        (!enough).then_some(few)
    }

    /// The units of what was done, less those that would change nothing.
    fn units(&self, size: usize) -> Vec<Unit> {
        let (mut now, mut units, mut lens) = (self.durable.clone(), Vec::new(), Vec::new());
        for op in self.pending {
            if let Op::Grow(file, len) = op {
                grow_to(&mut lens, *file, *len as usize);
            }
            for unit in whole(op, &now, &lens) {
                units.extend(self.cut(unit, size).into_iter().filter(|unit| unit.changes(&mut now)));
            }
        }
        units
    }

    fn cut(&self, unit: Unit, size: usize) -> Vec<Unit> {
        let Unit::Bytes(file, offset, bytes, extends) = unit else { return vec![unit] };
        let (mut units, mut at, end) = (Vec::new(), offset, offset + bytes.len());
        while at < end {
            let unit = match at {
                at if at < 2 * self.page_size && at % self.page_size < META_BYTES => WORD,
                at if at < 2 * self.page_size => SECTOR,
                _ => size,
            };
            let next = (at / unit * unit + unit).min(end);
            units.push(Unit::Bytes(file, at, bytes[at - offset..next - offset].to_vec(), extends));
            at = next;
        }
        units
    }

    /// Makes these combinations; `false` where there was enough.
    fn combine(
        &self,
        units: &[Unit],
        cut: &str,
        combinations: &[Vec<bool>],
        fresh: &mut dyn FnMut(u64) -> bool,
        visit: &mut dyn FnMut(&State<'_>) -> bool,
    ) -> bool {
        let mut scratch = Scratch::new(self.durable, units);
        let fillings: &[u8] = if units.iter().any(Unit::lengthens) { &[0, GARBAGE] } else { &[0] };
        for chosen in combinations {
            for filling in fillings {
                if !fresh(scratch.make(units, chosen, *filling) ^ hash(&[self.mark as u64])) {
                    continue;
                }
                let name = format!("{}{cut}{}{}", self.number, bits(chosen), if *filling == 0 { "" } else { "g" });
                let garbage = *filling != 0;
                if !visit(&State { world: &scratch.now, mark: self.mark, garbage, name }) {
                    return false;
                }
            }
        }
        true
    }
}

/// A world that is changed and changed back, and the hash of what is in it.
struct Scratch<'w> {
    durable: &'w World,
    now: World,
    /// The sectors that any unit touches, by file.
    touched: Vec<(usize, usize)>,
    /// The hash of each file but for its touched sectors.
    rest: Vec<u64>,
    names: bool,
}

impl<'w> Scratch<'w> {
    fn new(durable: &'w World, units: &[Unit]) -> Scratch<'w> {
        let (mut touched, mut names, mut now) = (Vec::new(), false, durable.clone());
        for unit in units {
            if let Some(file) = unit.file() {
                now.files.resize_with(now.files.len().max(file + 1), Default::default);
            }
            match unit {
                Unit::Bytes(file, at, bytes, _) => {
                    touched.extend((at / SECTOR..(at + bytes.len()).div_ceil(SECTOR)).map(|sector| (*file, sector)));
                }
                Unit::Grow(file, len) | Unit::Cut(file, len) => {
                    let from = durable.files.get(*file).map_or(0, |file| file.len.min(*len));
                    let to = durable.files.get(*file).map_or(*len, |file| file.bytes.len().max(*len));
                    touched.extend((from / SECTOR..to.div_ceil(SECTOR)).map(|sector| (*file, sector)));
                }
                Unit::Name(..) | Unit::Rename(..) => names = true,
            }
        }
        touched.sort_unstable();
        touched.dedup();
        let mut rest: Vec<u64> = now.files.iter().map(|file| sectors(file.seen(), 0..file.len.div_ceil(SECTOR))).collect();
        for (file, sector) in &touched {
            rest[*file] = rest[*file].wrapping_sub(sectors(now.files[*file].seen(), *sector..sector + 1));
        }
        Scratch { durable, now, touched, rest, names }
    }

    /// Makes a combination, and says its hash.
    fn make(&mut self, units: &[Unit], chosen: &[bool], filling: u8) -> u64 {
        for (number, now) in self.now.files.iter_mut().enumerate() {
            match self.durable.files.get(number) {
                Some(before) => {
                    now.len = before.len;
                    now.bytes.resize(before.bytes.len(), 0);
                }
                None => *now = Default::default(),
            }
        }
        for (file, sector) in &self.touched {
            let Some(before) = self.durable.files.get(*file) else { continue };
            let (start, end) = (sector * SECTOR, (sector * SECTOR + SECTOR).min(before.bytes.len()));
            if start < end {
                self.now.files[*file].bytes[start..end].copy_from_slice(&before.bytes[start..end]);
            }
        }
        if self.names {
            self.now.names.clone_from(&self.durable.names);
        }
        units.iter().zip(chosen).filter(|(_, there)| **there).for_each(|(unit, _)| unit.apply(&mut self.now, filling));
        self.hash()
    }

    fn hash(&self) -> u64 {
        let mut hashes = self.rest.clone();
        for (file, sector) in &self.touched {
            hashes[*file] = hashes[*file].wrapping_add(sectors(self.now.files[*file].seen(), *sector..sector + 1));
        }
        // A file that no name leads to makes no difference.
        let name = |(path, file): (&PathBuf, &usize)| {
            let bytes = path.as_os_str().as_encoded_bytes();
            let temporary = bytes.ends_with(b".tmp");
            let content = hashes.get(*file).map(|hash| (*hash, self.now.files[*file].len as u64)).unwrap_or_default();
            if temporary { 0 } else { hash(&[hash_bytes(bytes), content.0, content.1]) }
        };
        self.now.names.iter().map(name).fold(0, u64::wrapping_add)
    }
}

/// The sum of the hashes of some sectors.
fn sectors(bytes: &[u8], range: std::ops::Range<usize>) -> u64 {
    let one = |sector: usize| {
        let start = (sector * SECTOR).min(bytes.len());
        let bytes = &bytes[start..(start + SECTOR).min(bytes.len())];
        if bytes.iter().all(|byte| *byte == 0) { 0 } else { hash(&[sector as u64, hash_bytes(bytes)]) }
    };
    range.map(one).fold(0, u64::wrapping_add)
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let seed = rest.iter().fold(bytes.len() as u64, |all, byte| all << 8 | u64::from(*byte));
    words.iter().fold(seed, |all, word| mix(all ^ u64::from_le_bytes(*word)))
}

fn hash(words: &[u64]) -> u64 {
    words.iter().fold(0x9e37_79b9_7f4a_7c15, |all, word| mix(all ^ *word))
}

fn mix(word: u64) -> u64 {
    let product = u128::from(word ^ 0x2d35_8dcc_aa6c_78a5) * 0x8bb8_4b93_962e_acc9;
    (product >> 64) as u64 ^ product as u64
}

fn bits(chosen: &[bool]) -> String {
    let mut text = String::new();
    for four in chosen.chunks(4) {
        let digit = four.iter().enumerate().fold(0, |all, (at, there)| all | u8::from(*there) << at);
        write!(text, "{digit:x}").expect("a string takes everything");
    }
    text
}

/// All combinations.
fn all(count: usize) -> Vec<Vec<bool>> {
    (0..1_u32 << count).map(|bits| (0..count).map(|at| bits >> at & 1 == 1).collect()).collect()
}

/// None, all, each prefix and suffix, each one lost, each one alone, the same with all lengths and names, and some at
/// random.
fn some(units: &[Unit], samples: u64, seed: u64) -> Vec<Vec<bool>> {
    let count = units.len();
    let by = |there: &dyn Fn(usize) -> bool| (0..count).map(there).collect::<Vec<bool>>();
    let mut chosen = Vec::new();
    for one in 0..=count {
        chosen.push(by(&|at| at < one));
        chosen.push(by(&|at| at >= one));
        chosen.push(by(&|at| at == one));
        chosen.push(by(&|at| at != one));
    }
    let frame: Vec<bool> = units.iter().map(|unit| unit.lengthens() || unit.file().is_none()).collect();
    if frame.contains(&true) {
        let framed = |chosen: &Vec<bool>| chosen.iter().zip(&frame).map(|(there, frame)| there | frame).collect();
        chosen.extend(chosen.iter().map(framed).collect::<Vec<_>>());
    }
    let mut next = super::numbers(seed);
    for _ in 0..samples {
        let rate = next() % 256;
        chosen.push((0..count).map(|_| next() % 256 < rate).collect());
    }
    chosen
}
