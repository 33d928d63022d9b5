//! Owns `surgery meta`: whether the meta pages verify, and new values for their fields.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use super::operation::Patient;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::number;
use crate::cli::status::Status;
use crate::cli::txid::TxidArg;
use crate::forensic::surgery::{MetaFields, MetaUpdate};
use crate::format::{MetaRefusal, PageId};
use crate::{Error, Snapshot};

/// Verify the meta pages, or set their fields
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  unbolt surgery meta validate local-kv.db
  unbolt surgery meta update local-kv.db --output copy.db --meta-page 1 --fields freelist:18446744073709551615")]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Validate(Validate),
    Update(Update),
}

/// Say of both meta pages whether they verify
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The exit status is 1 where one does not.

Examples:
  unbolt surgery meta validate local-kv.db
  unbolt surgery meta validate meta.db")]
pub struct Validate {
    /// The database
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Set fields of a meta page
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Magic, version and checksum are mended whether fields are given or not. A copy whose tree begins \
elsewhere than that of the database is refused without --force: nothing proves that what it shows was \
ever committed.

Examples:
  unbolt surgery meta update meta.db --output copy.db --fields pgid:128
  unbolt surgery meta update meta.db --output copy.db --meta-page 1 --fields root:16,freelist:8 --force")]
pub struct Update {
    #[command(flatten)]
    pub patient: Patient,
    /// New values of pageSize, root, freelist and pgid, the first page never used
    #[arg(long, value_name = "FIELD:VALUE", value_delimiter = ',')]
    pub fields: Vec<Field>,
    /// The meta page, 0 or 1
    #[arg(long, value_name = "PAGE", value_parser = meta_page, default_value = "0")]
    pub meta_page: u64,
}

/// One field and its new value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    PageSize(u32),
    Root(u64),
    Freelist(u64),
    HighWater(u64),
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Field, String> {
        let (name, value) = text.split_once(':').ok_or("not a field, a colon and a value")?;
        let value = number::decimal(value)?;
        match name {
            "pageSize" => Ok(Field::PageSize(u32::try_from(value).map_err(|e| e.to_string())?)),
            "root" => Ok(Field::Root(value)),
            "freelist" => Ok(Field::Freelist(value)),
            "pgid" => Ok(Field::HighWater(value)),
            _ => Err(format!("field {name:?} isn't allowed to be updated")),
        }
    }
}

fn meta_page(text: &str) -> Result<u64, String> {
    number::flag(text).and_then(|page| if page > 1 { Err(format!("invalid meta page id: {page}")) } else { Ok(page) })
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    match &args.command {
        Command::Validate(args) => validate(args, context),
        Command::Update(args) => update(args, context),
    }
}

fn validate(args: &Validate, context: &mut Context<'_>) -> Result<Status, Failure> {
    let by_slots = |snapshot: &Snapshot, out: &mut dyn Write| {
        let [first, second] = snapshot.metas().slots.map(|slot| slot.meta.err());
        tell(out, [first, second])
    };
    if let Err(Error::NotBolt { first, second }) = (context.open)(&args.file) {
        return Ok(tell(context.out, [Some(first), Some(second)])?);
    }
    context.read_showing_metas(&args.file, &TxidArg::default(), |snapshot, spool| Ok(by_slots(snapshot, spool.out())?))
}

fn tell(out: &mut dyn Write, refusals: [Option<MetaRefusal>; 2]) -> io::Result<Status> {
    for (page, refusal) in refusals.iter().enumerate() {
        match refusal {
            None => writeln!(out, "The meta page {page} is valid!")?,
            Some(refusal) => writeln!(out, "WARNING: The meta page {page} isn't valid: {}!", in_bbolts_words(refusal))?,
        }
    }
    Ok(if refusals.iter().all(Option::is_none) { Status::Done } else { Status::No })
}

/// bbolt tells three ways apart in which a meta can be wrong; the others it does not look for.
fn in_bbolts_words(refusal: &MetaRefusal) -> String {
    match refusal {
        MetaRefusal::Magic { .. } => "invalid database".to_owned(),
        MetaRefusal::Version { .. } => "version mismatch".to_owned(),
        MetaRefusal::Checksum { .. } => "checksum error".to_owned(),
        other => other.to_string(),
    }
}

fn update(args: &Update, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (page, fields) = (PageId(args.meta_page), fields(&args.fields));
    let MetaUpdate { changed, located_by, page_size } =
        args.patient.cut(context, |surgery| Ok(surgery.update_meta(page, &fields)?))?;
    if page == PageId(1) && located_by != page_size {
        writeln!(
            context.out,
            "WARNING: The page size ({located_by}) in the first meta page doesn't match the second meta page ({page_size})"
        )?;
    }
    match changed {
        true => writeln!(context.out, "The meta page {page} has been updated!")?,
        false => writeln!(context.out, "Nothing changed!")?,
    }
    Ok(Status::Done)
}

/// The last value of each field counts.
fn fields(given: &[Field]) -> MetaFields {
    let mut fields = MetaFields::default();
    for field in given {
        match *field {
            Field::PageSize(size) => fields.page_size = Some(size),
            Field::Root(page) => fields.root = Some(PageId(page)),
            Field::Freelist(page) => fields.freelist = Some(PageId(page)),
            Field::HighWater(page) => fields.high_water = Some(PageId(page)),
        }
    }
    fields
}
