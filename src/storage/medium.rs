//! What the engine reads from: a map of the file, or memory. Both hand out plain slices.

use super::{Heap, Map, Storage};
use crate::error::Error;

/// A medium whose runs are slices that live as long as it does.
#[derive(Debug)]
pub(crate) enum Medium {
    /// The file, mapped.
    Map(Map),
    /// All bytes of the file, or a database that never was one.
    Heap(Heap),
}

impl Storage for Medium {
    type Run<'s> = &'s [u8];

    fn size(&self) -> u64 {
        match self {
            Medium::Map(map) => map.size(),
            Medium::Heap(heap) => heap.size(),
        }
    }

    #[inline]
    fn run(&self, offset: u64, len: u64) -> Result<&[u8], Error> {
        match self {
            Medium::Map(map) => map.run(offset, len),
            Medium::Heap(heap) => heap.run(offset, len),
        }
    }

    #[inline]
    fn prefetch(&self, offset: u64, len: u64) {
        if let Medium::Map(map) = self {
            map.prefetch(offset, len);
        }
    }
}
