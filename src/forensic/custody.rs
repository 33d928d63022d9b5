//! How a piece of evidence was before it was looked at and how it is afterwards.

use std::fmt;
use std::fs::Metadata;
use std::path::PathBuf;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::storage::ReadAt;

/// How much is hashed at once.
const CHUNK: usize = 1 << 20;

/// A SHA-256 sum; it prints as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Sum(pub [u8; 32]);

impl Sha256Sum {
    /// The sum of bytes in memory.
    pub fn of(bytes: &[u8]) -> Sha256Sum {
        Sha256Sum(Sha256::digest(bytes).into())
    }

    /// The sum of the first `size` bytes of a medium, or of as many as there are.
    pub(super) fn of_medium(size: u64, read: ReadAt<'_>) -> Result<Sha256Sum, Error> {
        let (mut hasher, mut chunk, mut offset) = (Sha256::new(), vec![0; CHUNK], 0_u64);
        while offset < size {
            let wanted = usize::try_from(size.saturating_sub(offset)).unwrap_or(CHUNK).min(CHUNK);
            let filled = read(offset, chunk.get_mut(..wanted).unwrap_or_default())?;
            if filled == 0 {
                break;
            }
            hasher.update(chunk.get(..filled).unwrap_or_default());
            offset = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        }
        Ok(Sha256Sum(hasher.finalize().into()))
    }
}

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Sum({self})")
    }
}

/// What a file is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The length in bytes.
    pub size: u64,
    /// The sum of all bytes.
    pub sha256: Sha256Sum,
    /// When the content was last changed, as the file system has it.
    pub modified: Option<SystemTime>,
    /// When the file was last read, as the file system has it. Not compared: others read too.
    pub accessed: Option<SystemTime>,
    /// The device and the number of the file on it, on systems that have them.
    pub inode: Option<(u64, u64)>,
}

impl Stamp {
    pub(super) fn new(meta: &Metadata, sha256: Sha256Sum) -> Stamp {
        let (modified, accessed) = (meta.modified().ok(), meta.accessed().ok());
        Stamp { size: meta.len(), sha256, modified, accessed, inode: inode(meta) }
    }

    pub(super) fn of_memory(bytes: &[u8]) -> Stamp {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Stamp { size, sha256: Sha256Sum::of(bytes), modified: None, accessed: None, inode: None }
    }
}

#[cfg(unix)]
fn inode(meta: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// A piece of evidence, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custody {
    /// Where it was opened; `None` for bytes in memory.
    pub path: Option<PathBuf>,
    /// As it was when it was opened.
    pub before: Stamp,
    /// As it is now.
    pub after: Stamp,
    /// Whether the path still leads to the file that was opened.
    pub is_in_place: bool,
    /// Whether reading it left the time of its last access alone.
    pub access_time_kept: bool,
}

impl Custody {
    /// Whether nobody changed anything that was read: bytes, length, time of change, and what the path leads to.
    pub fn is_unchanged(&self) -> bool {
        let (before, after) = (&self.before, &self.after);
        self.is_in_place && (before.size, before.sha256, before.modified) == (after.size, after.sha256, after.modified)
    }
}
