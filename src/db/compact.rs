//! A database built anew, without the space that it no longer uses.

use std::path::Path;

use super::{Db, ReadTx, backup};
use crate::error::Result;
use crate::storage::{Disk, OutputFile};
use crate::tree::{BuildOptions, Built, compact_state};

impl Db {
    /// Builds the current state anew in a new file, which has the mode of this one.
    ///
    /// It is made in the directory of `path` and takes that name when it is whole and durable. The database itself
    /// stays as it is. Unlike Go's `Compact` this keeps plain pairs of the root bucket, and reads either byte order.
    ///
    /// ```
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("small.db");
    /// let db = unbolt::Db::options().read_only(true).open("testdata/bbolt/churn-small.db")?;
    /// let built = db.compact_to(&path)?;
    /// println!("{} bytes are left", built.bytes);
    /// # assert!(db.compact_to(&path).is_err(), "it is there by now");
    /// # Ok::<(), unbolt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the state cannot be read whole, and
    /// [`Error::Io`](crate::Error::Io), also where there is something at `path` already.
    pub fn compact_to(&self, path: impl AsRef<Path>) -> Result<Built> {
        let path = path.as_ref();
        let output = OutputFile::beside(path, backup::mode(&self.shared))?;
        // The file is synced before it gets its name.
        let mut options = BuildOptions::default();
        options.no_sync(true);
        let built = self.begin_read()?.compact_to(output.file(), &options).map_err(|e| e.written_at(path))?;
        output.persist().map(|()| built)
    }
}

impl ReadTx {
    /// Builds this state anew on a disk: a file, [memory](crate::MemoryDisk), or whatever else is a [`Disk`].
    ///
    /// Buckets, pairs and sequences are those of the state; pages are written once, front to back, and the metas last,
    /// behind a sync. Whatever the disk holds is lost at once.
    ///
    /// ```
    /// use unbolt::tree::BuildOptions;
    /// use unbolt::{Db, MemoryDisk};
    /// let db = Db::options().read_only(true).open("testdata/docker/live-20.10.24.db")?;
    /// let disk = MemoryDisk::new();
    /// db.begin_read()?.compact_to(&disk, BuildOptions::default().fill_percent(0.9))?;
    /// assert!(Db::from_bytes(disk.to_bytes())?.begin_read()?.bucket("libnetwork")?.is_some());
    /// # Ok::<(), unbolt::Error>(())
    /// ```
    pub fn compact_to(&self, disk: &dyn Disk, options: &BuildOptions) -> Result<Built> {
        compact_state(self.medium_pages(), disk, options)
    }
}
