//! Opening a file so that no trace of it is left, not even in the time of its last access.

use std::fs::{File, Metadata};
use std::path::Path;

use crate::error::Error;

/// Opens a regular file for reading so that not even the time of its last access changes, where the system lets the
/// caller ask for that; the answer says whether it does.
pub(crate) fn open_untouched(path: &Path) -> Result<(File, Metadata, bool), Error> {
    let io = |source| Error::io("open", path, source);
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(Error::NotAFile { path: path.into() });
    }
    let (file, untouched) = match without_access_time(path) {
        Some(file) => (file, true),
        None => (File::open(path).map_err(io)?, false),
    };
    let meta = file.metadata().map_err(io)?;
    if !meta.is_file() {
        return Err(Error::NotAFile { path: path.into() });
    }
    Ok((file, meta, untouched))
}

/// Opens a file with `O_NOATIME`, which only its owner may do.
#[cfg(all(target_os = "linux", not(any(target_arch = "sparc64", target_arch = "sparc"))))]
fn without_access_time(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    const O_NOATIME: i32 = 0o1_000_000;
    File::options().read(true).custom_flags(O_NOATIME).open(path).ok()
}

#[cfg(not(all(target_os = "linux", not(any(target_arch = "sparc64", target_arch = "sparc")))))]
fn without_access_time(_: &Path) -> Option<File> {
    None
}
