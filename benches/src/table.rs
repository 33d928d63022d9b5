//! Collects the reports of all rounds, and shows their medians.
//!
//! Go is absolute; every other engine is a ratio to Go in the same round, above
//! one where it is faster. All engines must have read the same.

use std::fmt;
use std::fs;

use anyhow::{Result, ensure};

use crate::dataset::EngineName;
use crate::meter::Report;
use crate::workload::Workload;

/// Per operation, in nanoseconds.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
}

struct Sample {
    round: usize,
    engine: EngineName,
    workload: Workload,
    cost: Cost,
    major_faults: u64,
    read: (u64, u64),
}

pub struct Table {
    engines: Vec<EngineName>,
    workloads: Vec<Workload>,
    n: u64,
    samples: Vec<Sample>,
    loads: Vec<f64>,
}

impl Table {
    pub fn new(engines: Vec<EngineName>, workloads: Vec<Workload>, n: u64) -> Self {
        Self { engines, workloads, n, samples: Vec::new(), loads: Vec::new() }
    }

    /// How busy the machine is before a round: a busy one's wall times say little.
    pub fn note_load(&mut self, round: u32) -> Result<()> {
        let text = fs::read_to_string("/proc/loadavg")?;
        let load = text.split(' ').next().unwrap_or_default().parse()?;
        eprintln!("round {}: load {load}", round + 1);
        self.loads.push(load);
        Ok(())
    }

    /// Refuses a report whose checksum is not that of the others.
    pub fn add(&mut self, round: usize, engine: EngineName, workload: Workload, report: &Report) -> Result<()> {
        let read = (report.ops, report.checksum);
        if let Some(other) = self.samples.iter().find(|sample| sample.workload == workload) {
            ensure!(
                other.read == read,
                "{}: {} did {:?} operations with checksum {}, {} {:?} with {}",
                workload.name(),
                engine.name(),
                read.0,
                read.1,
                other.engine.name(),
                other.read.0,
                other.read.1
            );
        }
        let per_op = |ns: u64| ns as f64 / report.ops as f64;
        let cost = Cost { wall: per_op(report.wall_ns), cpu: per_op(report.cpu_ns) };
        let major_faults = report.major_faults;
        self.samples.push(Sample { round, engine, workload, cost, major_faults, read });
        Ok(())
    }

    fn samples(&self, engine: EngineName, workload: Workload) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |s| s.engine == engine && s.workload == workload)
    }

    /// The engines beside Go that took part: a column for another would be empty.
    fn columns(&self) -> impl Iterator<Item = EngineName> {
        let took_part = |engine| self.samples.iter().any(|sample| sample.engine == engine);
        self.engines.iter().copied().filter(move |&e| e != EngineName::Go && took_part(e))
    }

    fn absolute(&self, workload: Workload) -> String {
        let spread =
            |cost: fn(&Cost) -> f64| Spread::of(self.samples(EngineName::Go, workload).map(|s| cost(&s.cost)).collect());
        let (wall, cpu) = (spread(|cost| cost.wall), spread(|cost| cost.cpu));
        let range = format!("{}-{}", duration(wall.min), duration(wall.max));
        format!("{} / {} [{range}]", duration(wall.median), duration(cpu.median))
    }

    fn ratio(&self, engine: EngineName, workload: Workload) -> String {
        let ratios = |cost: fn(&Cost) -> f64| -> Vec<f64> {
            let go = |round| self.samples(EngineName::Go, workload).find(move |s| s.round == round);
            self.samples(engine, workload).filter_map(|ours| Some(cost(&go(ours.round)?.cost) / cost(&ours.cost))).collect()
        };
        let wall = ratios(|cost| cost.wall);
        if wall.is_empty() {
            return String::new();
        }
        let (wall, cpu) = (Spread::of(wall), Spread::of(ratios(|cost| cost.cpu)));
        let range = format!("{}-{}", figure(wall.min), figure(wall.max));
        format!("{} / {} [{range}]", figure(wall.median), figure(cpu.median))
    }

    /// Where pages came from the disk: evidence that the cold runs were cold, and
    /// the warm ones warm.
    fn major_faults(&self) -> Vec<String> {
        let median = |workload: Workload, engine: EngineName| {
            let samples = self.samples(engine, workload);
            let faults: Vec<_> = samples.map(|s| s.major_faults as f64).collect();
            let median = if faults.is_empty() { 0.0 } else { Spread::of(faults).median };
            (median > 0.0).then(|| format!("{} {} {median:.0}", workload.name(), engine.name()))
        };
        let pairs = self.workloads.iter().flat_map(|w| self.engines.iter().map(|e| (*w, *e)));
        pairs.filter_map(|(workload, engine)| median(workload, engine)).collect()
    }

    fn rounds(&self) -> usize {
        self.loads.len()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| workload | go: wall / cpu [wall min-max] |")?;
        self.columns().try_for_each(|engine| write!(f, " {} |", engine.name()))?;
        write!(f, "\n|---|---|")?;
        self.columns().try_for_each(|_| write!(f, "---|"))?;
        writeln!(f)?;
        for &workload in &self.workloads {
            write!(f, "| {} | {} |", workload.name(), self.absolute(workload))?;
            self.columns().try_for_each(|engine| write!(f, " {} |", self.ratio(engine, workload)))?;
            writeln!(f)?;
        }
        let load = Spread::of(self.loads.clone());
        writeln!(
            f,
            "\n{} pairs; medians of {} rounds. The other engines: wall ratio / cpu ratio \
             [min-max of the wall ratio] to go in the same round, above 1 = faster. \
             Load before each round: {} [{}-{}].",
            self.n,
            self.rounds(),
            figure(load.median),
            figure(load.min),
            figure(load.max),
        )?;
        let faults = self.major_faults();
        let faults = if faults.is_empty() { "none".to_owned() } else { faults.join(", ") };
        writeln!(f, "Major page faults: {faults}.")?;
        Ok(())
    }
}

struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Of at least one value.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] };
        Self { median, min: values[0], max: values[values.len() - 1] }
    }
}

/// Three digits, or two below ten.
fn figure(x: f64) -> String {
    match x {
        x if x < 10.0 => format!("{x:.2}"),
        x if x < 100.0 => format!("{x:.1}"),
        x => format!("{x:.0}"),
    }
}

fn duration(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{} ns", figure(ns)),
        ns if ns < 1e6 => format!("{} us", figure(ns / 1e3)),
        ns if ns < 1e9 => format!("{} ms", figure(ns / 1e6)),
        ns => format!("{} s", figure(ns / 1e9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(ops: u64, wall_ns: u64, checksum: u64) -> Report {
        let (engine, workload) = (String::new(), String::new());
        Report { engine, workload, ops, wall_ns, cpu_ns: wall_ns, major_faults: 0, checksum }
    }

    fn empty() -> Table {
        let mut table = Table::new(vec![EngineName::Go, EngineName::Redb], vec![Workload::Get1], 1000);
        table.loads = vec![1.0; 3];
        table
    }

    #[test]
    fn ratios_are_to_go_in_the_same_round() -> Result<()> {
        let mut table = empty();
        for (round, (go, redb)) in [(100, 50), (300, 100), (800, 200)].into_iter().enumerate() {
            table.add(round, EngineName::Go, Workload::Get1, &report(10, go, 1))?;
            table.add(round, EngineName::Redb, Workload::Get1, &report(10, redb, 1))?;
        }
        let text = table.to_string();
        let row = "| get1 | 30.0 ns / 30.0 ns [10.0 ns-80.0 ns] | 3.00 / 3.00 [2.00-4.00] |";
        assert!(text.contains(row), "{text}");
        Ok(())
    }

    #[test]
    fn an_engine_without_a_report_has_no_column() -> Result<()> {
        let mut table = empty();
        table.add(0, EngineName::Go, Workload::Get1, &report(10, 100, 1))?;
        let header = |table: &Table| table.to_string().lines().next().map(str::to_owned);
        assert_eq!(header(&table).as_deref(), Some("| workload | go: wall / cpu [wall min-max] |"));
        table.add(0, EngineName::Redb, Workload::Get1, &report(10, 100, 1))?;
        assert_eq!(header(&table).as_deref(), Some("| workload | go: wall / cpu [wall min-max] | redb |"));
        Ok(())
    }

    #[test]
    fn a_report_that_read_something_else_is_refused() -> Result<()> {
        let mut table = empty();
        table.add(0, EngineName::Go, Workload::Get1, &report(10, 100, 1))?;
        assert!(table.add(0, EngineName::Redb, Workload::Get1, &report(10, 100, 2)).is_err());
        assert!(table.add(0, EngineName::Redb, Workload::Get1, &report(11, 100, 1)).is_err());
        Ok(())
    }
}
