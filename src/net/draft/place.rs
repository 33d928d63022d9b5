//! From the written place of a field to the steps that lead there.
//!
//! Places are written as problems have them: `ipamV4Info[0].IPAMData.AddressSpace`. Names may have dots in them, so it
//! takes the document to read one; and a string on the way holds a document.

use crate::net::json::{Document, Json, Kind, Step};

/// A step that owns its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Member(String),
    Item(usize),
    Embedded,
}

impl Part {
    pub fn step(&self) -> Step<'_> {
        match self {
            Part::Member(name) => Step::Member(name),
            Part::Item(index) => Step::Item(*index),
            Part::Embedded => Step::Embedded,
        }
    }
}

/// The steps to a field. What of it is not there is the name of one member.
pub fn find(root: Json<'_>, field: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    descend(root, field, &mut parts);
    parts
}

fn descend(json: Json<'_>, field: &str, parts: &mut Vec<Part>) {
    if field.is_empty() {
        return;
    }
    match json.kind() {
        Kind::String => {
            let inner = json.as_str().and_then(|text| Document::parse(text.as_bytes()).ok());
            if let Some(inner) = inner.filter(|inner| inner.root().kind() != Kind::String) {
                parts.push(Part::Embedded);
                return descend(inner.root(), field, parts);
            }
        }
        Kind::Array => {
            if let Some((index, rest)) = item(field) {
                parts.push(Part::Item(index));
                if let Some(item) = json.items().unwrap_or_default().get(index) {
                    descend(*item, rest, parts);
                }
                return;
            }
        }
        Kind::Object => {
            let object = json.object().unwrap_or_default();
            let begins = object.iter().filter_map(|(name, value)| Some((name, value, after(field, name)?)));
            if let Some((name, value, rest)) = begins.max_by_key(|(name, ..)| name.len()) {
                parts.push(Part::Member(name.to_owned()));
                return descend(value, rest, parts);
            }
        }
        _ => {}
    }
    parts.push(Part::Member(field.to_owned()));
}

/// `[3].rest`, or `[3][4]`.
fn item(field: &str) -> Option<(usize, &str)> {
    let (index, rest) = field.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

/// What follows a name at the begin of a field.
fn after<'f>(field: &'f str, name: &str) -> Option<&'f str> {
    let rest = field.strip_prefix(name)?;
    match rest.chars().next() {
        None | Some('[') => Some(rest),
        Some('.') => rest.strip_prefix('.'),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_through_names_with_dots_items_and_documents_in_strings() {
        let text =
            r#"{"generic":{"com.docker":{"generic":{"a":1}},"com":2},"list":"[{\"data\":\"{\\\"x\\\":1}\"}]","n":[[7]]}"#;
        let document = Document::parse(text.as_bytes()).unwrap();
        let member = |name: &str| Part::Member(name.into());
        for (field, parts) in [
            ("generic.com.docker.generic.a", vec![member("generic"), member("com.docker"), member("generic"), member("a")]),
            ("generic.com", vec![member("generic"), member("com")]),
            ("generic.new.name", vec![member("generic"), member("new.name")]),
            (
                "list[0].data.x",
                vec![member("list"), Part::Embedded, Part::Item(0), member("data"), Part::Embedded, member("x")],
            ),
            ("n[0][0]", vec![member("n"), Part::Item(0), Part::Item(0)]),
            ("n[9].x", vec![member("n"), Part::Item(9)]),
            ("none", vec![member("none")]),
            ("", vec![]),
        ] {
            assert_eq!(find(document.root(), field), parts, "{field}");
        }
    }
}
