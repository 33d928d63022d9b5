//! Promise: a comparison tells every difference of two states, once, in key order and with where it lies, and nothing
//! else; where one of them is damaged it calls nothing different that may be in both.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use support::alloc::{Counting, peak_of};
use unbolt::forensic::diff::{Tally, Told, Which, diff};
use unbolt::format::PageId;
use unbolt::tree::reach;
use unbolt::{BucketMut, Db, Error, MemoryDisk, Snapshot, TxSelector, WriteTx};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Path = Vec<Vec<u8>>;

/// What lies under a path: a value, or a bucket with a sequence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Value(Vec<u8>),
    Bucket(u64),
}

/// Everything in a state, nested buckets too, by its path.
type Model = BTreeMap<Path, Held>;

/// A difference: the path, what it was, what it is.
type Difference = (Path, Option<Held>, Option<Held>);

/// What cannot be read: the state, and the page.
type Damage = Vec<(Which, Option<PageId>)>;

/// Numbers without end.
fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        ((state ^ state >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20) % below
    }
}

/// Changes a database and its model alike.
fn change(tx: &mut WriteTx, model: &mut Model, next: &mut dyn FnMut(u64) -> u64, times: usize) -> Result<(), Error> {
    for _ in 0..times {
        let buckets: Vec<Path> = [Path::new()]
            .into_iter()
            .chain(model.iter().filter(|(_, held)| matches!(held, Held::Bucket(_))).map(|(path, _)| path.clone()))
            .collect();
        let parent = buckets[next(buckets.len() as u64) as usize].clone();
        let key = format!("k{:03}", next(150)).into_bytes();
        let path = [parent.clone(), vec![key.clone()]].concat();
        let mut bucket: BucketMut<'_> = tx.bucket_mut_at(&parent)?;
        match (next(20), model.get(&path)) {
            (0, None) if parent.len() < 4 => {
                let sequence = next(3);
                bucket.create_bucket(&key)?.set_sequence(sequence)?;
                model.insert(path, Held::Bucket(sequence));
            }
            (1, Some(Held::Bucket(_))) => {
                bucket.delete_bucket(&key)?;
                model.retain(|other, _| !other.starts_with(&path));
            }
            (2..6, Some(Held::Bucket(_))) => {
                let sequence = next(9);
                bucket.bucket_mut(&key)?.set_sequence(sequence)?;
                model.insert(path, Held::Bucket(sequence));
            }
            (0..8, Some(Held::Value(_))) => {
                bucket.delete(&key)?;
                model.remove(&path);
            }
            (_, None | Some(Held::Value(_))) => {
                let longest = if next(60) == 0 { 3000 } else { 40 };
                let value = vec![next(256) as u8; next(longest) as usize];
                bucket.put(&key, &value)?;
                model.insert(path, Held::Value(value));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Two states of one database, one some changes after the other.
fn states(seed: u64) -> [(Vec<u8>, Model); 2] {
    let mut next = numbers(seed);
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().page_size(1024).open_disk(Arc::clone(&disk) as _).unwrap();
    let mut model = Model::new();
    let times = [600, 40][seed as usize % 2];
    db.update(|tx| change(tx, &mut model, &mut next, times)).unwrap();
    let before = (disk.to_bytes(), model.clone());
    for _ in 0..1 + next(4) {
        db.update(|tx| change(tx, &mut model, &mut next, 30)).unwrap();
    }
    [before, (disk.to_bytes(), model)]
}

fn expected(before: &Model, after: &Model) -> Vec<Difference> {
    let paths: BTreeSet<&Path> = before.keys().chain(after.keys()).collect();
    let mut all = Vec::new();
    for path in paths {
        let sides = (before.get(path).cloned(), after.get(path).cloned());
        match sides {
            (Some(old), Some(new)) if std::mem::discriminant(&old) != std::mem::discriminant(&new) => {
                all.push((path.clone(), Some(old), None));
                all.push((path.clone(), None, Some(new)));
            }
            (old, new) if old != new => all.push((path.clone(), old, new)),
            _ => {}
        }
    }
    all
}

/// The differences as they are told, each value held against the bytes at its offset.
fn told(before: &[u8], after: &[u8]) -> (Vec<Difference>, Damage, Tally) {
    let open = |bytes: &[u8]| Snapshot::from_bytes(bytes).unwrap();
    let (older, newer) = (open(before), open(after));
    let (mut all, mut damage) = (Vec::new(), Vec::new());
    let tally = diff::<_, Error>(older.pages(), newer.pages(), &mut |buckets, told| {
        let path = |name: &[u8]| [buckets.to_vec(), vec![name.to_vec()]].concat();
        let lies = |bytes: &[u8], offset: u64, value: &[u8]| assert!(bytes[offset as usize..].starts_with(value));
        match told {
            Told::Pair { key, before: old, after: new } => {
                for (stored, bytes) in [(old, before), (new, after)] {
                    if let Some(stored) = stored {
                        lies(bytes, stored.at.offset, stored.value);
                        lies(bytes, stored.at.offset - key.len() as u64, key);
                    }
                }
                let held = |stored: Option<unbolt::forensic::diff::Stored<'_>>| stored.map(|s| Held::Value(s.value.to_vec()));
                all.push((path(key), held(old), held(new)));
            }
            Told::Bucket { name, before: old, after: new } => {
                for (header, bytes) in [(old, before), (new, after)] {
                    if let Some(header) = header {
                        lies(bytes, header.at.offset + 8, &header.sequence.to_le_bytes());
                        lies(bytes, header.at.offset - name.len() as u64, name);
                    }
                }
                all.push((path(name), old.map(|h| Held::Bucket(h.sequence)), new.map(|h| Held::Bucket(h.sequence))));
            }
            Told::Damage { which, corruption } => damage.push((which, corruption.page)),
        }
        Ok(())
    })
    .unwrap();
    (all, damage, tally)
}

#[test]
fn every_difference_is_told_once_in_order_and_nothing_else() {
    let mut differences = 0;
    for seed in 0..60 {
        let [(before, old), (after, new)] = states(seed);
        for (a, b, expected) in
            [(&before, &after, expected(&old, &new)), (&after, &before, expected(&new, &old)), (&before, &before, vec![])]
        {
            let (all, damage, tally) = told(a, b);
            assert_eq!(all, expected, "seed {seed}");
            assert_eq!((damage, tally.uncompared, tally.damaged), (vec![], 0, 0), "seed {seed}");
            assert_eq!(tally.added + tally.removed + tally.changed, expected.len() as u64, "seed {seed}");
            assert_eq!(tally.differs(), !expected.is_empty());
            differences += expected.len();
        }
    }
    println!("{differences} differences in 180 comparisons");
    assert!(differences > 5_000, "{differences}");
}

#[test]
fn damage_in_one_state_is_told_and_nothing_is_called_different_for_it() {
    let (mut files, mut uncompared) = (0, 0);
    for seed in 0..8 {
        let [(before, old), (after, new)] = states(seed * 2);
        let truth: BTreeSet<Difference> = expected(&old, &new).into_iter().collect();
        let snapshot = Snapshot::from_bytes(before.clone()).unwrap();
        let pages = reach(snapshot.pages()).unwrap().pages;
        for page in (2..snapshot.meta().high_water.0)
            .filter(|page| pages.contains(PageId(*page)) && snapshot.page(PageId(*page)).is_ok())
        {
            let mut damaged = before.clone();
            damaged[page as usize * 1024 + 8] = 0;
            let (all, damage, tally) = told(&damaged, &after);
            let all: BTreeSet<Difference> = all.into_iter().collect();
            assert!(all.is_subset(&truth), "seed {seed}, page {page}: {:?}", all.difference(&truth).next());
            files += 1;
            uncompared += tally.uncompared;
            assert!(
                !damage.is_empty()
                    && damage.iter().all(|(which, found)| *which == Which::Before && *found == Some(PageId(page))),
                "{damage:?}"
            );
            // What is missing was in the part that cannot be read, or lies where that part was.
            let unread = entries(&before) - entries(&damaged);
            let missing = truth.len() - all.len();
            assert!(missing as u64 <= unread + tally.uncompared, "seed {seed}, page {page}: {missing} missing");
        }
    }
    println!("{files} damaged files, {uncompared} entries not compared");
    assert!(files > 300 && uncompared > 1_000, "{files} {uncompared}");
}

/// How many pairs and buckets can be read.
fn entries(bytes: &[u8]) -> u64 {
    let empty = Arc::new(MemoryDisk::new());
    drop(Db::options().page_size(1024).open_disk(Arc::clone(&empty) as _).unwrap());
    told(bytes, &empty.to_bytes()).2.removed
}

#[test]
fn the_state_before_is_compared_with_the_one_after_it_in_one_file() {
    let bytes = std::fs::read("testdata/docker/networks-stopped-20.10.24.db").unwrap();
    let before = Snapshot::from_bytes(bytes.clone()).unwrap().at(TxSelector::Previous).unwrap();
    let after = Snapshot::from_bytes(bytes).unwrap();
    let mut removed = Vec::new();
    let tally = diff::<_, Error>(before.pages(), after.pages(), &mut |_, told| {
        if let Told::Pair { key, after: None, .. } = told {
            removed.push(String::from_utf8(key.to_vec()).unwrap());
        }
        Ok(())
    })
    .unwrap();
    assert!(tally.differs());
}

#[test]
fn an_error_of_the_one_who_is_told_ends_the_comparison() {
    let [(before, _), (after, _)] = states(0);
    let (older, newer) = (Snapshot::from_bytes(after).unwrap(), Snapshot::from_bytes(before).unwrap());
    let mut calls = 0;
    let ended = diff::<_, Error>(older.pages(), newer.pages(), &mut |_, _| {
        calls += 1;
        Err(Error::ReadOnly)
    });
    assert!(matches!(ended, Err(Error::ReadOnly)) && calls == 1);
}

#[test]
fn files_of_any_size_are_compared_in_the_memory_of_a_few_pages() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = ["before.db", "after.db"].map(|name| folder.path().join(name));
    let db = Db::options().no_sync(true).open(&before).unwrap();
    let value = |number: u32| vec![number as u8; 300];
    db.update(|tx| {
        let mut bucket = tx.create_bucket("large")?;
        (0..100_000_u32).try_for_each(|number| bucket.put(number.to_be_bytes(), value(number)))
    })
    .unwrap();
    drop(db);
    std::fs::copy(&before, &after).unwrap();
    let db = Db::options().no_sync(true).open(&after).unwrap();
    db.update(|tx| {
        let mut bucket = tx.bucket_mut("large")?;
        (0..100_000_u32).step_by(1000).try_for_each(|number| bucket.put(number.to_be_bytes(), value(number + 1)))
    })
    .unwrap();
    drop(db);
    let (tally, peak) = peak_of(|| {
        let (older, newer) = (Snapshot::open(&before).unwrap(), Snapshot::open(&after).unwrap());
        diff::<_, Error>(older.pages(), newer.pages(), &mut |_, _| Ok(())).unwrap()
    });
    let size = std::fs::metadata(&after).unwrap().len();
    println!("{peak} bytes of memory for two files of {size}");
    assert_eq!((tally.added, tally.removed, tally.changed), (0, 0, 100));
    // Two caches of 1,024 pages, and little beside them.
    assert!(size > 32 << 20 && peak < 12 << 20, "{peak} bytes of memory for two files of {size}");
}
