//! Owns what buckets, keys and values are called in the words of a command, and what is said of a key that leads to the
//! other of the two.

use std::path::Path;

use super::failure::Failure;
use super::quote;
use super::status::Status;

/// A bucket by the names on the way to it, as errors of the library write it.
pub fn bucket(path: &[impl AsRef<[u8]>]) -> String {
    path.iter().map(|name| quote::on_one_line(name.as_ref())).collect::<Vec<_>>().join("/")
}

/// A number of things.
pub fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A key that holds a bucket where a value is asked for.
pub fn is_a_bucket(status: Status, file: &Path, key: &[u8]) -> Failure {
    Failure::at(status, file, format_args!("{} is a bucket, not a value", quote::quote(key)))
}

/// A key that holds a value where a bucket is asked for.
pub fn is_a_value(status: Status, file: &Path, key: &[u8]) -> Failure {
    Failure::at(status, file, format_args!("{} is a value, not a bucket", quote::quote(key)))
}

/// A key that is not there.
pub fn no_such_key(file: &Path, key: &[u8]) -> Failure {
    Failure::at(Status::No, file, format_args!("key not found: {} (hex {})", quote::quote(key), super::bytes::hex(key)))
}
