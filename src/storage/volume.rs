//! The file of an open database: where it is written to, and how it becomes something to read from.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::disk::{Disk, read_exact_at};
use super::{FileLock, Heap, Map, Medium};
use crate::error::Error;
use crate::format::Layout;

/// What a database is stored on.
#[derive(Debug)]
pub(crate) enum Volume {
    /// A locked file that is mapped.
    Mapped(Arc<FileLock>),
    /// A locked file that is read into memory.
    Read(FileLock),
    /// Any disk, read into memory.
    Disk(Arc<dyn Disk>),
    /// Bytes that are there already and never change.
    Bytes,
}

impl Volume {
    fn locked(&self) -> Option<&FileLock> {
        match self {
            Volume::Mapped(file) => Some(file),
            Volume::Read(file) => Some(file),
            Volume::Disk(_) | Volume::Bytes => None,
        }
    }

    /// The file, where it is one.
    pub(crate) fn file(&self) -> Option<&File> {
        self.locked().map(FileLock::file)
    }

    /// What is written to; nothing for bytes that never change.
    pub(crate) fn writable(&self) -> Option<&dyn Disk> {
        match self {
            Volume::Disk(disk) => Some(&**disk),
            _ => self.file().map(|file| file as &dyn Disk),
        }
    }

    /// The same, for whoever has made sure of it.
    pub(crate) fn target(&self) -> Result<&dyn Disk, Error> {
        self.writable().ok_or(Error::ReadOnly)
    }

    /// The first `size` bytes as something to read from.
    pub(crate) fn medium(&self, size: u64, layout: Layout) -> Result<Medium, Error> {
        match self {
            Volume::Mapped(file) => Ok(Medium::Map(Map::new(Arc::clone(file), size, layout.run_bytes(2)))),
            _ => self.copy(size),
        }
    }

    /// The first `size` bytes in memory.
    pub(crate) fn copy(&self, size: u64) -> Result<Medium, Error> {
        let no_memory = || self.error("read", std::io::ErrorKind::OutOfMemory.into());
        let len = usize::try_from(size).map_err(|_| no_memory())?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| no_memory())?;
        bytes.resize(len, 0);
        read_exact_at(self.target()?, &mut bytes, 0).map_err(|source| self.error("read", source))?;
        Ok(Medium::Heap(Heap::new(bytes)))
    }

    /// Whether a medium goes on showing what is written to the volume, as far as it reaches.
    pub(crate) fn follows(&self) -> bool {
        matches!(self, Volume::Mapped(_))
    }

    /// An error of the system about this volume.
    pub(crate) fn error(&self, op: &'static str, source: std::io::Error) -> Error {
        Error::io(op, self.locked().map_or(Path::new(""), FileLock::path), source)
    }
}
