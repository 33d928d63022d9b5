//! Parts of a document: what kind they are, and what they hold, one level at a time.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A part of a document: one JSON value, as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Json<'t>(&'t str);

/// The kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number of any form.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Null => "null",
            Kind::Bool => "a bool",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        })
    }
}

impl<'t> Json<'t> {
    /// A text that was checked.
    pub(super) fn trusted(text: &'t str) -> Json<'t> {
        Json(text.trim_matches([' ', '\t', '\n', '\r']))
    }

    /// Its text in the document.
    pub fn text(self) -> &'t str {
        self.0
    }

    /// What kind of value it is.
    pub fn kind(self) -> Kind {
        match self.0.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The text of a string, its escapes resolved. A string with half a surrogate pair, which Go never writes, has
    /// none.
    pub fn as_str(self) -> Option<Cow<'t, str>> {
        let plain = self.0.strip_prefix('"')?.strip_suffix('"')?;
        match plain.contains('\\') {
            false => Some(Cow::Borrowed(plain)),
            true => serde_json::from_str(self.0).ok().map(Cow::Owned),
        }
    }

    /// The value of a bool.
    pub fn as_bool(self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The value of a number that is a whole one from 0 to 2^64−1 and written as such.
    pub fn as_u64(self) -> Option<u64> {
        (self.kind() == Kind::Number).then(|| self.0.parse().ok()).flatten()
    }

    /// The value of a number, as near as a float comes.
    pub fn as_f64(self) -> Option<f64> {
        (self.kind() == Kind::Number).then(|| self.0.parse().ok()).flatten()
    }

    /// The items of an array.
    pub fn items(self) -> Option<Vec<Json<'t>>> {
        serde_json::Deserializer::from_str(self.0).deserialize_seq(Items).ok()
    }

    /// The members of an object.
    pub fn object(self) -> Option<Object<'t>> {
        serde_json::Deserializer::from_str(self.0).deserialize_map(Members).ok()
    }

    /// A member of an object.
    pub fn get(self, name: &str) -> Option<Json<'t>> {
        self.object()?.get(name)
    }

    /// Where it stands in a text that it is a part of.
    pub(super) fn place_in(self, whole: &str) -> Option<Range<usize>> {
        let start = self.0.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
        let place = start..start.checked_add(self.0.len())?;
        (whole.get(place.clone()) == Some(self.0)).then_some(place)
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The members of an object, in their order in the text.
#[derive(Debug, Clone, Default)]
pub struct Object<'t> {
    /// The name as it stands in the text, the name that it means, and the value.
    pub(super) members: Vec<(Json<'t>, Cow<'t, str>, Json<'t>)>,
}

impl<'t> Object<'t> {
    /// The member with a name: the last one where there are several, as Go has it.
    pub fn get(&self, name: &str) -> Option<Json<'t>> {
        self.members.iter().rfind(|(_, found, _)| found == name).map(|(.., value)| *value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Json<'t>)> {
        self.members.iter().map(|(_, name, value)| (&**name, *value))
    }
}

struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Json<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Vec<Json<'de>>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element::<&RawValue>()? {
            items.push(Json(item.get()));
        }
        Ok(items)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let name = Json(name.get());
            // A name that is no text is none that anybody asks for.
            let means = name.as_str().unwrap_or(Cow::Borrowed(name.0));
            members.push((name, means, Json(value.get())));
        }
        Ok(Object { members })
    }
}
