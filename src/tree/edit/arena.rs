//! Where the bytes of edited nodes lie: in the committed pages, where nothing changed, or in memory of the
//! transaction, where something was put.
//!
//! Invariant: bytes are never moved or changed once they are there, so a [`Place`] stays good until the end of the
//! transaction.

use crate::error::Result;
use crate::storage::{Medium, Storage};

/// The position of bytes: an offset in the file, or, with the highest bit set, in the transaction's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u64);

const IN_MEMORY: u64 = 1 << 63;
const BLOCK_BITS: u32 = 32;
/// What is allocated at once, at first and at most. What is longer gets a block of its own.
const FIRST_BLOCK: usize = 4 << 10;
const LARGEST_BLOCK: usize = 1 << 20;

impl Place {
    pub(super) fn in_file(offset: u64) -> Place {
        Place(offset)
    }

    /// The offset in the file, where it is one.
    pub(super) fn offset(self) -> Option<u64> {
        (self.0 & IN_MEMORY == 0).then_some(self.0)
    }

    /// The position this many bytes further on.
    #[inline(always)]
    pub(super) fn skip(self, bytes: u64) -> Place {
        Place(self.0.wrapping_add(bytes))
    }

    /// The position this many bytes before.
    pub(super) fn back(self, bytes: u64) -> Place {
        Place(self.0.wrapping_sub(bytes))
    }
}

/// The memory of one transaction.
#[derive(Debug, Default)]
pub(super) struct Arena {
    blocks: Vec<Vec<u8>>,
    /// The block that is being filled.
    open: usize,
}

impl Arena {
    /// Keeps two runs of bytes, one directly behind the other.
    pub(super) fn keep(&mut self, first: &[u8], second: &[u8]) -> Place {
        let len = first.len() + second.len();
        let block = self.block_with_room(len);
        let bytes = &mut self.blocks[block];
        let place = Place(IN_MEMORY | (block as u64) << BLOCK_BITS | bytes.len() as u64);
        bytes.extend_from_slice(first);
        bytes.extend_from_slice(second);
        place
    }

    fn block_with_room(&mut self, len: usize) -> usize {
        let room = self.blocks.get(self.open).map_or(0, |block| block.capacity() - block.len());
        if room >= len {
            return self.open;
        }
        let next = (FIRST_BLOCK << self.blocks.len().min(16)).min(LARGEST_BLOCK);
        if len > next / 4 {
            // The block that is being filled goes on being filled.
            self.blocks.push(Vec::with_capacity(len));
            return self.blocks.len() - 1;
        }
        self.blocks.push(Vec::with_capacity(next));
        self.open = self.blocks.len() - 1;
        self.open
    }
}

/// Both places that bytes can lie in.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) medium: &'a Medium,
    pub(super) arena: &'a Arena,
}

impl<'a> Sources<'a> {
    /// The bytes at a place.
    #[inline(always)]
    pub(super) fn bytes(self, place: Place, len: u64) -> Result<&'a [u8]> {
        if place.0 & IN_MEMORY == 0 {
            return self.medium.run(place.0, len);
        }
        let block = (place.0 & !IN_MEMORY) >> BLOCK_BITS;
        let start = place.0 as u32 as usize;
        // A place is only ever made by `keep`, so both are there.
        Ok(&self.arena.blocks[block as usize][start..start + len as usize])
    }
}
