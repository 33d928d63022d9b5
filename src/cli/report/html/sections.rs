//! Owns the parts of the page but for the pictures and the items.

use std::fmt::Write;

use serde_json::Value;

use super::super::{escape, text};
use super::items::cut;
use super::number::{count, grouped, share, size};
use super::picture::swatch;
use super::words;

/// Characters of a text that is no value.
const LONGEST: usize = 600;
/// Characters of the JSON of a network.
const INSPECTED: usize = 8_000;

/// As much of an id as docker shows.
const ID: usize = 12;

/// The parts that every page has.
pub const CONTENTS: [(&str, &str); 8] = [
    ("custody", "Custody"),
    ("metas", "Metas"),
    ("map", "Every page"),
    ("account", "Every byte"),
    ("check", "Integrity"),
    ("observations", "Observations"),
    ("items", "Recovered items"),
    ("buckets", "Buckets"),
];

pub const BUCKETS_HEAD: &str = "<div class=\"scroll\"><table><thead><tr><th>Bucket</th><th class=\"n\">Pairs</th>\
    <th class=\"n\">Buckets in it</th><th class=\"n\">Keys, bytes</th><th class=\"n\">Values, bytes</th>\
    <th class=\"n\">Pages</th><th class=\"n\">Root page</th><th class=\"n\">Sequence</th></tr></thead><tbody>";

/// The first of many pieces of markup, and how many there are.
pub struct List {
    pub count: u64,
    most: u64,
    shown: Vec<String>,
}

impl List {
    pub fn of(most: u64) -> List {
        List { count: 0, most, shown: Vec::new() }
    }

    pub fn push(&mut self, make: impl FnOnce() -> String) {
        self.count += 1;
        if self.count <= self.most {
            self.shown.push(make());
        }
    }

    pub fn sort(&mut self) {
        self.shown.sort();
    }

    pub fn write(&self, element: &str, html: &mut String) {
        let class = if element == "ul" { " class=\"plain\"" } else { "" };
        let _ = write!(html, "<{element}{class}>");
        self.shown.iter().for_each(|one| html.push_str(one));
        let _ = write!(html, "</{element}>");
        self.more(html);
    }

    pub fn write_or(&self, none: &str, html: &mut String) {
        match (self.count, self.shown.first()) {
            (0, _) => _ = write!(html, "<p>{none}</p>"),
            (_, Some(first)) if first.starts_with("<li>") => self.write("ul", html),
            _ => self.write("div", html),
        }
    }

    /// The rows of a table that was begun, and its end.
    pub fn write_rows(&self, html: &mut String) {
        self.shown.iter().for_each(|row| html.push_str(row));
        html.push_str("</tbody></table></div>");
        self.more(html);
    }

    fn more(&self, html: &mut String) {
        if let more @ 1.. = self.count.saturating_sub(self.most) {
            let _ = write!(html, "<p class=\"more\">and {} more, all in the JSON lines</p>", grouped(more));
        }
    }
}

/// A member as text in markup.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "not known".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), grouped),
        value => cut(&text::bytes(value), LONGEST),
    }
}

fn code(value: &Value) -> String {
    format!("<code>{}</code>", text_of(value))
}

fn row(name: &str, value: &str, html: &mut String) {
    let _ = write!(html, "<dt>{name}</dt><dd>{value}</dd>");
}

/// The name of the file without the way to it.
pub fn file_name(report: &Value) -> String {
    let path = report["file"].as_str().unwrap_or_default();
    let name = std::path::Path::new(path).file_name().map_or_else(|| path.into(), |name| name.to_string_lossy());
    text_of(&Value::from(name.as_ref()))
}

