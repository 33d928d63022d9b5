//! Progress: shown on a terminal by a command that takes long, and nowhere else.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A command that reads a pipe which stays open for as long as the test wants, on a terminal of its own. `None` where
/// there is no program that makes terminals.
fn on_a_terminal(folder: &Path, arguments: &str, ci: &str) -> Option<Child> {
    if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: no script");
        return None;
    }
    assert!(Command::new("mkfifo").arg(folder.join("lines")).status().unwrap().success());
    let line = format!("'{}' import lines -o new.db {arguments}", env!("CARGO_BIN_EXE_unbolt"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder).env("CI", ci);
    Some(script.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap())
}

/// What a command shows: all of it, or until these words come.
fn shown(child: &mut Child, until: Option<&str>) -> String {
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    let output = child.stdout.as_mut().unwrap();
    while until.is_none_or(|words| !String::from_utf8_lossy(&all).contains(words)) {
        match output.read(&mut some).unwrap() {
            0 => break,
            n => all.extend_from_slice(&some[..n]),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

const BUCKET: &[u8] = b"{\"bucket\": [\"b\"], \"sequence\": 7}\n";

#[test]
fn a_command_that_takes_long_shows_on_a_terminal_how_far_it_is_and_then_ends() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut child) = on_a_terminal(folder.path(), "", "") else { return };
    let mut lines = File::options().write(true).open(folder.path().join("lines")).unwrap();
    lines.write_all(BUCKET).unwrap();
    // Drawn again and again: at first nothing was read yet.
    let read = format!("lines: {} bytes", BUCKET.len());
    let drawn = shown(&mut child, Some(&read));
    assert!(drawn.contains(&read), "{drawn}");
    drop(lines);
    let rest = shown(&mut child, None);
    assert!(child.wait().unwrap().success() && rest.contains("unbolt: new.db: 1 bucket and 0 pairs"), "{rest}");
}

#[test]
fn nothing_is_drawn_where_nobody_wants_it() {
    for (arguments, ci) in [("--quiet", ""), ("", "true")] {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut child) = on_a_terminal(folder.path(), arguments, ci) else { return };
        fs::write(folder.path().join("lines"), BUCKET).unwrap();
        assert_eq!(shown(&mut child, None).trim_end().lines().count(), 1);
        assert!(child.wait().unwrap().success());
    }
}
