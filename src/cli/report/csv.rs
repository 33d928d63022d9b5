//! Owns the report as CSV: a row for each fact, its first column saying of what kind.
//!
//! What a spreadsheet would take for a formula begins with an apostrophe, and nothing but the end of a row ends a line.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::facts::{Form, Kind};
use super::{escape, text};
use crate::cli::quote;

/// As much of a text as a cell takes: spreadsheets have room for 32,767 characters.
const LONGEST: usize = 8_000;

/// The columns: of these members, each by the names that the kinds of facts have for it, and the rest as JSON.
const COLUMNS: [(&str, &[&str]); 22] = [
    ("name", &["name", "code", "class", "label", "tool"]),
    ("state", &["state_in_words", "state", "severity"]),
    ("grade", &["grade"]),
    ("marks", &["marks"]),
    ("provable", &["provable"]),
    ("bucket", &["bucket"]),
    ("key", &["key"]),
    ("page", &["page"]),
    ("pages", &["count", "run_pages", "pages"]),
    ("element", &["element"]),
    ("key_offset", &["key_offset"]),
    ("offset", &["offset"]),
    ("length", &["length", "bytes", "size"]),
    ("sha256", &["sha256"]),
    ("time", &["modified", "started", "created"]),
    ("order", &["clocks"]),
    ("text", &["message", "text"]),
    ("value", &["value"]),
    ("reasons", &["reasons"]),
    ("txid", &["txid"]),
    ("id", &["id"]),
    ("kind", &["kind"]),
];

/// One row per fact.
pub struct Csv<'o> {
    out: &'o mut dyn Write,
}

impl<'o> Csv<'o> {
    /// Begins with the names of the columns.
    pub fn begin(out: &'o mut dyn Write) -> io::Result<Csv<'o>> {
        let names = COLUMNS.iter().map(|(name, _)| *name);
        writeln!(out, "record,{},more", names.collect::<Vec<_>>().join(","))?;
        Ok(Csv { out })
    }
}

impl Form for Csv<'_> {
    fn fact(&mut self, kind: Kind, fact: Value) -> io::Result<()> {
        let Value::Object(mut fields) = fact else { return Ok(()) };
        self.out.write_all(kind.name().as_bytes())?;
        for (_, members) in COLUMNS {
            let value = members.iter().find_map(|member| fields.shift_remove_entry(*member));
            write!(self.out, ",{}", value.map_or_else(String::new, |(member, value)| cell(&shown(&member, &value))))?;
        }
        writeln!(self.out, ",{}", cell(&rest(fields)))
    }
}

fn shown(member: &str, value: &Value) -> String {
    match (member, value) {
        ("bucket", value) => text::path(value).unwrap_or_default(),
        ("clocks", value) => text::clocks(value),
        ("value", value) => quote::on_one_line(&text::raw(value)),
        (_, Value::Array(_)) => text::list(value),
        (_, value) => text::bytes(value),
    }
}

/// What has no column of its own.
fn rest(mut fields: Map<String, Value>) -> String {
    fields.retain(|_, value| !value.is_null());
    if fields.is_empty() { String::new() } else { escape::visible(&Value::Object(fields).to_string()) }
}

/// A text between double quotes, or nothing, safe to be opened by a spreadsheet.
fn cell(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let (start, more) = text::excerpt(text, LONGEST);
    let apostrophe = if start.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    let more = if more > 0 { format!("… ({more} more)") } else { String::new() };
    format!("\"{apostrophe}{}{more}\"", start.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_cell_begins_as_a_formula_does() {
        for start in ["=", "+", "-", "@", "\t", "\r"] {
            let cell = cell(&format!("{start}cmd|' /C calc'!A0"));
            assert!(cell.starts_with("\"'"), "{cell}");
        }
        assert_eq!(cell("a\"b"), "\"a\"\"b\"");
        assert_eq!(cell(""), "");
    }

    #[test]
    fn a_row_has_a_cell_for_each_column_and_what_has_none_is_in_the_last() {
        let mut out = Vec::new();
        let mut csv = Csv::begin(&mut out).unwrap();
        let fact = json!({ "kind": "pair", "bucket": ["a", { "hex": "ff" }], "key": "=1\n", "value": "x,y", "provable": false, "run": 7 });
        csv.fact(Kind::Item, fact).unwrap();
        let text = String::from_utf8(out).unwrap();
        let row = text.lines().nth(1).unwrap();
        assert_eq!(row, "item,,,,,\"false\",\"a/0xff\",\"'=1\\n\",,,,,,,,,,,\"x,y\",,,,\"pair\",\"{\"\"run\"\":7}\"");
    }
}
