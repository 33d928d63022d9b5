//! Owns the report as one page for people: nothing in it is loaded from elsewhere, and nothing needs a script.
//!
//! The size of the page is bounded: lists show the first of what they have and say how much more there is.

mod items;
mod number;
mod picture;
mod sections;
mod words;

use std::io::{self, Write};

use serde_json::Value;

use super::escape;
use super::facts::{Form, Kind};
use crate::forensic::History;
use items::Items;
use picture::Owners;
use sections::List;

/// A page that takes in all facts, and is written with the last of them.
pub struct Page<'o, 'h> {
    out: &'o mut dyn Write,
    history: &'h History<'h>,
    report: Value,
    evidence: Value,
    layout: Value,
    metas: Vec<Value>,
    classes: Vec<Value>,
    items: Items,
    findings: List,
    observations: List,
    roots: List,
    buckets: List,
    networks: List,
    problems: List,
    /// Findings that are more than notes.
    wrong: u64,
    runs: u64,
}

impl<'o, 'h> Page<'o, 'h> {
    pub fn begin(out: &'o mut dyn Write, history: &'h History<'h>) -> Page<'o, 'h> {
        Page {
            out,
            history,
            report: Value::Null,
            evidence: Value::Null,
            layout: Value::Null,
            metas: Vec::new(),
            classes: Vec::new(),
            items: Items::default(),
            findings: List::of(200),
            observations: List::of(200),
            roots: List::of(100),
            buckets: List::of(300),
            networks: List::of(60),
            problems: List::of(100),
            wrong: 0,
            runs: 0,
        }
    }
}

impl Form for Page<'_, '_> {
    fn fact(&mut self, kind: Kind, fact: Value) -> io::Result<()> {
        match kind {
            Kind::Report => self.report = fact,
            Kind::Evidence => self.evidence = fact,
            Kind::Layout => self.layout = fact,
            Kind::Meta => self.metas.push(fact),
            Kind::Class => self.classes.push(fact),
            Kind::Pages => self.runs += 1,
            Kind::Finding => {
                self.wrong += u64::from(fact["severity"] != "note");
                self.findings.push(|| sections::finding(&fact));
            }
            Kind::Observation => self.observations.push(|| sections::observation(&fact)),
            Kind::Root => self.roots.push(|| sections::root(&fact)),
            Kind::Bucket => self.buckets.push(|| sections::bucket(&fact)),
            Kind::Network => self.networks.push(|| sections::network(&fact)),
            Kind::NetworkProblem => self.problems.push(|| sections::problem(&fact)),
            Kind::Item => self.items.push(&fact),
            Kind::Count => {}
            Kind::Custody => return self.write(&fact),
        }
        Ok(())
    }
}

impl Page<'_, '_> {
    fn write(&mut self, custody: &Value) -> io::Result<()> {
        let name = sections::file_name(&self.report);
        write!(
            self.out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"generator\" content=\"unbolt {}\"/>\n\
             <title>Report on {name}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
            env!("CARGO_PKG_VERSION"),
            include_str!("style.css")
        )?;
        let mut html = String::new();
        self.head(custody, &name, &mut html);
        sections::custody(&self.report, &self.evidence, custody, &mut html);
        sections::metas(&self.metas, &mut html);
        html.push_str("<h2 id=\"map\">Every page</h2>\n");
        html.push_str(&picture::pictures(self.history, &self.classes, &Owners::of(self.history)));
        sections::account(&self.classes, self.evidence["size"].as_u64().unwrap_or_default(), self.runs, &mut html);
        self.out.write_all(html.as_bytes())?;
        html.clear();
        self.lists(&mut html);
        html.push_str("<h2 id=\"limits\">What cannot be known</h2>\n<ul class=\"plain\">");
        words::LIMITS.iter().for_each(|limit| html.push_str(&format!("<li>{limit}</li>")));
        html.push_str("</ul>\n");
        let version = escape::xml(env!("CARGO_PKG_VERSION"));
        let ended = sections::text_of(&custody["ended"]);
        html.push_str(&format!(
            "<footer>Made by unbolt {version}, {ended}. This page loads nothing and runs nothing.</footer>\n"
        ));
        html.push_str("</main>\n</body>\n</html>\n");
        self.out.write_all(html.as_bytes())
    }

