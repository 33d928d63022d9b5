//! Bringing one tree, however much of it is damaged.

use super::homeless::Fate;
use super::job::{Job, host};
use super::sink::Sink;
use super::strays::Stray;
use super::twins::Twins;
use crate::error::{Corruption, CorruptionKind, Error, Result};
use crate::format::{BucketRoot, Page, PageId, PageKind, SharedBytes};
use crate::tree::{BucketAt, Place, Visitor};

/// A walk that hands everything to the sink of a job, as long as it is in order.
pub(super) struct Salvage<'s, 'j, 'e, K> {
    job: &'s mut Job<'j, 'e, K>,
    fate: Fate,
    twins: Option<&'s Twins>,
    /// Whether what is out of order is kept for later.
    takes_strays: bool,
    /// The buckets that the walk is in; the first is where it began.
    open: Vec<Open>,
}

/// A bucket that is being brought.
#[derive(Default)]
struct Open {
    /// What was brought last: its key, and its value where it has one.
    last: Option<(SharedBytes, Option<SharedBytes>)>,
    /// The leaf that the walk is on.
    leaf: Option<Page<SharedBytes>>,
}

/// What comes of an element, by its key.
enum Turn {
    InOrder,
    Again,
    Stray,
    Nameless,
}

impl<'s, 'j, 'e, K: Sink> Salvage<'s, 'j, 'e, K> {
    pub fn of_state(job: &'s mut Job<'j, 'e, K>) -> Self {
        Salvage { job, fate: Fate::InPlace, twins: None, takes_strays: true, open: vec![Open::default()] }
    }

    pub fn of_group(job: &'s mut Job<'j, 'e, K>, fate: Fate, twins: Option<&'s Twins>) -> Self {
        Salvage { job, fate, twins, takes_strays: true, open: vec![Open::default()] }
    }

    /// The same for what is a stray itself.
    pub fn without_strays(mut self) -> Self {
        self.takes_strays = false;
        self
    }

    fn turn(&self, key: &SharedBytes, value: Option<&SharedBytes>) -> Turn {
        match self.open.last().and_then(|open| open.last.as_ref()) {
            _ if key.is_empty() => Turn::Nameless,
            None => Turn::InOrder,
            Some((last, _)) if last[..] < key[..] => Turn::InOrder,
            Some((last, before)) if last == key && value.is_some() && before.as_ref() == value => Turn::Again,
            Some(_) => Turn::Stray,
        }
    }

    fn brought(&mut self, key: &SharedBytes, value: Option<&SharedBytes>) {
        if let Some(open) = self.open.last_mut() {
            open.last = Some((key.clone(), value.cloned()));
        }
    }

    /// Brings what belongs before a key, where that is in the root bucket.
    fn make_way(&mut self, key: &[u8]) -> Result<()> {
        match self.fate == Fate::InPlace && self.open.len() == 1 {
            true => {
                self.job.note_root_name(key);
                self.job.groups_before(Some(key))
            }
            false => Ok(()),
        }
    }

    /// Keeps what is out of order for later; says whether that could be done.
    fn keep_for_later(&mut self, place: &Place<'_, SharedBytes>, key_len: usize, is_bucket: bool) -> bool {
        let leaf = self.open.last().and_then(|open| open.leaf.as_ref()).filter(|_| self.takes_strays);
        let Some(leaf) = leaf.and_then(|page| page.clone().into_leaf().ok()) else { return false };
        let Ok(span) = leaf.span(place.element) else { return false };
        let key_len = super::number(key_len);
        let value_len = super::number(span.len()).saturating_sub(key_len);
        let offset = leaf.page().offset().saturating_add(super::number(span.start));
        let stray = Stray { host: host(place.pages), layer: 0, offset, key_len, value_len, is_bucket };
        self.job.outcome.strays.push(stray);
        true
    }
}

impl<K: Sink> Visitor<SharedBytes> for Salvage<'_, '_, '_, K> {
    type Stop = Error;
    const VALUES: bool = true;

    fn page(&mut self, page: &Page<SharedBytes>, place: &Place<'_, SharedBytes>) -> Result<()> {
        if page.overflow() > 0 && !place.inline {
            let last = page.id().0.saturating_add(page.overflow().into());
            self.job.outcome.runs.insert(page.id(), PageId(last));
        }
        if page.kind() == PageKind::Leaf
            && let Some(open) = self.open.last_mut()
        {
            self.job.outcome.tally.leaf(page);
            open.leaf = Some(page.clone());
        }
        Ok(())
    }

    fn value(&mut self, key: &SharedBytes, value: &SharedBytes, place: &Place<'_, SharedBytes>) -> Result<()> {
        self.job.outcome.tally.shown();
        match self.turn(key, Some(value)) {
            Turn::InOrder => {
                self.make_way(key)?;
                self.brought(key, Some(value));
                self.job.put(key.clone(), value.clone(), self.fate, self.twins)
            }
            Turn::Again => {
                self.job.outcome.tally.again();
                Ok(())
            }
            Turn::Stray if self.keep_for_later(place, key.len(), false) => Ok(()),
            Turn::Stray | Turn::Nameless => {
                self.job.outcome.tally.drop_pair();
                Ok(())
            }
        }
    }

    fn enters(&mut self, bucket: &BucketAt<'_, SharedBytes>, place: &Place<'_, SharedBytes>) -> Result<bool> {
        match self.turn(bucket.name, None) {
            // Pages are not for a bucket that was out of order itself: they are met as what nothing leads to.
            Turn::InOrder if !self.takes_strays && matches!(bucket.header.root, BucketRoot::Page(_)) => Ok(false),
            Turn::InOrder if place.inline => {
                let left = self.job.nested_left.checked_sub(1);
                self.job.nested_left = left.unwrap_or(0);
                if left.is_none() {
                    let what = "has more buckets inside of inline ones than are brought";
                    self.job.outcome.problems.push(CorruptionKind::Tree { what }.at(host(place.pages)));
                }
                Ok(left.is_some())
            }
            Turn::InOrder => Ok(true),
            // A tree of its own is met again as one that nothing leads to.
            Turn::Stray if matches!(bucket.header.root, BucketRoot::Inline(_)) => {
                self.keep_for_later(place, bucket.name.len(), true);
                Ok(false)
            }
            Turn::Stray | Turn::Again | Turn::Nameless => {
                let what = "has a bucket out of order; what is in it has lost its name";
                self.job.outcome.problems.push(CorruptionKind::Tree { what }.at(host(place.pages)));
                Ok(false)
            }
        }
    }

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, SharedBytes>, _: &Place<'_, SharedBytes>) -> Result<()> {
        self.make_way(bucket.name)?;
        self.brought(bucket.name, None);
        self.job.sink.begin(bucket.name.clone(), bucket.header.sequence)?;
        self.job.outcome.tally.bucket();
        self.open.push(Open::default());
        Ok(())
    }

    fn leave_bucket(&mut self) -> Result<()> {
        self.open.pop();
        self.job.sink.end()
    }

    fn problem(&mut self, corruption: Corruption, _: &Place<'_, SharedBytes>) -> Result<()> {
        if let (CorruptionKind::SharedPage, Some(page)) = (&corruption.kind, corruption.page) {
            self.job.outcome.shared.insert(page);
        }
        let is_elsewhere = matches!(corruption.kind, CorruptionKind::SharedPage | CorruptionKind::RunShared { .. });
        // Of what has no home, pages that are in use elsewhere are no loss.
        if self.fate == Fate::InPlace || !is_elsewhere {
            self.job.outcome.problems.push(corruption);
        }
        Ok(())
    }
}
