//! The reports of all rounds. All engines must have read, or left behind, the same.

use anyhow::{Result, ensure};

use crate::engines::EngineName;
use crate::meter::{Cost, Report};
use crate::workload::{Side, Workload};

pub struct Sample {
    pub round: usize,
    pub engine: EngineName,
    pub workload: Workload,
    pub ops: u64,
    pub commits: u64,
    pub file_bytes: u64,
    pub cost: Cost,
    checksum: u64,
}

pub struct Samples {
    engines: Vec<EngineName>,
    workloads: Vec<Workload>,
    all: Vec<Sample>,
}

impl Samples {
    pub fn new(engines: Vec<EngineName>, workloads: Vec<Workload>) -> Self {
        Self { engines, workloads, all: Vec::new() }
    }

    /// Refuses a report whose checksum is not that of the others.
    pub fn add(&mut self, round: usize, engine: EngineName, workload: Workload, report: &Report) -> Result<()> {
        let &Report { ops, commits, checksum, file_bytes, cost, .. } = report;
        if let Some(other) = self.all.iter().find(|sample| sample.workload == workload) {
            ensure!(
                (other.ops, other.checksum) == (ops, checksum),
                "{}: {} did {ops} operations with checksum {checksum}, {} {} with {}",
                workload.name(),
                engine.name(),
                other.engine.name(),
                other.ops,
                other.checksum
            );
        }
        self.all.push(Sample { round, engine, workload, ops, commits, file_bytes, cost, checksum });
        Ok(())
    }

    pub fn of(&self, engine: EngineName, workload: Workload) -> impl Iterator<Item = &Sample> {
        self.all.iter().filter(move |s| s.engine == engine && s.workload == workload)
    }

    /// The median of the samples of one cell; none where the engine has no such workload.
    pub fn spread(&self, engine: EngineName, workload: Workload, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.of(engine, workload).map(figure).collect())
    }

    pub fn workloads(&self) -> impl Iterator<Item = Workload> {
        self.workloads.iter().copied()
    }

    pub fn workloads_of(&self, side: Side) -> impl Iterator<Item = Workload> {
        self.workloads().filter(move |w| w.side() == side)
    }

    /// The engines that took part: a column for another would be empty.
    pub fn engines(&self) -> impl Iterator<Item = EngineName> {
        let took_part = |engine| self.all.iter().any(|sample| sample.engine == engine);
        self.engines.iter().copied().filter(move |&e| took_part(e))
    }
}

pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn report(ops: u64, wall_ns: u64, checksum: u64) -> Report {
        let cost = Cost { wall_ns, cpu_ns: wall_ns, ..Cost::default() };
        Report { engine: String::new(), workload: String::new(), ops, commits: 0, checksum, file_bytes: 0, cost }
    }

    pub fn empty() -> Samples {
        Samples::new(vec![EngineName::Go, EngineName::Redb], vec![Workload::Get1])
    }

    #[test]
    fn a_report_that_read_something_else_is_refused() -> Result<()> {
        let mut samples = empty();
        samples.add(0, EngineName::Go, Workload::Get1, &report(10, 100, 1))?;
        assert!(samples.add(0, EngineName::Redb, Workload::Get1, &report(10, 100, 2)).is_err());
        assert!(samples.add(0, EngineName::Redb, Workload::Get1, &report(11, 100, 1)).is_err());
        Ok(())
    }

    #[test]
    fn an_engine_without_a_report_takes_no_part() -> Result<()> {
        let mut samples = empty();
        samples.add(0, EngineName::Go, Workload::Get1, &report(10, 100, 1))?;
        assert!(samples.engines().eq([EngineName::Go]));
        samples.add(0, EngineName::Redb, Workload::Get1, &report(10, 100, 1))?;
        assert!(samples.engines().eq([EngineName::Go, EngineName::Redb]));
        Ok(())
    }
}
