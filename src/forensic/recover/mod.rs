//! What can still be read of a file, damaged as it may be, in a new file that is sound.
//!
//! A [`Recovery`] is planned first and written afterwards, as often as one likes. The plan goes down a ladder: the state of
//! the newest meta; that of the other one; that of a meta which does not verify but leads to a tree; that of a root which
//! the pages themselves tell. Whatever cannot be reached from there and is not free has lost its home: it goes to a bucket
//! `lost+found`, by the page that it was found on, with a word on where that lies and why it is there.
//!
//! Invariants: each page is brought once at most, so what is written is bounded by what the file has; plan and writing go
//! the same ways, so they come to the same numbers; of each pair that was found it is known whether it was kept, lost, or
//! is one that is kept already.

mod group;
mod homeless;
mod job;
mod report;
mod roots;
mod salvage;
mod sink;
mod state;
mod strays;
mod twins;

use std::fmt;

pub use homeless::ListState;
pub use report::{PageCounts, Problems, RecoveryReport, Tally};
pub use state::StateSource;

use self::group::Group;
use self::homeless::{Fate, Homeless};
use self::job::{Job, Rehearsed};
use self::sink::Nothing;
use self::state::Chosen;
use self::strays::Stray;
use self::twins::Twins;
use super::evidence::Evidence;
use crate::error::{CorruptionKind, Error, Result};
use crate::format::{Meta, PageId};
use crate::storage::Disk;
use crate::tree::{BuildOptions, Builder, Built, PageSet, Pages};

/// The page sizes that new files can have.
const SMALLEST_PAGE: u32 = 1024;
const LARGEST_PAGE: u32 = 65536;
/// The bucket for what has no home.
const LOST_AND_FOUND: &str = "lost+found";
/// The bucket for what was deleted.
const DELETED: &str = "deleted";

/// What is to be recovered.
///
/// ```
/// let mut options = unbolt::forensic::RecoverOptions::default();
/// options.deleted(true);
/// ```
#[derive(Debug, Clone, Default)]
pub struct RecoverOptions {
    deleted: bool,
}

impl RecoverOptions {
    /// Whether pairs of pages that are free are brought too, in a bucket of their own. Default: no.
    pub fn deleted(&mut self, deleted: bool) -> &mut Self {
        self.deleted = deleted;
        self
    }
}

/// What can be recovered from a file, and where it goes.
///
/// ```
/// use unbolt::forensic::{Evidence, RecoverOptions, Recovery};
/// use unbolt::{Db, MemoryDisk};
///
/// let mut bytes = std::fs::read("testdata/docker/live-20.10.24.db")?;
/// bytes[..8192].fill(0);
/// let evidence = Evidence::from_bytes(bytes)?;
/// let recovery = Recovery::plan(&evidence, &RecoverOptions::default())?;
/// assert_eq!(recovery.report().pairs.kept, 24);
///
/// let disk = MemoryDisk::new();
/// recovery.write(&disk)?;
/// let db = Db::from_bytes(disk.to_bytes())?;
/// assert!(db.begin_read()?.bucket("libnetwork")?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recovery<'e> {
    evidence: &'e Evidence,
    /// A meta that reaches as far as the file, and no less and no more.
    ground: Meta,
    chosen: Option<Chosen>,
    /// The pages that the state reaches.
    reached: PageSet,
    /// The pages that it leads to, but that lie in the middle of another one's run.
    covered: Vec<PageId>,
    /// What goes to buckets of its own, by their names.
    groups: Vec<Group>,
    strays: Vec<Stray>,
    report: RecoveryReport,
}

impl<'e> Recovery<'e> {
    /// Finds out what can be recovered, and writes nothing.
    ///
    /// # Errors
    ///
    /// Only where the medium cannot be read. A file that nothing can be recovered from has an
    /// [empty](RecoveryReport::is_empty) report.
    pub fn plan(evidence: &'e Evidence, options: &RecoverOptions) -> Result<Recovery<'e>> {
        let chosen = state::choose(evidence)?;
        let mut recovery = Recovery {
            evidence,
            ground: state::ground(evidence),
            reached: PageSet::below(evidence.whole_pages()),
            report: RecoveryReport::begin(evidence, chosen.as_ref()),
            chosen,
            covered: Vec::new(),
            groups: Vec::new(),
            strays: Vec::new(),
        };
        recovery.plan_state()?;
        recovery.plan_groups(options)?;
        recovery.report.finish();
        Ok(recovery)
    }

    /// What will be recovered, and what not.
    pub fn report(&self) -> &RecoveryReport {
        &self.report
    }

    /// All pages of the file, whatever its metas say.
    fn pages(&self) -> Pages<'_, Evidence> {
        Pages::new(self.evidence, self.evidence.layout(), &self.ground)
    }

