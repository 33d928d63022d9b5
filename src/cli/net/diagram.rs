//! Owns `net diagram`: the picture of the networks.

use std::path::PathBuf;

use clap::ValueEnum;

use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::net::Diagram;

/// Draw the networks, the containers in them and the ports that lead there
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The networks `host` and `none` are left out where nobody is in them. What is dashed is only named by
other records: an endpoint without a sandbox, a network without a record.

Examples:
  unbolt net diagram /var/lib/docker > networks.svg
  unbolt net diagram --as mermaid local-kv.db")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// In which language
    #[arg(long = "as", value_name = "FORMAT", value_enum, default_value_t)]
    pub language: Language,
    #[command(flatten)]
    pub state: TxidArg,
}

/// What a picture is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// A picture for browsers
    #[default]
    Svg,
    /// A flowchart for Markdown
    Mermaid,
    /// A graph for Graphviz
    Dot,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    records::read(&args.file, &args.state, context, |_, inventory, spool| {
        let diagram = Diagram::of(inventory);
        let drawn = match args.language {
            Language::Svg => diagram.svg(),
            Language::Mermaid => diagram.mermaid(),
            Language::Dot => diagram.dot(),
        };
        spool.out().write_all(drawn.as_bytes())?;
        Ok(Status::Done)
    })
}
