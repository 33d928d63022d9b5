//! The changes of a write transaction, and whether they can still be committed.

use crate::error::{Error, Result};
use crate::tree::{BucketId, Edit};

/// Changes. Once one has stopped half-way, because the pages it needed are damaged, none of them can be committed.
#[derive(Debug)]
pub(super) struct Changes {
    edit: Edit,
    broken: bool,
}

impl Changes {
    pub(super) fn new(edit: Edit) -> Changes {
        Changes { edit, broken: false }
    }

    pub(super) fn edit(&self) -> &Edit {
        &self.edit
    }

    pub(super) fn edit_mut(&mut self) -> &mut Edit {
        &mut self.edit
    }

    /// Makes a change.
    pub(super) fn run<T>(&mut self, change: impl FnOnce(&mut Edit) -> Result<T>) -> Result<T> {
        let changed = change(&mut self.edit);
        if let Err(e) = &changed {
            self.broken |= e.is_corrupt() || matches!(e, Error::Io { .. });
        }
        changed
    }

    /// Opens a bucket that must be there.
    pub(super) fn open(&mut self, parent: BucketId, name: &[u8]) -> Result<BucketId> {
        let opened = self.run(|edit| edit.open(parent, name))?;
        opened.ok_or_else(|| self.edit.missing(parent, name))
    }

    /// Tests that every change was made whole.
    pub(super) fn whole(&self) -> Result<()> {
        if self.broken { Err(Error::TxBroken) } else { Ok(()) }
    }
}
