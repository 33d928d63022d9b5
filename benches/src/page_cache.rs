//! Puts files into a known state of the page cache, and looks whether they are.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// A page that another processor has just touched may stay at first, and a kernel
/// that reclaims what looks unused may drop one at once.
const ATTEMPTS: usize = 10;

/// Drops every page of the file from the cache, and fails unless none is left.
pub fn evict(path: &Path) -> Result<()> {
    let file = open(path)?;
    // Dirty pages cannot be dropped.
    file.sync_all()?;
    let mut left = 0;
    for _ in 0..ATTEMPTS {
        // SAFETY: the descriptor is open; the call touches no memory of ours.
        let status = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        if status != 0 {
            return Err(io::Error::from_raw_os_error(status).into());
        }
        left = residency(&file)?.resident;
        if left == 0 {
            return Ok(());
        }
    }
    bail!("{left} pages of {} stay in the page cache", path.display())
}

/// Reads the whole file from the disk into the cache. A file that was just
/// written, or faulted in page by page, lies there in smaller pieces and is
/// slower to read; after this it always lies there the same way.
pub fn load(path: &Path) -> Result<()> {
    evict(path)?;
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..ATTEMPTS {
        let mut file = open(path)?;
        while file.read(&mut buffer)? > 0 {}
        if residency(&file)?.is_whole() {
            return Ok(());
        }
    }
    bail!("{} does not stay in the page cache", path.display())
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| path.display().to_string())
}

struct Residency {
    resident: usize,
    pages: usize,
}

impl Residency {
    fn is_whole(&self) -> bool {
        self.resident == self.pages
    }
}

/// Asks mincore over a mapping of which no byte is touched.
fn residency(file: &File) -> Result<Residency> {
    let length = usize::try_from(file.metadata()?.len())?;
    ensure!(length > 0, "the file is empty");
    // SAFETY: sysconf reads a constant of the system.
    let page_size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    let mut pages = vec![0_u8; length.div_ceil(page_size)];
    // SAFETY: a new mapping of an open file, at an address of the kernel's choice.
    let map = unsafe {
        let (protection, flags) = (libc::PROT_READ, libc::MAP_SHARED);
        libc::mmap(std::ptr::null_mut(), length, protection, flags, file.as_raw_fd(), 0)
    };
    if map == libc::MAP_FAILED {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: the mapping is `length` long, and the vector has a byte for each page of it.
    let status = unsafe { libc::mincore(map, length, pages.as_mut_ptr()) };
    let error = io::Error::last_os_error();
    // SAFETY: the mapping made above, of which no reference exists.
    unsafe { libc::munmap(map, length) };
    if status != 0 {
        return Err(error.into());
    }
    let resident = pages.iter().filter(|page| **page & 1 == 1).count();
    Ok(Residency { resident, pages: pages.len() })
}
