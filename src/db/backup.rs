//! The image of a state: all its pages as they lie, under metas that both tell of it.
//!
//! It is what Go's `Tx.WriteTo` makes: as long as the state's high-water mark, page 0 under the state's own transaction
//! id and page 1 under the one before. Pages that the state does not reach are copied as they happen to be.

use std::io::Write;
use std::path::Path;

use super::ReadTx;
use super::generation::Generation;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::format::{Meta, PageId, TxId, encode_meta};
use crate::storage::{Medium, OutputFile, Storage, is_at, read_exact_at};

/// How much is read and written at once.
const CHUNK: u64 = 64 << 10;
/// The mode of a new file where there is none to copy it from.
const NEW: u32 = 0o644;

impl ReadTx {
    /// Writes an image of this state, and says how many bytes that were: [`ReadTx::size`].
    ///
    /// The image is a database of its own. Nothing of it is verified; [`check`](crate::check) does that, and
    /// [`compact_to`](Self::compact_to) leaves out what the state does not reach.
    ///
    /// ```
    /// let db = unbolt::Db::options().read_only(true).open("testdata/docker/live-20.10.24.db")?;
    /// let tx = db.begin_read()?;
    /// let mut image = Vec::new();
    /// assert_eq!(tx.write_to(&mut image)?, tx.size());
    /// assert_eq!(unbolt::Db::from_bytes(image)?.begin_read()?.id(), tx.id());
    /// # Ok::<(), unbolt::Error>(())
    /// ```
    pub fn write_to(&self, out: &mut impl Write) -> Result<u64> {
        let written = |e| Error::io("write", "", e);
        let layout = self.generation.layout;
        let twin = Meta { txid: TxId(self.meta.txid.0.saturating_sub(1)), ..self.meta };
        for (page, meta) in [(PageId(0), &self.meta), (PageId(1), &twin)] {
            out.write_all(&encode_meta(page, meta, layout)).map_err(written)?;
        }
        let (mut offset, end) = (layout.offset(PageId(2)), self.size());
        let mut chunk = Chunk::default();
        while offset < end {
            let len = CHUNK.min(end - offset);
            out.write_all(chunk.read(&self.shared, &self.generation, offset, len)?).map_err(written)?;
            offset += len;
        }
        Ok(end)
    }

    /// Writes an image of this state to a file, which has the mode of the database.
    ///
    /// It is made in the directory of `path` and takes that name when it is whole and durable. What is there already
    /// is replaced in that one step; the database itself never is.
    ///
    /// ```
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("backup.db");
    /// let db = unbolt::Db::options().read_only(true).open("testdata/docker/live-20.10.24.db")?;
    /// db.begin_read()?.copy_file(&path)?;
    /// assert!(unbolt::Db::open(&path).is_ok());
    /// # Ok::<(), unbolt::Error>(())
    /// ```
    pub fn copy_file(&self, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        if self.shared.volume.file().and_then(|file| file.metadata().ok()).is_some_and(|own| is_at(&own, path)) {
            return Err(Error::Unsupported { what: "a database cannot be replaced by its own image" });
        }
        let mut output = OutputFile::beside(path, mode(&self.shared))?;
        output.replace(true);
        let bytes = self.write_to(&mut output.file()).map_err(|e| e.written_at(path))?;
        output.persist().map(|()| bytes)
    }
}

/// A part of the file, read by position: a map that is touched page by page is read from the disk one page at a time.
#[derive(Default)]
struct Chunk(Vec<u8>);

impl Chunk {
    fn read<'c>(&'c mut self, shared: &Shared, generation: &'c Generation, offset: u64, len: u64) -> Result<&'c [u8]> {
        let mapped = matches!(*generation.medium, Medium::Map(_));
        let Some(file) = shared.volume.file().filter(|_| mapped) else { return generation.medium.run(offset, len) };
        self.0.resize(len as usize, 0);
        read_exact_at(file, &mut self.0, offset).map_err(|e| Error::io("read", "", e))?;
        Ok(&self.0)
    }
}

/// The mode of the file that a state is in.
#[cfg(unix)]
pub(super) fn mode(shared: &Shared) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let metadata = shared.volume.file().and_then(|file| file.metadata().ok());
    metadata.map_or(NEW, |metadata| metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
pub(super) fn mode(_: &Shared) -> u32 {
    NEW
}
