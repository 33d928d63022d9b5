//! Which workloads are run, on which engines.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::dataset::Dataset;
use crate::engines::EngineName;
use crate::meter::Report;
use crate::workload::{Side, Workload};

#[derive(Args)]
pub struct Selection {
    #[command(flatten)]
    pub dataset: Dataset,
    /// The workloads of one side only
    #[arg(long)]
    side: Option<Side>,
    /// These workloads only
    #[arg(long, value_delimiter = ',')]
    only: Vec<Workload>,
    /// These engines only, beside Go, which the others are compared with
    #[arg(long, value_delimiter = ',')]
    engines: Vec<EngineName>,
}

impl Selection {
    pub fn workloads(&self) -> Vec<Workload> {
        let all = Workload::value_variants().iter().copied();
        let is_wanted = |w: &Workload| self.only.is_empty() || self.only.contains(w);
        all.filter(|w| self.side.is_none_or(|side| side == w.side())).filter(is_wanted).collect()
    }

    /// Go first, as the tables have it.
    pub fn engines(&self) -> Vec<EngineName> {
        let others = EngineName::value_variants().iter().copied().filter(|e| *e != EngineName::Go);
        let wanted = others.filter(|e| self.engines.is_empty() || self.engines.contains(e));
        [EngineName::Go].into_iter().chain(wanted).collect()
    }

    pub fn engines_with(&self, workload: Workload) -> Vec<EngineName> {
        self.engines().into_iter().filter(|engine| workload.is_of(*engine)).collect()
    }

    /// Builds the Go program, and makes the files that are missing.
    pub fn prepare(&self) -> Result<()> {
        self.dataset.build_go()?;
        for workload in self.workloads() {
            for engine in self.engines_with(workload) {
                self.dataset.prepare(engine, workload)?;
            }
        }
        Ok(())
    }

    /// Runs one workload in a process of its own: this program, or one that runs it.
    pub fn run(&self, mut program: Command, engine: EngineName, workload: Workload) -> Result<Report> {
        let what = || format!("{} on {}", workload.name(), engine.name());
        program.args(["run", &engine.name(), &workload.name()]).args(self.dataset.arguments());
        let output = program.stderr(Stdio::inherit()).output().with_context(what)?;
        ensure!(output.status.success(), "{}: {}", what(), output.status);
        serde_json::from_slice(&output.stdout).with_context(what)
    }
}
