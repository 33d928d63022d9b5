//! Where files get their names: what is done to directories when a file is made.
//!
//! Invariants: the engine gives, changes and takes names through a [`Directory`] and in no other way, so what stands in
//! for one sees every change that there is. A file that is not whole yet lies under a name that nobody looks for.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Disk, open_to_write};
use crate::error::Result;

/// How often another name is tried where one is taken.
const NAMES: u32 = 100;

/// The directories in which files are made.
///
/// [`HostDirectory`] is those of the operating system. What else implements this can keep files in memory, record what
/// is done to them, or fail where a test wants it to. What was done to the names in a directory is durable once
/// [`sync`](Self::sync) of that directory has returned; what was written to a file, once the file was synced.
pub trait Directory: fmt::Debug + Send + Sync {
    /// An open file.
    type File: Disk + 'static;

    /// Where a file of this path would be made, which is where symbolic links lead to; `None` where there is one.
    fn vacant(&self, path: &Path) -> io::Result<Option<PathBuf>>;

    /// Opens a regular file for reading and writing.
    fn open(&self, path: &Path) -> Result<Self::File>;

    /// Creates a file for reading and writing. What has that name already is an
    /// [error](ErrorKind::AlreadyExists).
    fn create_new(&self, path: &Path, mode: u32) -> io::Result<Self::File>;

    /// Gives a file a second name. What has that name already is an [error](ErrorKind::AlreadyExists); where no file can
    /// have two, it is [another](ErrorKind::Unsupported).
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name in one step, which takes it from whatever has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a name from its file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory; one that is there already is none of its business.
    fn make(&self, directory: &Path, mode: u32) -> io::Result<()>;

    /// Waits until the names in a directory are durable.
    fn sync(&self, directory: &Path) -> io::Result<()>;
}

/// The directories of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostDirectory;

impl Directory for HostDirectory {
    type File = File;

    fn vacant(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        match fs::metadata(path) {
            Ok(_) => Ok(None),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Some(resolved(path))),
            Err(e) => Err(e),
        }
    }

    fn open(&self, path: &Path) -> Result<File> {
        open_to_write(path)
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        options.open(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn make(&self, directory: &Path, mode: u32) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
        #[cfg(not(unix))]
        let _ = mode;
        match builder.create(directory) {
            // Somebody else was faster.
            Err(e) if e.kind() == ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
            made => made,
        }
    }

    fn sync(&self, directory: &Path) -> io::Result<()> {
        // Elsewhere a directory cannot be opened as a file.
        if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
    }
}

/// Where a link that leads nowhere yet leads to, so that the file is made there and the link stays.
fn resolved(path: &Path) -> PathBuf {
    const LINKS: usize = 40;
    let mut at = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&at) else { break };
        at = at.parent().map_or(target.clone(), |parent| parent.join(&target));
    }
    at
}

/// Whether giving a file a second name failed because no file can have one there.
pub(crate) fn has_no_links(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
}

/// The directory that a path lies in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name that nobody looks for, which goes when this does.
pub(crate) struct Temporary<'d, D: Directory> {
    directory: &'d D,
    path: PathBuf,
}

impl<'d, D: Directory> Temporary<'d, D> {
    /// Creates a file that nobody has in the directory of `path`.
    pub(crate) fn beside(directory: &'d D, path: &Path, mode: u32) -> io::Result<(D::File, Temporary<'d, D>)> {
        let (file, path) = create_beside(directory, path, mode)?;
        Ok((file, Temporary { directory, path }))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl<D: Directory> Drop for Temporary<'_, D> {
    fn drop(&mut self) {
        // Under a name that nobody looks for, it does no harm where it stays.
        let _ = self.directory.remove(&self.path);
    }
}

/// Creates a file that nobody has in the directory of `path`, under a name that nobody looks for.
pub(crate) fn create_beside<D: Directory>(directory: &D, path: &Path, mode: u32) -> io::Result<(D::File, PathBuf)> {
    let mut taken = io::Error::from(ErrorKind::AlreadyExists);
    for _ in 0..NAMES {
        // Every state has keys of its own, so this is a number that nobody has.
        let number = RandomState::new().build_hasher().finish();
        let temporary = parent(path).join(format!(".unbolt-{number:016x}.tmp"));
        match directory.create_new(&temporary, mode) {
            Ok(file) => return Ok((file, temporary)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => taken = e,
            Err(e) => return Err(e),
        }
    }
    Err(taken)
}
