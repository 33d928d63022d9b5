//! Owns `surgery freelist`: the list of free pages, given up or made anew.

use std::sync::Arc;

use super::operation::Patient;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::status::Status;
use crate::{Db, Error};

/// Give up the list of free pages, or make it anew
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt surgery freelist abandon meta.db --output abandoned.db
  unbolt surgery freelist rebuild abandoned.db --output rebuilt.db")]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Abandon(Abandon),
    Rebuild(Rebuild),
}

/// Take the list of free pages out of both meta pages
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Whoever opens the copy for writing looks for free pages anew. boltdb up to 1.3.0 cannot open it.

Examples:
  unbolt surgery freelist abandon local-kv.db --output copy.db
  unbolt surgery freelist abandon --output=copy.db local-kv.db")]
pub struct Abandon {
    #[command(flatten)]
    pub patient: Patient,
}

/// Make a list of free pages in a database that has none
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The list comes with a transaction of its own, as when bbolt opens such a database.

Examples:
  unbolt surgery freelist rebuild abandoned.db --output copy.db
  unbolt surgery freelist rebuild --output=copy.db abandoned.db")]
pub struct Rebuild {
    #[command(flatten)]
    pub patient: Patient,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    match &args.command {
        Command::Abandon(args) => abandon(args, context),
        Command::Rebuild(args) => rebuild(args, context),
    }
}

fn abandon(args: &Abandon, context: &mut Context<'_>) -> Result<Status, Failure> {
    args.patient.cut(context, |surgery| Ok(surgery.abandon_freelist()?))?;
    writeln!(context.out, "The freelist was abandoned in both meta pages.")?;
    writeln!(
        context.out,
        "It may cause some delay on next startup because bbolt needs to scan the whole db to reconstruct the free list."
    )?;
    Ok(Status::Done)
}

fn rebuild(args: &Rebuild, context: &mut Context<'_>) -> Result<Status, Failure> {
    let file = &args.patient.file;
    let current = (context.open)(file).ok().map(|snapshot| *snapshot.meta());
    if current.is_some_and(|meta| meta.freelist.is_some()) {
        let failure = Failure::at(Status::Refused, file, "has a list of free pages already");
        return Err(failure.hint("`unbolt surgery freelist abandon` makes a copy without it, which can get another"));
    }
    args.patient.operate(context, |copy, _| {
        let failed = |source| Error::Io { op: "write", path: Default::default(), source };
        let disk = Arc::new(copy.try_clone().map_err(failed)?);
        let db = Db::options().create(false).commit_unchanged(true).open_disk(disk)?;
        db.begin_write()?.commit()?;
        Ok(db.close()?)
    })?;
    writeln!(context.out, "The freelist was successfully rebuilt.")?;
    Ok(Status::Done)
}
