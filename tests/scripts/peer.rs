//! Go's side: one process that runs scripts with Go's libraries and reports what files became.

use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::report::Report;
use super::script::{Engine, Script};

/// A process of `interop/script`. It ends with its owner.
pub struct Peer {
    program: PathBuf,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    pub fn start(program: &Path) -> Peer {
        let program = program.to_owned();
        let mut child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Peer { program, child, input, output }
    }

    /// The script of all runs from now on.
    pub fn load(&mut self, script: &Script) -> Result<(), String> {
        let text = script.to_string();
        let answer = self.ask(&format!("script {}\n{text}", text.len()))?;
        match answer["transactions"].as_u64() == Some(script.transactions.len() as u64) {
            true => Ok(()),
            false => Err(format!("Go reads another script: {answer}")),
        }
    }

    /// Runs some transactions on a file, and names the operations that failed.
    pub fn run(&mut self, engine: Engine, transactions: Range<usize>, file: &Path) -> Result<Vec<String>, String> {
        let Range { start, end } = transactions;
        let answer = self.ask(&format!("run {} {start} {end} {}\n", engine.name(), file.display()))?;
        let failed = answer["failed"].as_array().ok_or_else(|| format!("Go answers {answer}"))?;
        Ok(failed.iter().map(|operation| operation.as_str().unwrap_or_default().to_owned()).collect())
    }

    /// What Go reads in a file.
    pub fn report(&mut self, file: &Path) -> Result<Report, String> {
        let answer = self.ask(&format!("report {}\n", file.display()))?;
        Report::parse(&answer).ok_or_else(|| format!("Go answers {answer}"))
    }

    fn ask(&mut self, question: &str) -> Result<Value, String> {
        let mut line = String::new();
        let answered = self.input.write_all(question.as_bytes()).and_then(|()| self.output.read_line(&mut line));
        if !answered.is_ok_and(|length| length > 0) {
            *self = Peer::start(&self.program);
            return Err("Go's process ended".into());
        }
        let answer: Value = serde_json::from_str(&line).map_err(|e| format!("{e}: {line}"))?;
        let Some(error) = answer["error"].as_str() else { return Ok(answer) };
        if error.contains("panic") {
            *self = Peer::start(&self.program);
        }
        Err(format!("Go says: {error}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
