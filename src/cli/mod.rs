//! Owns the command line: the arguments of each command, and who runs them.

mod argument;
mod attempt;
mod audit;
mod bench;
mod buckets;
mod bytes;
mod carve;
mod check;
mod color;
mod compact;
mod completions;
mod context;
mod create_bucket;
mod delete;
mod delete_bucket;
mod diff;
mod docker_path;
mod dump;
mod evidence;
mod export;
mod failure;
mod find;
mod get;
mod hexdump;
mod history;
mod import;
mod info;
mod inspect;
mod item_json;
mod json;
mod json_in;
mod json_line;
mod keys;
mod kv;
mod listing;
mod man;
mod naming;
mod nesting;
mod net;
mod number;
mod output;
mod page;
mod page_item;
mod page_json;
mod page_map;
mod page_rows;
mod page_text;
mod pages;
mod progress;
mod put;
mod quote;
mod raw_page;
mod recover;
mod rename_bucket;
mod report;
mod search;
mod snapshot;
mod stats;
mod status;
mod surgery;
mod table;
mod transaction;
mod txid;
mod utc;
mod version;
mod writers;

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use color::Color;
pub use context::{Context, Open, OpenEvidence, OpenToWrite};
use failure::Failure;
pub use status::Status;

/// Read and change BoltDB files as Docker, containerd, etcd and podman keep them
#[derive(Debug, Parser)]
#[command(
    name = "unbolt",
    version,
    disable_version_flag = true,
    args_override_self = true,
    max_term_width = 100,
    after_long_help = "\
Reading commands take no lock, write nothing, and read a database in use as safely as one at rest.
Commands that change a database take its lock, do all they do in one transaction or nothing at all,
and with --dry-run only say what it would be.

Exit status: 0 done, yes; 1 no (absent key, findings); 2 usage; 3 cannot open, read or write;
4 in use by another process; 5 not a Bolt file, or damaged; 6 refused for safety.

Examples:
  unbolt kv list /var/lib/docker
  unbolt check meta.db"
)]
pub struct Cli {
    /// Print the version
    #[arg(short = 'V', short_alias = 'v', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
    /// When to colour output
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true,
        display_order = 100
    )]
    color: Color,
    /// Show no progress
    #[arg(long, global = true, display_order = 100)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Info(info::Args),
    Check(check::Args),
    Buckets(buckets::Args),
    Keys(keys::Args),
    Get(get::Args),
    Pages(pages::Args),
    Page(page::Args),
    PageItem(page_item::Args),
    Dump(dump::Args),
    Stats(stats::Args),
    Inspect(inspect::Args),
    Search(search::Args),
    Export(export::Args),
    Import(import::Args),
    Compact(compact::Args),
    Put(put::Args),
    Delete(delete::Args),
    CreateBucket(create_bucket::Args),
    DeleteBucket(delete_bucket::Args),
    RenameBucket(rename_bucket::Args),
    Bench(bench::Args),
    Kv(kv::Args),
    Net(net::Args),
    Snapshot(snapshot::Args),
    Diff(diff::Args),
    Surgery(surgery::Args),
    Recover(recover::Args),
    Carve(carve::Args),
    Find(find::Args),
    History(history::Args),
    Audit(audit::Args),
    Report(report::Args),
    #[command(visible_alias = "completion")]
    Completions(completions::Args),
    Man(man::Args),
    Version(version::Args),
}

/// Runs a command line, its first word the program's name, and says how it ended.
pub fn run(line: impl IntoIterator<Item = OsString>, context: &mut Context<'_>) -> Status {
    match Cli::try_parse_from(line) {
        Ok(cli) => cli.run(context),
        Err(error) => told_by_clap(&error, context),
    }
}

impl Cli {
    /// Runs a command line that was parsed, as often as one likes.
    pub fn run(&self, context: &mut Context<'_>) -> Status {
        context.color = self.color.is_wanted(context.color);
        context.progress &= !self.quiet;
        let ended = dispatch(&self.command, context).and_then(|status| {
            context.out.flush()?;
            Ok(status)
        });
        ended.unwrap_or_else(|failure| {
            // There is nowhere left to say that standard error is closed.
            let _ = failure.tell(context.err);
            failure.status()
        })
    }
}

/// Help and versions are data; wrong usage is words.
fn told_by_clap(error: &clap::Error, context: &mut Context<'_>) -> Status {
    let text = error.render();
    if error.use_stderr() {
        let _ = write!(context.err, "{text}");
        return Status::Usage;
    }
    match write!(context.out, "{text}").and_then(|()| context.out.flush()) {
        Ok(()) => Status::Done,
        Err(error) => Failure::from(error).status(),
    }
}

