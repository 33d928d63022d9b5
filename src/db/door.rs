//! The way in for one writer at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::shared::lock;
use super::writer::Writer;
use crate::error::{Error, Result};

/// How long to wait for another writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Forever,
    Until(Instant),
}

/// Holds the writer while no transaction has it.
#[derive(Debug)]
pub(super) struct Door {
    inside: Mutex<Inside>,
    left: Condvar,
    /// How many threads wait, changed under the lock. To wake nobody is a system call too.
    waiting: AtomicUsize,
}

#[derive(Debug)]
enum Inside {
    /// Opened read-only: there is no writer.
    Nobody,
    Free(Box<Writer>),
    Taken(ThreadId),
}

impl Door {
    pub(super) fn new(writer: Option<Writer>) -> Door {
        let inside = writer.map_or(Inside::Nobody, |writer| Inside::Free(Box::new(writer)));
        Door { inside: Mutex::new(inside), left: Condvar::new(), waiting: AtomicUsize::new(0) }
    }

    pub(super) fn is_read_only(&self) -> bool {
        matches!(*lock(&self.inside), Inside::Nobody)
    }

    /// Takes the writer.
    pub(super) fn enter(&self, patience: Patience) -> Result<Box<Writer>> {
        let (me, start) = (thread::current().id(), Instant::now());
        let mut inside = lock(&self.inside);
        loop {
            match std::mem::replace(&mut *inside, Inside::Taken(me)) {
                Inside::Free(writer) => return Ok(writer),
                other => *inside = other,
            }
            match *inside {
                Inside::Nobody => return Err(Error::ReadOnly),
                Inside::Taken(thread) if thread == me => return Err(Error::WriterActive),
                _ => {}
            }
            let time = match patience {
                Patience::Forever => None,
                Patience::Until(end) => match end.saturating_duration_since(Instant::now()) {
                    Duration::ZERO => return Err(Error::WriterBusy { waited: start.elapsed() }),
                    time => Some(time),
                },
            };
            inside = self.wait(inside, time);
        }
    }

    fn wait<'d>(&'d self, inside: MutexGuard<'d, Inside>, time: Option<Duration>) -> MutexGuard<'d, Inside> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let inside = match time {
            None => self.left.wait(inside).unwrap_or_else(PoisonError::into_inner),
            Some(time) => self.left.wait_timeout(inside, time).unwrap_or_else(PoisonError::into_inner).0,
        };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        inside
    }

    /// Whether a transaction of this thread has the writer.
    pub(super) fn is_mine(&self) -> bool {
        matches!(*lock(&self.inside), Inside::Taken(thread) if thread == thread::current().id())
    }

    /// The transaction that has the writer is this thread's from now on.
    pub(super) fn hand_over(&self) {
        if let Inside::Taken(thread) = &mut *lock(&self.inside) {
            *thread = thread::current().id();
        }
    }

    /// Gives the writer back.
    pub(super) fn leave(&self, writer: Box<Writer>) {
        let mut inside = lock(&self.inside);
        *inside = Inside::Free(writer);
        if self.waiting.load(Ordering::Relaxed) > 0 {
            drop(inside);
            self.left.notify_one();
        }
    }
}
