//! Owns `version`.

use std::io::{self, Write};

/// Print the version
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt version
  unbolt --version")]
pub struct Args {}

pub fn run(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "unbolt Version: {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "OS/Arch: {}/{}", std::env::consts::OS, std::env::consts::ARCH)
}
