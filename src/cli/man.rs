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
pub fn run(args: &Args, mut root: clap::Command, out: &mut dyn Write) -> io::Result<Option<()>> {
    root.build();
    let source = format!("{} {}", root.get_name(), env!("CARGO_PKG_VERSION"));
    let mut command = &root;
    for name in &args.command {
        match command.find_subcommand(name) {
            Some(found) => command = found,
            None => return Ok(None),
        }
    }
    let command = without_help(command.clone());
    let mut page = Vec::new();
    Man::new(command).source(source).manual("User Commands").render(&mut page)?;
    out.write_all(named_sections(&page).as_bytes()).map(Some)
}

/// `help` is on every page an option already.
fn without_help(command: clap::Command) -> clap::Command {
    if command.find_subcommand("help").is_some() { command.mut_subcommand("help", |help| help.hide(true)) } else { command }
}

/// What stands behind the options says how to use them; `EXTRA` is no name that a reader of manuals knows.
fn named_sections(page: &[u8]) -> String {
    String::from_utf8_lossy(page).replace(".SH EXTRA\n", ".SH NOTES\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn page(command: &[&str]) -> Option<String> {
        let args = Args { command: command.iter().map(|name| name.to_string()).collect() };
        let mut page = Vec::new();
        run(&args, super::super::Cli::command(), &mut page).unwrap()?;
        Some(String::from_utf8(page).unwrap())
    }

    #[test]
    fn the_page_of_the_program_lists_its_commands() {
        let page = page(&[]).unwrap();
        let commands = super::super::Cli::command();
        for command in commands.get_subcommands() {
            let name = command.get_name().replace('-', "\\-");
            assert!(page.contains(&format!("unbolt\\-{name}(1)")), "{name}: {page}");
        }
        assert!(!page.contains("unbolt\\-help(1)"), "{page}");
        assert!(page.contains(".SH NOTES\n") && page.contains("Exit status"), "{page}");
    }

    #[test]
    fn every_command_has_a_page_with_its_examples() {
        for command in [&["check"][..], &["kv"], &["kv", "list"], &["kv", "ls"], &["snapshot"], &["completion"]] {
            let page = page(command).unwrap();
            assert!(page.contains("User Commands") && page.contains("Examples:"), "{command:?}: {page}");
        }
        assert_eq!(page(&["nothing"]), None);
        assert_eq!(page(&["kv", "nothing"]), None);
    }
}
