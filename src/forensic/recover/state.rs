//! Which state of a file is brought in its place: the highest rung of the ladder that still bears.

use super::homeless::load;
use super::roots;
use crate::error::Result;
use crate::forensic::evidence::Evidence;
use crate::format::{Meta, MetaSlot, PageId, PageKind, TxId};
use crate::tree::Pages;

/// What led to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateSource {
    /// The newest meta that verifies.
    Current {
        /// The page of the meta.
        meta: PageId,
    },
    /// The other meta, since the newest leads to no tree. Its state may hold data that was never committed.
    Older {
        /// The page of the meta.
        meta: PageId,
    },
    /// A meta that does not verify, but leads to a tree.
    Unverified {
        /// The page of the meta.
        meta: PageId,
    },
    /// No meta: the root's pages and a list of free pages are together all pages of the file.
    Complement {
        /// The page of the list.
        list: PageId,
    },
    /// No meta and no list: the root that the most pages hang on.
    Largest,
}

/// A state that is brought.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub source: StateSource,
    pub root: PageId,
    pub root_sequence: u64,
    pub list: Option<PageId>,
    /// The first page that was never a part of it.
    pub high_water: PageId,
    pub txid: Option<TxId>,
    /// Other roots that fit as well.
    pub rivals: Vec<PageId>,
}

/// A meta that reaches as far as the file.
pub(super) fn ground(evidence: &Evidence) -> Meta {
    let layout = evidence.layout();
    Meta {
        endian: layout.endian,
        page_size: layout.page_size.get(),
        flags: 0,
        root: PageId(0),
        root_sequence: 0,
        freelist: None,
        high_water: PageId(evidence.whole_pages()),
        txid: TxId(0),
    }
}

/// The best state that is there; `None` where nothing leads to one.
pub(super) fn choose(evidence: &Evidence) -> Result<Option<Chosen>> {
    let ground = ground(evidence);
    let pages = Pages::new(evidence, evidence.layout(), &ground);
    let metas = evidence.metas();
    for meta in [metas.current(), metas.previous()].into_iter().flatten() {
        if is_tree(pages, meta.root)? {
            let page = metas.slots.iter().find(|slot| slot.meta == Ok(meta)).map_or(PageId(0), |slot| slot.page);
            let source = match metas.is_provable(&meta) {
                true => StateSource::Current { meta: page },
                false => StateSource::Older { meta: page },
            };
            return Ok(Some(by_meta(source, &meta)));
        }
    }
    let broken = unverified(evidence);
    let solutions = roots::complements(pages)?;
    let is_named = |root: PageId| broken.iter().position(|(_, meta)| meta.root == root);
    // A root that a meta names, verified or not, before all others.
    if let Some(best) = solutions.iter().min_by_key(|found| is_named(found.root).unwrap_or(usize::MAX)) {
        let named = is_named(best.root).and_then(|at| broken.get(at));
        let others = solutions.iter().map(|found| found.root).filter(|root| *root != best.root);
        let rivals = if named.is_some() { Vec::new() } else { others.collect() };
        return Ok(Some(Chosen {
            source: named
                .map_or(StateSource::Complement { list: best.list }, |(page, _)| StateSource::Unverified { meta: *page }),
            root: best.root,
            root_sequence: 0,
            list: Some(best.list),
            high_water: best.high_water,
            txid: named.map(|(_, meta)| meta.txid),
            rivals,
        }));
    }
    for (page, meta) in &broken {
        if is_tree(pages, meta.root)? && roots::bears_buckets(pages, meta.root)? {
            return Ok(Some(by_meta(StateSource::Unverified { meta: *page }, meta)));
        }
    }
    // Where a meta verifies, its root is known and gone: any other would be a part of it.
    if metas.current().is_some() {
        return Ok(None);
    }
    Ok(roots::largest(pages)?.map(|root| Chosen {
        source: StateSource::Largest,
        root,
        root_sequence: 0,
        list: None,
        high_water: ground.high_water,
        txid: None,
        rivals: Vec::new(),
    }))
}

fn by_meta(source: StateSource, meta: &Meta) -> Chosen {
    Chosen {
        source,
        root: meta.root,
        root_sequence: meta.root_sequence,
        list: meta.freelist,
        high_water: meta.high_water,
        txid: Some(meta.txid),
        rivals: Vec::new(),
    }
}

fn is_tree(pages: Pages<'_, Evidence>, root: PageId) -> Result<bool> {
    let page = load(pages, root)?;
    Ok(page.is_some_and(|page| match page.kind() {
        PageKind::Leaf => true,
        PageKind::Branch => page.count() > 0,
        PageKind::Meta | PageKind::Freelist => false,
    }))
}

/// What stands in the metas that do not verify, the newer one first.
fn unverified(evidence: &Evidence) -> Vec<(PageId, Meta)> {
    let endian = evidence.layout().endian;
    let refused = |slot: &&MetaSlot| slot.meta.is_err();
    let slots = evidence.metas().slots.iter().filter(refused);
    let mut metas: Vec<_> = slots.filter_map(|slot| Some((slot.page, slot.raw?.fields(endian)))).collect();
    metas.retain(|(_, meta)| meta.root.0 >= 2);
    metas.sort_by_key(|(_, meta)| std::cmp::Reverse(meta.txid));
    metas
}
