//! Owns what a benchmark does to its database: keys written in one order, and read in one.

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::measured::Measured;
use super::{Args, ReadMode, WriteMode};
use crate::{Bucket, BucketMut, Db, Entry, ReadTx, Result};

const BUCKET: &str = "bench";

/// How many keys are written before the count of those that are shows it.
const UNCOUNTED: u64 = 4096;

/// The keys of a benchmark.
pub struct Load<'a> {
    args: &'a Args,
    numbers: Numbers,
    /// Those that were written, by nested bucket and key, where they are to be read one by one.
    written: Vec<(u32, u32)>,
    /// How many keys were written, or read, so far.
    pub done: Arc<AtomicU64>,
}

/// How reading went.
pub struct Reading {
    pub measured: Measured,
    /// How often everything was read.
    pub rounds: u64,
}

impl<'a> Load<'a> {
    pub fn new(args: &'a Args) -> Load<'a> {
        let random = matches!(args.write_mode, WriteMode::Rnd | WriteMode::RndNest);
        let numbers = if random { Numbers::random() } else { Numbers::Ascending(0) };
        Load { args, numbers, written: Vec::new(), done: Arc::default() }
    }

    fn is_nested(&self) -> bool {
        matches!(self.args.write_mode, WriteMode::SeqNest | WriteMode::RndNest)
    }

    /// Writes all keys, batch by batch.
    pub fn write(&mut self, db: &Db) -> Result<Measured> {
        let batch = if self.args.batch_size == 0 { self.args.count } else { self.args.batch_size };
        let (mut operations, start) = (0, Instant::now());
        while operations < u64::from(self.args.count) {
            let mut tx = db.begin_write()?;
            let mut bucket = tx.create_bucket_if_missing(BUCKET)?;
            bucket.fill_percent(self.args.fill_percent);
            if self.is_nested() {
                let name = self.numbers.next();
                let mut nested = bucket.create_bucket_if_missing(self.key(name))?;
                nested.fill_percent(self.args.fill_percent);
                self.write_batch(&mut nested, name, batch, operations)?;
            } else {
                self.write_batch(&mut bucket, 0, batch, operations)?;
            }
            tx.commit()?;
            operations += u64::from(batch);
        }
        Ok(Measured { operations, time: start.elapsed() })
    }

    fn write_batch(&mut self, bucket: &mut BucketMut<'_>, name: u32, batch: u32, before: u64) -> Result<()> {
        let (mut key, value) = (self.key(0), vec![0; self.args.value_size as usize]);
        for operations in before..before + u64::from(batch) {
            if operations % UNCOUNTED == 0 {
                self.done.store(operations, Ordering::Relaxed);
            }
            let number = self.numbers.next();
            set(&mut key, number);
            bucket.put(&key, &value)?;
            if self.args.read_mode == ReadMode::Rnd {
                self.written.push((name, number));
            }
        }
        Ok(())
    }

    /// Puts the keys that are to be read one by one in random order.
    pub fn shuffle(&mut self) {
        let mut random = Numbers::random();
        for end in (1..self.written.len()).rev() {
            let other = (u64::from(random.next()) * (end as u64 + 1)) >> 32;
            self.written.swap(end, other as usize);
        }
    }

    /// Reads everything, again and again until the time is up, in one transaction.
    pub fn read(&self, db: &Db, time: Duration) -> Result<Reading> {
        let tx = db.begin_read()?;
        self.done.store(0, Ordering::Relaxed);
        let (mut operations, mut rounds, start) = (0, 0, Instant::now());
        loop {
            operations += self.read_once(&tx)?;
            rounds += 1;
            self.done.store(operations, Ordering::Relaxed);
            let taken = start.elapsed();
            if taken >= time {
                return Ok(Reading { measured: Measured { operations, time: taken }, rounds });
            }
        }
    }

    /// Reads everything once, and says how many pairs that were.
    fn read_once(&self, tx: &ReadTx) -> Result<u64> {
        let top = tx.bucket_at(&[BUCKET])?;
        match (self.args.read_mode, self.is_nested()) {
            (ReadMode::Rnd, false) => self.read_by_key(|_| Ok(top)),
            (ReadMode::Rnd, true) => self.read_by_key(|name| top.bucket_at(&[name])),
            (ReadMode::Seq, false) => read_in_order(top),
            (ReadMode::Seq, true) => {
                let mut pairs = 0;
                for entry in top.iter() {
                    if let (_, Entry::Bucket(nested)) = entry? {
                        pairs += read_in_order(nested)?;
                    }
                }
                Ok(pairs)
            }
        }
    }

    fn read_by_key<'t>(&self, bucket: impl Fn(&[u8]) -> Result<Bucket<'t>>) -> Result<u64> {
        let (mut name, mut key, mut pairs) = (self.key(0), self.key(0), 0);
        for (nested, number) in &self.written {
            set(&mut name, *nested);
            set(&mut key, *number);
            pairs += u64::from(black_box(bucket(&name)?.get(&key)?).is_some());
        }
        Ok(pairs)
    }

    /// How many pairs so many rounds read, where that is known: random numbers may come twice.
    pub fn expected(&self, rounds: u64) -> Option<u64> {
        let known = self.args.read_mode == ReadMode::Rnd || matches!(self.numbers, Numbers::Ascending(_));
        known.then(|| rounds * u64::from(self.args.count))
    }

    fn key(&self, number: u32) -> Vec<u8> {
        let mut key = vec![0; self.args.key_size as usize];
        set(&mut key, number);
        key
    }
}

/// Makes a key that of a number.
fn set(key: &mut [u8], number: u32) {
    if let Some(start) = key.first_chunk_mut() {
        *start = number.to_be_bytes();
    }
}

fn read_in_order(bucket: Bucket<'_>) -> Result<u64> {
    let mut pairs = 0;
    for entry in bucket.iter() {
        if let (_, Entry::Value(value)) = entry? {
            black_box(value);
            pairs += 1;
        }
    }
    Ok(pairs)
}

/// Where keys come from.
enum Numbers {
    Ascending(u32),
    Random(u64),
}

impl Numbers {
    /// Other ones in each run.
    fn random() -> Numbers {
        Numbers::Random(RandomState::new().hash_one(0))
    }

    fn next(&mut self) -> u32 {
        match self {
            Numbers::Ascending(last) => {
                *last = last.wrapping_add(1);
                *last
            }
            // splitmix64
            Numbers::Random(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                ((mixed ^ (mixed >> 31)) >> 32) as u32
            }
        }
    }
}
