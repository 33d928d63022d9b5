//! Owns the report as JSON: one object with everything, or a line for each fact.

use std::io::{self, Write};

use serde_json::Value;

use super::facts::{Form, Kind};
use crate::cli::json;

/// One object per line, which says what it is in `type`.
pub struct Lines<'o>(pub &'o mut dyn Write);

impl Form for Lines<'_> {
    fn fact(&mut self, kind: Kind, mut fact: Value) -> io::Result<()> {
        if let Some(fields) = fact.as_object_mut() {
            fields.shift_insert(0, "type".into(), kind.name().into());
        }
        json::write_line(self.0, &fact)
    }
}

/// One object: a member for each kind of fact, written as they come.
pub struct Object<'o> {
    out: &'o mut dyn Write,
    /// The kinds that are still to come.
    rest: std::slice::Iter<'static, Kind>,
    /// The kind whose list is open, and whether it has anything in it.
    open: Option<(Kind, bool)>,
}

impl<'o> Object<'o> {
    pub fn new(out: &'o mut dyn Write) -> Object<'o> {
        Object { out, rest: Kind::ALL.iter(), open: None }
    }

    /// Begins the members up to a kind; lists that nothing is in are there too.
    fn go_to(&mut self, kind: Kind) -> io::Result<()> {
        while self.open.is_none_or(|(open, _)| open != kind) {
            let Some(next) = self.rest.next().copied() else { return Ok(()) };
            match self.open.replace((next, false)) {
                Some((last, _)) => self.out.write_all(if last.plural().is_some() { b"],\n" } else { b",\n" })?,
                None => self.out.write_all(b"{\"schema\":1,\n")?,
            }
            write!(
                self.out,
                "\"{}\":{}",
                next.plural().unwrap_or(next.name()),
                if next.plural().is_some() { "[" } else { "" }
            )?;
        }
        Ok(())
    }
}

impl Form for Object<'_> {
    fn fact(&mut self, kind: Kind, fact: Value) -> io::Result<()> {
        self.go_to(kind)?;
        if kind.plural().is_some() {
            let is_first = self.open.replace((kind, true)).is_none_or(|(_, any)| !any);
            self.out.write_all(if is_first { b"\n" } else { b",\n" })?;
        }
        serde_json::to_writer(&mut *self.out, &fact)?;
        // The custody record is the last of all.
        if kind == Kind::Custody { self.out.write_all(b"}\n") } else { Ok(()) }
    }
}
