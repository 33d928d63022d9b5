//! A committed state as transactions share it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::format::{Layout, Meta, MetaPair, PageId, TxId};
use crate::storage::Medium;
use crate::tree::{self, FreePages, Pages};

/// A committed state: the bytes, and the metas that describe it.
///
/// A reader is known by the `Arc` it holds: once another state is current, one that nobody holds is gone for good.
pub(super) struct Generation {
    pub(super) medium: Arc<Medium>,
    pub(super) layout: Layout,
    pub(super) metas: MetaPair,
    pub(super) meta: Meta,
    free: OnceLock<FreePages>,
}

impl Generation {
    pub(super) fn new(medium: Arc<Medium>, layout: Layout, metas: MetaPair, meta: Meta) -> Generation {
        Generation { medium, layout, metas, meta, free: OnceLock::new() }
    }

    pub(super) fn pages<'s>(&'s self, meta: &'s Meta) -> Pages<'s, Medium> {
        Pages::new(&self.medium, self.layout, meta)
    }

    /// The free pages of this state, read or scanned for once.
    pub(super) fn free(&self) -> Result<&FreePages> {
        match self.free.get() {
            Some(free) => Ok(free),
            None => {
                let free = tree::free_pages(self.pages(&self.meta))?;
                Ok(self.free.get_or_init(|| free))
            }
        }
    }

    /// The id of the next transaction, and the page of its meta: the one that does not hold the only good meta.
    pub(super) fn next_meta(&self) -> Result<(TxId, PageId)> {
        let id =
            |after: u64| self.meta.txid.0.checked_add(after).filter(|id| *id < u64::MAX).map(TxId).ok_or(Error::TxIdExhausted);
        let page = |id: TxId| PageId(id.0 % 2);
        let next = id(1)?;
        let [first, second] = &self.metas.slots;
        let (target, other) = if page(next).0 == 0 { (first, second) } else { (second, first) };
        let holds_current = target.meta == Ok(self.meta);
        let is_twin = other.meta.is_ok_and(|other| {
            (other.root, other.freelist, other.high_water) == (self.meta.root, self.meta.freelist, self.meta.high_water)
        });
        match holds_current && !is_twin {
            true => id(2).map(|id| (id, page(id))),
            false => Ok((next, page(next))),
        }
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.medium, self.meta)
    }
}
