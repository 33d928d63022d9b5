//! Owns the lines in which people read a difference: what happened, where it lay and lies, and what it is.

use std::io::{self, Write};

use serde_json::Value;

use super::names::Names;
use crate::cli::bytes::Format;
use crate::cli::quote;
use crate::forensic::diff::{At, RecordChange, Told};

/// The lines of a comparison. Where nothing differs there are none.
pub struct Lines<'n> {
    names: &'n Names,
    begun: bool,
}

impl<'n> Lines<'n> {
    pub fn new(names: &'n Names) -> Self {
        Lines { names, begun: false }
    }

    /// One line, and for a record further ones: what it is, and each field that differs.
    pub fn write(
        &mut self,
        out: &mut dyn Write,
        buckets: &[Vec<u8>],
        told: &Told<'_>,
        record: Option<&RecordChange>,
    ) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            writeln!(out, "{:<8} {:>12} {:>12}  ENTRY", "CHANGE", "BEFORE AT", "AFTER AT")?;
        }
        write_entry(out, buckets, told)?;
        record.map_or(Ok(()), |record| write_record(out, record, self.names))
    }
}

fn write_entry(out: &mut dyn Write, buckets: &[Vec<u8>], told: &Told<'_>) -> io::Result<()> {
    match told {
        Told::Pair { key, before, after } => {
            start(out, before.map(|stored| stored.at), after.map(|stored| stored.at))?;
            path(out, buckets)?;
            out.write_all(&Format::Auto.show(key))?;
            let [before, after] = [before, after].map(|stored| stored.map(|stored| stored.value.len()));
            writeln!(out, " ({} bytes)", from_to(before, after))?;
        }
        Told::Bucket { name, before, after } => {
            start(out, before.map(|header| header.at), after.map(|header| header.at))?;
            path(out, buckets)?;
            out.write_all(&Format::Auto.show(name))?;
            let [before, after] = [before, after].map(|header| header.map(|header| header.sequence));
            writeln!(out, "/ (bucket, sequence {})", from_to(before, after))?;
        }
        Told::Damage { .. } => {}
    }
    Ok(())
}

fn start(out: &mut dyn Write, before: Option<At>, after: Option<At>) -> io::Result<()> {
    let offset = |at: Option<At>| at.map_or_else(|| "-".to_owned(), |at| at.offset.to_string());
    write!(out, "{:<8} {:>12} {:>12}  ", word(before.is_some(), after.is_some()), offset(before), offset(after))
}

/// What happened to something that was there before, is there now, or both.
pub fn word(before: bool, after: bool) -> &'static str {
    match (before, after) {
        (false, _) => "added",
        (true, false) => "removed",
        (true, true) => "changed",
    }
}

fn path(out: &mut dyn Write, buckets: &[Vec<u8>]) -> io::Result<()> {
    for name in buckets {
        out.write_all(&Format::Auto.show(name))?;
        out.write_all(b"/")?;
    }
    Ok(())
}

/// One number, or two where they differ.
fn from_to<T: PartialEq + std::fmt::Display>(before: Option<T>, after: Option<T>) -> String {
    match (before, after) {
        (Some(before), Some(after)) if before != after => format!("{before} -> {after}"),
        (Some(one), _) | (None, Some(one)) => one.to_string(),
        (None, None) => String::new(),
    }
}

fn write_record(out: &mut dyn Write, record: &RecordChange, names: &Names) -> io::Result<()> {
    let indent = " ".repeat(9);
    let family = record.key.family();
    let network = record.network.as_deref().map(|id| names.get(id).unwrap_or(id));
    let what = match (record.name.as_deref(), network) {
        (_, Some(network)) if family == "network" => format!("network {network}"),
        (Some(name), Some(network)) => format!("{family} {name} of network {network}"),
        (None, Some(network)) => format!("{family} of network {network}"),
        (Some(name), None) => format!("{family} {name}"),
        (None, None) => family.to_owned(),
    };
    let index = from_to(record.index_before, record.index_after);
    writeln!(out, "{indent}{}, index {index}", quote::on_one_line(what.as_bytes()))?;
    for change in &record.fields {
        let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        let line = format!("{}: {} -> {}", change.field, shown(&change.before), shown(&change.after));
        writeln!(out, "{indent}  {}", quote::on_one_line(line.as_bytes()))?;
    }
    Ok(())
}
