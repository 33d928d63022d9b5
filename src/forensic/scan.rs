//! Finds what lies on the pages that no live tree uses: every page is read once and asked for its own header.

use super::census::{Content, PageEntry, Standing};
use super::evidence::Evidence;
use super::leftover::Run;
use crate::error::Result;
use crate::format::{PageId, PageKind};
use crate::storage::Storage;

/// Finds the runs that begin on pages not in use, in the order of the file, and says of each page what is on it.
pub(super) fn runs(evidence: &Evidence, entries: &mut [PageEntry]) -> Result<Vec<Run>> {
    let mut heads = heads(evidence, entries)?;
    for run in &mut heads {
        run.intact = intact(run, entries);
    }
    let mut runs = Vec::with_capacity(heads.len());
    for run in heads {
        match run.load(evidence)? {
            Some(_) => {
                run.pages().skip(1).for_each(|page| set(page, Content::Overflow, entries));
                runs.push(run);
            }
            None => set(run.first, Content::Other, entries),
        }
    }
    Ok(runs)
}

/// The runs with only their first page each.
fn heads(evidence: &Evidence, entries: &mut [PageEntry]) -> Result<Vec<Run>> {
    let layout = evidence.layout();
    let mut heads = Vec::new();
    for (id, entry) in (0..).map(PageId).zip(entries) {
        if !entry.is_open() {
            continue;
        }
        let bytes = evidence.run(layout.offset(id), layout.page_size.bytes())?;
        let run = Run::at(&bytes, id, evidence);
        entry.content = match &run {
            Some(run) => content_of(run.kind),
            None if bytes.iter().all(|byte| *byte == 0) => Content::Zero,
            None => Content::Other,
        };
        heads.extend(run);
    }
    Ok(heads)
}

/// How many pages of a run are there, up to the next header or the next page in use.
fn intact(run: &Run, entries: &[PageEntry]) -> u64 {
    let behind = usize::try_from(run.first.0.saturating_add(1)).ok().and_then(|at| entries.get(at..)).unwrap_or_default();
    let most = usize::try_from(run.overflow).unwrap_or(usize::MAX);
    let further = behind.iter().take(most).take_while(|entry| {
        let without_header = matches!(entry.content, Content::Zero | Content::Other | Content::Overflow);
        entry.is_open() && without_header
    });
    u64::try_from(further.count()).unwrap_or(u64::MAX).saturating_add(1)
}

fn set(page: PageId, content: Content, entries: &mut [PageEntry]) {
    if let Some(entry) = usize::try_from(page.0).ok().and_then(|at| entries.get_mut(at)) {
        entry.content = content;
    }
}

/// The content that a page of this kind has.
pub(super) fn content_of(kind: PageKind) -> Content {
    match kind {
        PageKind::Branch => Content::Branch,
        PageKind::Leaf => Content::Leaf,
        PageKind::Freelist => Content::Freelist,
        PageKind::Meta => Content::Meta,
    }
}

impl PageEntry {
    /// Whether no part of the current state lies on the page.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Free | Standing::Unreached | Standing::Beyond | Standing::Damaged)
    }
}
