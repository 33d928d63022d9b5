//! The writing workloads, written once for every engine in this process.
//!
//! `interop/bench/writing.go` has the same ones. Each ends with the digest of all pairs
//! that a reader then finds in the file.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Result, anyhow, bail};

use crate::engines::{Durability, Reader, Table, TableMut, Writer};
use crate::meter::{Cost, Done, Measured, Meter, chain_whole, digest};
use crate::pairs::{KEY_LEN, Keys, Order, Pairs, VALUE_LEN, overwrites};
use crate::scratch::Scratch;
use crate::workload::Workload;

const PAIRS_PER_TX: u64 = 10_000;
const PAIRS_PER_BUCKET: u64 = 10;
/// Ten pairs of this length are small enough to lie within their parent's page.
const INLINE_VALUE_LEN: usize = 16;
const LARGE_VALUE_LEN: usize = 1 << 20;
const LARGE_VALUES_PER_TX: u64 = 10;
const GETS_PER_TURN: usize = 90;
const PUTS_PER_TURN: usize = 10;
const OPENS: u64 = 20;
/// Until the list of free pages itself is written to pages that were written before.
const WARM_UP_COMMITS: usize = 5;

pub fn run<W: Writer>(workload: Workload, scratch: &Scratch, n: u64) -> Result<Measured> {
    let path = scratch.path();
    let mut measured = match workload {
        Workload::LoadSeq => load_pairs::<W>(path, Order::Sequential, n),
        Workload::LoadRand => load_pairs::<W>(path, Order::Random, n),
        Workload::OneTxRand => load::<W>(path, Order::Random.indexes(n * 4 / 25), n, VALUE_LEN),
        Workload::Commit => commit::<W>(path, Durability::EachCommit, n, n.div_ceil(500), 0),
        Workload::CommitNosync => commit::<W>(path, Durability::None, n, n / 100, 0),
        Workload::Mixed => mixed::<W>(path, Durability::EachCommit, n, n / 1000),
        Workload::MixedNosync => mixed::<W>(path, Durability::None, n, n / 1000 * 3),
        Workload::Del50 => delete_half::<W>(path, n),
        Workload::Buckets => buckets::<W>(path, n / 100, VALUE_LEN),
        Workload::BucketsInline => buckets::<W>(path, n / 100, INLINE_VALUE_LEN),
        Workload::Large => load::<W>(path, 0..n.div_ceil(2000), LARGE_VALUES_PER_TX, LARGE_VALUE_LEN),
        Workload::Compact => compact::<W>(scratch),
        Workload::OpenFree => open_free::<W>(path),
        Workload::FreeContig | Workload::FreeFrag => {
            commit::<W>(path, Durability::EachCommit, n / 100, n / 5000 + 10, WARM_UP_COMMITS)
        }
        _ => bail!("{} is not a writing workload", workload.name()),
    }?;
    let reader = <W::Reader as Reader>::open(path)?;
    measured.done.checksum = measured.done.checksum.wrapping_add(contents(&reader)?);
    reader.close();
    Ok(measured)
}

fn contents(reader: &impl Reader) -> Result<u64> {
    reader.read(|table| {
        let mut sum = 0;
        table.scan_nested(|key, value| sum = chain_whole(sum, key, value))?;
        Ok(sum)
    })
}

/// The checksum is that of what was read on the way; `run` adds that of the file.
fn written(ops: u64, commits: u64, cost: Cost) -> Measured {
    Measured { done: Done { ops, commits, checksum: 0 }, cost }
}

pub fn load_pairs<W: Writer>(path: &Path, order: Order, n: u64) -> Result<Measured> {
    load::<W>(path, order.indexes(n), PAIRS_PER_TX, VALUE_LEN)
}

/// The clock stands still while the pairs of the next transaction are made.
fn load<W: Writer>(path: &Path, mut indexes: impl Iterator<Item = u64>, per_tx: u64, value_len: usize) -> Result<Measured> {
    let mut pairs = Pairs::new(value_len);
    let mut writer = W::create(path)?;
    let (mut ops, mut commits) = (0, 0);
    let mut meter = Meter::start()?;
    loop {
        pairs.fill(indexes.by_ref().take(per_tx as usize).map(|i| (i, i)));
        if pairs.is_empty() {
            break;
        }
        ops += meter.time(|| writer.write(|table| put_all(table, pairs.iter())))?;
        commits += 1;
    }
    let cost = meter.finish()?;
    writer.close()?;
    Ok(written(ops, commits, cost))
}

fn put_all<'p>(table: &mut impl TableMut, mut pairs: impl Iterator<Item = (&'p [u8], &'p [u8])>) -> Result<u64> {
    pairs.try_fold(0, |count, (key, value)| {
        table.put(key, value)?;
        Ok(count + 1)
    })
}

