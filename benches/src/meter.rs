//! What one run measures, and the digest that proves what it read.

use std::fs;
use std::io;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Opened when the clock first starts and after it has last stopped, and at no other
/// time: `trace` finds the measured part of a run by it.
pub const IO_COUNTERS: &str = "/proc/self/io";

/// How many operations a workload did, in how many commits, and the digest of all it
/// read or left behind.
#[derive(Default)]
pub struct Done {
    pub ops: u64,
    pub commits: u64,
    pub checksum: u64,
}

impl Done {
    pub fn reading(ops: u64, checksum: u64) -> Self {
        Self { ops, commits: 0, checksum }
    }
}

/// What a workload took of the clock, of all processors, of memory and of the disk.
#[derive(Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub struct Cost {
    pub wall_ns: u64,
    pub cpu_ns: u64,
    pub major_faults: u64,
    /// The most memory that was resident at once, pages of mapped files included
    pub peak_memory: u64,
    /// What was resident in the end without the pages of files
    pub own_memory: u64,
    /// Handed to system calls that write
    pub bytes_written: u64,
    /// System calls that write
    pub writes: u64,
}

pub struct Measured {
    pub done: Done,
    pub cost: Cost,
}

/// The one line of JSON that a run prints.
#[derive(Serialize, Deserialize, Debug)]
pub struct Report {
    pub engine: String,
    pub workload: String,
    pub ops: u64,
    pub commits: u64,
    pub checksum: u64,
    /// How long the file is in the end; not known to the Go program
    #[serde(default)]
    pub file_bytes: u64,
    #[serde(flatten)]
    pub cost: Cost,
}

/// A clock that runs only within `time`.
pub struct Meter {
    cost: Cost,
    io: Io,
}

impl Meter {
    pub fn start() -> Result<Self> {
        // Else the peak would be that of the preparations.
        fs::write("/proc/self/clear_refs", "5").context("/proc/self/clear_refs")?;
        Ok(Self { cost: Cost::default(), io: Io::now()? })
    }

    pub fn time<T>(&mut self, body: impl FnOnce() -> Result<T>) -> Result<T> {
        let before = Usage::now()?;
        let start = Instant::now();
        let value = body()?;
        self.cost.wall_ns += start.elapsed().as_nanos() as u64;
        let after = Usage::now()?;
        self.cost.cpu_ns += after.cpu_ns - before.cpu_ns;
        self.cost.major_faults += after.major_faults - before.major_faults;
        Ok(value)
    }

    pub fn finish(self) -> Result<Cost> {
        let io = Io::now()?;
        let status = ProcFile::read("/proc/self/status")?;
        Ok(Cost {
            peak_memory: status.number("VmHWM:")? * 1024,
            own_memory: status.number("RssAnon:")? * 1024,
            bytes_written: io.bytes_written - self.io.bytes_written,
            writes: io.writes - self.io.writes,
            ..self.cost
        })
    }
}

pub fn measure(body: impl FnOnce() -> Result<Done>) -> Result<Measured> {
    let mut meter = Meter::start()?;
    let done = meter.time(body)?;
    Ok(Measured { done, cost: meter.finish()? })
}

struct Io {
    bytes_written: u64,
    writes: u64,
}

impl Io {
    fn now() -> Result<Self> {
        let counters = ProcFile::read(IO_COUNTERS)?;
        Ok(Self { bytes_written: counters.number("wchar:")?, writes: counters.number("syscw:")? })
    }
}

/// Lines of a name and a number.
struct ProcFile {
    path: &'static str,
    text: String,
}

impl ProcFile {
    fn read(path: &'static str) -> Result<Self> {
        Ok(Self { path, text: fs::read_to_string(path).context(path)? })
    }

    fn number(&self, name: &str) -> Result<u64> {
        let line = self.text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        number.with_context(|| format!("{} has no {name}", self.path))?.parse().context(self.path)
    }
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

/// The digest of pairs in their order, and of every byte in them: for what a workload
/// has written, which is read back when the clock has stopped.
pub fn chain_whole(sum: u64, key: &[u8], value: &[u8]) -> u64 {
    absorb(absorb(sum, key), value)
}

fn absorb(sum: u64, bytes: &[u8]) -> u64 {
    let mix = |sum: u64, word: u64| (sum.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    words.fold(mix(sum, bytes.len() as u64), mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_digests_are_those_of_the_go_side() {
        let sum = chain_whole(0, b"0000000001234567", &[1, 2, 3]);
        assert_eq!(sum, 0xe3b5_4324_71a5_3d0f);
    }

    #[test]
    fn a_meter_counts_what_is_written_while_it_runs() -> Result<()> {
        let path = std::env::temp_dir().join(format!("unbolt-bench-meter-{}", std::process::id()));
        let meter = Meter::start()?;
        fs::write(&path, [7; 5_000])?;
        let cost = meter.finish()?;
        fs::remove_file(path)?;
        assert!(cost.bytes_written >= 5_000 && cost.writes >= 1, "{cost:?}");
        assert!(cost.peak_memory >= cost.own_memory && cost.own_memory > 0, "{cost:?}");
        Ok(())
    }
}
