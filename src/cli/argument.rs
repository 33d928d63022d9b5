//! Owns how names, keys and values are given on the command line: as arguments, and values also from a file or on
//! standard input.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::bytes::ParseFormat;
use super::context::Context;
use super::failure::Failure;
use super::status::Status;

/// More than the longest value has: whatever is longer need not be read to its end to be refused.
const MOST: u64 = 1 << 31;

/// A key behind the names of the buckets on the way to it: the names, the key.
pub fn path_and_key(path: &[OsString], format: ParseFormat) -> Result<(Vec<&[u8]>, Vec<u8>), Failure> {
    let Some((last, buckets)) = path.split_last() else {
        return Err(Failure::usage("a bucket and a key are required"));
    };
    Ok((self::path(buckets), key(last, format)?))
}

/// A bucket behind the names of those on the way to it: the names, its own.
pub fn path_and_name(path: &[OsString], format: ParseFormat) -> Result<(Vec<&[u8]>, Vec<u8>), Failure> {
    let Some((last, parents)) = path.split_last() else {
        return Err(Failure::usage("a bucket is required"));
    };
    Ok((self::path(parents), name(last, format)?))
}

/// The bytes of a key.
pub fn key(argument: &OsString, format: ParseFormat) -> Result<Vec<u8>, Failure> {
    given("key", argument, format)
}

/// The bytes of a bucket's name.
pub fn name(argument: &OsString, format: ParseFormat) -> Result<Vec<u8>, Failure> {
    given("name", argument, format)
}

fn given(what: &str, argument: &OsString, format: ParseFormat) -> Result<Vec<u8>, Failure> {
    match format.parse(argument) {
        Ok(bytes) if bytes.is_empty() => Err(Failure::usage(format_args!("the {what} is empty"))),
        Ok(bytes) => Ok(bytes),
        Err(e) => Err(Failure::usage(format_args!("{what}: {e}"))),
    }
}

/// The names of the buckets on the way, the arguments' own bytes.
pub fn path(arguments: &[OsString]) -> Vec<&[u8]> {
    arguments.iter().map(|name| name.as_encoded_bytes()).collect()
}

/// The bytes of a value: those of the file for `@FILE`, of standard input for `-`, else what the argument stands for.
pub fn value(argument: &OsString, format: ParseFormat, context: &mut Context<'_>) -> Result<Vec<u8>, Failure> {
    if argument == "-" {
        return all_of(context.input).map_err(|e| Failure::new(Status::Io, format_args!("standard input: {e}")));
    }
    match file(argument) {
        Some(path) => {
            let bytes = File::open(path).and_then(|mut file| all_of(&mut file));
            bytes.map_err(|e| Failure::at(Status::Io, path, format_args!("cannot read: {e}")))
        }
        None => format.parse(argument).map_err(|e| Failure::usage(format_args!("value: {e}"))),
    }
}

fn all_of(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file that is named behind an `@`.
#[cfg(unix)]
fn file(argument: &OsStr) -> Option<&Path> {
    use std::os::unix::ffi::OsStrExt;
    argument.as_bytes().strip_prefix(b"@").map(|name| Path::new(OsStr::from_bytes(name)))
}

#[cfg(not(unix))]
fn file(argument: &OsStr) -> Option<&Path> {
    argument.to_str()?.strip_prefix('@').map(Path::new)
}
