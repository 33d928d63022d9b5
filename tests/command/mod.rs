//! Running commands, as a program and in process, and the databases to run them on.

// Each test file uses what it needs.
#![allow(dead_code)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use unbolt::cli::{Context, Open, OpenEvidence, run};
use unbolt::forensic::Evidence;
use unbolt::format::{
    BUCKET_FLAG, Endian, Layout, LeafElement, Meta, PageId, PageSize, TxId, encode_bucket, encode_freelist, encode_inline,
    encode_leaf, encode_meta,
};
use unbolt::{Result, Snapshot};

/// How a command ended and what it said.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Outcome {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    pub fn lines(&self) -> Vec<&str> {
        self.text().lines().collect()
    }
}

/// Runs the program.
pub fn unbolt<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Outcome {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_unbolt")).args(arguments).output().unwrap();
    Outcome { status: output.status.code().unwrap(), out: output.stdout, err: String::from_utf8(output.stderr).unwrap() }
}

/// Runs a command in process; every file that it opens is what `open` gives, and every piece of evidence is a real file.
pub fn in_process<A: Into<OsString>>(
    open: &dyn Fn(&Path) -> Result<Snapshot>,
    arguments: impl IntoIterator<Item = A>,
) -> Outcome {
    with(open, &|path, assumed| Evidence::open_as(path, assumed), arguments)
}

/// Runs a command in process with files that are opened so.
pub fn with<A: Into<OsString>>(
    open: Open<'_>,
    open_evidence: OpenEvidence<'_>,
    arguments: impl IntoIterator<Item = A>,
) -> Outcome {
    let line = std::iter::once("unbolt".into()).chain(arguments.into_iter().map(Into::into));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut context = Context {
        open,
        open_evidence,
        open_to_write: &|path, options| options.open(path),
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        color: false,
        progress: false,
    };
    let status = run(line, &mut context);
    Outcome { status: status as i32, out, err: String::from_utf8(err).unwrap() }
}

/// Runs a command in process, and changes a file directly after it was opened as evidence; the name of the file, and how
/// often any was opened so, are told to `change`.
pub fn changed_meanwhile<A: Into<OsString>>(change: impl Fn(&Path, u32), arguments: impl IntoIterator<Item = A>) -> Outcome {
    let opened = std::cell::Cell::new(0);
    let open_evidence: OpenEvidence<'_> = &|path, assumed| {
        let evidence = Evidence::open_as(path, assumed);
        opened.set(opened.get() + 1);
        change(path, opened.get());
        evidence
    };
    with(&|path| Snapshot::open(path), open_evidence, arguments)
}

/// Runs a command in process on a database in memory.
pub fn on_bytes(bytes: &[u8], arguments: &[&str]) -> Outcome {
    let evidence: OpenEvidence<'_> = &|_, assumed| Evidence::from_bytes_as(bytes, assumed);
    with(&|_| Snapshot::from_bytes(bytes), evidence, arguments)
}

pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// A database of testdata by its name there, without `.sparse`.
pub fn database(name: &str) -> Vec<u8> {
    let path = testdata().join(name);
    if path.exists() {
        return fs::read(path).unwrap();
    }
    expand(&fs::read(testdata().join(format!("{name}.sparse"))).unwrap())
}

/// The names of all databases in testdata, without `.sparse`.
pub fn databases() -> Vec<String> {
    let mut names = Vec::new();
    for folder in fs::read_dir(testdata()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(testdata()).unwrap().to_str().unwrap();
            let name = name.strip_suffix(".sparse").unwrap_or(name);
            if name.ends_with(".db") {
                names.push(name.to_owned());
            }
        }
    }
    names.sort();
    assert!(names.len() > 50, "only {} databases: is testdata there?", names.len());
    names
}

/// Expands records of offset (u64), length (u32) and bytes; one of length zero at the whole length ends them.
fn expand(mut records: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let (offset, rest) = records.split_first_chunk::<8>().unwrap();
        let (length, rest) = rest.split_first_chunk::<4>().unwrap();
        let (offset, length) = (u64::from_le_bytes(*offset) as usize, u32::from_le_bytes(*length) as usize);
        if length == 0 {
            bytes.resize(offset, 0);
            return bytes;
        }
        bytes.resize(offset, 0);
        bytes.extend_from_slice(&rest[..length]);
        records = &rest[length..];
    }
}

const LAYOUT: Layout = Layout { page_size: PageSize::MIN, endian: Endian::Little };

/// An inline bucket as the value of an entry.
pub fn inline_bucket(elements: &[LeafElement<&[u8]>]) -> Vec<u8> {
    [&encode_bucket(PageId(0), 0, LAYOUT.endian)[..], &encode_inline(elements, LAYOUT.endian).unwrap()].concat()
}

/// A database whose only bucket, inline, has these elements.
pub fn with_bucket(name: &str, elements: &[LeafElement<&[u8]>]) -> Vec<u8> {
    let bucket = inline_bucket(elements);
    let root =
        encode_leaf(PageId(3), &[LeafElement { flags: BUCKET_FLAG, key: name.as_bytes(), value: &bucket }], LAYOUT).unwrap();
    let meta = Meta {
        endian: LAYOUT.endian,
        page_size: LAYOUT.page_size.get(),
        flags: 0,
        root: PageId(3),
        root_sequence: 0,
        freelist: Some(PageId(2)),
        high_water: PageId(3 + root.len() as u64 / LAYOUT.page_size.bytes()),
        txid: TxId(2),
    };
    let metas = [encode_meta(PageId(0), &meta, LAYOUT), encode_meta(PageId(1), &meta, LAYOUT)].concat();
    [metas, encode_freelist(PageId(2), &[], 1, LAYOUT).unwrap(), root].concat()
}

pub fn value<'a>(key: &'a [u8], value: &'a [u8]) -> LeafElement<&'a [u8]> {
    LeafElement { flags: 0, key, value }
}
