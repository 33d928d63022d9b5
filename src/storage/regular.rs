//! Opening regular files, and nothing else: a pipe would block.
//!
//! Whoever only reads leaves no trace, not even in the time of the last access.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use crate::error::Error;

/// Opens a file for reading so that not even the time of its last access changes, where the system lets the caller ask
/// for that; the answer says whether it does.
pub(crate) fn open_untouched(path: &Path) -> Result<(File, bool), Error> {
    open(path, |path| match without_access_time(path) {
        Ok(file) => Ok((file, true)),
        Err(_) => File::open(path).map(|file| (file, false)),
    })
}

/// Opens a file for reading and writing.
pub(crate) fn open_to_write(path: &Path) -> Result<File, Error> {
    open(path, |path| File::options().read(true).write(true).open(path))
}

/// Tests that it is a regular file before it is opened.
fn open<T>(path: &Path, how: impl FnOnce(&Path) -> io::Result<T>) -> Result<T, Error> {
    let io = |source| Error::io("open", path, source);
    regular(std::fs::metadata(path).map_err(io)?, path)?;
    how(path).map_err(io)
}

/// What is known of an open file, which may be another than the one that was looked at before it was opened.
pub(crate) fn regular_metadata(file: &File, path: &Path) -> Result<Metadata, Error> {
    regular(file.metadata().map_err(|source| Error::io("read", path, source))?, path)
}

fn regular(metadata: Metadata, path: &Path) -> Result<Metadata, Error> {
    if metadata.is_file() { Ok(metadata) } else { Err(Error::NotAFile { path: path.into() }) }
}

/// Opens a file with `O_NOATIME`, which only its owner may do.
#[cfg(all(target_os = "linux", not(any(target_arch = "sparc64", target_arch = "sparc"))))]
fn without_access_time(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    const O_NOATIME: i32 = 0o1_000_000;
    File::options().read(true).custom_flags(O_NOATIME).open(path)
}

#[cfg(not(all(target_os = "linux", not(any(target_arch = "sparc64", target_arch = "sparc")))))]
fn without_access_time(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}
