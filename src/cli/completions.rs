//! Owns `completions`: the script that teaches a shell this program's arguments.

use std::io::{self, Write};

use clap_complete::Shell;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt completions bash > /etc/bash_completion.d/unbolt
  unbolt completions zsh > ~/.zfunc/_unbolt")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

pub fn run(args: &Args, mut command: clap::Command, out: &mut dyn Write) -> io::Result<()> {
    // The generator panics where it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "unbolt", &mut script);
    out.write_all(&script)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, ValueEnum};

    #[test]
    fn every_shells_script_knows_the_commands() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            run(&Args { shell: *shell }, super::super::Cli::command(), &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            for word in ["snapshot", "page-item", "exists", "--parse-format"] {
                assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
            }
        }
    }
}
