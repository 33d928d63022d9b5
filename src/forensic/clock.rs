//! What a value itself tells about when it was written. Each source is named, and none is held against another.
//!
//! libkv, which Docker's networks are kept with, puts a counter of eight bytes before each value: raised by one with
//! every write of a daemon, and counted anew from one when it starts. So it orders what was written in one run of a
//! daemon, also what was deleted since. Many programs keep times in JSON; containerd keeps them as Go's bytes.

use std::fmt;

use serde_json::Value;

use super::bucket_names::BucketNames;
use super::item::{Item, ItemKind};
use crate::store::decode;

/// Times taken from one value.
const STAMPS: usize = 8;
/// Values longer than this are not looked into.
const LONGEST: usize = 1 << 20;
/// What the keys of Docker's networks begin with, whatever bucket they are in.
const DOCKER: &[u8] = b"docker/network/v1.0/";

/// One source's word on when a value was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Clock {
    /// libkv's counter: the order within one run of the daemon.
    LibkvIndex(u64),
    /// A time in the JSON of a value, and where in it.
    Json {
        /// The members and positions on the way to it, with dots between.
        field: String,
        /// The time as it is written there.
        time: String,
    },
    /// A time as Go's `time.Time` puts it into bytes.
    GoTime {
        /// Seconds since 1970, UTC.
        seconds: i64,
        /// And nanoseconds.
        nanoseconds: u32,
    },
}

impl Clock {
    /// The stable name of the source.
    pub const fn source(&self) -> &'static str {
        match self {
            Clock::LibkvIndex(_) => "libkv-index",
            Clock::Json { .. } => "json",
            Clock::GoTime { .. } => "go-time",
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clock::LibkvIndex(index) => write!(f, "index {index}"),
            Clock::Json { field, time } => write!(f, "{field} {time}"),
            Clock::GoTime { seconds, nanoseconds } => write!(f, "{}", rfc3339(*seconds, *nanoseconds)),
        }
    }
}

/// What the value of an item tells about when it was written.
pub fn clocks(item: &Item, names: &BucketNames) -> Vec<Clock> {
    if item.kind != ItemKind::Pair || item.value.len() > LONGEST {
        return Vec::new();
    }
    let path = item.path(names);
    let is_docker = item.key.starts_with(DOCKER) || path.as_deref() == Some(&[b"libnetwork".as_slice()]);
    let (index, value) = match decode(&item.key, &item.value) {
        Ok((index, value)) if is_docker => (Some(index), value),
        _ => (None, &item.value[..]),
    };
    let mut clocks: Vec<Clock> = index.map(Clock::LibkvIndex).into_iter().collect();
    if value.first().is_some_and(|byte| matches!(byte, b'{' | b'[')) {
        if let Ok(value) = serde_json::from_slice(value) {
            stamps(&value, &mut String::new(), &mut clocks);
        }
    } else if item.key.ends_with(b"createdat") || item.key.ends_with(b"updatedat") {
        clocks.extend(go_time(value));
    }
    clocks
}

/// Adds the times in a value. serde_json ends at 128 levels, and so does this.
fn stamps(value: &Value, field: &mut String, clocks: &mut Vec<Clock>) {
    if clocks.len() > STAMPS {
        return;
    }
    let mut within = |name: &dyn fmt::Display, value: &Value| {
        let len = field.len();
        let dot = if field.is_empty() { "" } else { "." };
        field.push_str(&format!("{dot}{name}"));
        stamps(value, field, clocks);
        field.truncate(len);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| within(name, value)),
        Value::Array(elements) => elements.iter().enumerate().for_each(|(at, value)| within(&at, value)),
        Value::String(time) if is_time(time) => clocks.push(Clock::Json { field: field.clone(), time: time.clone() }),
        _ => {}
    }
}

