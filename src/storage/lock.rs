//! The lock that every Bolt program takes: `flock(2)` on the database file itself.
//!
//! Exclusive for those who write, shared for those who read through the engine. It is asked for without
//! blocking, every 50 ms up to the timeout, as Go does; a timeout of zero is one try. `fs2` is called by full
//! path because the standard library has methods of the same names and promises no particular lock.

use std::borrow::Borrow;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Holder};

const RETRY: Duration = Duration::from_millis(50);

/// How a file is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockMode {
    /// Beside other readers.
    Shared,
    /// Alone.
    Exclusive,
}

/// A locked file. The lock ends when this is dropped.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    path: Box<Path>,
}

impl FileLock {
    /// Locks a file, waiting for as long as `timeout` says, or for ever where it says nothing.
    pub(crate) fn acquire(file: File, path: &Path, mode: LockMode, timeout: Option<Duration>) -> Result<FileLock, Error> {
        let start = Instant::now();
        loop {
            let tried = match mode {
                LockMode::Shared => fs2::FileExt::try_lock_shared(&file),
                LockMode::Exclusive => fs2::FileExt::try_lock_exclusive(&file),
            };
            match tried {
                Ok(()) => return Ok(FileLock { file, path: path.into() }),
                Err(e) if e.raw_os_error() != fs2::lock_contended_error().raw_os_error() => {
                    return Err(Error::io("lock", path, e));
                }
                Err(_) => {}
            }
            let waited = start.elapsed();
            let left = timeout.map(|timeout| timeout.saturating_sub(waited));
            if left == Some(Duration::ZERO) {
                return Err(Error::Locked { path: path.into(), waited, holders: lock_holders(path) });
            }
            std::thread::sleep(left.map_or(RETRY, |left| left.min(RETRY)));
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The name under which it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Borrow<File> for FileLock {
    fn borrow(&self) -> &File {
        &self.file
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file alone would leave the lock to a process that is just being started, which shares every open
        // file until it has become its own program. Where this fails, closing ends the lock.
        let _ = fs2::FileExt::unlock(&self.file);
    }
}

/// The processes that hold a `flock` on a file, as far as `/proc/locks` tells. Takes no lock itself.
///
/// Empty where nobody holds one, where the system has no `/proc/locks`, and where the holder lives in another
/// pid namespace.
#[cfg(target_os = "linux")]
pub fn lock_holders(path: &Path) -> Vec<Holder> {
    let Ok(meta) = std::fs::metadata(path) else { return Vec::new() };
    let (device, inode) = super::FileId::of(&meta).device_and_inode();
    let Ok(table) = std::fs::read_to_string("/proc/locks") else { return Vec::new() };
    table.lines().filter_map(|line| holder(line, device, inode)).collect()
}

/// The processes that hold a lock on a file; this system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn lock_holders(_: &Path) -> Vec<Holder> {
    Vec::new()
}

/// A line such as `1: FLOCK  ADVISORY  WRITE 1234 fe:00:56789 0 EOF`.
#[cfg(target_os = "linux")]
fn holder(line: &str, device: u64, inode: u64) -> Option<Holder> {
    let mut words = line.split_ascii_whitespace().skip(1);
    if words.next() != Some("FLOCK") {
        return None;
    }
    let exclusive = words.nth(1)? == "WRITE";
    let pid: u32 = words.next()?.parse().ok()?;
    let mut file = words.next()?.split(':');
    let major = u64::from_str_radix(file.next()?, 16).ok()?;
    let minor = u64::from_str_radix(file.next()?, 16).ok()?;
    if (major, minor) != major_and_minor(device) || file.next()?.parse() != Ok(inode) {
        return None;
    }
    let command = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned());
    Some(Holder { pid, command, exclusive })
}

/// Linux packs a device number as 32 bits of minor (20 used) around 12 of major, the rest above.
#[cfg(target_os = "linux")]
pub(super) fn major_and_minor(device: u64) -> (u64, u64) {
    let major = (device >> 8 & 0xfff) | (device >> 32 & !0xfff);
    let minor = (device & 0xff) | (device >> 12 & !0xff);
    (major, minor & 0xffff_ffff)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_though_another_process_shares_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || File::options().read(true).write(true).open(file.path()).unwrap();
        let locked = open();
        // What a process that is being started has of it.
        let shared = locked.try_clone().unwrap();
        let lock = |file| FileLock::acquire(file, Path::new("x"), LockMode::Exclusive, Some(Duration::ZERO));
        let first = lock(locked).unwrap();
        assert!(lock(open()).is_err());
        drop(first);
        assert!(lock(open()).is_ok());
        drop(shared);
    }

    #[test]
    fn a_line_of_the_lock_table_names_the_holder_of_its_file_only() {
        let line = "3: FLOCK  ADVISORY  WRITE 4194304 fe:00:25167 0 EOF";
        let found = holder(line, 0xfe00, 25167).unwrap();
        assert_eq!((found.pid, found.exclusive), (4194304, true));
        assert_eq!(holder(line, 0xfe00, 25168), None);
        assert_eq!(holder(line, 0xfe01, 25167), None);
        assert_eq!(holder("3: POSIX  ADVISORY  WRITE 1 fe:00:25167 0 EOF", 0xfe00, 25167), None);
        assert_eq!(holder("3: -> FLOCK  ADVISORY  WRITE 1 fe:00:25167 0 EOF", 0xfe00, 25167), None);
    }
}
