//! What a database and its transactions have in common: the current state, and the way to the one writer.
//!
//! A read transaction takes the current state under one lock and holds it from then on, which is how the writer knows
//! of it: a state that was replaced can lose readers but never gain one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::batch::Line;
use super::door::Door;
use super::generation::Generation;
use super::open_report::OpenReport;
use super::stats::{Space, WriteStats};
use super::trust::Trust;
use crate::format::TxId;
use crate::storage::Volume;

/// What all handles of one open database share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) volume: Volume,
    pub(super) door: Door,
    pub(super) line: Line,
    pub(super) trust: Trust,
    pub(super) report: OpenReport,
    pub(super) stats: Mutex<WriteStats>,
    /// As the writer last had it; nothing where there is no writer.
    pub(super) space: Mutex<Option<Space>>,
    current: Mutex<Arc<Generation>>,
    replaced: Mutex<Vec<Weak<Generation>>>,
}

impl Shared {
    pub(super) fn new(path: PathBuf, volume: Volume, door: Door, report: OpenReport, first: Generation) -> Shared {
        let (current, replaced) = (Mutex::new(Arc::new(first)), Mutex::default());
        let (stats, space) = Default::default();
        Shared { path, volume, door, line: Line::default(), trust: Trust::default(), report, stats, space, current, replaced }
    }

    /// The state that a transaction which begins now sees.
    pub(super) fn current(&self) -> Arc<Generation> {
        Arc::clone(&lock(&self.current))
    }

    /// The states before the current one that are still read, ascending.
    pub(super) fn older_readers(&self) -> Vec<TxId> {
        let mut replaced = lock(&self.replaced);
        replaced.retain(|state| state.strong_count() > 0);
        replaced.iter().filter_map(|state| Some(state.upgrade()?.meta.txid)).collect()
    }

    /// Makes another state the current one.
    pub(super) fn publish(&self, next: Generation) {
        let before = std::mem::replace(&mut *lock(&self.current), Arc::new(next));
        lock(&self.replaced).push(Arc::downgrade(&before));
    }
}

/// A panic while one of these locks is held leaves nothing half-made behind.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
