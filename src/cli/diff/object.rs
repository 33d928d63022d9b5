//! Owns the JSON in which programs read a difference.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::line::word;
use super::names::Names;
use crate::cli::json;
use crate::forensic::diff::{FieldChange, Header, RecordChange, Stored, Told};

/// One object on one line.
pub fn write(
    out: &mut dyn Write,
    buckets: &[Vec<u8>],
    told: &Told<'_>,
    record: Option<&RecordChange>,
    names: &Names,
    provable: bool,
) -> io::Result<()> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| drop(object.insert(name.into(), value));
    match told {
        Told::Pair { key, before, after } => {
            put("change", word(before.is_some(), after.is_some()).into());
            put("bucket", json::path(buckets.iter().map(Vec::as_slice)));
            put("key", json::bytes(key));
            if let Some(stored) = before {
                put("before", value(stored, record.map(|record| (record.index_before, &record.before))));
            }
            if let Some(stored) = after {
                put("after", value(stored, record.map(|record| (record.index_after, &record.after))));
            }
        }
        Told::Bucket { name, before, after } => {
            put("change", word(before.is_some(), after.is_some()).into());
            put("bucket", json::path(buckets.iter().map(Vec::as_slice).chain([*name])));
            for (side, header) in [("before", before), ("after", after)] {
                if let Some(Header { sequence, at }) = header {
                    put(side, json!({ "offset": at.offset, "page": at.page.0, "sequence": sequence }));
                }
            }
        }
        Told::Damage { .. } => return Ok(()),
    }
    if let Some(record) = record {
        let network = record.network.as_deref().map(|id| json!({ "id": id, "name": names.get(id) }));
        put("record", record.key.family().into());
        put("network", network.into());
        put("fields", record.fields.iter().map(field).collect());
    }
    if !provable {
        put("provable", false.into());
    }
    json::write_line(out, &Value::Object(object))
}

/// A field that differs; what is not there is left out.
fn field(change: &FieldChange) -> Value {
    let mut object = json!({ "field": change.field });
    for (side, value) in [("before", &change.before), ("after", &change.after)] {
        if let (Some(value), Some(fields)) = (value, object.as_object_mut()) {
            fields.insert(side.into(), value.clone());
        }
    }
    object
}

/// A value and where it lies; of a record its index and what it unpacks to.
fn value(stored: &Stored<'_>, unpacked: Option<(Option<u64>, &Option<Value>)>) -> Value {
    let mut object = json!({ "offset": stored.at.offset, "page": stored.at.page.0, "size": stored.value.len() });
    if let Some(fields) = object.as_object_mut() {
        if let Some((index, _)) = unpacked {
            fields.insert("last_index".into(), index.into());
        }
        let shown = unpacked.and_then(|(_, value)| value.clone());
        fields.insert("value".into(), shown.unwrap_or_else(|| json::bytes(stored.value)));
    }
    object
}
