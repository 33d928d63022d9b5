//! Owns what an item of a file's history and the root of a state are in JSON.

use serde_json::{Value, json};

use super::json;
use crate::forensic::{Clock, Item, ItemKind, Root, RootOrigin, Sha256Sum};

/// Values up to this length are part of their object; of longer ones offset, length and sum tell.
const LONGEST: usize = 64 << 10;

/// An item: where it lies, what it is, and why.
pub fn object(item: &Item, path: Option<&[Vec<u8>]>, clocks: &[Clock]) -> Value {
    let kind = match item.kind {
        ItemKind::Pair => "pair",
        ItemKind::Bucket => "bucket",
        ItemKind::Fragment => "fragment",
    };
    json!({
        "kind": kind,
        "state": item.state.as_str(),
        "provable": item.is_provable(),
        "grade": item.grade.as_str(),
        "marks": marks(item),
        "bucket": path.map(|path| json::path(path.iter().map(Vec::as_slice))),
        "key": json::bytes(&item.key),
        "page": item.page.0,
        "run": item.run.0.0,
        "run_pages": item.run.1,
        "element": item.element,
        "inline": item.inner.len(),
        "key_offset": item.key_offset,
        "offset": item.value_offset,
        "length": item.value.len(),
        "sha256": Sha256Sum::of(&item.value).to_string(),
        "value": (item.value.len() <= LONGEST).then(|| json::bytes(&item.value)),
        "clocks": clocks.iter().map(clock).collect::<Vec<_>>(),
        "reasons": item.reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>(),
    })
}

fn marks(item: &Item) -> Vec<&'static str> {
    [(item.uncommitted, "U"), (item.mixed, "X")].into_iter().filter(|(set, _)| *set).map(|(_, mark)| mark).collect()
}

fn clock(clock: &Clock) -> Value {
    match clock {
        Clock::LibkvIndex(index) => json!({ "source": clock.source(), "index": index }),
        Clock::Json { field, time } => json!({ "source": clock.source(), "field": field, "time": time }),
        other => json!({ "source": other.source(), "time": other.to_string() }),
    }
}

/// The root of a state.
pub fn root(root: &Root) -> Value {
    let (meta, txid) = match root.origin {
        RootOrigin::Meta(page, txid) => (Some(page.0), Some(txid.0)),
        RootOrigin::Page => (None, None),
    };
    json!({
        "page": root.page.0,
        "meta": meta,
        "txid": txid,
        "label": root.label.as_str(),
        "provable": root.label.as_str() == "exact",
        "walks": root.walks,
        "freelist": root.freelist.map(|page| page.0),
        "own_pages": root.own_pages,
    })
}