/// The file in a few sentences.
pub fn lead(layout: &Value, evidence: &Value, (items, marked): (u64, u64), html: &mut String) {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let _ = write!(
        html,
        "<p class=\"lead\">{}: {} of {} bytes, {}-endian. ",
        count(number(&evidence["size"]), "byte"),
        count(number(&layout["pages"]), "page"),
        grouped(number(&layout["page_size"])),
        text::bytes(&layout["byte_order"]),
    );
    match (layout["txid"].as_u64(), layout["live_whole"] == true) {
        (None, _) => html.push_str("Neither meta names a state, so nothing can be called deleted. "),
        (Some(txid), true) => {
            _ = write!(html, "The current state is that of transaction {} and can be read whole. ", grouped(txid))
        }
        (Some(txid), false) => {
            _ = write!(
                html,
                "The current state is that of transaction {} and is damaged: what it lost is not called deleted. ",
                grouped(txid)
            );
        }
    }
    let which = if layout["txid"].is_null() { "" } else { " that this state does not show" };
    match items {
        0 => html.push_str("Nothing else was found in the file. "),
        1 => _ = write!(html, "One item was found{which}. "),
        n => _ = write!(html, "{} items were found{which}. ", grouped(n)),
    }
    if marked > 0 {
        let _ = write!(html, "{} of them may be of a transaction that never committed.", grouped(marked));
    }
    html.push_str("</p>\n");
}

pub fn custody(report: &Value, before: &Value, after: &Value, html: &mut String) {
    html.push_str("<h2 id=\"custody\">Custody record</h2>\n");
    let words = report["command"].as_array().into_iter().flatten().map(text::bytes).collect::<Vec<_>>().join(" ");
    html.push_str("<div class=\"card\"><dl>");
    row("File", &code(&report["path"]), html);
    row("Given as", &code(&report["file"]), html);
    row("Device and inode", &format!("{}, {}", text_of(&before["device"]), text_of(&before["inode"])), html);
    row(
        "Size",
        &format!(
            "{} ({})",
            count(before["size"].as_u64().unwrap_or_default(), "byte"),
            size(before["size"].as_u64().unwrap_or_default())
        ),
        html,
    );
    row("Last changed", &text_of(&before["modified"]), html);
    row("SHA-256 before", &code(&before["sha256"]), html);
    row("SHA-256 after", &code(&after["sha256"]), html);
    let verdict = match (after["unchanged"] == true, after["in_place"] == true) {
        (true, _) => "<b style=\"color:var(--good)\">\u{2713} unchanged</b>: bytes, size, time of change and name",
        (false, true) => "<b style=\"color:var(--alarm)\">changed during the run</b>",
        (false, false) => "<b style=\"color:var(--alarm)\">another file has the name by now</b>",
    };
    row("Evidence", verdict, html);
    if after["unchanged"] != true {
        row("Size after", &text_of(&after["size"]), html);
        row("Last changed after", &text_of(&after["modified"]), html);
    }
    row(
        "Time of last access",
        if after["access_time_kept"] == true { "left alone" } else { "may have been set by reading" },
        html,
    );
    html.push_str("</dl></div>\n<div class=\"card\"><dl>");
    row("Tool", &format!("unbolt {}", text_of(&report["version"])), html);
    row("SHA-256 of the tool", &code(&report["tool_sha256"]), html);
    row("Command", &format!("<code>{}</code>", cut(&words, LONGEST)), html);
    row("In directory", &code(&report["directory"]), html);
    row("Host", &format!("{} ({})", text_of(&report["host"]), text_of(&report["system"])), html);
    row("User", &text_of(&report["user"]), html);
    row("Started", &text_of(&report["started"]), html);
    row("Ended", &text_of(&after["ended"]), html);
    html.push_str("</dl></div>\n");
    let warnings: Vec<&Value> = after["warnings"].as_array().into_iter().flatten().collect();
    html.push_str("<h3>Warnings</h3>");
    match warnings.is_empty() {
        true => html.push_str("<p>None.</p>\n"),
        false => {
            html.push_str("<ul class=\"plain\">");
            warnings.iter().for_each(|warning| _ = write!(html, "<li>{}</li>", text_of(warning)));
            html.push_str("</ul>\n");
        }
    }
}