    fn plan_state(&mut self) -> Result<()> {
        let mut nothing = Nothing;
        let mut job = Job::new(self, &mut nothing);
        let Some(reached) = job.take_state()? else { return Ok(()) };
        let outcome = job.end();
        self.report.state(&outcome, &reached);
        self.covered = outcome.covered();
        self.strays = strays::arrange(outcome.strays, self.evidence)?;
        self.reached = reached;
        Ok(())
    }

    fn plan_groups(&mut self, options: &RecoverOptions) -> Result<()> {
        let Homeless { lost, stale, list } = homeless::find(self)?;
        self.report.list = list;
        self.report.pages.unreadable = lost.unreadable;
        let mut lost = Group::new(self.free_name(LOST_AND_FOUND), Fate::Lost, lost);
        // What the state holds out of order has lost its place too.
        lost.strays = 0..self.strays.len();
        let mut groups = vec![lost];
        match options.deleted {
            true => groups.push(Group::new(self.free_name(DELETED), Fate::Deleted, stale)),
            false => self.report.pages.not_brought = number(stale.pages.len()),
        }
        for mut group in groups {
            self.plan_group(&mut group)?;
            if !group.entries.is_empty() {
                self.groups.push(group);
            }
        }
        self.groups.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        Ok(())
    }

    /// Finds out what there is to bring of a group, each of its pages once.
    fn plan_group(&mut self, group: &mut Group) -> Result<()> {
        if group.has_twins() {
            group.twins = Some(Twins::find(self, group)?);
        }
        group.begin(&self.strays);
        let mut rehearsed = self.rehearse(group, 0..group.entries.len())?;
        // Pages that only cycles lead to, or what cannot be followed, are met by nobody: each stands for itself.
        if group.adopt_rest(&rehearsed.seen) {
            rehearsed = self.rehearse(group, 0..group.entries.len())?;
        }
        group.keep_fruitful(&rehearsed.yields);
        let mut outcome = rehearsed.outcome;
        let own = strays::arrange(std::mem::take(&mut outcome.strays), self.evidence)?;
        let first = self.strays.len();
        self.strays.extend(own);
        let more = group.add_strays(first..self.strays.len(), &self.strays);
        let mut nothing = Nothing;
        let again = Job::new(self, &mut nothing).rehearse(group, more)?;
        outcome.tally.add(&again.outcome.tally);
        group.sort();
        self.report.group(group, outcome);
        Ok(())
    }

    fn rehearse(&self, group: &Group, entries: std::ops::Range<usize>) -> Result<Rehearsed> {
        group.twins.iter().for_each(Twins::begin);
        let mut nothing = Nothing;
        Job::new(self, &mut nothing).rehearse(group, entries)
    }

    /// A name for a bucket that the root bucket does not have yet.
    fn free_name(&self, wanted: &str) -> String {
        let names = &self.report.root_names;
        let candidates = (2_u64..).map(|n| format!("{wanted}-{n}"));
        let mut all = std::iter::once(wanted.to_owned()).chain(candidates);
        all.find(|name| !names.iter().any(|taken| taken == name.as_bytes())).unwrap_or_else(|| wanted.to_owned())
    }

    /// The page size of the new file: that of the old one where a new one can have it.
    fn build_options(&self) -> BuildOptions {
        let size = self.evidence.layout().page_size.get().max(SMALLEST_PAGE);
        let mut options = BuildOptions::default();
        if size.is_power_of_two() && size <= LARGEST_PAGE {
            options.page_size(size);
        }
        options
    }

    /// Writes what can be recovered to a disk, as a database. Whatever the disk holds is lost.
    ///
    /// # Errors
    ///
    /// Where file or disk fail, and where the file is not as it was when this was planned.
    pub fn write(&self, disk: &dyn Disk) -> Result<Built> {
        let mut builder = Builder::new(disk, &self.build_options())?;
        if let Some(chosen) = &self.chosen {
            builder.set_sequence(chosen.root_sequence);
        }
        let mut job = Job::new(self, &mut builder);
        job.bring_groups_too();
        job.take_state()?;
        job.take_rest()?;
        let outcome = job.end();
        let built = builder.finish()?;
        let expected = self.report.pairs.kept;
        match built.pairs == expected.saturating_add(outcome.notes) && outcome.tally.kept == expected {
            true => Ok(built),
            false => {
                let what = "is not as it was when the recovery was planned";
                Err(Error::from(CorruptionKind::Tree { what }.on(None, None)))
            }
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl fmt::Debug for Recovery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recovery({:?})", self.report)
    }
}
