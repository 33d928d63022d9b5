//! Rules about pages 0 and 1.

use super::finding::Report;
use crate::error::CorruptionKind;
use crate::format::{Layout, Meta, MetaPair, MetaSlot, PageId, PageKind};

/// Where the fields of a meta are on its page.
const META: u64 = 16;
const ROOT: u64 = 32;
const FREELIST: u64 = 48;
const TXID: u64 = 64;

/// The rules about both metas together, and about their pages' headers.
pub(super) fn check_pair(layout: Layout, metas: &MetaPair, report: &mut Report<'_>) {
    for slot in &metas.slots {
        if let Some(kind) = refused(slot) {
            report.file(kind.at_offset(slot.page, layout.offset(slot.page).saturating_add(META)));
        } else if let Some(kind) = header(slot) {
            report.file(kind.at_offset(slot.page, layout.offset(slot.page)));
        }
    }
    if let Some(kind) = equal_txids(metas) {
        report.file(kind.at_offset(PageId(1), layout.offset(PageId(1)).saturating_add(TXID)));
    }
}

/// The rules about the fields of the meta that is read. Whether its root is a page that can be walked.
pub(super) fn check_fields(meta: &Meta, metas: Option<&MetaPair>, report: &mut Report<'_>) -> bool {
    let page = metas.and_then(|metas| metas.slots.iter().find(|slot| slot.meta == Ok(*meta))).map(|slot| slot.page);
    let layout = meta.layout().ok();
    let mut tell = |kind: Option<CorruptionKind>, field: u64| {
        let Some(kind) = kind else { return true };
        report.file(kind.on(page, offset_of(layout, page, field)));
        false
    };
    tell(freelist(meta), FREELIST);
    tell(last_txid(meta), TXID);
    tell(root(meta), ROOT)
}

fn offset_of(layout: Option<Layout>, page: Option<PageId>, field: u64) -> Option<u64> {
    layout.zip(page).map(|(layout, page)| layout.offset(page).saturating_add(field))
}

/// A meta must verify.
fn refused(slot: &MetaSlot) -> Option<CorruptionKind> {
    slot.meta.err().map(|refusal| CorruptionKind::MetaRefused { refusal })
}

/// The header before a meta must be that of its page. Only Go's `check` looks at it.
fn header(slot: &MetaSlot) -> Option<CorruptionKind> {
    let header = slot.header.filter(|header| header.id != slot.page || header.flags != PageKind::Meta.flags())?;
    Some(CorruptionKind::MetaHeader { id: header.id, flags: header.flags })
}

/// Two metas must be of two transactions, or be the same.
fn equal_txids(metas: &MetaPair) -> Option<CorruptionKind> {
    let [first, second] = metas.slots.each_ref().map(|slot| slot.meta.ok());
    let (first, second) = first.zip(second)?;
    match first.txid == second.txid {
        true if first == second => Some(CorruptionKind::TwinMetas { txid: first.txid }),
        true => Some(CorruptionKind::EqualTxIds { txid: first.txid }),
        false => None,
    }
}

/// There must be another transaction id after this one.
fn last_txid(meta: &Meta) -> Option<CorruptionKind> {
    (meta.txid.0 == u64::MAX).then_some(CorruptionKind::LastTxId { txid: meta.txid })
}

/// The root must be a page that was allocated.
fn root(meta: &Meta) -> Option<CorruptionKind> {
    let Meta { root, high_water, .. } = *meta;
    (root.0 < 2 || root >= high_water).then_some(CorruptionKind::Root { root, high_water })
}

/// The freelist must be a page that was allocated.
pub(super) fn freelist(meta: &Meta) -> Option<CorruptionKind> {
    let (freelist, high_water) = (meta.freelist?, meta.high_water);
    (freelist.0 < 2 || freelist >= high_water).then_some(CorruptionKind::FreelistPage { freelist, high_water })
}
