//! What a database is written to: positioned writes, a length, and syncs.
//!
//! Invariants: the engine changes a file through a [`Disk`] and in no other way, so what stands in for one sees
//! every change that there is. A call may do less than it was asked for; the loops over short transfers and
//! interruptions are here, and only here.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A file that a database writes to.
///
/// A [`File`] is one. What else implements this can keep a database in memory, record what is done to it, or fail
/// where a test wants it to. Reading and writing may transfer less than asked for and may be
/// [interrupted](ErrorKind::Interrupted): both are tried again. After any other error of a write or a sync nothing
/// is assumed about the bytes concerned.
pub trait Disk: fmt::Debug + Send + Sync {
    /// The length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Reads from `offset` on into a part of `buffer`, and says how many bytes; 0 only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes the first of these bytes at `offset`, and says how many. The disk grows where it has to, and what lies
    /// between its old end and `offset` is zero.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the disk to this length, or extends it by zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Says that what was written here stays as it is until the next sync, so that bringing it to the medium can begin.
    ///
    /// A hint: nothing is waited for, nothing is promised, and a disk with nothing to begin does nothing. An error says
    /// that what was written is lost, as that of a sync does.
    fn start_writeback(&self, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }

    /// Waits until every byte written is durable, and with it as much of the length as reading them needs.
    fn sync_data(&self) -> io::Result<()>;

    /// Waits until every byte written and the length are durable.
    fn sync_all(&self) -> io::Result<()>;
}

impl Disk for File {
    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        super::map::start_writeback(self, offset, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }
}

