//! Directories and files whose n-th call fails.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use unbolt::{Directory, Disk, Error};

use super::record::{Last, RecordedFile, Recorder};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The medium cannot.
    Failed,
    /// There is no room.
    Full,
    /// Half of it is done.
    Short,
    /// A signal came.
    Interrupted,
}

/// What the failing call was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Read,
    Length,
    WriteData,
    WriteMeta,
    /// A sync before the meta is written, or what begins one.
    SyncData,
    SyncMeta,
    /// Something about a name.
    Name,
}

/// The n-th call fails, and all after it where that lasts.
#[derive(Debug, Clone)]
pub struct Fault {
    pub at: usize,
    pub kind: Kind,
    pub lasts: bool,
}

/// A recorder in which a call fails.
#[derive(Debug, Clone)]
pub struct Faulty {
    pub recorder: Recorder,
    count: Arc<Mutex<Count>>,
}

#[derive(Debug, Default)]
struct Count {
    fault: Option<Fault>,
    calls: usize,
    failed: Option<Call>,
}

impl Faulty {
    pub fn new(recorder: Recorder, fault: Option<Fault>) -> Faulty {
        Faulty { recorder, count: Arc::new(Mutex::new(Count { fault, ..Count::default() })) }
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.count.lock().unwrap().calls
    }

    /// The call that failed last, once.
    pub fn take_failed(&self) -> Option<Call> {
        self.count.lock().unwrap().failed.take()
    }

    /// No further call fails.
    pub fn heal(&self) {
        self.count.lock().unwrap().fault = None;
    }

    /// So many calls from now, one fails, and perhaps all after it.
    pub fn plant(&self, fault: Fault) {
        let mut count = self.count.lock().unwrap();
        count.fault = Some(Fault { at: count.calls + fault.at, ..fault });
    }

    /// Counts a call, and says how it fails, if it does.
    fn call(&self, call: Call) -> Option<Kind> {
        let mut count = self.count.lock().unwrap();
        count.calls += 1;
        let Fault { at, kind, lasts } = count.fault.clone()?;
        let fails = if lasts { count.calls >= at } else { count.calls == at };
        if fails && count.failed.is_none() {
            count.failed = Some(call);
        }
        fails.then_some(kind)
    }

    fn whole(&self, call: Call) -> io::Result<()> {
        self.call(call).map_or(Ok(()), Kind::whole)
    }

    fn file(&self, inner: RecordedFile) -> FaultyFile {
        FaultyFile { directory: self.clone(), inner }
    }
}

impl Kind {
    fn error(self) -> io::Error {
        match self {
            // EIO; the others by their names.
            Kind::Failed | Kind::Short => io::Error::from_raw_os_error(5),
            Kind::Full => ErrorKind::StorageFull.into(),
            Kind::Interrupted => ErrorKind::Interrupted.into(),
        }
    }

    /// Half of what has no halves is all of it.
    fn whole(self) -> io::Result<()> {
        if self == Kind::Short { Ok(()) } else { Err(self.error()) }
    }
}

impl Directory for Faulty {
    type File = FaultyFile;

    fn vacant(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.whole(Call::Name)?;
        self.recorder.vacant(path)
    }

    fn open(&self, path: &Path) -> unbolt::Result<FaultyFile> {
        let failed = |source| Error::Io { op: "open", path: path.into(), source };
        self.whole(Call::Name).map_err(failed)?;
        self.recorder.open(path).map(|file| self.file(file))
    }

    fn create_new(&self, path: &Path, mode: u32) -> io::Result<FaultyFile> {
        self.whole(Call::Name)?;
        self.recorder.create_new(path, mode).map(|file| self.file(file))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whole(Call::Name)?;
        self.recorder.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.whole(Call::Name)?;
        self.recorder.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.whole(Call::Name)?;
        self.recorder.remove(path)
    }

    fn make(&self, directory: &Path, mode: u32) -> io::Result<()> {
        self.whole(Call::Name)?;
        self.recorder.make(directory, mode)
    }

    fn sync(&self, directory: &Path) -> io::Result<()> {
        self.whole(Call::Name)?;
        self.recorder.sync(directory)
    }
}

/// A file of [`Faulty`].
#[derive(Debug)]
pub struct FaultyFile {
    directory: Faulty,
    inner: RecordedFile,
}

impl FaultyFile {
    fn sync(&self, sync: impl Fn(&RecordedFile) -> io::Result<()>) -> io::Result<()> {
        let call = if self.inner.last() == Last::Meta { Call::SyncMeta } else { Call::SyncData };
        match self.directory.call(call).map_or(Ok(()), Kind::whole) {
            Ok(()) => sync(&self.inner),
            Err(e) => {
                self.inner.fail_to_sync();
                Err(e)
            }
        }
    }
}

impl Disk for FaultyFile {
    fn size(&self) -> io::Result<u64> {
        self.directory.whole(Call::Read)?;
        self.inner.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.directory.call(Call::Read) {
            None => self.inner.read_at(buffer, offset),
            Some(Kind::Short) => {
                let half = buffer.len().div_ceil(2);
                self.inner.read_at(&mut buffer[..half], offset)
            }
            Some(kind) => Err(kind.error()),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let meta = RecordedFile::is_meta(bytes) || (self.inner.last() == Last::Meta && bytes.len() < 1024);
        match self.directory.call(if meta { Call::WriteMeta } else { Call::WriteData }) {
            None => self.inner.write_at(bytes, offset),
            Some(Kind::Short) => self.inner.write_at(&bytes[..bytes.len().div_ceil(2)], offset),
            Some(kind) => {
                // It may have got somewhere all the same.
                self.inner.write_at(&bytes[..bytes.len() / 3], offset)?;
                Err(kind.error())
            }
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.directory.whole(Call::Length)?;
        self.inner.set_len(len)
    }

    fn start_writeback(&self, offset: u64, len: u64) -> io::Result<()> {
        self.sync(|file| file.start_writeback(offset, len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync(Disk::sync_data)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync(Disk::sync_all)
    }
}
