//! An image of a disk as evidence: read without a trace, hashed as it is read, and looked at again in the end.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::custody::Sha256Sum;
use crate::error::Error;
use crate::storage::open_untouched;

/// An image, read from an offset of it to its end.
///
/// ```
/// use unbolt::forensic::{Image, carve};
/// let mut image = Image::open("testdata/golden/V1.db".as_ref(), 0, true)?;
/// assert_eq!(carve(&mut image, 0)?.hits.len(), 1);
/// assert!(image.is_unchanged()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Image {
    file: File,
    from: u64,
    before: Metadata,
    /// The sum of what was read so far, where one is wanted.
    sum: Option<Sha256>,
}

impl Image {
    /// Opens an image: a file, or a device. The time of the last access to a file is left alone where that is allowed.
    pub fn open(path: &Path, from: u64, hashed: bool) -> Result<Image, Error> {
        let failed = |source| Error::io("open", path, source);
        let mut file = match std::fs::metadata(path).map_err(failed)?.is_file() {
            true => open_untouched(path)?.0,
            false => File::open(path).map_err(failed)?,
        };
        let before = file.metadata().map_err(failed)?;
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        Ok(Image { file, from, before, sum: hashed.then(Sha256::new) })
    }

    /// The file, to be read by position.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The sum of what was read of it, from its offset on.
    pub fn sha256(&self) -> Option<Sha256Sum> {
        self.sum.clone().map(|sum| Sha256Sum(sum.finalize().into()))
    }

    /// Whether length, time of change and, where it was hashed, all bytes are still what they were.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        let after = self.file.metadata()?;
        let same = (after.len(), after.modified().ok()) == (self.before.len(), self.before.modified().ok());
        let Some(sum) = self.sha256().filter(|_| same) else { return Ok(same) };
        let (mut again, mut file) = (Sha256::new(), &self.file);
        file.seek(SeekFrom::Start(self.from))?;
        io::copy(&mut io::BufReader::with_capacity(1 << 20, file), &mut again)?;
        Ok(Sha256Sum(again.finalize().into()) == sum)
    }
}

impl Read for Image {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if let Some(sum) = &mut self.sum {
            sum.update(buffer.get(..read).unwrap_or_default());
        }
        Ok(read)
    }
}
