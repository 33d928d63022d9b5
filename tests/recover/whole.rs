//! Every database, and every damage to one: what can be read comes back, and what comes back is sound.

use std::process::Command;
use std::sync::Arc;

use unbolt::{Db, MemoryDisk, Snapshot};

use crate::content::{Content, recovered, shares};
use crate::support::damage::{Base, Damaged};
use crate::support::testdata::{database, databases};

#[test]
fn a_sound_file_is_brought_whole_and_nothing_else() {
    for database in databases() {
        let bytes = database.bytes();
        if Snapshot::from_bytes(bytes.clone()).is_err() {
            continue;
        }
        let (report, new) = recovered(&bytes.clone().into(), false, &database.name);
        let (before, after) = (Content::of(&bytes), Content::of(&new.unwrap()));
        assert!(report.is_whole(), "{}: {report:#?}", database.name);
        assert!(before.pairs == after.pairs && before.buckets == after.buckets, "{}", database.name);
    }
}

#[test]
fn with_both_metas_gone_nearly_everything_comes_back() {
    let (mut files, mut poorest) = (0, [100.0_f64; 3]);
    for (name, bytes) in databases().into_iter().map(|database| (database.name.clone(), database.bytes())).chain(made()) {
        let Ok(snapshot) = Snapshot::from_bytes(bytes.clone()) else { continue };
        let (before, page) = (Content::of(&bytes), snapshot.layout().page_size.get() as usize);
        if before.pairs.is_empty() {
            continue;
        }
        let mut damaged = bytes;
        damaged[..2 * page].fill(0);
        let (report, new) = recovered(&damaged.into(), false, &name);
        let after = Content::of(&new.unwrap_or_else(|| panic!("{name}: nothing")));
        let found = shares(&before, &after);
        println!(
            "{name:45} {:6} pairs: {:5.1} % in place, {:5.1} % in all, {:5.1} % of {} buckets; {:?}, {} rivals",
            before.pairs.len(),
            found[0],
            found[1],
            found[2],
            before.buckets.len(),
            report.source,
            report.rivals
        );
        for (poorest, found) in poorest.iter_mut().zip(found) {
            *poorest = poorest.min(found);
        }
        assert!(found[1] >= 99.0, "{name}: {found:?}");
        files += 1;
    }
    println!("{files} files, the poorest: {poorest:?}");
    assert!(files >= 50, "only {files} files");
}

/// Files with a past: many small transactions that write, overwrite and delete, in buckets in buckets.
fn made() -> Vec<(String, Vec<u8>)> {
    (0..8_u64).map(|seed| (format!("made {seed}"), with_a_past(seed, 60, seed % 2 == 0))).collect()
}

fn with_a_past(seed: u64, transactions: u64, store_list: bool) -> Vec<u8> {
    let disk = Arc::new(MemoryDisk::new());
    let mut options = Db::options();
    options.page_size(1024);
    if !store_list {
        options.freelist(unbolt::FreelistMode::Never);
    }
    let db = options.open_disk(Arc::clone(&disk) as _).unwrap();
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = |most: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % most
    };
    for tx in 0..transactions {
        let mut write = db.begin_write().unwrap();
        {
            let mut top = write.create_bucket_if_missing(format!("bucket-{}", below(4))).unwrap();
            let mut nested = top.create_bucket_if_missing(format!("nested-{}", below(3))).unwrap();
            for _ in 0..20 {
                let key = format!("key-{:04}", below(400));
                if below(4) == 0 {
                    nested.delete(&key).unwrap();
                } else {
                    nested.put(&key, format!("value {tx} {} {}", below(1000), "x".repeat(below(90) as usize))).unwrap();
                }
            }
        }
        write.commit().unwrap();
    }
    drop(db);
    disk.to_bytes()
}

fn truncations(bytes: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    [25, 50, 75].into_iter().map(|percent| (format!("cut at {percent} %"), bytes[..bytes.len() * percent / 100].to_vec()))
}

/// Every class of damage, and truncations of several files.
fn damages() -> Vec<(String, Vec<u8>)> {
    let classes = Base::new().classes().into_iter();
    let mut all: Vec<_> = classes.map(|Damaged { class, what, bytes }| (format!("class {class} ({what})"), bytes)).collect();
    for name in
        ["docker/live-20.10.24.db", "bbolt/churn-small.db", "bbolt/page-512.db", "bbolt/inline-zoo.db", "bbolt/deep-40.db"]
    {
        let bytes = database(name).bytes();
        all.extend(truncations(&bytes).map(|(what, bytes)| (format!("{name} {what}"), bytes)));
    }
    all
}

#[test]
fn whatever_is_brought_of_a_damaged_file_is_sound_for_us_and_for_go() {
    let bbolt = std::env::var_os("BBOLT").filter(|path| !path.is_empty());
    if bbolt.is_none() {
        println!("without bbolt's own check: BBOLT not set");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recovered.db");
    let (mut brought, mut nothing) = (0, Vec::new());
    for (name, bytes) in damages() {
        let bytes: Arc<[u8]> = bytes.into();
        for deleted in [false, true] {
            let (_, new) = recovered(&bytes, deleted, &name);
            let Some(new) = new else {
                nothing.push(name.clone());
                continue;
            };
            brought += 1;
            if let Some(bbolt) = &bbolt {
                std::fs::write(&path, &new).unwrap();
                let said = Command::new(bbolt).arg("check").arg(&path).output().unwrap();
                assert!(said.status.success() && said.stdout == b"OK\n", "{name}: {said:?}");
            }
        }
    }
    nothing.dedup();
    println!("{brought} files; nothing in {nothing:?}");
    assert!(brought > 150, "only {brought}");
    // No bytes, one byte, one meta, metas only, zeros: there is nothing.
    let is_bare =
        |name: &String| ["class 1 ", "class 2 ", "class 3 ", "class 4 ", "class 8 "].iter().any(|bare| name.starts_with(bare));
    assert!(nothing.iter().all(is_bare), "{nothing:?}");
}

#[test]
fn pairs_of_damaged_files_come_back_as_far_as_their_pages_are_whole() {
    let base = Base::new();
    let sound = Content::of(&base.bytes);
    for Damaged { class, what, bytes } in base.classes() {
        // Files of other shapes; what is cut off; pages, elements and buckets that cannot be read or are changed.
        let wanted = match class {
            1..=4 | 8 | 70..=72 => continue,
            5 | 6 => 0,
            // A leaf or the values on it.
            34 => 10,
            29 | 35..=39 | 41 | 42 => 10,
            43 | 44..=50 | 53 | 73 => 1,
            52 => 1,
            58..=61 => 3,
            _ => 0,
        };
        let (report, new) = recovered(&bytes.into(), false, what);
        let after = Content::of(&new.unwrap_or_else(|| panic!("class {class} ({what}): nothing")));
        let missing: Vec<_> = sound
            .pairs
            .iter()
            .filter(|((_, key), value)| !after.brought().any(|(_, k, v)| k == key && v == *value))
            .map(|((_, key), _)| String::from_utf8_lossy(key).into_owned())
            .collect();
        let most = if matches!(class, 5 | 6) { 41 } else { wanted };
        assert!(missing.len() <= most, "class {class} ({what}): {missing:?} {report:#?}");
    }
}
