//! The crate's only `unsafe`: a slice over a page run of a mapped file, and two hints, that memory will be read and that
//! what was written can go to the disk.
//!
//! Invariants: the mapping covers exactly the bytes that the file had when its length was taken, and no slice ever
//! covers a meta page, the only bytes that a Bolt writer rewrites in place while they are in use.
//!
//! A file is mapped with the first page that is read from it: mapping and unmapping cost as much as all else that is done
//! to open a file, look at its metas and close it.

use std::fmt;
use std::fs::File;
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use memmap2::{MmapOptions, MmapRaw};

use super::{FileLock, Storage, short};
use crate::error::{Corruption, CorruptionKind, Error};

#[cold]
fn a_meta_page(offset: u64) -> Error {
    Corruption { kind: CorruptionKind::MetaPageReferenced, page: None, offset: Some(offset) }.into()
}

/// What the processor fetches at once.
const CACHE_LINE: u64 = 64;

/// A read-only, shared mapping of a locked file.
pub(crate) struct Map {
    file: Arc<FileLock>,
    size: u64,
    /// The offset of the first byte behind the meta pages.
    first: u64,
    raw: OnceLock<MmapRaw>,
    /// Where `raw` begins and how long it is; of no length before there is one. To look into the cell at every page would
    /// make looking up a key 2 to 3 % slower.
    start: AtomicPtr<u8>,
    len: AtomicUsize,
}

impl Map {
    /// The first `size` bytes of a file that is at least this long; `first` is where page 2 begins.
    pub(crate) fn new(file: Arc<FileLock>, size: u64, first: u64) -> Map {
        Map { file, size, first, raw: OnceLock::new(), start: AtomicPtr::default(), len: AtomicUsize::new(0) }
    }

    /// The same as [`run`](Storage::run), once the file is mapped.
    #[cold]
    fn map_and_run(&self, offset: u64, len: u64) -> Result<&[u8], Error> {
        match offset.checked_add(len) {
            Some(_) if offset < self.first => return Err(a_meta_page(offset)),
            Some(end) if end <= self.size => {}
            _ => return Err(short(offset, len, self.size)),
        }
        let raw = match self.raw.get() {
            Some(raw) => raw,
            None => {
                let raw = self.map().map_err(|source| Error::io("map", self.file.path(), source))?;
                // Where two threads come here at once, one of the two mappings is dropped.
                self.raw.get_or_init(|| raw)
            }
        };
        self.start.store(raw.as_mut_ptr(), Ordering::Relaxed);
        self.len.store(raw.len(), Ordering::Release);
        self.run(offset, len)
    }

    fn map(&self) -> io::Result<MmapRaw> {
        let len = usize::try_from(self.size).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        MmapOptions::new().len(len).map_raw_read_only(self.file.file())
    }
}

impl Storage for Map {
    type Run<'s> = &'s [u8];

    fn size(&self) -> u64 {
        self.size
    }

    #[inline]
    fn run(&self, offset: u64, len: u64) -> Result<&[u8], Error> {
        let size = self.len.load(Ordering::Acquire);
        match offset.checked_add(len) {
            Some(end) if offset >= self.first && end <= size as u64 => {}
            _ => return self.map_and_run(offset, len),
        }
        let start = self.start.load(Ordering::Relaxed);
        // SAFETY:
        // 1. `size` is not zero here, as `offset >= first > 0`. So `len` was stored by `map_and_run`, after `start`, and
        //    both are those of `raw`, which maps `size` bytes from `start` on. Its cell, once filled, keeps it until
        //    `self` is dropped, which the returned borrow never outlives.
        // 2. `offset <= end <= size` by the match above, and `size` is a `usize`, so the pointer and the length
        //    stay inside that one allocation and neither conversion truncates; `size <= isize::MAX` as for
        //    every mapping.
        // 3. `u8` has alignment 1 and no invalid values; file bytes are initialised.
        // 4. The bytes do not change while the borrow lives: the range lies behind the meta pages; nothing is written
        //    through the map; this program's writer, which writes by position, takes no page that a state in use
        //    reaches (`tree/allocator.rs`), and whoever holds a borrow holds its state; other Bolt programs take the
        //    lock that is held on this file and keep the same rule. What remains is a program that ignores the lock;
        //    `Db::open` says so.
        #[allow(unsafe_code)]
        let run = unsafe { std::slice::from_raw_parts(start.add(offset as usize), len as usize) };
        Ok(run)
    }

