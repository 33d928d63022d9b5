//! What is wrong with a meta.

use crate::planted::{FLAGS, PAGE, sound};
use unbolt::check::{Code, Severity, check};
use unbolt::format::PageId;

#[test]
fn a_meta_that_does_not_verify_is_found() {
    let mut it = sound();
    it.bytes[PAGE + 72] ^= 1;
    let findings = it.finds(&[(Code::MetaRefused, 1, PAGE + 16)]);
    assert!(findings[0].to_string().starts_with("page 1: its meta is refused: checksum 0x"), "{}", findings[0]);
}

#[test]
fn a_good_meta_behind_a_wrong_page_header_is_found() {
    let mut it = sound();
    it.put(PAGE, &[9]);
    it.finds(&[(Code::MetaHeader, 1, PAGE)]);
    let mut it = sound();
    it.put(FLAGS, &[2]);
    it.finds(&[(Code::MetaHeader, 0, 0)]);
}

#[test]
fn a_root_that_cannot_be_is_found_and_what_it_loses() {
    for root in [0, 1, 12, 1 << 62] {
        let mut it = sound();
        it.meta(0, |meta| meta.root = PageId(root));
        it.finds(&[(Code::MetaField, 0, 32), (Code::UnreachableUnfreed, 3, 3 * PAGE)]);
    }
}

#[test]
fn a_freelist_page_that_cannot_be_is_found() {
    for freelist in [0, 1, 12, 1 << 62] {
        let mut it = sound();
        it.meta(0, |meta| meta.freelist = Some(PageId(freelist)));
        it.finds(&[(Code::MetaField, 0, 48)]);
    }
}

#[test]
fn two_states_of_one_transaction_are_found_and_twins_are_a_note() {
    let mut it = sound();
    it.meta(1, |meta| meta.txid.0 = 6);
    assert_eq!(it.finds(&[(Code::TxidTwin, 1, PAGE + 64)])[0].severity, Severity::Note);
    assert!(it.check().1.is_sound());
    it.meta(1, |meta| meta.root = PageId(5));
    assert_eq!(it.finds(&[(Code::TxidEqual, 1, PAGE + 64)])[0].severity, Severity::Hazard);
    assert!(!it.check().1.is_sound());
}

#[test]
fn the_last_transaction_there_can_be_is_found() {
    let mut it = sound();
    it.meta(0, |meta| meta.txid.0 = u64::MAX);
    it.finds(&[(Code::TxidLast, 0, 64)]);
}

#[test]
fn the_fields_of_a_meta_are_checked_where_no_pair_is_given() {
    let mut it = sound();
    it.meta(0, |meta| meta.txid.0 = u64::MAX);
    let snapshot = it.snapshot();
    let mut codes = Vec::new();
    check(snapshot.pages(), None, &mut |finding| codes.push((finding.code, finding.corruption.page))).unwrap();
    assert_eq!(codes, [(Code::TxidLast, None)]);
}
