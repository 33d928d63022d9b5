//! Counts the system calls of a run under strace, those within the measured part.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::engines::EngineName;
use crate::meter::{IO_COUNTERS, Report};
use crate::selection::Selection;
use crate::workload::{Side, Workload};

#[derive(Args)]
pub struct Trace {
    #[command(flatten)]
    selection: Selection,
}

const WRITES: [&str; 5] = ["write", "writev", "pwrite64", "pwritev", "pwritev2"];
const SYNCS: [&str; 4] = ["fsync", "fdatasync", "msync", "syncfs"];
/// That writing can begin, which nobody waits for.
const HINTS: [&str; 1] = ["sync_file_range"];
const RESIZES: [&str; 2] = ["ftruncate", "fallocate"];
const MAPS: [&str; 4] = ["mmap", "munmap", "mremap", "madvise"];

impl Trace {
    pub fn run(&self) -> Result<()> {
        self.selection.prepare()?;
        println!("| workload | engine | commits | bytes | writes | syncs | hints | resizes | maps | all calls |");
        println!("|---|---|---|---|---|---|---|---|---|---|");
        for workload in self.workloads() {
            for engine in self.selection.engines_with(workload) {
                println!("{}", self.row(engine, workload)?);
            }
        }
        println!("\n{} pairs. Of each commit: bytes written, and system calls by kind.", self.selection.dataset.n);
        Ok(())
    }

    fn workloads(&self) -> impl Iterator<Item = Workload> {
        self.selection.workloads().into_iter().filter(|w| w.side() == Side::Writing)
    }

    fn row(&self, engine: EngineName, workload: Workload) -> Result<String> {
        let log = self.selection.dataset.dir().join("strace.log");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-s", "32", "-o"]).arg(&log).arg(env::current_exe()?);
        let Report { ops, commits, cost, .. } = self.selection.run(strace, engine, workload)?;
        let text = fs::read_to_string(&log)?;
        fs::remove_file(log)?;
        let calls = measured_calls(&text)?;
        let each = if commits == 0 { ops } else { commits } as f64;
        let of = |names: &[&str]| names.iter().filter_map(|name| calls.get(name)).sum::<u64>() as f64 / each;
        Ok(format!(
            "| {} | {} | {commits} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            workload.name(),
            engine.name(),
            cost.bytes_written as f64 / each,
            of(&WRITES),
            of(&SYNCS),
            of(&HINTS),
            of(&RESIZES),
            of(&MAPS),
            calls.values().sum::<u64>() as f64 / each,
        ))
    }
}

/// How often each call was begun between the first and the last look at the counters,
/// by which a run marks its measured part.
fn measured_calls(log: &str) -> Result<BTreeMap<&str, u64>> {
    let marks: Vec<_> = log.match_indices(&format!("\"{IO_COUNTERS}\"")).map(|(at, _)| at).collect();
    ensure!(marks.len() == 2, "the log has {} marks of the measured part, not two", marks.len());
    let mut calls = BTreeMap::new();
    // What is left of the first line is not the beginning of a call.
    for line in log[marks[0]..marks[1]].lines().skip(1) {
        if let Some(name) = begun_call(line) {
            *calls.entry(name).or_default() += 1;
        }
    }
    Ok(calls)
}

/// The name in `PID NAME(…`; a line about a signal, or about the end of a call that was
/// interrupted in the log, has none.
fn begun_call(line: &str) -> Option<&str> {
    let (_pid, call) = line.split_once(' ')?;
    let (name, _) = call.trim_start().split_once('(')?;
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_').then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_between_the_marks_and_only_where_they_begin() -> Result<()> {
        let log = "\
7 pwrite64(3, \"x\", 1, 0) = 1
7 openat(AT_FDCWD, \"/proc/self/io\", O_RDONLY) = 4
7 pwrite64(3, \"/proc/\"..., 4096, 0) = 4096
8 fdatasync(3 <unfinished ...>
7 --- SIGURG {si_signo=SIGURG, si_code=SI_TKILL} ---
7 pwrite64(3, \"\", 4096, 8192) = 4096
8 <... fdatasync resumed>) = 0
7 openat(AT_FDCWD, \"/proc/self/io\", O_RDONLY) = 4
7 fdatasync(3) = 0
";
        let calls = measured_calls(log)?;
        assert_eq!(calls, BTreeMap::from([("pwrite64", 2), ("fdatasync", 1), ("openat", 1)]));
        assert!(measured_calls("").is_err());
        Ok(())
    }
}
