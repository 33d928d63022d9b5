//! Opening regular files, and nothing else: a pipe would block.
//!
//! Whoever only reads leaves no trace, not even in the time of the last access.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use crate::error::Error;

/// Opens a file for reading so that not even the time of its last access changes, where the system lets the caller ask
/// for that; the answer says whether it does.
pub(crate) fn open_untouched(path: &Path) -> Result<(File, Metadata, bool), Error> {
    let mut untouched = true;
    let (file, meta) = open(path, |path| {
        without_access_time(path).or_else(|_| {
            untouched = false;
            File::open(path)
        })
    })?;
    Ok((file, meta, untouched))
}

/// Opens a file for reading and writing.
pub(crate) fn open_to_write(path: &Path) -> Result<File, Error> {
    open(path, |path| File::options().read(true).write(true).open(path)).map(|(file, _)| file)
}

/// Tests that it is a regular file before it is opened, and that it is one then.
fn open(path: &Path, how: impl FnOnce(&Path) -> io::Result<File>) -> Result<(File, Metadata), Error> {
    let io = |source| Error::io("open", path, source);
    let regular = |meta: Metadata| if meta.is_file() { Ok(meta) } else { Err(Error::NotAFile { path: path.into() }) };
    regular(std::fs::metadata(path).map_err(io)?)?;
    let file = how(path).map_err(io)?;
    let meta = regular(file.metadata().map_err(io)?)?;
    Ok((file, meta))
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
