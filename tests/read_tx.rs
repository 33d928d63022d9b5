//! What a read transaction hands out: entries, cursors, ranges, counts, and how all of them show themselves.

use std::ops::Bound;
use std::time::Duration;

use unbolt::format::PageId;
use unbolt::{Backing, Db, Entry, Error, ReadTx, TxSelector};

const DOCKER: &str = "testdata/docker/live-20.10.24.db";
const SEQUENCES: &str = "testdata/bbolt/sequences.db";

fn docker() -> ReadTx {
    Db::options().read_only(true).open(DOCKER).unwrap().begin_read().unwrap()
}

fn keys(tx: &ReadTx) -> Vec<&[u8]> {
    tx.bucket("libnetwork").unwrap().unwrap().iter().map(|pair| pair.unwrap().0).collect()
}

#[test]
fn a_cursor_goes_both_ways_and_stays_at_the_ends() {
    let tx = docker();
    let keys = keys(&tx);
    let mut cursor = tx.bucket("libnetwork").unwrap().unwrap().cursor();
    let key = |found: Result<Option<(&'_ [u8], Entry<'_>)>, Error>| found.unwrap().map(|(key, _)| key.to_vec());

    assert_eq!((key(cursor.current()), key(cursor.next()), key(cursor.prev())), (None, None, None), "it begins nowhere");
    assert_eq!(key(cursor.first()).unwrap(), keys[0]);
    assert_eq!(key(cursor.prev()), None);
    assert_eq!(key(cursor.next()).unwrap(), keys[1]);
    assert_eq!(key(cursor.current()).unwrap(), keys[1]);
    assert_eq!(key(cursor.last()).unwrap(), keys[22]);
    assert_eq!((key(cursor.next()), key(cursor.next())), (None, None));
    assert_eq!(key(cursor.prev()).unwrap(), keys[21]);
    assert_eq!(key(cursor.seek(keys[7])).unwrap(), keys[7]);
    assert_eq!(key(cursor.clone().next()).unwrap(), keys[8], "a clone goes its own way");
    assert_eq!(key(cursor.seek("zzz")), None);
    assert_eq!(key(cursor.next()), None);
    assert_eq!(key(cursor.prev()).unwrap(), keys[22]);
    let mut backwards = vec![keys[22].to_vec()];
    while let Some(found) = key(cursor.prev()) {
        backwards.push(found);
    }
    backwards.reverse();
    assert_eq!(backwards, keys);
}

#[test]
fn ranges_of_every_kind_agree_with_the_list_of_all_keys() {
    let tx = docker();
    let keys = keys(&tx);
    let bucket = tx.bucket("libnetwork").unwrap().unwrap();
    let count = |low: Bound<&[u8]>, high: Bound<&[u8]>| bucket.range::<&[u8]>((low, high)).count();
    for (i, low) in keys.iter().enumerate() {
        for (j, high) in keys.iter().enumerate() {
            let between = j.saturating_sub(i);
            assert_eq!(count(Bound::Included(low), Bound::Excluded(high)), between);
            assert_eq!(count(Bound::Included(low), Bound::Included(high)), if i <= j { between + 1 } else { 0 });
            assert_eq!(count(Bound::Excluded(low), Bound::Excluded(high)), between.saturating_sub(1));
            assert_eq!(bucket.range::<&[u8]>((Bound::Excluded(low), Bound::Included(high))).rev().count(), between);
        }
    }
    assert_eq!(bucket.range::<&[u8]>(..).rev().map(|pair| pair.unwrap().0).collect::<Vec<_>>().len(), 23);
}

#[test]
fn an_entry_says_whether_it_is_a_value_or_a_bucket() {
    let tx = docker();
    let root = tx.root().unwrap();
    assert!(root.entry("libnetwork").unwrap().unwrap().value().is_none());
    let Some(Entry::Bucket(bucket)) = root.entry("libnetwork").unwrap() else { panic!("it is a bucket") };
    let key = keys(&tx)[3];
    assert_eq!(bucket.entry(key).unwrap().unwrap().value(), bucket.get(key).unwrap());
    assert!(bucket.entry("nothing").unwrap().is_none());
    assert_eq!(bucket.root_page(), Some(PageId(9)));
    assert_eq!(tx.iter().unwrap().count(), 1);
    assert_eq!(bucket.stats().unwrap().keys, 23);
}

#[test]
fn sequences_are_read_and_an_inline_bucket_has_no_page() {
    let db = Db::options().read_only(true).backing(Backing::Heap).open(SEQUENCES).unwrap();
    let tx = db.begin_read().unwrap();
    let mut sequences = Vec::new();
    for pair in tx.iter().unwrap() {
        let (name, Entry::Bucket(bucket)) = pair.unwrap() else { panic!("only buckets lie in the root") };
        assert_eq!(tx.bucket(name).unwrap().unwrap().sequence(), bucket.sequence());
        assert_eq!(tx.bucket_at(&[name]).unwrap().root_page(), bucket.root_page());
        sequences.push(bucket.sequence());
    }
    assert!(sequences.contains(&u64::MAX), "{sequences:?}");
    let zoo = Db::options().read_only(true).open("testdata/bbolt/inline-zoo.db").unwrap().begin_read().unwrap();
    let inline =
        zoo.iter().unwrap().any(|pair| matches!(pair.unwrap().1, Entry::Bucket(bucket) if bucket.root_page().is_none()));
    assert!(inline);
}

#[test]
fn a_database_tells_what_it_is_and_all_that_it_hands_out_can_be_shown() {
    let mut options = Db::options();
    options.read_only(true).lock_timeout(Duration::from_millis(1));
    let db = options.open(DOCKER).unwrap();
    assert_eq!((db.path().to_str(), db.is_read_only(), db.layout().page_size.get()), (Some(DOCKER), true, 4096));
    let tx = db.begin_read_at(TxSelector::Current).unwrap();
    assert_eq!(tx.metas().current().map(|meta| meta.txid), Some(tx.id()));
    let bucket = tx.bucket("libnetwork").unwrap().unwrap();
    let mut cursor = bucket.cursor();
    let nowhere = format!("{cursor:?}");
    cursor.first().unwrap();
    let first = bucket.iter().next().unwrap().unwrap().1;
    let shown = format!("{db:?} {options:?} {tx:?} {bucket:?} {cursor:?} {nowhere} {:?} {first:?}", bucket.iter());
    for word in ["Map(65536 bytes)", "transaction 35", "Bucket(root 9", "element 0", "nowhere", "Value(b\""] {
        assert!(shown.contains(word), "{word} in {shown}");
    }
    assert!(Db::options().read_only(true).lock_forever().open(DOCKER).is_ok());
}

#[test]
fn errors_say_what_kind_they_are() {
    let missing = Db::options().read_only(true).open("testdata/nothing.db").unwrap_err();
    assert!(missing.is_not_found() && !missing.is_corrupt() && !missing.is_locked());
    assert!(missing.to_string().starts_with("cannot open testdata/nothing.db"), "{missing}");
    let tx = docker();
    let bucket = tx.bucket_at(&["nothing"]).unwrap_err();
    assert_eq!((bucket.is_not_found(), bucket.to_string().as_str()), (true, "bucket not found: nothing"));
    let garbage = Db::from_bytes(vec![7; 9000]).unwrap_err();
    assert!(garbage.is_corrupt() && garbage.to_string().contains("magic 0x07070707"), "{garbage}");
}
