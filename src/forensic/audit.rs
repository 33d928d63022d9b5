//! What no Bolt writer leaves behind, or what an examiner should look at: observations, not verdicts.

use super::census::{Content, Standing};
use super::generations::RootOrigin;
use super::history::History;
use crate::check::{Code, check};
use crate::error::Result;
use crate::format::{Meta, PageId};
use crate::storage::Storage;

/// Something that was seen, worded as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The stable name of its kind.
    pub code: &'static str,
    /// The page it is on, or begins on.
    pub page: Option<PageId>,
    /// The file offset of its first byte.
    pub offset: Option<u64>,
    /// How many bytes it has, where they are counted.
    pub length: Option<u64>,
    /// What was seen, and what that is consistent with.
    pub text: String,
}

/// Shows what is unusual in a file.
pub fn audit(history: &History<'_>, show: &mut dyn FnMut(Observation)) -> Result<()> {
    metas(history, show);
    checked(history, show)?;
    slack(history, show);
    beyond(history, show);
    states(history, show);
    Ok(())
}

fn metas(history: &History<'_>, show: &mut dyn FnMut(Observation)) {
    let evidence = history.evidence();
    let metas = evidence.metas();
    for slot in &metas.slots {
        let offset = Some(evidence.layout().offset(slot.page));
        let mut seen = |code, text: String| show(Observation { code, page: Some(slot.page), offset, length: Some(80), text });
        match slot.meta {
            Err(refusal) => {
                seen("meta-refused", format!("the meta does not verify: {refusal}; consistent with a torn write or a change"))
            }
            Ok(Meta { flags, root_sequence, .. }) => {
                if flags != 0 {
                    seen("meta-flags", format!("flags are {flags:#x}; every Bolt writes 0"));
                }
                if root_sequence != 0 {
                    seen("meta-sequence", format!("the root bucket's sequence is {root_sequence}; no Bolt counts it"));
                }
            }
        }
    }
    if let (Some(current), Some(previous)) = (metas.current(), metas.previous()) {
        let distance = current.txid.0.saturating_sub(previous.txid.0);
        if distance > 1 {
            let text = format!(
                "transactions {} and {} do not follow each other; consistent with a meta that was restored or set",
                previous.txid, current.txid
            );
            show(Observation { code: "txid-jump", page: None, offset: None, length: None, text });
        }
    }
}

/// What the integrity check finds that does not keep anybody from reading the file.
fn checked(history: &History<'_>, show: &mut dyn FnMut(Observation)) -> Result<()> {
    const OBSERVED: [Code; 12] = [
        Code::MetaHeader,
        Code::TxidEqual,
        Code::TxidLast,
        Code::FileShort,
        Code::FreelistUnsorted,
        Code::FreelistRange,
        Code::FreelistDuplicate,
        Code::FreelistInUse,
        Code::ReachableFree,
        Code::UnreachableUnfreed,
        Code::ElementFlags,
        Code::ElementPlace,
    ];
    let evidence = history.evidence();
    let Some(current) = evidence.current() else { return Ok(()) };
    check(current, Some(evidence.metas()), &mut |finding| {
        if OBSERVED.contains(&finding.code) {
            let (page, offset) = (finding.corruption.page, finding.corruption.offset);
            show(Observation { code: finding.code.as_str(), page, offset, length: None, text: finding.to_string() });
        }
    })?;
    Ok(())
}

fn slack(history: &History<'_>, show: &mut dyn FnMut(Observation)) {
    let page_size = history.evidence().layout().page_size.bytes();
    let (pieces, count) = history.census().written_slack();
    for piece in pieces {
        let length = piece.end.saturating_sub(piece.start);
        let text = format!("{length} bytes that are not zero where the page has nothing; Bolt writes zeros there");
        let page = piece.start.checked_div(page_size).map(PageId);
        show(Observation { code: "slack-written", page, offset: Some(piece.start), length: Some(length), text });
    }
    if count > length(pieces.len()) {
        let text = format!("{count} places in all are not zero where pages have nothing");
        show(Observation { code: "slack-written", page: None, offset: None, length: None, text });
    }
}

/// Pages at and beyond the high-water mark that are not zero, and the tail.
fn beyond(history: &History<'_>, show: &mut dyn FnMut(Observation)) {
    let (evidence, census) = (history.evidence(), history.census());
    let is_written = |entry: &super::PageEntry| entry.standing == Standing::Beyond && entry.content != Content::Zero;
    let written = census.pages().filter(|entry| is_written(entry)).count();
    let first = (0..).map(PageId).zip(census.pages()).find(|(_, entry)| is_written(entry)).map(|(page, _)| page);
    let layout = evidence.layout();
    if let Some(first) = first {
        let text = format!(
            "{written} pages beyond the high-water mark are not zero; consistent with a transaction that never committed, \
             or with an older state that was put back"
        );
        let length = Some(layout.run_bytes(length(written)));
        show(Observation { code: "beyond-hwm", page: Some(first), offset: Some(layout.offset(first)), length, text });
    }
    let whole = layout.run_bytes(census.len());
    if whole < evidence.size() {
        let length = evidence.size().saturating_sub(whole);
        let text = format!("{length} bytes behind the last whole page; Bolt writes whole pages");
        show(Observation { code: "tail", page: None, offset: Some(whole), length: Some(length), text });
    }
}

/// What the other states of the file tell.
fn states(history: &History<'_>, show: &mut dyn FnMut(Observation)) {
    let layout = history.evidence().layout();
    for root in history.generations().roots() {
        let (page, offset) = (Some(root.page), Some(layout.offset(root.page)));
        let mut seen = |code, text: String| show(Observation { code, page, offset, length: None, text });
        match root.origin {
            RootOrigin::Meta(_, txid) if root.walks == Some(false) => seen(
                "previous-overwritten",
                format!(
                    "the state of transaction {txid} is not whole; consistent with a later transaction that wrote and did \
                     not commit, or with damage"
                ),
            ),
            RootOrigin::Page if root.freelist.is_some() => seen(
                "unnamed-state",
                "a root and a list of free pages account for every page, and no meta names them; consistent with a \
                 transaction that wrote all its pages and never committed"
                    .to_owned(),
            ),
            RootOrigin::Meta(..) | RootOrigin::Page => {}
        }
    }
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
