//! Trees of another writer, with separators that are not the first key of their child and with empty leaves, are edited
//! safely at any depth, and made such that Go's writer can go on with them.

mod go;
mod scripts;
mod support;
mod twin;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use scripts::bytes::Recipe;
use scripts::peer::Peer;
use scripts::report::Report;
use scripts::script::{Action, Engine, Operation, Script};
use support::foreign::{Foreign, Odds, levels, make_foreign, plain_leaves};
use support::image::Image;
use twin::{Held, Twin, assert_same};
use unbolt::check::{Code, Finding, check_snapshot};
use unbolt::format::{Endian, PageId};
use unbolt::store::{BoltStore, Store};
use unbolt::{Db, Error, MemoryDisk, Snapshot, Verify, WriteTx};

const PAGE: usize = 1024;

/// Numbers without end.
fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (state ^ state >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }
}

/// A key with room beside it on both sides, and a beginning that its neighbours do not share.
fn key(number: u64) -> Vec<u8> {
    let number = number % 1200;
    format!("{:02}/{:02}-{}", number / 40, number % 40, "k".repeat(number as usize % 37 + 30)).into_bytes()
}

fn value(random: u64) -> Vec<u8> {
    vec![random as u8; (random >> 8) as usize % if random.is_multiple_of(40) { 1500 } else { 60 }]
}

