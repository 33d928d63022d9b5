//! What happened to the trees of a file, told from its states before and after each transaction.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;

use unbolt::format::{BucketRoot, Bytes, Page, PageKind};
use unbolt::tree::{BucketAt, Place, Visitor, read_freelist, walk};
use unbolt::{Error, Snapshot, Storage};

/// How often each was seen. The first six count buckets, once per transaction; the others count states.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub splits: u64,
    pub merges: u64,
    pub root_collapses: u64,
    pub three_levels: u64,
    pub out_of_line: u64,
    pub inline_again: u64,
    pub overflow_runs: u64,
    pub long_freelists: u64,
    pub freelists_with_count: u64,
    pub past_16_mib: u64,
}

/// A freelist of so many pages has their number in its first entry.
const COUNTED: usize = 0xffff;

impl Seen {
    /// Each with its name.
    pub fn counts(&self) -> [(&'static str, u64); 10] {
        [
            ("splits", self.splits),
            ("merges", self.merges),
            ("root collapses", self.root_collapses),
            ("trees of three levels", self.three_levels),
            ("inline buckets turned into pages", self.out_of_line),
            ("buckets turned inline", self.inline_again),
            ("overflow runs", self.overflow_runs),
            ("freelists over one page", self.long_freelists),
            ("freelists in the 0xFFFF form", self.freelists_with_count),
            ("files past 16 MiB", self.past_16_mib),
        ]
    }

    pub fn add(&mut self, other: &Seen) {
        self.splits += other.splits;
        self.merges += other.merges;
        self.root_collapses += other.root_collapses;
        self.three_levels += other.three_levels;
        self.out_of_line += other.out_of_line;
        self.inline_again += other.inline_again;
        self.overflow_runs += other.overflow_runs;
        self.long_freelists += other.long_freelists;
        self.freelists_with_count += other.freelists_with_count;
        self.past_16_mib += other.past_16_mib;
    }

    /// The state that a transaction left, after the one that it found.
    pub fn look(&mut self, before: &mut Shape, file: &Snapshot) -> Result<(), Error> {
        let after = Shape::of(file)?;
        for (path, tree) in &after.0 {
            self.three_levels += u64::from(tree.levels >= 3);
            self.overflow_runs += u64::from(tree.overflow);
            let Some(old) = before.0.get(path) else { continue };
            self.out_of_line += u64::from(old.inline && !tree.inline);
            self.inline_again += u64::from(!old.inline && tree.inline);
            if !old.inline && !tree.inline {
                self.splits += u64::from(tree.leaves > old.leaves);
                self.merges += u64::from(tree.leaves < old.leaves);
                self.root_collapses += u64::from(tree.levels < old.levels);
            }
        }
        if let Some(list) = read_freelist(file.pages())? {
            self.long_freelists += u64::from(list.own_run().count() > 1);
            self.freelists_with_count += u64::from(list.ids().len() >= COUNTED);
        }
        self.past_16_mib += u64::from(file.size() > 16 << 20);
        *before = after;
        Ok(())
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts().iter().enumerate().try_for_each(|(at, (name, count))| {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{count} {name}")
        })
    }
}

/// The trees of a state, by the names from the root bucket down.
#[derive(Debug, Default)]
pub struct Shape(BTreeMap<Vec<Vec<u8>>, Tree>);

#[derive(Debug, Default)]
struct Tree {
    inline: bool,
    leaves: u64,
    levels: usize,
    overflow: bool,
}

impl Shape {
    fn of(file: &Snapshot) -> Result<Shape, Error> {
        let mut shape = Shape(BTreeMap::from([(Vec::new(), Tree::default())]));
        walk(file.pages(), &mut shape).map_err(Error::from)?;
        Ok(shape)
    }
}

fn names<B: Bytes>(place: &Place<'_, B>) -> Vec<Vec<u8>> {
    place.buckets.iter().map(|name| name.to_vec()).collect()
}

impl<B: Bytes> Visitor<B> for Shape {
    type Stop = Infallible;
    const VALUES: bool = false;

    fn enter_bucket(&mut self, bucket: &BucketAt<'_, B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        let inline = matches!(bucket.header.root, BucketRoot::Inline(_));
        self.0.insert(names(place), Tree { inline, ..Tree::default() });
        Ok(())
    }

    fn page(&mut self, page: &Page<B>, place: &Place<'_, B>) -> Result<(), Infallible> {
        let tree = self.0.entry(names(place)).or_default();
        tree.leaves += u64::from(page.kind() == PageKind::Leaf);
        tree.levels = tree.levels.max(place.depth + 1);
        tree.overflow |= page.overflow() > 0;
        Ok(())
    }
}
