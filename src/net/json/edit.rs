//! Changes of one place in a text.

use std::ops::Range;

use super::document::{DocumentError, check};
use super::go::go_string;
use super::view::{Json, Kind, Object};

/// One step of the way into a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'p> {
    /// The member of an object.
    Member(&'p str),
    /// The item of an array, counted from 0.
    Item(usize),
    /// The document that a string holds. Where something in it changes, the string is written anew, as Go writes it.
    Embedded,
}

/// Why a document could not be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// What a step leads into is of another kind.
    #[error("{expected} was expected where there is {found}")]
    Kind {
        /// What it takes for this step.
        expected: Kind,
        /// What is there.
        found: Kind,
    },
    /// There is no such member on the way.
    #[error("there is no member {name:?}")]
    NoMember {
        /// Its name.
        name: String,
    },
    /// The array has no such item.
    #[error("there is no item {index}")]
    NoItem {
        /// Its number, from 0.
        index: usize,
    },
    /// A string holds no document.
    #[error("a string that should hold JSON: {0}")]
    Embedded(#[from] DocumentError),
}

/// The text with the value at the end of the path replaced.
pub(super) fn set(json: Json<'_>, path: &[Step<'_>], value: &str) -> Result<String, EditError> {
    let Some((step, rest)) = path.split_first() else { return Ok(value.into()) };
    match step {
        Step::Member(name) => {
            let object = object(json)?;
            match object.get(name) {
                Some(member) => Ok(replace(json, member, &set(member, rest, value)?)),
                None if rest.is_empty() => Ok(insert(json, &object, name, value)),
                None => Err(EditError::NoMember { name: (*name).into() }),
            }
        }
        Step::Item(index) => {
            let item = item(&items(json)?, *index)?;
            Ok(replace(json, item, &set(item, rest, value)?))
        }
        Step::Embedded => embedded(json, |inner| set(inner, rest, value).map(Some)).map(Option::unwrap_or_default),
    }
}

/// The text without what is at the end of the path; nothing where it is without it already.
pub(super) fn remove(json: Json<'_>, path: &[Step<'_>]) -> Result<Option<String>, EditError> {
    let Some((step, rest)) = path.split_first() else { return Ok(Some("null".into())) };
    let inner = match step {
        Step::Embedded => return embedded(json, |inner| remove(inner, rest)),
        Step::Member(name) => {
            let object = object(json)?;
            let Some(at) = object.members.iter().rposition(|(_, found, _)| found == name) else { return Ok(None) };
            if rest.is_empty() {
                return Ok(Some(without(
                    json,
                    &spans(json, object.members.iter().map(|(name, _, value)| (*name, *value))),
                    at,
                )));
            }
            object.get(name).ok_or_else(|| EditError::NoMember { name: (*name).into() })?
        }
        Step::Item(index) => {
            let items = items(json)?;
            let Some(item) = items.get(*index).copied() else { return Ok(None) };
            if rest.is_empty() {
                return Ok(Some(without(json, &spans(json, items.iter().map(|item| (*item, *item))), *index)));
            }
            item
        }
    };
    Ok(remove(inner, rest)?.map(|changed| replace(json, inner, &changed)))
}

/// A string whose document was changed.
fn embedded(
    json: Json<'_>,
    change: impl FnOnce(Json<'_>) -> Result<Option<String>, EditError>,
) -> Result<Option<String>, EditError> {
    let text = json.as_str().ok_or(EditError::Kind { expected: Kind::String, found: json.kind() })?;
    check(&text)?;
    Ok(change(Json::trusted(&text))?.map(|changed| go_string(changed.as_bytes())))
}

fn object(json: Json<'_>) -> Result<Object<'_>, EditError> {
    json.object().ok_or(EditError::Kind { expected: Kind::Object, found: json.kind() })
}

fn items(json: Json<'_>) -> Result<Vec<Json<'_>>, EditError> {
    json.items().ok_or(EditError::Kind { expected: Kind::Array, found: json.kind() })
}

fn item<'t>(items: &[Json<'t>], index: usize) -> Result<Json<'t>, EditError> {
    items.get(index).copied().ok_or(EditError::NoItem { index })
}

fn replace(json: Json<'_>, part: Json<'_>, text: &str) -> String {
    splice(json.text(), part.place_in(json.text()).unwrap_or(0..0), text)
}

fn splice(whole: &str, place: Range<usize>, text: &str) -> String {
    let (before, after) = (whole.get(..place.start).unwrap_or_default(), whole.get(place.end..).unwrap_or_default());
    [before, text, after].concat()
}

/// Adds a member where its name belongs, if the names are sorted as those of Go's maps are, or else as the last one.
fn insert(json: Json<'_>, object: &Object<'_>, name: &str, value: &str) -> String {
    let member = format!("{}:{value}", go_string(name.as_bytes()));
    let text = json.text();
    let sorted = object.members.is_sorted_by(|(_, a, _), (_, b, _)| a < b);
    let next = object.members.iter().find(|(_, found, _)| sorted && **found > *name);
    let start = |part: Json<'_>| part.place_in(text).unwrap_or(0..0);
    match (next, object.members.last()) {
        (Some((next, ..)), _) => splice(text, start(*next).start..start(*next).start, &(member + ",")),
        (None, Some((.., last))) => splice(text, start(*last).end..start(*last).end, &(String::from(",") + &member)),
        (None, None) => splice(text, 1..1, &member),
    }
}

/// Where the members or items stand, each from the begin of the first to the end of the second part.
fn spans<'t>(json: Json<'t>, parts: impl Iterator<Item = (Json<'t>, Json<'t>)>) -> Vec<Range<usize>> {
    let place = |part: Json<'_>| part.place_in(json.text()).unwrap_or(0..0);
    parts.map(|(first, last)| place(first).start..place(last).end).collect()
}

/// The text without one of its members or items, and the comma that parts it from a neighbour.
fn without(json: Json<'_>, spans: &[Range<usize>], at: usize) -> String {
    let before = at.checked_sub(1).and_then(|at| spans.get(at));
    let (own, after) = (spans.get(at).cloned().unwrap_or(0..0), spans.get(at + 1));
    let gone = match (before, after) {
        (_, Some(after)) => own.start..after.start,
        (Some(before), None) => before.end..own.end,
        (None, None) => own,
    };
    splice(json.text(), gone, "")
}