/// `2006-01-02T15:04:05`, a fraction or none, and `Z` or the distance from it.
fn is_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let Some((start, rest)) = text.as_bytes().split_at_checked(SHAPE.len()) else { return false };
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    let rest = match rest.split_first() {
        Some((b'.', fraction)) => fraction.trim_ascii_start(),
        _ => rest,
    };
    let zone = rest.iter().position(|byte| !byte.is_ascii_digit()).and_then(|at| rest.get(at..)).unwrap_or_default();
    let is_zone = zone == b"Z" || (zone.len() == 6 && zone.first().is_some_and(|byte| matches!(byte, b'+' | b'-')));
    start.iter().zip(SHAPE).all(fits) && is_zone && !text.starts_with("0001-")
}

/// Go's `time.Time.MarshalBinary`: version 1 or 2, seconds since the year 1, nanoseconds, distance from UTC in minutes.
fn go_time(bytes: &[u8]) -> Option<Clock> {
    const YEAR_ONE: i64 = -62_135_596_800;
    let (version, rest) = bytes.split_first()?;
    let (seconds, rest) = rest.split_first_chunk::<8>()?;
    let (nanoseconds, rest) = rest.split_first_chunk::<4>()?;
    let is_known = matches!((version, rest.len()), (1, 2) | (2, 3));
    let (seconds, nanoseconds) = (i64::from_be_bytes(*seconds).checked_add(YEAR_ONE)?, u32::from_be_bytes(*nanoseconds));
    (is_known && nanoseconds < 1_000_000_000).then_some(Clock::GoTime { seconds, nanoseconds })
}

/// A time in UTC as RFC 3339 writes it.
pub fn rfc3339(seconds: i64, nanoseconds: u32) -> String {
    const DAY: i64 = 86_400;
    let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let part = |unit: i64, of: i64| of_day.div_euclid(unit).rem_euclid(of);
    let fraction = match nanoseconds {
        0 => String::new(),
        nanoseconds => format!(".{nanoseconds:09}").trim_end_matches('0').to_owned(),
    };
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{fraction}Z", part(3600, 24), part(60, 60), part(1, 60))
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar. The year begins with March, so that
/// the day that some years have more is their last.
fn civil(days: i64) -> (i64, i64, i64) {
    const FOUR_CENTURIES: i64 = 146_097;
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(FOUR_CENTURIES), days.rem_euclid(FOUR_CENTURIES));
    let leaps = of_era.div_euclid(1_460).saturating_sub(of_era.div_euclid(36_524)).saturating_add(of_era.div_euclid(146_096));
    let year = of_era.saturating_sub(leaps).div_euclid(365);
    let before = year.saturating_mul(365).saturating_add(year.div_euclid(4)).saturating_sub(year.div_euclid(100));
    let of_year = of_era.saturating_sub(before);
    let march = of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
    let day = of_year.saturating_sub(march.saturating_mul(153).saturating_add(2).div_euclid(5)).saturating_add(1);
    let month = if march < 10 { march.saturating_add(3) } else { march.saturating_sub(9) };
    let year = era.saturating_mul(400).saturating_add(year).saturating_add(i64::from(month <= 2));
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_the_dates_of_the_calendar() {
        for (seconds, nanoseconds, expected) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_399, 5_000_000, "2000-02-28T23:59:59.005Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
            (-1, 0, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds, nanoseconds), expected);
        }
    }

    #[test]
    fn times_are_told_from_other_text() {
        for time in ["2026-11-22T09:55:03.261515458Z", "2026-11-22T09:55:03Z", "2026-11-22T09:55:03+02:00"] {
            assert!(is_time(time), "{time}");
        }
        for text in
            ["", "2026-11-22", "2026-11-22 09:55:03Z", "0001-01-01T00:00:00Z", "2026-11-22T09:55:03", "ü026-11-22T09:55:03Z"]
        {
            assert!(!is_time(text), "{text}");
        }
    }

    #[test]
    fn gos_bytes_are_read_as_go_writes_them() {
        // 2006-01-02T15:04:05.000000006Z by time.Time.MarshalBinary.
        let bytes = [1, 0, 0, 0, 0x0e, 0xbb, 0x4b, 0x37, 0xe5, 0, 0, 0, 6, 0xff, 0xff];
        assert_eq!(go_time(&bytes).unwrap().to_string(), "2006-01-02T15:04:05.000000006Z");
        assert!(go_time(&bytes[1..]).is_none());
    }
}