    #[inline]
    fn prefetch(&self, offset: u64, len: u64) {
        let size = self.len.load(Ordering::Acquire) as u64;
        if offset < size {
            let start = self.start.load(Ordering::Relaxed).wrapping_add(offset as usize);
            let lines = len.min(size - offset).div_ceil(CACHE_LINE) as usize;
            (0..lines).for_each(|line| fetch_line(start.wrapping_add(line * CACHE_LINE as usize)));
        }
    }
}

/// Says that a value in memory will be looked at soon.
#[inline]
pub(crate) fn prefetch_value<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    (0..size_of::<T>()).step_by(CACHE_LINE as usize).for_each(|offset| fetch_line(start.wrapping_add(offset)));
}

/// Asks the processor to bring one line of memory into its caches.
#[cfg(target_arch = "x86_64")]
#[inline]
fn fetch_line(at: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY:
    // 1. A prefetch reads nothing as far as the program can tell and faults on no address, mapped or not.
    // 2. It needs SSE, which every x86-64 processor has.
    #[allow(unsafe_code)]
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
}

/// There is no stable hint on this processor; pages are fetched as they are touched.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn fetch_line(_: *const u8) {}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({} bytes)", self.size)
    }
}

/// Begins to bring a part of a file to the disk, and waits for none of it. A system that does not let a program ask for
/// that, or a file system without it, is none the worse.
#[cfg(target_os = "linux")]
pub(super) fn start_writeback(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let too_large = |_| io::Error::from(io::ErrorKind::FileTooLarge);
    let (offset, len) = (i64::try_from(offset).map_err(too_large)?, i64::try_from(len).map_err(too_large)?);
    // SAFETY:
    // 1. The call takes numbers only. It touches no memory of this program and closes nothing.
    // 2. The descriptor is open for as long as `file` is borrowed.
    #[allow(unsafe_code)]
    let failed = unsafe { libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE) } != 0;
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EPERM | libc::EINVAL | libc::ESPIPE) => Ok(()),
        _ if failed => Err(error),
        _ => Ok(()),
    }
}

/// There is no such call on this system; its pages go out when they are synced.
#[cfg(not(target_os = "linux"))]
pub(super) fn start_writeback(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write};
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::storage::LockMode;

    fn map_of(bytes: &[u8], first: u64) -> Map {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let lock = FileLock::acquire(file.into_file(), Path::new("x"), LockMode::Shared, Some(Duration::ZERO)).unwrap();
        Map::new(Arc::new(lock), bytes.len() as u64, first)
    }

    #[test]
    fn a_file_is_mapped_with_the_first_page_that_is_read() {
        let map = map_of(b"headmetabody", 8);
        assert!(matches!(map.run(0, 4), Err(Error::Corrupt(e)) if e.kind == CorruptionKind::MetaPageReferenced));
        assert!(map.run(8, 5).is_err() && map.run(u64::MAX, 2).is_err());
        map.prefetch(8, 4);
        assert!(map.raw.get().is_none());
        assert_eq!(map.run(8, 4).unwrap(), b"body");
        assert!(map.raw.get().is_some());
        assert!(map.run(0, 4).is_err() && map.run(8, 5).is_err() && map.run(u64::MAX, 2).is_err());
        map.prefetch(8, 400);
    }

    #[test]
    fn writing_back_can_be_asked_for_of_any_file_and_any_part_of_it() {
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(&[7; 100_000]).unwrap();
        for (offset, len) in [(0, 0), (0, 100_000), (4096, 4096), (99_999, 1 << 40)] {
            start_writeback(&file, offset, len).unwrap();
        }
        if cfg!(target_os = "linux") {
            // A stream has no parts.
            start_writeback(&File::open("/dev/null").unwrap(), 0, 1).unwrap();
            assert_eq!(start_writeback(&file, u64::MAX, 1).unwrap_err().kind(), ErrorKind::FileTooLarge);
        }
    }

    #[test]
    fn threads_that_read_the_first_page_at_once_all_read_it() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3 << 12).collect();
        for _ in 0..500 {
            let map = map_of(&bytes, 2 << 12);
            std::thread::scope(|scope| {
                let read = || scope.spawn(|| map.run(2 << 12, 1 << 12).unwrap() == &bytes[2 << 12..]);
                let readers = [read(), read(), read(), read()];
                assert!(readers.into_iter().all(|reader| reader.join().unwrap()));
            });
        }
    }
}
