//! Runs all engines in turns, each run in a process of its own.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, Result};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};

use crate::footprint::Footprint;
use crate::samples::Samples;
use crate::selection::Selection;
use crate::table::{Loads, Table};
use crate::workload::Workload;

#[derive(Args)]
pub struct Compare {
    #[command(flatten)]
    selection: Selection,
    /// How often each workload is run on each engine
    #[arg(long, default_value_t = 7, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    rounds: usize,
    /// How often some are run instead; bbolt takes minutes for one of them
    #[arg(long, value_delimiter = ',', value_name = "WORKLOAD=N", default_value = "one_tx_rand=2")]
    rounds_of: Vec<RoundsOf>,
    /// Write the tables to this file too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

#[derive(Clone)]
struct RoundsOf {
    workload: Workload,
    rounds: usize,
}

impl FromStr for RoundsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (workload, rounds) = text.split_once('=').ok_or("not of the form WORKLOAD=N")?;
        let rounds = rounds.parse().map_err(|_| format!("{rounds} is not a number"))?;
        Ok(Self { workload: Workload::from_str(workload, false)?, rounds })
    }
}

impl Compare {
    pub fn run(&self) -> Result<()> {
        self.selection.prepare()?;
        let mut samples = Samples::new(self.selection.engines(), self.selection.workloads());
        let mut loads = Loads::default();
        let most = self.selection.workloads().into_iter().map(|w| self.rounds(w)).max();
        for round in 0..most.unwrap_or(0) {
            loads.note(round)?;
            self.round(round, &mut samples)?;
        }
        let text = self.text(&samples, &loads)?;
        print!("{text}");
        if let Some(path) = &self.markdown {
            fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    fn rounds(&self, workload: Workload) -> usize {
        let own = self.rounds_of.iter().find(|of| of.workload == workload);
        own.map_or(self.rounds, |of| of.rounds.min(self.rounds))
    }

    /// The order of the engines rotates, so that none always follows the same one.
    fn round(&self, round: usize, samples: &mut Samples) -> Result<()> {
        let mut workloads = self.selection.workloads();
        workloads.retain(|workload| round < self.rounds(*workload));
        for workload in workloads {
            let mut engines = self.selection.engines_with(workload);
            let first = round % engines.len();
            engines.rotate_left(first);
            for engine in engines {
                eprintln!("round {} {} {}", round + 1, workload.name(), engine.name());
                let program = Command::new(env::current_exe()?);
                samples.add(round, engine, workload, &self.selection.run(program, engine, workload)?)?;
            }
        }
        Ok(())
    }

    fn text(&self, samples: &Samples, loads: &Loads) -> Result<String> {
        let footprint = Footprint(samples);
        let footprint = if footprint.is_empty() { String::new() } else { format!("{footprint}\n") };
        let n = self.selection.dataset.n;
        let environment = self.environment()?;
        Ok(format!("{}\n{footprint}{n} pairs. Load before each round: {loads}.\n{environment}", Table(samples)))
    }

    /// What the figures depend on, in one paragraph.
    fn environment(&self) -> Result<String> {
        let go = Command::new(self.selection.dataset.go_program()).arg("version").output()?;
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(format!(
            "unbolt {}; {}; redb {}, heed {}, SQLite {}. {} x {}, Linux {}.\n",
            locked_version("unbolt"),
            String::from_utf8(go.stdout)?.trim(),
            locked_version("redb"),
            locked_version("heed"),
            rusqlite::version(),
            std::thread::available_parallelism()?,
            model.unwrap_or("processor of unknown model").trim_start_matches([' ', '\t', ':']),
            kernel.trim().split('-').next().unwrap_or_default(),
        ))
    }
}

/// The version of a crate that this program was built with.
fn locked_version(name: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split(&format!("name = \"{name}\"\nversion = \"")).nth(1);
    entry.and_then(|rest| rest.split('"').next()).unwrap_or("of unknown version")
}
