//! Taking a file out of the image that it lies in.

use std::io;

use super::Hit;
use crate::storage::{Disk, read_exact_at, write_all_at};

/// As much as is copied at once.
const CHUNK: usize = 1 << 20;
/// What is zero in a piece of this size stays a hole.
const HOLE: usize = 4096;

/// Which side of a copy failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The image could not be read.
    #[error("cannot read the image")]
    Image(#[source] io::Error),
    /// The copy could not be written.
    #[error("cannot write the copy")]
    Copy(#[source] io::Error),
}

impl Hit {
    /// Copies what the image has of this to a disk, each byte to its place in the file; zeros stay holes. All bytes that
    /// were taken are shown to `see`, in order.
    pub fn extract(&self, image: &dyn Disk, copy: &dyn Disk, see: &mut dyn FnMut(&[u8])) -> Result<(), ExtractError> {
        copy.set_len(0).and_then(|()| copy.set_len(self.end)).map_err(ExtractError::Copy)?;
        let mut buffer = vec![0; CHUNK];
        let mut at = self.start;
        while at < self.end {
            let wanted = usize::try_from(self.end.saturating_sub(at)).unwrap_or(CHUNK).min(CHUNK);
            let Some(bytes) = buffer.get_mut(..wanted) else { break };
            read_exact_at(image, bytes, at.saturating_add_signed(self.base)).map_err(ExtractError::Image)?;
            see(bytes);
            for piece in bytes.chunks(HOLE) {
                if piece.iter().any(|byte| *byte != 0) {
                    write_all_at(copy, piece, at).map_err(ExtractError::Copy)?;
                }
                at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
            }
        }
        Ok(())
    }
}
