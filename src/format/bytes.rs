//! What a view is a view of: bytes that can be cut into parts which live as long as the whole.
//!
//! The engine's pages are `&[u8]` into a map, so its keys and values borrow from the transaction. The tools'
//! pages are reference-counted buffers of a bounded cache, so a key keeps its page alive. The views of this
//! layer are written once, over either.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

mod sealed {
    pub trait Sealed {}
    impl Sealed for &[u8] {}
    impl Sealed for super::SharedBytes {}
}

/// Bytes of a file that can be cut into parts of the same lifetime.
pub trait Bytes: Clone + Deref<Target = [u8]> + fmt::Debug + sealed::Sealed {
    /// The part at this range, or `None` where it reaches outside.
    fn part(&self, range: Range<usize>) -> Option<Self>;
}

impl Bytes for &[u8] {
    #[inline]
    fn part(&self, range: Range<usize>) -> Option<Self> {
        self.get(range)
    }
}

/// Reference-counted memory: as the caller shared it, or as it was read. A `Vec` can be refused by the allocator
/// without an end to the process, and needs no copy to be shared.
#[derive(Clone)]
pub(crate) enum Buffer {
    Slice(Arc<[u8]>),
    Vec(Arc<Vec<u8>>),
}

impl From<Arc<[u8]>> for Buffer {
    fn from(bytes: Arc<[u8]>) -> Self {
        Buffer::Slice(bytes)
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Buffer::Vec(Arc::new(bytes))
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Buffer::Slice(bytes) => bytes,
            Buffer::Vec(bytes) => bytes,
        }
    }
}

/// A part of a reference-counted buffer.
#[derive(Clone)]
pub struct SharedBytes {
    buffer: Buffer,
    range: Range<usize>,
}

impl SharedBytes {
    /// The whole of a buffer.
    pub fn new(buffer: Arc<[u8]>) -> Self {
        SharedBytes::of(buffer.into())
    }

    /// The whole of memory that is shared already.
    pub(crate) fn of(buffer: Buffer) -> Self {
        let range = 0..buffer.len();
        SharedBytes { buffer, range }
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        SharedBytes::of(bytes.into())
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or_default()
    }
}

impl Bytes for SharedBytes {
    fn part(&self, range: Range<usize>) -> Option<Self> {
        let start = self.range.start.checked_add(range.start)?;
        let end = self.range.start.checked_add(range.end)?;
        (start <= end && end <= self.range.end).then(|| SharedBytes { buffer: self.buffer.clone(), range: start..end })
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for SharedBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedBytes {}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    quickcheck! {
        fn a_part_of_a_shared_buffer_is_the_slice_at_that_range(bytes: Vec<u8>, cut: (usize, usize), again: (usize, usize)) -> bool {
            let shared = SharedBytes::new(bytes.as_slice().into());
            let (Some(part), Some(slice)) = (shared.part(cut.0..cut.1), bytes.get(cut.0..cut.1)) else {
                return shared.part(cut.0..cut.1).is_none() && bytes.get(cut.0..cut.1).is_none();
            };
            let deeper = part.part(again.0..again.1);
            &*part == slice && deeper.as_deref() == slice.get(again.0..again.1)
        }
    }
}
