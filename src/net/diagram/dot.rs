//! The picture as Graphviz has it.

use std::fmt::Write;

use super::{Diagram, lines_of};

impl Diagram {
    /// A graph for `dot`.
    pub fn dot(&self) -> String {
        let mut out = String::from("graph networks {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        for (i, network) in self.networks.iter().enumerate() {
            let style = if network.is_missing { "filled,dashed" } else { "filled" };
            let lines = std::iter::once(network.name.clone()).chain(lines_of(network));
            _ = writeln!(out, "  n{i} [label=\"{}\", style=\"{style}\", fillcolor=\"#e6eef7\"];", joined(lines));
        }
        for (i, container) in self.containers.iter().enumerate() {
            let style = if container.is_stale { "rounded,dashed" } else { "rounded" };
            let words = joined([container.name.clone(), container.id.clone()]);
            _ = writeln!(out, "  c{i} [label=\"{words}\", style=\"{style}\"];");
            for (j, place) in container.places.iter().enumerate() {
                _ = writeln!(out, "  n{} -- c{i} [label=\"{}\"];", place.network, joined(place.addresses.clone()));
                if !place.ports.is_empty() {
                    _ = writeln!(out, "  p{i}_{j} [label=\"{}\", shape=cds];", joined(place.ports.clone()));
                    _ = writeln!(out, "  c{i} -- p{i}_{j} [dir=back];");
                }
            }
        }
        out.push_str("}\n");
        out
    }
}

fn joined(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| escaped(&line)).collect::<Vec<_>>().join("\\n")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
