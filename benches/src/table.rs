//! The times of all rounds, as medians.
//!
//! Go is absolute; every other engine is a ratio to Go in the same round, above
//! one where it is faster.

use std::fmt;
use std::fs;

use anyhow::Result;

use crate::engines::EngineName;
use crate::meter::Cost;
use crate::samples::{Sample, Samples, Spread};
use crate::workload::Workload;

/// How busy the machine was before each round: a busy one's wall times say little.
#[derive(Default)]
pub struct Loads(Vec<f64>);

impl Loads {
    pub fn note(&mut self, round: usize) -> Result<()> {
        let text = fs::read_to_string("/proc/loadavg")?;
        let load = text.split(' ').next().unwrap_or_default().parse()?;
        eprintln!("round {}: load {load}", round + 1);
        self.0.push(load);
        Ok(())
    }
}

impl fmt::Display for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Spread::of(self.0.clone()) {
            Some(load) => write!(f, "{} [{}-{}]", figure(load.median), figure(load.min), figure(load.max)),
            None => write!(f, "none"),
        }
    }
}

pub struct Table<'s>(pub &'s Samples);

impl Table<'_> {
    fn columns(&self) -> impl Iterator<Item = EngineName> {
        self.0.engines().filter(|&e| e != EngineName::Go)
    }

    fn absolute(&self, workload: Workload) -> Option<String> {
        let spread = |of| self.0.spread(EngineName::Go, workload, |sample| per_op(sample, of));
        let (wall, cpu) = (spread(wall)?, spread(cpu)?);
        let range = format!("{}-{}", duration(wall.min), duration(wall.max));
        Some(format!("{} / {} [{range}]", duration(wall.median), duration(cpu.median)))
    }

    fn ratio(&self, engine: EngineName, workload: Workload) -> Option<String> {
        let ratios = |of| -> Vec<f64> {
            let go = |round| self.0.of(EngineName::Go, workload).find(move |s| s.round == round);
            let samples = self.0.of(engine, workload);
            samples.filter_map(|ours| Some(per_op(go(ours.round)?, of) / per_op(ours, of))).collect()
        };
        let (wall, cpu) = (Spread::of(ratios(wall))?, Spread::of(ratios(cpu))?);
        let range = format!("{}-{}", figure(wall.min), figure(wall.max));
        Some(format!("{} / {} [{range}]", figure(wall.median), figure(cpu.median)))
    }

    /// Where pages came from the disk: evidence that the cold runs were cold, and
    /// the warm ones warm.
    fn major_faults(&self) -> Vec<String> {
        let median = |workload: Workload, engine: EngineName| {
            let faults = self.0.spread(engine, workload, |sample| sample.cost.major_faults as f64)?;
            (faults.median > 0.0).then(|| format!("{} {} {:.0}", workload.name(), engine.name(), faults.median))
        };
        let pairs = self.0.workloads().flat_map(|w| self.0.engines().map(move |e| (w, e)));
        pairs.filter_map(|(workload, engine)| median(workload, engine)).collect()
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| workload | rounds | go: wall / cpu [wall min-max] |")?;
        self.columns().try_for_each(|engine| write!(f, " {} |", engine.name()))?;
        write!(f, "\n|---|---|---|")?;
        self.columns().try_for_each(|_| write!(f, "---|"))?;
        writeln!(f)?;
        for workload in self.0.workloads() {
            let rounds = self.0.of(EngineName::Go, workload).count();
            let go = self.absolute(workload).unwrap_or_default();
            write!(f, "| {} | {rounds} | {go} |", workload.name())?;
            self.columns().try_for_each(|e| write!(f, " {} |", self.ratio(e, workload).unwrap_or_default()))?;
            writeln!(f)?;
        }
        let faults = self.major_faults();
        let faults = if faults.is_empty() { "none".to_owned() } else { faults.join(", ") };
        writeln!(
            f,
            "\nTime of one operation, medians of the rounds. The other engines: wall ratio / cpu ratio \
             [min-max of the wall ratio] to go in the same round, above 1 = faster. \
             Major page faults: {faults}.",
        )
    }
}

fn wall(cost: &Cost) -> u64 {
    cost.wall_ns
}

fn cpu(cost: &Cost) -> u64 {
    cost.cpu_ns
}

fn per_op(sample: &Sample, of: fn(&Cost) -> u64) -> f64 {
    of(&sample.cost) as f64 / sample.ops as f64
}

/// Three digits, or two below ten.
pub fn figure(x: f64) -> String {
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
    use crate::samples::tests::{empty, report};

    #[test]
    fn ratios_are_to_go_in_the_same_round() -> Result<()> {
        let mut samples = empty();
        for (round, (go, redb)) in [(100, 50), (300, 100), (800, 200)].into_iter().enumerate() {
            samples.add(round, EngineName::Go, Workload::Get1, &report(10, go, 1))?;
            samples.add(round, EngineName::Redb, Workload::Get1, &report(10, redb, 1))?;
        }
        let text = Table(&samples).to_string();
        let row = "| get1 | 3 | 30.0 ns / 30.0 ns [10.0 ns-80.0 ns] | 3.00 / 3.00 [2.00-4.00] |";
        assert!(text.contains(row), "{text}");
        Ok(())
    }
}
