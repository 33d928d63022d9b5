//! One workload on one engine, in this process or in the Go program.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::dataset::Dataset;
use crate::engines::{EngineName, Lmdb, LmdbWriter, Redb, RedbWriter, Sqlite, SqliteWriter, Unbolt, UnboltWriter};
use crate::meter::{Measured, Report};
use crate::page_cache;
use crate::reading;
use crate::scratch::Scratch;
use crate::workload::{Side, Workload};
use crate::writing;

#[derive(Args)]
pub struct Run {
    engine: EngineName,
    workload: Workload,
    #[command(flatten)]
    dataset: Dataset,
}

impl Run {
    pub fn run(&self) -> Result<()> {
        let (engine, workload) = (self.engine, self.workload);
        ensure!(workload.is_of(engine), "{} has no {}", engine.name(), workload.name());
        let report = match workload.side() {
            Side::Reading => self.read()?,
            Side::Writing => self.write()?,
        };
        println!("{}", serde_json::to_string(&report)?);
        Ok(())
    }

    fn read(&self) -> Result<Report> {
        let (workload, n) = (self.workload, self.dataset.n);
        let file = self.dataset.source(self.engine, workload)?.context("reading needs a file")?;
        if workload.is_cold() {
            page_cache::evict(&file)?;
        } else {
            page_cache::load(&file)?;
        }
        let measured = match self.engine {
            EngineName::Go | EngineName::GoRo => return self.go(&file),
            EngineName::Unbolt => reading::run::<Unbolt>(workload, &file, n)?,
            EngineName::Redb => reading::run::<Redb>(workload, &file, n)?,
            EngineName::Heed => reading::run::<Lmdb>(workload, &file, n)?,
            EngineName::Sqlite => reading::run::<Sqlite>(workload, &file, n)?,
        };
        self.report(&file, measured)
    }

    fn write(&self) -> Result<Report> {
        let (workload, n) = (self.workload, self.dataset.n);
        let scratch = match self.dataset.source(self.engine, workload)? {
            Some(source) => Scratch::copy_of(&source)?,
            None => Scratch::empty(&self.dataset.dir(), self.engine.extension())?,
        };
        let measured = match self.engine {
            EngineName::Go | EngineName::GoRo => return self.go(scratch.path()),
            EngineName::Unbolt => writing::run::<UnboltWriter>(workload, &scratch, n)?,
            EngineName::Redb => writing::run::<RedbWriter>(workload, &scratch, n)?,
            EngineName::Heed => writing::run::<LmdbWriter>(workload, &scratch, n)?,
            EngineName::Sqlite => writing::run::<SqliteWriter>(workload, &scratch, n)?,
        };
        self.report(scratch.path(), measured)
    }

    fn report(&self, file: &Path, measured: Measured) -> Result<Report> {
        Ok(Report {
            engine: self.engine.name(),
            workload: self.workload.name(),
            ops: measured.done.ops,
            commits: measured.done.commits,
            checksum: measured.done.checksum,
            file_bytes: fs::metadata(file)?.len(),
            cost: measured.cost,
        })
    }

    /// The Go program prints a report too.
    fn go(&self, file: &Path) -> Result<Report> {
        let names = [&*self.engine.name(), &*self.workload.name()];
        let output = self.dataset.go("run", &names, file).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "the Go program: {}", output.status);
        let report: Report = serde_json::from_slice(&output.stdout).context("the Go program's report")?;
        Ok(Report { file_bytes: fs::metadata(file)?.len(), ..report })
    }
}
