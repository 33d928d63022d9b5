//! Owns the attempts of a reading command: it reads from a snapshot into a spool, and only what was read from a
//! snapshot that is still current afterwards reaches standard output.
//!
//! A writer that commits meanwhile may have taken the pages that were being read, so anything read by then, errors
//! included, may be nonsense: it is dropped and read again.

use std::fmt;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::time::Duration;

use tempfile::SpooledTempFile;

use super::failure::Failure;
use super::status::Status;

/// How often a command starts before it gives up.
pub const ATTEMPTS: u32 = crate::DEFAULT_ATTEMPTS;

/// How often in a row a file is opened again that shows no valid meta: both may have been written while they were
/// read, which does not happen again and again.
const TORN: u32 = 2;

/// Output beyond this goes to a temporary file.
const IN_MEMORY: usize = 32 << 20;

/// What one attempt has written so far.
#[derive(Debug)]
pub struct Spool {
    out: BufWriter<SpooledTempFile>,
    notes: Vec<u8>,
}

impl Spool {
    pub fn new() -> Self {
        Spool { out: BufWriter::new(SpooledTempFile::new(IN_MEMORY)), notes: Vec::new() }
    }

    /// Data, for standard output.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// A line for standard error.
    pub fn note(&mut self, words: impl fmt::Display) {
        // Writing to a vector does not fail.
        let _ = writeln!(self.notes, "unbolt: {words}");
    }

    /// Hands over the words alone, where there are no data after all.
    pub fn tell(self, err: &mut dyn Write) {
        let _ = err.write_all(&self.notes);
    }

    /// A failure that others may follow.
    pub fn fail(&mut self, failure: &Failure) {
        let _ = failure.tell(&mut self.notes);
    }

    /// Hands over what was spooled. Data is not lost because nobody can be told about it.
    pub fn release(self, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
        let _ = err.write_all(&self.notes);
        let mut file = self.out.into_inner().map_err(|error| error.into_error())?;
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut file, out)?;
        out.flush()
    }
}

/// A state of a file that can tell whether it is still the newest.
pub trait Current {
    fn is_current(&self) -> Result<bool, Failure>;
}

