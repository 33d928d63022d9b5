//! A file in the other byte order reads the same.

mod support;

use support::dump::dump;
use support::swap::to_big_endian;
use support::testdata::databases_up_to;
use unbolt::Snapshot;
use unbolt::format::Endian;
use unbolt::tree::{bucket_stats, read_freelist, verify};

/// Beyond the small files, those that cost little.
const LARGEST: u64 = 1 << 20;

#[test]
fn every_file_turned_into_the_other_byte_order_reads_as_go_read_the_original() {
    let databases = databases_up_to(LARGEST);
    assert!(databases.len() >= 45, "only {} files", databases.len());
    for database in databases {
        let little = database.bytes();
        let big = to_big_endian(&little);
        assert_ne!(little, big);
        let snapshot = Snapshot::from_bytes(big).unwrap_or_else(|e| panic!("{}: {e}", database.name));
        assert_eq!(snapshot.layout().endian, Endian::Big);
        dump(&snapshot.root().unwrap()).unwrap().assert_is(&database.expected(), &database.name);
    }
}

#[test]
fn free_pages_metas_and_counts_are_the_same_in_either_byte_order() {
    for database in databases_up_to(LARGEST) {
        let little = Snapshot::from_bytes(database.bytes()).unwrap();
        let big = Snapshot::from_bytes(to_big_endian(&database.bytes())).unwrap();
        verify(big.pages()).unwrap_or_else(|e| panic!("{}: {e}", database.name));
        assert_eq!(
            read_freelist(little.pages()).unwrap().map(|free| free.ids().to_vec()),
            read_freelist(big.pages()).unwrap().map(|free| free.ids().to_vec()),
            "{}",
            database.name
        );
        let metas = |snapshot: &Snapshot| {
            snapshot
                .metas()
                .slots
                .map(|slot| slot.meta.map(|meta| (meta.txid, meta.root, meta.freelist, meta.high_water, meta.page_size)).ok())
        };
        assert_eq!(metas(&little), metas(&big), "{}", database.name);
        let stats = |snapshot: &Snapshot| bucket_stats(&snapshot.root().unwrap()).unwrap();
        assert_eq!(stats(&little), stats(&big), "{}", database.name);
    }
}

#[test]
fn a_file_whose_numbers_are_turned_but_not_its_checksums_is_refused() {
    let little = databases_up_to(16384)[0].bytes();
    let mut big = to_big_endian(&little);
    let page_size = u32::from_le_bytes(little[24..28].try_into().unwrap()) as usize;
    for page in [0, page_size] {
        let sum = little[page + 72..page + 80].iter().rev().copied().collect::<Vec<_>>();
        big[page + 72..page + 80].copy_from_slice(&sum);
    }
    assert!(Snapshot::from_bytes(big).is_err());
}