fn dispatch(command: &Command, context: &mut Context<'_>) -> Result<Status, Failure> {
    match command {
        Command::Info(args) => return info::run(args, context),
        Command::Check(args) => return check::run(args, context),
        Command::Buckets(args) => return buckets::run(args, context),
        Command::Keys(args) => return keys::run(args, context),
        Command::Get(args) => return get::run(args, context),
        Command::Pages(args) => return pages::run(args, context),
        Command::Page(args) => return page::run(args, context),
        Command::PageItem(args) => return page_item::run(args, context),
        Command::Dump(args) => return dump::run(args, context),
        Command::Stats(args) => return stats::run(args, context),
        Command::Inspect(args) => return inspect::run(args, context),
        Command::Search(args) => return search::run(args, context),
        Command::Completions(args) => completions::run(args, Cli::command(), context.out)?,
        Command::Export(args) => return export::run(args, context),
        Command::Import(args) => return import::run(args, context),
        Command::Compact(args) => return compact::run(args, context),
        Command::Find(args) => return find::run(args, context),
        Command::History(args) => return history::run(args, context),
        Command::Audit(args) => return audit::run(args, context),
        Command::Report(args) => return report::run(args, context),
        Command::Snapshot(args) => return snapshot::run(args, context),
        Command::Diff(args) => return diff::run(args, context),
        Command::Surgery(args) => return surgery::run(args, context),
        Command::Recover(args) => return recover::run(args, context),
        Command::Carve(args) => return carve::run(args, context),
        Command::Put(args) => return put::run(args, context),
        Command::Delete(args) => return delete::run(args, context),
        Command::CreateBucket(args) => return create_bucket::run(args, context),
        Command::DeleteBucket(args) => return delete_bucket::run(args, context),
        Command::RenameBucket(args) => return rename_bucket::run(args, context),
        Command::Bench(args) => return bench::run(args, context),
        Command::Kv(args) => return kv::run(args, context),
        Command::Net(args) => return net::run(args, context),
        Command::Version(_) => version::run(context.out)?,
        Command::Man(args) => {
            if man::run(args, Cli::command(), context.out)?.is_none() {
                return Err(Failure::usage(format_args!("no command `{}`", args.command.join(" "))));
            }
        }
    }
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(line: &str) -> bool {
        Cli::try_parse_from(std::iter::once("unbolt").chain(line.split(' '))).is_ok()
    }

    #[test]
    fn the_argument_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_way_to_write_bbolts_arguments_is_accepted() {
        for line in [
            "info f",
            "check f",
            "check --from-page 3 f",
            "check f --from-page=0x10",
            "buckets f",
            "keys f a b",
            "keys f a -f hex",
            "keys f a -fhex",
            "keys f a -f=hex",
            "keys -f ascii-encoded f a",
            "keys f --format redacted a",
            "keys f a -- -b",
            "keys -f hex -f auto f a",
            "get f a k",
            "get f a b k --parse-format hex --format bytes",
            "get f a -- -k",
            "pages f",
            "page f 1 2",
            "page f --all",
            "page --all=true f",
            "page f 1 --all=false",
            "page --all --format-value hex f",
            "page-item f 1 0",
            "page-item --key-only f 1 0",
            "page-item f 1 0 --value-only=true --format hex",
            "dump f 1 2",
            "stats f",
            "stats f prefix",
            "inspect f",
            "compact -o g f",
            "compact f --output=g --tx-max-size 0 --no-sync",
            "compact --tx-max-size=-1 --no-sync=false -o=g f",
            "bench",
            "bench --profile-mode rw --cpuprofile f",
            "bench --count=0x10 --batch-size 4 --key-size=8 --value-size 32 --fill-percent 0.9 --page-size=8192",
            "bench --write-mode seq-nest --read-mode=rnd --no-sync --work=false --path f --gobench-output=1",
            "bench --write-mode=rnd-nest --initial-mmap-size 10_000",
            "version",
            "completion bash",
            "completions zsh",
        ] {
            assert!(accepts(line), "{line}");
        }
    }

    #[test]
    fn what_bbolt_refuses_is_refused() {
        for line in [
            "info",
            "info f g",
            "check",
            "keys f",
            "get f a",
            "page f x",
            "page f +1",
            "page-item f 1",
            "page-item f 1 2 3",
            "dump f",
            "dump f -1",
            "stats",
            "stats f a b",
            "inspect",
            "compact f",
            "compact -o g",
            "compact -o g f --tx-max-size x",
            "keys f a --format nope",
            "check --from-page x f",
            "bench --write-mode seq-del",
            "bench --count x",
            "bench --no-sync=maybe",
        ] {
            assert!(!accepts(line), "{line}");
        }
    }

    #[test]
    fn every_command_has_a_short_help_and_two_examples_in_the_long_one() {
        fn visit(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            let long = command.get_after_long_help().map(|text| text.to_string()).unwrap_or_default();
            let examples = long.split("Examples:\n").nth(1).unwrap_or_default();
            assert_eq!(examples.lines().filter(|line| line.contains("unbolt ")).count(), 2, "{}: {long}", command.get_name());
            command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(visit);
        }
        visit(&Cli::command());
    }
}
