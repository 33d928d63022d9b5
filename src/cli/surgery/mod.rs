//! Owns `surgery`: bbolt's commands that change single pages of a copy.

mod clear_page;
mod clear_page_elements;
mod copy_page;
mod freelist;
mod meta;
mod operation;
mod revert_meta_page;

use super::context::Context;
use super::failure::Failure;
use super::status::Status;

/// Change single pages of a copy, as bbolt's surgery does
///
/// The database itself stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Arguments, output and the bytes of the copy are bbolt's. What differs: a copy that Go's next write \
would turn into damage, and one that brings up a state which may never have been committed, is \
refused with status 6, and --force makes it all the same. bbolt makes such copies without a word. \
`unbolt compact` and `unbolt recover` write sound files and are what most people want. The database is \
hashed before and after; of one that changed meanwhile no copy is made, and the status is 3.

Examples:
  unbolt surgery freelist abandon local-kv.db --output copy.db
  unbolt surgery meta validate local-kv.db")]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    RevertMetaPage(revert_meta_page::Args),
    CopyPage(copy_page::Args),
    ClearPage(clear_page::Args),
    ClearPageElements(clear_page_elements::Args),
    Freelist(freelist::Args),
    Meta(meta::Args),
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    match &args.command {
        Command::RevertMetaPage(args) => revert_meta_page::run(args, context),
        Command::CopyPage(args) => copy_page::run(args, context),
        Command::ClearPage(args) => clear_page::run(args, context),
        Command::ClearPageElements(args) => clear_page_elements::run(args, context),
        Command::Freelist(args) => freelist::run(args, context),
        Command::Meta(args) => meta::run(args, context),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    fn accepts(line: &str) -> bool {
        Cli::try_parse_from(["unbolt", "surgery"].into_iter().chain(line.split(' '))).is_ok()
    }

    #[test]
    fn every_way_to_write_bbolts_arguments_is_accepted() {
        for line in [
            "revert-meta-page f --output g",
            "revert-meta-page --output=g f",
            "copy-page f --output g --from-page 3 --to-page=0x4",
            "clear-page f --output g --pageId 3",
            "clear-page-elements f --output g --pageId 3 --from-index 1 --to-index -1",
            "clear-page-elements f --output g --pageId=3 --from-index=0 --to-index=-1",
            "freelist abandon f --output g",
            "freelist rebuild f --output g",
            "meta validate f",
            "meta update f --output g",
            "meta update f --output g --fields root:16,freelist:8 --fields pgid:128 --meta-page 1",
        ] {
            assert!(accepts(line), "{line}");
        }
    }

    #[test]
    fn what_bbolt_refuses_is_refused() {
        for line in [
            "revert-meta-page f",
            "revert-meta-page --output g",
            "copy-page f --output g --from-page 3",
            "copy-page f --output g --from-page x --to-page 4",
            "clear-page f --output g",
            "clear-page f --output g --pageId -1",
            "clear-page-elements f --output g --pageId 3 --from-index 1",
            "freelist f",
            "freelist rebuild f",
            "meta validate f --output g",
            "meta update f --fields root:1",
            "meta update f --output g --fields txid:1",
            "meta update f --output g --fields root",
            "meta update f --output g --fields root:1:2",
            "meta update f --output g --fields root:x",
            "meta update f --output g --meta-page 2",
        ] {
            assert!(!accepts(line), "{line}");
        }
    }
}
