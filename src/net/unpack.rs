//! A record for reading: JSON in strings unpacked, base64 and bitmaps in clear.

use serde_json::{Map, Value, json};

use super::base64;
use super::bitmap::Bitmap;
use super::endpoint::link_address;
use super::json::{Document, Json, Kind};

/// How deep a record is unpacked; what lies deeper stays text.
const DEEPEST: u32 = 64;
/// As many ranges of a bitmap as are told of.
const RANGES: usize = 1000;

impl Document {
    /// The same as a value: the documents in its strings unpacked, link addresses, masks and bitmaps in clear. What is
    /// nested deeper than anybody nests stays text.
    pub fn unpacked(&self) -> Value {
        unpacked("", self.root(), 0)
    }
}

fn unpacked(name: &str, json: Json<'_>, depth: u32) -> Value {
    if depth > DEEPEST {
        return Value::from(json.text());
    }
    let inside = |name: &str, value| unpacked(name, value, depth + 1);
    match json.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => json.as_bool().into(),
        // A number that no float holds stays text.
        Kind::Number => serde_json::from_str(json.text()).unwrap_or_else(|_| json.text().into()),
        Kind::Array => json.items().unwrap_or_default().into_iter().map(|item| inside("", item)).collect(),
        Kind::Object => {
            let object = json.object().unwrap_or_default();
            Value::Object(object.iter().map(|(name, value)| (name.to_owned(), inside(name, value))).collect::<Map<_, _>>())
        }
        Kind::String => match json.as_str() {
            Some(text) => in_clear(name, &text).or_else(|| embedded(&text, depth)).unwrap_or_else(|| text.into()),
            None => json.text().into(),
        },
    }
}

fn embedded(text: &str, depth: u32) -> Option<Value> {
    let document = text.starts_with(['{', '[']).then(|| Document::parse(text.as_bytes()).ok()).flatten()?;
    Some(unpacked("", document.root(), depth + 1))
}

/// What is written in base64, by the names of the fields.
fn in_clear(name: &str, text: &str) -> Option<Value> {
    match name {
        "com.docker.network.endpoint.macaddress" | "MacAddress" => {
            let bytes = base64::decode(text).filter(|bytes| matches!(bytes.len(), 6 | 8 | 20))?;
            Some(link_address(&bytes).into())
        }
        "Mask" => match &base64::decode(text)?[..] {
            bytes @ [_, _, _, _] => Some(bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(".").into()),
            bytes if bytes.len() == 16 => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()),
            _ => None,
        },
        "sequence" => {
            let bitmap = Bitmap::parse(&base64::decode(text)?).ok()?;
            let range = |(first, last)| if first == last { json!(first) } else { json!(format!("{first}-{last}")) };
            let set: Vec<_> = bitmap.ranges().take(RANGES).map(range).collect();
            Some(json!({ "Bits": bitmap.bits(), "Free": bitmap.free(), "Set": set }))
        }
        _ => None,
    }
}
