//! A disk that notes every call and fails one of them, once or from then on.

use std::io;
use std::sync::Mutex;

use unbolt::{Disk, MemoryDisk};

/// A call that changes a disk, or reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Read,
    SetLen(u64),
    Write { offset: u64, len: usize },
    StartWriteback { offset: u64, len: u64 },
    SyncData,
    SyncAll,
}

/// What a call that fails has done by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Nothing,
    Half,
    All,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// With this error of the system.
    Error(i32, Done),
    Panic,
}

/// Which call fails, counted from the moment at which this is set.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub at: usize,
    /// Whether all calls after it fail too.
    pub sticky: bool,
    pub failure: Failure,
}

/// A disk in memory whose calls fail as told.
#[derive(Debug, Default)]
pub struct Faulty {
    pub disk: MemoryDisk,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    fault: Option<Fault>,
}

impl Faulty {
    /// One that holds these bytes.
    pub fn of(bytes: Vec<u8>) -> Faulty {
        Faulty { disk: MemoryDisk::from(bytes), state: Mutex::default() }
    }

    /// Forgets the calls so far, and fails one of those that follow.
    pub fn set(&self, fault: Option<Fault>) {
        *self.state.lock().unwrap() = State { calls: Vec::new(), fault };
    }

    /// The calls since.
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    fn note(&self, call: Call) -> Option<(i32, Done)> {
        let failure = {
            let mut state = self.state.lock().unwrap();
            let number = state.calls.len();
            state.calls.push(call);
            let fails = |fault: &Fault| fault.at == number || (fault.sticky && fault.at < number);
            state.fault.filter(fails).map(|fault| fault.failure)
        };
        match failure? {
            Failure::Error(number, done) => Some((number, done)),
            Failure::Panic => panic!("a disk that panics at {call:?}"),
        }
    }
}

impl Disk for Faulty {
    fn size(&self) -> io::Result<u64> {
        self.disk.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.note(Call::Read) {
            Some((number, _)) => Err(io::Error::from_raw_os_error(number)),
            None => self.disk.read_at(buffer, offset),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let Some((number, done)) = self.note(Call::Write { offset, len: bytes.len() }) else {
            return self.disk.write_at(bytes, offset);
        };
        let written = match done {
            Done::Nothing => 0,
            Done::Half => bytes.len() / 2,
            Done::All => bytes.len(),
        };
        self.disk.write_at(&bytes[..written], offset)?;
        Err(io::Error::from_raw_os_error(number))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        match self.note(Call::SetLen(len)) {
            Some((number, done)) => {
                if done == Done::All {
                    self.disk.set_len(len)?;
                }
                Err(io::Error::from_raw_os_error(number))
            }
            None => self.disk.set_len(len),
        }
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        let call = Call::StartWriteback { offset, len };
        self.note(call).map_or(Ok(()), |(number, _)| Err(io::Error::from_raw_os_error(number)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.note(Call::SyncData).map_or(Ok(()), |(number, _)| Err(io::Error::from_raw_os_error(number)))
    }

    fn sync_all(&self) -> io::Result<()> {
        self.note(Call::SyncAll).map_or(Ok(()), |(number, _)| Err(io::Error::from_raw_os_error(number)))
    }
}
