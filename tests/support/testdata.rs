//! The databases in `testdata`, as `testdata/MANIFEST.md` describes them.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A database and what Go read in it.
#[derive(Debug, Clone)]
pub struct Database {
    /// `folder/name.db`, without the `.sparse` of a file that is kept so.
    pub name: String,
    path: PathBuf,
    sparse: bool,
}

/// What Go read in a database.
#[derive(Debug)]
pub enum Expected {
    /// Every line.
    Dump(String),
    /// Counts and a hash of the lines.
    Digest(String),
}

pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// Every database, ordered by name.
pub fn databases() -> Vec<Database> {
    let mut found = Vec::new();
    for folder in fs::read_dir(testdata()).expect("testdata is there") {
        let folder = folder.expect("a readable entry").path();
        if !folder.is_dir() {
            continue;
        }
        let folder_name = folder.file_name().expect("a folder has a name").to_string_lossy().into_owned();
        for file in fs::read_dir(&folder).expect("a readable folder") {
            let path = file.expect("a readable entry").path();
            let file_name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            let plain = file_name.strip_suffix(".sparse").unwrap_or(&file_name);
            if plain.ends_with(".db") {
                let sparse = plain != file_name;
                found.push(Database { name: format!("{folder_name}/{plain}"), path, sparse });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() >= 55, "only {} databases in testdata", found.len());
    found
}

/// One database by its name.
pub fn database(name: &str) -> Database {
    databases().into_iter().find(|database| database.name == name).unwrap_or_else(|| panic!("no testdata/{name}"))
}

/// The databases of at most this many bytes, expanded.
pub fn databases_up_to(bytes: u64) -> Vec<Database> {
    databases().into_iter().filter(|database| database.size() <= bytes).collect()
}

impl Database {
    /// The length of the whole file.
    pub fn size(&self) -> u64 {
        match self.sparse {
            true => Records::of(&self.kept()).last().expect("a last record").0,
            false => fs::metadata(&self.path).expect("a file").len(),
        }
    }

    /// The bytes of the file as its program wrote them.
    pub fn bytes(&self) -> Vec<u8> {
        let kept = self.kept();
        if !self.sparse {
            return kept;
        }
        let mut whole = Vec::new();
        for (offset, bytes) in Records::of(&kept) {
            whole.resize(usize::try_from(offset).expect("an offset in memory"), 0);
            whole.extend_from_slice(bytes);
        }
        whole
    }

    /// A file with these bytes: the one that is kept, or an expanded one in `scratch` with holes for its zeros.
    pub fn file(&self, scratch: &Path) -> PathBuf {
        if !self.sparse {
            return self.path.clone();
        }
        let path = scratch.join(self.name.replace('/', "-"));
        let mut file = fs::File::create(&path).expect("a writable folder");
        for (offset, bytes) in Records::of(&self.kept()) {
            file.seek(SeekFrom::Start(offset)).expect("a seekable file");
            file.write_all(bytes).expect("room for the file");
            if bytes.is_empty() {
                file.set_len(offset).expect("room for the file");
            }
        }
        path
    }

    /// What Go read.
    pub fn expected(&self) -> Expected {
        let beside = |ending: &str| {
            let stem = self.path.to_string_lossy().replace(".sparse", "").replace(".db", "");
            fs::read_to_string(format!("{stem}.{ending}"))
        };
        match beside("dump") {
            Ok(dump) => Expected::Dump(dump),
            Err(_) => Expected::Digest(beside("digest").expect("a dump or a digest beside each database")),
        }
    }

    fn kept(&self) -> Vec<u8> {
        fs::read(&self.path).expect("a readable file")
    }
}

/// The records of a sparse file: offset and bytes; the last has none, and its offset is the file's length.
struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    fn of(kept: &'a [u8]) -> Records<'a> {
        Records(kept)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<(u64, &'a [u8])> {
        if self.0.is_empty() {
            return None;
        }
        let (head, rest) = self.0.split_at(12);
        let offset = u64::from_le_bytes(head[..8].try_into().expect("eight bytes"));
        let len = u32::from_le_bytes(head[8..].try_into().expect("four bytes"));
        let (bytes, rest) = rest.split_at(usize::try_from(len).expect("a length in memory"));
        self.0 = rest;
        Some((offset, bytes))
    }
}
