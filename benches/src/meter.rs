//! What one run measures, and the digest that proves what it read.

use std::io;
use std::time::Instant;

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// How many operations a workload did, and the digest of all it read.
pub struct Done {
    pub ops: u64,
    pub checksum: u64,
}

/// The one line of JSON that a run prints.
#[derive(Serialize, Deserialize, Debug)]
pub struct Report {
    pub engine: String,
    pub workload: String,
    pub ops: u64,
    pub wall_ns: u64,
    pub cpu_ns: u64,
    pub major_faults: u64,
    pub checksum: u64,
}

/// The time that a workload took of the clock and of all processors.
pub struct Measured {
    pub done: Done,
    pub wall_ns: u64,
    pub cpu_ns: u64,
    pub major_faults: u64,
}

pub fn measure(body: impl FnOnce() -> Result<Done>) -> Result<Measured> {
    let before = Usage::now()?;
    let start = Instant::now();
    let done = body()?;
    let wall_ns = start.elapsed().as_nanos() as u64;
    let after = Usage::now()?;
    Ok(Measured { done, wall_ns, cpu_ns: after.cpu_ns - before.cpu_ns, major_faults: after.major_faults - before.major_faults })
}

struct Usage {
    cpu_ns: u64,
    major_faults: u64,
}

impl Usage {
    fn now() -> io::Result<Self> {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
        // SAFETY: the pointer is to a whole `rusage`, which the call fills.
        if unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has succeeded, so the value is initialised.
        let usage = unsafe { usage.assume_init() };
        let ns = |t: libc::timeval| t.tv_sec as u64 * 1_000_000_000 + t.tv_usec as u64 * 1_000;
        Ok(Self { cpu_ns: ns(usage.ru_utime) + ns(usage.ru_stime), major_faults: usage.ru_majflt as u64 })
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// Cheap, so that it is the engine that is timed. Of a value it takes the first
/// eight bytes and the length; sums may be added in any order, so that two
/// threads can share the work.
pub fn digest(value: &[u8]) -> u64 {
    word(value).wrapping_add(value.len() as u64)
}

/// The digest of pairs in their order.
pub fn chain(sum: u64, key: &[u8], value: &[u8]) -> u64 {
    let key = key.get(8..).map_or(0, word);
    (sum.rotate_left(5) ^ key).wrapping_add(digest(value))
}
