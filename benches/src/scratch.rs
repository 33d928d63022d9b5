//! The file that one run writes to.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A file written in larger pieces lies in the page cache in larger pieces, into which
/// each small write costs several times more. Engines write page by page.
const PIECE: usize = 4096;
/// What engines put beside their file, and compaction.
const BESIDE: [&str; 5] = ["", "-lock", "-wal", "-shm", "-compacted"];

/// Removed in the end, with all that lies beside it.
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// The place of a file that does not exist. What a killed run has left there is removed.
    pub fn empty(dir: &Path, extension: &str) -> Result<Self> {
        let scratch = Self { path: dir.join(format!("scratch.{extension}")) };
        scratch.remove()?;
        Ok(scratch)
    }

    /// A copy, synced, that lies in the page cache in single pages. Holes stay holes.
    pub fn copy_of(source: &Path) -> Result<Self> {
        let dir = source.parent().context("a file of a data set lies in a directory")?;
        let extension = source.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let scratch = Self::empty(dir, extension)?;
        copy(source, &scratch.path).with_context(|| format!("copying {}", source.display()))?;
        Ok(scratch)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a compaction puts its result.
    pub fn compacted(&self) -> PathBuf {
        beside(&self.path, "-compacted")
    }

    /// Makes the file one of the data set.
    pub fn keep_as(self, path: &Path) -> Result<()> {
        Ok(fs::rename(&self.path, path)?)
    }

    fn remove(&self) -> io::Result<()> {
        BESIDE.iter().try_for_each(|suffix| match fs::remove_file(beside(&self.path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("{}: {error}", self.path.display());
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn copy(source: &Path, target: &Path) -> io::Result<()> {
    let source = File::open(source)?;
    let target = File::create(target)?;
    target.set_len(source.metadata()?.len())?;
    let mut piece = [0; PIECE];
    let mut end = 0;
    while let Some(start) = seek(&source, end, libc::SEEK_DATA)? {
        end = seek(&source, start, libc::SEEK_HOLE)?.unwrap_or(start);
        for offset in (start..end).step_by(PIECE) {
            let length = PIECE.min((end - offset) as usize);
            source.read_exact_at(&mut piece[..length], offset)?;
            target.write_all_at(&piece[..length], offset)?;
        }
    }
    target.sync_all()
}

/// Where the next data or the next hole begins; there is none behind the last.
fn seek(file: &File, from: u64, whence: i32) -> io::Result<Option<u64>> {
    let from = i64::try_from(from).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open; the call touches no memory of ours.
    let found = unsafe { libc::lseek(file.as_raw_fd(), from, whence) };
    match u64::try_from(found) {
        Ok(found) => Ok(Some(found)),
        Err(_) => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ENXIO) => Ok(None),
            error => Err(error),
        },
    }
}
