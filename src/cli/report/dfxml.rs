//! Owns the report as DFXML (Digital Forensics XML): an object with byte runs and a hash for each item, and the other
//! facts beside them in a name space of our own.

use std::io::{self, Write};

use serde_json::Value;

use super::facts::{Form, Kind};
use super::{escape, text};

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<dfxml version="1.2.0" xmlns="http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:unbolt="urn:unbolt:report:1">
  <metadata>
    <dc:type>Bolt database</dc:type>
  </metadata>
"#;

/// A document that is written as the facts come.
pub struct Dfxml<'o> {
    out: &'o mut dyn Write,
    file: String,
}

impl<'o> Dfxml<'o> {
    pub fn begin(out: &'o mut dyn Write) -> io::Result<Dfxml<'o>> {
        out.write_all(HEAD.as_bytes())?;
        Ok(Dfxml { out, file: String::new() })
    }

    fn creator(&mut self, fact: &Value) -> io::Result<()> {
        self.file = text::bytes(&fact["path"]);
        let command: Vec<String> = fact["command"].as_array().into_iter().flatten().map(text::bytes).collect();
        writeln!(self.out, "  <creator version=\"1.0\">")?;
        element(self.out, "    ", "program", &text::bytes(&fact["tool"]))?;
        element(self.out, "    ", "version", &text::bytes(&fact["version"]))?;
        writeln!(self.out, "    <execution_environment>")?;
        element(self.out, "      ", "os_sysname", &text::bytes(&fact["system"]))?;
        element(self.out, "      ", "host", &text::bytes(&fact["host"]))?;
        element(self.out, "      ", "username", &text::bytes(&fact["user"]))?;
        element(self.out, "      ", "command_line", &command.join(" "))?;
        element(self.out, "      ", "start_time", &text::bytes(&fact["started"]))?;
        writeln!(self.out, "    </execution_environment>\n  </creator>")?;
        self.other(Kind::Report, fact)
    }

    fn source(&mut self, fact: &Value) -> io::Result<()> {
        writeln!(self.out, "  <source>")?;
        element(self.out, "    ", "image_filename", &self.file)?;
        element(self.out, "    ", "image_size", &text::bytes(&fact["size"]))?;
        let sum = escape::xml(text::bytes(&fact["sha256"]));
        writeln!(self.out, "    <hashdigest type=\"sha256\">{sum}</hashdigest>\n  </source>")?;
        self.other(Kind::Evidence, fact)
    }

    /// An item is a file object: its value is the content, its key the name.
    fn item(&mut self, item: &Value) -> io::Result<()> {
        let bucket = text::path(&item["bucket"]).map_or_else(|| "?".to_owned(), |path| path.trim_end_matches('/').to_owned());
        let name = format!("{bucket}/{}", text::bytes(&item["key"]));
        writeln!(self.out, "  <fileobject>")?;
        element(self.out, "    ", "filename", &name)?;
        element(self.out, "    ", "filesize", &text::bytes(&item["length"]))?;
        let alloc = u8::from(item["state"] == "live");
        writeln!(self.out, "    <alloc>{alloc}</alloc>")?;
        let (offset, length) = (text::bytes(&item["offset"]), text::bytes(&item["length"]));
        writeln!(self.out, "    <byte_runs><byte_run offset=\"0\" img_offset=\"{offset}\" len=\"{length}\"/></byte_runs>")?;
        let sum = escape::xml(text::bytes(&item["sha256"]));
        writeln!(self.out, "    <hashdigest type=\"sha256\">{sum}</hashdigest>")?;
        write!(self.out, "  ")?;
        self.other(Kind::Item, item)?;
        writeln!(self.out, "  </fileobject>")
    }

    /// Any fact: what is one thing is an attribute, everything else JSON within.
    fn other(&mut self, kind: Kind, fact: &Value) -> io::Result<()> {
        write!(self.out, "  <unbolt:{}", kind.name())?;
        let mut within = serde_json::Map::new();
        for (name, value) in fact.as_object().into_iter().flatten() {
            match value {
                Value::Null => {}
                Value::Array(list) if list.is_empty() => {}
                Value::Array(_) | Value::Object(_) => _ = within.insert(name.clone(), value.clone()),
                value if name == "value" => _ = within.insert(name.clone(), value.clone()),
                value => write!(self.out, " {name}=\"{}\"", escape::xml(text::bytes(value)))?,
            }
        }
        match within.is_empty() {
            true => writeln!(self.out, "/>"),
            // JSON escapes most of what would not show, and the rest is made visible.
            false => {
                let json = escape::xml(escape::visible(&Value::Object(within).to_string()));
                writeln!(self.out, ">{json}</unbolt:{}>", kind.name())
            }
        }
    }
}

impl Form for Dfxml<'_> {
    fn fact(&mut self, kind: Kind, fact: Value) -> io::Result<()> {
        match kind {
            Kind::Report => self.creator(&fact),
            Kind::Evidence => self.source(&fact),
            Kind::Item => self.item(&fact),
            Kind::Custody => {
                self.other(kind, &fact)?;
                writeln!(self.out, "</dfxml>")
            }
            kind => self.other(kind, &fact),
        }
    }
}

fn element(out: &mut dyn Write, indent: &str, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{indent}<{name}>{}</{name}>", escape::xml(text))
}