fn commit<W: Writer>(path: &Path, durability: Durability, n: u64, commits: u64, warm_up: usize) -> Result<Measured> {
    let mut pairs = Pairs::new(VALUE_LEN);
    pairs.fill(overwrites(n).take(warm_up + commits as usize));
    let mut each = pairs.iter();
    let mut writer = W::open(path, durability)?;
    let mut overwrite = |(key, value): (&[u8], &[u8])| writer.write(|table| table.put(key, value));
    each.by_ref().take(warm_up).try_for_each(&mut overwrite)?;
    let mut meter = Meter::start()?;
    meter.time(|| each.try_for_each(&mut overwrite))?;
    let cost = meter.finish()?;
    writer.close()?;
    Ok(written(commits, commits, cost))
}

fn mixed<W: Writer>(path: &Path, durability: Durability, n: u64, turns: u64) -> Result<Measured> {
    let keys = Keys::shuffled(n, 1, KEY_LEN);
    let mut gets = keys.iter();
    let mut pairs = Pairs::new(VALUE_LEN);
    pairs.fill(overwrites(n).take(turns as usize * PUTS_PER_TURN));
    let mut puts = pairs.iter();
    let mut writer = W::open(path, durability)?;
    let mut sum = 0;
    let mut meter = Meter::start()?;
    meter.time(|| {
        for _ in 0..turns {
            writer.read(|table| {
                gets.by_ref().take(GETS_PER_TURN).try_for_each(|key| {
                    let value = table.get(key, digest)?;
                    sum = value.ok_or_else(|| anyhow!("key {} is missing", key.escape_ascii()))?.wrapping_add(sum);
                    Ok(())
                })
            })?;
            writer.write(|table| put_all(table, puts.by_ref().take(PUTS_PER_TURN)))?;
        }
        Ok(())
    })?;
    let cost = meter.finish()?;
    writer.close()?;
    let ops = turns * (GETS_PER_TURN + PUTS_PER_TURN) as u64;
    Ok(Measured { done: Done { ops, commits: turns, checksum: sum }, cost })
}

pub fn delete_half<W: Writer>(path: &Path, n: u64) -> Result<Measured> {
    let keys = Keys::to_delete(n);
    let mut writer = W::open(path, Durability::EachCommit)?;
    let mut commits = 0;
    let mut meter = Meter::start()?;
    meter.time(|| {
        for mut batch in keys.batches(PAIRS_PER_TX) {
            writer.write(|table| batch.try_for_each(|key| table.delete(key)))?;
            commits += 1;
        }
        Ok(())
    })?;
    let cost = meter.finish()?;
    writer.close()?;
    Ok(written(n / 2, commits, cost))
}

/// The name of a bucket is its first key.
fn buckets<W: Writer>(path: &Path, count: u64, value_len: usize) -> Result<Measured> {
    let mut pairs = Pairs::new(value_len);
    let mut names = Order::Random.indexes(count).map(|bucket| bucket * PAIRS_PER_BUCKET);
    let mut writer = W::create(path)?;
    let mut commits = 0;
    let mut meter = Meter::start()?;
    loop {
        let batch = names.by_ref().take((PAIRS_PER_TX / PAIRS_PER_BUCKET) as usize);
        pairs.fill(batch.flat_map(|first| (first..first + PAIRS_PER_BUCKET).map(|i| (i, i))));
        if pairs.is_empty() {
            break;
        }
        meter.time(|| {
            writer.write(|table| {
                pairs.groups(PAIRS_PER_BUCKET as usize).try_for_each(|(name, group)| table.put_bucket(name, group))
            })
        })?;
        commits += 1;
    }
    let cost = meter.finish()?;
    writer.close()?;
    Ok(written(count * PAIRS_PER_BUCKET, commits, cost))
}

fn compact<W: Writer>(scratch: &Scratch) -> Result<Measured> {
    let compacted = scratch.compacted();
    let mut meter = Meter::start()?;
    meter.time(|| {
        W::compact(scratch.path(), &compacted)?;
        Ok(File::open(&compacted)?.sync_all()?)
    })?;
    let cost = meter.finish()?;
    fs::rename(compacted, scratch.path())?;
    Ok(written(1, 1, cost))
}

fn open_free<W: Writer>(path: &Path) -> Result<Measured> {
    let mut meter = Meter::start()?;
    meter.time(|| {
        for _ in 0..OPENS {
            let writer = W::open(path, Durability::EachCommit)?;
            writer.read(|_| Ok(()))?;
            writer.close()?;
        }
        Ok(())
    })?;
    Ok(written(OPENS, 0, meter.finish()?))
}
