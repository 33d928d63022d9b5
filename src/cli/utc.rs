//! Owns how moments are written: in UTC, as RFC 3339 has them.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::forensic::rfc3339;

/// A moment; `None` for one before 1970, which no file system has by right.
pub fn utc(time: SystemTime) -> Option<String> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(rfc3339(i64::try_from(since.as_secs()).ok()?, since.subsec_nanos()))
}
