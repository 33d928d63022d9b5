//! Owns `man`: the manual page.

use std::io::{self, Write};

use clap_mangen::Man;

/// Print the manual page, or that of one command
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt man | man -l -
  unbolt man check > unbolt-check.1")]
pub struct Args {
    /// The command whose page to print
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Prints the page; `None` where there is no such command.
pub fn run(args: &Args, root: clap::Command, out: &mut dyn Write) -> io::Result<Option<()>> {
    let mut root = root;
    root.build();
    let mut command = &root;
    for name in &args.command {
        match command.find_subcommand(name) {
            Some(found) => command = found,
            None => return Ok(None),
        }
    }
    Man::new(command.clone()).render(out).map(Some)
}
