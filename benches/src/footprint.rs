//! What the writing workloads took of memory and of the disk, as medians.

use std::fmt;

use crate::engines::EngineName;
use crate::samples::{Sample, Samples};
use crate::table::figure;
use crate::workload::{Side, Workload};

pub struct Footprint<'s>(pub &'s Samples);

impl Footprint<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.workloads_of(Side::Writing).next().is_none()
    }

    fn cell(&self, engine: EngineName, workload: Workload) -> Option<String> {
        let median = |of: fn(&Sample) -> f64| Some(self.0.spread(engine, workload, of)?.median);
        let peak = median(|sample| sample.cost.peak_memory as f64)?;
        let own = median(|sample| sample.cost.own_memory as f64)?;
        let file = median(|sample| sample.file_bytes as f64)?;
        let written = median(|sample| sample.cost.bytes_written as f64 / per(sample))?;
        let writes = median(|sample| sample.cost.writes as f64 / per(sample))?;
        Some(format!("{} ({}); {}; {} in {}", size(peak), size(own), size(file), size(written), figure(writes)))
    }
}

/// Opening commits nothing: there it is what one operation took.
fn per(sample: &Sample) -> f64 {
    let unit = if sample.commits == 0 { sample.ops } else { sample.commits };
    unit as f64
}

impl fmt::Display for Footprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| workload |")?;
        self.0.engines().try_for_each(|engine| write!(f, " {} |", engine.name()))?;
        write!(f, "\n|---|")?;
        self.0.engines().try_for_each(|_| write!(f, "---|"))?;
        writeln!(f)?;
        for workload in self.0.workloads_of(Side::Writing) {
            write!(f, "| {} |", workload.name())?;
            self.0.engines().try_for_each(|e| write!(f, " {} |", self.cell(e, workload).unwrap_or_default()))?;
            writeln!(f)?;
        }
        writeln!(
            f,
            "\nPeak of resident memory (resident in the end without pages of files); length of the file \
             in the end; bytes written by each commit, in so many calls.",
        )
    }
}

fn size(bytes: f64) -> String {
    const KIB: f64 = 1024.0;
    match bytes {
        b if b < KIB => format!("{b:.0} B"),
        b if b < KIB * KIB => format!("{} KiB", figure(b / KIB)),
        b => format!("{} MiB", figure(b / KIB / KIB)),
    }
}
