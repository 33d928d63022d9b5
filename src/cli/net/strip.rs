//! Owns `net strip`: a new file with the networks of another and nothing of what ran on them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::new_file;
use super::records;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::naming::count;
use crate::cli::output;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::net::Key;
use crate::net::transfer::Stripped;

/// Make a clean base for images and builds: the networks alone, nothing of what ran on them
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
NEW has the networks of FILE with their counts at zero and their drivers' records, under the indexes \
that they had. Endpoints, sandboxes and the default bridge, which each start of docker makes anew, are \
not there; nor are networks that were being deleted, what is left of networks that are gone, the address \
pools of Docker 1.9 to 1.11, and records that dockerd cannot read. FILE is only read, and may be in use. \
NEW is made beside its name and takes that when it is whole and synced.

Examples:
  unbolt net strip /var/lib/docker -o local-kv.db
  unbolt net strip --force local-kv.db -o image/var/lib/docker/network/files/local-kv.db")]
pub struct Args {
    /// The database, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The new file
    #[arg(long, short, value_name = "NEW")]
    pub output: PathBuf,
    /// Replace NEW
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (file, inventory) = records::take(&args.file, &args.state, context)?;
    output::refuse_unsafe(&args.output, &file, args.force)?;
    let stripped = Stripped::of(&inventory);
    let records = count(stripped.pairs.len() as u64, "record");
    new_file::make(&args.output, &file, args.force, stripped.pairs)?;
    let say =
        |words: String, context: &mut Context<'_>| _ = writeln!(context.err, "unbolt: {}: {words}", args.output.display());
    stripped.notes.iter().for_each(|note| say(records::text(note), context));
    let dropped = match stripped.dropped.is_empty() {
        true => "nothing".to_owned(),
        false => by_family(&stripped.dropped),
    };
    say(format!("{records} kept, left out: {dropped}"), context);
    Ok(Status::Done)
}

/// How many records of which families.
fn by_family(keys: &[String]) -> String {
    let mut families: BTreeMap<&str, u64> = BTreeMap::new();
    for key in keys {
        let family = key.parse::<Key>().map_or("unknown", |key| key.family());
        *families.entry(family).or_default() += 1;
    }
    families.iter().map(|(family, number)| format!("{number} of {family}")).collect::<Vec<_>>().join(", ")
}
