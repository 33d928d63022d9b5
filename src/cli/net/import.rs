//! Owns `net import`: the networks of an export, put into a file or made to one.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::inbound;
use super::moving::MovingArgs;
use super::new_file;
use super::new_id::new_id;
use super::records::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::naming::count;
use crate::cli::status::Status;
use crate::cli::transaction::WriteArgs;
use crate::net::Inventory;
use crate::net::transfer::Export;
use crate::store::StoreError;

/// Put the networks that net export printed into a file, or make one of them
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A FILE that is not there is made, with every record of the export and its index: what was not edited is \
byte for byte what it was. It is made beside its name and takes that when it is whole and synced.

A FILE that is there gets the networks, each with its count and its driver's record, in one transaction, \
and is kept as FILE.bak-TXID before. What docker makes by itself (bridge, host, none) does not come, nor \
do endpoints and sandboxes: docker makes those anew with the next start of a container, and would remove \
any that it found. A network that is there just so already stays as it is. The options below choose \
networks and change them on the way, as those of net migrate do; with one of them a FILE that is not \
there is made of such networks alone.

Everything that stands in the way is named: ids, names, bridges, subnets, gateways, parents and static \
addresses that are taken or have no place, and what the target version could not live with. The exit \
status is 6 then, and nothing is written.

Stop dockerd first: while it runs it keeps its own copy of what is here and writes it again.

Examples:
  unbolt net import /var/lib/docker/network/files/local-kv.db networks.json
  unbolt net export old.db | unbolt net import --network blue --rename blue=green --dry-run new.db -")]
pub struct Args {
    /// The database, there or not yet, or a directory with a local-kv.db in it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The export; - is standard input
    #[arg(value_name = "EXPORT.json")]
    pub export: PathBuf,
    #[command(flatten)]
    pub moving: MovingArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let export = Export::parse(&read(&args.export, context.input)?);
    let export = export.map_err(|e| Failure::at(Status::Corrupt, &args.export, text(&e.to_string())))?;
    if export.records().next().is_none() {
        return Err(Failure::at(Status::No, &args.export, "holds no records"));
    }
    for problem in export.records().filter_map(|record| record.problem.as_deref()) {
        let _ = writeln!(context.err, "unbolt: {}: {}", args.export.display(), text(problem));
    }
    let is_new = inbound::is_new(&args.file, context.open)?;
    if is_new && !args.moving.change_anything() {
        return make(args, &export, context);
    }
    let source = Inventory::read(export.pairs().into_iter().map(Ok));
    let source = source.map_err(|e: StoreError| Failure::at(Status::Corrupt, &args.export, e))?;
    let migration = args.moving.migration(&[&args.file], context)?;
    let plan = |there: &Inventory| migration.plan(&source, there, &mut new_id);
    match is_new {
        true => inbound::make(&args.file, &args.export, args.write.dry_run, plan(&Inventory::default()), context),
        false => inbound::put(&args.file, &args.write, context, plan),
    }
}

fn read(path: &Path, input: &mut dyn Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => input.read_to_end(&mut bytes).map(|_| bytes),
        false => fs::read(path),
    };
    let bytes = read.map_err(|e| Failure::at(Status::Io, path, format_args!("cannot read: {e}")))?;
    String::from_utf8(bytes).map_err(|e| Failure::at(Status::Corrupt, path, e.utf8_error()))
}

/// Makes the file that was exported again.
fn make(args: &Args, export: &Export, context: &mut Context<'_>) -> Result<Status, Failure> {
    let pairs = export.pairs();
    let (networks, records) = (count(export.networks.len() as u64, "network"), count(pairs.len() as u64, "record"));
    if args.write.dry_run {
        return inbound::say_only(&args.file, vec![format!("make of {networks}: {records}")], context);
    }
    new_file::make(&args.file, &args.export, false, pairs)?;
    let _ = writeln!(context.err, "unbolt: {}: made of {networks}: {records}", args.file.display());
    Ok(Status::Done)
}
