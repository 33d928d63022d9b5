//! Whether what is written to the file can still be relied on.
//!
//! The system tells of a sync that failed once, to whoever asked for it, and counts what was lost as written from then
//! on. So no two syncs of a file run side by side, and whoever comes after one that failed is told too.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::shared::lock;
use crate::error::{Error, Result};

/// Whether the file can be written to.
#[derive(Debug, Default)]
pub(super) struct Trust {
    lost: AtomicBool,
    syncing: Mutex<()>,
}

impl Trust {
    /// Fails once it is lost.
    pub(super) fn test(&self) -> Result<()> {
        if self.lost.load(Ordering::Acquire) { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Nothing is written from now on.
    pub(super) fn lose(&self) {
        if !self.lost.swap(true, Ordering::AcqRel) {
            log::error!("nothing more is written before the database is opened again");
        }
    }

    /// Waits for the disk. Once that has failed, it has failed for good.
    pub(super) fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let _alone = lock(&self.syncing);
        self.test().map_err(io::Error::other)?;
        let doubt = self.doubt();
        let synced = sync().inspect_err(|_| self.lose());
        doubt.end();
        synced
    }

    /// Begins something of which nobody would know how far it came if it panicked.
    pub(super) fn doubt(&self) -> Doubt<'_> {
        Doubt { trust: self, ended: false }
    }
}

/// Loses the trust, unless it ends by itself.
pub(super) struct Doubt<'t> {
    trust: &'t Trust,
    ended: bool,
}

impl Doubt<'_> {
    pub(super) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.trust.lose();
        }
    }
}
