//! Making a file a database, whole or not at all.
//!
//! A new file is made under another name in the same directory, locked, filled and synced, and only then linked to its
//! name: whoever finds it there finds a database, and whoever was quicker wins. Where there are no hard links, and for a
//! file that is there and empty or whose creation never finished, the pages are written in place under the lock, the
//! metas last, so that a creation that stops is recognised by the next one.

use std::borrow::Borrow;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use super::open::new_layout;
use super::options::OpenOptions;
use crate::error::{Error, Result};
use crate::format::{Layout, PageId, encode_blank_meta};
use crate::storage::{Directory, Disk, Temporary, has_no_links, initial_image, parent, read_up_to, unfinished, write_all_at};

/// How a file is locked: waiting for as long as this says, or for ever. What holds the lock lends the file.
pub(super) type Lock<'l, F, L> = &'l dyn Fn(F, Option<Duration>) -> Result<L>;

/// Opens a file for writing and locks it; makes it where there is none.
pub(super) fn open_or_create<D: Directory, L: Borrow<D::File>>(
    options: &OpenOptions,
    directory: &D,
    path: &Path,
    lock: Lock<'_, D::File, L>,
) -> Result<L> {
    if options.create
        && let Some(path) = directory.vacant(path).map_err(|e| Error::io("open", path, e))?
        && let Some(locked) = create(options, directory, &path, lock)?
    {
        return Ok(locked);
    }
    let locked = lock(directory.open(path)?, options.lock_timeout)?;
    if options.create {
        finish(locked.borrow(), options).map_err(|e| at(e, path))?;
    }
    Ok(locked)
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

/// Writes the first state: the metas last, once the pages they lead to and the headers of their own are durable.
fn initialise(disk: &dyn Disk, layout: Layout) -> io::Result<()> {
    let image = initial_image(layout).map_err(|e| io::Error::new(ErrorKind::InvalidInput, e))?;
    let end = usize::try_from(layout.offset(PageId(2))).unwrap_or(usize::MAX).min(image.len());
    let (metas, rest) = image.split_at(end);
    let blank = [PageId(0), PageId(1)].map(|page| encode_blank_meta(page, layout)).concat();
    disk.set_len(image.len() as u64)?;
    write_all_at(disk, &[&blank, rest].concat(), 0)?;
    disk.sync_all()?;
    write_all_at(disk, metas, 0)?;
    disk.sync_all()
}

/// Makes a new file and links it to its name; `None` where another was quicker or the name can have no second one.
fn create<D: Directory, L: Borrow<D::File>>(
    options: &OpenOptions,
    directory: &D,
    path: &Path,
    lock: Lock<'_, D::File, L>,
) -> Result<Option<L>> {
    let failed = |source| Error::io("create", path, source);
    let layout = new_layout(options)?;
    let (file, temporary) = Temporary::beside(directory, path, options.mode).map_err(failed)?;
    let locked = lock(file, None)?;
    initialise(locked.borrow(), layout).map_err(failed)?;
    match directory.link(temporary.path(), path) {
        Ok(()) => {
            drop(temporary);
            directory.sync(parent(path)).map_err(failed)?;
            Ok(Some(locked))
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(e) if !has_no_links(&e) => Err(failed(e)),
        Err(_) => {
            // An empty file, to be filled in place.
            match directory.create_new(path, options.mode) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(failed(e)),
                _ => directory.sync(parent(path)).map_err(failed).map(|()| None),
            }
        }
    }
}

fn at(error: Error, path: &Path) -> Error {
    match error {
        Error::Io { op, source, .. } => Error::io(op, path, source),
        other => other,
    }
}