/// Writes all of these bytes at `offset`.
pub(crate) fn write_all_at(disk: &dyn Disk, bytes: &[u8], offset: u64) -> io::Result<()> {
    let (mut rest, mut offset) = (bytes, offset);
    while !rest.is_empty() {
        match disk.write_at(rest, offset) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => {
                rest = rest.get(n..).ok_or_else(too_much)?;
                offset = offset.saturating_add(n as u64);
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Fills as much of `buffer` as the disk has from `offset` on, and says how much.
pub(crate) fn read_up_to(disk: &dyn Disk, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = buffer.get_mut(filled..).unwrap_or_default();
        match disk.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    if filled > buffer.len() { Err(too_much()) } else { Ok(filled) }
}

/// Fills `buffer` from `offset` on; a disk that ends before is an error.
pub(crate) fn read_exact_at(disk: &dyn Disk, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    match read_up_to(disk, buffer, offset)? {
        n if n == buffer.len() => Ok(()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn too_much() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the disk says that it transferred more than it was asked to")
}

/// A disk in memory. A sync has nothing to do: what is written is there for as long as this is.
///
/// ```
/// use unbolt::{Disk, MemoryDisk};
/// let disk = MemoryDisk::new();
/// assert_eq!(disk.write_at(b"abc", 2)?, 3);
/// assert_eq!(disk.to_bytes(), b"\0\0abc");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct MemoryDisk {
    bytes: RwLock<Vec<u8>>,
}

impl MemoryDisk {
    /// A disk of no length.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// A copy of all bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.lock().clone()
    }

    /// Its bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    // No call below panics between two changes, so a poisoned lock guards nothing half-done.
    fn lock(&self) -> RwLockReadGuard<'_, Vec<u8>> {
        self.bytes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_mut(&self) -> RwLockWriteGuard<'_, Vec<u8>> {
        self.bytes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Vec<u8>> for MemoryDisk {
    fn from(bytes: Vec<u8>) -> MemoryDisk {
        MemoryDisk { bytes: RwLock::new(bytes) }
    }
}

impl Disk for MemoryDisk {
    fn size(&self) -> io::Result<u64> {
        Ok(self.lock().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.lock();
        let there = usize::try_from(offset).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
        let n = there.len().min(buffer.len());
        if let (Some(into), Some(from)) = (buffer.get_mut(..n), there.get(..n)) {
            into.copy_from_slice(from);
        }
        Ok(n)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
        let end = start.checked_add(bytes.len()).ok_or(ErrorKind::FileTooLarge)?;
        let mut all = self.lock_mut();
        if end > all.len() && !bytes.is_empty() {
            resize(&mut all, end)?;
        }
        if let Some(into) = all.get_mut(start..end) {
            into.copy_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
        resize(&mut self.lock_mut(), len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Memory that there is not is an error, as a full disk is.
fn resize(bytes: &mut Vec<u8>, len: usize) -> io::Result<()> {
    bytes.try_reserve(len.saturating_sub(bytes.len())).map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
    bytes.resize(len, 0);
    Ok(())
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryDisk({} bytes)", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use quickcheck::quickcheck;

    use super::*;

    /// A disk that moves at most three bytes at a time and is interrupted at every other call.
    #[derive(Debug, Default)]
    struct Reluctant {
        inner: MemoryDisk,
        calls: Mutex<u64>,
    }

    impl Reluctant {
        fn interrupted(&self) -> io::Result<()> {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            if *calls % 2 == 1 { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
        }
    }

    impl Disk for Reluctant {
        fn size(&self) -> io::Result<u64> {
            self.inner.size()
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.interrupted()?;
            let n = buffer.len().min(3);
            self.inner.read_at(&mut buffer[..n], offset)
        }

        fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
            self.interrupted()?;
            self.inner.write_at(&bytes[..bytes.len().min(3)], offset)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.inner.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.inner.sync_data()
        }

        fn sync_all(&self) -> io::Result<()> {
            self.inner.sync_all()
        }
    }

    /// A disk that answers every transfer with the same number.
    #[derive(Debug)]
    struct Claims(usize);

    impl Disk for Claims {
        fn size(&self) -> io::Result<u64> {
            Ok(0)
        }

        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Ok(self.0)
        }

        fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
            Ok(self.0)
        }

        fn set_len(&self, _: u64) -> io::Result<()> {
            Ok(())
        }

        fn sync_data(&self) -> io::Result<()> {
            Ok(())
        }

        fn sync_all(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The same steps on any disk: writes at small offsets, lengths where there are no bytes to write.
    fn run(disk: &dyn Disk, steps: &[(u8, Vec<u8>)]) {
        for (offset, bytes) in steps {
            match bytes.is_empty() {
                true => disk.set_len((*offset).into()).unwrap(),
                false => write_all_at(disk, bytes, (*offset).into()).unwrap(),
            }
        }
        disk.sync_data().unwrap();
        disk.sync_all().unwrap();
    }

    fn contents(disk: &dyn Disk) -> Vec<u8> {
        let mut bytes = vec![0xa5; usize::try_from(disk.size().unwrap()).unwrap()];
        read_exact_at(disk, &mut bytes, 0).unwrap();
        bytes
    }

    quickcheck! {
        fn every_disk_ends_up_with_the_bytes_that_a_file_has(steps: Vec<(u8, Vec<u8>)>) -> bool {
            let (file, memory, reluctant) = (tempfile::tempfile().unwrap(), MemoryDisk::new(), Reluctant::default());
            let disks: [&dyn Disk; 3] = [&file, &memory, &reluctant];
            disks.iter().for_each(|disk| run(*disk, &steps));
            let expected = contents(&file);
            disks.map(contents).iter().all(|found| *found == expected) && memory.to_bytes() == expected
        }

        fn a_disk_reads_as_far_as_it_goes(bytes: Vec<u8>, offset: u8, len: u8) -> bool {
            let (file, memory, reluctant) = (tempfile::tempfile().unwrap(), MemoryDisk::new(), Reluctant::default());
            let len = usize::from(len);
            let expected: Vec<u8> = bytes.iter().copied().skip(offset.into()).take(len).collect();
            let disks: [&dyn Disk; 3] = [&file, &memory, &reluctant];
            disks.iter().all(|disk| {
                write_all_at(*disk, &bytes, 0).unwrap();
                let mut buffer = vec![0; len];
                let n = read_up_to(*disk, &mut buffer, offset.into()).unwrap();
                let whole = read_exact_at(*disk, &mut vec![0; len], offset.into()).map_err(|e| e.kind());
                buffer[..n] == expected && whole == if n == len { Ok(()) } else { Err(ErrorKind::UnexpectedEof) }
            })
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_or_claims_too_much_is_an_error() {
        let mut buffer = [0; 4];
        assert_eq!(write_all_at(&Claims(0), b"four", 0).unwrap_err().kind(), ErrorKind::WriteZero);
        assert_eq!(read_exact_at(&Claims(0), &mut buffer, 0).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(write_all_at(&Claims(5), b"four", 0).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read_exact_at(&Claims(5), &mut buffer, 0).unwrap_err().kind(), ErrorKind::InvalidData);
        write_all_at(&Claims(0), b"", 0).unwrap();
    }

    #[test]
    fn a_length_that_no_memory_has_is_an_error() {
        let disk = MemoryDisk::from(b"kept".to_vec());
        assert_eq!(disk.set_len(1 << 62).unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert_eq!(write_all_at(&disk, b"x", 1 << 62).unwrap_err().kind(), ErrorKind::OutOfMemory);
        assert_eq!(write_all_at(&disk, b"x", u64::MAX).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(disk.to_bytes(), b"kept");
    }
}
