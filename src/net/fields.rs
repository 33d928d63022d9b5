//! How the fields of a document are read: whatever is wrong is noted, and reading goes on.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

use super::address::{Cidr, NIL};
use super::base64;
use super::json::{Document, Json, Kind, Object};
use super::key::Key;
use super::problem::{MEMBER_OF_STRINGS, Problem, ProblemKind};

/// As many problems of one record as anybody reads about.
const MOST_PROBLEMS: usize = 64;

/// The typed view of one family of records.
pub trait Fields: Sized {
    /// Reads them. What is missing or wrong is noted in the reader, and left out.
    fn read(reader: &mut Reader<'_>) -> Self;
}

/// The fields of an object that are being read.
#[derive(Debug)]
pub struct Reader<'t> {
    key: &'t Key,
    object: Object<'t>,
    /// The way here from the record's root.
    path: String,
    problems: Vec<Problem>,
}

/// Reads the fields of a record.
pub(super) fn read<T: Fields>(key: &Key, root: Json<'_>) -> (T, Vec<Problem>) {
    let mut reader = Reader { key, object: root.object().unwrap_or_default(), path: String::new(), problems: Vec::new() };
    if root.kind() != Kind::Object {
        reader.note("", ProblemKind::wrong_kind("an object", root), true);
    }
    let fields = T::read(&mut reader);
    if root.kind() != Kind::Object {
        // That the fields are missing is no news then.
        reader.problems.truncate(1);
    }
    (fields, reader.problems)
}

