//! Owns the way from a directory to the `local-kv.db` in it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::context::Context;
use super::failure::Failure;
use super::status::Status;

const NAME: &str = "local-kv.db";

/// Where it lies: in the directory itself, in docker's `network`, in docker's data root.
const PLACES: [&str; 3] = ["", "files", "network/files"];

/// A file as it is; of a directory the `local-kv.db` in it, and standard error is told which, and what is done to it.
pub fn database(path: &Path, doing: &str, context: &mut Context<'_>) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    let found = candidate(path)?;
    let _ = writeln!(context.err, "unbolt: {doing} {}", found.display());
    Ok(found)
}

fn candidate(directory: &Path) -> Result<PathBuf, Failure> {
    for place in PLACES {
        let path = directory.join(place).join(NAME);
        match fs::metadata(&path) {
            Ok(_) => return Ok(path),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(Failure::at(Status::Io, &path, format_args!("cannot open: {error}"))),
        }
    }
    let hint = format!("`unbolt find {}` lists the databases below it", directory.display());
    Err(Failure::at(Status::Io, directory, "a directory without a local-kv.db where Docker keeps it").hint(hint))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