/// A database with trees of up to four levels, in the root bucket and in others, one inside of another.
fn sound(seed: u64) -> (Vec<u8>, Twin) {
    let mut next = numbers(seed);
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().page_size(PAGE as u32).open_disk(Arc::clone(&disk) as _).unwrap();
    let mut twin = Twin::default();
    for path in [vec![], vec![&b"outer"[..]], vec![b"outer", b"inner"], vec![b"small"]] {
        db.update(|tx| {
            let path: Vec<Vec<u8>> = path.iter().map(|name| name.to_vec()).collect();
            if let Some((name, above)) = path.split_last() {
                tx.bucket_mut_at(above)?.create_bucket(name)?;
                twin.at_mut(above).entries.insert(name.clone(), Held::Bucket(Twin::default()));
            }
            let (mut bucket, held) = (tx.bucket_mut_at(&path)?, twin.at_mut(&path));
            for _ in 0..if path == [b"small"] { 40 } else { 700 } {
                let (key, value) = (key(next()), value(next()));
                bucket.put(&key, &value)?;
                held.entries.insert(key, Held::Value(value));
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }
    drop(db);
    (Arc::into_inner(disk).unwrap().into_bytes(), twin)
}

fn foreign(seed: u64, odds: Odds) -> (Foreign, Twin) {
    let (bytes, mut twin) = sound(seed);
    let foreign = make_foreign(bytes, odds, numbers(seed ^ 77));
    for (path, key) in &foreign.gone {
        assert!(twin.at_mut(path).entries.remove(key).is_some());
    }
    (foreign, twin)
}

fn findings(bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_snapshot(&Snapshot::from_bytes(bytes).unwrap(), &mut |finding| findings.push(finding)).unwrap();
    findings
}

fn counts(findings: &[Finding]) -> HashMap<Code, usize> {
    let mut counts = HashMap::new();
    findings.iter().for_each(|finding| *counts.entry(finding.code).or_default() += 1);
    counts
}

/// Changes a few keys of a bucket and of its twin: few enough that other pages stay as they are.
fn change(tx: &mut WriteTx, twin: &mut Twin, next: &mut impl FnMut() -> u64) -> Result<(), Error> {
    let paths = twin.paths();
    let path = &paths[next() as usize % paths.len()];
    let held = twin.at_mut(path);
    let mut bucket = tx.bucket_mut_at(path)?;
    let there = |held: &Twin, random: u64| {
        let values: Vec<_> =
            held.entries.iter().filter(|(_, held)| matches!(held, Held::Value(_))).map(|(key, _)| key).collect();
        values.get(random as usize % values.len().max(1)).map(|key| key.to_vec())
    };
    for _ in 0..next() % 12 {
        match next() % 16 {
            0..7 => {
                let (key, value) = (key(next()), value(next()));
                bucket.put(&key, &value)?;
                held.entries.insert(key, Held::Value(value));
            }
            7..12 => {
                if let Some(key) = there(held, next()) {
                    assert!(bucket.delete(&key)?);
                    held.entries.remove(&key);
                }
            }
            12..14 => {
                let (from, to) = (key(next()), key(next()));
                let wide = |key: &[u8]| key >= &from[..] && key < &to[..];
                let deleted = bucket.delete_range::<&[u8]>(&from[..]..&to[..])?;
                let before = held.entries.len();
                if next().is_multiple_of(3) && deleted > 0 {
                    held.entries.retain(|key, held| matches!(held, Held::Bucket(_)) || !wide(key));
                    assert_eq!((before - held.entries.len()) as u64, deleted);
                } else {
                    // Most of them come back at once.
                    for (key, value) in held.entries.range(from.clone()..to.clone().max(from.clone())) {
                        if let Held::Value(value) = value {
                            bucket.put(key, value)?;
                        }
                    }
                }
            }
            14 => {
                let mut cursor = bucket.cursor_mut();
                let from = key(next());
                let found = cursor.seek(&from)?.map(|(key, entry)| (key.to_vec(), entry.value().is_some()));
                if let Some((key, true)) = found {
                    assert!(cursor.delete()?);
                    held.entries.remove(&key);
                }
            }
            _ => {
                let name = format!("new-{}", next() % 3).into_bytes();
                if held.entries.remove(&name).is_some() {
                    bucket.delete_bucket(&name)?;
                } else {
                    bucket.create_bucket(&name)?.put("k", "v")?;
                    let inner = Twin { entries: [(b"k".to_vec(), Held::Value(b"v".to_vec()))].into(), ..Twin::default() };
                    held.entries.insert(name, Held::Bucket(inner));
                }
            }
        }
    }
    Ok(())
}

const ODDS: [Odds; 4] = [
    Odds { empty: 8, lower: 70, raise: 0 },
    Odds { empty: 70, lower: 50, raise: 0 },
    Odds { empty: 0, lower: 100, raise: 50 },
    Odds { empty: 30, lower: 30, raise: 30 },
];

#[test]
fn whatever_is_edited_in_a_foreign_tree_nothing_is_lost_and_nothing_new_is_wrong() {
    let (mut edits, mut deepest, mut left) = (0, 0, 0);
    for seed in 0..16 {
        let (foreign, mut twin) = foreign(seed, ODDS[seed as usize % ODDS.len()]);
        assert!(foreign.lowered > 10 && (foreign.emptied > 3 || foreign.raised > 1));
        deepest = deepest.max(levels(&foreign.bytes));
        let mut known = findings(&foreign.bytes);
        let disk = Arc::new(MemoryDisk::from(foreign.bytes.clone()));
        let db = Db::options().verify(Verify::Tree).open_disk(Arc::clone(&disk) as _).unwrap();
        assert_same(&db.begin_read().unwrap().root().unwrap(), &twin, seed as usize);
        let mut next = numbers(seed ^ 1234);
        for turn in 0..25 {
            let mut tx = db.begin_write().unwrap();
            let mut changed = twin.clone();
            change(&mut tx, &mut changed, &mut next).unwrap();
            assert_same(&tx.root(), &changed, turn);
            if next().is_multiple_of(5) {
                tx.rollback();
            } else {
                tx.commit().unwrap();
                twin = changed;
            }
            edits += 1;
            assert_same(&db.begin_read().unwrap().root().unwrap(), &twin, turn);
            let bytes = disk.to_bytes();
            let found = findings(&bytes);
            for finding in &found {
                let page = finding.corruption.page.unwrap().0 as usize * PAGE;
                let foreigners = [Code::SeparatorInexact, Code::EmptyLeaf];
                assert!(foreigners.contains(&finding.code), "seed {seed}, turn {turn}: {finding}");
                // Only pages that nobody wrote since.
                assert_eq!(bytes[page..][..PAGE], foreign.bytes[page..][..PAGE], "seed {seed}, turn {turn}: {finding}");
            }
            assert!(found.len() <= known.len(), "seed {seed}, turn {turn}: {:?}, then {:?}", counts(&known), counts(&found));
            known = found;
        }
        left += usize::from(!known.is_empty());
    }
    println!("{edits} transactions, up to {deepest} levels, {left} files still foreign at the end");
    assert!(deepest >= 4 && left > 8);
}

#[test]
fn a_foreign_file_is_normalized_and_nothing_else_in_it_is_touched() {
    let mut total = 0;
    for seed in 0..16 {
        let (foreign, twin) = foreign(seed, ODDS[seed as usize % ODDS.len()]);
        let wrong = counts(&findings(&foreign.bytes));
        let disk = Arc::new(MemoryDisk::from(foreign.bytes.clone()));
        let db = Db::options().verify(Verify::Tree).open_disk(Arc::clone(&disk) as _).unwrap();
        let before = db.begin_read().unwrap();
        let done = db.normalize().unwrap();
        let count = |code| wrong.get(&code).copied().unwrap_or(0) as u64;
        assert_eq!((done.separators, done.empty_leaves), (count(Code::SeparatorInexact), count(Code::EmptyLeaf)));
        assert!(done.separators > 10 && !done.is_nothing());
        assert_eq!(db.begin_read().unwrap().id().0, before.id().0 + 1, "one transaction");
        for tx in [&before, &db.begin_read().unwrap()] {
            assert_same(&tx.root().unwrap(), &twin, seed as usize);
        }
        let bytes = disk.to_bytes();
        assert_eq!(findings(&bytes), []);
        let before = plain_leaves(&foreign.bytes);
        let untouched = |page: &&PageId| {
            let page = page.0 as usize * PAGE;
            bytes[page..][..PAGE] == foreign.bytes[page..][..PAGE]
        };
        let after = plain_leaves(&bytes);
        let kept = after.iter().filter(|page| before.contains(page)).filter(untouched).count();
        // The last leaf of a bucket, all others of which were empty, becomes its root.
        assert!(kept + 1 >= before.len() && after.len() == before.len(), "{kept} of {} leaves", before.len());
        assert!(db.normalize().unwrap().is_nothing());
        assert!(disk.to_bytes() == bytes, "there was nothing to write");
        total += done.separators + done.empty_leaves;
    }
    println!("{total} places mended");
}

#[test]
fn a_file_of_our_own_or_of_gos_needs_no_normalizing() {
    for original in support::testdata::databases_up_to(4 << 20) {
        let bytes = original.bytes();
        let disk = Arc::new(MemoryDisk::from(bytes.clone()));
        match Db::options().open_disk(Arc::clone(&disk) as _) {
            Ok(db) => {
                assert!(db.normalize().unwrap().is_nothing(), "{}", original.name);
                assert!(disk.to_bytes() == bytes, "{}", original.name);
            }
            Err(e) => assert!(matches!(e, Error::Unsupported { .. }), "{}: {e}", original.name),
        }
    }
}

#[test]
fn branches_with_a_single_child_are_merged_at_every_level() {
    let mut image = Image::new(PAGE as u32, Endian::Little);
    let leaf = |image: &mut Image, key: &str| image.leaf(&[(0, key.as_bytes(), b"v")]);
    let chain = |image: &mut Image, key: &str, leaf: PageId| {
        let branch = image.branch(&[(key.as_bytes(), leaf)]);
        image.branch(&[(key.as_bytes(), branch)])
    };
    let mut tops = Vec::new();
    for key in ["b", "d", "f"] {
        let page = leaf(&mut image, key);
        tops.push((key.as_bytes(), chain(&mut image, key, page)));
    }
    // One subtree as Go would have it, and a root that leads to one page only.
    let leaves = ["h", "j", "l"].map(|key| (key.as_bytes(), leaf(&mut image, key)));
    let both = image.branch(&leaves);
    tops.push((b"h", image.branch(&[(b"h", both)])));
    let whole = image.branch(&tops);
    let root = image.branch(&[(b"a", whole)]);
    let bytes = image.finish(root, None);
    let singles = findings(&bytes).iter().filter(|finding| finding.code == Code::SingleChild).count() as u64;
    assert_eq!(singles, 8);

    let keys = ["b", "d", "f", "h", "j", "l"];
    let read = |db: &Db| {
        let tx = db.begin_read().unwrap();
        let keys = tx.iter().unwrap().map(|pair| String::from_utf8(pair.unwrap().0.to_vec()).unwrap());
        keys.collect::<Vec<_>>()
    };
    let disk = Arc::new(MemoryDisk::from(bytes.clone()));
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    let done = db.normalize().unwrap();
    assert_eq!((done.single_children, done.separators, done.empty_leaves), (singles, 1, 0));
    assert_eq!(read(&db), keys);
    assert_eq!(findings(&disk.to_bytes()), []);
    // An edit alone leaves what it did not come by.
    for gone in 0..keys.len() {
        let disk = Arc::new(MemoryDisk::from(bytes.clone()));
        let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
        db.update(|tx| tx.root_mut().delete(keys[gone]).map(|there| assert!(there))).unwrap();
        assert_eq!(read(&db), [&keys[..gone], &keys[gone + 1..]].concat());
        let found = findings(&disk.to_bytes());
        assert!(found.iter().all(|finding| finding.code == Code::SingleChild), "{found:?}");
        assert!(found.len() < singles as usize);
    }
}

#[test]
fn a_tree_whose_leaves_are_all_empty_is_an_empty_one() {
    for depth in 1..4 {
        let mut image = Image::new(PAGE as u32, Endian::Little);
        let mut level: Vec<_> = (0..8).map(|n| (vec![b'a' + n], image.leaf(&[]))).collect();
        for _ in 0..depth {
            level = level
                .chunks(2)
                .map(|pair| {
                    let pair: Vec<_> = pair.iter().map(|(key, page)| (&key[..], *page)).collect();
                    (pair[0].0.to_vec(), image.branch(&pair))
                })
                .collect();
        }
        let root = match &level[..] {
            [(_, root)] => *root,
            level => image.branch(&level.iter().map(|(key, page)| (&key[..], *page)).collect::<Vec<_>>()),
        };
        let bytes = image.finish(root, None);
        for put in [None, Some("c"), Some("zz"), Some("A")] {
            let disk = Arc::new(MemoryDisk::from(bytes.clone()));
            let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
            if let Some(key) = put {
                db.update(|tx| tx.root_mut().put(key, "v")).unwrap();
                assert!(counts(&findings(&disk.to_bytes())).keys().all(|code| *code == Code::EmptyLeaf));
            }
            let done = db.normalize().unwrap();
            assert_eq!(done.empty_leaves, 8 - u64::from(put.is_some()));
            assert_eq!(findings(&disk.to_bytes()), []);
            assert_eq!(db.begin_read().unwrap().iter().unwrap().count(), usize::from(put.is_some()));
        }
    }
}

#[test]
fn keys_where_no_look_up_finds_them_are_not_made_worse() {
    let mut image = Image::new(PAGE as u32, Endian::Little);
    let leaves = [image.leaf(&[(0, b"a", b""), (0, b"z", b"")]), image.leaf(&[(0, b"m", b"")])];
    let root = image.branch(&[(b"a", leaves[0]), (b"m", leaves[1])]);
    let disk = Arc::new(MemoryDisk::from(image.finish(root, None)));
    let before = disk.to_bytes();
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    let error = db.normalize().unwrap_err();
    assert!(matches!(&error, Error::Corrupt(found) if found.page == Some(leaves[0])), "{error:?}");
    assert!(disk.to_bytes() == before);
}

#[test]
fn a_store_normalizes_a_foreign_file_with_its_first_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut image = Image::new(PAGE as u32, Endian::Little);
    let record: Vec<u8> = [&1_u64.to_le_bytes()[..], b"{}"].concat();
    let leaves =
        [image.leaf(&[(0, b"a/1", &record), (0, b"a/2", &record)]), image.leaf(&[]), image.leaf(&[(0, b"c/1", &record)])];
    let branch = image.branch(&[(b"a", leaves[0]), (b"b", leaves[1]), (b"c", leaves[2])]);
    let header = support::damage::paged(branch);
    let free = [PageId(image.next_page().0 + 1)];
    let list = image.freelist(&free);
    image.leaf(&[]);
    let root = image.leaf(&[(1, b"libnetwork", &header)]);
    std::fs::write(&path, image.finish(root, Some(list))).unwrap();
    let of_file = || findings(&std::fs::read(&path).unwrap());
    let store = BoltStore::open(&path, "libnetwork").unwrap();
    assert_eq!(store.list("").unwrap().len(), 3);
    assert_eq!(of_file().len(), 3, "reading changes nothing");
    store.put("a/3", b"{}").unwrap();
    assert_eq!(of_file(), []);
    assert_eq!(store.list("").unwrap().len(), 4);
}

/// One transaction of a script for each of these keys, put into a bucket.
fn puts(path: &[&str], keys: impl Iterator<Item = Vec<u8>>) -> Script {
    let path: Vec<_> = path.iter().map(Recipe::text).collect();
    let put = |key: Vec<u8>| Operation { path: path.clone(), action: Action::Put(Recipe::text(key), Recipe::text("put")) };
    keys.fold(Script::new(Engine::Bbolt150, PAGE as u32), |script, key| script.commit([put(key)]))
}

fn go_puts(peer: &mut Peer, script: &Script, file: &Path) -> Result<Report, String> {
    peer.load(script)?;
    peer.run(Engine::Bbolt150, 0..script.transactions.len(), file)?;
    peer.report(file)
}

#[test]
fn go_goes_on_with_a_file_that_was_normalized_and_corrupts_it_otherwise() {
    let Some(program) = go::program("script") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.db");
    let mut peer = Peer::start(&program);
    let mut corrupted = 0;
    for seed in 0..12 {
        let odds = Odds { raise: 0, ..ODDS[seed as usize % ODDS.len()] };
        let (foreign, _) = foreign(seed, odds);
        let buckets: &[&str] = [&[][..], &["outer"], &["outer", "inner"]][seed as usize % 3];
        // Beside every page there is.
        let script = puts(buckets, (0..120).map(|number| [key(number * 10), b"+".to_vec()].concat()));
        std::fs::write(&path, &foreign.bytes).unwrap();
        assert_eq!(peer.report(&path).unwrap().check, [] as [&str; 0], "Go finds nothing wrong with it");
        corrupted += usize::from(
            go_puts(&mut peer, &script, &path).is_err_and(|e| {
                println!("seed {seed}: not normalized: {e:.200}");
                true
            }) || !peer.report(&path).is_ok_and(|report| report.check.is_empty()),
        );

        std::fs::write(&path, &foreign.bytes).unwrap();
        let db = Db::open(&path).unwrap();
        db.normalize().unwrap();
        drop(db);
        assert_eq!(peer.report(&path).unwrap().check, [] as [&str; 0], "seed {seed}, normalized");
        let gos = go_puts(&mut peer, &script, &path).unwrap();
        assert_eq!(gos.check, [] as [&str; 0], "seed {seed}, normalized, then changed by Go");
        // We do the same to it without, and read what Go reads.
        let ours = folder.path().join("ours.db");
        std::fs::write(&ours, &foreign.bytes).unwrap();
        scripts::run::round(&script, 0..script.transactions.len(), &ours).unwrap();
        let ours = Report::of(std::fs::read(&ours).unwrap()).unwrap();
        assert_eq!(ours.digest, gos.digest, "seed {seed}");
    }
    assert!(corrupted > 6, "Go was to corrupt them: {corrupted}");
}