    fn lists(&mut self, html: &mut String) {
        html.push_str("<h2 id=\"check\">Integrity</h2>\n");
        match (self.layout["txid"].is_null(), self.findings.count) {
            (true, _) => html.push_str("<p>There is no current state that could be checked.</p>"),
            (false, 0) => html.push_str("<p>Every rule of the format holds: the current state is sound.</p>"),
            (false, _) => self.findings.write("ul", html),
        }
        html.push_str("\n<h2 id=\"observations\">Observations</h2>\n<p>What no Bolt writer leaves behind, or what is worth a look. An observation proves nothing by itself.</p>");
        self.observations.write_or("Nothing unusual was seen.", html);
        html.push_str(
            "\n<h2 id=\"items\">Recovered items</h2>\n<p>What the file still holds that its current state does not show.</p>",
        );
        self.items.write(html);
        html.push_str("\n<h2 id=\"roots\">Other states</h2>\n<p>Roots of trees beside the current one. One is exact only where all of its pages are in use by the current state in the very same place.</p>");
        self.roots.write_or("None was found.", html);
        html.push_str("\n<h2 id=\"buckets\">Buckets</h2>\n");
        match self.buckets.count {
            0 => html.push_str("<p>There is no current state.</p>"),
            _ => {
                html.push_str(sections::BUCKETS_HEAD);
                self.buckets.sort();
                self.buckets.write_rows(html);
            }
        }
        if self.networks.count + self.problems.count > 0 {
            html.push_str("\n<h2 id=\"networks\">Docker\u{2019}s networks</h2>\n");
            self.networks.write_or("The file is Docker\u{2019}s, and has no network.", html);
            if self.problems.count > 0 {
                html.push_str("<h3>Records with flaws</h3>");
                self.problems.write("ul", html);
            }
        }
    }

    /// What somebody reads who reads nothing else.
    fn head(&self, custody: &Value, name: &str, html: &mut String) {
        let unchanged = custody["unchanged"] == true;
        html.push_str(&format!("<header>\n<p class=\"eyebrow\">Report on a Bolt database</p>\n<h1>{name}</h1>\n"));
        if !unchanged {
            html.push_str(
                "<p class=\"alarm\" role=\"alert\">The file changed while this report was made. What follows is of no one \
                 moment: make it again from a copy.</p>\n",
            );
        }
        let (items, marked) = self.items.total();
        sections::lead(&self.layout, &self.evidence, (items, marked), html);
        html.push_str("<div class=\"tiles\">");
        let mut tile = |class: &str, value: &str, label: &str| {
            html.push_str(&format!("<div class=\"tile {class}\"><b>{value}</b><span>{label}</span></div>"));
        };
        tile("", &number::size(self.evidence["size"].as_u64().unwrap_or_default()), "file size");
        tile("", &number::grouped(self.layout["pages"].as_u64().unwrap_or_default()), "pages");
        match self.layout["txid"].as_u64() {
            Some(txid) => tile("", &number::grouped(txid), "current transaction"),
            None => tile("bad", "none", "current transaction"),
        }
        match (self.layout["txid"].is_null(), self.wrong) {
            (true, _) => tile("bad", "impossible", "integrity check"),
            (false, 0) => tile("good", "sound", "integrity check"),
            (false, n) => tile("bad", &number::grouped(n), "findings of the check"),
        }
        tile("", &number::grouped(items), "recovered items");
        match unchanged {
            true => tile("good", "unchanged", "evidence"),
            false => tile("bad", "changed", "evidence"),
        }
        html.push_str("</div>\n<nav>");
        let networks = if self.networks.count + self.problems.count > 0 { Some(("networks", "Networks")) } else { None };
        for (id, title) in sections::CONTENTS.into_iter().chain(networks).chain([("limits", "What cannot be known")]) {
            html.push_str(&format!("<a href=\"#{id}\">{title}</a> "));
        }
        html.push_str("</nav>\n</header>\n");
    }
}
