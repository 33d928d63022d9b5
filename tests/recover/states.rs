//! Which of the states that a file still holds is brought, and what of the others.

use std::sync::Arc;

use unbolt::forensic::StateSource;
use unbolt::format::PageId;
use unbolt::{Db, MemoryDisk, Snapshot};

use crate::content::{Content, is_group, of, recovered, shares};
use crate::support;
use crate::support::image::Numbers;

#[test]
fn deleted_pairs_are_brought_where_they_are_wanted_and_no_live_one_is_called_deleted() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    let key = |i: u32| format!("key-{i:04}");
    let change = |change: &dyn Fn(&mut unbolt::BucketMut<'_>)| {
        let mut tx = db.begin_write().unwrap();
        change(&mut tx.create_bucket_if_missing("b").unwrap());
        tx.commit().unwrap();
    };
    change(&|bucket| (0..500).for_each(|i| bucket.put(key(i), format!("value of {i}")).unwrap()));
    change(&|bucket| (0..500).step_by(5).for_each(|i| assert!(bucket.delete(key(i)).unwrap())));
    drop(db);
    let bytes: Arc<[u8]> = disk.to_bytes().into();
    let (report, new) = recovered(&bytes, false, "without");
    assert!(report.is_whole() && report.pairs.kept == 400 && report.pages.not_brought > 0, "{report:#?}");
    assert!(!Content::of(&new.unwrap()).buckets.iter().any(|path| is_group(&path[0])));
    let (report, new) = recovered(&bytes, true, "with");
    let content = Content::of(&new.unwrap());
    let deleted: Vec<_> = content.brought().filter(|(path, ..)| path[0] == b"deleted").map(|(_, key, _)| key.clone()).collect();
    let expected: Vec<_> = (0..500).step_by(5).map(|i| key(i).into_bytes()).collect();
    assert_eq!((report.pairs.in_place, report.pairs.deleted), (400, 100));
    let mut sorted = deleted;
    sorted.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn the_meta_that_still_bears_is_taken_and_its_rung_is_told() {
    let bytes = support::testdata::database("docker/live-20.10.24.db").bytes();
    let rung = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        let (report, _) = recovered(&bytes.into(), false, "a rung");
        (report.source, report.pairs.in_place)
    };
    let newest = usize::from(bytes.u64_at(64) < bytes.u64_at(4096 + 64));
    let (root, pairs) = (bytes.u64_at(newest * 4096 + 32) as usize, Content::of(&bytes).pairs.len() as u64);
    let at = |page: usize| PageId(page as u64);
    assert_eq!(rung(&|_| {}), (Some(StateSource::Current { meta: at(newest) }), pairs));
    let both_wrong = |bytes: &mut Vec<u8>| [72, 4096 + 72].into_iter().for_each(|at| bytes[at] ^= 1);
    assert_eq!(rung(&both_wrong), (Some(StateSource::Unverified { meta: at(newest) }), pairs));
    let (source, _) = rung(&|bytes| bytes[root * 4096..][..4096].fill(0));
    assert_eq!(source, Some(StateSource::Older { meta: at(1 - newest) }));
    let (source, _) = rung(&|bytes| bytes[..8192].fill(0));
    assert!(matches!(source, Some(StateSource::Complement { .. })), "{source:?}");
}

#[test]
fn what_only_the_newest_state_has_is_not_called_free_where_an_older_one_is_brought() {
    let disk = Arc::new(MemoryDisk::new());
    let db = Db::options().open_disk(Arc::clone(&disk) as _).unwrap();
    for turn in 0..3 {
        db.update(|tx| {
            let mut bucket = tx.create_bucket_if_missing("b")?;
            (0..200).try_for_each(|i| bucket.put(format!("key-{i:03}"), format!("{}", if i < 150 { 0 } else { turn })))?;
            Ok::<(), unbolt::Error>(())
        })
        .unwrap();
    }
    drop(db);
    let mut bytes = disk.to_bytes();
    let before = Content::of(&bytes);
    let root = Snapshot::from_bytes(bytes.clone()).unwrap().meta().root.0 as usize;
    bytes[root * 4096..][..4096].fill(0);
    let (report, after) = of(bytes);
    assert!(matches!(report.source, Some(StateSource::Older { .. })), "{report:#?}");
    assert_eq!(shares(&before, &after)[1], 100.0, "the newest values are there");
    assert!(report.is_doubtful && report.pairs.duplicate > 0 && report.pairs.lost_and_found < 100, "{report:#?}");
}

#[test]
fn files_of_the_other_byte_order_are_recovered_too() {
    let bytes = support::swap::to_big_endian(&support::testdata::database("bbolt/page-1024.db").bytes());
    let before = Content::of(&bytes);
    let mut damaged = bytes;
    damaged[..2048].fill(0);
    let (_, after) = of(damaged);
    assert!(shares(&before, &after)[1] >= 99.0);
}
