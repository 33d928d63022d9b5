//! Owns the words of a benchmark that goes on: once a second how far it is.

use std::io::Write;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_secs(1);

/// A clock that speaks up. It is looked at often, and by who is measured, so that looking is cheap.
pub struct Progress<'e> {
    err: &'e mut dyn Write,
    start: Instant,
    last: (u64, Instant),
}

impl<'e> Progress<'e> {
    pub fn start(err: &'e mut dyn Write) -> Progress<'e> {
        let start = Instant::now();
        Progress { err, start, last: (0, start) }
    }

    /// How long it takes so far, and a line where the last one is long enough ago.
    pub fn tell(&mut self, operations: u64) -> Duration {
        let now = Instant::now();
        let (before, then) = self.last;
        let taken = now - then;
        if taken >= PAUSE {
            let rate = operations.saturating_sub(before) as f64 / taken.as_secs_f64();
            let _ = writeln!(self.err, "Completed {operations} requests, {rate:.0}/s");
            self.last = (operations, now);
        }
        now - self.start
    }
}
