//! Making a file a database, whole or not at all.
//!
//! A new file is made under another name in the same directory, locked, filled and synced, and only then linked to its
//! name: whoever finds it there finds a database, and whoever was quicker wins. Where there are no hard links, and for a
//! file that is there and empty or whose creation never finished, the pages are written in place under the lock, the
//! metas last, so that a creation that stops is recognised by the next one.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::open::new_layout;
use super::options::OpenOptions;
use crate::error::{Error, Result};
use crate::format::{Layout, PageId};
use crate::storage::{Disk, FileLock, LockMode, initial_image, open_regular, read_up_to, unfinished, write_all_at};

/// Opens a file for writing and locks it; makes it where there is none.
pub(super) fn open_or_create(options: &OpenOptions, path: &Path) -> Result<FileLock> {
    if options.create && is_missing(path)? {
        let path = resolved(path);
        if let Some(lock) = create(options, &path)? {
            return Ok(lock);
        }
    }
    let (file, _) = open_regular(path, true)?;
    let lock = FileLock::acquire(file, path, LockMode::Exclusive, options.lock_timeout)?;
    if options.create {
        finish(lock.file(), options).map_err(|e| at(e, path))?;
    }
    Ok(lock)
}

/// Makes an empty or unfinished disk a database, and leaves any other as it is.
pub(super) fn finish(disk: &dyn Disk, options: &OpenOptions) -> Result<()> {
    let failed = |source| Error::io("create", "", source);
    let size = disk.size().map_err(failed)?;
    let layout = match size {
        0 => Some(new_layout(options)?),
        _ => unfinished(size, &|offset, buffer| read_up_to(disk, buffer, offset).map_err(failed))?,
    };
    layout.map_or(Ok(()), |layout| initialise(disk, layout).map_err(failed))
}

/// Writes the first state: the metas last, once the pages they lead to are durable.
fn initialise(disk: &dyn Disk, layout: Layout) -> io::Result<()> {
    let image = initial_image(layout).map_err(|e| io::Error::new(ErrorKind::InvalidInput, e))?;
    let metas = layout.offset(PageId(2));
    let (first, rest) = image.split_at(usize::try_from(metas).unwrap_or(usize::MAX).min(image.len()));
    disk.set_len(image.len() as u64)?;
    write_all_at(disk, rest, metas)?;
    disk.sync_all()?;
    write_all_at(disk, first, 0)?;
    disk.sync_all()
}

/// Makes a new file and links it to its name; `None` where another was quicker or the name can have no second one.
fn create(options: &OpenOptions, path: &Path) -> Result<Option<FileLock>> {
    let failed = |source| Error::io("create", path, source);
    let layout = new_layout(options)?;
    let (file, temporary) = Temporary::beside(path, options.mode).map_err(failed)?;
    let lock = FileLock::acquire(file, path, LockMode::Exclusive, None)?;
    initialise(lock.file(), layout).map_err(failed)?;
    match fs::hard_link(&temporary.0, path) {
        Ok(()) => {
            drop(temporary);
            sync_directory(path).map_err(failed)?;
            Ok(Some(lock))
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(_) => {
            // No hard links here: an empty file, to be filled in place.
            drop(with_mode(options.mode).open(path).map_err(failed)?);
            sync_directory(path).map_err(failed).map(|()| None)
        }
    }
}

/// A name that goes when this does.
struct Temporary(PathBuf);

impl Temporary {
    fn beside(path: &Path, mode: u32) -> io::Result<(File, Temporary)> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(format!(".{name}.unbolt-{}-{number}", process::id()));
        let file = with_mode(mode).create_new(true).open(&temporary)?;
        Ok((file, Temporary(temporary)))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Under a name that nobody looks for, it does no harm where it stays.
        let _ = fs::remove_file(&self.0);
    }
}

fn with_mode(mode: u32) -> fs::OpenOptions {
    let mut options = File::options();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options
}

fn is_missing(path: &Path) -> Result<bool> {
    match fs::metadata(path) {
        Ok(_) => Ok(false),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
        Err(e) => Err(Error::io("open", path, e)),
    }
}

/// Where a link that leads nowhere yet leads to, so that the file is made there and the link stays.
fn resolved(path: &Path) -> PathBuf {
    const LINKS: usize = 40;
    let mut at = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&at) else { break };
        at = at.parent().map_or(target.clone(), |parent| parent.join(&target));
    }
    at
}

/// Makes the entry of a file in its directory durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn at(error: Error, path: &Path) -> Error {
    match error {
        Error::Io { op, source, .. } => Error::io(op, path, source),
        other => other,
    }
}
