//! A new file that takes its name only once it is whole.
//!
//! Invariants: until then it lies in the directory of that name under another one, which goes when this is dropped;
//! what is there under its name is whole and, unless told otherwise, durable, the entry of the directory included. Only
//! on a file system without hard links an empty file may lie there for a moment.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::Disk;
use super::directory::{Directory, HostDirectory, create_beside, has_no_links, parent};
use crate::error::{Error, Result};

/// The mode of a file that only claims a name, for the moment until the whole one takes it over.
const CLAIMED: u32 = 0o600;

/// A file that takes its name only once it is whole.
///
/// ```
/// use unbolt::{Disk, OutputFile};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("whole.db");
/// let output = OutputFile::beside(&path, 0o644)?;
/// output.file().write_at(b"half of it", 0).unwrap();
/// assert!(!path.exists());
/// output.persist()?;
/// assert!(path.exists());
/// # Ok::<(), unbolt::Error>(())
/// ```
pub struct OutputFile<D: Directory = HostDirectory> {
    directory: D,
    file: D::File,
    temporary: PathBuf,
    path: PathBuf,
    replace: bool,
    no_sync: bool,
}

impl OutputFile {
    /// Creates a file in the directory of `path`, to be written and read, with this mode as `open(2)` takes it.
    pub fn beside(path: impl Into<PathBuf>, mode: u32) -> Result<OutputFile> {
        OutputFile::beside_in(HostDirectory, path, mode)
    }
}

impl<D: Directory> OutputFile<D> {
    /// The same among directories of the caller's own.
    pub fn beside_in(directory: D, path: impl Into<PathBuf>, mode: u32) -> Result<OutputFile<D>> {
        let path = path.into();
        let (file, temporary) = create_beside(&directory, &path, mode).map_err(|e| Error::io("create", &path, e))?;
        Ok(OutputFile { directory, file, temporary, path, replace: false, no_sync: false })
    }

    /// Whether a file that has the name is replaced, in one step. Default: that is an error.
    pub fn replace(&mut self, replace: bool) -> &mut Self {
        self.replace = replace;
        self
    }

    /// Leaves it to the system when the file becomes durable.
    pub fn no_sync(&mut self, no_sync: bool) -> &mut Self {
        self.no_sync = no_sync;
        self
    }

    /// The file, which is a [`Disk`].
    pub fn file(&self) -> &D::File {
        &self.file
    }

    /// The name that it is to take.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, once it is durable, and makes that durable too.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; with [`AlreadyExists`](std::io::ErrorKind::AlreadyExists) where there is something of that name, and it is not to be
    /// replaced.
    pub fn persist(self) -> Result<()> {
        let named = |op, e| Error::io(op, &self.path, e);
        if !self.no_sync {
            self.file.sync_all().map_err(|e| named("sync", e))?;
        }
        self.name().map_err(|e| named("create", e))?;
        match self.no_sync {
            true => Ok(()),
            false => self.directory.sync(parent(&self.path)).map_err(|e| named("sync", e)),
        }
    }

    fn name(&self) -> io::Result<()> {
        if self.replace {
            return self.directory.rename(&self.temporary, &self.path);
        }
        match self.directory.link(&self.temporary, &self.path) {
            Ok(()) => self.directory.remove(&self.temporary),
            Err(e) if has_no_links(&e) => self.claim_name(),
            Err(e) => Err(e),
        }
    }

    /// Takes the name first, where there are no hard links: nobody else can have it then.
    fn claim_name(&self) -> io::Result<()> {
        drop(self.directory.create_new(&self.path, CLAIMED)?);
        self.directory.rename(&self.temporary, &self.path).inspect_err(|_| drop(self.directory.remove(&self.path)))
    }
}

impl<D: Directory> Drop for OutputFile<D> {
    fn drop(&mut self) {
        // Once it has the other name, this one is gone.
        let _ = self.directory.remove(&self.temporary);
    }
}

impl<D: Directory> fmt::Debug for OutputFile<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutputFile({})", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{ErrorKind, Write};

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_once_it_is_whole_and_never_takes_another_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.db");
        let write = |text: &[u8], replace| {
            let mut output = OutputFile::beside(&path, 0o644).unwrap();
            output.file().write_all(text).unwrap();
            assert!(names(folder.path()).iter().any(|name| name.starts_with(".unbolt-")));
            output.replace(replace);
            output.persist()
        };
        write(b"first", false).unwrap();
        match write(b"second", false) {
            Err(Error::Io { op: "create", source, .. }) => assert_eq!(source.kind(), ErrorKind::AlreadyExists),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write(b"third", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        drop(OutputFile::beside(&path, 0o644).unwrap());
        assert_eq!(names(folder.path()), ["out.db"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_is_as_open_takes_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.db");
        OutputFile::beside(&path, 0o600).unwrap().persist().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
