//! Making a file a database.

use std::fs::File;
use std::io;
use std::path::Path;

use super::open::new_layout;
use super::options::OpenOptions;
use crate::error::{Error, Result};
use crate::format::{Layout, Meta, PageId, TxId, encode_freelist, encode_leaf, encode_meta};
use crate::storage::{Disk, FileLock, LockMode, open_regular, write_all_at};

/// Opens a file for writing and locks it; makes it where there is none.
pub(super) fn open_or_create(options: &OpenOptions, path: &Path) -> Result<FileLock> {
    if options.create && !path.exists() {
        drop(File::create(path).map_err(|source| Error::io("create", path, source))?);
    }
    let (file, _) = open_regular(path, true)?;
    let lock = FileLock::acquire(file, path, LockMode::Exclusive, options.lock_timeout)?;
    let empty = lock.file().metadata().is_ok_and(|metadata| metadata.len() == 0);
    if options.create && empty {
        initialise(lock.file(), new_layout(options)?).map_err(|source| Error::io("create", path, source))?;
    }
    Ok(lock)
}

/// Writes the first state to an empty disk: the metas last, once the pages they lead to are durable.
pub(super) fn initialise(disk: &dyn Disk, layout: Layout) -> io::Result<()> {
    let page = |id: PageId| layout.offset(id);
    let invalid = |e| io::Error::new(io::ErrorKind::InvalidInput, e);
    disk.set_len(layout.run_bytes(4))?;
    write_all_at(disk, &encode_freelist(PageId(2), &[], 1, layout).map_err(invalid)?, page(PageId(2)))?;
    write_all_at(disk, &encode_leaf(PageId(3), &[], layout).map_err(invalid)?, page(PageId(3)))?;
    disk.sync_all()?;
    for txid in [0, 1] {
        let meta = Meta {
            endian: layout.endian,
            page_size: layout.page_size.get(),
            flags: 0,
            root: PageId(3),
            root_sequence: 0,
            freelist: Some(PageId(2)),
            high_water: PageId(4),
            txid: TxId(txid),
        };
        write_all_at(disk, &encode_meta(PageId(txid), &meta, layout), page(PageId(txid)))?;
    }
    disk.sync_all()
}