pub fn metas(metas: &[Value], html: &mut String) {
    html.push_str("<h2 id=\"metas\">Metas</h2>\n<p>Each of the two names a state of the file. The valid one with the higher transaction is current.</p><div class=\"two\">");
    for meta in metas {
        let standing = match (meta["valid"] == true, meta["current"] == true) {
            (true, true) => "current",
            (true, false) => "valid, not current",
            (false, _) => "refused",
        };
        let _ = write!(html, "<div class=\"card\"><h3>Page {}: {standing}</h3><dl class=\"tight\">", text_of(&meta["page"]));
        if !meta["refused"].is_null() {
            row("Refused", &format!("<b style=\"color:var(--alarm)\">{}</b>", text_of(&meta["refused"])), html);
        }
        if meta["valid"] != true && !meta["txid"].is_null() {
            row("Its fields", "as they lie there, which nothing vouches for", html);
        }
        let names = [
            ("txid", "Transaction"),
            ("root", "Root page"),
            ("high_water", "High-water mark"),
            ("page_size", "Page size"),
            ("flags", "Flags"),
            ("root_sequence", "Sequence of the root"),
        ];
        names.iter().for_each(|(member, name)| row(name, &text_of(&meta[*member]), html));
        let freelist = if meta["freelist"].is_null() { "none is stored".to_owned() } else { text_of(&meta["freelist"]) };
        row("List of free pages", &freelist, html);
        row("Checksum", &code(&meta["checksum"]), html);
        row("Offset", &text_of(&meta["offset"]), html);
        row("Provable", if meta["provable"] == true { "yes" } else { "no" }, html);
        html.push_str("</dl></div>");
    }
    html.push_str("</div>\n");
}

/// Every byte of the file by class.
pub fn account(classes: &[Value], whole: u64, runs: u64, html: &mut String) {
    let number = |class: &Value, member: &str| class[member].as_u64().unwrap_or_default();
    let shown: Vec<&Value> = classes.iter().filter(|class| number(class, "bytes") + number(class, "pages") > 0).collect();
    html.push_str("<h2 id=\"account\">Every byte</h2>\n<p>Each byte of the file is of exactly one class. A page counts once, as what it is for all but its slack.</p><div class=\"bar\" role=\"img\" aria-label=\"The bytes of the file by class\">");
    for class in shown.iter().filter(|class| number(class, "bytes") > 0) {
        let (name, bytes) = (text::bytes(&class["class"]), number(class, "bytes"));
        let _ =
            write!(html, "<i style=\"flex-grow:{bytes};--f:var(--{name})\" title=\"{name}: {}\"></i>", count(bytes, "byte"));
    }
    html.push_str("</div><div class=\"scroll\"><table class=\"stack\"><thead><tr><th>Class</th><th class=\"n\">Pages</th><th class=\"n\">Bytes</th><th class=\"n\">Share</th></tr></thead><tbody>");
    let (mut pages, mut bytes) = (0, 0);
    for class in shown {
        let name = text::bytes(&class["class"]);
        (pages, bytes) = (pages + number(class, "pages"), bytes + number(class, "bytes"));
        let _ = write!(
            html,
            "<tr><td>{}<b>{name}</b><small>{}</small></td><td class=\"n\" data-n=\"pages\">{}</td><td class=\"n\" data-n=\"bytes\">{}</td><td class=\"n\">{}</td></tr>",
            swatch(&name),
            words::class(&name).0,
            grouped(number(class, "pages")),
            grouped(number(class, "bytes")),
            share(number(class, "bytes"), whole),
        );
    }
    let equal = if bytes == whole { "the file, to the byte" } else { "which is not the length of the file" };
    let _ = write!(
        html,
        "</tbody><tfoot><tr><td>All classes: {equal}</td><td class=\"n\" data-n=\"pages\">{}</td><td class=\"n\" data-n=\"bytes\">{}</td><td class=\"n\">{}</td></tr></tfoot></table></div>\
         <p class=\"note\">The pages lie in {} of one class and one bucket, which the JSON lines list with offsets.</p>",
        grouped(pages),
        grouped(bytes),
        share(bytes, whole),
        count(runs, "run"),
    );
}

pub fn finding(finding: &Value) -> String {
    let severity = text::bytes(&finding["severity"]);
    format!(
        "<li><span class=\"badge {severity}\">{severity}</span><code>{}</code><br/>{}</li>",
        text_of(&finding["code"]),
        text_of(&finding["message"])
    )
}

