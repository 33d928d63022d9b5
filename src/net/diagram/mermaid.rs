//! The picture as Mermaid has it, for Markdown.

use std::fmt::Write;

use super::{Diagram, lines_of};

impl Diagram {
    /// A flowchart of Mermaid's.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        for (i, network) in self.networks.iter().enumerate() {
            let lines = std::iter::once(network.name.clone()).chain(lines_of(network));
            _ = writeln!(out, "  n{i}[\"{}\"]", joined(lines));
        }
        for (i, container) in self.containers.iter().enumerate() {
            let words = joined([container.name.clone(), container.id.clone()]);
            _ = writeln!(out, "  c{i}([\"{words}\"])");
            for (j, place) in container.places.iter().enumerate() {
                _ = writeln!(out, "  n{} ---|\"{}\"| c{i}", place.network, joined(place.addresses.clone()));
                for (k, port) in place.ports.iter().enumerate() {
                    _ = writeln!(out, "  p{i}_{j}_{k}>\"{}\"] --> c{i}", escaped(port));
                }
            }
        }
        out
    }
}

/// Lines of one label. An empty label is none to Mermaid.
fn joined(lines: impl IntoIterator<Item = String>) -> String {
    let label = lines.into_iter().filter(|line| !line.is_empty()).map(|line| escaped(&line)).collect::<Vec<_>>().join("<br/>");
    if label.is_empty() { " ".into() } else { label }
}

/// What means something to Mermaid or to HTML as Mermaid's own entities.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | ';' => _ = write!(out, "#{};", u32::from(c)),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
