//! The workloads, written once for every engine in this process.
//!
//! `interop/bench/workload.go` has the same ones, with the same digests.

use std::path::Path;
use std::thread;

use anyhow::{Result, anyhow, ensure};
use clap::ValueEnum;

use crate::engines::{Engine, Table};
use crate::meter::{Done, Measured, chain, digest, measure};
use crate::pairs::{GROUP_SIZE, KEY_LEN, Keys, Order, PREFIX_LEN, SEEK_LEN};

const OPENS: usize = 200;
const RESCANS: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Workload {
    /// Opening, one read transaction that reads nothing, and closing
    Open,
    /// Opening, one value, and closing
    OpenGet,
    /// Gets in random order, in one transaction
    Get1,
    /// The same by two threads, each in its own transaction
    Get2,
    /// Gets in random order, each in its own transaction
    GetTx,
    /// All pairs in their order, once: the first touch of each page included
    Scan,
    /// All pairs in their order, after a first time that is not counted
    ScanAgain,
    /// The 100 pairs of a prefix, for all prefixes in random order
    Prefix100,
    /// Seeks to a 15-byte key in random order, reading one pair
    Seek1,
    /// The library's whole check
    Check,
    /// Opening and scanning a file that is not in the page cache
    ScanCold,
}

impl Workload {
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// How the file that it reads was loaded.
    pub fn order(self) -> Order {
        match self {
            Self::Check | Self::ScanCold => Order::Sequential,
            _ => Order::Random,
        }
    }

    pub fn is_cold(self) -> bool {
        self == Self::ScanCold
    }

    pub fn run<E: Engine>(self, path: &Path, n: u64) -> Result<Measured> {
        match self {
            Self::Open => open::<E>(path),
            Self::OpenGet => open_get::<E>(path, n),
            Self::Get1 => get1::<E>(path, n),
            Self::Get2 => get2::<E>(path, n),
            Self::GetTx => get_tx::<E>(path, n),
            Self::Scan => {
                let engine = E::open(path)?;
                measure(|| engine.read(|table| scan(table, 1)))
            }
            Self::ScanAgain => {
                let engine = E::open(path)?;
                engine.read(|table| scan(table, 1))?;
                measure(|| engine.read(|table| scan(table, RESCANS)))
            }
            Self::Prefix100 => prefix100::<E>(path, n),
            Self::Seek1 => seek1::<E>(path, n),
            Self::Check => E::check(path),
            // What an engine reads ahead when it opens belongs to what it reads.
            Self::ScanCold => measure(|| E::open(path)?.read(|table| scan(table, 1))),
        }
    }
}

fn open<E: Engine>(path: &Path) -> Result<Measured> {
    measure(|| {
        let mut done = Done { ops: 0, checksum: 0 };
        for _ in 0..OPENS {
            E::open_and_close(path)?;
            done.ops += 1;
        }
        Ok(done)
    })
}

fn open_get<E: Engine>(path: &Path, n: u64) -> Result<Measured> {
    let keys = Keys::shuffled(n, 1, KEY_LEN);
    measure(|| {
        let mut done = Done { ops: 0, checksum: 0 };
        for key in keys.iter().take(OPENS) {
            let engine = E::open(path)?;
            done.checksum = engine.read(|table| get(table, key, done.checksum))?;
            engine.close();
            done.ops += 1;
        }
        Ok(done)
    })
}

fn get(table: &impl Table, key: &[u8], sum: u64) -> Result<u64> {
    table.get(key, |value| sum.wrapping_add(digest(value)))?.ok_or_else(|| anyhow!("key {} is missing", key.escape_ascii()))
}

fn get_all(engine: &impl Engine, keys: &Keys) -> Result<u64> {
    engine.read(|table| {
        let mut sum = 0;
        for key in keys.iter() {
            sum = get(table, key, sum)?;
        }
        Ok(sum)
    })
}

fn get1<E: Engine>(path: &Path, n: u64) -> Result<Measured> {
    let keys = Keys::shuffled(n, 1, KEY_LEN);
    let engine = E::open(path)?;
    measure(|| Ok(Done { ops: n, checksum: get_all(&engine, &keys)? }))
}

fn get2<E: Engine>(path: &Path, n: u64) -> Result<Measured> {
    let [ours, theirs] = Keys::shuffled(n, 1, KEY_LEN).halves();
    let engine = E::open(path)?;
    measure(|| {
        let (ours, theirs) = thread::scope(|scope| {
            let other = scope.spawn(|| get_all(&engine, &theirs));
            (get_all(&engine, &ours), other.join())
        });
        let theirs = theirs.map_err(|_| anyhow!("the second thread panicked"))?;
        Ok(Done { ops: n, checksum: ours?.wrapping_add(theirs?) })
    })
}

fn get_tx<E: Engine>(path: &Path, n: u64) -> Result<Measured> {
    let keys = Keys::shuffled(n, 1, KEY_LEN);
    let engine = E::open(path)?;
    measure(|| {
        let mut sum = 0;
        for key in keys.iter() {
            sum = engine.read(|table| get(table, key, sum))?;
        }
        Ok(Done { ops: n, checksum: sum })
    })
}

fn scan(table: &impl Table, times: usize) -> Result<Done> {
    let mut done = Done { ops: 0, checksum: 0 };
    for _ in 0..times {
        table.scan(|key, value| {
            done.checksum = chain(done.checksum, key, value);
            done.ops += 1;
        })?;
    }
    Ok(done)
}

fn prefix100<E: Engine>(path: &Path, n: u64) -> Result<Measured> {
    let prefixes = Keys::shuffled(n, GROUP_SIZE, PREFIX_LEN);
    let engine = E::open(path)?;
    measure(|| {
        engine.read(|table| {
            let mut done = Done { ops: 0, checksum: 0 };
            for prefix in prefixes.iter() {
                table.prefix(prefix, |key, value| {
                    done.checksum = chain(done.checksum, key, value);
                    done.ops += 1;
                })?;
            }
            Ok(done)
        })
    })
}

fn seek1<E: Engine>(path: &Path, n: u64) -> Result<Measured> {
    let targets = Keys::shuffled(n, 1, SEEK_LEN);
    let engine = E::open(path)?;
    measure(|| {
        engine.read(|table| {
            let mut done = Done { ops: 0, checksum: 0 };
            table.seek_each(targets.iter(), |key, value| {
                done.checksum = chain(done.checksum, key, value);
                done.ops += 1;
            })?;
            ensure!(done.ops == n, "a seek found nothing");
            Ok(done)
        })
    })
}
