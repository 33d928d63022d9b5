//! Runs all engines in turns, each run in a process of its own.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::dataset::{Dataset, EngineName};
use crate::meter::Report;
use crate::table::Table;
use crate::workload::Workload;

#[derive(Args)]
pub struct Compare {
    #[command(flatten)]
    dataset: Dataset,
    /// How often each workload is run on each engine
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// These workloads only
    #[arg(long, value_delimiter = ',')]
    only: Vec<Workload>,
    /// These engines only, beside Go, which the others are compared with
    #[arg(long, value_delimiter = ',')]
    engines: Vec<EngineName>,
    /// Write the table to this file too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

impl Compare {
    pub fn run(&self) -> Result<()> {
        self.dataset.generate()?;
        self.dataset.build_go()?;
        let mut table = Table::new(self.engines(), self.workloads(), self.dataset.n);
        for round in 0..self.rounds {
            table.note_load(round)?;
            self.round(round as usize, &mut table)?;
        }
        let text = format!("{table}\n{}", self.environment()?);
        print!("{text}");
        if let Some(path) = &self.markdown {
            fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    fn workloads(&self) -> Vec<Workload> {
        let all = Workload::value_variants().iter().copied();
        all.filter(|w| self.only.is_empty() || self.only.contains(w)).collect()
    }

    /// Go first, as the table has it.
    fn engines(&self) -> Vec<EngineName> {
        let others = EngineName::value_variants().iter().copied().filter(|e| *e != EngineName::Go);
        let wanted = others.filter(|e| self.engines.is_empty() || self.engines.contains(e));
        [EngineName::Go].into_iter().chain(wanted).collect()
    }

    /// The order of the engines rotates, so that none always follows the same one.
    fn round(&self, round: usize, table: &mut Table) -> Result<()> {
        for workload in self.workloads() {
            let mut engines = self.engines();
            engines.retain(|engine| engine.has(workload));
            let first = round % engines.len();
            engines.rotate_left(first);
            for engine in engines {
                eprintln!("round {} {} {}", round + 1, workload.name(), engine.name());
                table.add(round, engine, workload, &self.run_one(engine, workload)?)?;
            }
        }
        Ok(())
    }

    fn run_one(&self, engine: EngineName, workload: Workload) -> Result<Report> {
        let output = Command::new(env::current_exe()?)
            .args(["run", &engine.name(), &workload.name()])
            .args(self.dataset.arguments())
            .stderr(Stdio::inherit())
            .output()?;
        let what = || format!("{} on {}", workload.name(), engine.name());
        ensure!(output.status.success(), "{}: {}", what(), output.status);
        serde_json::from_slice(&output.stdout).with_context(what)
    }

    /// What the figures depend on, in one paragraph.
    fn environment(&self) -> Result<String> {
        let go = Command::new(self.dataset.go_program()).arg("version").output()?;
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(format!(
            "unbolt {}; {}; redb {}, heed {}. {} x {}, Linux {}.\n",
            locked_version("unbolt"),
            String::from_utf8(go.stdout)?.trim(),
            locked_version("redb"),
            locked_version("heed"),
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
