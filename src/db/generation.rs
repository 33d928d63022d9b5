//! A committed state as transactions share it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::format::{Layout, Meta, MetaPair};
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
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.medium, self.meta)
    }
}
