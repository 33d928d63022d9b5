//! Files in memory, and everything that is done to them and to their names.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use unbolt::format::MAGIC;
use unbolt::{Directory, Disk, Error, MemoryDisk};

use super::defect::Defect;
use super::enumerate::settle;
use super::world::{FOLDER, World};

/// Something that was done. Files go by the order in which they were made.
#[derive(Debug, Clone)]
pub enum Op {
    Write(usize, u64, Vec<u8>),
    /// Makes a file longer.
    Grow(usize, u64),
    Cut(usize, u64),
    SyncData(usize),
    SyncAll(usize),
    /// A sync that failed. What was to be durable by it may never be, whatever later ones say.
    SyncFailed(usize),
    /// A path leads to a file from now on, or to none.
    Name(PathBuf, Option<usize>),
    Rename(PathBuf, PathBuf),
    SyncNames(PathBuf),
    /// Something that whoever drives the database wants to remember at this point.
    Mark(usize),
}

/// Directories in memory. What is done in them is done with a defect, where there is one.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    log: Arc<Mutex<Log>>,
    planted: Option<Defect>,
    /// Whether a file can have two names.
    pub links: bool,
}

#[derive(Debug, Default)]
struct Log {
    files: Vec<Arc<MemoryDisk>>,
    names: BTreeMap<PathBuf, usize>,
    ops: Vec<Op>,
    /// A defect begins with the first mark, but for those that only show before it.
    marked: bool,
}

impl Recorder {
    pub fn new(planted: Option<Defect>) -> Recorder {
        Recorder { planted, links: true, ..Recorder::default() }
    }

    /// Begins with what is there.
    pub fn over(world: &World, planted: Option<Defect>) -> Recorder {
        let files = world.files.iter().map(|file| Arc::new(MemoryDisk::from(file.seen().to_vec()))).collect();
        let log = Log { files, names: world.names.clone(), ..Log::default() };
        Recorder { log: Arc::new(Mutex::new(log)), planted, links: true }
    }

    /// The defect with which it goes on.
    pub fn planted(&self) -> Option<Defect> {
        self.planted
    }

    fn defect(&self) -> Option<Defect> {
        self.planted.filter(|defect| defect.is_in_creation() || self.log.lock().unwrap().marked)
    }

    pub fn mark(&self, number: usize) {
        self.note(Op::Mark(number));
        self.log.lock().unwrap().marked = true;
    }

    pub fn ops(&self) -> Vec<Op> {
        self.log.lock().unwrap().ops.clone()
    }

    /// Goes on with fewer operations: what is durable by now becomes part of the beginning, unless a sync has failed.
    pub fn settle(&self, start: &mut World) {
        let mut log = self.log.lock().unwrap();
        if !log.ops.iter().any(|op| matches!(op, Op::SyncFailed(_))) {
            log.ops = settle(start, &log.ops);
        }
    }

    /// What a path leads to now.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let log = self.log.lock().unwrap();
        log.files[log.names[Path::new(path)]].to_bytes()
    }

    fn note(&self, op: Op) {
        self.log.lock().unwrap().ops.push(op);
    }

    fn file(&self, number: usize) -> RecordedFile {
        let disk = Arc::clone(&self.log.lock().unwrap().files[number]);
        RecordedFile { directory: self.clone(), number, disk, held: Mutex::default(), last: Mutex::new(Last::Data) }
    }

    fn name(&self, path: &Path, file: Option<usize>) {
        let mut log = self.log.lock().unwrap();
        match file {
            Some(file) => _ = log.names.insert(path.into(), file),
            None => _ = log.names.remove(path),
        }
        log.ops.push(Op::Name(path.into(), file));
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.log.lock().unwrap().names.get(path).copied().ok_or(ErrorKind::NotFound.into())
    }

    fn require_vacant(&self, path: &Path) -> io::Result<()> {
        if self.find(path).is_ok() { Err(ErrorKind::AlreadyExists.into()) } else { Ok(()) }
    }
}

impl Directory for Recorder {
    type File = RecordedFile;

    fn vacant(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        Ok(self.find(path).is_err().then(|| path.into()))
    }

    fn open(&self, path: &Path) -> unbolt::Result<RecordedFile> {
        let number = self.find(path).map_err(|source| Error::Io { op: "open", path: path.into(), source })?;
        Ok(self.file(number))
    }

