//! An export as a JSON document that people can read and edit.
//!
//! ```json
//! {
//!   "schema": 1,
//!   "written_by": "20.10 or later, before 23.0",
//!   "networks": [
//!     {
//!       "name": "blue",
//!       "id": "4e47…",
//!       "driver": "bridge",
//!       "records": [
//!         { "key": "docker/network/v1.0/network/4e47…/", "last_index": 7, "value": { "name": "blue", … } },
//!         …
//!       ]
//!     }
//!   ],
//!   "others": [ … ]
//! }
//! ```
//!
//! A record has a `value`, its documents in strings unpacked, where packing it as Go writes JSON gives the very bytes of
//! the file. Else it has a `text`, or where it is none the bytes as `hex`.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

use super::export::{Export, ExportedNetwork, ExportedRecord};
use super::packing::{pack, unpack};
use crate::net::inventory::Inventory;
use crate::net::key::Key;
use crate::store::KvPair;

/// The only schema there is.
const SCHEMA: u64 = 1;

/// Why a text is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{reason}", place, if place.is_empty() { "" } else { ": " })]
pub struct NotAnExport {
    /// The way to what is wrong: `networks[2].records[0].value`; empty where it is the text as a whole.
    pub place: String,
    /// What is wrong, or was expected.
    pub reason: String,
}

impl Export {
    /// The document.
    pub fn to_json(&self) -> String {
        let records = |records: &[ExportedRecord]| records.iter().map(of_record).collect::<Vec<_>>();
        let networks = self.networks.iter().map(|network| {
            let ExportedNetwork { name, id, driver, records: all } = network;
            json!({ "name": name, "id": id, "driver": driver, "records": records(all) })
        });
        let networks: Vec<Value> = networks.collect();
        let others = records(&self.others);
        let document = json!({ "schema": SCHEMA, "written_by": self.written_by, "networks": networks, "others": others });
        format!("{document:#}\n")
    }

    /// Reads a document. A record that is given as a value must be one that dockerd can read; one that is given as text
    /// or bytes is taken as it is.
    pub fn parse(text: &str) -> Result<Export, NotAnExport> {
        let document: Value = serde_json::from_str(text).map_err(|error| wrong("", error))?;
        let top = Place { value: &document, path: String::new() };
        match top.member("schema")?.value.as_u64() {
            Some(SCHEMA) => {}
            _ => return Err(top.member("schema")?.wrong("this version reads schema 1")),
        }
        let written_by = top.optional("written_by").map(|place| place.text()).transpose()?.unwrap_or_default();
        let networks = top.member("networks")?.items()?.iter().map(read_network).collect::<Result<_, _>>()?;
        let others = read_records(top.optional("others"))?;
        let export = Export { written_by: written_by.to_owned(), networks, others };
        no_key_twice(&export)?;
        Ok(export)
    }
}

fn of_record(record: &ExportedRecord) -> Value {
    let KvPair { key, value, last_index } = &record.pair;
    let mut members = Map::new();
    members.insert("key".into(), json!(key));
    members.insert("last_index".into(), json!(last_index));
    let text = std::str::from_utf8(value).ok();
    let unpacked = text.filter(|_| record.problem.is_none()).zip(key.parse::<Key>().ok());
    match (unpacked.and_then(|(text, key)| unpack(&key, text)), text) {
        (Some(value), _) => members.insert("value".into(), value),
        (None, Some(text)) => members.insert("text".into(), json!(text)),
        (None, None) => members.insert("hex".into(), json!(hex(value))),
    };
    if let Some(problem) = &record.problem {
        members.insert("problem".into(), json!(problem));
    }
    Value::Object(members)
}

fn read_network(place: &Place<'_>) -> Result<ExportedNetwork, NotAnExport> {
    let id = place.member("id")?.text()?.to_owned();
    let named = |name: &str| place.optional(name).map(|place| place.text().map(String::from)).transpose();
    let (name, driver) = (named("name")?, named("driver")?);
    let records = read_records(Some(place.member("records")?))?;
    let network = ExportedNetwork { id, name, driver, records };
    agrees(&network).map_err(|reason| place.wrong(reason))?;
    Ok(network)
}

