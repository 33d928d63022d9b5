//! A disk that notes what is done to it.

use std::io;
use std::sync::Mutex;

use unbolt::{Disk, MemoryDisk};

/// What was done to a disk.
#[derive(Debug, Clone)]
pub enum Op {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
    /// Something that whoever drives the database wants to remember at this point.
    Mark(usize),
}

/// A disk in memory, and everything that was done to it.
#[derive(Debug, Default)]
pub struct Recorder {
    disk: MemoryDisk,
    ops: Mutex<Vec<Op>>,
}

impl Recorder {
    pub fn mark(&self, number: usize) {
        self.ops.lock().unwrap().push(Op::Mark(number));
    }

    pub fn ops(&self) -> Vec<Op> {
        self.ops.lock().unwrap().clone()
    }

    fn note(&self, op: Op) {
        self.ops.lock().unwrap().push(op);
    }
}

impl Disk for Recorder {
    fn size(&self) -> io::Result<u64> {
        self.disk.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.note(Op::Write(offset, bytes.to_vec()));
        self.disk.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.note(Op::SetLen(len));
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.note(Op::Sync);
        self.disk.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.note(Op::Sync);
        self.disk.sync_all()
    }
}