    fn create_new(&self, path: &Path, _: u32) -> io::Result<RecordedFile> {
        self.require_vacant(path)?;
        let number = {
            let mut log = self.log.lock().unwrap();
            log.files.push(Arc::default());
            log.files.len() - 1
        };
        self.name(path, Some(number));
        if self.defect() == Some(Defect::NamedBeforeWhole) {
            self.name(Path::new("db"), Some(number));
        }
        Ok(self.file(number))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if !self.links {
            return Err(ErrorKind::Unsupported.into());
        }
        if self.defect() == Some(Defect::NamedBeforeWhole) {
            return Ok(());
        }
        self.require_vacant(to)?;
        let file = self.find(from)?;
        self.name(to, Some(file));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let file = self.find(from)?;
        if self.defect() == Some(Defect::RemovedBeforeRenamed) {
            self.name(to, None);
            self.note(Op::SyncNames(PathBuf::from(".")));
        }
        let mut log = self.log.lock().unwrap();
        log.names.remove(from);
        log.names.insert(to.into(), file);
        log.ops.push(Op::Rename(from.into(), to.into()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.find(path)?;
        self.name(path, None);
        Ok(())
    }

    fn make(&self, directory: &Path, _: u32) -> io::Result<()> {
        self.name(directory, Some(FOLDER));
        Ok(())
    }

    fn sync(&self, directory: &Path) -> io::Result<()> {
        if self.defect() != Some(Defect::NamesNotSynced) {
            self.note(Op::SyncNames(directory.into()));
        }
        Ok(())
    }
}

/// A file of a recorder.
#[derive(Debug)]
pub struct RecordedFile {
    directory: Recorder,
    number: usize,
    disk: Arc<MemoryDisk>,
    /// What a defect does later than it should. Whoever reads the file finds it there already.
    held: Mutex<Vec<Op>>,
    last: Mutex<Last>,
}

/// What was done last, syncs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    Data,
    Meta,
    Len,
}

impl RecordedFile {
    /// Whether a page with a meta on it begins here.
    pub fn is_meta(bytes: &[u8]) -> bool {
        bytes.get(16..20) == Some(&MAGIC.to_le_bytes())
    }

    /// What was written last.
    pub fn last(&self) -> Last {
        *self.last.lock().unwrap()
    }

    pub fn write(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.directory.note(Op::Write(self.number, offset, bytes.to_vec()));
        self.disk.write_at(bytes, offset)
    }

    /// Notes that a sync failed.
    pub fn fail_to_sync(&self) {
        self.directory.note(Op::SyncFailed(self.number));
    }

    /// Writes, and notes it only once it is released.
    pub fn write_later(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.held.lock().unwrap().push(Op::Write(self.number, offset, bytes.to_vec()));
        self.disk.write_at(bytes, offset)
    }

    pub fn sync(&self, all: bool) {
        self.directory.note(self.synced(all));
    }

    pub fn sync_later(&self, all: bool) {
        self.held.lock().unwrap().push(self.synced(all));
    }

    fn synced(&self, all: bool) -> Op {
        if all { Op::SyncAll(self.number) } else { Op::SyncData(self.number) }
    }

    /// Does what was put off, in its order.
    pub fn release(&self) {
        std::mem::take(&mut *self.held.lock().unwrap()).into_iter().for_each(|op| self.directory.note(op));
    }
}

impl Disk for RecordedFile {
    fn size(&self) -> io::Result<u64> {
        self.disk.size()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        *self.last.lock().unwrap() = if RecordedFile::is_meta(bytes) { Last::Meta } else { Last::Data };
        match self.directory.defect() {
            Some(defect) => defect.write(self, bytes, offset),
            None => self.write(bytes, offset),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        *self.last.lock().unwrap() = Last::Len;
        let grows = len > self.disk.size()?;
        self.directory.note(if grows { Op::Grow(self.number, len) } else { Op::Cut(self.number, len) });
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.directory.defect() {
            Some(defect) => defect.sync(self, false),
            None => self.sync(false),
        }
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        match self.directory.defect() {
            Some(defect) => defect.sync(self, true),
            None => self.sync(true),
        }
        Ok(())
    }
}
