//! A file read by position into a bounded cache.
//!
//! Invariants: nothing here writes, locks or maps; at most [`CACHED_PAGES`] pages are kept beside the run in
//! use; a run is allocated only after its length was held against the file's, so a claim in the file can never
//! make memory grow past the file itself.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::probe::probe;
use super::{Storage, short};
use crate::error::Error;
use crate::format::{Layout, MetaPair, SharedBytes};

/// How many pages the cache keeps.
const CACHED_PAGES: u64 = 1024;

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

/// Opens a regular file for reading. Anything else is refused before it is opened: a pipe would block.
pub(crate) fn open_regular(path: &Path, write: bool) -> Result<(File, Metadata), Error> {
    let io = |source| Error::io("open", path, source);
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(Error::NotAFile { path: path.into() });
    }
    let file = File::options().read(true).write(write).open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if !meta.is_file() {
        return Err(Error::NotAFile { path: path.into() });
    }
    Ok((file, meta))
}

/// Both metas of a file, read by position.
pub(crate) fn read_metas(file: &File, path: &Path, size: u64) -> Result<(MetaPair, Layout), Error> {
    probe(size, &|offset, buffer| read_up_to(file, path, offset, buffer))
}

/// All bytes of a file of this length.
pub(crate) fn read_all(file: &File, path: &Path, size: u64) -> Result<Arc<[u8]>, Error> {
    let len = usize::try_from(size).map_err(|_| short(0, size, 0))?;
    let mut buffer: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
    let filled = match Arc::get_mut(&mut buffer) {
        Some(bytes) => read_up_to(file, path, 0, bytes)?,
        None => 0,
    };
    if filled < len { Err(short(0, size, filled as u64)) } else { Ok(buffer) }
}

/// Fills as much of `buffer` as the file has, from `offset` on.
fn read_up_to(file: &File, path: &Path, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = buffer.get_mut(filled..).unwrap_or_default();
        match read_at(file, rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("read", path, e)),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// A file, its runs read by position.
pub(crate) struct PagedFile {
    file: File,
    path: PathBuf,
    size: u64,
    page_size: u64,
    cache: Mutex<Cache>,
}

impl PagedFile {
    pub(crate) fn new(file: File, path: PathBuf, size: u64, layout: Layout) -> PagedFile {
        PagedFile { file, path, size, page_size: layout.page_size.bytes(), cache: Mutex::default() }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The first bytes of the file, past the cache and as fast as can be.
    pub(crate) fn read_start(&self, len: u64) -> Result<Vec<u8>, Error> {
        let mut buffer = vec![0; usize::try_from(len).map_err(|_| short(0, len, self.size))?];
        match read_up_to(&self.file, &self.path, 0, &mut buffer)? {
            filled if filled < buffer.len() => Err(short(0, len, filled as u64)),
            _ => Ok(buffer),
        }
    }

    fn read(&self, offset: u64, len: u64) -> Result<SharedBytes, Error> {
        let end = offset.checked_add(len).filter(|end| *end <= self.size);
        let len = end.and(usize::try_from(len).ok()).ok_or_else(|| short(offset, len, self.size))?;
        let mut buffer: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
        let filled = match Arc::get_mut(&mut buffer) {
            Some(bytes) => read_up_to(&self.file, &self.path, offset, bytes)?,
            None => 0,
        };
        if filled < len {
            return Err(short(offset, len as u64, offset.saturating_add(filled as u64)));
        }
        Ok(SharedBytes::new(buffer))
    }
}

impl Storage for PagedFile {
    type Run<'s> = SharedBytes;

    fn size(&self) -> u64 {
        self.size
    }

    fn run(&self, offset: u64, len: u64) -> Result<SharedBytes, Error> {
        // A panic while the cache is locked can leave no half-made entry behind.
        let cached = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(offset, len);
        if let Some(run) = cached {
            return Ok(run);
        }
        let run = self.read(offset, len)?;
        let pages = len.div_ceil(self.page_size);
        if pages <= CACHED_PAGES {
            self.cache.lock().unwrap_or_else(PoisonError::into_inner).put(offset, run.clone(), pages);
        }
        Ok(run)
    }
}

impl std::fmt::Debug for PagedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PagedFile({}, {} bytes)", self.path.display(), self.size)
    }
}

/// Runs by offset; the one not used for longest goes first.
#[derive(Default)]
struct Cache {
    runs: HashMap<u64, Cached>,
    by_age: BTreeMap<u64, u64>,
    clock: u64,
    pages: u64,
}

struct Cached {
    run: SharedBytes,
    pages: u64,
    age: u64,
}

impl Cache {
    fn get(&mut self, offset: u64, len: u64) -> Option<SharedBytes> {
        let cached = self.runs.get_mut(&offset).filter(|cached| cached.run.len() as u64 == len)?;
        self.by_age.remove(&cached.age);
        self.clock += 1;
        cached.age = self.clock;
        self.by_age.insert(self.clock, offset);
        Some(cached.run.clone())
    }

    fn put(&mut self, offset: u64, run: SharedBytes, pages: u64) {
        self.remove(offset);
        while self.pages + pages > CACHED_PAGES {
            let Some((_, oldest)) = self.by_age.first_key_value() else { break };
            self.remove(*oldest);
        }
        self.clock += 1;
        self.by_age.insert(self.clock, offset);
        self.runs.insert(offset, Cached { run, pages, age: self.clock });
        self.pages += pages;
    }

    fn remove(&mut self, offset: u64) {
        if let Some(old) = self.runs.remove(&offset) {
            self.by_age.remove(&old.age);
            self.pages -= old.pages;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(byte: u8, len: usize) -> SharedBytes {
        SharedBytes::new(vec![byte; len].into())
    }

    #[test]
    fn the_cache_drops_what_was_not_used_for_longest() {
        let mut cache = Cache::default();
        for offset in 0..CACHED_PAGES {
            cache.put(offset, run(1, 1), 1);
        }
        assert!(cache.get(0, 1).is_some());
        cache.put(CACHED_PAGES, run(2, 1), 1);
        assert!(cache.get(0, 1).is_some(), "used a moment ago");
        assert!(cache.get(1, 1).is_none(), "the oldest");
        assert_eq!(cache.pages, CACHED_PAGES);
    }

    #[test]
    fn the_cache_never_keeps_more_pages_than_it_may() {
        let mut cache = Cache::default();
        for i in 0..5000_u64 {
            let pages = i % 300 + 1;
            cache.put(i % 700, run(0, 1), pages);
            assert!(cache.pages <= CACHED_PAGES);
            assert_eq!(cache.pages, cache.runs.values().map(|cached| cached.pages).sum::<u64>());
            assert_eq!(cache.runs.len(), cache.by_age.len());
        }
    }
}