/// An edit of what stands beside the records for people to find their way must not be lost without a word.
fn agrees(network: &ExportedNetwork) -> Result<(), String> {
    let inventory = Inventory::read(network.records.iter().map(|record| Ok(record.pair.clone())));
    let Ok(inventory) = inventory else { return Ok(()) };
    let Some(record) = inventory.networks.first() else { return Ok(()) };
    for (field, here, there) in [
        ("id", Some(&network.id), record.key().network().unwrap_or_default()),
        ("name", network.name.as_ref(), &record.name),
        ("driver", network.driver.as_ref(), &record.driver),
    ] {
        match here {
            Some(here) if here != there => return Err(format!("its {field} is {here:?}, and {there:?} in its record")),
            _ => {}
        }
    }
    Ok(())
}

fn read_records(place: Option<Place<'_>>) -> Result<Vec<ExportedRecord>, NotAnExport> {
    let Some(place) = place else { return Ok(Vec::new()) };
    place.items()?.iter().map(read_record).collect()
}

fn read_record(place: &Place<'_>) -> Result<ExportedRecord, NotAnExport> {
    let key = place.member("key")?.text()?.to_owned();
    let index = place.member("last_index")?;
    let last_index = index.value.as_u64().ok_or_else(|| index.wrong("should be a whole number from 0 on"))?;
    let problem = place.optional("problem").map(|place| place.text().map(String::from)).transpose()?;
    if key.is_empty() {
        return Err(place.member("key")?.wrong("is empty"));
    }
    let forms = ["value", "text", "hex"].map(|form| place.value.get(form).map(|value| (form, value)));
    let mut forms = forms.into_iter().flatten();
    let value = match (forms.next(), forms.next()) {
        (Some(("value", value)), None) => return read_value(place, key, last_index, value),
        (Some(("text", _)), None) => place.member("text")?.text()?.as_bytes().to_vec(),
        (Some(_), None) => {
            let bytes = place.member("hex")?;
            unhex(bytes.text()?).ok_or_else(|| bytes.wrong("should be pairs of hexadecimal digits"))?
        }
        _ => return Err(place.wrong("should have one of value, text and hex")),
    };
    Ok(ExportedRecord { pair: KvPair { key, value, last_index }, problem })
}

/// A record that may have been edited.
fn read_value(place: &Place<'_>, key: String, last_index: u64, value: &Value) -> Result<ExportedRecord, NotAnExport> {
    let parsed: Key = key.parse().map_err(|e| place.wrong(format_args!("key {key:?} is {e}: its value goes under text")))?;
    let pair = KvPair { key, value: pack(&parsed, value.clone()).into(), last_index };
    let inventory = Inventory::read([Ok(pair.clone())]).map_err(|e| place.wrong(e))?;
    match inventory.bad.first() {
        None => Ok(ExportedRecord { pair, problem: None }),
        Some(bad) => Err(place.wrong(bad)),
    }
}

fn no_key_twice(export: &Export) -> Result<(), NotAnExport> {
    let mut keys = BTreeSet::new();
    match export.records().find(|record| !keys.insert(record.pair.key.as_str())) {
        None => Ok(()),
        Some(twice) => Err(wrong("", format_args!("there are two records of key {}", twice.pair.key))),
    }
}

fn wrong(place: &str, reason: impl fmt::Display) -> NotAnExport {
    NotAnExport { place: place.into(), reason: reason.to_string() }
}

/// A value in the document, and the way to it.
struct Place<'d> {
    value: &'d Value,
    path: String,
}

impl<'d> Place<'d> {
    fn wrong(&self, reason: impl fmt::Display) -> NotAnExport {
        wrong(&self.path, reason)
    }

    fn member(&self, name: &str) -> Result<Place<'d>, NotAnExport> {
        match (self.value.is_object(), self.value.get(name)) {
            (false, _) => Err(self.wrong("should be an object")),
            (true, None) => Err(self.wrong(format_args!("has no {name}"))),
            (true, Some(value)) => Ok(Place { value, path: self.path_to(name) }),
        }
    }

    /// A member that may be missing, or null.
    fn optional(&self, name: &str) -> Option<Place<'d>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Place { value, path: self.path_to(name) })
    }

    fn path_to(&self, name: &str) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{}{dot}{name}", self.path)
    }

    fn text(&self) -> Result<&'d str, NotAnExport> {
        self.value.as_str().ok_or_else(|| self.wrong("should be a string"))
    }

    fn items(&self) -> Result<Vec<Place<'d>>, NotAnExport> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("should be an array"))?;
        let place = |(i, value)| Place { value, path: format!("{}[{i}]", self.path) };
        Ok(items.iter().enumerate().map(place).collect())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}
