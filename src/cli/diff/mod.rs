//! Owns `diff`: what two databases, or two states of one, differ in.

mod line;
mod names;
mod object;

use std::path::{Path, PathBuf};

use super::attempt::Spool;
use super::context::{self, Context, course};
use super::failure::Failure;
use super::listing::Listing;
use super::nesting;
use super::progress::Progress;
use super::status::Status;
use super::txid::TxidArg;
use crate::Corruption;
use crate::forensic::Evidence;
use crate::forensic::diff::{RecordChange, Tally, Told, Which, diff};
use crate::store::DOCKER_BUCKET;
use crate::tree::Pages;
use names::Names;

/// As many places of damage as anybody reads about.
const TOLD: u64 = 100;

/// Compare two databases, or two states of one
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Pairs, buckets and sequences that are in one and not in the other, or in both and not the same, in the \
order of keys, each with the offsets in the files where it lies. Of Docker's networks the fields that \
differ are told, and which network they belong to. An older state is not provable: it may hold data \
that was never committed.

Where one of the two is damaged, that is said and the rest compared; the exit status is 5 then. It is \
1 where they differ, and 0 where they do not; 3 where a file changed meanwhile: its hash is taken \
before and after.

Examples:
  unbolt diff yesterday.db local-kv.db
  unbolt diff --format json --txid previous local-kv.db")]
pub struct Args {
    /// The database, or the older of two
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The newer one
    #[arg(value_name = "OTHER", required_unless_present = "txid", conflicts_with = "txid")]
    pub other: Option<PathBuf>,
    /// A line for each difference, or one JSON object: change, bucket, key, before and after, fields
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
    #[command(flatten)]
    pub state: TxidArg,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let (progress, newer) = (context.progress, args.other.as_ref().unwrap_or(&args.file));
    context.examine_both(&args.file, newer, |first, second, spool| {
        let before = state(&args.file, first, &args.state, spool)?;
        let after = state(newer, second, &TxidArg::default(), spool)?;
        let _progress = Progress::follow(progress, || course(&args.file, before, first.runs_counter()));
        compare(args, before, after, first.metas().is_provable(before.meta()), spool)
    })
}

/// The state of a file that is compared.
fn state<'e>(file: &Path, evidence: &'e Evidence, wanted: &TxidArg, spool: &mut Spool) -> Result<Pages<'e, Evidence>, Failure> {
    if evidence.current().is_none() {
        return Err(Failure::at(Status::Corrupt, file, "neither meta verifies: there is no state to compare")
            .hint(format_args!("`unbolt recover {} -o NEW` looks for one", file.display())));
    }
    let pages = evidence.at(context::selector(wanted)).map_err(|e| Failure::of(file, e))?;
    context::test_older(file, pages, evidence.metas(), spool)?;
    Ok(pages)
}

fn compare(
    args: &Args,
    before: Pages<'_, Evidence>,
    after: Pages<'_, Evidence>,
    provable: bool,
    spool: &mut Spool,
) -> Result<Status, Failure> {
    let names = Names::of(before, after);
    let mut damage = Damage { args, first: None, told: 0 };
    let mut lines = line::Lines::new(&names);
    let tally = diff::<_, Stop>(before, after, &mut |buckets, told| {
        nesting::test(buckets.len())?;
        if let Told::Damage { which, corruption } = told {
            damage.tell(which, &corruption, spool);
            return Ok(());
        }
        let record = record(buckets, &told);
        match args.format {
            Listing::Table => lines.write(spool.out(), buckets, &told, record.as_ref())?,
            Listing::Json => object::write(spool.out(), buckets, &told, record.as_ref(), &names, provable)?,
        }
        Ok(())
    });
    match tally {
        Ok(tally) => damage.verdict(&tally),
        Err(Stop::Failed(failure)) => Err(failure),
        Err(Stop::Unread(e)) => Err(Failure::of(&args.file, e)),
    }
}

/// The record of Docker's that a pair is.
fn record(buckets: &[Vec<u8>], told: &Told<'_>) -> Option<RecordChange> {
    let (Told::Pair { key, before, after }, [bucket]) = (told, buckets) else { return None };
    let is_dockers = bucket == DOCKER_BUCKET.as_bytes();
    is_dockers.then(|| RecordChange::of(key, before.map(|stored| stored.value), after.map(|stored| stored.value))).flatten()
}

/// Why a comparison ends early.
enum Stop {
    Failed(Failure),
    Unread(crate::Error),
}

impl From<crate::Error> for Stop {
    fn from(e: crate::Error) -> Self {
        Stop::Unread(e)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

impl From<std::io::Error> for Stop {
    fn from(e: std::io::Error) -> Self {
        Stop::Failed(e.into())
    }
}

/// What could not be read.
struct Damage<'a> {
    args: &'a Args,
    first: Option<&'a Path>,
    told: u64,
}

impl Damage<'_> {
    fn tell(&mut self, which: Which, corruption: &Corruption, spool: &mut Spool) {
        let file = match which {
            Which::Before => &self.args.file,
            Which::After => self.args.other.as_ref().unwrap_or(&self.args.file),
        };
        self.first.get_or_insert(file);
        if self.told < TOLD {
            spool.note(format_args!("{}: {corruption}", file.display()));
        }
        self.told = self.told.saturating_add(1);
    }

    fn verdict(&self, tally: &Tally) -> Result<Status, Failure> {
        let Some(file) = self.first else { return Ok(if tally.differs() { Status::No } else { Status::Done }) };
        let words = format!(
            "{} places could not be read in all; {} entries of one side lie where the other has damage, and were not compared",
            tally.damaged, tally.uncompared
        );
        Err(Failure::at(Status::Corrupt, file, words)
            .hint(format_args!("`unbolt check {}` lists all that is wrong", file.display())))
    }
}