pub fn observation(seen: &Value) -> String {
    let mut place = String::new();
    for (member, name) in [("page", "page"), ("offset", "at byte"), ("length", "length")] {
        if !seen[member].is_null() {
            let _ = write!(place, " \u{b7} {name} {}", text_of(&seen[member]));
        }
    }
    format!(
        "<li><code>{}</code><span class=\"note\">{place}</span><br/>{}</li>",
        text_of(&seen["code"]),
        text_of(&seen["text"])
    )
}

pub fn root(root: &Value) -> String {
    let named = match root["meta"].as_u64() {
        Some(meta) => format!("named by the meta on page {meta}, transaction {}", text_of(&root["txid"])),
        None => "named by no meta".to_owned(),
    };
    let walks = match root["walks"].as_bool() {
        Some(true) => "its trees can be walked whole",
        Some(false) => "its trees cannot be walked whole",
        None => "nobody tried to walk it",
    };
    let own = count(root["own_pages"].as_u64().unwrap_or_default(), "page");
    format!(
        "<li><b>Page {}</b>: {}, {named}; {walks}; {own} that the current state does not use</li>",
        text_of(&root["page"]),
        text_of(&root["label"])
    )
}

pub fn bucket(bucket: &Value) -> String {
    let path = text::path(&bucket["bucket"]).unwrap_or_default();
    let root = if bucket["inline"] == true { "inline".to_owned() } else { text_of(&bucket["root"]) };
    let mut html = format!("<tr><td><code>{}</code></td>", cut(&path, LONGEST));
    for member in ["pairs", "buckets", "key_bytes", "value_bytes", "pages"] {
        let _ = write!(html, "<td class=\"n\">{}</td>", text_of(&bucket[member]));
    }
    let _ = write!(html, "<td class=\"n\">{root}</td><td class=\"n\">{}</td></tr>", text_of(&bucket["sequence"]));
    html
}

pub fn network(network: &Value) -> String {
    let listed = |value: &Value| Some(text::list(value)).filter(|list| !list.is_empty()).unwrap_or_else(|| "none".to_owned());
    let mut html = format!("<div class=\"card\"><h3>{}</h3><dl>", text_of(&network["name"]));
    row("Id", &code(&network["id"]), &mut html);
    row("Driver, scope", &format!("{}, {}", text_of(&network["driver"]), text_of(&network["scope"])), &mut html);
    row("Created", &text_of(&network["created"]), &mut html);
    row("Subnets", &cut(&listed(&network["subnets"]), LONGEST), &mut html);
    row("Gateways", &cut(&listed(&network["gateways"]), LONGEST), &mut html);
    row("Written by", &format!("Docker {}", text_of(&network["inspect"]["Libnetwork"]["WrittenBy"])), &mut html);
    html.push_str("</dl>");
    let endpoints: Vec<&Value> = network["endpoints"].as_array().into_iter().flatten().collect();
    if !endpoints.is_empty() {
        html.push_str("<div class=\"scroll\"><table><thead><tr><th>Endpoint</th><th>Addresses</th><th>MAC</th><th>Ports of the host</th><th>Container</th></tr></thead><tbody>");
        for endpoint in endpoints.iter().take(100) {
            let container = text::bytes(&endpoint["container"]);
            let _ = write!(
                html,
                "<tr><td>{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td></tr>",
                text_of(&endpoint["name"]),
                cut(&text::list(&endpoint["addresses"]), LONGEST),
                cut(&text::bytes(&endpoint["mac"]), LONGEST),
                cut(&text::list(&endpoint["ports"]), LONGEST),
                escape::xml(text::excerpt(&container, ID).0),
            );
        }
        html.push_str("</tbody></table></div>");
        if let more @ 1.. = endpoints.len().saturating_sub(100) {
            let _ = write!(html, "<p class=\"more\">and {more} more, all in the JSON lines</p>");
        }
    }
    let inspected = escape::visible_lines(&network["inspect"]);
    let _ = write!(html, "<details><summary>All records</summary><pre>{}</pre></details></div>", cut(&inspected, INSPECTED));
    html
}

pub fn problem(problem: &Value) -> String {
    format!("<li>{}</li>", text_of(&problem["text"]))
}
