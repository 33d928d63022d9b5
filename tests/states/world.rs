//! What is on a disk: files, and the names that lead to them.
//!
//! A file can hold bytes beyond its length: they were written, but the length that would show them is lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the name of a directory leads to.
pub const FOLDER: usize = usize::MAX;

#[derive(Debug, Clone, Default)]
pub struct World {
    pub files: Vec<Content>,
    pub names: BTreeMap<PathBuf, usize>,
}

#[derive(Debug, Clone, Default)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub len: usize,
}

impl Content {
    pub fn new(bytes: Vec<u8>) -> Content {
        Content { len: bytes.len(), bytes }
    }

    /// What can be read.
    pub fn seen(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Makes it as long as this if it is shorter, new bytes having this value.
    pub fn grow(&mut self, len: usize, filling: u8) {
        self.bytes.resize(self.bytes.len().max(len), filling);
        self.len = self.len.max(len);
    }

    pub fn cut(&mut self, len: usize) {
        self.bytes.truncate(len);
        self.len = self.len.min(len);
    }

    /// Writes; where that does not extend the file, what lies beyond its length is there and not seen.
    pub fn write(&mut self, at: usize, bytes: &[u8], extends: bool, filling: u8) {
        let end = at + bytes.len();
        if end > self.bytes.len() {
            self.bytes.resize(end, filling);
        }
        if extends {
            self.len = self.len.max(end);
        }
        self.bytes[at..end].copy_from_slice(bytes);
    }
}

impl World {
    /// One file under one name.
    pub fn of(path: &str, bytes: Vec<u8>) -> World {
        World { files: vec![Content::new(bytes)], names: BTreeMap::from([(path.into(), 0)]) }
    }

    /// What a path leads to, if the directories it lies in are there too.
    pub fn file(&self, path: &str) -> Option<&Content> {
        let folders = Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        let there = folders.into_iter().all(|folder| self.names.contains_key(folder));
        self.names.get(Path::new(path)).filter(|_| there).and_then(|file| self.files.get(*file))
    }

    /// What is left once nobody remembers what was lost.
    pub fn settled(&self) -> World {
        World { files: self.files.iter().map(|file| Content::new(file.seen().into())).collect(), names: self.names.clone() }
    }

    pub fn rename(&mut self, from: &Path, to: &Path) {
        if let Some(file) = self.names.remove(from) {
            self.names.insert(to.into(), file);
        }
    }
}
