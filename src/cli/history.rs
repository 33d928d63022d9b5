//! Owns `history`: every version of a key that a file still holds, and where.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Write;

use serde_json::Value;

use super::attempt::Spool;
use super::bytes::{Format, ParseFormat};
use super::context::Context;
use super::evidence::EvidenceArgs;
use super::failure::Failure;
use super::item_json;
use super::listing::Listing;
use super::status::Status;
use super::table::Table;
use super::{argument, json, naming, nesting, quote};
use crate::forensic::{Clock, Doubt, Evidence, History, Item, ItemKind, Root, RootOrigin, State, Wanted, clocks};

/// Bytes of a value that a line shows.
const EXCERPT: usize = 40;

/// List the versions of keys that a file still holds: replaced, deleted, perhaps never committed
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "unbolt history [OPTIONS] <FILE> [[BUCKET]... <KEY>]",
    after_long_help = "\
Without a key: what lies outside of the current state, and beside each replaced value the current one.
With a key alone: its versions in any bucket; with the buckets on the way to it too, those there and
those whose bucket is not known.

STATE: by comparison with the current state alone: superseded where that has another value under the
key, deleted where it does not have the key. That anything but `live` was ever committed cannot be
proven (JSON: \"provable\": false). `or uncommitted`: it fits a writer that was stopped before it
committed; without that it is older than the current state, provided that no write was lost on its way
to the disk and pages were chosen as Bolt does by default, with no reader beside. GRADE: A in the
current state; B on a whole page with its own number; C on what is left of a run, or on a page that
breaks a rule; D bytes without a header; X behind it: trees name the page for different buckets.
ORDER is what the value itself tells of its time, with its source; libkv's index orders what was
written in one run of a daemon.

Exits with status 1 where nothing was found, 3 where the file changed meanwhile.

Examples:
  unbolt history --deleted local-kv.db
  unbolt history --format json meta.db v1 moby containers"
)]
pub struct Args {
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    /// The names of the buckets on the way to a key, then the key
    #[arg(value_name = "BUCKET|KEY")]
    pub path: Vec<OsString>,
    /// How the key is given
    #[arg(long, value_enum, default_value = "ascii-encoded")]
    pub parse_format: ParseFormat,
    /// Leave out keys that the current state has
    #[arg(long, conflicts_with = "all")]
    pub deleted: bool,
    /// List all of the current state too, and every copy of it on pages that are not in use; as JSON in the order of its
    /// trees and then of the file
    #[arg(long)]
    pub all: bool,
    /// List the roots of other states instead: exact where all their pages are provably of one time, else composite
    #[arg(long, conflicts_with_all = ["all", "deleted", "path"])]
    pub roots: bool,
    /// Lines for people, or one JSON object per version
    #[arg(long, value_enum, default_value_t)]
    pub format: Listing,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Status, Failure> {
    let sought = Sought::of(args)?;
    context.examine(&args.evidence, |evidence, spool| {
        let failed = |e| Failure::of(&args.evidence.file, e);
        let history = History::of(evidence).map_err(failed)?;
        note(&history, args, spool);
        match (args.roots, args.all, args.format) {
            (true, ..) => roots(&history, args.format, spool),
            (_, true, Listing::Json) => everything(&history, &sought, spool),
            _ => versions(&history, args, &sought, spool),
        }
    })
}

/// Which keys are asked for.
struct Sought {
    /// The names on the way to the key, where any are given.
    path: Vec<Vec<u8>>,
    key: Option<Vec<u8>>,
}

impl Sought {
    fn of(args: &Args) -> Result<Sought, Failure> {
        let Some((last, buckets)) = args.path.split_last() else { return Ok(Sought { path: Vec::new(), key: None }) };
        let path = argument::path(buckets).into_iter().map(<[u8]>::to_vec).collect();
        Ok(Sought { path, key: Some(argument::key(last, args.parse_format)?) })
    }

