//! Owns the copy that is kept of a Docker file before it is changed in place: `FILE.bak-<transaction>`, synced.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::context::Open;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::status::Status;
use crate::{Error, Snapshot, Storage};

/// As much as is copied at once.
const CHUNK: u64 = 1 << 20;

/// Copies a file whose lock is held, and says where to. A copy of the same state that is there already will do.
pub fn keep(file: &Path, open: Open<'_>) -> Result<PathBuf, Failure> {
    let snapshot = open(file).map_err(|e| Failure::of(file, e))?;
    let path = name(file, &snapshot);
    if let Ok(there) = std::fs::File::open(&path) {
        return match is_same(&snapshot, there).map_err(|e| Failure::of(&path, e))? {
            true => Ok(path),
            false => Err(Failure::at(Status::Refused, &path, "is there already, and no copy of the file as it is now")),
        };
    }
    let copy = output::begin(&path, file, false)?;
    each_chunk(&snapshot, |bytes| copy.file().write_all(bytes).map(|()| true).map_err(|e| Error::io("write", &path, e)))
        .map_err(|e| Failure::of(file, e))?;
    output::finish(copy)?;
    Ok(path)
}

fn name(file: &Path, snapshot: &Snapshot) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(format!(".bak-{}", snapshot.meta().txid));
    name.into()
}

fn is_same(snapshot: &Snapshot, mut there: std::fs::File) -> crate::Result<bool> {
    use std::io::Read;
    let mut buffer = Vec::new();
    let same = each_chunk(snapshot, |bytes| {
        buffer.resize(bytes.len(), 0);
        Ok(there.read_exact(&mut buffer).is_ok() && buffer == bytes)
    })?;
    Ok(same && there.read(&mut [0]).is_ok_and(|rest| rest == 0))
}

/// Goes through the bytes of a file as long as it is told to go on, and says whether it came to the end.
fn each_chunk(snapshot: &Snapshot, mut each: impl FnMut(&[u8]) -> crate::Result<bool>) -> crate::Result<bool> {
    let size = snapshot.size();
    let mut offset = 0;
    while offset < size {
        let run = snapshot.run(offset, CHUNK.min(size - offset))?;
        if !each(&run)? {
            return Ok(false);
        }
        offset += CHUNK;
    }
    Ok(true)
}
