//! A file read by position into a bounded cache.
//!
//! Invariants: nothing here writes, locks or maps; a run is allocated only after its length was held against the
//! file's, so a claim in the file can never make memory grow past the file itself; memory that there is not is an
//! error, since a file with holes can be longer than any memory.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::cache::Cache;
use super::disk::{Disk, read_up_to};
use super::probe::probe;
use super::{Storage, short};
use crate::error::Error;
use crate::format::{Buffer, Bytes, Layout, MetaPair, SharedBytes};

/// A file by what it is rather than by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    pub(crate) fn of(meta: &Metadata) -> FileId {
        use std::os::unix::fs::MetadataExt;
        FileId(meta.dev(), meta.ino())
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> FileId {
        FileId(0, 0)
    }

    /// The device and the number of the file on it.
    #[cfg(target_os = "linux")]
    pub(crate) fn device_and_inode(self) -> (u64, u64) {
        (self.0, self.1)
    }
}

/// Whether a path leads to an open file, which has this metadata. Where files cannot be told apart it never does.
pub(crate) fn is_at(file: &Metadata, path: &Path) -> bool {
    cfg!(unix) && std::fs::metadata(path).is_ok_and(|there| FileId::of(&there) == FileId::of(file))
}

/// Both metas of a file, read by position.
pub(crate) fn read_metas(file: &File, path: &Path, size: u64) -> Result<(MetaPair, Layout), Error> {
    probe(size, &|offset, buffer| read_up_to(file, buffer, offset).map_err(|e| Error::io("read", path, e)))
}

/// Both metas of a disk.
pub(crate) fn read_disk_metas(disk: &dyn Disk, size: u64) -> Result<(MetaPair, Layout), Error> {
    probe(size, &|offset, buffer| read_up_to(disk, buffer, offset).map_err(|e| Error::io("read", "", e)))
}

/// The bytes from `offset` on, exactly `len` of them.
fn read_exact(file: &File, path: &Path, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
    let no_memory = || Error::io("read", path, ErrorKind::OutOfMemory.into());
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(len).map_err(|_| no_memory())?).map_err(|_| no_memory())?;
    // Memory is touched as it is filled, so what is not in the file after all costs nothing.
    let filled = FileFrom { file, offset }.take(len).read_to_end(&mut bytes).map_err(|e| Error::io("read", path, e))?;
    let filled = filled as u64;
    if filled < len { Err(short(offset, len, offset.saturating_add(filled))) } else { Ok(bytes) }
}

/// A file from an offset on, as a stream of its own.
struct FileFrom<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for FileFrom<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read_at(buffer, self.offset)?;
        self.offset = self.offset.saturating_add(n as u64);
        Ok(n)
    }
}

/// How much is read at once where pages are asked for in the order of the file.
const AHEAD: u64 = 64 << 10;

/// A file, its runs read by position.
pub(crate) struct PagedFile {
    file: File,
    path: PathBuf,
    size: u64,
    kept: Mutex<Kept>,
}

/// What was read and may be asked for again, or next.
struct Kept {
    cache: Cache,
    /// The block that was read last, and where it begins: a run, or as many pages as are read ahead.
    block: (u64, SharedBytes),
}

impl Kept {
    fn get(&mut self, offset: u64, len: u64) -> Option<SharedBytes> {
        self.cache.get(offset, len).or_else(|| {
            let run = self.in_block(offset, len)?;
            self.cache.put(offset, run.clone());
            Some(run)
        })
    }

    fn in_block(&self, offset: u64, len: u64) -> Option<SharedBytes> {
        let start = usize::try_from(offset.checked_sub(self.block.0)?).ok()?;
        self.block.1.part(start..start.checked_add(usize::try_from(len).ok()?)?)
    }

    /// Whether a run begins where the last block ended.
    fn follows(&self, offset: u64) -> bool {
        self.block.0.checked_add(self.block.1.len() as u64) == Some(offset)
    }

    fn put(&mut self, offset: u64, block: SharedBytes, run: &SharedBytes) {
        self.cache.put(offset, run.clone());
        self.block = (offset, block);
    }
}

impl PagedFile {
    pub(crate) fn new(file: File, path: PathBuf, size: u64, layout: Layout) -> PagedFile {
        let kept = Kept { cache: Cache::new(layout.page_size), block: (0, SharedBytes::of(Buffer::from(Vec::new()))) };
        PagedFile { file, path, size, kept: Mutex::new(kept) }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The first bytes of the file, past the cache and as fast as can be.
    pub(crate) fn read_start(&self, len: u64) -> Result<Vec<u8>, Error> {
        read_exact(&self.file, &self.path, 0, len)
    }
}

impl Storage for PagedFile {
    type Run<'s> = SharedBytes;

    fn size(&self) -> u64 {
        self.size
    }

    fn run(&self, offset: u64, len: u64) -> Result<SharedBytes, Error> {
        // A panic while this is locked can leave no half-made entry behind.
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = kept().get(offset, len) {
            return Ok(run);
        }
        let left = self.size.checked_sub(offset).filter(|left| len <= *left);
        let left = left.ok_or_else(|| short(offset, len, self.size))?;
        let wanted = if kept().follows(offset) { len.max(AHEAD.min(left)) } else { len };
        let block = SharedBytes::of(Buffer::from(read_exact(&self.file, &self.path, offset, wanted)?));
        let run = usize::try_from(len).ok().and_then(|len| block.part(0..len));
        let run = run.ok_or_else(|| short(offset, len, self.size))?;
        kept().put(offset, block, &run);
        Ok(run)
    }
}

impl std::fmt::Debug for PagedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PagedFile({}, {} bytes)", self.path.display(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_there_is_not_is_an_error() {
        let file = File::open("testdata/golden/V0.db").unwrap();
        let read = |len| read_exact(&file, Path::new("V0.db"), 0, len);
        assert_eq!(read(16384).unwrap().len(), 16384);
        // More than any address space has.
        for len in [1 << 62, u64::MAX] {
            match read(len) {
                Err(Error::Io { op: "read", source, .. }) => assert_eq!(source.kind(), ErrorKind::OutOfMemory),
                other => panic!("{:?}", other.map(|bytes| bytes.len())),
            }
        }
    }
}