    fn is(&self, item: &Item, history: &History<'_>) -> bool {
        let Some(key) = &self.key else { return true };
        let is_there = || item.path(history.census().names()).is_none_or(|path| path == self.path);
        item.key[..] == key[..] && (self.path.is_empty() || is_there())
    }
}

/// One version, ready to be printed, and what it is sorted by.
struct Version {
    path: Option<Vec<Vec<u8>>>,
    key: Vec<u8>,
    is_old: bool,
    index: Option<u64>,
    offset: u64,
    line: Line,
}

enum Line {
    Cells(Vec<String>),
    Object(Value),
}

fn versions(history: &History<'_>, args: &Args, sought: &Sought, spool: &mut Spool) -> Result<Status, Failure> {
    let (mut versions, mut replaced) = (Vec::new(), HashSet::new());
    let is_wanted = |state| !args.deleted || !matches!(state, State::Live | State::Superseded);
    let place = |item: &Item| (item.owner, item.inner.iter().map(|name| name.to_vec()).collect::<Vec<_>>(), item.key.to_vec());
    let copies = args.all;
    history.each(&Wanted { live: false, copies }, &mut |item| -> Result<(), Shown> {
        if sought.is(item, history) && is_wanted(item.state) {
            if item.state == State::Superseded && item.owner.is_some() && item.inner.is_empty() {
                replaced.insert(place(item));
            }
            versions.push(Version::of(item, history, args.format)?);
        }
        Ok(())
    })?;
    if !args.deleted && (args.all || sought.key.is_some() || !replaced.is_empty()) {
        history.live(&mut |item| -> Result<(), Shown> {
            if sought.is(item, history) && (args.all || sought.key.is_some() || replaced.contains(&place(item))) {
                versions.push(Version::of(item, history, args.format)?);
            }
            Ok(())
        })?;
    }
    versions.sort_by(|a, b| a.rank().cmp(&b.rank()));
    let found = !versions.is_empty();
    print(versions, spool.out())?;
    Ok(if found { Status::Done } else { Status::No })
}

/// Everything as it is found, since there may be more of it than fits in memory.
fn everything(history: &History<'_>, sought: &Sought, spool: &mut Spool) -> Result<Status, Failure> {
    let mut found = false;
    history.each(&Wanted { live: true, copies: true }, &mut |item| -> Result<(), Shown> {
        if sought.is(item, history) {
            found = true;
            let version = Version::of(item, history, Listing::Json)?;
            print(vec![version], spool.out()).map_err(Shown::Failed)?;
        }
        Ok(())
    })?;
    Ok(if found { Status::Done } else { Status::No })
}

/// Why not every version was taken in.
enum Shown {
    Read(crate::Error),
    Failed(Failure),
}

impl From<crate::Error> for Shown {
    fn from(e: crate::Error) -> Self {
        Shown::Read(e)
    }
}

impl From<Shown> for Failure {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Read(e) => Failure::new(Status::Io, e),
            Shown::Failed(failure) => failure,
        }
    }
}

impl Version {
    fn of(item: &Item, history: &History<'_>, format: Listing) -> Result<Version, Shown> {
        let names = history.census().names();
        let path = item.path(names).map(|path| path.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
        nesting::test(path.as_ref().map_or(0, Vec::len)).map_err(Shown::Failed)?;
        let clocks = clocks(item, names);
        let index = clocks.iter().find_map(|clock| if let Clock::LibkvIndex(index) = clock { Some(*index) } else { None });
        let line = match format {
            Listing::Table => Line::Cells(cells(item, path.as_deref(), &clocks)),
            Listing::Json => Line::Object(item_json::object(item, path.as_deref(), &clocks)),
        };
        let (key, is_old, offset) = (item.key.to_vec(), item.state != State::Live, item.key_offset);
        Ok(Version { path, key, is_old, index, offset, line })
    }

    /// By bucket and key, those that are not known last; then the current version, and the others as libkv's index has
    /// them, or else by their place.
    fn rank(&self) -> impl Ord + '_ {
        (self.path.is_none(), &self.path, &self.key, self.is_old, std::cmp::Reverse(self.index), self.offset)
    }
}

