//! What a file holds beside its current state: every byte in its place, nothing invented, nothing touched.

#![cfg(feature = "forensic")]

mod support;

use std::sync::Arc;

use support::damage::Base;
use support::specimens::{Specimen, specimens};
use support::swap::to_big_endian;
use support::testdata::databases_up_to;
use unbolt::forensic::{Class, Evidence, History, Item, ItemKind, State, Wanted};
use unbolt::{Error, Storage};

/// Files that are small enough to be looked at many times.
const LARGEST: u64 = 1 << 20;

const ALL: Wanted = Wanted { live: true, copies: true };

fn files() -> Vec<Specimen> {
    specimens(LARGEST)
}

fn items(history: &History<'_>, wanted: &Wanted) -> Vec<Item> {
    let mut items = Vec::new();
    history
        .each(wanted, &mut |item| {
            items.push(item.clone());
            Ok::<(), Error>(())
        })
        .unwrap();
    items
}

#[test]
fn every_byte_of_every_file_is_of_exactly_one_class() {
    for (name, bytes) in files() {
        let evidence = Evidence::from_bytes(bytes.clone()).unwrap();
        let history = History::of(&evidence).unwrap();
        let account = history.census().account();
        assert_eq!(account.total(), bytes.len() as u64, "{name}: {account:?}");
        let pages: u64 = account.rows().map(|(_, pages, _)| pages).sum();
        assert_eq!(pages, evidence.whole_pages(), "{name}");
        assert_eq!(account.bytes(Class::Tail), bytes.len() as u64 % evidence.layout().page_size.bytes(), "{name}");
    }
}

#[test]
fn every_item_is_where_it_says() {
    let mut count = 0;
    for (name, bytes) in files() {
        let evidence = Evidence::from_bytes(bytes.clone()).unwrap();
        let history = History::of(&evidence).unwrap();
        for item in items(&history, &ALL) {
            let at = |offset: u64, len: usize| &bytes[offset as usize..offset as usize + len];
            assert_eq!(&item.value[..], at(item.value_offset, item.value.len()), "{name}: {item:?}");
            assert_eq!(&item.key[..], at(item.key_offset, item.key.len()), "{name}: {item:?}");
            let page_size = evidence.layout().page_size.bytes();
            assert_eq!(item.page.0, item.key_offset / page_size, "{name}: {item:?}");
            assert!(item.run.0 <= item.page && item.page.0 < item.run.0.0 + item.run.1, "{name}: {item:?}");
            count += 1;
        }
    }
    assert!(count > 80_000, "{count}");
}

#[test]
fn evidence_is_the_same_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    for (n, (name, bytes)) in files().into_iter().enumerate() {
        let path = folder.path().join(n.to_string());
        std::fs::write(&path, &bytes).unwrap();
        let evidence = Evidence::open(&path).unwrap();
        items(&History::of(&evidence).unwrap(), &ALL);
        let custody = evidence.examine_again().unwrap();
        assert!(custody.is_unchanged(), "{name}: {custody:?}");
        assert_eq!(evidence.size(), bytes.len() as u64);
        // Whoever changes it meanwhile is noticed.
        std::fs::write(&path, b"changed").unwrap();
        assert!(!evidence.examine_again().unwrap().is_unchanged(), "{name}");
    }
}

#[test]
fn the_live_items_are_the_pairs_of_the_current_state() {
    for database in databases_up_to(LARGEST) {
        let bytes: Arc<[u8]> = database.bytes().into();
        let evidence = Evidence::from_bytes(Arc::clone(&bytes)).unwrap();
        let history = History::of(&evidence).unwrap();
        let live = items(&history, &Wanted { live: true, copies: false });
        let live = live.iter().filter(|item| item.grade.as_str() == "A");
        let snapshot = unbolt::Snapshot::from_bytes(bytes).unwrap();
        let summary = unbolt::check::check_snapshot(&snapshot, &mut |_| {}).unwrap();
        assert_eq!(live.clone().count() as u64, summary.keys, "{}", database.name);
        assert_eq!(live.filter(|item| item.kind == ItemKind::Bucket).count() as u64, summary.buckets, "{}", database.name);
    }
}

#[test]
fn no_live_item_of_a_real_file_is_called_deleted() {
    let (mut deleted, mut superseded) = (0, 0);
    for database in databases_up_to(LARGEST) {
        let evidence = Evidence::from_bytes(database.bytes()).unwrap();
        let history = History::of(&evidence).unwrap();
        let all = items(&history, &ALL);
        let of = |item: &Item| {
            (item.path(history.census().names()).map(|path| path.concat()), item.key.to_vec(), item.value.to_vec())
        };
        let live: std::collections::HashSet<_> = all.iter().filter(|item| item.grade.as_str() == "A").map(of).collect();
        for item in all.iter().filter(|item| item.kind == ItemKind::Pair && item.state != State::Live) {
            assert!(!live.contains(&of(item)), "{}: {item:?}", database.name);
            deleted += usize::from(item.state == State::Deleted);
            superseded += usize::from(item.state == State::Superseded);
        }
    }
    println!("{deleted} deleted, {superseded} superseded");
    assert!(deleted > 100 && superseded > 10, "{deleted} deleted, {superseded} superseded");
}

#[test]
fn a_file_too_long_for_memory_is_looked_at_by_position_and_shows_the_same() {
    const LONG: u64 = (64 << 20) + 5;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.db");
    let bytes = support::testdata::database("docker/networks-stopped-20.10.24.db").bytes();
    std::fs::write(&path, &bytes).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(LONG).unwrap();
    let (held, long) = (Evidence::from_bytes(bytes).unwrap(), Evidence::open(&path).unwrap());
    let (held, of_long) = (History::of(&held).unwrap(), History::of(&long).unwrap());
    let shown = |history: &History<'_>| {
        let items = items(history, &ALL);
        items.iter().map(|it| (it.state, it.key_offset, it.value_offset, it.value.to_vec(), it.uncommitted)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&held), shown(&of_long));
    assert_eq!(of_long.census().account().total(), LONG);
    assert_eq!(of_long.census().account().bytes(Class::Tail), 5);
    assert!(long.examine_again().unwrap().is_unchanged());
}

#[test]
fn page_size_and_byte_order_are_found_where_the_metas_are_gone() {
    for database in databases_up_to(LARGEST) {
        let mut bytes = database.bytes();
        let known = Evidence::from_bytes(bytes.clone()).unwrap().layout();
        let pages = bytes.len() as u64 / known.page_size.bytes();
        bytes[..2 * known.page_size.get() as usize].fill(0);
        let found = Evidence::from_bytes(bytes).unwrap();
        assert!(found.layout() == known || pages < 3, "{}: {:?} for {known:?}", database.name, found.layout());
        assert!(found.is_bolt(), "{}", database.name);
    }
    let big = Evidence::from_bytes(to_big_endian(&Base::new().bytes)).unwrap();
    assert_eq!(big.layout().endian, unbolt::format::Endian::Big);
}
