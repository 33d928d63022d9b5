//! Small changes of many threads, committed together.
//!
//! The callers stand in a line. The first one begins a transaction, runs its own function in it, and hands it to the
//! next; whoever finds nobody behind it commits, and tells all others what came of it. So nobody waits for callers that
//! may never come: those that share a commit are those that came while the one before it was under way.
//!
//! Invariants: while `busy`, exactly one caller has the turn, and every other one waits for a message that the one with
//! the turn, or a later one, will send. Each function runs on its caller's own thread, and so do its callbacks.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::shared::lock;
use super::write::Callbacks;
use super::{Db, WriteTx};
use crate::error::{Error, Result};

/// Those who wait for a turn.
#[derive(Debug, Default)]
pub(super) struct Line(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    busy: bool,
    callers: VecDeque<Sender<Turn>>,
}

/// What a caller is told to do.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time is on its way, and the large one is what most are")]
enum Turn {
    /// Begin a transaction.
    Begin,
    /// Go on with one in which others ran before.
    GoOn(Together),
    /// It is committed.
    Committed,
    /// Nobody knows whether it is.
    Unknown(io::Error),
    /// It is not, for this reason where it is known: run in one of its own.
    Alone(Option<Error>),
}

/// A transaction, and those who ran in it and wait for its commit.
#[derive(Debug)]
struct Together {
    tx: WriteTx,
    callers: Vec<Sender<Turn>>,
}

impl Line {
    /// Stands at the end, or takes the turn where nobody has it.
    fn join(&self, me: &Sender<Turn>) {
        let mut waiting = lock(&self.0);
        match std::mem::replace(&mut waiting.busy, true) {
            true => waiting.callers.push_back(me.clone()),
            false => tell(me, Turn::Begin),
        }
    }

    /// Who comes next.
    fn next(&self) -> Option<Sender<Turn>> {
        lock(&self.0).callers.pop_front()
    }

    /// Gives up the turn, which goes to the first of these or of those who wait.
    fn leave(&self, first: Vec<Sender<Turn>>) {
        let mut waiting = lock(&self.0);
        first.into_iter().rev().for_each(|caller| waiting.callers.push_front(caller));
        match waiting.callers.pop_front() {
            Some(next) => tell(&next, Turn::Begin),
            None => waiting.busy = false,
        }
    }
}

/// A caller waits until it is told what came of it, so it is always there to hear it.
fn tell(caller: &Sender<Turn>, turn: Turn) {
    let _ = caller.send(turn);
}

impl Db {
    /// Runs a function in a write transaction that it may share with those of other threads: one commit, and one wait
    /// for the disk, for all of them. A caller that is alone waits for nobody.
    ///
    /// The function may run more than once, each time on a state in which nothing of its earlier runs is left. Where it
    /// fails or panics beside others, they run again without it, and it runs again alone; that error or panic is its
    /// caller's. What was given to [`on_commit`](WriteTx::on_commit) runs on the thread that gave it.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let db = unbolt::Db::open(dir.path().join("my.db"))?;
    /// # db.update(|tx| tx.create_bucket("visits").map(drop))?;
    /// std::thread::scope(|threads| {
    ///     for _ in 0..3 {
    ///         threads.spawn(|| db.batch(|tx| tx.bucket_mut("visits")?.next_sequence()));
    ///     }
    /// });
    /// assert_eq!(db.begin_read()?.bucket("visits")?.unwrap().sequence(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The function's own, and those of [`begin_write`](Self::begin_write) and [`commit`](WriteTx::commit). Where a
    /// commit fails for certain, each of those who shared it is tried again alone: a full disk, or the
    /// [largest size](crate::OpenOptions::max_size), is an error only for those who need too much.
    pub fn batch<T, E: From<Error>>(&self, mut change: impl FnMut(&mut WriteTx) -> Result<T, E>) -> Result<T, E> {
        if self.shared.door.is_mine() {
            return Err(Error::WriterActive.into());
        }
        let (me, turns) = channel();
        self.shared.line.join(&me);
        let mut done: Option<(T, Callbacks)> = None;
        loop {
            let mut together = match next_turn(&turns) {
                Turn::Begin => self.begin_together()?,
                Turn::GoOn(together) => together,
                Turn::Alone(reason) => return self.run_alone(reason, change),
                Turn::Unknown(source) => return Err(Error::CommitUnknown { source }.into()),
                Turn::Committed => match done.take() {
                    Some((value, callbacks)) => {
                        callbacks.run();
                        return Ok(value);
                    }
                    None => continue,
                },
            };
            self.shared.door.hand_over();
            // Whatever a function that panics leaves behind is rolled back.
            let result = catch_unwind(AssertUnwindSafe(|| change(&mut together.tx)));
            if let Ok(Ok(value)) = result {
                done = Some((value, together.tx.take_callbacks()));
                together.callers.push(me.clone());
                self.hand_on(together)?;
                continue;
            }
            let Together { tx, callers } = together;
            let was_alone = callers.is_empty();
            tx.rollback();
            self.shared.line.leave(callers);
            return match result {
                _ if !was_alone => self.run_alone(None, change),
                Ok(result) => result,
                Err(panic) => resume_unwind(panic),
            };
        }
    }

    fn begin_together(&self) -> Result<Together> {
        let begun = self.begin_write().map(|tx| Together { tx, callers: Vec::new() });
        begun.inspect_err(|_| self.shared.line.leave(Vec::new()))
    }

    /// Gives the transaction to who comes next, or commits it where nobody does. The error is that of a commit for this
    /// caller alone.
    fn hand_on(&self, together: Together) -> Result<()> {
        if let Some(next) = self.shared.line.next() {
            tell(&next, Turn::GoOn(together));
            return Ok(());
        }
        let Together { tx, callers } = together;
        // A disk that panics must not leave the others waiting.
        let committed = catch_unwind(AssertUnwindSafe(|| tx.commit()));
        self.shared.line.leave(Vec::new());
        match committed {
            Ok(Ok(())) => callers.iter().for_each(|caller| tell(caller, Turn::Committed)),
            Ok(Err(e)) if callers.len() == 1 => return Err(e),
            Ok(Err(Error::CommitUnknown { source })) => {
                let copy = || source.raw_os_error().map_or(source.kind().into(), io::Error::from_raw_os_error);
                callers.iter().for_each(|caller| tell(caller, Turn::Unknown(copy())));
            }
            Err(panic) => {
                let cause = || io::Error::other("the disk panicked");
                callers.iter().for_each(|caller| tell(caller, Turn::Unknown(cause())));
                resume_unwind(panic);
            }
            Ok(Err(e)) => {
                // The last one is the one that committed: it keeps the reason.
                let mut reason = Some(e);
                callers.iter().rev().for_each(|caller| tell(caller, Turn::Alone(reason.take())));
            }
        }
        Ok(())
    }

    /// Runs a function in a transaction of its own. The reason for which a commit has failed tells more than that
    /// nothing can be written any more.
    fn run_alone<T, E: From<Error>>(
        &self,
        reason: Option<Error>,
        change: impl FnOnce(&mut WriteTx) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tx = self.begin_write().map_err(|e| reason.unwrap_or(e))?;
        let done = change(&mut tx)?;
        tx.commit()?;
        Ok(done)
    }
}

/// Waits for the turn. Nobody waits whom no one will tell.
fn next_turn(turns: &Receiver<Turn>) -> Turn {
    turns.recv().unwrap_or(Turn::Alone(None))
}