/// Runs `read` on a state that `take` takes, again with a new state while a writer overtakes it. `take` is told
/// how many attempts there were before: the more there were, the more it pays to read all at once. It does nothing
/// else that a writer could spoil, since nobody can tell afterwards whether one did.
///
/// `overtaken` makes the failure of a command whose attempts are used up.
pub fn attempt<S: Current>(
    mut take: impl FnMut(u32) -> Result<S, Failure>,
    mut read: impl FnMut(&S, &mut Spool) -> Result<Status, Failure>,
    overtaken: impl FnOnce() -> Failure,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Status, Failure> {
    let mut torn = 0;
    for rejected in 0..ATTEMPTS {
        let state = match take(rejected) {
            Err(failure) if failure.status() == Status::Corrupt && torn < TORN => {
                torn += 1;
                pause(rejected);
                continue;
            }
            taken => taken?,
        };
        torn = 0;
        let mut spool = Spool::new();
        let end = read(&state, &mut spool);
        // A spool that cannot be written will not be writable the next time either.
        if matches!(end, Err(Failure::Output(_))) {
            return end;
        }
        if state.is_current()? {
            spool.release(out, err)?;
            return end;
        }
        pause(rejected);
    }
    Err(overtaken())
}

/// Commits come in bursts: waits a little longer each time.
fn pause(rejected: u32) {
    std::thread::sleep(Duration::from_millis(u64::from(rejected.min(20))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    struct State {
        number: u32,
        current: bool,
    }

    impl Current for State {
        fn is_current(&self) -> Result<bool, Failure> {
            Ok(self.current)
        }
    }

    /// Runs a command whose first `stale` states are overtaken; the output holds the number of the state read.
    fn run(
        stale: u32,
        read: impl FnMut(&State, &mut Spool) -> Result<Status, Failure>,
    ) -> (Result<Status, Failure>, String, String) {
        let taken = Cell::new(0);
        let take = |_| {
            taken.set(taken.get() + 1);
            Ok(State { number: taken.get(), current: taken.get() > stale })
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let overtaken = || Failure::new(Status::Locked, "a.db: held by dockerd");
        let end = attempt(take, read, overtaken, &mut out, &mut err);
        (end, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn what_an_overtaken_attempt_wrote_is_dropped() {
        let (end, out, err) = run(3, |state, spool| {
            spool.note(format_args!("read state {}", state.number));
            writeln!(spool.out(), "{}", state.number)?;
            Ok(Status::Done)
        });
        assert_eq!(end.unwrap(), Status::Done);
        assert_eq!(out, "4\n");
        assert_eq!(err, "unbolt: read state 4\n");
    }

    #[test]
    fn an_error_of_an_overtaken_attempt_is_dropped_and_one_of_a_current_state_stands() {
        let (end, out, _) = run(1, |state, spool| {
            writeln!(spool.out(), "{}", state.number)?;
            Err(Failure::new(Status::Corrupt, format_args!("torn in {}", state.number)))
        });
        assert!(matches!(end, Err(Failure::Told(told)) if told.message == "torn in 2"));
        assert_eq!(out, "2\n", "what was good before the damage is shown");
    }

    #[test]
    fn attempts_are_bounded_and_end_as_locked() {
        let reads = Cell::new(0);
        let (end, out, _) = run(u32::MAX - 1, |_, spool| {
            reads.set(reads.get() + 1);
            spool.out().write_all(b"stale")?;
            Ok(Status::Done)
        });
        assert_eq!(end.unwrap_err().status(), Status::Locked);
        assert_eq!((reads.get(), out.as_str()), (ATTEMPTS, ""));
    }

    /// A stream that takes nothing.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Runs a command whose file has no valid meta the first `torn` times; how it ended, and how often it was opened.
    fn run_torn(torn: u32) -> (Result<Status, Failure>, u32) {
        let taken = Cell::new(0);
        let take = |_| {
            taken.set(taken.get() + 1);
            match taken.get() > torn {
                true => Ok(State { number: taken.get(), current: true }),
                false => Err(Failure::new(Status::Corrupt, "no valid meta page")),
            }
        };
        let overtaken = || Failure::no("overtaken");
        let end = attempt(take, |_, _| Ok(Status::Done), overtaken, &mut Vec::new(), &mut Vec::new());
        (end, taken.get())
    }

    #[test]
    fn a_file_that_was_torn_while_it_was_opened_is_opened_again_and_one_that_stays_so_is_corrupt() {
        let (end, taken) = run_torn(TORN);
        assert_eq!((end.unwrap(), taken), (Status::Done, TORN + 1));
        let (end, taken) = run_torn(u32::MAX);
        assert_eq!((end.unwrap_err().status(), taken), (Status::Corrupt, TORN + 1));
    }

    #[test]
    fn data_is_handed_over_where_standard_error_takes_nothing() {
        let mut out = Vec::new();
        let end = attempt(
            |_| Ok(State { number: 1, current: true }),
            |_, spool| {
                spool.note("a warning");
                spool.out().write_all(b"data")?;
                Ok(Status::Done)
            },
            || Failure::no("overtaken"),
            &mut out,
            &mut Full,
        );
        assert_eq!((end.unwrap(), out.as_slice()), (Status::Done, &b"data"[..]));
    }

    #[test]
    fn a_full_disk_behind_standard_output_is_an_error_of_output() {
        let end = attempt(
            |_| Ok(State { number: 1, current: true }),
            |_, spool| {
                spool.out().write_all(b"x")?;
                Ok(Status::Done)
            },
            || Failure::no("overtaken"),
            &mut Full,
            &mut Vec::new(),
        );
        assert_eq!(end.unwrap_err().status(), Status::Io);
    }
}
