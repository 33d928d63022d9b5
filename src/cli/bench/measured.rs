//! Owns the result of a benchmark in bbolt's words, and in those of Go's benchmarks.

use std::time::Duration;

/// Operations, and how long all of them took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    pub operations: u64,
    pub time: Duration,
}

impl Measured {
    /// bbolt's line.
    pub fn as_line(&self, what: &str) -> String {
        let each = self.time.as_nanos().checked_div(u128::from(self.operations)).unwrap_or_default();
        let rate = (u128::from(self.operations) * 1_000_000_000).checked_div(self.time.as_nanos()).unwrap_or_default();
        format!("# {what}\t{}(ops)\t{}\t({}/op)\t({rate} op/sec)", self.operations, span(self.time.as_nanos()), span(each))
    }

    /// The line of a benchmark in Go.
    pub fn as_gobench(&self, name: &str) -> String {
        let each = self.time.as_nanos() as f64 / self.operations.max(1) as f64;
        format!("{name}\t{:8}\t{} ns/op", self.operations, aligned(each))
    }
}

/// A span of time as Go prints it: in the largest unit of which there is one, and exactly.
fn span(nanoseconds: u128) -> String {
    const SECOND: u128 = 1_000_000_000;
    match nanoseconds {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanoseconds}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(nanoseconds, 3)),
        1_000_000..SECOND => format!("{}ms", decimal(nanoseconds, 6)),
        _ => {
            let seconds = decimal(nanoseconds % (60 * SECOND), 9);
            match (nanoseconds / (3600 * SECOND), nanoseconds / (60 * SECOND) % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// A number with its last digits behind a point, without zeros at the end.
fn decimal(number: u128, digits: u32) -> String {
    let unit = 10_u128.pow(digits);
    let (whole, rest) = (number / unit, number % unit);
    let text = format!("{whole}.{rest:0width$}", width = digits as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number of four digits and more that mean something, its point in the eleventh column.
fn aligned(number: f64) -> String {
    let decimals = match number {
        999.95.. => return format!("{number:10.0}"),
        99.995.. => 1,
        9.9995.. => 2,
        0.99995.. => 3,
        0.099995.. => 4,
        0.0099995.. => 5,
        0.00099995.. => 6,
        _ => 7,
    };
    format!("{number:width$.decimals$}", width = 11 + decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_gos() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "1ns"),
            (999, "999ns"),
            (1_000, "1µs"),
            (1_591, "1.591µs"),
            (1_591_096, "1.591096ms"),
            (20_000_000, "20ms"),
            (1_000_000_000, "1s"),
            (1_000_007_365, "1.000007365s"),
            (60_000_000_000, "1m0s"),
            (3_723_500_000_000, "1h2m3.5s"),
            (360_000_000_000_000, "100h0m0s"),
        ] {
            assert_eq!(span(nanoseconds), text);
        }
    }

    #[test]
    fn lines_are_bbolts() {
        let measured = Measured { operations: 93_476_000, time: Duration::from_nanos(1_000_007_365) };
        assert_eq!(measured.as_line("Read"), "# Read\t93476000(ops)\t1.000007365s\t(10ns/op)\t(93475311 op/sec)");
        assert_eq!(Measured::default().as_line("Write"), "# Write\t0(ops)\t0s\t(0s/op)\t(0 op/sec)");
    }

    #[test]
    fn columns_are_those_of_gos_benchmarks() {
        let line = |operations, nanoseconds| {
            Measured { operations, time: Duration::from_nanos(nanoseconds) }.as_gobench("BenchmarkWrite")
        };
        assert_eq!(line(3000, 3000 * 8515), "BenchmarkWrite\t    3000\t      8515 ns/op");
        assert_eq!(line(1_000_000, 4_300_000), "BenchmarkWrite\t 1000000\t         4.300 ns/op");
        assert_eq!(line(1000, 999_940), "BenchmarkWrite\t    1000\t       999.9 ns/op");
        assert_eq!(line(1000, 999_950), "BenchmarkWrite\t    1000\t      1000 ns/op");
        assert_eq!(line(100_000, 1_234_560), "BenchmarkWrite\t  100000\t        12.35 ns/op");
        assert_eq!(line(100_000, 50_000), "BenchmarkWrite\t  100000\t         0.5000 ns/op");
    }
}
