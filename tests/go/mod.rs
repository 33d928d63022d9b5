//! Programs of `interop/`, built with Go and run beside a test. Nothing outlives the test that started it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

/// The path of a program of `interop/`, or `None`, said aloud, where there is no Go.
pub fn program(name: &str) -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    built(
        BUILT
            .get_or_init(|| build("interop", &["./writer", "./lock", "./create", "./script", "./dump", "./crash", "./deleted"]))
            .as_deref(),
        name,
    )
}

/// The program with dockerd's stores: `interop/kvstore`, a module of its own.
pub fn kvstore() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    built(BUILT.get_or_init(|| build("interop/kvstore", &["."])).as_deref(), "kvstore")
}

fn built(folder: Option<&Path>, name: &str) -> Option<PathBuf> {
    if folder.is_none() {
        eprintln!("skipped: no go");
    }
    folder.map(|folder| folder.join(name))
}

/// Builds packages of a module.
fn build(module: &str, packages: &[&str]) -> Option<PathBuf> {
    Command::new("go").arg("version").stdout(Stdio::null()).status().ok()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
    std::fs::create_dir_all(&folder).unwrap();
    // Each program appears whole: two test binaries may build at once.
    let own = tempfile::tempdir_in(&folder).unwrap();
    let mut go = Command::new("go");
    go.current_dir(module).args(["build", "-o"]).arg(own.path()).args(packages);
    assert!(go.status().unwrap().success(), "{go:?}");
    for entry in std::fs::read_dir(own.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::rename(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    Some(folder)
}

/// A process that runs until its standard input ends, and ends with the test at the latest.
pub struct Beside {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Beside {
    pub fn start(command: &mut Command) -> Beside {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Beside { child, input, output }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input.
    pub fn input(&mut self) -> &mut ChildStdin {
        self.input.as_mut().unwrap()
    }

    /// The next line it prints.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.output.as_mut().unwrap().read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Waits until it prints this line.
    pub fn wait_for(&mut self, wanted: &str) {
        while self.line().unwrap_or_else(|| panic!("it ended without saying `{wanted}`")) != wanted {}
    }

    /// Everything it prints from now on, for another thread to read.
    pub fn take_output(&mut self) -> BufReader<ChildStdout> {
        self.output.take().unwrap()
    }

    /// What it prints on standard error, where that was piped.
    pub fn take_errors(&mut self) -> Option<std::process::ChildStderr> {
        self.child.stderr.take()
    }

    /// Ends its standard input and waits for it.
    pub fn end(&mut self) -> ExitStatus {
        drop(self.input.take());
        self.child.wait().unwrap()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
