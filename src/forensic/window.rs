//! A file that lies inside of another one.

use super::carve::Hit;
use crate::error::{CorruptionKind, Result};
use crate::format::SharedBytes;
use crate::storage::{PagedFile, Storage};

/// A part of an image as a database of its own. Its beginning may be missing.
#[derive(Debug)]
pub(super) struct Window {
    image: PagedFile,
    /// Where page 0 lies in the image, or would lie before it.
    base: i64,
    end: u64,
}

impl Window {
    pub fn new(image: PagedFile, hit: &Hit) -> Window {
        Window { image, base: hit.base, end: hit.end }
    }
}

impl Storage for Window {
    type Run<'s> = SharedBytes;

    fn size(&self) -> u64 {
        self.end
    }

    fn run(&self, offset: u64, len: u64) -> Result<SharedBytes> {
        let end = offset.saturating_add(len);
        match offset.checked_add_signed(self.base).filter(|_| end <= self.end) {
            Some(offset) => self.image.run(offset, len),
            None => Err(CorruptionKind::ShortFile { expected: end, found: self.end }.on(None, Some(offset)).into()),
        }
    }
}
