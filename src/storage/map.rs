//! The crate's only `unsafe`: a slice over a page run of a mapped file, and a hint that memory will be read.
//!
//! Invariants: the mapping covers exactly the bytes that the file had when it was mapped, and no slice ever
//! covers a meta page, the only bytes that a Bolt writer rewrites in place while they are in use.

use std::fmt;
use std::fs::File;
use std::io;

use memmap2::{MmapOptions, MmapRaw};

use super::{Storage, short};
use crate::error::{Corruption, CorruptionKind, Error};

#[cold]
fn a_meta_page(offset: u64) -> Error {
    Corruption { kind: CorruptionKind::MetaPageReferenced, page: None, offset: Some(offset) }.into()
}

/// What the processor fetches at once.
const CACHE_LINE: u64 = 64;

/// A read-only, shared mapping of a file.
pub(crate) struct Map {
    raw: MmapRaw,
    /// The offset of the first byte behind the meta pages.
    first: u64,
}

impl Map {
    /// Maps `len` bytes of a file that is locked and at least this long; `first` is where page 2 begins.
    pub(crate) fn new(file: &File, len: u64, first: u64) -> io::Result<Map> {
        let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(Map { raw: MmapOptions::new().len(len).map_raw_read_only(file)?, first })
    }
}

impl Storage for Map {
    type Run<'s> = &'s [u8];

    fn size(&self) -> u64 {
        self.raw.len() as u64
    }

    #[inline]
    fn run(&self, offset: u64, len: u64) -> Result<&[u8], Error> {
        let size = self.size();
        match offset.checked_add(len) {
            Some(end) if offset >= self.first && end <= size => {}
            Some(_) if offset < self.first => return Err(a_meta_page(offset)),
            _ => return Err(short(offset, len, size)),
        }
        // SAFETY:
        // 1. `raw` maps `size` bytes from `as_ptr()` on and is neither unmapped nor moved before `self` is
        //    dropped, which the returned borrow outlives never.
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
        let run = unsafe { std::slice::from_raw_parts(self.raw.as_ptr().add(offset as usize), len as usize) };
        Ok(run)
    }

    #[inline]
    fn prefetch(&self, offset: u64, len: u64) {
        if offset < self.size() {
            let start = self.raw.as_ptr().wrapping_add(offset as usize);
            let lines = len.min(self.size() - offset).div_ceil(CACHE_LINE) as usize;
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
        write!(f, "Map({} bytes)", self.raw.len())
    }
}