fn print(versions: Vec<Version>, out: &mut dyn Write) -> Result<(), Failure> {
    let mut table = Table::new(&["STATE", "GRADE", "OFFSET", "PAGE", "SIZE", "BUCKET", "KEY", "ORDER", "VALUE", "WHY"]);
    let mut rows = false;
    for version in versions {
        match version.line {
            Line::Cells(cells) => {
                table.row(cells);
                rows = true;
            }
            Line::Object(object) => json::write_line(out, &object)?,
        }
    }
    if rows {
        table.write(out)?;
    }
    Ok(())
}

fn cells(item: &Item, path: Option<&[Vec<u8>]>, clocks: &[Clock]) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&Format::Auto.show(bytes)).into_owned();
    let bucket = match path {
        None if item.kind == ItemKind::Fragment && item.key.is_empty() => "-".to_owned(),
        None => "?".to_owned(),
        Some(path) => naming::bucket(path),
    };
    let excerpt = item.value.get(..EXCERPT.min(item.value.len())).unwrap_or_default();
    let more = if item.value.len() > excerpt.len() { "…" } else { "" };
    let why: Vec<&str> = item.reasons.iter().map(|reason| reason.as_str()).collect();
    vec![
        item.state_in_words(),
        if item.mixed { format!("{} X", item.grade) } else { item.grade.to_string() },
        item.key_offset.to_string(),
        item.page.to_string(),
        item.value.len().to_string(),
        bucket,
        if item.key.is_empty() { "-".to_owned() } else { text(&item.key) },
        clocks.first().map_or_else(|| "-".to_owned(), ToString::to_string),
        match item.kind {
            ItemKind::Bucket => "(bucket)".to_owned(),
            ItemKind::Pair | ItemKind::Fragment => format!("{}{more}", quote::on_one_line(excerpt)),
        },
        why.join(" "),
    ]
}

fn roots(history: &History<'_>, format: Listing, spool: &mut Spool) -> Result<Status, Failure> {
    let roots = history.generations().roots();
    let mut table = Table::new(&["PAGE", "NAMED BY", "TXID", "LABEL", "WALKS", "FREELIST", "OWN PAGES"]);
    for root in roots {
        match format {
            Listing::Table => table.row(root_cells(root)),
            Listing::Json => json::write_line(spool.out(), &item_json::root(root))?,
        }
    }
    if format == Listing::Table && !roots.is_empty() {
        table.write(spool.out())?;
    }
    Ok(if roots.is_empty() { Status::No } else { Status::Done })
}

fn root_cells(root: &Root) -> Vec<String> {
    let (named_by, txid) = match root.origin {
        RootOrigin::Meta(page, txid) => (format!("meta {page}"), txid.to_string()),
        RootOrigin::Page => ("nothing".to_owned(), "-".to_owned()),
    };
    let walks = match root.walks {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not tried",
    };
    let freelist = root.freelist.map_or_else(|| "-".to_owned(), |page| page.to_string());
    vec![
        root.page.to_string(),
        named_by,
        txid,
        root.label.as_str().to_owned(),
        walks.to_owned(),
        freelist,
        root.own_pages.to_string(),
    ]
}

/// Says what the current state is, and what cannot be known of the others.
fn note(history: &History<'_>, args: &Args, spool: &mut Spool) {
    let file = args.evidence.file.display();
    let evidence: &Evidence = history.evidence();
    if let Some(current) = evidence.current() {
        let txid = current.meta().txid;
        spool.note(format_args!(
            "{file}: held against the state of transaction {txid}; that anything outside of it was ever committed is not provable"
        ));
    }
    let (problems, count) = history.census().problems();
    if let Some(problem) = problems.first() {
        spool.note(format_args!(
            "{file}: the current state is damaged in {count} places ({problem}): what it lost is not called deleted"
        ));
    }
    if let Some(doubt) = history.generations().doubt().filter(|doubt| *doubt != Doubt::NoState) {
        spool.note(format_args!("{file}: {doubt}"));
    }
}
