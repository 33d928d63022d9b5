//! Times reading: unbolt beside Go's bbolt, redb and heed (LMDB).

mod compare;
mod dataset;
mod engines;
mod meter;
mod page_cache;
mod pairs;
mod table;
mod workload;

use std::process::Command;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::compare::Compare;
use crate::dataset::{Dataset, EngineName};
use crate::engines::{Lmdb, Redb, Unbolt};
use crate::meter::Report;
use crate::workload::Workload;

#[derive(Parser)]
#[command(version, about = "Times reading: unbolt beside Go's bbolt, redb and heed (LMDB)")]
enum Cli {
    /// Make the files, unless they are there
    Generate(Dataset),
    /// Run one workload on one engine, and print one line of JSON
    Run {
        engine: EngineName,
        workload: Workload,
        #[command(flatten)]
        dataset: Dataset,
    },
    /// Run all engines in turns, and print the table of medians
    Compare(Compare),
}

fn main() -> Result<()> {
    match Cli::parse() {
        Cli::Generate(dataset) => dataset.generate(),
        Cli::Run { engine, workload, dataset } => run(engine, workload, &dataset),
        Cli::Compare(compare) => compare.run(),
    }
}

fn run(engine: EngineName, workload: Workload, dataset: &Dataset) -> Result<()> {
    ensure!(dataset.is_complete(), "the data set is missing: readbench generate makes it");
    ensure!(engine.has(workload), "{} has no {}", engine.name(), workload.name());
    let path = dataset.file(engine, workload.order());
    if workload.is_cold() {
        page_cache::evict(&path)?;
    } else {
        page_cache::load(&path)?;
    }
    let measured = match engine {
        EngineName::Go | EngineName::GoRo => return run_go(engine, workload, dataset),
        EngineName::Unbolt => workload.run::<Unbolt>(&path, dataset.n)?,
        EngineName::Redb => workload.run::<Redb>(&path, dataset.n)?,
        EngineName::Heed => workload.run::<Lmdb>(&path, dataset.n)?,
    };
    let report = Report {
        engine: engine.name(),
        workload: workload.name(),
        ops: measured.done.ops,
        wall_ns: measured.wall_ns,
        cpu_ns: measured.cpu_ns,
        major_faults: measured.major_faults,
        checksum: measured.done.checksum,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// The Go program prints the same line.
fn run_go(engine: EngineName, workload: Workload, dataset: &Dataset) -> Result<()> {
    let status = Command::new(dataset.go_program())
        .args(["run", &engine.name(), &workload.name()])
        .args(dataset.arguments())
        .status()?;
    ensure!(status.success(), "the Go program: {status}");
    Ok(())
}
