//! What lies on pages that the current state does not use.

use std::ops::Range;

use super::evidence::Evidence;
use crate::error::{Error, Result};
use crate::format::{Layout, PAGE_HEADER_SIZE, Page, PageHeader, PageId, PageKind, SharedBytes};
use crate::storage::Storage;

/// A run that begins with a header of its own on a page that the current state does not use.
///
/// Whoever writes a run writes a header on its first page. So the pages behind this one up to the next header are what
/// was written with it, and no page beyond that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Its first page, whose header says this number.
    pub first: PageId,
    /// What it is.
    pub kind: PageKind,
    /// How many elements or ids its header names.
    pub count: u16,
    /// How many further pages it had.
    pub overflow: u32,
    /// How many of its pages are still there, the first included.
    pub intact: u64,
}

impl Run {
    /// Whether all of its pages are still there.
    pub fn is_whole(&self) -> bool {
        self.intact == u64::from(self.overflow).saturating_add(1)
    }

    /// The pages that are still there.
    pub fn pages(&self) -> impl Iterator<Item = PageId> + Clone + use<> {
        (self.first.0..self.first.0.saturating_add(self.intact)).map(PageId)
    }

    /// As much of the run as is still there, as a page: elements that reach beyond it are errors. `None` where not even
    /// its element headers are whole.
    pub fn load(&self, evidence: &Evidence) -> Result<Option<Page<SharedBytes>>> {
        let layout = evidence.layout();
        let len = layout.run_bytes(self.intact);
        if len > layout.longest_run(evidence.whole_pages()) {
            // Nobody writes such a run; in a file with holes it could be longer than any memory.
            return Ok(None);
        }
        let bytes = match evidence.run(layout.offset(self.first), len) {
            Ok(bytes) => bytes,
            Err(Error::Corrupt(_)) => return Ok(None),
            Err(e) => return Err(e),
        };
        let Some(header) = PageHeader::read(&bytes, layout.endian) else { return Ok(None) };
        let overflow = u32::try_from(self.intact.saturating_sub(1)).unwrap_or(u32::MAX);
        Ok(Page::with_header(bytes, PageHeader { overflow, ..header }, self.first, layout).ok())
    }

    /// The run whose first page begins with these bytes, where they are the header of page `id`; only that page of it.
    pub(super) fn at(start: &[u8], id: PageId, evidence: &Evidence) -> Option<Run> {
        let header = PageHeader::read(start.get(..PAGE_HEADER_SIZE)?, evidence.layout().endian)?;
        let kind = PageKind::from_flags(header.flags).filter(|kind| *kind != PageKind::Meta)?;
        let run = Run { first: id, kind, count: header.count, overflow: header.overflow, intact: 1 };
        (header.id == id && id.0 >= 2).then_some(run)
    }
}

impl Leftover {
    /// The offset of its first byte.
    pub fn start(&self, layout: Layout) -> u64 {
        match self {
            Leftover::Run(run) => layout.offset(run.first),
            Leftover::Fragment(range) | Leftover::Slack(range) => range.start,
        }
    }
}

/// A part of a file that the current state does not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftover {
    /// Pages with a header.
    Run(Run),
    /// Bytes without one: pages that follow each other, or the end of a file that is shorter than a page.
    Fragment(Range<u64>),
    /// Bytes that are not zero where a page of a known kind has nothing.
    Slack(Range<u64>),
}
