//! The reading workloads, written once for every engine in this process.
//!
//! `interop/bench/reading.go` has the same ones, with the same digests.

use std::path::Path;
use std::thread;

use anyhow::{Result, anyhow, bail, ensure};

use crate::engines::{Reader, Table};
use crate::meter::{Done, Measured, chain, digest, measure};
use crate::pairs::{GROUP_SIZE, KEY_LEN, Keys, PREFIX_LEN, SEEK_LEN};
use crate::workload::Workload;

const OPENS: usize = 200;
const RESCANS: usize = 4;

pub fn run<R: Reader>(workload: Workload, path: &Path, n: u64) -> Result<Measured> {
    match workload {
        Workload::Open => open::<R>(path),
        Workload::OpenGet => open_get::<R>(path, n),
        Workload::Get1 => get1::<R>(path, n),
        Workload::Get2 => get2::<R>(path, n),
        Workload::GetTx => get_tx::<R>(path, n),
        Workload::Scan => {
            let reader = R::open(path)?;
            measure(|| reader.read(|table| scan(table, 1)))
        }
        Workload::ScanAgain => {
            let reader = R::open(path)?;
            reader.read(|table| scan(table, 1))?;
            measure(|| reader.read(|table| scan(table, RESCANS)))
        }
        Workload::Prefix100 => prefix100::<R>(path, n),
        Workload::Seek1 => seek1::<R>(path, n),
        Workload::Check => R::check(path),
        // What an engine reads ahead when it opens belongs to what it reads.
        Workload::ScanCold => measure(|| R::open(path)?.read(|table| scan(table, 1))),
        _ => bail!("{} is not a reading workload", workload.name()),
    }
}

fn open<R: Reader>(path: &Path) -> Result<Measured> {
    measure(|| {
        let mut done = Done::default();
        for _ in 0..OPENS {
            R::open_and_close(path)?;
            done.ops += 1;
        }
        Ok(done)
    })
}

fn open_get<R: Reader>(path: &Path, n: u64) -> Result<Measured> {
    let keys = Keys::shuffled(n, 1, KEY_LEN);
    measure(|| {
        let mut done = Done::default();
        for key in keys.iter().take(OPENS) {
            let reader = R::open(path)?;
            done.checksum = reader.read(|table| get(table, key, done.checksum))?;
            reader.close();
            done.ops += 1;
        }
        Ok(done)
    })
}

fn get(table: &impl Table, key: &[u8], sum: u64) -> Result<u64> {
    table.get(key, |value| sum.wrapping_add(digest(value)))?.ok_or_else(|| anyhow!("key {} is missing", key.escape_ascii()))
}

fn get_all(reader: &impl Reader, keys: &Keys) -> Result<u64> {
    reader.read(|table| {
        let mut sum = 0;
        for key in keys.iter() {
            sum = get(table, key, sum)?;
        }
        Ok(sum)
    })
}

fn get1<R: Reader>(path: &Path, n: u64) -> Result<Measured> {
    let keys = Keys::shuffled(n, 1, KEY_LEN);
    let reader = R::open(path)?;
    measure(|| Ok(Done::reading(n, get_all(&reader, &keys)?)))
}

fn get2<R: Reader>(path: &Path, n: u64) -> Result<Measured> {
    let [ours, theirs] = Keys::shuffled(n, 1, KEY_LEN).halves();
    let reader = R::open(path)?;
    measure(|| {
        let (ours, theirs) = thread::scope(|scope| {
            let other = scope.spawn(|| get_all(&reader, &theirs));
            (get_all(&reader, &ours), other.join())
        });
        let theirs = theirs.map_err(|_| anyhow!("the second thread panicked"))?;
        Ok(Done::reading(n, ours?.wrapping_add(theirs?)))
    })
}

fn get_tx<R: Reader>(path: &Path, n: u64) -> Result<Measured> {
    let keys = Keys::shuffled(n, 1, KEY_LEN);
    let reader = R::open(path)?;
    measure(|| {
        let mut sum = 0;
        for key in keys.iter() {
            sum = reader.read(|table| get(table, key, sum))?;
        }
        Ok(Done::reading(n, sum))
    })
}

fn scan(table: &impl Table, times: usize) -> Result<Done> {
    let mut done = Done::default();
    for _ in 0..times {
        table.scan(|key, value| {
            done.checksum = chain(done.checksum, key, value);
            done.ops += 1;
        })?;
    }
    Ok(done)
}

fn prefix100<R: Reader>(path: &Path, n: u64) -> Result<Measured> {
    let prefixes = Keys::shuffled(n, GROUP_SIZE, PREFIX_LEN);
    let reader = R::open(path)?;
    measure(|| {
        reader.read(|table| {
            let mut done = Done::default();
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

fn seek1<R: Reader>(path: &Path, n: u64) -> Result<Measured> {
    let targets = Keys::shuffled(n, 1, SEEK_LEN);
    let reader = R::open(path)?;
    measure(|| {
        reader.read(|table| {
            let mut done = Done::default();
            table.seek_each(targets.iter(), |key, value| {
                done.checksum = chain(done.checksum, key, value);
                done.ops += 1;
            })?;
            ensure!(done.ops == n, "a seek found nothing");
            Ok(done)
        })
    })
}
