//! Owns the items of a page: by state, those that there is room for, and how many more there are.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::super::{escape, text};
use super::number::{count, grouped};
use super::words;
use crate::cli::quote;
use crate::store::INDEX_SIZE;

/// Items of one state that are shown.
const MOST: u64 = 200;
/// Characters of a key or a path.
const KEY: usize = 300;
/// Characters of a value.
const VALUE: usize = 480;

/// As many zeros as are counted and not shown.
const ZEROS: usize = 8;

/// Items by state, those apart that may never have been committed.
#[derive(Default)]
pub struct Items {
    /// By place in [`ORDER`], then by mark.
    states: BTreeMap<(usize, bool), State>,
}

#[derive(Default)]
struct State {
    /// The state in words that claim no more than is known.
    name: String,
    count: u64,
    html: String,
}

/// The states in the order in which they are shown, and the colour at their side.
const ORDER: [(&str, &str); 9] = [
    ("deleted", "stale-leaf"),
    ("superseded", "live-overflow"),
    ("dropped-bucket", "stale-branch"),
    ("unjudged", "free-zero"),
    ("uncommitted", "damaged"),
    ("beyond-hwm", "beyond-hwm"),
    ("orphan-fragment", "orphan"),
    ("slack", "slack"),
    ("live", "live-leaf"),
];

impl Items {
    pub fn push(&mut self, item: &Value) {
        let place = ORDER.iter().position(|(state, _)| item["state"] == *state).unwrap_or(ORDER.len());
        let state = self.states.entry((place, has_mark(item, "U"))).or_default();
        if state.count == 0 {
            state.name = text::bytes(&item["state_in_words"]);
        }
        state.count += 1;
        if state.count <= MOST {
            card(item, &mut state.html);
        }
    }

    /// How many there are, and how many of them may never have been committed.
    pub fn total(&self) -> (u64, u64) {
        let add = |(all, marked), ((_, is_marked), state): (&(usize, bool), &State)| {
            (all + state.count, marked + if *is_marked { state.count } else { 0 })
        };
        self.states.iter().fold((0, 0), add)
    }

    pub fn write(&self, html: &mut String) {
        if self.states.is_empty() {
            html.push_str("<p>Nothing was found outside of the current state.</p>");
            return;
        }
        html.push_str("<div class=\"scroll\"><table><thead><tr><th>State</th><th class=\"n\">Items</th></tr></thead><tbody>");
        for (id, name, meaning, state) in self.sections() {
            let items = grouped(state.count);
            let _ = write!(
                html,
                "<tr><td><a href=\"#{id}\">{name}</a><small>{meaning}</small></td><td class=\"n\">{items}</td></tr>"
            );
        }
        html.push_str("</tbody></table></div><h4>Grades and marks</h4><dl class=\"tight\">");
        for (letter, meaning) in words::GRADES {
            let class = letter.to_lowercase();
            let _ = write!(html, "<dt><span class=\"badge {class}\">{letter}</span></dt><dd>{meaning}</dd>");
        }
        html.push_str("</dl>");
        for (id, name, meaning, state) in self.sections() {
            let _ = write!(html, "<h3 id=\"{id}\">{name}: {}</h3><p>{meaning}</p>{}", count(state.count, "item"), state.html);
            if state.count > MOST {
                let _ = write!(html, "<p class=\"more\">and {} more, all in the JSON lines</p>", grouped(state.count - MOST));
            }
        }
    }

    /// What the parts are called, what that means, and what is in them.
    fn sections(&self) -> impl Iterator<Item = (String, String, String, &State)> {
        self.states.iter().map(|((place, is_marked), state)| {
            let meaning = ORDER.get(*place).map_or("", |(name, _)| words::state(name));
            let doubt = if *is_marked { format!(" {}", words::OR_UNCOMMITTED) } else { String::new() };
            (format!("items-{place}-{is_marked}"), escape::xml(&state.name), format!("{meaning}{doubt}"), state)
        })
    }
}

fn has_mark(item: &Value, mark: &str) -> bool {
    item["marks"].as_array().is_some_and(|marks| marks.iter().any(|it| it == mark))
}

fn card(item: &Value, html: &mut String) {
    let number = |name: &str| item[name].as_u64().unwrap_or_default();
    let (grade, offset, length) = (text::bytes(&item["grade"]), number("offset"), number("length"));
    let color = ORDER.iter().find(|(state, _)| item["state"] == *state).map_or("line", |(_, color)| color);
    let _ =
        write!(html, "<div class=\"item\" style=\"--f:var(--{color})\"><p class=\"k\"><span class=\"badge\">{grade}</span>");
    for mark in ["U", "X"].into_iter().filter(|mark| has_mark(item, mark)) {
        let _ = write!(html, "<span class=\"badge {}\">{mark}</span>", mark.to_lowercase());
    }
    let kind = item["kind"].as_str().unwrap_or_default();
    match text::bytes(&item["key"]) {
        key if key.is_empty() => _ = write!(html, "{kind} without a key"),
        key if kind == "pair" => _ = write!(html, "<code>{}</code>", cut(&key, KEY)),
        key => _ = write!(html, "{kind} <code>{}</code>", cut(&key, KEY)),
    }
    let bucket = match text::path(&item["bucket"]) {
        Some(path) => format!("bucket <code>{}</code>", cut(&path, KEY)),
        None => "bucket not known".to_owned(),
    };
    let element = item["element"].as_u64().map(|element| format!(", element {element}")).unwrap_or_default();
    let _ = write!(
        html,
        "</p><p class=\"m\">{bucket} \u{b7} page {}{element} \u{b7} value at byte {} ({offset:#x}), {}",
        grouped(number("page")),
        grouped(offset),
        count(length, "byte"),
    );
    if let clocks @ 1.. = item["clocks"].as_array().map_or(0, Vec::len) {
        let _ = write!(html, " \u{b7} {}", cut(&text::clocks(&item["clocks"]), if clocks > 1 { KEY } else { KEY / 2 }));
    }
    html.push_str("</p>");
    if kind != "bucket" && length > 0 {
        let _ = write!(html, "<pre>{}</pre>", value(item));
    }
    let sum = text::bytes(&item["sha256"]);
    let _ = write!(html, "<p class=\"h\">sha256 <code>{sum}</code> \u{b7} {}</p></div>", text::list(&item["reasons"]));
}

/// The begin of a value, without the index of libkv's that stands before it. Zeros that follow each other are counted.
fn value(item: &Value) -> String {
    if item["value"].is_null() {
        return "too long to be shown: its place, length and sum tell which bytes it is".to_owned();
    }
    let bytes = text::raw(&item["value"]);
    let has_index = item["clocks"].as_array().is_some_and(|clocks| clocks.iter().any(|clock| clock["index"].is_u64()));
    let shown = bytes.get(if has_index { INDEX_SIZE } else { 0 }..).unwrap_or_default();
    let mut out = String::new();
    let runs = shown.chunk_by(|a, b| (*a == 0) == (*b == 0));
    for run in runs {
        match run {
            [0, ..] if run.len() >= ZEROS => _ = write!(out, "\u{27e8}{} zeros\u{27e9}", grouped(run.len() as u64)),
            _ => out.push_str(&quote::on_one_line(run)),
        }
    }
    cut(&out, VALUE)
}

/// The begin of a text as markup, and how much more there is.
pub fn cut(text: &str, most: usize) -> String {
    match text::excerpt(text, most) {
        (text, 0) => escape::xml(text),
        (text, more) => format!("{}<span class=\"note\">… {} more</span>", escape::xml(text), grouped(more as u64)),
    }
}
