//! Times unbolt beside Go's bbolt, redb, heed (LMDB) and SQLite, reading and writing.

mod compare;
mod dataset;
mod engines;
mod footprint;
mod meter;
mod page_cache;
mod pairs;
mod reading;
mod run;
mod samples;
mod scratch;
mod selection;
mod table;
mod trace;
mod workload;
mod writing;

use anyhow::Result;
use clap::Parser;

use crate::compare::Compare;
use crate::dataset::Dataset;
use crate::run::Run;
use crate::trace::Trace;

#[derive(Parser)]
#[command(version, about = "Times unbolt beside Go's bbolt, redb, heed (LMDB) and SQLite")]
enum Cli {
    /// Make the files that workloads begin with, unless they are there
    Generate(Dataset),
    /// Run one workload on one engine, and print one line of JSON
    Run(Run),
    /// Run all engines in turns, and print tables of medians
    Compare(Compare),
    /// Count the system calls, syncs and bytes of each commit
    Trace(Trace),
}

fn main() -> Result<()> {
    match Cli::parse() {
        Cli::Generate(dataset) => dataset.generate(),
        Cli::Run(run) => run.run(),
        Cli::Compare(compare) => compare.run(),
        Cli::Trace(trace) => trace.run(),
    }
}