impl<'t> Reader<'t> {
    /// The record's key.
    pub(super) fn key(&self) -> &'t Key {
        self.key
    }

    fn note(&mut self, field: &str, kind: ProblemKind, is_fatal: bool) {
        if self.problems.len() >= MOST_PROBLEMS && !is_fatal {
            return;
        }
        let dot = if self.path.is_empty() || field.is_empty() { "" } else { "." };
        let field = format!("{}{dot}{field}", self.path);
        self.problems.push(Problem { key: self.key.to_string().into(), field, kind, is_fatal });
    }

    /// A field that is there and not null.
    pub(super) fn value(&self, field: &str) -> Option<Json<'t>> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// Whether a field is there at all.
    pub(super) fn has(&self, field: &str) -> bool {
        self.object.get(field).is_some()
    }

    fn convert<T>(
        &mut self,
        field: &str,
        expected: &'static str,
        required: bool,
        convert: impl FnOnce(Json<'t>) -> Option<T>,
    ) -> Option<T> {
        match self.object.get(field) {
            None if required => self.note(field, ProblemKind::Missing, true),
            None => {}
            Some(value) if value.is_null() && !required => {}
            Some(value) => match convert(value) {
                Some(converted) => return Some(converted),
                None => self.note(field, ProblemKind::wrong_kind(expected, value), required),
            },
        }
        None
    }

    /// A string that dockerd cannot do without.
    pub(super) fn required_text(&mut self, field: &str) -> String {
        self.convert(field, "a string", true, |value| value.as_str().map(String::from)).unwrap_or_default()
    }

    /// A string.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        self.convert(field, "a string", false, |value| value.as_str().map(String::from))
    }

    /// A bool that dockerd cannot do without.
    pub(super) fn required_flag(&mut self, field: &str) -> bool {
        self.convert(field, "a bool", true, Json::as_bool).unwrap_or_default()
    }

    /// A bool.
    pub(super) fn flag(&mut self, field: &str) -> Option<bool> {
        self.convert(field, "a bool", false, Json::as_bool)
    }

    /// A number that dockerd cannot do without, of any form, to the whole.
    pub(super) fn required_number(&mut self, field: &str) -> i64 {
        self.convert(field, "a number", true, whole).unwrap_or_default()
    }

    /// A whole number from 0 on.
    pub(super) fn number(&mut self, field: &str) -> Option<u64> {
        self.convert(field, "a whole number", false, Json::as_u64)
    }

    /// A number that fits.
    pub(super) fn small<T: TryFrom<u64>>(&mut self, field: &str, expected: &'static str) -> Option<T> {
        self.convert(field, expected, false, |value| T::try_from(value.as_u64()?).ok())
    }

    /// The strings of an array.
    pub(super) fn texts(&mut self, field: &str) -> Vec<String> {
        let strings = |value: Json<'t>| value.items()?.into_iter().map(|item| item.as_str().map(String::from)).collect();
        self.convert(field, "an array of strings", false, strings).unwrap_or_default()
    }

    /// The members of an object of strings, in their order; `None` where there is none. A member that is something else
    /// is left out, but for null, which Go takes for an empty string.
    pub(super) fn map(&mut self, field: &str) -> Option<Vec<(String, String)>> {
        let object = self.convert(field, "an object of strings", false, Json::object)?;
        let mut all = Vec::new();
        for (name, _) in object.iter() {
            // Of two with one name the last counts.
            let Some(value) = object.get(name) else { continue };
            match value.as_str() {
                Some(text) => all.push((name.to_owned(), text.into_owned())),
                None if value.is_null() => all.push((name.to_owned(), String::new())),
                None => self.note(&format!("{field}.{name}"), ProblemKind::wrong_kind(MEMBER_OF_STRINGS, value), false),
            }
        }
        Some(all)
    }

    /// Something that is written as a string. An empty one, and Go's word for no address, are as if it was not there.
    pub(super) fn parsed<T: FromStr>(&mut self, field: &str, expected: &'static str) -> Option<T> {
        let text = self.text(field).filter(|text| !text.is_empty() && text != NIL)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.note(field, ProblemKind::invalid(expected, &text), false);
        }
        parsed
    }

    /// An address with the length of its network's prefix.
    pub(super) fn cidr(&mut self, field: &str) -> Option<Cidr> {
        self.parsed(field, "an address such as 10.77.0.1/24")
    }

    /// The same where Go's word for no address would end dockerd.
    pub(super) fn cidr_never_nil(&mut self, field: &str) -> Option<Cidr> {
        if self.value(field).and_then(Json::as_str).as_deref() == Some(NIL) {
            self.note(field, ProblemKind::invalid("an address such as 10.77.0.1/24", NIL), false);
        }
        self.cidr(field)
    }

    /// An address.
    pub(super) fn ip(&mut self, field: &str) -> Option<IpAddr> {
        self.parsed(field, "an address such as 10.77.0.1")
    }

    /// Bytes that are written in base64.
    pub(super) fn bytes(&mut self, field: &str) -> Option<Vec<u8>> {
        let text = self.text(field)?;
        let bytes = base64::decode(&text);
        if bytes.is_none() {
            self.note(field, ProblemKind::invalid("base64", &text), false);
        }
        bytes
    }

    /// Says that a field makes no sense.
    pub(super) fn invalid(&mut self, field: &str, expected: &'static str, found: impl Display) {
        self.note(field, ProblemKind::invalid(expected, &found.to_string()), false);
    }

    /// Reads the fields of an object; `None` where there is none.
    pub(super) fn object<T>(&mut self, field: &str, read: impl FnOnce(&mut Reader<'_>) -> T) -> Option<T> {
        let object = self.convert(field, "an object", false, Json::object)?;
        Some(self.inside(field.into(), object, read))
    }

    /// Reads the objects that are the members of an object.
    pub(super) fn members<T>(&mut self, field: &str, mut read: impl FnMut(&str, &mut Reader<'_>) -> T) -> Vec<T> {
        let Some(object) = self.convert(field, "an object", false, Json::object) else { return Vec::new() };
        let mut all = Vec::new();
        for (name, value) in object.iter() {
            match value.object() {
                Some(object) => all.push(self.inside(format!("{field}.{name}"), object, |reader| read(name, reader))),
                None => self.note(&format!("{field}.{name}"), ProblemKind::wrong_kind("an object", value), false),
            }
        }
        all
    }

    /// Reads the objects of an array.
    pub(super) fn objects<T>(&mut self, field: &str, read: impl FnMut(&mut Reader<'_>) -> T) -> Vec<T> {
        match self.convert(field, "an array", false, Json::items) {
            Some(items) => self.each(field, &items, read),
            None => Vec::new(),
        }
    }

    /// Reads the object that a string holds as JSON.
    pub(super) fn embedded<T>(&mut self, field: &str, read: impl FnOnce(&mut Reader<'_>) -> T) -> Option<T> {
        let document = self.document(field)?;
        match document.root().object() {
            Some(object) => Some(self.inside(field.into(), object, read)),
            None => {
                self.note(field, ProblemKind::wrong_kind("an object in a string", document.root()), false);
                None
            }
        }
    }

    /// Reads the objects of the array that a string holds as JSON.
    pub(super) fn embedded_objects<T>(&mut self, field: &str, read: impl FnMut(&mut Reader<'_>) -> T) -> Vec<T> {
        let Some(document) = self.document(field) else { return Vec::new() };
        match document.root().items() {
            Some(items) => self.each(field, &items, read),
            // Go writes a slice that is nil so.
            None if document.root().is_null() => Vec::new(),
            None => {
                self.note(field, ProblemKind::wrong_kind("an array in a string", document.root()), false);
                Vec::new()
            }
        }
    }

    fn document(&mut self, field: &str) -> Option<Document> {
        let text = self.text(field).filter(|text| !text.is_empty())?;
        Document::parse(text.as_bytes()).map_err(|error| self.note(field, error.into(), false)).ok()
    }

    fn each<T>(&mut self, field: &str, items: &[Json<'_>], mut read: impl FnMut(&mut Reader<'_>) -> T) -> Vec<T> {
        let mut all = Vec::new();
        for (i, item) in items.iter().enumerate() {
            match item.object() {
                Some(object) => all.push(self.inside(format!("{field}[{i}]"), object, &mut read)),
                None => self.note(&format!("{field}[{i}]"), ProblemKind::wrong_kind("an object", *item), false),
            }
        }
        all
    }

    fn inside<T>(&mut self, field: String, object: Object<'_>, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{field}", self.path);
        let mut reader = Reader { key: self.key, object, path, problems: std::mem::take(&mut self.problems) };
        let fields = read(&mut reader);
        self.problems = reader.problems;
        fields
    }
}

/// Go reads every number as a float and cuts it.
fn whole(value: Json<'_>) -> Option<i64> {
    value.text().parse().ok().or_else(|| {
        let number = value.as_f64().filter(|number| number.abs() < 9e15)?;
        format!("{:.0}", number.trunc()).parse().ok()
    })
}
