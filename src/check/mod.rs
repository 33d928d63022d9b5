//! The integrity check: every rule of the format, one function each.
//!
//! It knows all that Go's `check` knows and what that misses, down to the states that read well and that Go's
//! writer turns into damage. It ends on every input, loads no page twice, keeps three bits per page of the file, the
//! path to where it is, and no findings: they are handed on as they are made. Where a page breaks one rule many times, the first
//! place is reported; pages that are lost are reported as ranges; a file that is cut short is reported once.
//!
//! ```
//! use unbolt::{Snapshot, check};
//! let snapshot = Snapshot::open("testdata/docker/live-20.10.24.db")?;
//! let summary = check::check_snapshot(&snapshot, &mut |finding| println!("{}: {finding}", finding.code))?;
//! assert!(summary.is_sound());
//! # Ok::<(), unbolt::Error>(())
//! ```

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod code;
mod finding;
mod free;
mod metas;
mod node;
mod trees;

pub use code::Code;
use finding::Report;
pub use finding::{Finding, MAX_PATH, Severity, Summary};

use crate::error::{Corruption, CorruptionKind, Result};
use crate::format::{MetaPair, PageId};
use crate::storage::{Snapshot, Storage};
use crate::tree::Pages;

/// Checks everything that belongs to one state of a file: its metas where they are given, its freelist, all its
/// trees, and that every page is accounted for. What is wrong goes to `report`; only failures to read are errors.
pub fn check<S: Storage>(pages: Pages<'_, S>, metas: Option<&MetaPair>, report: &mut dyn FnMut(Finding)) -> Result<Summary> {
    let report = &mut Report::new(report);
    if let Some(metas) = metas {
        metas::check_pair(pages.layout(), metas, report);
    }
    let root_is_possible = metas::check_fields(pages.meta(), metas, report);
    check_length(pages, report);
    let free = free::check_list(pages, report)?;
    let used = match root_is_possible {
        true => trees::check_trees(pages, pages.meta().root, &free, report)?,
        false => trees::nothing_used(pages),
    };
    free::check_unreachable(pages, &used, &free, report);
    Ok(report.summary)
}

/// Checks the part of a tree that begins at one page, with all buckets in it. Whether pages are lost cannot be
/// told from a part.
pub fn check_from<S: Storage>(pages: Pages<'_, S>, root: PageId, report: &mut dyn FnMut(Finding)) -> Result<Summary> {
    let report = &mut Report::new(report);
    let free = free::check_list(pages, report)?;
    trees::check_trees(pages, root, &free, report)?;
    Ok(report.summary)
}

/// Checks the state that a snapshot is of, and both metas.
pub fn check_snapshot(snapshot: &Snapshot, report: &mut dyn FnMut(Finding)) -> Result<Summary> {
    check(snapshot.pages(), Some(snapshot.metas()), report)
}

/// The file must have all pages below the high-water mark.
fn check_length<S: Storage>(pages: Pages<'_, S>, report: &mut Report<'_>) {
    let expected = pages.layout().run_bytes(pages.meta().high_water.0);
    let found = pages.storage().size();
    if found < expected {
        report.file(Corruption { kind: CorruptionKind::ShortFile { expected, found }, page: None, offset: Some(found) });
    }
}
