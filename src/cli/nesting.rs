//! Owns how deeply buckets may be nested where the output names the whole way to each of them.
//!
//! Such output grows with the square of the depth, so that a small file could ask for more than any disk holds.

use super::failure::Failure;
use super::status::Status;

/// Ten times what anybody has been seen to nest.
const DEEPEST: usize = 10_000;

/// Refuses to go on below the deepest level.
pub fn test(depth: usize) -> Result<(), Failure> {
    match depth > DEEPEST {
        true => Err(Failure::new(Status::Corrupt, format_args!("buckets are nested more than {DEEPEST} deep"))),
        false => Ok(()),
    }
}
