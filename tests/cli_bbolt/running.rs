//! How the tests here run commands, and the files that they run them on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use unbolt::cli::{Context, Status, run};
use unbolt::forensic::Evidence;
use unbolt::format::{Endian, Layout, LeafElement, Meta, PageId, PageSize, TxId, encode_leaf, encode_meta};
use unbolt::{Result, Snapshot};

pub const CHURN: &str = "testdata/bbolt/churn-small.db";
pub const DOCKER: &str = "testdata/docker/live-25.0.13.db";
pub const CONTAINERD: &str = "testdata/containerd/dockerd-meta-running-1.6.20.db";

/// Every reading command on a file, with arguments that make sense for the bucket `churn`.
pub const COMMANDS: [&[&str]; 18] = [
    &["info", "FILE"],
    &["info", "--verbose", "FILE"],
    &["info", "--format", "json", "FILE"],
    &["check", "FILE"],
    &["check", "--format", "json", "FILE"],
    &["buckets", "FILE"],
    &["buckets", "--recursive", "FILE"],
    &["keys", "FILE", "churn"],
    &["keys", "--reverse", "--format", "json", "FILE", "churn"],
    &["get", "FILE", "churn", "key-0001"],
    &["pages", "FILE"],
    &["pages", "--map", "FILE"],
    &["page", "--all", "FILE"],
    &["page", "--all", "--format-value", "json", "FILE"],
    &["page-item", "FILE", "3", "0"],
    &["stats", "FILE"],
    &["inspect", "FILE"],
    &["search", "FILE", "0"],
];

pub fn unbolt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unbolt")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The command with `FILE` replaced.
pub fn on<'a>(file: &'a str, command: &[&'a str]) -> Vec<&'a str> {
    command.iter().map(|word| if *word == "FILE" { file } else { *word }).collect()
}

pub fn status(output: &Output) -> i32 {
    output.status.code().expect("no signal")
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub fn json_lines(output: &Output) -> Vec<Value> {
    out(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs a command in this process, with files opened by `open`.
pub fn in_process(open: &dyn Fn(&Path) -> Result<Snapshot>, arguments: &[&str]) -> (Status, Vec<u8>, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut context = Context {
        open,
        open_evidence: &|path, assumed| Evidence::open_as(path, assumed),
        open_to_write: &|path, options| options.open(path),
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        color: false,
        progress: false,
    };
    let line = std::iter::once("unbolt").chain(arguments.iter().copied()).map(Into::into);
    let status = run(line, &mut context);
    (status, out, String::from_utf8(err).unwrap())
}

/// Runs a command in this process on a file held in memory.
pub fn on_bytes(bytes: &[u8], command: &[&str]) -> (Status, Vec<u8>, String) {
    in_process(&|_| Snapshot::from_bytes(bytes), &on("memory.db", command))
}

pub struct Scratch {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

impl Scratch {
    pub fn holding(bytes: &[u8]) -> Scratch {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(&path, bytes).unwrap();
        Scratch { _folder: folder, path }
    }

    pub fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

pub const SMALL: Layout = Layout { page_size: PageSize::new(512).unwrap(), endian: Endian::Little };

/// A file of these runs from page 2 on, the root bucket's tree first, without a freelist.
pub fn file_of(runs: &[Vec<u8>]) -> Vec<u8> {
    let data = runs.concat();
    let high_water = PageId(2 + data.len() as u64 / 512);
    let meta = |txid| Meta {
        endian: Endian::Little,
        page_size: 512,
        flags: 0,
        root: PageId(2),
        root_sequence: 0,
        freelist: None,
        high_water,
        txid: TxId(txid),
    };
    [encode_meta(PageId(0), &meta(2), SMALL), encode_meta(PageId(1), &meta(1), SMALL), data].concat()
}

pub fn leaf(page: u64, elements: &[(&[u8], &[u8], bool)]) -> Vec<u8> {
    encode_leaf(PageId(page), &elements_of(elements), SMALL).unwrap()
}

pub fn elements_of<'a>(elements: &[(&'a [u8], &'a [u8], bool)]) -> Vec<LeafElement<&'a [u8]>> {
    elements.iter().map(|&(key, value, bucket)| LeafElement { flags: u32::from(bucket), key, value }).collect()
}
