//! A database held in memory.

use std::fmt;

use super::{Storage, short};
use crate::error::Error;
use crate::format::{Buffer, Bytes, SharedBytes};

/// All bytes of a database, in memory.
#[derive(Clone)]
pub(crate) struct Heap(Buffer);

impl Heap {
    pub(crate) fn new(bytes: impl Into<Buffer>) -> Self {
        Heap(bytes.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A run that keeps the memory alive rather than borrowing it.
    pub(crate) fn shared_run(&self, offset: u64, len: u64) -> Result<SharedBytes, Error> {
        let start = usize::try_from(offset).ok();
        let range = start.zip(offset.checked_add(len).and_then(|end| usize::try_from(end).ok()));
        let run = range.and_then(|(start, end)| SharedBytes::of(self.0.clone()).part(start..end));
        run.ok_or_else(|| short(offset, len, self.size()))
    }
}

impl Storage for Heap {
    type Run<'s> = &'s [u8];

    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    #[inline]
    fn run(&self, offset: u64, len: u64) -> Result<&[u8], Error> {
        let start = usize::try_from(offset).ok();
        let range = start.zip(offset.checked_add(len).and_then(|end| usize::try_from(end).ok()));
        range.and_then(|(start, end)| self.0.get(start..end)).ok_or_else(|| short(offset, len, self.size()))
    }
}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heap({} bytes)", self.0.len())
    }
}
