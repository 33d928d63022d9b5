//! A bucket of its own for what has no place in the state: one entry for each page that something was found on.

use std::ops::Range;

use serde_json::{Value, json};

use super::homeless::{Fate, Found};
use super::strays::Stray;
use super::twins::Twins;
use crate::format::{Layout, PageId};
use crate::tree::PageSet;

/// What goes to one bucket.
#[derive(Debug)]
pub(super) struct Group {
    pub name: String,
    pub fate: Fate,
    pub found: Found,
    /// In the order of their names.
    pub entries: Vec<Entry>,
    /// Which of the strays are its own from the beginning.
    pub strays: Range<usize>,
    pub twins: Option<Twins>,
}

/// A bucket in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: String,
    pub page: PageId,
    pub what: What,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Everything below a page.
    Tree,
    /// What lay on a page out of order: the strays in this range.
    Strays(Range<usize>),
}

impl Group {
    pub fn new(name: String, fate: Fate, found: Found) -> Group {
        Group { name, fate, found, entries: Vec::new(), strays: 0..0, twins: None }
    }

    /// Whether its pages may be older versions of others.
    pub fn has_twins(&self) -> bool {
        self.found.is_doubtful && !self.found.roots.is_empty()
    }

    /// Makes an entry for each root and for the strays that are there from the beginning.
    pub fn begin(&mut self, strays: &[Stray]) {
        let trees = self.found.roots.iter().map(|page| Entry { name: format!("page-{page}"), page: *page, what: What::Tree });
        self.entries = trees.collect();
        self.entries.extend(stray_entries(self.strays.clone(), strays));
        self.sort();
    }

    /// Puts the entries in the order in which they are written.
    pub fn sort(&mut self) {
        self.entries.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    }

    /// Makes a root of each page that a rehearsal did not come to; says whether there are any.
    pub fn adopt_rest(&mut self, seen: &PageSet) -> bool {
        let rest: Vec<PageId> = self.found.pages.iter().copied().filter(|page| !seen.contains(*page)).collect();
        for page in &rest {
            self.entries.push(Entry { name: format!("page-{page}"), page: *page, what: What::Tree });
        }
        self.sort();
        !rest.is_empty()
    }

    /// Drops the entries that brought nothing.
    pub fn keep_fruitful(&mut self, yields: &[u64]) {
        let mut yields = yields.iter();
        self.entries.retain(|_| yields.next().is_some_and(|brought| *brought > 0));
    }

    /// Adds entries for strays that were found in the group itself. Gives back where all of these are, behind the others
    /// until the next sort.
    pub fn add_strays(&mut self, range: Range<usize>, strays: &[Stray]) -> Range<usize> {
        let first = self.entries.len();
        self.entries.extend(stray_entries(range, strays));
        first..self.entries.len()
    }

    /// All pages but its own, for walks that are to stay on these.
    pub fn out_of_bounds(&self, end: u64) -> PageSet {
        let mut others = PageSet::below(end);
        for page in (0..end).map(PageId).filter(|page| !self.found.set.contains(*page)) {
            others.insert(page);
        }
        others
    }

    /// What is said of an entry, as a JSON object.
    pub fn note(&self, entry: &Entry, layout: Layout) -> String {
        let why = match (self.fate, &entry.what) {
            (_, What::Strays(_)) => "out of order where it lies, so that no look-up finds it there",
            (Fate::Deleted, _) => "the page is free, or was never a part of the state",
            _ if self.found.is_doubtful => "nothing leads here, and nothing tells whether the page is free",
            _ => "nothing leads here, and the page is not free",
        };
        let offset = layout.offset(entry.page);
        let mut note = json!({ "page": entry.page.0, "offset": offset, "why": why, "provable": false });
        if let (What::Tree, Some(name), Some(note)) = (&entry.what, self.found.names.get(&entry.page), note.as_object_mut()) {
            note.insert("was_called".into(), text_or_hex(name));
        }
        note.to_string()
    }
}

fn text_or_hex(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

/// The entries of strays that are arranged.
fn stray_entries(range: Range<usize>, strays: &[Stray]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut start = range.start;
    for own in strays.get(range).unwrap_or_default().chunk_by(|a, b| (a.host, a.layer) == (b.host, b.layer)) {
        let end = start.saturating_add(own.len());
        if let Some(Stray { host, layer, .. }) = own.first() {
            let name = match layer {
                0 => format!("page-{host}-stray"),
                layer => format!("page-{host}-stray-{:05}", layer.saturating_add(1)),
            };
            entries.push(Entry { name, page: *host, what: What::Strays(start..end) });
        }
        start = end;
    }
    entries
}
