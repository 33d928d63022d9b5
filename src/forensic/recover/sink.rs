//! Where pairs and buckets go that are recovered: to a new file, or nowhere while a recovery is planned.

use crate::error::Result;
use crate::format::SharedBytes;
use crate::tree::Builder;

/// What takes buckets and pairs, in the order in which they lie in a file.
pub(super) trait Sink {
    fn begin(&mut self, name: SharedBytes, sequence: u64) -> Result<()>;
    fn put(&mut self, key: SharedBytes, value: SharedBytes) -> Result<()>;
    fn end(&mut self) -> Result<()>;
}

/// Takes everything and keeps nothing.
pub(super) struct Nothing;

impl Sink for Nothing {
    fn begin(&mut self, _: SharedBytes, _: u64) -> Result<()> {
        Ok(())
    }

    fn put(&mut self, _: SharedBytes, _: SharedBytes) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Sink for Builder<'_, SharedBytes> {
    fn begin(&mut self, name: SharedBytes, sequence: u64) -> Result<()> {
        self.begin_bucket(name)?;
        self.set_sequence(sequence);
        Ok(())
    }

    fn put(&mut self, key: SharedBytes, value: SharedBytes) -> Result<()> {
        Builder::put(self, key, value)
    }

    fn end(&mut self) -> Result<()> {
        self.end_bucket()
    }
}
